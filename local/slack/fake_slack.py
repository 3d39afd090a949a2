"""A fake Slack on loopback: the parts of Slack that we use, clicks, and the channel's page."""

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

from local.slack.clicks import find_action, post_click
from local.slack.server import Request, create_server
from local.slack.workspace import Ephemeral, Message, Response, Workspace

_RESPONSE_URL_SECONDS, _RESPONSE_URL_USES = 30 * 60, 5

Interceptor = Callable[[str, Callable[[], Response]], Response]
"""Takes the name of a Web API method, and a function that does the call. Returns the response."""


class Panel(Protocol):
    """The part of the page beside the channel."""

    def respond(self, request: Request) -> Response | None:
        """Return the response to a request below /panel/, None if there is nothing."""


@dataclass(kw_only=True)
class _ResponseUrl:
    """A `response_url`: the user and the message of the click, and the uses that are left."""

    user: str
    ts: str
    expires_at: float
    uses: int = _RESPONSE_URL_USES


class FakeSlack:
    """A workspace with one app and one channel.

    Args:
        bot_token: the token that the app must send.
        signing_secret: signs the clicks.

    Attributes:
        url: the channel's page.
        api_url: the Web API, for `slack_sdk`'s `base_url`.
        hooks_url: the start of every `response_url`.
        request_url: receives the clicks, as in the app's settings.
        certificate: the file of the trusted certificate for it; None for the system's.
        panel: responds to what the page requests beside the channel; None for nothing.
        requests: the methods that were called, in order.
        interceptor: responds to every call of the Web API.
    """

    def __init__(self, *, bot_token: str, signing_secret: str) -> None:
        self.request_url: str | None = None
        self.certificate: str | None = None
        self.panel: Panel | None = None
        self.requests: list[str] = []
        self.interceptor: Interceptor = _proceed
        self._bot_token, self._signing_secret = bot_token, signing_secret
        self._workspace = Workspace()
        self._response_urls: dict[str, _ResponseUrl] = {}
        self._failures: list[Response] = []
        self._loses_next_response = False
        self._lock = threading.RLock()
        self._server = create_server(self._respond)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self.api_url, self.hooks_url = f"{self.url}api/", self.url

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def messages(self) -> tuple[Message, ...]:
        """The channel, oldest first."""
        return self._workspace.messages

    @property
    def ephemerals(self) -> tuple[Ephemeral, ...]:
        """The ephemeral replies, oldest first."""
        return self._workspace.ephemerals

    def message(self, ts: str, *, edits: int | None = None) -> Message:
        """Return a message in its latest form, or as it was after so many `edits`.

        Raises:
            LookupError: there is no such message.
        """
        return self._workspace.message(ts, edits=edits)

    def fail_next(
        self,
        status: int,
        error: str = "internal_error",
        *,
        retry_after: int | None = None,
        times: int = 1,
    ) -> None:
        """Let the next calls of the Web API fail."""
        failure = Response(
            status=status, body={"ok": False, "error": error}, retry_after=retry_after
        )
        self._failures += [failure] * times

    def lose_next_response(self) -> None:
        """Let the next call of the Web API succeed, but lose its response."""
        self._loses_next_response = True

    def stop_failing(self) -> None:
        """Cancel the failures that are left."""
        self._failures.clear()

    def limit_response_urls(self, uses: int) -> None:
        """Let the response URLs of all clicks so far work for `uses` more times."""
        for url in self._response_urls.values():
            url.uses = uses

    def delete(self, ts: str) -> None:
        """Delete a message, as a person may."""
        self._workspace.delete(ts)

    def replace(self, message: Message) -> None:
        """Replace the text and blocks of a message without a call of the app."""
        self._workspace.update(message.ts, vars(message))

    def click(
        self,
        ts: str,
        action_id: str,
        user: str,
        *,
        choice: str | None = None,
        shown: Message | None = None,
    ) -> int:
        """Click on a message as `user`. Return the HTTP status of the app's response.

        Args:
            ts: the message.
            action_id: of the button or menu.
            user: a Slack user id.
            choice: the value chosen in a menu, or its first word.
            shown: the message as the person still sees it, if that is outdated.

        Raises:
            LookupError: the message has no such button or choice.
        """
        message = shown or self.message(ts)
        if self.request_url is None:
            raise LookupError("the app has no request URL yet")
        name = uuid.uuid4().hex
        self._response_urls[name] = _ResponseUrl(
            user=user, ts=ts, expires_at=time.monotonic() + _RESPONSE_URL_SECONDS
        )
        return post_click(
            self.request_url,
            signing_secret=self._signing_secret,
            certificate=self.certificate,
            message={"ts": ts, "text": message.text, "blocks": list(message.blocks)},
            channel=message.channel,
            action=find_action(message.blocks, action_id, choice),
            user=user,
            response_url=f"{self.hooks_url}actions/{name}",
        )

    def state(self) -> dict[str, Any]:
        """Return what the page shows of the channel."""
        return {
            "messages": [vars(message) for message in self.messages],
            "ephemerals": [vars(reply) for reply in self.ephemerals],
        }

    def _respond(self, request: Request) -> Response | None:
        match request.path.split("/")[1:]:
            case ["state"]:
                return Response(status=200, body=self.state())
            case ["click"]:
                return self._click(request.fields)
            case ["panel", *_] if self.panel:
                return self.panel.respond(request)
            case ["actions", name]:
                with self._lock:
                    return self._use_response_url(name, request.fields)
            case ["api", method]:
                return self.interceptor(method, lambda: self._call(method, request))
            case _:
                return None

    def _click(self, click: Mapping[str, Any]) -> Response:
        """Click for the page, on the message as the page shows it."""
        ts, choice = click["ts"], click.get("choice")
        shown = self.message(ts, edits=click.get("edits"))
        try:
            status = self.click(ts, click["action_id"], click["user"], choice=choice, shown=shown)
        except OSError:
            return Response.failure("the app did not respond")
        return Response(status=200, body={"status": status})

    def _call(self, method: str, request: Request) -> Response:
        with self._lock:
            self.requests.append(method)
            is_lost, self._loses_next_response = self._loses_next_response, False
            response = self._call_method(method, request)
            return Response(status=504, body={}) if is_lost else response

    def _call_method(self, method: str, request: Request) -> Response:
        if self._failures:
            return self._failures.pop(0)
        if request.authorization != f"Bearer {self._bot_token}":
            return Response.failure("invalid_auth")
        return self._workspace.call(method, request.fields)

    def _use_response_url(self, name: str, body: Mapping[str, Any]) -> Response:
        """https://docs.slack.dev/interactivity/handling-user-interaction#message_responses."""
        url = self._response_urls.get(name)
        if url is None or url.uses == 0 or time.monotonic() > url.expires_at:
            return Response(status=404, body={"ok": False, "error": "expired_url"})
        url.uses -= 1
        self.requests.append("response_url")
        if body.get("replace_original"):
            self._workspace.update(url.ts, body)
        else:
            self._workspace.post_ephemeral(url.user, body["text"])
        return Response.success()


def _proceed(_: str, proceed: Callable[[], Response]) -> Response:
    return proceed()
