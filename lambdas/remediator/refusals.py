"""What S3 refuses: told apart by its error codes, and turned into advice where there is some."""

from collections.abc import Iterator
from contextlib import contextmanager

from lambdas.common.errors import FailedMoveError
from lambdas.remediator.s3_answers import S3Error

_GONE = frozenset({"404", "405", "NoSuchKey", "NoSuchVersion", "NoSuchBucket", "MethodNotAllowed"})
_CONFLICT = frozenset({"409", "ConditionalRequestConflict"})
_CHANGED = frozenset({"412", "PreconditionFailed"}) | _CONFLICT
_DENIED = frozenset({"403", "AccessDenied"})
_ARCHIVED = frozenset({"InvalidObjectState", "ObjectNotInActiveTierError"})
_KEY_DENIED = ("kms:Decrypt", "customer master key")


@contextmanager
def refusals(action: str, bucket: str, *, kms_key: str | None = None) -> Iterator[None]:
    """Turn what S3 denies into what a person can do about it; let everything else through.

    `kms_key` is what the object in `bucket` is encrypted with.
    """
    try:
        yield
    except S3Error as error:
        if error.code in _ARCHIVED:
            raise FailedMoveError(
                "The object is archived, so it can not be copied.",
                advice="Restore it from the archive in S3, then press Retry.",
            ) from error
        if error.code == "NoSuchBucket":
            named = error.details.get("BucketName", bucket)
            raise FailedMoveError(
                f"The bucket {named} is not there any more.",
                advice="Make it again, in the same account and region, then press Retry.",
            ) from error
        if _is_about_key(error):
            raise undecryptable(bucket, kms_key) from error
        if error.code not in _DENIED:
            raise
        raise FailedMoveError(
            f"S3 did not let the remediator {action} an object in the bucket {bucket}.",
            advice="Check that the bucket is in monitoredBuckets, that the KMS key of its objects"
            " is in sourceKmsKeyArns, and that the policies of neither deny the remediator's role;"
            " then press Retry.",
        ) from error


def is_gone(error: S3Error) -> bool:
    """Answer whether S3 says that there is no such object."""
    return error.code in _GONE


def is_refusal(error: S3Error) -> bool:
    """Answer whether trying again would not help."""
    return error.code in _GONE | _CHANGED | _DENIED | _ARCHIVED or _is_about_key(error)


def is_changed(error: S3Error) -> bool:
    """Answer whether S3 says that a condition of the request does not hold."""
    return error.code in _CHANGED


def is_conflict(error: S3Error) -> bool:
    """Answer whether S3 says that another request writes to the same key at this moment."""
    return error.code in _CONFLICT


def may_concern_key(error: S3Error) -> bool:
    """Answer whether it may be the key that is refused: a HEAD request has no words to say so."""
    return error.code in _DENIED | {"400"}


def _is_about_key(error: S3Error) -> bool:
    """Answer whether KMS denied it, or the key is disabled, to be deleted, or gone."""
    said = error.details.get("Message", "")
    return error.code.startswith("KMS.") or any(words in said for words in _KEY_DENIED)


def undecryptable(bucket: str, kms_key: str | None) -> FailedMoveError:
    """Say that the object may not be read for its key, and what to do."""
    named = f" {kms_key}" if kms_key else ""
    return FailedMoveError(
        f"An object in the bucket {bucket} can not be decrypted: its KMS key{named} refuses.",
        advice="Put the key into sourceKmsKeyArns in cdk.json and deploy, and see that its policy"
        " does not deny the remediator's role and that it is enabled; then press Retry.",
    )
