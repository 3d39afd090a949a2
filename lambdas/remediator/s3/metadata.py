"""What S3 knows about an object, and about the versions of a key. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypedDict, cast

if TYPE_CHECKING:
    from mypy_boto3_s3.literals import StorageClassType

NULL_VERSION = "null"
"""The version id of what was put while the bucket made no versions."""

_ARCHIVE_CLASSES = frozenset({"GLACIER", "DEEP_ARCHIVE"})
_KEPT_CLASSES = frozenset({"STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR"})


class ObjectHeaders(TypedDict, total=False):
    """The headers and user metadata of an object, as parameters of CreateMultipartUpload."""

    CacheControl: str
    ContentDisposition: str
    ContentEncoding: str
    ContentLanguage: str
    ContentType: str
    Expires: datetime
    Metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectMetadata:
    """What S3 knows about one object.

    Attributes:
        etag: without quotes.
        version_id: None in a bucket that never made versions.
        size: in bytes.
        checksums: algorithms to values; empty where S3 keeps no checksum of the whole object.
        has_checksum: whether S3 keeps any checksum, if only of the parts of a multipart upload.
        headers: what CreateMultipartUpload needs to make the same object.
        invalid_expires: its Expires header, if that is no date, which CreateMultipartUpload would
            not take.
        storage_class: S3's name for it.
        archive: the tier from which it must be restored before it can be read.
        retained_until: the end of its Object Lock retention.
        holds: the Object Lock holds that keep it without an end, in plain words.
        redirect: its website redirect, which no copy keeps by itself.
        lost_metadata: how many metadata entries S3 cannot return (`x-amz-missing-meta`).
        encryption: the kind of server-side encryption.
        kms_key: the ARN of its KMS key, if it is encrypted with one.
    """

    etag: str
    version_id: str | None
    size: int
    checksums: Mapping[str, str]
    has_checksum: bool
    headers: ObjectHeaders
    invalid_expires: str | None
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
        """What distinguishes it from others under its key; a null version can be replaced."""
        return self.etag if self.version_id == NULL_VERSION else self.version_id or self.etag

    @property
    def checksum(self) -> str | None:
        """The first of its checksums as `ALGORITHM:value`, or None."""
        return next((f"{name}:{value}" for name, value in sorted(self.checksums.items())), None)

    @property
    def copy_storage_class(self) -> "StorageClassType":
        """The storage class of a copy: the same if S3 can put a copy there at once."""
        name = self.storage_class if self.storage_class in _KEPT_CLASSES else "STANDARD"
        return cast("StorageClassType", name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a key, or a delete marker."""

    version_id: str
    is_latest: bool
    is_marker: bool


def archive_tier(storage_class: str | None, archive: str | None, restore: str | None) -> str | None:
    """Return the tier from which an object must be restored, or None if it can be read.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects.html

    Args:
        storage_class: `x-amz-storage-class`, and so on from HeadObject's response.
        archive: `x-amz-archive-status`.
        restore: `x-amz-restore`.
    """
    if restore is not None and 'ongoing-request="false"' in restore:
        return None
    return archive or (storage_class if storage_class in _ARCHIVE_CLASSES else None)
