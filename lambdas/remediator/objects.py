"""S3 in the words of the move: look, copy, delete, each pinned to the very object and its owner."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lambdas.common.errors import FailedMoveError
from lambdas.common.finding import Finding
from lambdas.remediator.move import Facts, Version, archive_tier

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_GONE = frozenset({"404", "405", "NoSuchKey", "NoSuchVersion", "NoSuchBucket", "MethodNotAllowed"})
_CHANGED = frozenset({"412", "PreconditionFailed"})
_DENIED = frozenset({"403", "AccessDenied"})
_CHECKSUMS = ("CRC64NVME", "CRC32", "CRC32C", "SHA1", "SHA256")


class Objects:
    """The objects of one account in one region.

    Args:
        client: an S3 client there.
        owner: the account that must own every bucket touched; None for buckets of our own.
    """

    def __init__(self, client: "S3Client", owner: str | None = None) -> None:
        self._client = client
        self._owner: Any = {"ExpectedBucketOwner": owner} if owner else {}

    def look(self, bucket: str, key: str, version_id: str | None = None) -> Facts | None:
        """Tell what lies there, or None where nothing does.

        Raises:
            FailedMoveError: S3 will not tell.
        """
        with _refusals("read", bucket):
            try:
                answer = self._client.head_object(
                    Bucket=bucket,
                    Key=key,
                    ChecksumMode="ENABLED",
                    **_version(version_id),
                    **self._owner,
                )
            except ClientError as error:
                if _code(error) in _GONE:
                    return None
                raise
        return _facts(answer)

    def versions(self, bucket: str, key: str) -> list[Version]:
        """List every version of the key, delete markers too.

        Raises:
            FailedMoveError: S3 will not tell.
        """
        pages = self._client.get_paginator("list_object_versions")
        found: list[Version] = []
        with _refusals("list the versions of", bucket):
            for page in pages.paginate(Bucket=bucket, Prefix=key, **self._owner):
                entries = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
                found += (_listed(entry) for entry in entries if entry["Key"] == key)
                # S3 lists in the order of keys, and this one is the first with its prefix.
                if any(entry["Key"] != key for entry in entries):
                    break
        return found

    def has_suspended_versions(self, bucket: str) -> bool:
        """Answer whether the bucket stopped making versions.

        Raises:
            FailedMoveError: S3 will not tell.
        """
        with _refusals("read the versioning of", bucket):
            answer = self._client.get_bucket_versioning(Bucket=bucket, **self._owner)
        return answer.get("Status") == "Suspended"

    def copy_from(self, finding: Finding, facts: Facts, *, bucket: str, key: str) -> str | None:
        """Copy the finding's object to `bucket` and `key`; answer the copy's version id.

        None means that the object is not what it was; then nothing is copied. Metadata, headers,
        tags and annotations are copied by S3 itself, a website redirect only because it is named.
        Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html

        Raises:
            FailedMoveError: S3 refuses to read the object or to write the copy.
        """
        source = finding.object
        pinned: Any = {"Bucket": source.bucket, "Key": source.key, **_version(facts.version_id)}
        redirect: Any = {"WebsiteRedirectLocation": facts.redirect} if facts.redirect else {}
        with _refusals("copy from", source.bucket):
            try:
                answer = self._client.copy_object(
                    Bucket=bucket,
                    Key=key,
                    CopySource=pinned,
                    CopySourceIfMatch=f'"{facts.etag}"',
                    ExpectedSourceBucketOwner=finding.account,
                    **redirect,
                )
            except ClientError as error:
                if _code(error) in _GONE | _CHANGED:
                    return None
                raise
        return answer["VersionId"]

    def delete_current(self, bucket: str, key: str, etag: str) -> str | None:
        """Delete what is current if its ETag is `etag`; answer the delete marker laid, if any.

        Where it is another object by now, or none, nothing happens.
        Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html

        Raises:
            FailedMoveError: S3 refuses.
        """
        with _refusals("delete from", bucket):
            try:
                answer = self._client.delete_object(
                    Bucket=bucket, Key=key, IfMatch=f'"{etag}"', **self._owner
                )
            except ClientError as error:
                if _code(error) in _GONE | _CHANGED:
                    return None
                raise
        return answer.get("VersionId") if answer.get("DeleteMarker") else None

    def delete_version(self, bucket: str, key: str, version_id: str) -> None:
        """Delete one version for good; one that is gone already is no failure.

        Raises:
            FailedMoveError: S3 refuses.
        """
        with _refusals("delete a version from", bucket):
            self._client.delete_object(Bucket=bucket, Key=key, VersionId=version_id, **self._owner)


def _facts(answer: Any) -> Facts:
    is_whole = answer.get("ChecksumType", "FULL_OBJECT") == "FULL_OBJECT"
    return Facts(
        etag=answer["ETag"].strip('"'),
        version_id=answer.get("VersionId"),
        size=answer["ContentLength"],
        checksums={
            name: answer[f"Checksum{name}"]
            for name in _CHECKSUMS
            if is_whole and f"Checksum{name}" in answer
        },
        archive=archive_tier(
            answer.get("StorageClass"), answer.get("ArchiveStatus"), answer.get("Restore")
        ),
        retained_until=answer.get("ObjectLockRetainUntilDate"),
        is_on_legal_hold=answer.get("ObjectLockLegalHoldStatus") == "ON",
        redirect=answer.get("WebsiteRedirectLocation"),
    )


def _listed(entry: Any) -> Version:
    return Version(
        version_id=entry["VersionId"],
        is_latest=entry["IsLatest"],
        is_marker="Size" not in entry,
    )


def _version(version_id: str | None) -> Any:
    return {"VersionId": version_id} if version_id else {}


def _code(error: ClientError) -> str:
    return error.response["Error"]["Code"]


@contextmanager
def _refusals(action: str, bucket: str) -> Iterator[None]:
    """Turn a denial into what a person can do about it; let everything else through."""
    try:
        yield
    except ClientError as error:
        if _code(error) not in _DENIED:
            raise
        raise FailedMoveError(
            f"S3 denied to {action} the bucket {bucket}.",
            advice="Check that the bucket is in monitoredBuckets, that the KMS key of its objects"
            " is in sourceKmsKeyArns, and that neither's own policy denies the remediator's role;"
            " then try again.",
        ) from error
