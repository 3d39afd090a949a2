"""What EventBridge did not deliver: Macie is asked for its findings, those unknown are queued.

Macie's events are delivered on best effort.
Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-delivery-level.html
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from lambdas.common.aws import Call
from lambdas.common.finding import CLASSIFICATION
from lambdas.common.ledger import Ledger
from lambdas.common.queues import EventQueue

RECONCILIATION = "Reconciliation"
"""The `detail-type` of what the schedule sends."""

_AT_A_TIME = 50
"""As many findings as GetFindings answers.

Source: https://docs.aws.amazon.com/macie/latest/APIReference/findings-describe.html
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """Compares Macie's findings with the ledger's.

    Attributes:
        macie: what asks Macie.
        findings: where those missing are queued.
        queue: where a run goes on that had no time for all.
        window: how far back it looks; longer than the time between two runs.
    """

    macie: Call
    ledger: Ledger
    findings: EventQueue
    queue: EventQueue
    window: timedelta
    clock: Callable[[], datetime]

    def run(self, detail: dict[str, Any], *, until: datetime) -> int:
        """Queue the findings that the ledger does not know.

        Args:
            detail: of the event: empty, or where an earlier run stopped.
            until: when to stop; the rest is queued as another run.

        Returns:
            How many findings were missing.
        """
        since = detail.get("since") or self._since()
        more: Any = {"nextToken": detail["token"]} if detail.get("token") else {}
        missing = 0
        while True:
            page = self.macie(
                "ListFindings",
                findingCriteria={"criterion": _criterion(since)},
                maxResults=_AT_A_TIME,
                **more,
            )
            # Macie's model requires no member of an answer: an empty list may be left out.
            missing += self._queued(page.get("findingIds", []))
            if not page.get("nextToken"):
                return missing
            more = {"nextToken": page["nextToken"]}
            if self.clock() >= until:
                rest = {"since": since, "token": page["nextToken"]}
                self.queue.send({"detail-type": RECONCILIATION, "detail": rest})
                return missing

    def _since(self) -> int:
        return int((self.clock() - self.window).timestamp() * 1000)

    def _queued(self, ids: list[str]) -> int:
        known = self.ledger.known(ids)
        unknown = [one for one in ids if one not in known]
        if unknown:
            for finding in self.macie("GetFindings", findingIds=unknown).get("findings", []):
                self.findings.send({"detail-type": "Macie Finding", "detail": finding})
        return len(unknown)


def _criterion(since: int) -> Any:
    """Select the findings that EventBridge should have delivered; `since` in milliseconds.

    Source: https://docs.aws.amazon.com/macie/latest/user/findings-filter-fields.html
    """
    return {
        "category": {"eq": [CLASSIFICATION]},
        "archived": {"eq": ["false"]},
        "updatedAt": {"gte": since},
    }
