"""Redriving sends findings and remediations to their queues again, or to the remediator."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from scripts.redrive import STACK, redrive

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

ROOT = Path(__file__).parents[2]


class FakeLambda:
    """A Lambda client that keeps the payloads of its invocations, or fails."""

    def __init__(self, *, fails: bool = False) -> None:
        self.payloads: list[Any] = []
        self._fails = fails

    def invoke(self, **request: Any) -> None:
        """Keep an invocation's payload."""
        if self._fails:
            raise ConnectionError
        assert request["InvocationType"] == "Event"
        self.payloads.append(json.loads(request["Payload"]))


@pytest.fixture
def sqs() -> Iterator["SQSClient"]:
    with mock_aws():
        yield boto3.client("sqs", region_name="us-east-1")


@pytest.fixture
def outputs(sqs: "SQSClient") -> dict[str, str]:
    names = (
        "FindingQueueUrl",
        "FindingDeadLetterQueueUrl",
        "RemediationQueueUrl",
        "RemediationDeadLetterQueueUrl",
    )
    urls = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in names}
    return {**urls, "RemediatorFunctionName": "remediator"}


def _redrive(
    sqs: "SQSClient", outputs: dict[str, str], functions: FakeLambda | None = None
) -> dict[str, int]:
    client: Any = functions or FakeLambda()
    return redrive(sqs=sqs, functions=client, outputs=outputs)


def _bodies(sqs: "SQSClient", url: str) -> list[str]:
    response = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
    return [message["Body"] for message in response.get("Messages", [])]


def test_findings_return_to_their_queue(sqs: "SQSClient", outputs: dict[str, str]) -> None:
    for number in range(25):
        sqs.send_message(
            QueueUrl=outputs["FindingDeadLetterQueueUrl"], MessageBody=f"event {number}"
        )
    assert _redrive(sqs, outputs) == {"findings": 25, "remediations": 0}
    assert _bodies(sqs, outputs["FindingDeadLetterQueueUrl"]) == []
    assert len(_bodies(sqs, outputs["FindingQueueUrl"])) == 10


def test_remediations_start_again_with_the_same_payload(
    sqs: "SQSClient", outputs: dict[str, str]
) -> None:
    payload = {"finding_id": "f1", "response_url": None, "reply": None}
    record = {"version": "1.0", "requestPayload": payload, "responsePayload": {"errorType": "X"}}
    sqs.send_message(
        QueueUrl=outputs["RemediationDeadLetterQueueUrl"], MessageBody=json.dumps(record)
    )
    functions = FakeLambda()
    assert _redrive(sqs, outputs, functions)["remediations"] == 1
    assert functions.payloads == [payload]
    assert _bodies(sqs, outputs["RemediationDeadLetterQueueUrl"]) == []


@pytest.mark.parametrize(
    "body", ['{"finding_id": "f1", "response_url": null, "reply": null}', "not JSON", "[]"]
)
def test_remediations_that_came_through_the_queue_return_to_it(
    sqs: "SQSClient", outputs: dict[str, str], body: str
) -> None:
    sqs.send_message(QueueUrl=outputs["RemediationDeadLetterQueueUrl"], MessageBody=body)
    functions = FakeLambda()
    assert _redrive(sqs, outputs, functions) == {"findings": 0, "remediations": 1}
    assert functions.payloads == []
    assert _bodies(sqs, outputs["RemediationQueueUrl"]) == [body]
    assert _bodies(sqs, outputs["RemediationDeadLetterQueueUrl"]) == []


def test_a_message_that_cannot_be_sent_stays_in_its_queue(
    sqs: "SQSClient", outputs: dict[str, str]
) -> None:
    url = outputs["RemediationDeadLetterQueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "0"})
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"requestPayload": {"finding_id": "f1"}}))
    with pytest.raises(ConnectionError):
        _redrive(sqs, outputs, FakeLambda(fails=True))
    assert len(_bodies(sqs, url)) == 1


def test_the_stack_has_the_name_that_app_py_deploys() -> None:
    assert f'ChatOpsStack(app, "{STACK}"' in (ROOT / "app.py").read_text()


def test_it_needs_no_package_of_developers() -> None:
    """`make redrive` runs where the stack is deployed from."""
    code = "import sys, scripts.redrive; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"ministack", "cryptography", "moto", "playwright"} & set(run.stdout.split())
