"""The remediation queue, as a test of the finding handler looks at it and disturbs it."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from lambdas.common.dispatch import RemediationRequest
from tests.harness.aws import error_response, plain_client
from tests.harness.harness import Harness


def request_for(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the remediator is asked to do about a finding."""
    return RemediationRequest(finding_id=detail["id"]).to_payload()


def lose_remediations() -> None:
    """Lose the messages in the remediation queue."""
    sqs, url = plain_client("sqs"), os.environ["REMEDIATION_QUEUE"]
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def put_back(requests: list[dict[str, Any]]) -> None:
    """Put `requests` into the remediation queue."""
    for request in requests:
        plain_client("sqs").send_message(
            QueueUrl=os.environ["REMEDIATION_QUEUE"], MessageBody=json.dumps(request)
        )


@contextmanager
def queue_refuses(harness: Harness) -> Iterator[None]:
    """Make SQS refuse what is sent to the remediation queue."""

    def refuse(params: Mapping[str, Any], **_: Any) -> Any:
        if json.loads(params["body"])["QueueUrl"] == os.environ["REMEDIATION_QUEUE"]:
            return error_response(403, "AccessDenied")
        return None

    harness.register("before-call.sqs.SendMessage", refuse)
    yield
    harness.unregister("before-call.sqs.SendMessage", refuse)
