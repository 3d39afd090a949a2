"""What is measured of each step: CloudWatch metrics, in the words of the ledger.

The names stand in stacks/dashboard.py as well, whose dashboard draws them. Their namespace is the
stack's name.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from lambdas.common.record import REMEDIATOR, UNDER_WAY, Record, Status

SLACK_REFUSALS = "SlackRefusals"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One value of a metric; `unit` is CloudWatch's, Count or Seconds."""

    name: str
    value: float
    unit: str
    dimensions: tuple[tuple[str, str], ...] = ()


REFUSED_CLICK = Measure(name="RefusedClicks", value=1, unit="Count")


def of_step(record: Record) -> Iterator[Measure]:
    """Measure the latest step of `record`."""
    step, finding = record.history[-1], record.finding
    if step.is_refused:
        yield REFUSED_CLICK
        return
    seconds = max(0.0, (step.at - finding.created_at).total_seconds())
    if len(record.history) == 1:
        kind = (("Type", finding.type), ("Decision", step.status.value))
        yield Measure(name="Findings", value=1, unit="Count", dimensions=kind)
    else:
        status = (("Status", step.status.value),)
        yield Measure(name="Steps", value=1, unit="Count", dimensions=status)
    if step.by != REMEDIATOR and step.status in UNDER_WAY | {Status.DISMISSED}:
        yield Measure(name="TimeToDecision", value=seconds, unit="Seconds")
    if step.status is Status.QUARANTINED:
        yield Measure(name="TimeToQuarantine", value=seconds, unit="Seconds")
