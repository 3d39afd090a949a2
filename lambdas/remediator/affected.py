"""The affected object where Macie saw it: found again, and weighed before it is moved."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from lambdas.common.errors import FailedMoveError
from lambdas.common.finding import AffectedObject
from lambdas.common.record import Record
from lambdas.remediator.copying import Source
from lambdas.remediator.move import NULL_VERSION, check_movable, endangers_another
from lambdas.remediator.objects import Objects, Place

_MOST_BYTES = 350_000
"""What a record may tell of copies: DynamoDB takes items of 400 KB.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
"""


def most_versions(key: str) -> int:
    """Answer how many versions of `key` a record can tell of when they come, stay and go back."""
    return _MOST_BYTES // (3 * len(key.encode()) + 1_400)


def as_copied(record: Record) -> AffectedObject:
    """Pin the object to the version that was copied, which the finding may not name."""
    affected = record.finding.object
    copied = (copy for copy in record.copies if copy.source_etag == affected.etag)
    copy = next(copied, None)
    return affected if copy is None else replace(affected, version_id=copy.source_version_id)


def find(objects: Objects, affected: AffectedObject) -> Source | None:
    """Tell what lies where the object was, or None where nothing does.

    Raises:
        FailedMoveError: S3 will not tell.
    """
    place = Place(bucket=affected.bucket, key=affected.key)
    facts = objects.look(place, affected.version_id)
    if facts is None:
        return None
    versions = objects.versions(place) if facts.version_id else ()
    return Source(objects=objects, place=place, facts=facts, versions=versions)


def every_version(found: Source) -> Iterator[Source]:
    """Answer every version of the object's key, oldest first, delete markers left out.

    Raises:
        FailedMoveError: S3 will not tell.
    """
    if not found.versions:
        yield found
    for version in reversed(found.versions):
        if version.version_id == found.facts.version_id:
            yield found
        elif not version.is_marker:
            facts = found.objects.look(found.place, version.version_id)
            if facts is not None:
                yield replace(found, facts=facts)


def check(sources: Sequence[Source], *, now: datetime) -> None:
    """Find before copying what would prevent deleting, or make it destroy another version.

    Raises:
        FailedMoveError: there is such a thing.
    """
    _check_number(sources)
    going = {source.facts.version_id for source in sources}
    for source in sources:
        check_movable(source.facts, now=now)
        is_endangered = endangers_another(source.facts, source.versions)
        if is_endangered and NULL_VERSION not in going:
            _check_versioning(source)


def count_remaining(sources: Sequence[Source]) -> int:
    """Count the versions of the key that stay, delete markers not counted."""
    going = {source.facts.version_id for source in sources}
    versions = sources[0].versions
    return sum(not one.is_marker and one.version_id not in going for one in versions)


def is_whole(source: Source) -> bool:
    """Answer whether the object still lies where it was.

    Raises:
        FailedMoveError: S3 will not tell.
    """
    now = source.objects.look(source.place, source.facts.version_id)
    return now is not None and now.etag == source.facts.etag


def not_kept(source: Source) -> Iterator[str]:
    """Tell what a copy can not keep: grants, lost metadata, its key, an Object Lock that has ended.

    Raises:
        FailedMoveError: S3 will not tell.
    """
    yield from source.objects.grants(source.place, source.facts.version_id)
    if source.facts.lost_metadata:
        yield f"{source.facts.lost_metadata} metadata entries that S3 can not show"
    if source.facts.kms_key is not None:
        yield f"{source.facts.encryption} encryption with the key {source.facts.kms_key}"
    if source.facts.retained_until is not None:
        yield f"Object Lock retention until {source.facts.retained_until.isoformat()}"


def _check_number(sources: Sequence[Source]) -> None:
    if len(sources) > (most := most_versions(sources[0].place.key)):
        raise FailedMoveError(
            f"The object has {len(sources):,} versions; the ledger can tell of {most:,} at most.",
            advice="Delete versions that nobody needs, or set quarantineVersions to FINDING; then"
            " press Retry.",
        )


def _check_versioning(source: Source) -> None:
    if source.objects.versioning(source.place) == "Suspended":
        raise FailedMoveError(
            "The bucket's versions are suspended, and deleting this one would destroy another.",
            advice="Enable versioning on the bucket again, then press Retry.",
        )
