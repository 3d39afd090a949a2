"""One copy in quarantine: verified, locked if the deployer wants that, or deleted again."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from lambdas.common import clock
from lambdas.common.finding import AffectedObject
from lambdas.common.ledger.record import QuarantinedCopy
from lambdas.remediator.checkpoint import Checkpoint
from lambdas.remediator.rules import MoveError, comparison_basis, quarantine_key
from lambdas.remediator.s3.copy import copy_object
from lambdas.remediator.s3.metadata import ObjectMetadata
from lambdas.remediator.s3.objects import delete_version, lock_version
from lambdas.remediator.s3.parameters import (
    CopyRequest,
    EncryptionArgs,
    ObjectKey,
    SourceObject,
)
from lambdas.remediator.services import Services
from lambdas.remediator.source import is_in_place, lost_in_copy


def make_copy(
    checkpoint: Checkpoint, services: Services, source: SourceObject
) -> QuarantinedCopy | None:
    """Make a verified copy, locked if the deployer wants that; None if the source changed.

    Raises:
        MoveError: it cannot be copied, verified or locked; then no copy is left.
    """
    key = services.quarantine_object_key(quarantine_key(checkpoint.record.finding))
    threshold, lock = services.settings.multipart_threshold, services.settings.lock
    losses = tuple(lost_in_copy(source, threshold=threshold))
    locked_until = lock.until(clock.now()) if lock else None

    def protect(copy: ObjectMetadata) -> None:
        if lock and locked_until and copy.version_id:
            s3 = services.quarantine_s3
            lock_version(s3, key, copy.version_id, mode=lock.mode, until=locked_until)

    request = CopyRequest(
        s3=services.quarantine_s3,
        source=source,
        destination=key,
        threshold=threshold,
        encryption=_encryption(services),
        may_overwrite=lambda _: True,
        save_attempt=checkpoint.save_attempt,
        protect=protect,
    )
    copy = copy_object(request, checkpoint.record.attempt)
    if copy is None or copy.version_id is None:
        return None
    return replace(
        _quarantined_copy(source.metadata, key, copy, copy.version_id),
        lost_in_copy=losses,
        locked_until=locked_until,
    )


def _encryption(services: Services) -> EncryptionArgs:
    return {
        "ServerSideEncryption": "aws:kms",
        "SSEKMSKeyId": services.resources.quarantine_key,
        "BucketKeyEnabled": True,
    }


def is_copy_of(copy: QuarantinedCopy, version: ObjectMetadata | AffectedObject) -> bool:
    """Return whether `copy` was made of this very version: a null version can be replaced."""
    return (copy.source_version_id, copy.source_etag) == (version.version_id, version.etag)


def undo_copies(
    checkpoint: Checkpoint,
    services: Services,
    sources: Sequence[SourceObject],
    refusal: MoveError,
) -> None:
    """Delete the copies of what is whole in its place, for that cannot be deleted.

    Raises:
        MoveError: that is refused as well, or Object Lock keeps them, so both exist, or some are in
            quarantine already; the text says so.
    """
    try:
        locked_until = delete_copies(checkpoint, services, sources)
    except MoveError as error:
        text = f"{refusal} It is still there, and a copy of it is in quarantine."
        raise MoveError(text, advice=refusal.advice) from error
    if locked_until is not None:
        text = (
            f"{refusal} It is still there, and a copy of it is in quarantine,"
            f" locked until {locked_until:%Y-%m-%d %H:%M %Z}."
        )
        raise MoveError(text, advice=refusal.advice) from refusal.__cause__
    if remaining := len(checkpoint.record.copies):
        text = f"{refusal} Versions of it that are in quarantine already: {remaining}."
        raise MoveError(text, advice=refusal.advice) from refusal.__cause__


def delete_copies(
    checkpoint: Checkpoint, services: Services, sources: Sequence[SourceObject]
) -> datetime | None:
    """Delete the copies of those of `sources` that are whole in their place, unless locked.

    Returns:
        Until when Object Lock keeps such a copy; None if it keeps none.
    """
    whole = [source for source in sources if is_in_place(source, source.metadata.version_id)]
    copies = checkpoint.record.copies
    needless = [
        copy for copy in copies if any(is_copy_of(copy, source.metadata) for source in whole)
    ]
    locked = [copy for copy in needless if copy.is_locked(clock.now())]
    for copy in needless:
        if copy not in locked:
            key = services.quarantine_object_key(copy.key)
            delete_version(services.quarantine_s3, key, copy.version_id)
    kept = tuple(copy for copy in copies if copy in locked or copy not in needless)
    checkpoint.save(copies=kept, attempt=None, other_versions=None)
    return max((copy.locked_until for copy in locked if copy.locked_until), default=None)


def _quarantined_copy(
    source: ObjectMetadata, key: ObjectKey, copy: ObjectMetadata, version_id: str
) -> QuarantinedCopy:
    return QuarantinedCopy(
        bucket=key.bucket,
        key=key.key,
        version_id=version_id,
        source_version_id=source.version_id,
        source_etag=source.etag,
        size=source.size,
        checksum=source.checksum or copy.checksum,
        storage_class=source.storage_class,
        verified_by=comparison_basis(source, copy),
        encryption=source.encryption,
        kms_key=source.kms_key,
    )
