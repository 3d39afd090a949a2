"""Macie's JSON: what EventBridge delivers of a finding, read into a `Finding` (steps 1 to 3)."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from lambdas.common.finding import AffectedObject, Detection, Finding, Severity, Tag
from lambdas.finding_handler import identifiers

FINDING_EVENT = "Macie Finding"
"""The `detail-type` of a finding's event.

Source: https://docs.aws.amazon.com/macie/latest/user/findings-publish-event-schemas.html
"""

CLASSIFICATION = "CLASSIFICATION"
"""The category of findings of sensitive data in an object."""


NO_TYPE = "no type"
"""The type of a finding for which Macie gave none; a person reviews it."""


class MalformedFindingError(Exception):
    """The event does not contain a finding; it ends in the dead-letter queue."""


class UnsupportedFindingError(Exception):
    """The finding is not about sensitive data in an object; it is left to others."""


def parse_finding(detail: Mapping[str, Any]) -> Finding:
    """Read the `detail` of a finding's event.

    Every field may be null or absent in Macie's model; only what identifies the finding and its
    object is required. It is checked before any request is signed that contains it.
    Source: https://docs.aws.amazon.com/macie/latest/user/findings-publish-event-schemas.html

    Raises:
        MalformedFindingError: the finding's id, account, Region, time or object is missing or
            cannot be real, or a field has another type than Macie documents.
        UnsupportedFindingError: it is a policy finding, which is about no object.
    """
    try:
        if _text(detail, "category") != CLASSIFICATION:
            raise UnsupportedFindingError(f"{detail['category']} findings are about no object")
        return _checked(_finding(detail))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise MalformedFindingError(f"{type(error).__name__}: {error}") from error


def _checked(finding: Finding) -> Finding:
    """Return `finding` if everything can be real of which requests and ids are made.

    Raises:
        ValueError: something cannot; the error names it.
    """
    affected = finding.object
    for name, is_valid in {
        "id": identifiers.is_finding_id(finding.id),
        "accountId": identifiers.is_account(finding.account),
        "region": identifiers.is_region(finding.region, partition=finding.partition),
        "bucket": identifiers.is_bucket(affected.bucket, region=finding.region),
        "key": identifiers.is_key(affected.key),
        "eTag": identifiers.is_opaque(affected.etag),
        "versionId": affected.version_id is None or identifiers.is_opaque(affected.version_id),
    }.items():
        if not is_valid:
            raise ValueError(f"{name} cannot be real")
    return finding


def _finding(detail: Mapping[str, Any]) -> Finding:
    bucket = detail["resourcesAffected"]["s3Bucket"]
    classification = detail.get("classificationDetails") or {}
    return Finding(
        id=_text(detail, "id"),
        account=_text(detail, "accountId"),
        region=_text(detail, "region"),
        partition=_optional_text(detail, "partition") or "aws",
        type=_optional_text(detail, "type") or NO_TYPE,
        severity=_severity(detail.get("severity") or {}),
        title=_optional_text(detail, "title") or "",
        description=_optional_text(detail, "description") or "",
        created_at=_time(_text(detail, "createdAt")),
        is_sample=_optional_flag(detail, "sample") is True,
        is_archived=_optional_flag(detail, "archived") is True,
        job=_optional_text(classification, "jobId"),
        object=_object(_text(bucket, "name"), detail["resourcesAffected"]["s3Object"]),
        bucket_tags=tuple(
            Tag(key=_optional_text(tag, "key") or "", value=_optional_text(tag, "value") or "")
            for tag in bucket.get("tags") or ()
        ),
        detections=tuple(
            sorted(_detections(classification.get("result") or {}), key=_most_frequent_first)
        ),
    )


def _object(bucket: str, s3_object: Mapping[str, Any]) -> AffectedObject:
    encryption = s3_object.get("serverSideEncryption") or {}
    etag = s3_object.get("eTag") or s3_object.get("etag")
    return AffectedObject(
        bucket=bucket,
        key=_text(s3_object, "key"),
        version_id=_optional_text(s3_object, "versionId"),
        etag=_text({"eTag": etag}, "eTag").strip('"'),
        size=_optional_number(s3_object, "size"),
        storage_class=_optional_text(s3_object, "storageClass"),
        encryption=_optional_text(encryption, "encryptionType"),
        kms_key=_optional_text(encryption, "kmsMasterKeyId"),
        is_public=_optional_flag(s3_object, "publicAccess"),
        last_modified=_optional_time(s3_object, "lastModified"),
    )


def _severity(severity: Mapping[str, Any]) -> Severity | None:
    """Return the higher of score and description: where they differ, nothing may be hidden."""
    description = str(severity.get("description") or "").upper()
    return max(
        (
            level
            for level in Severity
            if level == severity.get("score") or level.name == description
        ),
        default=None,
    )


def _detections(result: Mapping[str, Any]) -> Iterator[Detection]:
    for group in result.get("sensitiveData") or ():
        for detection in group.get("detections") or ():
            yield _detection(detection, "type")
    custom = result.get("customDataIdentifiers") or {}
    for detection in custom.get("detections") or ():
        yield _detection(detection, "name")


def _detection(fields: Mapping[str, Any], name: str) -> Detection:
    return Detection(
        name=_optional_text(fields, name) or "unnamed",
        count=_optional_number(fields, "count") or 0,
    )


def _most_frequent_first(detection: Detection) -> tuple[int, str]:
    return -detection.count, detection.name


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _optional_time(fields: Mapping[str, Any], name: str) -> datetime | None:
    text = _optional_text(fields, name)
    return None if text is None else _time(text)


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = _optional_text(fields, name)
    if value is None:
        raise ValueError(f"{name} is missing")
    return value


def _optional_text(fields: Mapping[str, Any], name: str) -> str | None:
    """Return a string, or None if it is null, absent or empty."""
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{name} must be a string")
    (value or "").encode()  # JSON allows half a surrogate pair, which DynamoDB and S3 refuse
    return value or None


def _optional_number(fields: Mapping[str, Any], name: str) -> int | None:
    value = fields.get(name)
    return None if value is None else int(value)


def _optional_flag(fields: Mapping[str, Any], name: str) -> bool | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, bool):
        raise TypeError(f"{name} must be true or false")
    return value
