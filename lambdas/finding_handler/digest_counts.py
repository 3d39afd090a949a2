"""The findings of a digest, counted (step 4)."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from lambdas.common.ledger.record import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingSummary:
    """What a digest shows of one finding.

    Attributes:
        id: of the finding.
        status: its status.
        severity: the name of its severity.
        detections: the most frequent kinds of sensitive data.
        at: when it reached its status.
        problem: why the remediation failed.
    """

    id: str
    status: Status
    severity: str
    detections: tuple[str, ...]
    at: datetime
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestCounts:
    """The findings of a digest, counted by status, severity, detection and problem.

    `latest` is when the latest of the findings with a status reached it.
    """

    statuses: Counter[Status]
    severities: Counter[str]
    detections: Counter[str]
    problems: Counter[str]
    latest: dict[Status, datetime]

    @classmethod
    def from_summaries(cls, summaries: Iterable[FindingSummary]) -> "DigestCounts":
        """Count `summaries`."""
        counts = cls(
            statuses=Counter(),
            severities=Counter(),
            detections=Counter(),
            problems=Counter(),
            latest={},
        )
        for summary in summaries:
            counts.statuses[summary.status] += 1
            latest = counts.latest.get(summary.status, summary.at)
            counts.latest[summary.status] = max(latest, summary.at)
            counts.severities[summary.severity] += 1
            counts.detections.update(summary.detections)
            counts.problems.update([summary.problem] if summary.problem else [])
        return counts

    @property
    def total(self) -> int:
        """How many findings there are."""
        return self.statuses.total()

    @property
    def waiting(self) -> int:
        """How many findings wait for a decision."""
        return self.statuses[Status.AWAITING_REVIEW]
