"""The way into quarantine: copy, verify, lock, save, delete; a rerun continues (step 7)."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from lambdas.common import clock
from lambdas.common.finding import Finding
from lambdas.common.ledger.record import Outcome, QuarantinedCopy, Record, Status
from lambdas.common.slack.mrkdwn import human_size
from lambdas.remediator.checkpoint import Checkpoint
from lambdas.remediator.quarantined_copies import (
    delete_copies,
    is_copy_of,
    make_copy,
    undo_copies,
)
from lambdas.remediator.rules import MoveError, matches_finding
from lambdas.remediator.s3.objects import head
from lambdas.remediator.s3.parameters import SourceObject
from lambdas.remediator.same_object import (
    findings_on_same_object,
    mark_moved_with,
    moved_with,
)
from lambdas.remediator.services import Services
from lambdas.remediator.source import (
    check_sources,
    count_remaining,
    every_version,
    find_source,
    pin_version,
    remove_source,
    source_key,
)

_NOT_FOUND = Outcome(status=Status.NOT_FOUND, reason="The object is not there any more.")
_CHANGED = Outcome(status=Status.CHANGED, reason="The object was replaced after the finding.")
_QUARANTINED = Outcome(status=Status.QUARANTINED, reason="The object is in quarantine.")
_HALF_DONE = "A move was in progress when the mode became DRY_RUN; it was left as it is."
_SET_LIVE = "Set mode to LIVE in cdk.json and deploy, then press the button again."


def quarantine_object(checkpoint: Checkpoint, services: Services) -> Outcome:
    """Move the object of a record into quarantine; the caller has the lease on its key.

    At every instant the object is whole in its bucket or verified in quarantine, and no other
    object is touched.

    Raises:
        MoveError: it cannot be moved.
    """
    _forget_missing_copies(checkpoint, services)
    record = checkpoint.record
    affected, key = pin_version(record), source_key(record.finding)
    found = find_source(services.source_s3(record.finding), key, affected.version_id)
    if found is None:
        return _QUARANTINED if record.copies else _find_elsewhere(checkpoint, services)
    if not matches_finding(affected, found.metadata):
        return _QUARANTINED if record.copies else _CHANGED
    # They are copied oldest first, so that a restore can bring them back in that order.
    sources = [*every_version(found)] if services.settings.is_every_version else [found]
    check_sources(sources, now=clock.now())
    if services.settings.is_dry_run:
        return _dry_run(record, sources)
    return _move(checkpoint, services, found, sources)


def _forget_missing_copies(checkpoint: Checkpoint, services: Services) -> None:
    """Forget the copies that are gone, for weeks may have passed since they were made."""
    copies = checkpoint.record.copies
    present = tuple(copy for copy in copies if _is_copy_present(copy, services))
    if present != copies:
        checkpoint.save(copies=present)


def _is_copy_present(copy: QuarantinedCopy, services: Services) -> bool:
    key = services.quarantine_object_key(copy.key)
    return head(services.quarantine_s3, key, copy.version_id) is not None


def _find_elsewhere(checkpoint: Checkpoint, services: Services) -> Outcome:
    """Find whether the object was moved into quarantine for another finding."""
    for other, copies in _other_copies(services, checkpoint.record.finding):
        services.check_consistency(replace(checkpoint.record, copies=copies))
        is_present = copies and all(_is_copy_present(copy, services) for copy in copies)
        if other.status is Status.QUARANTINED and is_present:
            checkpoint.save(copies=copies)
            reason = f"The object is in quarantine, by the finding {other.finding.id}."
            return Outcome(status=Status.QUARANTINED, reason=reason)
    return _NOT_FOUND


def _other_copies(
    services: Services, finding: Finding
) -> Iterator[tuple[Record, tuple[QuarantinedCopy, ...]]]:
    for other in findings_on_same_object(services.ledger, finding):
        yield other, other.copies
    if (mover := moved_with(services.ledger, finding)) is not None:
        yield mover, tuple(copy for copy in mover.copies if is_copy_of(copy, finding.object))


def _dry_run(record: Record, sources: Sequence[SourceObject]) -> Outcome:
    if record.copies or record.attempt is not None:
        raise MoveError(_HALF_DONE, advice=_SET_LIVE)
    size = human_size(sum(source.metadata.size for source in sources))
    what = "The object" if len(sources) == 1 else f"{len(sources):,} versions of the object"
    reason = f"{what}, {size}, would have been moved into quarantine."
    if remaining := count_remaining(sources):
        reason += f" Other versions that would have remained: {remaining:,}."
    return Outcome(status=Status.DRY_RUN, reason=reason, advice=_SET_LIVE)


def _move(
    checkpoint: Checkpoint,
    services: Services,
    found: SourceObject,
    sources: Sequence[SourceObject],
) -> Outcome:
    remaining = count_remaining(sources)
    copied = [
        source
        for source in sources
        if _ensure_copied(checkpoint, services, source, remaining=remaining)
    ]
    if found not in copied:
        delete_copies(checkpoint, services, copied)
        return _CHANGED
    # By the finding's own version a rerun knows that there is something left to remove.
    _remove(checkpoint, services, sorted(copied, key=lambda source: source is found))
    return _QUARANTINED


def _ensure_copied(
    checkpoint: Checkpoint, services: Services, source: SourceObject, *, remaining: int
) -> bool:
    """Copy `source` unless there is a copy of it; return False if it changed meanwhile."""
    record = checkpoint.record
    if any(is_copy_of(copy, source.metadata) for copy in record.copies):
        return True
    if services.settings.is_every_version and source.metadata.version_id is not None:
        mark_moved_with(services.ledger, record.finding, source.metadata.version_id)
    copy = make_copy(checkpoint, services, source)
    if copy is None:
        return False
    checkpoint.save(copies=(*record.copies, copy), attempt=None, other_versions=remaining)
    return True


def _remove(checkpoint: Checkpoint, services: Services, sources: Sequence[SourceObject]) -> None:
    try:
        for source in sources:
            remove_source(source)
    except MoveError as refusal:
        undo_copies(checkpoint, services, sources, refusal)
        raise
