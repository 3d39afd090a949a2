"""botocore in the place of our own calls to AWS, for moto sees what botocore does."""

import threading
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError
from moto.core.botocore_stubber import BotocoreStubber

from lambdas.common.aws import AwsError, Call


def through(client: Any) -> Call:
    """Answer what asks `client`'s service, in the words of `lambdas.common.aws`."""

    def call(operation: str, **request: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = client._make_api_call(operation, request)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            raise AwsError(code, {**error.response["Error"], **error.response}) from error
        return answer

    return call


def one_at_a_time() -> Callable[..., Any]:
    """Make what AWS does in one go atomic: moto undoes a transaction's writes and all others'."""
    lock, plainly = threading.Lock(), BotocoreStubber.__call__

    def answered(self: Any, *request: Any, **named: Any) -> Any:
        with lock:
            return plainly(self, *request, **named)

    return answered
