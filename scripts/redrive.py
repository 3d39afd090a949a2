"""`make redrive`: send the messages of both dead-letter queues again, after their cause is fixed.

A finding or a remediation returns to its queue, and what a click had started is started again.
Nothing is done twice: the ledger knows what is already done.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import boto3

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

STACK = "MacieChatOps"

_MAX_EMPTY_RECEIVES = 3
"""SQS samples its servers, so a single empty response does not mean an empty queue.

Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html
"""


def redrive(
    *, sqs: "SQSClient", functions: "LambdaClient", outputs: Mapping[str, str]
) -> dict[str, int]:
    """Empty both dead-letter queues.

    Args:
        sqs: an SQS client.
        functions: a Lambda client.
        outputs: of the deployed stack, by name.

    Returns:
        How many findings and remediations were sent again.
    """

    def enqueue_finding(body: str) -> None:
        sqs.send_message(QueueUrl=outputs["FindingQueueUrl"], MessageBody=body)

    def start_remediation(body: str) -> None:
        request = _failed_invocation(body)
        if request is None:
            sqs.send_message(QueueUrl=outputs["RemediationQueueUrl"], MessageBody=body)
            return
        functions.invoke(
            FunctionName=outputs["RemediatorFunctionName"],
            InvocationType="Event",
            Payload=json.dumps(request),
        )

    return {
        "findings": _drain(sqs, outputs["FindingDeadLetterQueueUrl"], enqueue_finding),
        "remediations": _drain(sqs, outputs["RemediationDeadLetterQueueUrl"], start_remediation),
    }


def _failed_invocation(body: str) -> object:
    """Return the payload of the invocation that Lambda gave up; None for a message of the queue.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    """
    try:
        record = json.loads(body)
    except ValueError:
        return None
    return record.get("requestPayload") if isinstance(record, dict) else None


def _drain(sqs: "SQSClient", url: str, send: Callable[[str], None]) -> int:
    count = 0
    for message in _receive(sqs, url):
        send(message["Body"])
        # Deleted only now: an interruption sends the message twice, but never loses it.
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        count += 1
    return count


def _receive(sqs: "SQSClient", url: str) -> Iterator["MessageTypeDef"]:
    empty = 0
    while empty < _MAX_EMPTY_RECEIVES:
        response = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        messages = response.get("Messages", [])
        empty = 0 if messages else empty + 1
        yield from messages


def main() -> int:
    """Redrive the stack in the account and region of the shell."""
    cloudformation = boto3.client("cloudformation")
    (stack,) = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
    sent = redrive(sqs=boto3.client("sqs"), functions=boto3.client("lambda"), outputs=outputs)
    for kind, count in sent.items():
        print(f"{kind} sent again: {count}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
