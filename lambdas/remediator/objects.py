"""S3 in the words of the move: look, copy, delete, each pinned to the very object and its owner."""

from dataclasses import dataclass
from typing import Any

from lambdas.common.aws import Call
from lambdas.remediator import s3
from lambdas.remediator.move import Facts, Version, archive_tier
from lambdas.remediator.refusals import (
    is_changed,
    is_conflict,
    is_gone,
    may_concern_key,
    refusals,
    undecryptable,
)
from lambdas.remediator.s3_answers import S3Error

_CHECKSUMS = (
    *("CRC64NVME", "CRC32", "CRC32C", "SHA1", "SHA256", "SHA512", "MD5"),
    *("XXHASH64", "XXHASH3", "XXHASH128"),
)
_HOLDS = {"ObjectLockLegalHoldStatus": "a legal hold", "ObjectLockEventHold": "an event hold"}
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
        call: what asks S3 there.
        owner: the account that must own every bucket touched; None for buckets of our own.
    """

    def __init__(self, call: Call, owner: str | None = None) -> None:
        self.call = call
        self.owner = owner
        self._owned: Any = {"ExpectedBucketOwner": owner} if owner else {}
        # Objects whose bucket makes the requester pay are refused without; others do not mind.
        self.asked: Any = {**self._owned, "RequestPayer": "requester"} if owner else {}

    def look(self, place: Place, version_id: str | None = None) -> Facts | None:
        """Tell what lies at `place`, or None where nothing does.

        Raises:
            FailedMoveError: S3 will not tell.
        """
        with refusals("read", place.bucket):
            try:
                answer = self._head(place, version_id, ChecksumMode="ENABLED")
            except S3Error as error:
                if is_gone(error):
                    return None
                if may_concern_key(error):
                    self._check_key(place, version_id, error)
                raise
        return _facts(answer)

    def _head(self, place: Place, version_id: str | None, **more: Any) -> Any:
        version = pinned_version(version_id)
        return self.call(
            "HeadObject", Bucket=place.bucket, Key=place.key, **version, **more, **self.asked
        )

    def _check_key(self, place: Place, version_id: str | None, refusal: S3Error) -> None:
        """Find whether it is the KMS key that is refused: S3 needs it for the checksums only.

        Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
        """
        try:
            answer = self._head(place, version_id)
        except S3Error:
            return
        if "SSEKMSKeyId" in answer:
            raise undecryptable(place.bucket, answer["SSEKMSKeyId"]) from refusal

    def versions(self, place: Place) -> tuple[Version, ...]:
        """List every version of the key, delete markers too.

        Raises:
            FailedMoveError: S3 will not tell.
        """
        pages = s3.pages(
            self.call, "ListObjectVersions", Bucket=place.bucket, Prefix=place.key, **self.asked
        )
        found: list[Version] = []
        with refusals("list the versions of", place.bucket):
            for page in pages:
                entries = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
                found += (_listed(entry) for entry in entries if entry["Key"] == place.key)
                # S3 lists in the order of keys, and this one is the first with its prefix.
                if any(entry["Key"] != place.key for entry in entries):
                    break
        return tuple(found)

    def versioning(self, place: Place) -> str | None:
        """Answer "Enabled", "Suspended", or None for a bucket that never made versions.

        Raises:
            FailedMoveError: S3 will not tell, or there is no such bucket.
        """
        with refusals("read the versioning of", place.bucket):
            answer = self.call("GetBucketVersioning", Bucket=place.bucket, **self._owned)
        return answer.get("Status")

    def grants(self, place: Place, version_id: str | None) -> tuple[str, ...]:
        """Tell the object's ACL grants to others than its owner, which no copy keeps.

        Raises:
            FailedMoveError: S3 will not tell.
        """
        with refusals("read the ACL of", place.bucket):
            answer = self.call(
                "GetObjectAcl",
                Bucket=place.bucket,
                Key=place.key,
                **pinned_version(version_id),
                **self.asked,
            )
        owner = answer["Owner"].get("ID")
        return tuple(
            f"ACL grant of {grant['Permission']} to {_grantee(grant['Grantee'])}"
            for grant in answer["Grants"]
            if grant["Grantee"].get("ID") != owner
        )

    def delete_current(self, place: Place, etag: str) -> str | None:
        """Delete what is current if its ETag is `etag`; answer the delete marker laid, if any.

        Where it is another object by now, or none, nothing happens. A conflict with another request
        says neither, and is raised for Lambda to try again.
        Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html

        Raises:
            FailedMoveError: S3 refuses.
        """
        with refusals("delete", place.bucket):
            try:
                answer = self.call(
                    "DeleteObject",
                    Bucket=place.bucket,
                    Key=place.key,
                    IfMatch=f'"{etag}"',
                    **self.asked,
                )
            except S3Error as error:
                is_other = is_changed(error) and not is_conflict(error)
                if is_other or is_gone(error):
                    return None
                raise
        return answer.get("VersionId") if answer.get("DeleteMarker") else None

    def delete_version(self, place: Place, version_id: str) -> None:
        """Delete one version for good; one that is gone already is no failure.

        Raises:
            FailedMoveError: S3 refuses.
        """
        with refusals("delete a version of", place.bucket):
            self.call(
                "DeleteObject",
                Bucket=place.bucket,
                Key=place.key,
                VersionId=version_id,
                **self.asked,
            )


def pinned_version(version_id: str | None) -> Any:
    """Name a version as a parameter of a request, where there is one to name."""
    return {"VersionId": version_id} if version_id else {}


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
        holds=tuple(hold for name, hold in _HOLDS.items() if answer.get(name) == "ON"),
        redirect=answer.get("WebsiteRedirectLocation"),
        lost_metadata=answer.get("MissingMeta", 0),
        encryption=answer.get("ServerSideEncryption"),
        kms_key=answer.get("SSEKMSKeyId"),
    )


def _listed(entry: Any) -> Version:
    return Version(
        version_id=entry["VersionId"], is_latest=entry["IsLatest"], is_marker="Size" not in entry
    )


def _grantee(grantee: Any) -> str:
    return str(grantee.get("URI") or grantee.get("ID") or grantee.get("DisplayName"))
