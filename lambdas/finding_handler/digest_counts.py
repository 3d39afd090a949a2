"""The findings of a digest, counted (step 4)."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from lambdas.common.ledger.record import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingSummary:
    """What a digest shows of one finding; `problem` is why the remediation failed."""

    id: str
    status: Status
    severity: str
    detections: tuple[str, ...]
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestCounts:
    """The findings of a digest, counted by status, severity, detection and problem."""

    statuses: Counter[Status]
    severities: Counter[str]
    detections: Counter[str]
    problems: Counter[str]

    @classmethod
    def from_summaries(cls, summaries: Iterable[FindingSummary]) -> "DigestCounts":
        """Count `summaries`."""
        counts = cls(
            statuses=Counter(), severities=Counter(), detections=Counter(), problems=Counter()
        )
        for summary in summaries:
            counts.statuses[summary.status] += 1
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
