"""A stand-in for Macie: events of its shape about objects that are really there."""

import json
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local.aws.emulator import ACCOUNT, REGION

FINDINGS = Path(__file__).with_name("findings")


def event_about(s3: Any, *, fixture: str, bucket: str, key: str) -> dict[str, Any]:
    """Make the event that EventBridge would deliver about the object as it is now.

    Args:
        s3: an S3 client.
        fixture: the name of a file in findings/, without its ending.
        bucket: the object's bucket.
        key: the object's key.
    """
    head = s3.head_object(Bucket=bucket, Key=key)
    event = _event(fixture)
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
        "lastModified": iso(head["LastModified"]),
        "storageClass": head.get("StorageClass", "STANDARD"),
    }
    return event


def sample_event() -> dict[str, Any]:
    """Make the event of a sample finding, about an object that is nowhere."""
    return _event("sample-financial")


def _event(fixture: str) -> dict[str, Any]:
    """Take a fixture, with ids and times of its own and in the sandbox's account and region."""
    event: dict[str, Any] = json.loads((FINDINGS / f"{fixture}.json").read_text())
    now = iso(datetime.now(UTC))
    event |= {"id": str(uuid.uuid4()), "account": ACCOUNT, "region": REGION, "time": now}
    event["detail"] |= {
        "id": uuid.uuid4().hex,
        "accountId": ACCOUNT,
        "region": REGION,
        "createdAt": now,
        "updatedAt": now,
    }
    return event


def iso(moment: datetime) -> str:
    """Write a moment as Macie does, in UTC and to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
