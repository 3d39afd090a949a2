"""The affected object in its own bucket: found, checked before it is moved, and removed after.

Where S3 refuses for good, each function raises a `MoveError` with advice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from lambdas.common.finding import AffectedObject, Finding
from lambdas.common.ledger.record import Record
from lambdas.common.ledger.table import ConflictError
from lambdas.remediator.rules import (
    MoveError,
    check_movable,
    endangers_null_version,
    is_current,
    remaining_version,
)
from lambdas.remediator.s3.clients import S3Access
from lambdas.remediator.s3.metadata import NULL_VERSION
from lambdas.remediator.s3.objects import (
    delete_current,
    delete_version,
    get_versioning,
    head,
    list_grants,
    list_versions,
)
from lambdas.remediator.s3.parameters import ObjectKey, SourceObject, is_multipart

_MAX_COPIES_BYTES = 350_000
"""The space of a record for its copies: DynamoDB takes items of 400 KB.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
"""


def max_versions(key: str) -> int:
    """Return how many versions of `key` a record has room for, moved, kept and restored."""
    return _MAX_COPIES_BYTES // (3 * len(key.encode()) + 1_900)


def source_key(finding: Finding) -> ObjectKey:
    """Return the key of the affected object; the finding's account must own the bucket."""
    return ObjectKey(bucket=finding.object.bucket, key=finding.object.key, owner=finding.account)


def pin_version(record: Record) -> AffectedObject:
    """Return the object with the version that was copied, which the finding may not name."""
    affected = record.finding.object
    copies = (copy for copy in record.copies if copy.source_etag == affected.etag)
    copy = next(copies, None)
    return affected if copy is None else replace(affected, version_id=copy.source_version_id)


def find_source(s3: S3Access, key: ObjectKey, version_id: str | None) -> SourceObject | None:
    """Return what is in the place of the affected object, or None where nothing is."""
    metadata = head(s3, key, version_id)
    if metadata is None:
        return None
    versions = list_versions(s3, key) if metadata.version_id else ()
    return SourceObject(s3=s3, key=key, metadata=metadata, versions=versions)


def every_version(source: SourceObject) -> Iterator[SourceObject]:
    """Yield every version of the object's key, oldest first, without delete markers."""
    if not source.versions:
        yield source
    for version in reversed(source.versions):
        if version.version_id == source.metadata.version_id:
            yield source
        elif not version.is_marker:
            metadata = head(source.s3, source.key, version.version_id)
            if metadata is not None:
                yield replace(source, metadata=metadata)


def check_sources(sources: Sequence[SourceObject], *, now: datetime) -> None:
    """Check before copying that nothing prevents deleting, or makes it destroy another version.

    Raises:
        MoveError: something does.
    """
    _check_number(sources)
    version_ids = {source.metadata.version_id for source in sources}
    for source in sources:
        check_movable(source.metadata, now=now)
        is_endangered = endangers_null_version(source.metadata, source.versions)
        if is_endangered and NULL_VERSION not in version_ids:
            _check_versioning(source)


def count_remaining(sources: Sequence[SourceObject]) -> int:
    """Count the versions of the key that are not moved, delete markers not counted."""
    moved = {source.metadata.version_id for source in sources}
    versions = sources[0].versions
    return sum(not version.is_marker and version.version_id not in moved for version in versions)


def is_in_place(source: SourceObject, version_id: str | None) -> bool:
    """Return whether the object is still in its place, as `version_id`."""
    metadata = head(source.s3, source.key, version_id)
    return metadata is not None and metadata.etag == source.metadata.etag


def lost_in_copy(source: SourceObject, *, threshold: int) -> Iterator[str]:
    """Describe what a copy loses: grants, some metadata, its KMS key, an Object Lock that ended.

    Above `threshold` bytes the copy is made in parts, and loses an Expires header that is no date.
    """
    metadata = source.metadata
    if metadata.invalid_expires is not None and is_multipart(metadata, threshold):
        yield f"the Expires header {metadata.invalid_expires!r}, which is no date"
    yield from list_grants(source)
    if metadata.lost_metadata:
        yield f"{metadata.lost_metadata} metadata entries that S3 cannot show"
    if metadata.kms_key is not None:
        yield f"{metadata.encryption} encryption with the key {metadata.kms_key}"
    if metadata.retained_until is not None:
        yield f"Object Lock retention until {metadata.retained_until.isoformat()}"


def remove_source(source: SourceObject) -> None:
    """Remove an object that was copied; where it is gone already, nothing happens.

    Raises:
        ConflictError: it has become current since its versions were listed.
        MoveError: S3 refuses. The object is where it was; a delete marker created over it is
            deleted again, or the text says that it hides the object.
    """
    if not is_current(source.metadata, source.versions):
        _check_still_not_current(source)
        _remove_version(source, source.metadata.version_id)
        return
    marker = delete_current(source.s3, source.key, source.metadata.etag)
    remaining = remaining_version(source.metadata, marker)
    try:
        _remove_version(source, remaining)
    except MoveError as refusal:
        if marker is not None and remaining is not None:
            _delete_marker(source, marker, refusal)
        raise


def _check_number(sources: Sequence[SourceObject]) -> None:
    if len(sources) > (limit := max_versions(sources[0].key.key)):
        raise MoveError(
            f"The object has {len(sources):,} versions; the ledger has room for {limit:,}.",
            advice="Delete versions that nobody needs, or set quarantineVersions to FINDING; then"
            " press Retry.",
        )


def _check_versioning(source: SourceObject) -> None:
    if get_versioning(source.s3, source.key) == "Suspended":
        raise MoveError(
            "The bucket's versions are suspended, and deleting this one would destroy another.",
            advice="Enable versioning on the bucket again, then press Retry.",
        )


def _check_still_not_current(source: SourceObject) -> None:
    """Check again, for a copy may take minutes, and what was newer may be gone by now."""
    if is_current(source.metadata, list_versions(source.s3, source.key)):
        raise ConflictError(f"{source.key} has become current")


def _remove_version(source: SourceObject, version_id: str | None) -> None:
    # Only a null version can have been replaced.
    if version_id == NULL_VERSION and not is_in_place(source, version_id):
        return
    if version_id is not None:
        delete_version(source.s3, source.key, version_id)


def _delete_marker(source: SourceObject, marker: str, refusal: MoveError) -> None:
    try:
        delete_version(source.s3, source.key, marker)
    except MoveError as error:
        raise MoveError(
            f"{refusal} The object is there, but the delete marker {marker} hides it now.",
            advice=f"Delete that marker to show the object again. {refusal.advice}"
            " A bucket with MFA Delete lets nobody but its account's root user do either.",
        ) from error
