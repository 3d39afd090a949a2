"""What may be moved, whether a copy is complete, and how its source is removed. Pure."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from lambdas.common.finding import AffectedObject, Finding
from lambdas.common.ledger.record import QuarantinedCopy, Record, Status
from lambdas.remediator.s3.metadata import NULL_VERSION, ObjectMetadata, Version

_MAX_KEY_BYTES = 1024


class MoveError(Exception):
    """The object could not be moved; it is still where it was.

    Args:
        problem: what went wrong, one sentence.
        advice: what an approver can do before pressing Retry, one sentence.
    """

    def __init__(self, problem: str, *, advice: str) -> None:
        super().__init__(problem)
        self.advice = advice


class InconsistentRecordError(MoveError):
    """The record in the ledger is not what the remediator would have written."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"The ledger's record does not match the finding: {problem}",
            advice="Nothing was moved. See InconsistentRecords in docs/runbook.md: somebody may"
            " have changed the ledger.",
        )


def check_consistency(record: Record, *, quarantine_bucket: str, is_every_version: bool) -> None:
    """Check, before any request to S3, that the record is about the object of its finding alone.

    Who can write to the ledger could otherwise have anything moved into the finding's bucket, or
    deleted in the quarantine bucket.

    Args:
        record: as the ledger has it.
        quarantine_bucket: where copies are.
        is_every_version: whether a record may have copies of other versions of the finding's key.

    Raises:
        InconsistentRecordError: it is about something else.
    """
    if record.finding.object.bucket == quarantine_bucket:
        raise InconsistentRecordError("its object is in the quarantine bucket.")
    place = quarantine_bucket, quarantine_key(record.finding)
    for copy in record.copies:
        if (copy.bucket, copy.key) != place:
            raise InconsistentRecordError(f"a copy is at s3://{copy.bucket}/{copy.key}.")
        if not _may_be_copied(copy, record.finding.object, is_every_version=is_every_version):
            raise InconsistentRecordError(
                f"a copy is of the version {copy.source_version_id} with the ETag"
                f" {copy.source_etag}. If quarantineVersions was ALL then, set it to ALL again."
            )
    _check_ids(record)


def _may_be_copied(
    copy: QuarantinedCopy, affected: AffectedObject, *, is_every_version: bool
) -> bool:
    is_of_finding = affected.version_id in (None, copy.source_version_id)
    if is_of_finding and copy.source_etag == affected.etag:
        return True
    # Without a version in the finding, another version is one with another ETag.
    is_other_version = copy.source_version_id not in (None, affected.version_id)
    return is_every_version and is_other_version


def _check_ids(record: Record) -> None:
    """Check that each copy is named once, and that what was restored are the copies.

    A record whose copies were deleted after a restore keeps what was restored.
    """
    ids = [copy.version_id for copy in record.copies]
    if len(set(ids)) < len(ids) or not all(ids):
        raise InconsistentRecordError("a copy has no version of its own.")
    if ids and any(restored.copy_version_id not in ids for restored in record.restored):
        raise InconsistentRecordError("something else was restored than its copies.")
    is_restoring = record.status is Status.RESTORING
    if is_restoring and record.attempt is not None and record.attempt.source not in ids:
        raise InconsistentRecordError("something else is being restored than its copies.")


def kept_until(
    copies: Iterable[QuarantinedCopy], *, restored_at: datetime, kept_for: timedelta
) -> datetime | None:
    """Return when the copies of what was restored may be deleted; None for at once."""
    locks = [copy.locked_until for copy in copies if copy.locked_until is not None]
    if not kept_for and not locks:
        return None
    return max([restored_at + kept_for, *locks])


def quarantine_key(finding: Finding) -> str:
    """Return the key of the object in the quarantine bucket: `<account>/<source bucket>/<key>`.

    A key longer than S3's 1,024 bytes is cut and ends in a hash of the whole instead.
    """
    key = f"{finding.account}/{finding.object.bucket}/{finding.object.key}"
    raw = key.encode()
    if len(raw) <= _MAX_KEY_BYTES:
        return key
    suffix = f"~{hashlib.sha256(raw).hexdigest()}"
    return raw[: _MAX_KEY_BYTES - len(suffix)].decode(errors="ignore") + suffix


def matches_finding(affected: AffectedObject, metadata: ObjectMetadata) -> bool:
    """Return whether the object in S3 is the one in the finding."""
    is_same_version = affected.version_id in (None, metadata.version_id)
    return is_same_version and metadata.etag == affected.etag


def check_movable(metadata: ObjectMetadata, *, now: datetime) -> None:
    """Check before copying that nothing prevents deleting.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html

    Raises:
        MoveError: the object is locked or archived.
    """
    if metadata.holds:
        raise MoveError(
            f"The object is under {' and '.join(metadata.holds)}, so it cannot be deleted.",
            advice="Have the hold removed, then press Retry.",
        )
    if metadata.retained_until is not None and metadata.retained_until > now:
        raise MoveError(
            f"The object is locked until {metadata.retained_until:%Y-%m-%d %H:%M %Z}.",
            advice="Press Retry after that; in governance mode the lock can be lifted sooner.",
        )
    if metadata.archive is not None:
        raise MoveError(
            f"The object is archived ({metadata.archive}), so it cannot be copied.",
            advice="Restore it from the archive in S3, then press Retry.",
        )


def check_copy(source: ObjectMetadata, copy: ObjectMetadata | None) -> ObjectMetadata:
    """Check that `copy` has the content of `source`, and return it.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html

    Raises:
        MoveError: the copy is not the object, or there is none.
    """
    if copy is None or not is_same_content(source, copy):
        raise MoveError(
            "The copy is not the same as the object, so the object was left alone.",
            advice="Press Retry; if it happens again, contact AWS Support.",
        )
    return copy


def is_same_content(first: ObjectMetadata, second: ObjectMetadata) -> bool:
    """Compare by size, and by every checksum that S3 keeps of both, or by ETags that are MD5.

    The ETag of a multipart upload, or of an object encrypted with KMS, is no MD5 of its content.
    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
    """
    shared = first.checksums.keys() & second.checksums.keys()
    if shared:
        is_same = all(first.checksums[name] == second.checksums[name] for name in shared)
    else:
        is_same = first.etag == second.etag or not (_is_md5(first) and _is_md5(second))
    return first.size == second.size and is_same


def comparison_basis(first: ObjectMetadata, second: ObjectMetadata) -> str:
    """Return what the comparison of `is_same_content` rests on, besides the size."""
    shared = sorted(first.checksums.keys() & second.checksums.keys())
    if shared:
        return f"{' and '.join(shared)} checksum"
    return "ETag (MD5)" if _is_md5(first) and _is_md5(second) else "size"


def _is_md5(metadata: ObjectMetadata) -> bool:
    return metadata.encryption in (None, "AES256") and "-" not in metadata.etag


def is_current(source: ObjectMetadata, versions: Iterable[Version]) -> bool:
    """Return whether the source is the current object of its key.

    If so, it is removed by a delete marker first, so that no older version becomes current. If not,
    it is deleted by its version id, which makes no other version current.

    Args:
        source: the object that was copied.
        versions: every version of its key, delete markers too; none in a bucket without versions.
    """
    return source.version_id is None or any(
        version.is_latest and version.version_id == source.version_id for version in versions
    )


def remaining_version(source: ObjectMetadata, marker: str | None) -> str | None:
    """Return the version that still holds the object after its removal as the current one, if any.

    Where S3 created a delete marker, the object is under it; only a "null" marker, as in a bucket
    with suspended versions, has replaced a "null" version. Where it created none, something else
    is current by now, and a version is still under that.
    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeletingObjectsfromVersioningSuspendedBuckets.html

    Args:
        source: the object.
        marker: the version id of the delete marker that S3 created, if it did.
    """
    if source.version_id is None:
        return NULL_VERSION if marker not in (None, NULL_VERSION) else None
    is_replaced = source.version_id == marker == NULL_VERSION
    return None if is_replaced else source.version_id


def endangers_null_version(source: ObjectMetadata, versions: Sequence[Version]) -> bool:
    """Return whether removing the source as the current object could destroy another version.

    In a bucket with suspended versions every delete marker has the version id "null" and replaces
    the "null" version, which may hold an older object.
    """
    if not is_current(source, versions) or source.version_id == NULL_VERSION:
        return False
    return any(version.version_id == NULL_VERSION and not version.is_marker for version in versions)
