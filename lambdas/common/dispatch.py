"""How one function starts another: by a queue, or by its name where a person waits for it.

The remediator's queue limits how many remediations run at a time. Otherwise a burst of findings, or
one click on a digest, would take the concurrency of the whole account.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient

SCHEDULED_EVENT = "Scheduled Event"
"""The `detail-type` of the event that EventBridge sends every minute: run the tasks that are due.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A text for the person who clicked, and for nobody else."""

    user: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemediationRequest:
    """What the remediator is asked to do.

    Attributes:
        finding_id: the finding to act on and to show; None where there is nothing to show.
        response_url: the callback URL of the click that led here, if there was one.
        reply: what the person who clicked reads privately, if anything.
    """

    finding_id: str | None
    response_url: str | None = None
    reply: Reply | None = None

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> "RemediationRequest":
        """Read what `to_payload` wrote."""
        reply = payload.get("reply")
        return cls(
            finding_id=payload["finding_id"],
            response_url=payload.get("response_url"),
            reply=Reply(**reply) if reply else None,
        )

    def to_payload(self) -> dict[str, Any]:
        """Return the request as the JSON object that Lambda carries."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemediatorFunction:
    """The remediator as the other two functions see it; `name` is its name or ARN."""

    client: "LambdaClient"
    name: str


def start_remediation(remediator: RemediatorFunction, request: RemediationRequest) -> None:
    """Start the remediator for a click, at once, and do not wait for it.

    Source: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
    """
    response = remediator.client.invoke(
        FunctionName=remediator.name,
        InvocationType="Event",
        Payload=json.dumps(request.to_payload()).encode(),
    )
    # A connection whose response was not read is not used again.
    response["Payload"].read()


@dataclass(frozen=True, slots=True, kw_only=True)
class EventQueue:
    """A queue of the finding handler, or the one of the remediator."""

    client: "SQSClient"
    url: str


def enqueue(queue: EventQueue, event: Mapping[str, Any], *, delay: timedelta = timedelta()) -> None:
    """Send `event`, in which times may be datetimes, to the consumer of `queue` after `delay`."""
    queue.client.send_message(
        QueueUrl=queue.url,
        MessageBody=json.dumps(event, default=_serialize_time),
        DelaySeconds=math.ceil(delay.total_seconds()),
    )


def enqueue_remediation(queue: EventQueue, request: RemediationRequest) -> None:
    """Send `request` to the queue of the remediator, which runs a limited number at a time.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
    """
    enqueue(queue, request.to_payload())


def enqueue_task_run(queue: EventQueue, *, delay: timedelta = timedelta()) -> None:
    """Make the finding handler run the tasks that are due, before the next minute if need be."""
    enqueue(queue, {"detail-type": SCHEDULED_EVENT}, delay=delay)


def _serialize_time(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"an event cannot hold a {type(value).__name__}")
