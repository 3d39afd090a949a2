"""Creates Macie's event about an object with sensitive data.

Source: https://docs.aws.amazon.com/macie/latest/user/findings-publish-event-schemas.html. The
sandbox's buckets are not public, and its account has no repository for full results.
"""

import mimetypes
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from local.aws.emulator import ACCOUNT, REGION
from local.macie.detector import Category, Detection
from local.macie.fixtures import format_time

_JOBS = f"arn:aws:macie2:{REGION}:{ACCOUNT}:classification-job"
_RESULTS = f"s3://[export-config-not-set]/AWSLogs/{ACCOUNT}/Macie/{REGION}"

# Type, title and description of a finding with a single category.
_SINGLE = {
    Category.CREDENTIALS: (
        "SensitiveData:S3Object/Credentials",
        "The S3 object contains credentials data",
        "The S3 object contains credentials data such as AWS secret access keys.",
    ),
    Category.FINANCIAL: (
        "SensitiveData:S3Object/Financial",
        "The S3 object contains financial information",
        "The S3 object contains financial information such as credit card numbers.",
    ),
    Category.PERSONAL: (
        "SensitiveData:S3Object/Personal",
        "The S3 object contains personal information",
        (
            "The S3 object contains personal information such as first and last names, addresses,"
            " or identification numbers."
        ),
    ),
}
_MULTIPLE = (
    "SensitiveData:S3Object/Multiple",
    "The S3 object contains multiple types of sensitive information",
    "The S3 object contains more than one type of sensitive information.",
)


def finding_event(
    detections: Sequence[Detection],
    *,
    bucket: Mapping[str, Any],
    s3_object: Mapping[str, Any],
    job_id: str,
) -> dict[str, Any]:
    """Return the event as EventBridge delivers it, with new ids.

    Args:
        detections: what was detected, not empty.
        bucket: the fields of `s3Bucket` that differ between buckets.
        s3_object: the fields of `s3Object` that differ between objects.
        job_id: the job that detected it.
    """
    now = format_time(datetime.now(UTC))
    detail = {
        "schemaVersion": "1.0",
        "id": uuid.uuid4().hex,
        "accountId": ACCOUNT,
        "partition": "aws",
        "region": REGION,
        "createdAt": now,
        "updatedAt": now,
        "count": 1,
        **_summary(detections),
        "resourcesAffected": _affected(bucket, s3_object),
        "classificationDetails": _classification(detections, s3_object, job_id),
        "policyDetails": None,
        "sample": False,
        "archived": False,
    }
    return _envelope(detail, now=now)


def _envelope(detail: Mapping[str, Any], *, now: str) -> dict[str, Any]:
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Macie Finding",
        "source": "aws.macie",
        "account": ACCOUNT,
        "time": now,
        "region": REGION,
        "resources": [],
        "detail": detail,
    }


def _summary(detections: Sequence[Detection]) -> dict[str, Any]:
    type_, title, description = _type(detections)
    severity = max(detection.severity for detection in detections)
    return {
        "category": "CLASSIFICATION",
        "type": type_,
        "title": title,
        "description": description,
        "severity": {"score": int(severity), "description": severity.name.capitalize()},
    }


def _type(detections: Sequence[Detection]) -> tuple[str, str, str]:
    """Return type, title and description, which depend on the categories.

    Source: https://docs.aws.amazon.com/macie/latest/user/findings-types.html
    """
    categories = {detection.identifier.category for detection in detections}
    return _SINGLE[categories.pop()] if len(categories) == 1 else _MULTIPLE


def _affected(bucket: Mapping[str, Any], s3_object: Mapping[str, Any]) -> dict[str, Any]:
    arn = f"arn:aws:s3:::{bucket['name']}"
    return {
        "s3Bucket": {
            "arn": arn,
            "owner": {"displayName": "sandbox", "id": "0" * 64},
            "publicAccess": _private_access(),
            "allowsUnencryptedObjectUploads": "FALSE",
            **bucket,
        },
        "s3Object": {
            "bucketArn": arn,
            "path": f"{bucket['name']}/{s3_object['key']}",
            "publicAccess": False,
            **s3_object,
        },
    }


def _private_access() -> dict[str, Any]:
    """Return `publicAccess` of a bucket that blocks all public access and grants none."""
    blocked = dict.fromkeys(
        ["ignorePublicAcls", "restrictPublicBuckets", "blockPublicAcls", "blockPublicPolicy"], True
    )
    granted = {"allowsPublicReadAccess": False, "allowsPublicWriteAccess": False}
    levels = {
        "bucketLevelPermissions": {
            "accessControlList": granted,
            "bucketPolicy": granted,
            "blockPublicAccess": blocked,
        },
        "accountLevelPermissions": {"blockPublicAccess": blocked},
    }
    return {"permissionConfiguration": levels, "effectivePermission": "NOT_PUBLIC"}


def _classification(
    detections: Sequence[Detection], s3_object: Mapping[str, Any], job_id: str
) -> dict[str, Any]:
    return {
        "jobArn": f"{_JOBS}/{job_id}",
        "jobId": job_id,
        "originType": "SENSITIVE_DATA_DISCOVERY_JOB",
        "result": {
            "status": {"code": "COMPLETE", "reason": None},
            "sizeClassified": s3_object["size"],
            "mimeType": mimetypes.guess_type(s3_object["key"])[0] or "text/plain",
            "additionalOccurrences": any(item.count > len(item.occurrences) for item in detections),
            "sensitiveData": list(_by_category(detections)),
            "customDataIdentifiers": {"totalCount": 0, "detections": []},
        },
        "detailedResultsLocation": f"{_RESULTS}/{job_id}/{ACCOUNT}/{uuid.uuid4()}.jsonl.gz",
    }


def _by_category(detections: Sequence[Detection]) -> Iterator[dict[str, Any]]:
    for category in Category:
        group = [item for item in detections if item.identifier.category is category]
        if group:
            yield {
                "category": category.value,
                "totalCount": sum(detection.count for detection in group),
                "detections": [_detection(detection) for detection in group],
            }


def _detection(detection: Detection) -> dict[str, Any]:
    kinds = dict.fromkeys(["cells", "lineRanges", "offsetRanges", "pages", "records"])
    kind = "cells" if "row" in detection.occurrences[0] else "lineRanges"
    return {
        "type": detection.identifier.name,
        "count": detection.count,
        "occurrences": {**kinds, kind: detection.occurrences},
    }
