"""A sensitive data discovery job: reads what is new in the monitored buckets, delivers findings."""

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from botocore.exceptions import ClientError

from local.macie.detector import Detection, detect
from local.macie.finding_event import event
from local.macie.fixtures import iso
from local.macie.passages import passages

_TEXT_PROBE = 1024
_GONE = {"NoSuchKey", "PreconditionFailed"}


@dataclass(frozen=True, kw_only=True)
class JobRun:
    """What a run did: how many objects it read, and the ids of the findings it delivered."""

    objects: int
    findings: tuple[str, ...]


class MacieJob:
    """A job over the buckets whose name matches; each run reads only what no run has read.

    Args:
        s3: an S3 client.
        monitored: the buckets' names, `*` and `?` being wildcards.
        deliver: delivers an event, and answers the finding's id.
    """

    def __init__(
        self, s3: Any, *, monitored: str, deliver: Callable[[Mapping[str, Any]], str]
    ) -> None:
        self._s3 = s3
        self._monitored = monitored
        self._deliver = deliver
        self._job_id = uuid.uuid4().hex
        self._seen: set[tuple[str, ...]] = set()
        self._lock = threading.Lock()

    def run(self) -> JobRun:
        """Read each current object that was not read in that version, and deliver its finding."""
        with self._lock:
            read = [self._look(bucket, one) for bucket, one in self._new()]
        return JobRun(objects=len(read), findings=tuple(filter(None, read)))

    def _new(self) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
        """Answer what is current and not yet seen: Macie reads an object's latest version only."""
        for bucket in self._s3.list_buckets()["Buckets"]:
            if not fnmatchcase(bucket["Name"], self._monitored):
                continue
            for one in _versions(self._s3, bucket["Name"]):
                seen = (bucket["Name"], one["Key"], one["VersionId"], one["ETag"])
                if one["IsLatest"] and seen not in self._seen:
                    self._seen.add(seen)
                    yield bucket, one

    def _look(self, bucket: Mapping[str, Any], version: Mapping[str, Any]) -> str | None:
        """Read an object; answer the id of its finding, if there is anything to find."""
        name, key = bucket["Name"], version["Key"]
        with _suppressed(*_GONE):
            read = self._s3.get_object(Bucket=name, Key=key, IfMatch=version["ETag"])
            if found := _detected(key, read["Body"].read()):
                place = _bucket(self._s3, bucket)
                described = {
                    "serverSideEncryption": place["defaultServerSideEncryption"],
                    **_object(self._s3, name, key, read),
                }
                return self._deliver(
                    event(found, bucket=place, s3_object=described, job_id=self._job_id)
                )
        return None


def _detected(key: str, body: bytes) -> tuple[Detection, ...]:
    """Look into an object, if it is text; Macie reads more kinds of files than this."""
    if b"\0" in body[:_TEXT_PROBE]:
        return ()
    return detect(passages(key, body.decode(errors="replace")))


def _versions(s3: Any, bucket: str) -> Iterator[Mapping[str, Any]]:
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        yield from page.get("Versions", ())


def _bucket(s3: Any, bucket: Mapping[str, Any]) -> dict[str, Any]:
    """Describe a bucket by what a finding tells of it."""
    name = bucket["Name"]
    default = _encryption(s3, name)
    return {
        "name": name,
        "createdAt": iso(bucket["CreationDate"]),
        "tags": _tags(_bucket_tags(s3, name)),
        "defaultServerSideEncryption": {
            "encryptionType": default["SSEAlgorithm"],
            "kmsMasterKeyId": default.get("KMSMasterKeyID"),
        },
    }


def _encryption(s3: Any, bucket: str) -> Mapping[str, str]:
    with _suppressed("ServerSideEncryptionConfigurationNotFoundError"):
        answer = s3.get_bucket_encryption(Bucket=bucket)
        (rule,) = answer["ServerSideEncryptionConfiguration"]["Rules"]
        default: Mapping[str, str] = rule["ApplyServerSideEncryptionByDefault"]
        return default
    # What S3 does where nothing is configured.
    return {"SSEAlgorithm": "AES256"}


def _bucket_tags(s3: Any, bucket: str) -> Sequence[Mapping[str, str]]:
    with _suppressed("NoSuchTagSet"):
        tags: Sequence[Mapping[str, str]] = s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
        return tags
    return ()


@contextmanager
def _suppressed(*codes: str) -> Iterator[None]:
    """Suppress the errors of AWS that have one of these codes."""
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] not in codes:
            raise


def _object(s3: Any, bucket: str, key: str, read: Mapping[str, Any]) -> dict[str, Any]:
    """Describe an object, of which `read` is the answer to GetObject, as a finding does."""
    version = read.get("VersionId", "")
    which = {"VersionId": version} if version else {}
    tags = s3.get_object_tagging(Bucket=bucket, Key=key, **which)["TagSet"]
    stem, _, extension = key.rpartition("/")[2].rpartition(".")
    return {
        "key": key,
        "extension": extension if stem else "",
        "lastModified": iso(read["LastModified"]),
        "eTag": read["ETag"].strip('"'),
        "versionId": version,
        **_own_encryption(read),
        "size": read["ContentLength"],
        "storageClass": read.get("StorageClass", "STANDARD"),
        "tags": _tags(tags),
    }


def _own_encryption(read: Mapping[str, Any]) -> dict[str, Any]:
    """Tell how an object is encrypted; not every emulator tells where it is the bucket's way."""
    if "ServerSideEncryption" not in read:
        return {}
    kind, key = read["ServerSideEncryption"], read.get("SSEKMSKeyId")
    return {"serverSideEncryption": {"encryptionType": kind, "kmsMasterKeyId": key}}


def _tags(tags: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    return [{"key": tag["Key"], "value": tag["Value"]} for tag in tags]
