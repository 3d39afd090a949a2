"""Faults on purpose: what AWS and Slack do to those who call them, by a seeded plan."""

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
from local.slack.workspace import Answer

_SERVICES = ("DYNAMODB", "LAMBDA", "S3", "SECRETS_MANAGER", "SQS")
_JSON = "application/x-amz-json-1.0"
_XML = "application/xml"

THROTTLED, BROKEN, EXPIRED = "throttled", "internal error", "expired credentials"
SLOW, SILENT = "slow answer", "no answer in time"
DROPPED, LOST = "dropped before it was done", "done, and the answer lost"
_REFUSALS, _SLOWNESS = (THROTTLED, BROKEN, EXPIRED), 0.5
KINDS = (THROTTLED, BROKEN, EXPIRED, SLOW, DROPPED, LOST)


@dataclass(kw_only=True)
class Plan:
    """How often which fault is made.

    Attributes:
        rate: the part of requests that meet one, 0 to 1; it may be set at any time. If it is not 0,
            the first request for anything meets one, so that chance leaves no service out.
        kinds: which, one as often as another.
        silence: seconds for which `SILENT` keeps who asks waiting.
        made: what was made so far.
    """

    seed: int = 1
    rate: float = 0.0
    kinds: tuple[str, ...] = KINDS
    silence: float = 30.0
    made: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - so that a run can be repeated
        self._lock = threading.Lock()
        self._asked: set[str] = set()

    def next(self, what: str) -> str | None:
        """Choose the fault that a request for `what` meets, None for none."""
        with self._lock:
            is_first = what not in self._asked
            if not self.rate or (self._random.random() >= self.rate and not is_first):
                return None
            self._asked.add(what)
            kind = self._random.choice(self.kinds)
            self.made[f"{what}: {kind}"] += 1
            return kind


@contextmanager
def between(one: Sandbox, plan: Plan) -> Iterator[None]:
    """Put a proxy between the sandbox's functions and all of AWS that they call."""
    emulator = urlsplit(one.emulator.endpoint)
    bundle = one.emulator.environment["AWS_CA_BUNDLE"]
    proxy = ThreadingHTTPServer(
        ("127.0.0.1", 0),
        _proxy(plan, emulator.netloc, ssl.create_default_context(cafile=bundle)),
    )
    threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True).start()
    url = f"http://127.0.0.1:{proxy.server_port}"
    _set_endpoints(one, {f"AWS_ENDPOINT_URL_{service}": url for service in _SERVICES})
    try:
        yield
    finally:
        plan.rate = 0
        _set_endpoints(one, {})
        proxy.shutdown()
        proxy.server_close()


def _set_endpoints(one: Sandbox, variables: dict[str, str]) -> None:
    functions = one.client("lambda")
    for function in functions.list_functions()["Functions"]:
        kept = {
            name: value
            for name, value in function["Environment"]["Variables"].items()
            if not name.startswith("AWS_ENDPOINT_URL_")
        }
        functions.update_function_configuration(
            FunctionName=function["FunctionName"], Environment={"Variables": {**kept, **variables}}
        )


def _proxy(plan: Plan, emulator: str, trusted: ssl.SSLContext) -> type[BaseHTTPRequestHandler]:
    return type("Proxy", (_Proxy,), {"plan": plan, "emulator": emulator, "trusted": trusted})


class _Proxy(BaseHTTPRequestHandler):
    plan: Plan
    emulator: str
    trusted: ssl.SSLContext
    protocol_version = "HTTP/1.1"

    def _do(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        service = _service(self.headers.get("Authorization", ""))
        fault = self.plan.next(service)
        if fault in _REFUSALS:
            self._send(*_refusal(fault, service))
            return
        time.sleep(_SLOWNESS if fault == SLOW else 0)
        answer = None if fault == DROPPED else self._forward(body)
        if fault == SILENT:
            time.sleep(self.plan.silence)
        if answer is None or fault in (LOST, SILENT):
            self.close_connection = True
        else:
            self._send(*answer)

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("do_"):
            return self._do
        raise AttributeError(name)

    def _forward(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPSConnection(self.emulator, timeout=120, context=self.trusted)
        headers = {name: value for name, value in self.headers.items() if name != "Connection"}
        connection.request(self.command, self.path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        told = {
            name: value
            for name, value in answer.getheaders()
            if name.lower() not in ("connection", "transfer-encoding", "content-length")
        }
        length = answer.headers.get("Content-Length") if self.command == "HEAD" else None
        return answer.status, {**told, "Content-Length": length or str(len(content))}, content

    def _send(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""


def _service(authorization: str) -> str:
    """Read from a signature which service is asked."""
    scope = authorization.partition("Credential=")[2].split(",")[0].split("/")
    return scope[3] if len(scope) > 3 else "unknown"  # noqa: PLR2004 - its place in the scope


def _refusal(fault: str, service: str) -> tuple[int, dict[str, str], bytes]:
    """Refuse as the service does: S3 in XML, the others in JSON."""
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
    kind = _XML if is_s3 else _JSON
    headers = {
        "Content-Type": kind,
        "x-amzn-ErrorType": code,
        "Content-Length": str(len(content)),
    }
    return status, headers, content


def moody(
    plan: Plan, *, seconds_a_message: float = 0
) -> Callable[[str, Callable[[], Answer]], Answer]:
    """Make Slack's mood: faults by `plan`, and no more messages than it takes in a channel.

    Source: https://docs.slack.dev/apis/web-api/rate-limits
    """
    lock, free_at = threading.Lock(), [0.0]

    def answer(method: str, proceed: Callable[[], Answer]) -> Answer:
        if seconds_a_message and method == "chat.postMessage":
            with lock:
                now = time.monotonic()
                if now < free_at[0]:
                    plan.made["Slack: too many messages"] += 1
                    return _ratelimited(1)
                free_at[0] = now + seconds_a_message
        match plan.next("Slack"):
            case None:
                return proceed()
            case kind if kind == THROTTLED:
                return _ratelimited(1)
            case kind if kind == LOST:
                proceed()
                return Answer(status=504, body={})
            case kind if kind == SLOW:
                time.sleep(_SLOWNESS)
                return proceed()
            case kind if kind == BROKEN:
                return Answer(status=500, body={"ok": False, "error": "internal_error"})
            case _:
                return Answer(status=200, body={})  # what is no answer of Slack's

    return answer


def _ratelimited(seconds: int) -> Answer:
    body = {"ok": False, "error": "ratelimited"}
    return Answer(status=429, body=body, retry_after=seconds)
