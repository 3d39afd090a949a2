"""What S3 refuses, by its error codes: for good, for now, or because something has changed."""

import re
from collections.abc import Iterator
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

_GONE = frozenset({"404", "405", "NoSuchKey", "NoSuchVersion", "NoSuchBucket", "MethodNotAllowed"})
_CONFLICT = frozenset({"409", "ConditionalRequestConflict"})
_CHANGED = frozenset({"412", "PreconditionFailed"})
_DENIED = frozenset({"403", "AccessDenied"})
_ARCHIVED = frozenset({"InvalidObjectState", "ObjectNotInActiveTierError"})
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
"""What `refusals.translate_errors` lets through, besides the 5xx: Lambda runs the function again.

A retry can mend `_TRANSIENT` and conflicts. Where the object has changed or gone meanwhile, the
next run sees that. Every other refusal is final: a person has to do something about it.
"""
_HEADER_LIMIT = re.compile(r"got more than \d+ headers")
_LOST_RESPONSES = (HTTPClientError, ConnectionError, IncompleteReadError, ResponseParserError)


class UnknownOutcomeError(Exception):
    """S3 did not say whether it carried out a request; the caller has to look for the result."""


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
    return is_denied(error) or has_no_reason(error)


def has_no_reason(error: ClientError) -> bool:
    """Return whether S3 gives no other reason than that it was a bad request."""
    return error_code(error) == "400"


def is_denied(error: ClientError) -> bool:
    """Return whether a policy denied the request, or none allowed it."""
    return error_code(error) in _DENIED


def is_raised_again(error: ClientError) -> bool:
    """Return whether the next run may succeed, or see what has changed."""
    return _is_transient(error) or error_code(error) in RAISED_AGAIN


def is_archived(error: ClientError) -> bool:
    """Return whether the object has to be restored from an archive before it can be read."""
    return error_code(error) in _ARCHIVED


def header_limit(error: BaseException | None) -> HTTPException | None:
    """Find in the causes of a broken response that Python reads no more than 100 header lines.

    Source: https://docs.python.org/3/library/http.client.html
    """
    while error is not None:
        if isinstance(error, HTTPException) and _HEADER_LIMIT.search(str(error)):
            return error
        error = error.__cause__ or error.__context__
    return None


def _is_transient(error: ClientError) -> bool:
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR or error_code(error) in _TRANSIENT
