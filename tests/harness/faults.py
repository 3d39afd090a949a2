"""Faults: a function that dies at any of its requests, and a response of S3 that is lost."""

import threading
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.request import Request

from botocore.exceptions import ConnectionClosedError

from tests.harness.aws import FunctionClients


class Killed(BaseException):
    """The function dies here, as when Lambda stops it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KillPoint:
    """A moment to die: before or after a request, counted from 0."""

    call: int
    is_after: bool = False


@dataclass(kw_only=True)
class FaultInjector:
    """Counts the requests of the functions to AWS and Slack, and lets them fail.

    Attributes:
        kill_point: when to die; None for never.
        kill_after: the name of a request to die after, whenever it is made.
        lost_response: which response of S3 is lost, counted from 0; S3 did what was requested.
        lost_operation: the operation, of any service, whose next response is lost.
        calls: the names of the requests so far.
        s3_responses: how many responses S3 has sent so far.
    """

    kill_point: KillPoint | None = None
    kill_after: str | None = None
    lost_response: int | None = None
    lost_operation: str | None = None
    calls: list[str] = field(default_factory=list)
    s3_responses: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def reset(self) -> None:
        """Forget all requests so far, and let nothing fail."""
        self.kill_point = self.kill_after = self.lost_response = self.lost_operation = None
        self.calls.clear()
        self.s3_responses = 0

    def watch_aws(self, clients: FunctionClients) -> None:
        """Count the requests of `clients`."""
        clients.register("provide-client-params", self._before_call)
        clients.register("after-call", self._after_call)
        # After moto, which has done by then what was requested; a hook on one service would be
        # called before moto's, which is on all.
        clients.register("before-send", self._receive, "last")

    def slack_opener(self, slack_url: str) -> Callable[..., Any]:
        """Return `OpenerDirector.open` that counts the requests to Slack.

        slack_sdk sends each of its requests through it.
        """
        open_url = urllib.request.OpenerDirector.open

        def open_counted(opener: Any, request: Request | str, *args: Any, **kwargs: Any) -> Any:
            url = request if isinstance(request, str) else request.full_url
            if not url.startswith(slack_url):
                return open_url(opener, request, *args, **kwargs)
            path, _, method = url.removeprefix(slack_url).partition("/")
            number = self._begin(f"Slack {method if path == 'api' else 'response_url'}")
            try:
                return open_url(opener, request, *args, **kwargs)
            finally:
                self._end(number)

        return open_counted

    def _before_call(self, model: Any, context: dict[str, Any], **_: Any) -> None:
        context["call"] = self._begin(model.name)

    def _after_call(self, context: dict[str, Any], **_: Any) -> None:
        self._end(context["call"])

    def _begin(self, name: str) -> int:
        with self._lock:
            number = len(self.calls)
            self.calls.append(name)
        if self.kill_point == KillPoint(call=number):
            raise Killed
        return number

    def _end(self, number: int) -> None:
        is_named = self.kill_after is not None and self.calls[number] == self.kill_after
        if is_named or self.kill_point == KillPoint(call=number, is_after=True):
            raise Killed

    def _receive(self, event_name: str, **_: Any) -> None:
        _name, service, operation = event_name.split(".")
        if operation == self.lost_operation:
            self.lost_operation = None
            raise _lost()
        if service == "s3":
            with self._lock:
                number, self.s3_responses = self.s3_responses, self.s3_responses + 1
            if number == self.lost_response:
                raise _lost()


def _lost() -> ConnectionClosedError:
    return ConnectionClosedError(endpoint_url="https://amazonaws.com")
