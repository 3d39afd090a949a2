"""Step 3: decide about a finding, record the decision, then remediate or ask for a review."""

from aws_lambda_powertools import Logger

from lambdas.common import clock
from lambdas.common.dispatch import RemediationRequest, enqueue_remediation
from lambdas.common.finding import Finding
from lambdas.common.ledger.brakes import AutomaticRefusedError, LimitReachedError
from lambdas.common.ledger.record import Record, Status
from lambdas.common.ledger.store import DuplicateFindingError
from lambdas.common.metrics import emit_metric
from lambdas.finding_handler.duplicates import merge_duplicate
from lambdas.finding_handler.failures import announce_finding_on_failed
from lambdas.finding_handler.limits import assign_digest
from lambdas.finding_handler.policy import Action, Decision
from lambdas.finding_handler.services import Services

logger = Logger()

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
    try:
        record = _create_record(finding, decision, services)
    except DuplicateFindingError as duplicate:
        return _add_duplicate(finding, decision, duplicate.primary, services)
    if record.primary is not None:
        return _add_duplicate(finding, decision, record.primary, services)
    _follow_up(record, services)
    return record


def _create_record(finding: Finding, decision: Decision, services: Services) -> Record:
    """Record the finding, and return its record; after a redelivery, the existing record.

    Raises:
        DuplicateFindingError: another finding on the object came first.
    """
    # What is ignored, or has no object, has no duplicates and appears in no digest.
    is_primary = decision.action is not Action.IGNORE and not finding.is_sample
    digest_id = _assign_digest(finding, services) if is_primary else None
    try:
        record = _first_record(finding, decision, digest_id, services)
        return services.ledger.create(record, is_primary=is_primary)
    except AutomaticRefusedError as refusal:
        record = _first_record(finding, _review(refusal), digest_id, services)
        return services.ledger.create(record, is_primary=is_primary)


def _first_record(
    finding: Finding, decision: Decision, digest_id: str | None, services: Services
) -> Record:
    now = clock.now()
    return Record.create(
        finding,
        _STATUSES[decision.action],
        reason=decision.reason,
        now=now,
        # The digest reminds the approvers of its findings.
        check_at=services.remind_at(now) if digest_id is None else None,
        digest_id=digest_id,
    )


def _review(refusal: AutomaticRefusedError) -> Decision:
    """Return the decision that replaces AUTO; an alarm is raised if a limit is reached."""
    if isinstance(refusal, LimitReachedError):
        logger.warning("not remediated automatically", extra={"reason": str(refusal)})
        emit_metric("AutomaticLimitReached")
    return Decision(action=Action.REVIEW, reason=str(refusal))


def _assign_digest(finding: Finding, services: Services) -> str | None:
    return assign_digest(
        services.ledger.table, finding, threshold=services.digest_threshold, now=clock.now()
    )


def _add_duplicate(
    finding: Finding, decision: Decision, primary_id: str, services: Services
) -> Record:
    """Record `finding` as a duplicate, show it with the finding that came first, and return it."""
    duplicate = services.ledger.create(
        Record.create(
            finding,
            Status.DUPLICATE,
            reason=f"the same object as the finding {primary_id}",
            now=clock.now(),
            primary=primary_id,
        )
    )
    primary = _merge_into(primary_id, finding, decision, services)
    _follow_up(primary, services)
    if primary.status is Status.FAILED:
        announce_finding_on_failed(primary, finding, services)
    return duplicate


def _merge_into(
    primary_id: str, finding: Finding, decision: Decision, services: Services
) -> Record:
    """Add `finding` to the record of the finding that came first, and return that record."""
    primary = services.ledger.get(primary_id)
    try:
        return services.ledger.update(
            primary, lambda latest: _merged(latest, finding, decision, services)
        )
    except AutomaticRefusedError as refusal:
        review = _review(refusal)
        return services.ledger.update(
            primary, lambda latest: _merged(latest, finding, review, services)
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
        enqueue_remediation(
            services.remediation_queue, RemediationRequest(finding_id=record.finding.id)
        )
    if record.digest_id or is_unseen or has_new_duplicate:
        services.notifications.notify(record)
