"""The way into quarantine: copy, verify, save, delete; a rerun continues (step 7)."""

from collections.abc import Iterator, Sequence

from lambdas.common import clock
from lambdas.common.finding import AffectedObject, Finding
from lambdas.common.ledger.record import Outcome, QuarantinedCopy, Record, Status
from lambdas.common.slack.mrkdwn import human_size
from lambdas.remediator.checkpoint import Checkpoint
from lambdas.remediator.rules import MoveError, matches_finding, quarantine_key
from lambdas.remediator.s3.copy import copy_object
from lambdas.remediator.s3.metadata import ObjectMetadata
from lambdas.remediator.s3.objects import delete_version, head
from lambdas.remediator.s3.parameters import CopyRequest, ObjectKey, SourceObject
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
    is_in_place,
    lost_in_copy,
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
    key = services.own_key(copy.bucket, copy.key)
    return head(services.quarantine_s3, key, copy.version_id) is not None


def _find_elsewhere(checkpoint: Checkpoint, services: Services) -> Outcome:
    """Find whether the object was moved into quarantine for another finding."""
    for other, copies in _other_copies(services, checkpoint.record.finding):
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
        yield mover, tuple(copy for copy in mover.copies if _is_copy_of(copy, finding.object))


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
        _delete_copies(checkpoint, services, copied)
        return _CHANGED
    # By the finding's own version a rerun knows that there is something left to remove.
    _remove(checkpoint, services, sorted(copied, key=lambda source: source is found))
    return _QUARANTINED


def _ensure_copied(
    checkpoint: Checkpoint, services: Services, source: SourceObject, *, remaining: int
) -> bool:
    """Copy `source` unless there is a copy of it; return False if it changed meanwhile."""
    record = checkpoint.record
    if any(_is_copy_of(copy, source.metadata) for copy in record.copies):
        return True
    key = services.own_key(
        services.resources.quarantine_bucket, quarantine_key(record.finding.object)
    )
    losses = tuple(lost_in_copy(source))
    if services.settings.is_every_version and source.metadata.version_id is not None:
        mark_moved_with(services.ledger, record.finding, source.metadata.version_id)
    request = CopyRequest(
        s3=services.quarantine_s3,
        source=source,
        destination=key,
        threshold=services.settings.multipart_threshold,
        may_overwrite=lambda _: True,
        save_attempt=checkpoint.save_attempt,
    )
    copy = copy_object(request, record.attempt)
    if copy is None or copy.version_id is None:
        return False
    quarantined = _quarantined_copy(source, key, copy.version_id, losses)
    copies = (*record.copies, quarantined)
    checkpoint.save(copies=copies, attempt=None, other_versions=remaining)
    return True


def _remove(checkpoint: Checkpoint, services: Services, sources: Sequence[SourceObject]) -> None:
    try:
        for source in sources:
            remove_source(source)
    except MoveError as refusal:
        _undo_copies(checkpoint, services, sources, refusal)
        raise


def _undo_copies(
    checkpoint: Checkpoint,
    services: Services,
    sources: Sequence[SourceObject],
    refusal: MoveError,
) -> None:
    """Delete the copies of what is whole in its place, for that cannot be deleted.

    Raises:
        MoveError: that is refused as well, so both exist, or some are in quarantine already; the
            text says so.
    """
    try:
        _delete_copies(checkpoint, services, sources)
    except MoveError as error:
        text = f"{refusal} It is still there, and a copy of it is in quarantine."
        raise MoveError(text, advice=refusal.advice) from error
    if remaining := len(checkpoint.record.copies):
        text = f"{refusal} Versions of it that are in quarantine already: {remaining}."
        raise MoveError(text, advice=refusal.advice) from refusal.__cause__


def _delete_copies(
    checkpoint: Checkpoint, services: Services, sources: Sequence[SourceObject]
) -> None:
    """Delete the copies of those of `sources` that are whole in their place."""
    whole = [source for source in sources if is_in_place(source, source.metadata.version_id)]
    copies = checkpoint.record.copies
    kept = tuple(
        copy for copy in copies if not any(_is_copy_of(copy, source.metadata) for source in whole)
    )
    for copy in copies:
        if copy not in kept:
            key = services.own_key(copy.bucket, copy.key)
            delete_version(services.quarantine_s3, key, copy.version_id)
    checkpoint.save(copies=kept, attempt=None, other_versions=None)


def _is_copy_of(copy: QuarantinedCopy, version: ObjectMetadata | AffectedObject) -> bool:
    """Return whether `copy` was made of this very version: a null version can be replaced."""
    return (copy.source_version_id, copy.source_etag) == (version.version_id, version.etag)


def _quarantined_copy(
    source: SourceObject, key: ObjectKey, version_id: str, losses: tuple[str, ...]
) -> QuarantinedCopy:
    return QuarantinedCopy(
        bucket=key.bucket,
        key=key.key,
        version_id=version_id,
        source_version_id=source.metadata.version_id,
        source_etag=source.metadata.etag,
        size=source.metadata.size,
        checksum=source.metadata.checksum,
        storage_class=source.metadata.storage_class,
        lost_in_copy=losses,
    )
