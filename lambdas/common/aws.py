"""AWS: services that speak JSON are asked directly, the others through botocore.

botocore takes longer to import than a click may take to be answered: it is imported where it is
needed, and only there. That both sign alike is tested.
"""

import json
import os
import random
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any

from lambdas.common import clock, http
from lambdas.common.http import Answer, NoAnswerError
from lambdas.common.signing import Credentials, signed

_MOST_TRIES = 5
_SECONDS = 10
_THROTTLED = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
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
"""`call("GetItem", TableName=...)`: asks a service for an operation, answers or raises AwsError."""


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
    """Post a signed request to the service `name`, again if that can help.

    Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html

    Raises:
        AwsError: it refuses.
        NoAnswerError: it does not answer.
    """
    url = _endpoint(name) + path
    for tries in range(1, _MOST_TRIES + 1):
        is_last = tries == _MOST_TRIES
        try:
            answer = _sent(name, url, headers, body, clock.now())
        except NoAnswerError:
            if is_last:
                raise
        else:
            if answer.status < HTTPStatus.MULTIPLE_CHOICES:
                return answer
            error = _error(answer)
            if is_last or not _is_passing(answer, error):
                raise error
        # A kept connection may just have been closed: the first time, there is nothing to wait for.
        time.sleep(0 if tries == 1 else random.uniform(0, 0.1 * 2**tries))  # noqa: S311 - jitter
    raise AssertionError("unreachable")


def _sent(name: str, url: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Answer:
    environment = os.environ
    credentials = Credentials(
        key_id=environment["AWS_ACCESS_KEY_ID"],
        secret=environment["AWS_SECRET_ACCESS_KEY"],
        token=environment.get("AWS_SESSION_TOKEN"),
    )
    whole = signed(
        url,
        body,
        headers,
        credentials=credentials,
        service=name,
        region=region(),
        now=now,
    )
    return http.post(url, body=body, headers=whole, seconds=_SECONDS, keep=True)


def region() -> str:
    """Answer the function's own region."""
    return os.environ.get("AWS_REGION") or os.environ["AWS_DEFAULT_REGION"]


def _endpoint(name: str) -> str:
    """Name the service's address; the variables are those of AWS's own tools.

    Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
    """
    own = {"secretsmanager": "SECRETS_MANAGER"}.get(name, name.upper())
    told = os.environ.get(f"AWS_ENDPOINT_URL_{own}") or os.environ.get("AWS_ENDPOINT_URL")
    if told:
        return told.rstrip("/")
    suffix = "amazonaws.com.cn" if region().startswith("cn-") else "amazonaws.com"
    return f"https://{name}.{region()}.{suffix}"


def _error(answer: Answer) -> AwsError:
    try:
        details = json.loads(answer.body)
    except ValueError:
        details = {}
    if not isinstance(details, dict):
        details = {}
    code = answer.headers.get("x-amzn-errortype") or details.get("__type") or str(answer.status)
    return AwsError(code.split(":")[0].rsplit("#")[-1], details)


def _is_passing(answer: Answer, error: AwsError) -> bool:
    is_theirs = answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    is_busy = answer.status == HTTPStatus.TOO_MANY_REQUESTS
    return is_theirs or is_busy or error.code in _THROTTLED


def client(name: Any, region: str) -> Any:
    """Make a botocore client for `region`."""
    from botocore.config import Config  # noqa: PLC0415 - see above
    from botocore.session import get_session  # noqa: PLC0415 - see above

    config = Config(
        retries={"mode": "standard", "total_max_attempts": 4}, connect_timeout=3, read_timeout=60
    )
    return get_session().create_client(name, region_name=region, config=config)
