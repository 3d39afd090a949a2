"""Which side of a copy S3 refused: the source, the destination, or the KMS key of either."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import ClientError

from lambdas.remediator.rules import MoveError
from lambdas.remediator.s3.errors import is_denied, is_raised_again, is_retryable
from lambdas.remediator.s3.objects import head
from lambdas.remediator.s3.parameters import CopyRequest, SourceObject
from lambdas.remediator.s3.refusals import (
    Side,
    Target,
    failure,
    is_about_key,
    named_action,
    named_bucket,
    named_kms_key,
)

_GRANTS = {
    "CopyObject": (
        "s3:PutObject, s3:PutObjectTagging, s3:PutObjectAnnotation or kms:GenerateDataKey"
    ),
    "CreateMultipartUpload": "s3:PutObject or kms:GenerateDataKey",
    "UploadPartCopy": "s3:PutObject or kms:GenerateDataKey",
    "CompleteMultipartUpload": "s3:PutObject or kms:Decrypt",
    "ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "ListParts": "s3:ListMultipartUploadParts",
    "PutObjectTagging": "s3:PutObjectTagging or s3:PutObjectVersionTagging",
}
"""What IAM may require at the destination, by operation; for others the name is the same."""

_SOURCE_OPERATIONS = frozenset({"GetObjectTagging", "ListObjectAnnotations", "GetObjectAnnotation"})
_TWO_SIDED = frozenset({"CopyObject", "UploadPartCopy"})
_WRITES = ("s3:Put", "s3:Abort", "s3:BypassGovernanceRetention", "kms:GenerateDataKey")


@contextmanager
def translate_copy_errors(request: CopyRequest) -> Iterator[None]:
    """Turn a refusal of a copy that no retry can mend into a failure that names the side.

    Raises:
        MoveError: S3 refuses for good; its error is the cause.
    """
    try:
        yield
    except ClientError as error:
        if is_raised_again(error):
            raise
        raise _failure(error, request) from error


def _failure(error: ClientError, request: CopyRequest) -> MoveError:
    if not is_denied(error) and not is_about_key(error):
        return failure(error, _either(request))
    operation = error.operation_name
    side = Side.SOURCE if operation in _SOURCE_OPERATIONS else Side.DESTINATION
    if operation in _TWO_SIDED:
        named = _named_side(error, request)
        if named is None and (refusal := _source_refusal(request)) is not None:
            return refusal
        side = named or Side.DESTINATION
    return failure(error, _target(error, request, side))


def _target(error: ClientError, request: CopyRequest, side: Side) -> Target:
    operation = error.operation_name
    if side is Side.SOURCE:
        source = request.source
        grant = f"s3:{operation}"
        if operation in _TWO_SIDED or operation == "GetObjectTagging":
            grant = _read_grant(source) + ("" if operation in _TWO_SIDED else "Tagging")
        kms_key = source.metadata.kms_key
        return Target(action="copy", key=source.key, side=side, grant=grant, kms_key=kms_key)
    return Target(
        action="copy",
        key=request.destination,
        side=side,
        grant=_GRANTS.get(operation, f"s3:{operation}"),
        kms_key=request.encryption.get("SSEKMSKeyId"),
    )


def _either(request: CopyRequest) -> Target:
    return Target(
        action="copy",
        key=request.source.key,
        side=Side.EITHER,
        grant="",
        other=request.destination.bucket,
    )


def _named_side(error: ClientError, request: CopyRequest) -> Side | None:
    """Return the side that S3's message names, by a key, a bucket or an action; None if neither."""
    source_key, copy_key = request.source.metadata.kms_key, request.encryption.get("SSEKMSKeyId")
    if is_about_key(error):
        key = named_kms_key(error)
        if source_key is None or (key == copy_key != source_key):
            return Side.DESTINATION
        if key == source_key != copy_key:
            return Side.SOURCE
    buckets = {
        request.source.key.bucket: Side.SOURCE,
        request.destination.bucket: Side.DESTINATION,
    }
    named = buckets.get(named_bucket(error) or "") if len(buckets) > 1 else None
    is_write = (named_action(error) or "").startswith(_WRITES)
    return named or (Side.DESTINATION if is_write else None)


def _source_refusal(request: CopyRequest) -> MoveError | None:
    """Find whether S3 refuses to read the source, which it says of no copy; return how it does."""
    source = request.source
    try:
        head(source.s3, source.key, source.metadata.version_id)
        source.s3.client.get_object_tagging(**source.args)
    except MoveError as refusal:
        return refusal
    except ClientError as error:
        if is_retryable(error):
            raise
        return failure(error, _tag_target(source)) if is_denied(error) else None
    return None


def _tag_target(source: SourceObject) -> Target:
    grant = f"{_read_grant(source)}Tagging"
    return Target(action="read the tags of", key=source.key, side=Side.ONLY, grant=grant)


def _read_grant(source: SourceObject) -> str:
    return "s3:GetObjectVersion" if source.metadata.version_id else "s3:GetObject"
