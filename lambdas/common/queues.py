"""The finding handler's two queues: of findings, and of what else it is to see to.

They are apart, so that in a burst nobody's decision waits behind ten thousand findings.
"""

import json
import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from lambdas.common.aws import Call

AGENDA = "Scheduled Event"
"""The `detail-type` of what EventBridge sends every minute: have a look at what is due.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html
"""


class EventQueue:
    """A queue of events.

    Args:
        call: asks SQS.
        url: the queue's.
    """

    def __init__(self, call: Call, url: str) -> None:
        self._call = call
        self._url = url

    def send(self, event: Mapping[str, Any], *, after: timedelta = timedelta()) -> None:
        """Have the finding handler handle `event`, in which times may be datetimes."""
        body = json.dumps(event, default=_as_in_events)
        delay = math.ceil(after.total_seconds())
        self._call("SendMessage", QueueUrl=self._url, MessageBody=body, DelaySeconds=delay)


class AgendaQueue(EventQueue):
    """The queue of what is due."""

    def look_now(self) -> None:
        """Have the finding handler see what is due without waiting for the minute."""
        self.send({"detail-type": AGENDA})

    def look_again(self, *, after: timedelta) -> None:
        """Have the finding handler see what is due `after` a while, of whole seconds."""
        self.send({"detail-type": AGENDA}, after=after)


def _as_in_events(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is in no event")
