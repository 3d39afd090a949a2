"""The move, decided: what may be moved, whether a copy is whole, and how its source is removed."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Any

from lambdas.common.errors import FailedMoveError
from lambdas.common.finding import AffectedObject

NULL_VERSION = "null"
"""The version id of what was put while the bucket made no versions."""

_LONGEST_KEY = 1024
_ARCHIVED = frozenset({"GLACIER", "DEEP_ARCHIVE"})
_KEPT_CLASSES = frozenset({"STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What S3 tells about one object.

    Attributes:
        etag: without quotes.
        version_id: None in a bucket that never made versions.
        size: in bytes.
        checksums: algorithms to values; empty where S3 keeps no checksum of the whole object.
        headers: what a multipart copy must be told again, as CreateMultipartUpload's parameters.
        storage_class: as S3 names it.
        archive: the tier it must be restored from before it can be read.
        retained_until: the end of its Object Lock retention.
        holds: by what Object Lock keeps it without an end, as people call it.
        redirect: its website redirect, which no copy keeps by itself.
        lost_metadata: how many metadata entries S3 can not tell (`x-amz-missing-meta`).
        encryption: the kind of server-side encryption.
        kms_key: the ARN of its key, where that is one of KMS.
    """

    etag: str
    version_id: str | None
    size: int
    checksums: Mapping[str, str]
    headers: Mapping[str, object]
    storage_class: str
    archive: str | None
    retained_until: datetime | None
    holds: tuple[str, ...]
    redirect: str | None
    lost_metadata: int
    encryption: str | None
    kms_key: str | None

    @property
    def identity(self) -> str:
        """What tells this object from another one under the same key; "null" ones are replaced."""
        return self.etag if self.version_id == NULL_VERSION else self.version_id or self.etag

    @property
    def checksum(self) -> str | None:
        """One checksum as `ALGORITHM:value`, or None."""
        return next((f"{name}:{value}" for name, value in sorted(self.checksums.items())), None)

    @property
    def kept_class(self) -> Any:
        """The storage class that a copy gets: the same where a copy can be put there at once."""
        return self.storage_class if self.storage_class in _KEPT_CLASSES else "STANDARD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a key, or a delete marker."""

    version_id: str
    is_latest: bool
    is_marker: bool


class Removal(Enum):
    """How the moved object leaves its bucket."""

    CURRENT = auto()
    """It is current: delete what is current if it is still that, then any version left of it."""
    VERSION = auto()
    """It is not: delete that one version by its id, which brings no other one forward."""


def quarantine_key(affected: AffectedObject) -> str:
    """Answer where in the quarantine bucket the object goes: `<source bucket>/<key>`.

    A name that would not fit into S3's 1,024 bytes ends in a hash of the whole instead.
    """
    key = f"{affected.bucket}/{affected.key}"
    raw = key.encode()
    if len(raw) <= _LONGEST_KEY:
        return key
    tail = f"~{hashlib.sha256(raw).hexdigest()}"
    return raw[: _LONGEST_KEY - len(tail)].decode(errors="ignore") + tail


def is_what_macie_saw(affected: AffectedObject, facts: Facts) -> bool:
    """Answer whether the object in S3 is the one in the finding."""
    same_version = affected.version_id in (None, facts.version_id)
    return same_version and facts.etag == affected.etag


def check_movable(facts: Facts, *, now: datetime) -> None:
    """Find before copying what would prevent deleting.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html

    Raises:
        FailedMoveError: the object is locked or archived.
    """
    if facts.holds:
        raise FailedMoveError(
            f"The object is under {' and '.join(facts.holds)}, so it can not be deleted.",
            advice="Have the hold removed, then press Retry.",
        )
    if facts.retained_until is not None and facts.retained_until > now:
        raise FailedMoveError(
            f"The object is locked until {facts.retained_until:%Y-%m-%d %H:%M %Z}.",
            advice="Press Retry after that; in governance mode the lock can be lifted sooner.",
        )
    if facts.archive is not None:
        raise FailedMoveError(
            f"The object is archived ({facts.archive}), so it can not be copied.",
            advice="Restore it from the archive in S3, then press Retry.",
        )


def check_copy(source: Facts, copy: Facts | None) -> None:
    """Check that `copy` is whole.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html

    Raises:
        FailedMoveError: the copy is not the object.
    """
    if copy is None or not is_same_content(source, copy):
        raise FailedMoveError(
            "The copy is not the same as the object, so the object was left alone.",
            advice="Press Retry; if it happens again, tell AWS Support.",
        )


def is_same_content(one: Facts, other: Facts) -> bool:
    """Compare by size, and by every checksum that S3 keeps of both, or by ETags that are MD5.

    The ETag of a multipart upload, or of an object encrypted with KMS, is no MD5 of its content.
    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
    """
    shared = one.checksums.keys() & other.checksums.keys()
    if shared:
        same = all(one.checksums[name] == other.checksums[name] for name in shared)
    else:
        same = one.etag == other.etag or not (_is_md5(one) and _is_md5(other))
    return one.size == other.size and same


def _is_md5(facts: Facts) -> bool:
    return facts.encryption in (None, "AES256") and "-" not in facts.etag


def plan_removal(source: Facts, versions: Iterable[Version]) -> Removal:
    """Decide how to remove the source so that no older version becomes current by it.

    Args:
        source: the object that was copied.
        versions: every version of its key, delete markers too; none in a bucket without versions.
    """
    is_current = source.version_id is None or any(
        version.is_latest and version.version_id == source.version_id for version in versions
    )
    return Removal.CURRENT if is_current else Removal.VERSION


def left_behind(source: Facts, marker: str | None) -> str | None:
    """Answer which version still holds the object after its removal as the current one, if any.

    Where S3 laid a delete marker, the object lies under it; only a "null" marker, as in a bucket
    with suspended versions, has taken the place of a "null" version. Where it laid none, something
    else is current by now, and a version still lies under that.
    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeletingObjectsfromVersioningSuspendedBuckets.html

    Args:
        source: the object.
        marker: the version id of the delete marker that S3 laid, if it did.
    """
    if source.version_id is None:
        return NULL_VERSION if marker not in (None, NULL_VERSION) else None
    is_replaced = source.version_id == marker == NULL_VERSION
    return None if is_replaced else source.version_id


def endangers_another(source: Facts, versions: Sequence[Version]) -> bool:
    """Answer whether removing the source as the current one could destroy another version.

    In a bucket with suspended versions every delete marker is a "null" one and takes the place of
    the "null" version, which may hold an older object.
    """
    if plan_removal(source, versions) is Removal.VERSION or source.version_id == NULL_VERSION:
        return False
    return any(one.version_id == NULL_VERSION and not one.is_marker for one in versions)


def archive_tier(storage_class: str | None, archive: str | None, restore: str | None) -> str | None:
    """Name the tier that an object must be restored from, from the headers S3 answers.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects.html
    """
    if restore is not None and 'ongoing-request="false"' in restore:
        return None
    return archive or (storage_class if storage_class in _ARCHIVED else None)
