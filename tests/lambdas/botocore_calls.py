"""botocore in the place of our own calls to AWS, for moto sees what botocore does."""

import threading
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from botocore.exceptions import ClientError, HTTPClientError
from moto.core.botocore_stubber import BotocoreStubber

from lambdas.common.aws import AwsError, Call
from lambdas.common.http import NoAnswerError
from lambdas.remediator.s3_answers import S3Error

_ONCE = ("CompleteMultipartUpload", "CopyObject")


def through(client: Any) -> Call:
    """Answer what asks `client`'s service, in the words of `lambdas.common.aws`."""

    def call(operation: str, **request: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = client._make_api_call(operation, request)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            raise AwsError(code, {**error.response["Error"], **error.response}) from error
        except HTTPClientError as error:
            raise NoAnswerError(type(error).__name__) from error
        return answer

    return call


def s3_through(client: Any) -> Call:
    """Answer what asks S3, in the words of `lambdas.remediator.s3`."""
    for operation in _ONCE:
        client.meta.events.register_first(f"needs-retry.s3.{operation}", _raise_unanswered)
    asked = through(client)

    def call(operation: str, **request: Any) -> dict[str, Any]:
        try:
            answer = asked(operation, **request)
        except AwsError as error:
            raise S3Error(operation, error.code, error.details) from error
        if "AnnotationPayload" in answer:
            answer["AnnotationPayload"] = answer["AnnotationPayload"].read()
        return answer

    return call


def _raise_unanswered(response: Any, caught_exception: Any, **_: Any) -> None:
    """Keep botocore from asking again, as `aws.ask` does not where nothing may be done twice."""
    if caught_exception is not None:
        raise NoAnswerError(type(caught_exception).__name__) from caught_exception
    status = response[0].status_code
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.SERVICE_UNAVAILABLE:
        raise NoAnswerError(f"S3 answers {status}")


def one_at_a_time() -> Callable[..., Any]:
    """Make what AWS does in one go atomic: moto undoes a transaction's writes and all others'."""
    lock, plainly = threading.Lock(), BotocoreStubber.__call__

    def answered(self: Any, *request: Any, **named: Any) -> Any:
        with lock:
            return plainly(self, *request, **named)

    return answered
