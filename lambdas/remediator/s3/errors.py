"""What S3 refuses: error codes turned into failures with advice, or raised for another try."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPException

from botocore.exceptions import (
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's name
    HTTPClientError,
    IncompleteReadError,
)
from botocore.parsers import ResponseParserError

from lambdas.remediator.rules import MoveError

_GONE = frozenset({"404", "405", "NoSuchKey", "NoSuchVersion", "NoSuchBucket", "MethodNotAllowed"})
_CONFLICT = frozenset({"409", "ConditionalRequestConflict"})
_CHANGED = frozenset({"412", "PreconditionFailed"})
_DENIED = frozenset({"403", "AccessDenied"})
_ARCHIVED = frozenset({"InvalidObjectState", "ObjectNotInActiveTierError"})
_KEY_DENIED = ("kms:Decrypt", "customer master key")
_TRANSIENT = frozenset(
    {
        # S3 or KMS has too much to do.
        *("SlowDown", "RequestLimitExceeded", "TooManyRequestsException", "429"),
        *("Throttling", "ThrottlingException", "KMS.ThrottlingException"),
        # The connection was too slow or broke.
        *("RequestTimeout", "RequestTimeoutException", "IncompleteBody", "BadDigest", "408"),
        # The next invocation has new credentials, and another clock.
        *("ExpiredToken", "TokenRefreshRequired", "RequestExpired", "RequestTimeTooSkewed"),
        # S3 does something else with the bucket or sends us elsewhere for a while.
        *("OperationAborted", "TemporaryRedirect", "307"),
        # The multipart upload has ended; the next try starts another one.
        "NoSuchUpload",
    }
)
"""The refusals that the same request may not meet again, besides the 5xx.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html and
https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
"""
RAISED_AGAIN = _TRANSIENT | _CONFLICT | _CHANGED | (_GONE - {"NoSuchBucket"})
"""What `translate_errors` lets through, besides the 5xx: Lambda runs the function again.

A retry can mend `_TRANSIENT` and conflicts. Where the object has changed or gone meanwhile, the
next run sees that. Every other refusal is final: a person has to do something about it.
"""
_HEADER_LIMIT = re.compile(r"got more than \d+ headers")
_LOST_RESPONSES = (HTTPClientError, ConnectionError, IncompleteReadError, ResponseParserError)


class UnknownOutcomeError(Exception):
    """S3 did not say whether it carried out a request; the caller has to look for the result."""


@contextmanager
def translate_errors(action: str, bucket: str, *, kms_key: str | None = None) -> Iterator[None]:
    """Turn a refusal that no retry can mend into a failure with advice; let the others through.

    Args:
        action: what S3 was asked to do with an object, such as "read".
        bucket: where the object is.
        kms_key: the key with which the object is encrypted.

    Raises:
        MoveError: S3 refuses for good; its error is the cause.
    """
    try:
        yield
    except ClientError as error:
        failure = _failure(error, action, bucket, kms_key)
        if failure is None:
            raise
        raise failure from error
    except HTTPClientError as error:
        limit = _header_limit(error)
        if limit is None:
            raise
        raise _too_many_headers(bucket) from limit


@contextmanager
def detect_unknown_outcomes() -> Iterator[None]:
    """Raise `UnknownOutcomeError` for a lost response, and for whatever another try can mend.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html (an error may come
    after S3 responded with 200; botocore makes it a 500)
    """
    try:
        yield
    except ClientError as error:
        if not is_retryable(error):
            raise
        raise UnknownOutcomeError(str(error)) from error
    except _LOST_RESPONSES as error:
        raise UnknownOutcomeError(f"{type(error).__name__}: {error}") from error


def error_code(error: ClientError) -> str:
    """Return S3's error code; for a HEAD request it is the HTTP status."""
    return error.response["Error"]["Code"]


def is_gone(error: ClientError) -> bool:
    """Return whether S3 says that there is no such object, version or bucket."""
    return error_code(error) in _GONE


def is_changed(error: ClientError) -> bool:
    """Return whether S3 says that a condition of the request does not hold."""
    return error_code(error) in _CHANGED


def is_retryable(error: ClientError) -> bool:
    """Return whether another try can succeed, also where another request was being carried out."""
    return _is_transient(error) or error_code(error) in _CONFLICT


def is_refusal(error: ClientError) -> bool:
    """Return whether this request has failed for good, though another one might succeed."""
    return not _is_transient(error)


def may_concern_key(error: ClientError) -> bool:
    """Return whether a KMS key may be the reason: the response to HEAD has only a status."""
    return error_code(error) in _DENIED or has_no_reason(error)


def has_no_reason(error: ClientError) -> bool:
    """Return whether S3 gives no other reason than that it was a bad request."""
    return error_code(error) == "400"


def undecryptable(bucket: str, kms_key: str | None) -> MoveError:
    """Return the failure to read an object whose KMS key refuses, and what to do."""
    name = f" {kms_key}" if kms_key else ""
    return MoveError(
        f"An object in the bucket {bucket} cannot be decrypted: its KMS key{name} refuses.",
        advice="Put the key into sourceKmsKeyArns in cdk.json and deploy, and see that its policy"
        " does not deny the remediator's role and that it is enabled; then press Retry.",
    )


def unreadable(bucket: str) -> MoveError:
    """Return the failure to read an object to which S3 responds with 400, as with SSE-C.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html
    """
    return MoveError(
        f"S3 refuses to read an object in the bucket {bucket} (HTTP 400), as it does where"
        " whoever wrote it encrypted it with a key of their own (SSE-C).",
        advice="Move such an object by hand, with its key; otherwise press Retry.",
    )


def _failure(error: ClientError, action: str, bucket: str, kms_key: str | None) -> MoveError | None:
    """Return what a person can do about a refusal, or None where the next run may succeed."""
    code = error_code(error)
    if _is_transient(error) or code in RAISED_AGAIN:
        return None
    if code in _ARCHIVED:
        return MoveError(
            "The object is archived, so it cannot be copied.",
            advice="Restore it from the archive in S3, then press Retry.",
        )
    if code == "NoSuchBucket":
        return MoveError(
            f"The bucket {_bucket_name(error, bucket)} is not there any more.",
            advice="Create it again, in the same account and Region, then press Retry.",
        )
    if _is_about_key(error):
        return undecryptable(bucket, kms_key)
    if code in _DENIED:
        return MoveError(
            f"S3 did not let the remediator {action} an object in the bucket {bucket}.",
            advice="Check that the bucket is in monitoredBuckets, that the KMS key of its objects"
            " is in sourceKmsKeyArns, and that the policies of neither deny the remediator's role;"
            " then press Retry.",
        )
    return MoveError(
        f"S3 refused to {action} an object in the bucket {bucket}: {code}.",
        advice="Find S3's whole message in the ledger, correct its cause, then press Retry.",
    )


def _is_transient(error: ClientError) -> bool:
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR or error_code(error) in _TRANSIENT


def _is_about_key(error: ClientError) -> bool:
    """Return whether KMS denied it, or the key is disabled, to be deleted, or gone."""
    message = error.response["Error"].get("Message", "")
    return error_code(error).startswith("KMS.") or any(words in message for words in _KEY_DENIED)


def _bucket_name(error: ClientError, bucket: str) -> str:
    details: Mapping[str, object] = error.response["Error"]
    return str(details.get("BucketName", bucket))


def _header_limit(error: BaseException | None) -> HTTPException | None:
    """Find in the causes of a broken response that Python reads no more than 100 header lines.

    Source: https://docs.python.org/3/library/http.client.html
    """
    while error is not None:
        if isinstance(error, HTTPException) and _HEADER_LIMIT.search(str(error)):
            return error
        error = error.__cause__ or error.__context__
    return None


def _too_many_headers(bucket: str) -> MoveError:
    return MoveError(
        f"An object in the bucket {bucket} has more metadata entries than can be read.",
        advice="Move the object by hand, or copy it over itself with less metadata.",
    )
