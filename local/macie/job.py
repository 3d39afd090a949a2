"""A sensitive data discovery job: reads new objects in monitored buckets, and delivers findings."""

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from local.macie.detector import Detection, detect
from local.macie.finding_event import finding_event
from local.macie.fixtures import format_time
from local.macie.passages import passages

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_PROBE_BYTES = 1024
_GONE = {"NoSuchKey", "PreconditionFailed"}


@dataclass(frozen=True, kw_only=True)
class JobRun:
    """What a run did: the number of objects it read, and the ids of the findings it delivered."""

    objects: int
    findings: tuple[str, ...]


class MacieJob:
    """A job over the buckets with matching names. A run reads only what no run has read before.

    Args:
        s3: an S3 client.
        monitored: the names of the buckets, with the wildcards `*` and `?`.
        deliver: delivers an event, and returns the finding's id.
    """

    def __init__(
        self, s3: "S3Client", *, monitored: str, deliver: Callable[[Mapping[str, Any]], str]
    ) -> None:
        self._s3 = s3
        self._monitored = monitored
        self._deliver = deliver
        self._job_id = uuid.uuid4().hex
        self._read: set[tuple[str, ...]] = set()
        self._lock = threading.Lock()

    def run(self) -> JobRun:
        """Read each current object version that is new, and deliver its finding."""
        with self._lock:
            findings = [self._examine(bucket, version) for bucket, version in self._new_versions()]
        return JobRun(objects=len(findings), findings=tuple(filter(None, findings)))

    def _new_versions(self) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
        """Yield new object versions with their bucket: Macie reads the latest versions only."""
        for bucket in self._s3.list_buckets()["Buckets"]:
            if not fnmatchcase(bucket["Name"], self._monitored):
                continue
            for version in _versions(self._s3, bucket["Name"]):
                identity = (bucket["Name"], version["Key"], version["VersionId"], version["ETag"])
                if version["IsLatest"] and identity not in self._read:
                    self._read.add(identity)
                    yield bucket, version

    def _examine(self, bucket: Mapping[str, Any], version: Mapping[str, Any]) -> str | None:
        """Read an object, deliver its finding, and return the finding's id, None for no finding."""
        name, key = bucket["Name"], version["Key"]
        with _suppress(*_GONE):
            response = self._s3.get_object(Bucket=name, Key=key, IfMatch=version["ETag"])
            if detections := _detect(key, response["Body"].read()):
                return self._deliver(self._event(bucket, key, response, detections))
        return None

    def _event(
        self,
        bucket: Mapping[str, Any],
        key: str,
        response: Mapping[str, Any],
        detections: Sequence[Detection],
    ) -> dict[str, Any]:
        described_bucket = _describe_bucket(self._s3, bucket)
        described_object = {
            "serverSideEncryption": described_bucket["defaultServerSideEncryption"],
            **_describe_object(self._s3, bucket["Name"], key, response),
        }
        return finding_event(
            detections, bucket=described_bucket, s3_object=described_object, job_id=self._job_id
        )


def _detect(key: str, body: bytes) -> tuple[Detection, ...]:
    """Examine an object if it is text. Macie reads more kinds of files than this."""
    if b"\0" in body[:_PROBE_BYTES]:
        return ()
    return detect(passages(key, body.decode(errors="replace")))


def _versions(s3: "S3Client", bucket: str) -> Iterator[Mapping[str, Any]]:
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        yield from page.get("Versions", ())


def _describe_bucket(s3: "S3Client", bucket: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a finding's `s3Bucket`."""
    name = bucket["Name"]
    default = _default_encryption(s3, name)
    return {
        "name": name,
        "createdAt": format_time(bucket["CreationDate"]),
        "tags": _tags(_bucket_tags(s3, name)),
        "defaultServerSideEncryption": {
            "encryptionType": default["SSEAlgorithm"],
            "kmsMasterKeyId": default.get("KMSMasterKeyID"),
        },
    }


def _default_encryption(s3: "S3Client", bucket: str) -> Mapping[str, Any]:
    with _suppress("ServerSideEncryptionConfigurationNotFoundError"):
        response = s3.get_bucket_encryption(Bucket=bucket)
        (rule,) = response["ServerSideEncryptionConfiguration"]["Rules"]
        default: Mapping[str, Any] = rule["ApplyServerSideEncryptionByDefault"]
        return default
    # S3's default where nothing is configured.
    return {"SSEAlgorithm": "AES256"}


def _bucket_tags(s3: "S3Client", bucket: str) -> Sequence[Mapping[str, Any]]:
    with _suppress("NoSuchTagSet"):
        tags: Sequence[Mapping[str, Any]] = s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
        return tags
    return ()


@contextmanager
def _suppress(*codes: str) -> Iterator[None]:
    """Suppress the errors of AWS with one of these codes."""
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] not in codes:
            raise


def _describe_object(
    s3: "S3Client", bucket: str, key: str, response: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the fields of a finding's `s3Object`, from GetObject's `response`."""
    version = response.get("VersionId", "")
    version_id: Any = {"VersionId": version} if version else {}
    tags = s3.get_object_tagging(Bucket=bucket, Key=key, **version_id)["TagSet"]
    stem, _, extension = key.rpartition("/")[2].rpartition(".")
    return {
        "key": key,
        "extension": extension if stem else "",
        "lastModified": format_time(response["LastModified"]),
        "eTag": response["ETag"].strip('"'),
        "versionId": version,
        **_encryption(response),
        "size": response["ContentLength"],
        "storageClass": response.get("StorageClass", "STANDARD"),
        "tags": _tags(tags),
    }


def _encryption(response: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object's encryption; {} where an emulator omits the bucket's default."""
    if "ServerSideEncryption" not in response:
        return {}
    kind, key = response["ServerSideEncryption"], response.get("SSEKMSKeyId")
    return {"serverSideEncryption": {"encryptionType": kind, "kmsMasterKeyId": key}}


def _tags(tags: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    return [{"key": tag["Key"], "value": tag["Value"]} for tag in tags]
