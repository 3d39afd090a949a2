"""What another finding on the same object means for the finding that came first (step 3). Pure."""

from datetime import datetime

from lambdas.common.finding import Finding
from lambdas.common.ledger.record import POLICY, Record, Status
from lambdas.finding_handler.policy import Action, Decision


def merge_duplicate(
    primary: Record,
    finding: Finding,
    decision: Decision,
    *,
    now: datetime,
    remind_at: datetime | None = None,
) -> Record:
    """Return `primary` with `finding` as a duplicate, and with a new status if `decision` needs it.

    What the policy remediates at once neither waits for the review of something less serious nor
    stays in a dry run, for the mode may have changed since. What was dismissed as one type of data
    is reviewed again when another type is found in it; the approvers are reminded at `remind_at`.
    """
    if any(duplicate.id == finding.id for duplicate in primary.duplicates):
        return primary
    merged = primary.add_duplicate(finding)
    match primary.status:
        case Status.AWAITING_REVIEW | Status.DRY_RUN if decision.action is Action.AUTO:
            status, reason = Status.REMEDIATING, decision.reason
        case Status.DISMISSED if finding.type not in _types(primary):
            status, reason = Status.AWAITING_REVIEW, f"{finding.type} was found in it as well"
        case _:
            return merged
    return merged.transition_to(status, by=POLICY, reason=reason, now=now, check_at=remind_at)


def _types(record: Record) -> set[str]:
    return {record.finding.type, *(duplicate.type for duplicate in record.duplicates)}
