"""Step 3: decide about a finding, record the decision, then remediate or ask for a review."""

from lambdas.common import clock
from lambdas.common.dispatch import RemediationRequest, start_remediation
from lambdas.common.finding import Finding
from lambdas.common.ledger.record import Record, Status
from lambdas.common.ledger.store import DuplicateFindingError, HourlyLimitReachedError
from lambdas.finding_handler.duplicates import merge_duplicate
from lambdas.finding_handler.limits import OVER_HOURLY_LIMIT, assign_digest
from lambdas.finding_handler.policy import Action, Decision
from lambdas.finding_handler.services import Services

_STATUSES = {
    Action.AUTO: Status.REMEDIATING,
    Action.REVIEW: Status.AWAITING_REVIEW,
    Action.IGNORE: Status.IGNORED,
}


def triage(finding: Finding, services: Services) -> Record:
    """Decide about `finding`, record it, then remediate its object or ask for a review.

    A second delivery of the finding continues where the first one stopped.

    Returns:
        The finding's record.

    Raises:
        ConflictError: another delivery of the finding is being processed.
    """
    decision = services.policy.decide(finding)
    record = _create_record(finding, decision, services)
    if record.primary is None:
        _follow_up(record, services)
    else:
        _follow_up(_merge_into(record.primary, finding, decision, services), services)
    return record


def _create_record(finding: Finding, decision: Decision, services: Services) -> Record:
    """Record the finding, and return its record; after a redelivery, the existing record."""
    # What is ignored, or has no object, has no duplicates and appears in no digest.
    is_primary = decision.action is not Action.IGNORE and not finding.is_sample
    now = clock.now()
    digest_id = _assign_digest(finding, services) if is_primary else None
    record = Record.create(
        finding,
        _STATUSES[decision.action],
        reason=decision.reason,
        now=now,
        # The digest reminds the approvers of its findings.
        check_at=services.remind_at(now) if digest_id is None else None,
        digest_id=digest_id,
    )
    try:
        return services.ledger.create(record, is_primary=is_primary)
    except HourlyLimitReachedError:
        return _create_record(finding, OVER_HOURLY_LIMIT, services)
    except DuplicateFindingError as duplicate:
        return _create_duplicate(finding, duplicate.primary, services)


def _assign_digest(finding: Finding, services: Services) -> str | None:
    return assign_digest(
        services.ledger.table, finding, threshold=services.digest_threshold, now=clock.now()
    )


def _create_duplicate(finding: Finding, primary_id: str, services: Services) -> Record:
    record = Record.create(
        finding,
        Status.DUPLICATE,
        reason=f"the same object as the finding {primary_id}",
        now=clock.now(),
        primary=primary_id,
    )
    return services.ledger.create(record)


def _merge_into(
    primary_id: str, finding: Finding, decision: Decision, services: Services
) -> Record:
    """Add `finding` to the record of the finding that came first, and return that record."""
    primary = services.ledger.get(primary_id)
    try:
        return services.ledger.update(
            primary, lambda latest: _merged(latest, finding, decision, services)
        )
    except HourlyLimitReachedError:
        return services.ledger.update(
            primary, lambda latest: _merged(latest, finding, OVER_HOURLY_LIMIT, services)
        )


def _merged(primary: Record, finding: Finding, decision: Decision, services: Services) -> Record:
    now = clock.now()
    # The digest reminds the approvers of a finding that has no message of its own.
    has_message = primary.digest_id is None or primary.message is not None
    return merge_duplicate(
        primary,
        finding,
        decision,
        now=now,
        remind_at=services.remind_at(now) if has_message else None,
    )


def _follow_up(record: Record, services: Services) -> None:
    """Start the remediator or notify people, as the status requires, even if that was done before.

    An automatic remediation without a digest is shown by the remediator.
    """
    is_unseen = record.status is Status.AWAITING_REVIEW and record.message is None
    has_new_duplicate = bool(record.duplicates) and record.message is not None
    if record.is_automatic:
        start_remediation(services.remediator, RemediationRequest(finding_id=record.finding.id))
    if record.digest_id or is_unseen or has_new_duplicate:
        services.notifications.notify(record)
