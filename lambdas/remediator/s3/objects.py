"""Objects in S3: read, listed, deleted; each request is pinned to the object and to its owner.

Where S3 refuses for good, each function raises a `MoveError` with advice.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, cast

from botocore.exceptions import ClientError

from lambdas.remediator.s3.clients import S3Access
from lambdas.remediator.s3.errors import (
    has_no_reason,
    is_changed,
    is_gone,
    is_retryable,
    may_concern_key,
)
from lambdas.remediator.s3.metadata import (
    ObjectHeaders,
    ObjectMetadata,
    Version,
    archive_tier,
)
from lambdas.remediator.s3.parameters import (
    ObjectArgs,
    ObjectKey,
    SourceObject,
    quote_etag,
    unquote_etag,
)
from lambdas.remediator.s3.refusals import translate_errors, undecryptable, unreadable

if TYPE_CHECKING:
    from mypy_boto3_s3.literals import ObjectLockRetentionModeType
    from mypy_boto3_s3.type_defs import (
        DeleteMarkerEntryTypeDef,
        GranteeTypeDef,
        HeadObjectOutputTypeDef,
        ObjectVersionTypeDef,
    )

_CHECKSUMS = (
    *("CRC64NVME", "CRC32", "CRC32C", "SHA1", "SHA256", "SHA512", "MD5"),
    *("XXHASH64", "XXHASH3", "XXHASH128"),
)
_HOLDS = {"ObjectLockLegalHoldStatus": "a legal hold", "ObjectLockEventHold": "an event hold"}


def head(s3: S3Access, key: ObjectKey, version_id: str | None = None) -> ObjectMetadata | None:
    """Read the metadata of a version, or of the current object; None where there is none."""
    with translate_errors("read", key, grant=f"s3:GetObject{'Version' if version_id else ''}"):
        request = key.version_args(version_id)
        try:
            response = s3.client.head_object(**request, ChecksumMode="ENABLED")
        except ClientError as error:
            if is_gone(error):
                return None
            if not may_concern_key(error):
                raise
            response = _head_again(s3, key, request, error)
    return _metadata(response)


def _head_again(
    s3: S3Access, key: ObjectKey, request: ObjectArgs, refusal: ClientError
) -> "HeadObjectOutputTypeDef":
    """Find what S3 refuses, for HEAD has no words; return the metadata if it refuses no more.

    A KMS key is needed for the checksums only.
    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
    """
    try:
        response = s3.client.head_object(**request)
    except ClientError as error:
        if is_retryable(error):
            raise
        if has_no_reason(error):
            _check_credentials(s3, key)
            raise unreadable(key) from refusal
        raise refusal from error
    if "SSEKMSKeyId" in response:
        raise undecryptable(key, response["SSEKMSKeyId"]) from refusal
    return s3.client.head_object(**request, ChecksumMode="ENABLED")


def _check_credentials(s3: S3Access, key: ObjectKey) -> None:
    """Find whether S3 refuses every request for now, which it only says to other than HEAD."""
    try:
        s3.client.get_bucket_versioning(**key.bucket_args)
    except ClientError as error:
        if is_retryable(error):
            raise


def list_versions(s3: S3Access, key: ObjectKey) -> tuple[Version, ...]:
    """List every version of the key, delete markers too."""
    pages = s3.client.get_paginator("list_object_versions").paginate(
        **key.bucket_args, RequestPayer="requester", Prefix=key.key
    )
    versions: list[Version] = []
    with translate_errors("list the versions of", key, grant="s3:ListBucketVersions"):
        for page in pages:
            entries = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
            versions += (_version(entry) for entry in entries if entry["Key"] == key.key)
            # S3 lists in the order of keys, and this one is the first with its prefix.
            if any(entry["Key"] != key.key for entry in entries):
                break
    return tuple(versions)


def get_versioning(s3: S3Access, key: ObjectKey) -> str | None:
    """Return "Enabled", "Suspended", or None for a bucket that never made versions."""
    with translate_errors("read the versioning of", key, grant="s3:GetBucketVersioning"):
        return s3.client.get_bucket_versioning(**key.bucket_args).get("Status")


def list_grants(source: SourceObject) -> tuple[str, ...]:
    """Describe the ACL grants on an object to others than its owner, which no copy keeps."""
    version = "Version" if source.metadata.version_id else ""
    with translate_errors("read the ACL of", source.key, grant=f"s3:GetObject{version}Acl"):
        response = source.s3.client.get_object_acl(**source.args)
    owner = response["Owner"].get("ID")
    return tuple(
        f"ACL grant of {grant['Permission']} to {_grantee(grant['Grantee'])}"
        for grant in response["Grants"]
        if grant["Grantee"].get("ID") != owner
    )


def delete_current(s3: S3Access, key: ObjectKey, etag: str) -> str | None:
    """Delete what is current if its ETag is `etag`; return the delete marker created, if any.

    Where it is another object by now, or none, nothing happens. A conflict with another request
    says neither, and is raised for Lambda to try again.
    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html
    """
    with translate_errors("delete", key, grant="s3:DeleteObject"):
        try:
            response = s3.client.delete_object(**key.args, IfMatch=quote_etag(etag))
        except ClientError as error:
            if is_changed(error) or is_gone(error):
                return None
            raise
    return response.get("VersionId") if response.get("DeleteMarker") else None


def delete_version(s3: S3Access, key: ObjectKey, version_id: str) -> None:
    """Delete a version for good; one that is gone already is no failure."""
    with translate_errors("delete a version of", key, grant="s3:DeleteObjectVersion"):
        s3.client.delete_object(**key.args, VersionId=version_id)


def lock_version(
    s3: S3Access,
    key: ObjectKey,
    version_id: str,
    *,
    mode: "ObjectLockRetentionModeType",
    until: datetime,
) -> None:
    """Lock a version until then; a lock that ends later than the one before replaces it.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectRetention.html
    """
    with translate_errors("lock a version of", key, grant="s3:PutObjectRetention"):
        s3.client.put_object_retention(
            **key.args,
            VersionId=version_id,
            Retention={"Mode": mode, "RetainUntilDate": until},
        )


def _metadata(response: "HeadObjectOutputTypeDef") -> ObjectMetadata:
    # S3 leaves out what the object does not have, whatever the stubs say.
    fields = cast("Mapping[str, object]", response)
    return ObjectMetadata(
        etag=unquote_etag(response["ETag"]),
        version_id=response.get("VersionId"),
        size=response["ContentLength"],
        checksums=_checksums(fields),
        has_checksum=any(f"Checksum{name}" in fields for name in _CHECKSUMS),
        headers=_headers(fields),
        invalid_expires=_invalid_expires(fields),
        storage_class=response.get("StorageClass", "STANDARD"),
        archive=archive_tier(
            response.get("StorageClass"), response.get("ArchiveStatus"), response.get("Restore")
        ),
        retained_until=response.get("ObjectLockRetainUntilDate"),
        holds=tuple(hold for name, hold in _HOLDS.items() if fields.get(name) == "ON"),
        redirect=response.get("WebsiteRedirectLocation"),
        lost_metadata=response.get("MissingMeta", 0),
        encryption=response.get("ServerSideEncryption"),
        kms_key=response.get("SSEKMSKeyId"),
    )


def _checksums(fields: Mapping[str, object]) -> dict[str, str]:
    if fields.get("ChecksumType", "FULL_OBJECT") != "FULL_OBJECT":
        return {}
    values = {name: fields.get(f"Checksum{name}") for name in _CHECKSUMS}
    return {name: value for name, value in values.items() if isinstance(value, str)}


def _headers(fields: Mapping[str, object]) -> ObjectHeaders:
    names = ObjectHeaders.__optional_keys__
    return cast("ObjectHeaders", {name: fields[name] for name in names if fields.get(name)})


def _invalid_expires(fields: Mapping[str, object]) -> str | None:
    """Return the header that botocore could not read as a date, and left out."""
    text = fields.get("ExpiresString")
    return str(text) if text and not fields.get("Expires") else None


def _version(entry: "ObjectVersionTypeDef | DeleteMarkerEntryTypeDef") -> Version:
    return Version(
        version_id=entry["VersionId"], is_latest=entry["IsLatest"], is_marker="Size" not in entry
    )


def _grantee(grantee: "GranteeTypeDef") -> str:
    return str(grantee.get("URI") or grantee.get("ID") or grantee.get("DisplayName"))
