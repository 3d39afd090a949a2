"""`make redrive`: send what lies in the dead-letter queues through again, once its cause is gone.

A finding goes back into its queue, a remediation is started again. Whatever was done before is not
done twice: the ledger sees to that.
"""

import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import boto3

STACK = "MacieChatOps"
_EMPTY_ANSWERS = 3
"""SQS asks some of its servers at a time, so one empty answer does not mean an empty queue."""


def redrive(*, sqs: Any, functions: Any, outputs: dict[str, str]) -> dict[str, int]:
    """Empty both dead-letter queues.

    Args:
        sqs: an SQS client.
        functions: a Lambda client.
        outputs: of the deployed stack.

    Returns:
        How many findings and remediations were sent through again.
    """

    def back_into_the_queue(body: str) -> None:
        sqs.send_message(QueueUrl=outputs["FindingQueueUrl"], MessageBody=body)

    def started_again(body: str) -> None:
        # https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
        request = json.loads(body)["requestPayload"]
        functions.invoke(
            FunctionName=outputs["RemediatorName"],
            InvocationType="Event",
            Payload=json.dumps(request),
        )

    return {
        "findings": _emptied(sqs, outputs["FindingDeadLettersUrl"], back_into_the_queue),
        "remediations": _emptied(sqs, outputs["RemediationDeadLettersUrl"], started_again),
    }


def _emptied(sqs: Any, url: str, send: Callable[[str], None]) -> int:
    count = 0
    for message in _messages(sqs, url):
        send(message["Body"])
        # Only now: who is interrupted sends it once more, and loses nothing.
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        count += 1
    return count


def _messages(sqs: Any, url: str) -> Iterator[Any]:
    empty = 0
    while empty < _EMPTY_ANSWERS:
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        messages = answer.get("Messages", [])
        empty = 0 if messages else empty + 1
        yield from messages


def main() -> int:
    """Redrive the stack of the shell's account and region."""
    cloudformation = boto3.client("cloudformation")
    (stack,) = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}
    sent = redrive(sqs=boto3.client("sqs"), functions=boto3.client("lambda"), outputs=outputs)
    for what, count in sent.items():
        print(f"{what} sent through again: {count}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
