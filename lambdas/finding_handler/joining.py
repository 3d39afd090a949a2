"""What a finding means for the one that came first on the very same object (step 3)."""

from datetime import datetime

from lambdas.common.finding import Finding
from lambdas.common.record import POLICY, Record, Status
from lambdas.finding_handler.policy import Action, Decision


def knows(lead: Record, finding: Finding) -> bool:
    """Answer whether `finding` has joined `lead` already."""
    return any(joined.id == finding.id for joined in lead.joined)


def joined_by(
    lead: Record,
    finding: Finding,
    decision: Decision,
    *,
    now: datetime,
    look_at: datetime | None = None,
) -> Record:
    """Add `finding` to `lead`, whose decision stands unless this one calls for another.

    What the policy remediates at once is left waiting neither for a review of something lesser nor
    where a dry run ended, for the mode may be another by now. What was dismissed as one type of
    data is asked about again when another type is found in it, to be decided by `look_at`.
    """
    if knows(lead, finding):
        return lead
    both = lead.with_joined(finding)
    match lead.status:
        case Status.AWAITING_REVIEW | Status.DRY_RUN if decision.action is Action.AUTO:
            status, reason = Status.REMEDIATING, decision.reason
        case Status.DISMISSED if finding.type not in _types(lead):
            status, reason = Status.AWAITING_REVIEW, f"{finding.type} was found in it as well"
        case _:
            return both
    return both.with_status(status, by=POLICY, reason=reason, now=now, look_at=look_at)


def _types(lead: Record) -> set[str]:
    return {lead.finding.type, *(joined.type for joined in lead.joined)}
