"""Keys and objects as parameters of requests: pinned to a version, a content and an owner."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypedDict, cast

from lambdas.common.ledger.record import CopyAttempt
from lambdas.remediator.s3.clients import S3Access
from lambdas.remediator.s3.metadata import ObjectMetadata, Version

if TYPE_CHECKING:
    from mypy_boto3_s3.literals import ServerSideEncryptionType, StorageClassType


class BucketArgs(TypedDict):
    """A bucket and the account that must own it, as parameters of every request to it."""

    Bucket: str
    ExpectedBucketOwner: str


class KeyArgs(BucketArgs):
    """A key, as parameters of a request; a bucket whose requester does not pay ignores that."""

    Key: str
    RequestPayer: Literal["requester"]


class VersionArgs(TypedDict, total=False):
    """A version, as parameters of a request; none for the current one."""

    VersionId: str


class ObjectArgs(KeyArgs, VersionArgs):
    """A key and perhaps a version, as parameters of a request."""


class CopySource(VersionArgs):
    """What is copied; a mapping, for S3 would misread a text with `?` or `+` in it."""

    Bucket: str
    Key: str


class CopySourceArgs(TypedDict):
    """What is copied, the condition on it, and its owner, as parameters of a copy."""

    CopySource: CopySource
    CopySourceIfMatch: str
    ExpectedSourceBucketOwner: str


class CopyArgs(TypedDict, total=False):
    """What is set on a copy, as parameters of the request that creates it."""

    StorageClass: "StorageClassType"
    WebsiteRedirectLocation: str


class EncryptionArgs(TypedDict, total=False):
    """How a copy is encrypted, as parameters of the request that creates it.

    They are named, for policies may deny requests that rely on the bucket's default.
    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
    """

    ServerSideEncryption: "ServerSideEncryptionType"
    SSEKMSKeyId: str
    BucketKeyEnabled: bool


class WriteCondition(TypedDict, total=False):
    """The condition on what is at the destination of a copy, as parameters of a request."""

    IfMatch: str
    IfNoneMatch: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyResult:
    """What S3 says that it made; these distinguish it from what replaces it later."""

    version_id: str | None
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectKey:
    """A key in a bucket.

    Attributes:
        bucket: the bucket.
        key: the key.
        owner: the account that must own the bucket.
        quarantine_kms_key: for the quarantine bucket, the ARN of its KMS key; None for all others.
    """

    bucket: str
    key: str
    owner: str
    quarantine_kms_key: str | None = None

    @property
    def bucket_args(self) -> BucketArgs:
        """The bucket as parameters of a request."""
        return {"Bucket": self.bucket, "ExpectedBucketOwner": self.owner}

    @property
    def args(self) -> KeyArgs:
        """The key as parameters of a request.

        Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ObjectsinRequesterPaysBuckets.html
        """
        return {**self.bucket_args, "Key": self.key, "RequestPayer": "requester"}

    def version_args(self, version_id: str | None) -> ObjectArgs:
        """Return a version of the key, or what is current, as parameters of a request."""
        return {**self.args, **version_args(version_id)}

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceObject:
    """An object as S3 has it now, to be copied.

    Attributes:
        s3: access in the account and Region of its bucket.
        key: where it is.
        metadata: of the version that is copied.
        versions: those of its key, where it has any.
    """

    s3: S3Access
    key: ObjectKey
    metadata: ObjectMetadata
    versions: tuple[Version, ...] = ()

    @property
    def args(self) -> ObjectArgs:
        """The version as parameters of a request."""
        return self.key.version_args(self.metadata.version_id)

    @property
    def source_args(self) -> CopySourceArgs:
        """The object as what a copy is made of: this version, with this content."""
        key, metadata = self.key, self.metadata
        version = version_args(metadata.version_id)
        return {
            "CopySource": {"Bucket": key.bucket, "Key": key.key, **version},
            "CopySourceIfMatch": quote_etag(metadata.etag),
            "ExpectedSourceBucketOwner": key.owner,
        }

    @property
    def copy_args(self) -> CopyArgs:
        """What a copy of it does not get by itself."""
        args: CopyArgs = {"StorageClass": self.metadata.copy_storage_class}
        if self.metadata.redirect:
            args["WebsiteRedirectLocation"] = self.metadata.redirect
        return args


SaveAttempt = Callable[[CopyAttempt | None], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyRequest:
    """A copy to make.

    Attributes:
        s3: access in the account and Region of the destination, where copies are requested.
        source: what is copied.
        destination: where to.
        threshold: bytes above which the copy is made in parts.
        encryption: how the copy is encrypted; empty for the default of its bucket.
        may_overwrite: whether the copy may replace an object that is at the destination.
        save_attempt: writes down what a rerun needs to find the copy; None once it is done.
        protect: is called with the copy once it is verified; if it raises, the copy is deleted.
    """

    s3: S3Access
    source: SourceObject
    destination: ObjectKey
    threshold: int
    encryption: EncryptionArgs
    may_overwrite: Callable[[ObjectMetadata], bool]
    save_attempt: SaveAttempt
    protect: Callable[[ObjectMetadata], object] = lambda _: None

    @property
    def is_multipart(self) -> bool:
        """Whether the object is too large for one CopyObject."""
        return is_multipart(self.source.metadata, self.threshold)


def is_multipart(metadata: ObjectMetadata, threshold: int) -> bool:
    """Return whether the object is too large for one CopyObject, above `threshold` bytes."""
    return metadata.size > threshold


def encryption_args(kind: str | None, kms_key: str | None) -> EncryptionArgs:
    """Return parameters that name the encryption `kind`; none where the kind is not known."""
    if kind is None:
        return {}
    args: EncryptionArgs = {"ServerSideEncryption": cast("ServerSideEncryptionType", kind)}
    if kms_key is not None:
        args["SSEKMSKeyId"] = kms_key
    return args


def version_args(version_id: str | None) -> VersionArgs:
    """Return a version as parameters of a request, or none where there is no version."""
    return {"VersionId": version_id} if version_id else {}


def quote_etag(etag: str) -> str:
    """Return an ETag as conditions name it."""
    return f'"{etag}"'


def unquote_etag(etag: str) -> str:
    """Return an ETag without the quotes that S3 puts around it."""
    return etag.strip('"')
