"""Macie's event about an object in which something was found.

Source: https://docs.aws.amazon.com/macie/latest/user/findings-publish-event-schemas.html; the
buckets of the sandbox are open to nobody, and their account has no repository for full results.
"""

import mimetypes
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from local.aws.emulator import ACCOUNT, REGION
from local.macie.detector import Category, Detection
from local.macie.fixtures import iso

_JOBS = f"arn:aws:macie2:{REGION}:{ACCOUNT}:classification-job"
_RESULTS = f"s3://[export-config-not-set]/AWSLogs/{ACCOUNT}/Macie/{REGION}"

# Type, title and description of a finding.
_ALONE = {
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
_TOGETHER = (
    "SensitiveData:S3Object/Multiple",
    "The S3 object contains multiple types of sensitive information",
    "The S3 object contains more than one type of sensitive information.",
)


def event(
    found: Sequence[Detection],
    *,
    bucket: Mapping[str, Any],
    s3_object: Mapping[str, Any],
    job_id: str,
) -> dict[str, Any]:
    """Make the event, with ids of its own, as EventBridge delivers it.

    Args:
        found: what was found, at least one detection.
        bucket: what only the bucket itself tells, by Macie's names.
        s3_object: what only the object itself tells, by Macie's names.
        job_id: the job that found it.
    """
    now = iso(datetime.now(UTC))
    detail = {
        "schemaVersion": "1.0",
        "id": uuid.uuid4().hex,
        "accountId": ACCOUNT,
        "partition": "aws",
        "region": REGION,
        "createdAt": now,
        "updatedAt": now,
        "count": 1,
        **_summary(found),
        "resourcesAffected": _affected(bucket, s3_object),
        "classificationDetails": _classification(found, s3_object, job_id),
        "policyDetails": None,
        "sample": False,
        "archived": False,
    }
    return _delivered(detail, now=now)


def _delivered(detail: Mapping[str, Any], *, now: str) -> dict[str, Any]:
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


def _summary(found: Sequence[Detection]) -> dict[str, Any]:
    type_, title, description = _kind(found)
    severity = max(one.severity for one in found)
    return {
        "category": "CLASSIFICATION",
        "type": type_,
        "title": title,
        "description": description,
        "severity": {"score": int(severity), "description": severity.name.capitalize()},
    }


def _kind(found: Sequence[Detection]) -> tuple[str, str, str]:
    """Tell type, title and description by what categories there are.

    Source: https://docs.aws.amazon.com/macie/latest/user/findings-types.html
    """
    categories = {one.identifier.category for one in found}
    return _ALONE[categories.pop()] if len(categories) == 1 else _TOGETHER


def _affected(bucket: Mapping[str, Any], s3_object: Mapping[str, Any]) -> dict[str, Any]:
    arn = f"arn:aws:s3:::{bucket['name']}"
    return {
        "s3Bucket": {
            "arn": arn,
            "owner": {"displayName": "sandbox", "id": "0" * 64},
            "publicAccess": _nobody(),
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


def _nobody() -> dict[str, Any]:
    """Say that nobody may read a bucket: all public access is blocked, and no policy gives any."""
    blocked = dict.fromkeys(
        ["ignorePublicAcls", "restrictPublicBuckets", "blockPublicAcls", "blockPublicPolicy"], True
    )
    given = {"allowsPublicReadAccess": False, "allowsPublicWriteAccess": False}
    levels = {
        "bucketLevelPermissions": {
            "accessControlList": given,
            "bucketPolicy": given,
            "blockPublicAccess": blocked,
        },
        "accountLevelPermissions": {"blockPublicAccess": blocked},
    }
    return {"permissionConfiguration": levels, "effectivePermission": "NOT_PUBLIC"}


def _classification(
    found: Sequence[Detection], s3_object: Mapping[str, Any], job_id: str
) -> dict[str, Any]:
    return {
        "jobArn": f"{_JOBS}/{job_id}",
        "jobId": job_id,
        "originType": "SENSITIVE_DATA_DISCOVERY_JOB",
        "result": {
            "status": {"code": "COMPLETE", "reason": None},
            "sizeClassified": s3_object["size"],
            "mimeType": mimetypes.guess_type(s3_object["key"])[0] or "text/plain",
            "additionalOccurrences": any(one.count > len(one.places) for one in found),
            "sensitiveData": list(_by_category(found)),
            "customDataIdentifiers": {"totalCount": 0, "detections": []},
        },
        "detailedResultsLocation": f"{_RESULTS}/{job_id}/{ACCOUNT}/{uuid.uuid4()}.jsonl.gz",
    }


def _by_category(found: Sequence[Detection]) -> Iterator[dict[str, Any]]:
    for category in Category:
        here = [one for one in found if one.identifier.category is category]
        if here:
            yield {
                "category": category.value,
                "totalCount": sum(one.count for one in here),
                "detections": [_told(one) for one in here],
            }


def _told(detection: Detection) -> dict[str, Any]:
    kinds = dict.fromkeys(["cells", "lineRanges", "offsetRanges", "pages", "records"])
    kind = "cells" if "row" in detection.places[0] else "lineRanges"
    return {
        "type": detection.identifier.name,
        "count": detection.count,
        "occurrences": {**kinds, kind: detection.places},
    }
