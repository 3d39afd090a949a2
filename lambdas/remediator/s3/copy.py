"""One copy of one object: made once however often it is tried, verified, or deleted again."""

import time
from dataclasses import replace
from typing import Literal, TypedDict

from botocore.exceptions import ClientError

from lambdas.common.ledger.record import CopyAttempt
from lambdas.remediator.rules import MoveError, check_copy, is_same_content
from lambdas.remediator.s3 import multipart
from lambdas.remediator.s3.errors import (
    UnknownOutcomeError,
    detect_unknown_outcomes,
    error_code,
    is_changed,
    is_gone,
    is_refusal,
    is_retryable,
)
from lambdas.remediator.s3.metadata import NULL_VERSION, ObjectMetadata
from lambdas.remediator.s3.objects import delete_current, delete_version, head
from lambdas.remediator.s3.parameters import (
    CopyRequest,
    CopyResult,
    SaveAttempt,
    WriteCondition,
    quote_etag,
    unquote_etag,
)
from lambdas.remediator.s3.sides import translate_copy_errors


class _ChecksumArgs(TypedDict, total=False):
    ChecksumAlgorithm: Literal["SHA256"]


_PAUSES = (1, 4)
"""Seconds to wait before a copy is looked for, each time S3 did not say whether it made it."""


def copy_object(request: CopyRequest, attempt: CopyAttempt | None) -> ObjectMetadata | None:
    """Make a copy, or find the one that an interrupted `attempt` made.

    Returns:
        The verified copy; None if the source changed, or what is at the destination may not be
            overwritten.

    Raises:
        MoveError: S3 refuses, or the copy is not the same; then it is deleted again.
        UnknownOutcomeError: S3 does not say, several times, whether it made the copy.
    """

    def save(latest: CopyAttempt | None) -> None:
        nonlocal attempt
        attempt = latest
        request.save_attempt(latest)

    for pause in (*_PAUSES, None):
        try:
            with detect_unknown_outcomes():
                copy = _find_or_make(request, attempt, save)
            break
        except UnknownOutcomeError:
            if pause is None:
                raise
            time.sleep(pause)
    if copy is None:
        request.save_attempt(None)
    return copy


def _find_or_make(
    request: CopyRequest, attempt: CopyAttempt | None, save: SaveAttempt
) -> ObjectMetadata | None:
    source = request.source.metadata
    present = head(request.s3, request.destination)
    if attempt is None or attempt.source != source.identity:
        attempt = CopyAttempt(source=source.identity, replaced=present.identity if present else "")
        save(attempt)
    made = _made_by(attempt, source, present)
    if made is None and present is not None and not request.may_overwrite(present):
        return None
    with translate_copy_errors(request):
        try:
            result = made or _make(request, attempt, _only_over(present), save)
            return _finish(request, result)
        except ClientError as error:
            if is_retryable(error):
                raise
            if is_changed(error):
                late = _made_by(attempt, source, head(request.s3, request.destination))
                return _finish(request, late) if late else None
            if is_gone(error) and error_code(error) != "NoSuchBucket":
                return None
            # Weeks later, what is there then is not the copy that this attempt made.
            save(None)
            raise


def _made_by(
    attempt: CopyAttempt, source: ObjectMetadata, present: ObjectMetadata | None
) -> CopyResult | None:
    """Return what is at the destination if it is the copy that `attempt` made."""
    if present is None or present.identity == attempt.replaced:
        return None
    if present.headers != source.headers or not is_same_content(source, present):
        return None
    return CopyResult(version_id=present.version_id, etag=present.etag)


def _only_over(present: ObjectMetadata | None) -> WriteCondition:
    """Return the condition that at the destination is what was seen there, and nothing later.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
    """
    return {"IfNoneMatch": "*"} if present is None else {"IfMatch": quote_etag(present.etag)}


def _make(
    request: CopyRequest, attempt: CopyAttempt, condition: WriteCondition, save: SaveAttempt
) -> CopyResult:
    if not request.is_multipart:
        return _copy_at_once(request, condition)
    return multipart.copy_in_parts(
        request,
        condition,
        attempt.upload_id,
        lambda upload_id: save(replace(attempt, upload_id=upload_id)),
    )


def _copy_at_once(request: CopyRequest, condition: WriteCondition) -> CopyResult:
    """Let S3 copy; it takes metadata, headers, tags and annotations along by itself.

    It takes the algorithm of the checksum along as well; where there is none, it makes a SHA-256.
    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
    """
    source = request.source
    response = request.s3.single_attempt_client.copy_object(
        **request.destination.args,
        **source.source_args,
        **source.copy_args,
        **request.encryption,
        **_checksum_args(source.metadata),
        **condition,
    )
    etag = unquote_etag(response["CopyObjectResult"]["ETag"])
    return CopyResult(version_id=response.get("VersionId"), etag=etag)


def _checksum_args(source: ObjectMetadata) -> _ChecksumArgs:
    return {} if source.has_checksum else {"ChecksumAlgorithm": "SHA256"}


def _finish(request: CopyRequest, result: CopyResult) -> ObjectMetadata | None:
    """Verify a copy, give it what it lacks and protect it; if that is refused, delete it again.

    Returns:
        The copy; None if something else has replaced it meanwhile, which is left alone.
    """
    try:
        if request.is_multipart:
            multipart.copy_annotations(request, result)
        copy = head(request.s3, request.destination, result.version_id)
        if copy is not None and copy.etag != result.etag:
            return None
        verified = check_copy(request.source.metadata, copy)
        if request.is_multipart:
            multipart.copy_tags(request, result)
        request.protect(verified)
    except (ClientError, MoveError) as error:
        if isinstance(error, MoveError) or is_refusal(error):
            _undo(request, result)
        raise
    return verified


def _undo(request: CopyRequest, result: CopyResult) -> None:
    try:
        if result.version_id in (None, NULL_VERSION):
            delete_current(request.s3, request.destination, result.etag)
        else:
            delete_version(request.s3, request.destination, result.version_id)
    except MoveError as refusal:
        text = f"{refusal} The object is where it was, and a bad copy of it is there as well."
        raise MoveError(text, advice=refusal.advice) from refusal.__cause__
