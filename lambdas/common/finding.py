"""A Macie finding, parsed once; nobody reads the raw event after that (steps 1 to 3)."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum


class Severity(IntEnum):
    """Macie's severity score.

    Source: https://docs.aws.amazon.com/macie/latest/user/findings-severity.html
    """

    LOW = 1
    MEDIUM = 2
    HIGH = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A tag on the affected bucket."""

    key: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """A kind of sensitive data, and how often it occurs in the object."""

    name: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AffectedObject:
    """The object as Macie saw it.

    `version_id` is None in a bucket without versioning; `etag` has no quotes; `size` is in bytes.
    What Macie did not report is None.
    """

    bucket: str
    key: str
    version_id: str | None
    etag: str
    size: int | None
    storage_class: str | None
    encryption: str | None
    kms_key: str | None
    is_public: bool | None
    last_modified: datetime | None = None

    @property
    def uri(self) -> str:
        """The object's S3 URI, `s3://bucket/key`."""
        return f"s3://{self.bucket}/{self.key}"

    @property
    def identity(self) -> str:
        """A value that two findings share only if they are about the same object.

        The time is part of it because the same content can be uploaded again, as a null version or
        in a bucket without versioning.
        """
        uploaded = self.last_modified.isoformat() if self.last_modified else ""
        return f"{self.bucket}/{self.key}@{self.version_id or ''}/{self.etag}/{uploaded}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Macie's report of sensitive data in one object.

    `account` owns the bucket; `type` is one of Macie's `SensitiveData:S3Object/...`; `severity` is
    None where Macie gave none; `job` is None for automated sensitive data discovery.
    """

    id: str
    account: str
    region: str
    partition: str
    type: str
    severity: Severity | None
    title: str
    description: str
    created_at: datetime
    is_sample: bool
    is_archived: bool
    job: str | None
    object: AffectedObject
    bucket_tags: tuple[Tag, ...]
    detections: tuple[Detection, ...]
