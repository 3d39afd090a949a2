"""Deliberate faults: the failures of AWS and of Slack, made by a seeded plan."""

import http.client
import random
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from local.sandbox import Sandbox
from local.slack.fake_slack import Interceptor
from local.slack.workspace import Response

_SERVICES = ("DYNAMODB", "LAMBDA", "S3", "SECRETS_MANAGER", "SQS")
_JSON = "application/x-amz-json-1.0"
_XML = "application/xml"

THROTTLED, BROKEN, EXPIRED = "throttled", "internal error", "expired credentials"
SLOW, SILENT = "slow response", "no response in time"
DROPPED, LOST = "request lost", "response lost"
_ERRORS, _SLOW_SECONDS = (THROTTLED, BROKEN, EXPIRED), 0.5
KINDS = (THROTTLED, BROKEN, EXPIRED, SLOW, DROPPED, LOST)


@dataclass(kw_only=True)
class Plan:
    """Which faults to make, and how often.

    Attributes:
        seed: of the random numbers.
        rate: the share of requests with a fault, 0 to 1; it may change at any time. If it is not 0,
            the first request to each service has a fault, so that no service is left out by chance.
        kinds: which faults, each equally often.
        silence: how many seconds a `SILENT` service waits.
        made: counts the faults so far, by service and kind.
    """

    seed: int = 1
    rate: float = 0.0
    kinds: tuple[str, ...] = KINDS
    silence: float = 30.0
    made: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - so that a run can be repeated
        self._lock = threading.Lock()
        self._services: set[str] = set()

    def next(self, service: str) -> str | None:
        """Choose the fault of a request to `service`, None for no fault."""
        with self._lock:
            is_first = service not in self._services
            if not self.rate or (self._random.random() >= self.rate and not is_first):
                return None
            self._services.add(service)
            kind = self._random.choice(self.kinds)
            self.made[f"{service}: {kind}"] += 1
            return kind


@contextmanager
def aws_faults(sandbox: Sandbox, plan: Plan) -> Iterator[None]:
    """Put a proxy between the sandbox's functions and all of AWS that they call."""
    emulator = urlsplit(sandbox.emulator.endpoint)
    bundle = sandbox.emulator.environment["AWS_CA_BUNDLE"]
    attributes = {
        "plan": plan,
        "emulator": emulator.netloc,
        "trust": ssl.create_default_context(cafile=bundle),
    }
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), type("Proxy", (_Proxy,), attributes))
    threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True).start()
    url = f"http://127.0.0.1:{proxy.server_port}"
    _set_endpoints(sandbox, {f"AWS_ENDPOINT_URL_{service}": url for service in _SERVICES})
    try:
        yield
    finally:
        plan.rate = 0
        _set_endpoints(sandbox, {})
        proxy.shutdown()
        proxy.server_close()


def _set_endpoints(sandbox: Sandbox, endpoints: dict[str, str]) -> None:
    client = sandbox.client("lambda")
    for function in client.list_functions()["Functions"]:
        variables = {
            name: value
            for name, value in function["Environment"]["Variables"].items()
            if not name.startswith("AWS_ENDPOINT_URL_")
        }
        client.update_function_configuration(
            FunctionName=function["FunctionName"],
            Environment={"Variables": {**variables, **endpoints}},
        )


class _Proxy(BaseHTTPRequestHandler):
    plan: Plan
    emulator: str
    trust: ssl.SSLContext
    protocol_version = "HTTP/1.1"

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        service = signed_service(self.headers.get("Authorization", ""))
        fault = self.plan.next(service)
        if fault in _ERRORS:
            self._send(*_error(fault, service))
            return
        time.sleep(_SLOW_SECONDS if fault == SLOW else 0)
        response = None if fault == DROPPED else self._forward(body)
        if fault == SILENT:
            time.sleep(self.plan.silence)
        if response is None or fault in (LOST, SILENT):
            self.close_connection = True
        else:
            self._send(*response)

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("do_"):
            return self._handle
        raise AttributeError(name)

    def _forward(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPSConnection(self.emulator, timeout=120, context=self.trust)
        headers = {name: value for name, value in self.headers.items() if name != "Connection"}
        connection.request(self.command, self.path, body, headers)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        headers = {
            name: value
            for name, value in response.getheaders()
            if name.lower() not in ("connection", "transfer-encoding", "content-length")
        }
        length = response.headers.get("Content-Length") if self.command == "HEAD" else None
        return response.status, {**headers, "Content-Length": length or str(len(content))}, content

    def _send(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


def signed_service(authorization: str) -> str:
    """Return the service that the signature in an Authorization header is for."""
    scope = authorization.partition("Credential=")[2].split(",")[0].split("/")
    return scope[3] if len(scope) > 3 else "unknown"  # noqa: PLR2004 - its place in the scope


def _error(fault: str, service: str) -> tuple[int, dict[str, str], bytes]:
    """Return an error response of `service`: S3 sends XML, the others JSON."""
    is_s3 = service == "s3"
    status, code = {
        THROTTLED: (503, "SlowDown") if is_s3 else (400, "ThrottlingException"),
        BROKEN: (500, "InternalError"),
        EXPIRED: (400, "ExpiredToken" if is_s3 else "ExpiredTokenException"),
    }[fault]
    text = (
        f"<Error><Code>{code}</Code><Message>made up</Message></Error>"
        if is_s3
        else f'{{"__type": "{code}", "message": "made up"}}'
    )
    content = text.encode()
    headers = {
        "Content-Type": _XML if is_s3 else _JSON,
        "x-amzn-ErrorType": code,
        "Content-Length": str(len(content)),
    }
    return status, headers, content


def slack_faults(plan: Plan, *, seconds_per_message: float = 0) -> Interceptor:
    """Create an interceptor that makes faults, and limits the rate of a channel's messages.

    Source: https://docs.slack.dev/apis/web-api/rate-limits
    """
    lock, free_at = threading.Lock(), [0.0]

    def intercept(method: str, proceed: Callable[[], Response]) -> Response:
        if seconds_per_message and method == "chat.postMessage":
            with lock:
                now = time.monotonic()
                if now < free_at[0]:
                    plan.made["Slack: too many messages"] += 1
                    return _rate_limited()
                free_at[0] = now + seconds_per_message
        return _respond(plan.next("Slack"), proceed)

    return intercept


def _respond(fault: str | None, proceed: Callable[[], Response]) -> Response:
    if fault == SLOW:
        time.sleep(_SLOW_SECONDS)
    if fault in (None, SLOW):
        return proceed()
    if fault == THROTTLED:
        return _rate_limited()
    if fault == BROKEN:
        return Response(status=500, body={"ok": False, "error": "internal_error"})
    if fault == LOST:
        proceed()
        return Response(status=504, body={})
    return Response(status=200, body={})  # not a response of Slack


def _rate_limited() -> Response:
    return Response(status=429, body={"ok": False, "error": "ratelimited"}, retry_after=1)
