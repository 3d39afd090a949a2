"""AWS: requests that are signed, sent, and sent again where that can help.

Without an SDK, which takes longer to import than a click may take to be answered. That all is asked
and signed as botocore does is tested.
"""

import json
import os
import random
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any

from lambdas.common import clock, endpoints, http
from lambdas.common.http import Answer, NoAnswerError
from lambdas.common.signing import Credentials, signed

_MOST_TRIES = 5
_SECONDS = 10
_THROTTLED = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestTimeout",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
_TARGETS = {
    "dynamodb": ("DynamoDB_20120810", "1.0"),
    "secretsmanager": ("secretsmanager", "1.1"),
    "sqs": ("AmazonSQS", "1.0"),
}
"""Each service's name in requests, and its version of AWS's JSON protocol.

Source: https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html
"""


class AwsError(Exception):
    """AWS refuses: `code` is the name of its error, `details` all that it says."""

    def __init__(self, code: str, details: Mapping[str, Any]) -> None:
        message = details.get("message") or details.get("Message") or ""
        super().__init__(f"{code}: {message}")
        self.code = code
        self.details = details


Call = Callable[..., dict[str, Any]]
"""`call("GetItem", TableName=...)` asks a service for an operation; it raises as `ask` does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a service is asked.

    Attributes:
        service: as signatures name it.
        region: where it is.
        url: whole, as `signed` wants it.
        seconds: how long each step of it may take.
        is_repeatable: whether doing it twice does no harm.
    """

    service: str
    region: str
    url: str
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    seconds: float = _SECONDS
    is_repeatable: bool = True


def service(name: str) -> Call:
    """Answer what asks the service `name`, one of those with JSON for a protocol."""
    prefix, version = _TARGETS[name]
    content = f"application/x-amz-json-{version}"

    def call(operation: str, **request: Any) -> dict[str, Any]:
        headers = {"Content-Type": content, "X-Amz-Target": f"{prefix}.{operation}"}
        if operation == "TransactWriteItems":
            # So that a second try of what was done, and not answered, does nothing.
            request["ClientRequestToken"] = str(uuid.uuid4())
        answer = send(name, "/", headers, json.dumps(request).encode())
        told: dict[str, Any] = json.loads(answer.body or b"{}")
        return told

    return call


def send(name: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
    """Post `body`, which is JSON, to the service `name`; answer or raise as `ask` does."""
    region = endpoints.region()
    url = (endpoints.named(name) or f"https://{endpoints.host(name, region)}") + path
    request = Request(service=name, region=region, url=url, headers=headers, body=body)
    return ask(request, _refusal)


def ask(request: Request, refusal: Callable[[Answer], AwsError | None]) -> Answer:
    """Send a request, again if that can help; `refusal` tells what in an answer is none.

    Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html

    Raises:
        AwsError: the service refuses.
        NoAnswerError: it does not answer, or not whether it did what must not be done twice.
    """
    for tries in range(1, _MOST_TRIES + 1):
        is_last = tries == _MOST_TRIES
        try:
            answer = _sent(request, clock.now())
        except NoAnswerError:
            if is_last or not request.is_repeatable:
                raise
        else:
            error = refusal(answer)
            if error is None:
                return answer
            if _is_open(request, answer):
                raise NoAnswerError(f"{request.service} answers {answer.status}") from error
            if is_last or not _is_passing(answer, error):
                raise error
        # A kept connection may just have been closed: the first time, there is nothing to wait for.
        time.sleep(0 if tries == 1 else random.uniform(0, 0.1 * 2**tries))  # noqa: S311 - jitter
    raise AssertionError("unreachable")


def _sent(request: Request, now: datetime) -> Answer:
    environment = os.environ
    credentials = Credentials(
        key_id=environment["AWS_ACCESS_KEY_ID"],
        secret=environment["AWS_SECRET_ACCESS_KEY"],
        token=environment.get("AWS_SESSION_TOKEN"),
    )
    headers = signed(
        request.method,
        request.url,
        request.body,
        request.headers,
        credentials=credentials,
        service=request.service,
        region=request.region,
        now=now,
    )
    return http.request(
        request.method,
        request.url,
        body=request.body,
        headers=headers,
        seconds=request.seconds,
        keep=True,
    )


def _refusal(answer: Answer) -> AwsError | None:
    if answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return None
    try:
        details = json.loads(answer.body)
    except ValueError:
        details = {}
    if not isinstance(details, dict):
        details = {}
    code = answer.headers.get("x-amzn-errortype") or details.get("__type") or str(answer.status)
    return AwsError(code.split(":")[0].rsplit("#")[-1], details)


def _is_passing(answer: Answer, error: AwsError) -> bool:
    is_busy = answer.status == HTTPStatus.TOO_MANY_REQUESTS
    return _is_theirs(answer) or is_busy or error.code in _THROTTLED


def _is_open(request: Request, answer: Answer) -> bool:
    """Answer whether it may have been done; 503 asks to slow down, and surely did nothing."""
    is_slow = answer.status == HTTPStatus.SERVICE_UNAVAILABLE
    return not request.is_repeatable and _is_theirs(answer) and not is_slow


def _is_theirs(answer: Answer) -> bool:
    """Answer whether the fault is the service's: so is an error after it answered 200."""
    is_asked = HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR
    return not is_asked
