"""S3 in the words of the move: look, copy, delete, each pinned to the very object and its owner."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lambdas.common.errors import FailedMoveError
from lambdas.remediator.move import Facts, Version, archive_tier

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_GONE = frozenset({"404", "405", "NoSuchKey", "NoSuchVersion", "NoSuchBucket", "MethodNotAllowed"})
_CHANGED = frozenset({"412", "PreconditionFailed", "409", "ConditionalRequestConflict"})
_DENIED = frozenset({"403", "AccessDenied"})
_ARCHIVED = frozenset({"InvalidObjectState", "ObjectNotInActiveTierError"})
_CHECKSUMS = ("CRC64NVME", "CRC32", "CRC32C", "SHA1", "SHA256", "SHA512", "MD5")
_HEADERS = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "Expires",
    "Metadata",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A key in a bucket."""

    bucket: str
    key: str


class Objects:
    """The objects of one account in one region.

    Args:
        client: an S3 client there.
        owner: the account that must own every bucket touched; None for buckets of our own.
    """

    def __init__(self, client: "S3Client", owner: str | None = None) -> None:
        self.client = client
        self.owner = owner
        self._owned: Any = {"ExpectedBucketOwner": owner} if owner else {}
        # Objects whose bucket makes the requester pay are refused without; others do not mind.
        self.asked: Any = {**self._owned, "RequestPayer": "requester"} if owner else {}

    def look(self, place: Place, version_id: str | None = None) -> Facts | None:
        """Tell what lies at `place`, or None where nothing does.

        Raises:
            FailedMoveError: S3 will not tell.
        """
        with refusals("read", place):
            try:
                answer = self.client.head_object(
                    Bucket=place.bucket,
                    Key=place.key,
                    ChecksumMode="ENABLED",
                    **pinned_version(version_id),
                    **self.asked,
                )
            except ClientError as error:
                if code(error) in _GONE:
                    return None
                raise
        return _facts(answer)

    def versions(self, place: Place) -> tuple[Version, ...]:
        """List every version of the key, delete markers too.

        Raises:
            FailedMoveError: S3 will not tell.
        """
        pages = self.client.get_paginator("list_object_versions")
        found: list[Version] = []
        with refusals("list the versions of", place):
            for page in pages.paginate(Bucket=place.bucket, Prefix=place.key, **self.asked):
                entries = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
                found += (_listed(entry) for entry in entries if entry["Key"] == place.key)
                # S3 lists in the order of keys, and this one is the first with its prefix.
                if any(entry["Key"] != place.key for entry in entries):
                    break
        return tuple(found)

    def has_suspended_versions(self, place: Place) -> bool:
        """Answer whether the bucket stopped making versions.

        Raises:
            FailedMoveError: S3 will not tell.
        """
        with refusals("read the versioning of", place):
            answer = self.client.get_bucket_versioning(Bucket=place.bucket, **self._owned)
        return answer.get("Status") == "Suspended"

    def grants(self, place: Place, version_id: str | None) -> tuple[str, ...]:
        """Tell the object's ACL grants to others than its owner, which no copy keeps.

        Raises:
            FailedMoveError: S3 will not tell.
        """
        with refusals("read the ACL of", place):
            answer = self.client.get_object_acl(
                Bucket=place.bucket, Key=place.key, **pinned_version(version_id), **self.asked
            )
        owner = answer["Owner"].get("ID")
        return tuple(
            f"ACL grant of {grant['Permission']} to {_grantee(grant['Grantee'])}"
            for grant in answer["Grants"]
            if grant["Grantee"].get("ID") != owner
        )

    def delete_current(self, place: Place, etag: str) -> str | None:
        """Delete what is current if its ETag is `etag`; answer the delete marker laid, if any.

        Where it is another object by now, or none, nothing happens.
        Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html

        Raises:
            FailedMoveError: S3 refuses.
        """
        with refusals("delete", place):
            try:
                answer = self.client.delete_object(
                    Bucket=place.bucket, Key=place.key, IfMatch=f'"{etag}"', **self.asked
                )
            except ClientError as error:
                if is_gone(error) or is_changed(error):
                    return None
                raise
        return answer.get("VersionId") if answer.get("DeleteMarker") else None

    def delete_version(self, place: Place, version_id: str) -> None:
        """Delete one version for good; one that is gone already is no failure.

        Raises:
            FailedMoveError: S3 refuses.
        """
        with refusals("delete a version of", place):
            self.client.delete_object(
                Bucket=place.bucket, Key=place.key, VersionId=version_id, **self.asked
            )


@contextmanager
def refusals(action: str, place: Place) -> Iterator[None]:
    """Turn what S3 denies into what a person can do about it; let everything else through."""
    try:
        yield
    except ClientError as error:
        if code(error) in _ARCHIVED:
            raise FailedMoveError(
                "The object is archived, so it can not be copied.",
                advice="Restore it from the archive in S3, then press Retry.",
            ) from error
        if code(error) not in _DENIED:
            raise
        raise FailedMoveError(
            f"S3 denied to {action} an object in the bucket {place.bucket}.",
            advice="Check that the bucket is in monitoredBuckets, that the KMS key of its objects"
            " is in sourceKmsKeyArns, and that the policies of neither deny the remediator's role;"
            " then press Retry.",
        ) from error


def code(error: ClientError) -> str:
    """Answer S3's error code; a HEAD request has only the HTTP status."""
    return error.response["Error"]["Code"]


def pinned_version(version_id: str | None) -> Any:
    """Name a version as a parameter of a request, where there is one to name."""
    return {"VersionId": version_id} if version_id else {}


def is_gone(error: ClientError) -> bool:
    """Answer whether S3 says that there is no such object."""
    return code(error) in _GONE


def is_refusal(error: ClientError) -> bool:
    """Answer whether trying again would not help."""
    return code(error) in _GONE | _CHANGED | _DENIED | _ARCHIVED


def is_changed(error: ClientError) -> bool:
    """Answer whether S3 says that a condition of the request does not hold."""
    return code(error) in _CHANGED


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
        headers={name: answer[name] for name in _HEADERS if answer.get(name)},
        storage_class=answer.get("StorageClass", "STANDARD"),
        archive=archive_tier(
            answer.get("StorageClass"), answer.get("ArchiveStatus"), answer.get("Restore")
        ),
        retained_until=answer.get("ObjectLockRetainUntilDate"),
        is_on_legal_hold=answer.get("ObjectLockLegalHoldStatus") == "ON",
        redirect=answer.get("WebsiteRedirectLocation"),
        lost_metadata=answer.get("MissingMeta", 0),
        encryption=answer.get("ServerSideEncryption"),
    )


def _listed(entry: Any) -> Version:
    return Version(
        version_id=entry["VersionId"], is_latest=entry["IsLatest"], is_marker="Size" not in entry
    )


def _grantee(grantee: Any) -> str:
    return str(grantee.get("URI") or grantee.get("ID") or grantee.get("DisplayName"))
