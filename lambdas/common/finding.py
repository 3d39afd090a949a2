"""A Macie finding, parsed once at the door; past it nobody reads the raw event (steps 1 to 3)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
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
    last_modified: datetime | None = None

    @property
    def uri(self) -> str:
        """The object's place as people write it, `s3://bucket/key`."""
        return f"s3://{self.bucket}/{self.key}"

    @property
    def identity(self) -> str:
        """What is equal for two findings on the very same object, put there at one moment.

        The same content may come again: as a null version, or where there are no versions at all.
        """
        put = self.last_modified.isoformat() if self.last_modified else ""
        return f"{self.bucket}/{self.key}@{self.version_id or ''}/{self.etag}/{put}"


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
            MalformedFindingError: the finding's id, account, region, type, time or object is
                missing, or a field has another type than Macie documents.
            UnsupportedFindingError: it is a policy finding, which is about no object.
        """
        try:
            if _text(detail, "category") != CLASSIFICATION:
                raise UnsupportedFindingError(f"{detail['category']} findings are about no object")
            return _finding(detail)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise MalformedFindingError(f"{type(error).__name__}: {error}") from error


def _finding(detail: Mapping[str, Any]) -> Finding:
    bucket = detail["resourcesAffected"]["s3Bucket"]
    classification = detail.get("classificationDetails") or {}
    return Finding(
        id=_text(detail, "id"),
        account=_text(detail, "accountId"),
        region=_text(detail, "region"),
        partition=_optional(detail, "partition") or "aws",
        type=_text(detail, "type"),
        severity=_severity(detail.get("severity") or {}),
        title=_optional(detail, "title") or "",
        description=_optional(detail, "description") or "",
        created_at=_moment(_text(detail, "createdAt")),
        is_sample=_answer(detail, "sample") is True,
        is_archived=_answer(detail, "archived") is True,
        job=_optional(classification, "jobId"),
        object=_object(_text(bucket, "name"), detail["resourcesAffected"]["s3Object"]),
        bucket_tags=tuple(
            Tag(key=_optional(tag, "key") or "", value=_optional(tag, "value") or "")
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
        version_id=_optional(s3_object, "versionId"),
        etag=_text({"eTag": etag}, "eTag").strip('"'),
        size=_number(s3_object, "size"),
        storage_class=_optional(s3_object, "storageClass"),
        encryption=_optional(encryption, "encryptionType"),
        kms_key=_optional(encryption, "kmsMasterKeyId"),
        is_public=_answer(s3_object, "publicAccess"),
        last_modified=_optional_moment(s3_object, "lastModified"),
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
            yield _detection(detection, "type")
    custom = result.get("customDataIdentifiers") or {}
    for detection in custom.get("detections") or ():
        yield _detection(detection, "name")


def _detection(fields: Mapping[str, Any], name: str) -> Detection:
    return Detection(name=_optional(fields, name) or "unnamed", count=_number(fields, "count") or 0)


def _most_first(detection: Detection) -> tuple[int, str]:
    return -detection.count, detection.name


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _optional_moment(fields: Mapping[str, Any], name: str) -> datetime | None:
    text = _optional(fields, name)
    return None if text is None else _moment(text)


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = _optional(fields, name)
    if value is None:
        raise ValueError(f"{name} is missing")
    return value


def _optional(fields: Mapping[str, Any], name: str) -> str | None:
    """Answer a text, or None for one that is null, absent or empty."""
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{name} must be a text")
    return value or None


def _number(fields: Mapping[str, Any], name: str) -> int | None:
    value = fields.get(name)
    return None if value is None else int(value)


def _answer(fields: Mapping[str, Any], name: str) -> bool | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, bool):
        raise TypeError(f"{name} must be true or false")
    return value
