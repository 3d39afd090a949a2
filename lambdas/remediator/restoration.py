"""The way back: the same move in reverse, never over an object that has appeared meanwhile.

The copies stay in quarantine for a while, and are deleted by a later run.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import takewhile

from lambdas.common import clock
from lambdas.common.ledger.record import (
    Outcome,
    QuarantinedCopy,
    Record,
    RestoredObject,
    Status,
)
from lambdas.remediator.checkpoint import Checkpoint
from lambdas.remediator.kept_copies import copies_kept_until
from lambdas.remediator.rules import MoveError, is_same_content
from lambdas.remediator.s3.copy import copy_object
from lambdas.remediator.s3.metadata import NULL_VERSION, ObjectMetadata, Version
from lambdas.remediator.s3.objects import delete_version, get_versioning, head, list_versions
from lambdas.remediator.s3.parameters import CopyRequest, SourceObject, encryption_args
from lambdas.remediator.same_object import mark_restored
from lambdas.remediator.services import Services
from lambdas.remediator.source import source_key

_DRY_RUN = "The mode is DRY_RUN: nothing is moved, so the object is still in quarantine."
_SET_LIVE = "Set mode to LIVE in cdk.json and deploy, then press Retry."


def restore_object(checkpoint: Checkpoint, services: Services) -> Outcome:
    """Move what is in quarantine back; the caller has the lease on the key.

    Several versions come back in the order in which they were made; those whose copies have
    expired do not prevent the others from it.

    Raises:
        MoveError: it cannot be put back; unless it has expired, it is in quarantine.
    """
    if services.settings.is_dry_run:
        raise MoveError(_DRY_RUN, advice=_SET_LIVE)
    _forget_missing_objects(checkpoint, services)
    _check_room(checkpoint.record, services)
    for copy, source in _find_copies(checkpoint.record, services):
        _restore_copy(checkpoint, services, copy, source)
    record = checkpoint.record
    for restored in record.restored:
        mark_restored(services.ledger, record.finding, restored.etag)
    until = copies_kept_until(record, services, restored_at=clock.now())
    if until is None or until <= clock.now():
        _empty_quarantine(record.copies, services)
        until = None
    return _restored(record, until)


def _forget_missing_objects(checkpoint: Checkpoint, services: Services) -> None:
    """Forget what was restored and is gone, and what came after it: they have an order."""
    record = checkpoint.record
    copies = {copy.version_id: copy for copy in record.copies}
    present = tuple(
        takewhile(
            lambda restored: _is_still_restored(
                record, services, restored, copies[restored.copy_version_id]
            ),
            record.restored,
        )
    )
    if present != record.restored:
        checkpoint.save(restored=present)


def _is_still_restored(
    record: Record, services: Services, restored: RestoredObject, copy: QuarantinedCopy
) -> bool:
    """Return whether it is there, with the content of its copy, which will be deleted."""
    s3, key = services.source_s3(record.finding), source_key(record.finding)
    metadata = head(s3, key, restored.version_id)
    if metadata is None or not _is_restored_as(restored, metadata):
        return False
    quarantined = _head_copy(copy, services)
    return quarantined is None or is_same_content(quarantined, metadata)


def _head_copy(copy: QuarantinedCopy, services: Services) -> ObjectMetadata | None:
    key = services.quarantine_object_key(copy.key)
    return head(services.quarantine_s3, key, copy.version_id)


def _is_restored_as(restored: RestoredObject, metadata: ObjectMetadata) -> bool:
    # What was put while the bucket had no versions is the null version once it has some.
    version_id = restored.version_id or NULL_VERSION
    is_same_version = version_id == (metadata.version_id or NULL_VERSION)
    return is_same_version and restored.etag == metadata.etag


def _check_room(record: Record, services: Services) -> None:
    """Check before copying that no copy would overwrite another: only versions prevent that.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/AddingObjectstoVersionSuspendedBuckets.html
    """
    s3, key = services.source_s3(record.finding), source_key(record.finding)
    versioning = get_versioning(s3, key)
    if versioning == "Enabled":
        return
    is_begun = record.restored or record.attempt is not None
    is_full = versioning == "Suspended" and not is_begun and _has_null(list_versions(s3, key))
    if len(record.copies) > 1 or is_full:
        raise MoveError(
            "The bucket makes no versions now, so one object would overwrite another.",
            advice="Enable versioning on the bucket, then press Retry.",
        )


def _has_null(versions: Iterable[Version]) -> bool:
    return any(version.version_id == NULL_VERSION and not version.is_marker for version in versions)


def _find_copies(record: Record, services: Services) -> list[tuple[QuarantinedCopy, SourceObject]]:
    """Find the copies that are still to be restored, without those that are not there."""
    restored = {restored.copy_version_id for restored in record.restored}
    copies = [copy for copy in record.copies if copy.version_id not in restored]
    found = [*_read_copies(copies, services)]
    if not found and not restored:
        raise MoveError(
            "The quarantined copy is not there any more.",
            advice="Check in the ledger whether it expired, or another finding restored it.",
        )
    return found


def _read_copies(
    copies: Iterable[QuarantinedCopy], services: Services
) -> Iterator[tuple[QuarantinedCopy, SourceObject]]:
    for copy in copies:
        key = services.quarantine_object_key(copy.key)
        metadata = _head_copy(copy, services)
        if metadata is not None:
            original = replace(metadata, storage_class=copy.storage_class)
            yield copy, SourceObject(s3=services.quarantine_s3, key=key, metadata=original)


def _restore_copy(
    checkpoint: Checkpoint, services: Services, copy: QuarantinedCopy, source: SourceObject
) -> None:
    """Copy it to its place, over nothing but what was restored there just before."""
    record = checkpoint.record
    request = CopyRequest(
        s3=services.source_s3(record.finding),
        source=source,
        destination=source_key(record.finding),
        threshold=services.settings.multipart_threshold,
        encryption=encryption_args(copy.encryption, copy.kms_key),
        may_overwrite=lambda present: any(
            _is_restored_as(restored, present) for restored in record.restored[-1:]
        ),
        save_attempt=checkpoint.save_attempt,
    )
    metadata = copy_object(request, record.attempt)
    if metadata is None:
        raise MoveError(
            "Another object has this name now; both were left alone.",
            advice="Move or rename the other object, then press Retry.",
        )
    restored = RestoredObject(
        copy_version_id=copy.version_id, version_id=metadata.version_id, etag=metadata.etag
    )
    checkpoint.save(restored=(*record.restored, restored), attempt=None)


def _empty_quarantine(copies: Iterable[QuarantinedCopy], services: Services) -> None:
    try:
        for copy in copies:
            key = services.quarantine_object_key(copy.key)
            delete_version(services.quarantine_s3, key, copy.version_id)
    except MoveError as refusal:
        text = f"{refusal} It is back in its bucket, and a copy of it is still in quarantine."
        raise MoveError(text, advice=refusal.advice) from refusal.__cause__


def _restored(record: Record, until: datetime | None) -> Outcome:
    lost = len(record.copies) - len(record.restored)
    kept = f"kept in quarantine until {until.isoformat()}" if until else "deleted from quarantine"
    return Outcome(
        status=Status.RESTORED,
        reason="The object is back in its bucket.",
        advice=f"Versions that were not in quarantine any more: {lost:,}." if lost else "",
        evidence=(*map(str, record.restored), f"the copies are {kept}"),
    )
