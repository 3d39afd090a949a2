"""A Macie finding, parsed once at the door; past it nobody reads the raw event (steps 1 to 3)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

from lambdas.common.errors import MalformedFindingError, UnsupportedFindingError

CLASSIFICATION = "CLASSIFICATION"


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
    """A kind of sensitive data and how often it occurs in the object."""

    name: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AffectedObject:
    """The object as Macie saw it.

    `version_id` is None in a bucket without versions; `etag` has no quotes; `size` is in bytes;
    what Macie could not tell is None.
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

    @property
    def uri(self) -> str:
        """The object's place as people write it, `s3://bucket/key`."""
        return f"s3://{self.bucket}/{self.key}"

    @property
    def identity(self) -> str:
        """Bucket, key and content: equal for two findings on the very same object."""
        return f"{self.bucket}/{self.key}@{self.version_id or self.etag}"


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

    @classmethod
    def from_macie(cls, detail: Mapping[str, Any]) -> "Finding":
        """Read the `detail` of a Macie finding event.

        Every field may be null or absent in Macie's model; only what identifies the finding and its
        object is insisted on.
        Source: https://docs.aws.amazon.com/macie/latest/user/findings-publish-event-schemas.html

        Raises:
            MalformedFindingError: the finding's id, account, region, type or object is missing, or
                a field has another type than Macie documents.
            UnsupportedFindingError: it is a policy finding, which is about no object.
        """
        try:
            if _text(detail, "category") != CLASSIFICATION:
                raise UnsupportedFindingError(f"{detail['category']} findings are about no object")
            return _finding(detail)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise MalformedFindingError(f"{type(error).__name__}: {error}") from error


def _finding(detail: Mapping[str, Any]) -> Finding:
    bucket = detail["resourcesAffected"]["s3Bucket"]
    classification = detail.get("classificationDetails") or {}
    return Finding(
        id=_text(detail, "id"),
        account=_text(detail, "accountId"),
        region=_text(detail, "region"),
        partition=detail.get("partition") or "aws",
        type=_text(detail, "type"),
        severity=_severity(detail.get("severity") or {}),
        title=detail.get("title") or "",
        description=detail.get("description") or "",
        created_at=datetime.fromisoformat(_text(detail, "createdAt")),
        is_sample=detail.get("sample") is True,
        is_archived=detail.get("archived") is True,
        job=classification.get("jobId"),
        object=_object(_text(bucket, "name"), detail["resourcesAffected"]["s3Object"]),
        bucket_tags=tuple(
            Tag(key=str(tag["key"]), value=str(tag.get("value") or ""))
            for tag in bucket.get("tags") or ()
        ),
        detections=tuple(sorted(_detections(classification.get("result") or {}), key=_most_first)),
    )


def _object(bucket: str, s3_object: Mapping[str, Any]) -> AffectedObject:
    encryption = s3_object.get("serverSideEncryption") or {}
    etag = s3_object.get("eTag") or s3_object.get("etag")
    return AffectedObject(
        bucket=bucket,
        key=_text(s3_object, "key"),
        version_id=s3_object.get("versionId") or None,
        etag=_text({"eTag": etag}, "eTag").strip('"'),
        size=None if s3_object.get("size") is None else int(s3_object["size"]),
        storage_class=s3_object.get("storageClass"),
        encryption=encryption.get("encryptionType"),
        kms_key=encryption.get("kmsMasterKeyId"),
        is_public=s3_object.get("publicAccess"),
    )


def _severity(severity: Mapping[str, Any]) -> Severity | None:
    """Take the graver of score and description: where they differ, nothing may be hidden."""
    told = [member for member in Severity if member == severity.get("score")]
    named = str(severity.get("description") or "").upper()
    told += [member for member in Severity if member.name == named]
    return max(told, default=None)


def _detections(result: Mapping[str, Any]) -> Iterator[Detection]:
    for group in result.get("sensitiveData") or ():
        for detection in group.get("detections") or ():
            yield Detection(name=_text(detection, "type"), count=int(detection.get("count") or 0))
    custom = result.get("customDataIdentifiers") or {}
    for detection in custom.get("detections") or ():
        yield Detection(name=_text(detection, "name"), count=int(detection.get("count") or 0))


def _most_first(detection: Detection) -> tuple[int, str]:
    return -detection.count, detection.name


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields[name]
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} must be a text that is not empty")
    return value
