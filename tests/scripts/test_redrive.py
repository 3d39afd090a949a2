"""Dead letters come back: a finding into its queue, a remediation to the remediator."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from scripts.redrive import redrive


class Functions:
    """The one operation of Lambda's API that is used."""

    def __init__(self) -> None:
        self.started: list[Any] = []
        self.is_well = True

    def invoke(self, **call: Any) -> None:
        """Take an invocation."""
        if not self.is_well:
            raise ConnectionError
        assert call["InvocationType"] == "Event"
        self.started.append(json.loads(call["Payload"]))


@pytest.fixture
def sqs() -> Iterator[Any]:
    """An SQS client."""
    with mock_aws():
        yield boto3.client("sqs", region_name="us-east-1")


@pytest.fixture
def outputs(sqs: Any) -> dict[str, str]:
    """The stack's queues."""
    names = ("FindingQueueUrl", "FindingDeadLettersUrl", "RemediationDeadLettersUrl")
    urls = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in names}
    return {**urls, "RemediatorName": "remediator"}


def waiting(sqs: Any, url: str) -> list[str]:
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
    return [message["Body"] for message in messages.get("Messages", [])]


def test_findings_go_back_into_their_queue(sqs: Any, outputs: dict[str, str]) -> None:
    for number in range(25):
        sqs.send_message(QueueUrl=outputs["FindingDeadLettersUrl"], MessageBody=f"event {number}")
    sent = redrive(sqs=sqs, functions=Functions(), outputs=outputs)
    assert sent == {"findings": 25, "remediations": 0}
    assert waiting(sqs, outputs["FindingDeadLettersUrl"]) == []
    assert len(waiting(sqs, outputs["FindingQueueUrl"])) == 10


def test_remediations_are_started_again_with_what_they_were_asked(
    sqs: Any, outputs: dict[str, str]
) -> None:
    asked = {"finding_id": "f1", "response_url": None, "reply": None}
    record = {"version": "1.0", "requestPayload": asked, "responsePayload": {"errorType": "X"}}
    sqs.send_message(QueueUrl=outputs["RemediationDeadLettersUrl"], MessageBody=json.dumps(record))
    functions = Functions()
    assert redrive(sqs=sqs, functions=functions, outputs=outputs)["remediations"] == 1
    assert functions.started == [asked]
    assert waiting(sqs, outputs["RemediationDeadLettersUrl"]) == []


def test_what_can_not_be_sent_stays(sqs: Any, outputs: dict[str, str]) -> None:
    url = outputs["RemediationDeadLettersUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "0"})
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"requestPayload": {"finding_id": "f1"}}))
    functions = Functions()
    functions.is_well = False
    with pytest.raises(ConnectionError):
        redrive(sqs=sqs, functions=functions, outputs=outputs)
    assert len(waiting(sqs, url)) == 1


def test_it_needs_nothing_that_only_developers_have() -> None:
    """`make redrive` runs where the stack is deployed from."""
    needed = "import sys, scripts.redrive; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", needed], capture_output=True, text=True, check=True
    )
    assert not {"ministack", "cryptography", "moto", "playwright"} & set(done.stdout.split())
