"""What S3 refuses for good, as people read it: the side that refused, the missing grant, advice.

A copy has two sides, and S3 does not always say which of them it means.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from botocore.exceptions import ClientError, HTTPClientError

from lambdas.remediator.rules import MoveError
from lambdas.remediator.s3.errors import (
    error_code,
    header_limit,
    is_archived,
    is_denied,
    is_raised_again,
)
from lambdas.remediator.s3.parameters import ObjectKey

_ACTION = re.compile(r"not authorized to perform: ([\w-]+:\w+)")
_RESOURCE = re.compile(r"arn:[\w-]+:s3:::([\w.-]+)")
_KMS_KEY = re.compile(r"arn:[\w-]+:kms:[\w-]+:\d{12}:key/[\w-]+")
"""What S3 says of a denial, where it says anything; KMS names the key that refuses.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
"""
_ABOUT_KEYS = ("kms:", "customer master key")


class Side(StrEnum):
    """Which bucket a request is about, in the words of a message."""

    ONLY = "in the bucket {bucket}"
    SOURCE = "from the bucket {bucket}, the source"
    DESTINATION = "to the bucket {bucket}, the destination"
    EITHER = "from the bucket {bucket} to the bucket {other}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a request was refused for.

    Attributes:
        action: what S3 was asked to do with an object, such as "read".
        key: where the object is, or is to be.
        side: what `key` is to the request.
        grant: what IAM requires for the request, unless S3 names it.
        kms_key: the ARN of the key by which the object is, or is to be, encrypted, if known.
        other: the bucket on the other side, where either may be meant.
    """

    action: str
    key: ObjectKey
    side: Side
    grant: str
    kms_key: str | None = None
    other: str = ""

    def __str__(self) -> str:
        return (
            f"{self.action} an object {self.side.format(bucket=self.key.bucket, other=self.other)}"
        )


@contextmanager
def translate_errors(action: str, key: ObjectKey, *, grant: str) -> Iterator[None]:
    """Turn a refusal that no retry can mend into a failure with advice; let the others through.

    Args:
        action: what S3 is asked to do with an object, such as "read".
        key: where the object is.
        grant: what IAM requires for that.

    Raises:
        MoveError: S3 refuses for good; its error is the cause.
    """
    try:
        yield
    except ClientError as error:
        if is_raised_again(error):
            raise
        target = Target(action=action, key=key, side=Side.ONLY, grant=grant)
        raise failure(error, target) from error
    except HTTPClientError as error:
        limit = header_limit(error)
        if limit is None:
            raise
        raise _too_many_headers(key) from limit


def failure(error: ClientError, target: Target) -> MoveError:
    """Return what a person can do about a refusal that no retry can mend."""
    code = error_code(error)
    if is_archived(error):
        return MoveError(
            "The object is archived, so it cannot be copied.",
            advice="Restore it from the archive in S3, then press Retry.",
        )
    if code == "NoSuchBucket":
        return MoveError(
            f"The bucket {_bucket_name(error) or target.key.bucket} is not there any more.",
            advice="Create it again, in the same account and Region, then press Retry.",
        )
    if is_about_key(error):
        return _refused_key(error, target)
    if is_denied(error):
        return _denied(error, target)
    return MoveError(
        f"S3 refused to {target}: {code}.",
        advice="Find S3's whole message in the ledger, correct its cause, then press Retry.",
    )


def undecryptable(key: ObjectKey, kms_key: str | None, *, reason: str = "kms:Decrypt") -> MoveError:
    """Return the failure to read an object whose KMS key refuses, and what to do."""
    return MoveError(
        f"An object in the bucket {key.bucket} cannot be decrypted: its KMS key"
        f"{_named(kms_key)} refuses ({reason}).",
        advice=_key_advice(key, "kms:Decrypt"),
    )


def unreadable(key: ObjectKey) -> MoveError:
    """Return the failure to read an object to which S3 responds with 400, as with SSE-C.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html
    """
    return MoveError(
        f"S3 refuses to read an object in the bucket {key.bucket} (HTTP 400), as it does where"
        " whoever wrote it encrypted it with a key of their own (SSE-C).",
        advice="Move such an object by hand, with its key; otherwise press Retry.",
    )


def is_about_key(error: ClientError) -> bool:
    """Return whether KMS denied it, or the key is disabled, to be deleted, or gone."""
    words = _message(error)
    return error_code(error).startswith("KMS.") or any(name in words for name in _ABOUT_KEYS)


def named_action(error: ClientError) -> str | None:
    """Return the IAM action that S3 says is missing, if it does."""
    found = _ACTION.search(_message(error))
    return found[1] if found else None


def named_bucket(error: ClientError) -> str | None:
    """Return the bucket about which S3 says that the refusal is, if it does."""
    found = _RESOURCE.search(_message(error))
    return found[1] if found else _bucket_name(error)


def named_kms_key(error: ClientError) -> str | None:
    """Return the ARN of the KMS key that S3 says refused, if it does."""
    found = _KMS_KEY.search(_message(error))
    return found[0] if found else None


def _refused_key(error: ClientError, target: Target) -> MoveError:
    kms_key = named_kms_key(error) or target.kms_key
    reason = named_action(error) or error_code(error)
    if target.side is not Side.DESTINATION:
        return undecryptable(target.key, kms_key, reason=reason)
    return MoveError(
        f"A copy in the bucket {target.key.bucket} cannot be encrypted: its KMS key"
        f"{_named(kms_key)} refuses ({reason}).",
        advice=_key_advice(target.key, "kms:GenerateDataKey and kms:Decrypt"),
    )


def _key_advice(key: ObjectKey, grants: str) -> str:
    if key.quarantine_kms_key is not None:
        return (
            "See that the quarantine's own KMS key is enabled, and that neither its policy nor the"
            f" organization's denies {grants} to the remediator's role; then press Retry."
        )
    return (
        "Put the key into sourceKmsKeyArns in cdk.json and deploy, and see that its policy does"
        f" not deny {grants} to the remediator's role and that it is enabled; then press Retry."
    )


def _denied(error: ClientError, target: Target) -> MoveError:
    action = named_action(error)
    problem = f"S3 did not let the remediator {target}: {action or target.grant} is denied."
    if target.key.quarantine_kms_key is not None:
        advice = "Check that neither the quarantine bucket's policy"
    else:
        # S3 says nothing about a HEAD request, and little to another account.
        key = "" if action else ", that the KMS key of its objects is in sourceKmsKeyArns"
        advice = f"Check that the bucket is in monitoredBuckets{key}, and that neither its policy"
    return MoveError(
        problem,
        advice=f"{advice} nor the organization's denies this to the remediator's role;"
        " then press Retry.",
    )


def _too_many_headers(key: ObjectKey) -> MoveError:
    return MoveError(
        f"An object in the bucket {key.bucket} has more metadata entries than can be read.",
        advice="Move the object by hand, or copy it over itself with less metadata.",
    )


def _message(error: ClientError) -> str:
    return error.response["Error"].get("Message", "")


def _bucket_name(error: ClientError) -> str | None:
    details: Mapping[str, object] = error.response["Error"]
    name = details.get("BucketName")
    return str(name) if name else None


def _named(kms_key: str | None) -> str:
    return f" {kms_key}" if kms_key else ""
