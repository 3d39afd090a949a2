"""Events of example findings, about objects that really exist in the sandbox."""

import json
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.aws.emulator import ACCOUNT, REGION

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FINDINGS = Path(__file__).with_name("findings")


def event_about(s3: "S3Client", *, fixture: str, bucket: str, key: str) -> dict[str, Any]:
    """Return the event that EventBridge would deliver about the object as it is now.

    Args:
        s3: an S3 client.
        fixture: the name of a file in findings/, without its ending.
        bucket: the object's bucket.
        key: the object's key.
    """
    head = s3.head_object(Bucket=bucket, Key=key)
    event = _load(fixture)
    affected = event["detail"]["resourcesAffected"]
    affected["s3Bucket"] |= {"name": bucket, "arn": f"arn:aws:s3:::{bucket}"}
    affected["s3Object"] |= {
        "bucketArn": f"arn:aws:s3:::{bucket}",
        "key": key,
        "path": f"{bucket}/{key}",
        "extension": Path(key).suffix.lstrip("."),
        "eTag": head["ETag"].strip('"'),
        "versionId": head.get("VersionId", ""),
        "size": head["ContentLength"],
        "lastModified": format_time(head["LastModified"]),
        "storageClass": head.get("StorageClass", "STANDARD"),
    }
    return event


def sample_event() -> dict[str, Any]:
    """Return the event of a sample finding, about an object that does not exist."""
    return _load("sample-financial")


def _load(fixture: str) -> dict[str, Any]:
    """Return a fixture with new ids and times, in the sandbox's account and region."""
    event: dict[str, Any] = json.loads((FINDINGS / f"{fixture}.json").read_text())
    now = format_time(datetime.now(UTC))
    event |= {"id": str(uuid.uuid4()), "account": ACCOUNT, "region": REGION, "time": now}
    event["detail"] |= {
        "id": uuid.uuid4().hex,
        "accountId": ACCOUNT,
        "region": REGION,
        "createdAt": now,
        "updatedAt": now,
    }
    return event


def format_time(time: datetime) -> str:
    """Return `time` as Macie writes it, in UTC and to the millisecond."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
