"""A Slack stand-in on loopback: the parts of Slack's API that we use, and the channel's page."""

import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from local.block_kit import problems
from local.clicks import post_click

_PAGE = Path(__file__).with_name("page.html")
_CALLBACK_SECONDS, _CALLBACK_USES = 30 * 60, 5


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message in the channel: `ts` names it, `edits` counts how often it was updated."""

    ts: str
    channel: str
    text: str
    blocks: tuple[Any, ...]
    metadata: Mapping[str, Any] | None
    thread_ts: str | None
    edits: int = 0


@dataclass(frozen=True, kw_only=True)
class Ephemeral:
    """A reply that only `user` sees."""

    user: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer of the HTTP server."""

    status: int
    body: Mapping[str, Any]
    retry_after: int | None = None


@dataclass(kw_only=True)
class _Callback:
    """A `response_url`: for whose click on which message, and how much of it is left."""

    user: str
    ts: str
    until: float
    uses: int = _CALLBACK_USES


class SlackStandIn:
    """One workspace with one app and one channel.

    Args:
        bot_token: what the app authorizes with.
        signing_secret: what clicks are signed with.

    Attributes:
        url: the channel's page.
        api_url: where the Web API is, for `slack_sdk`'s `base_url`.
        hooks_url: what every `response_url` starts with.
        request_url: where clicks are posted, as in the app's settings.
        panel: what the page shows beside the channel.
        requests: the methods that were called, in order.
    """

    def __init__(self, *, bot_token: str, signing_secret: str) -> None:
        self.request_url: str | None = None
        self.panel: Callable[[], Mapping[str, Any]] = dict
        self.requests: list[str] = []
        self._bot_token, self._signing_secret = bot_token, signing_secret
        self._messages: dict[str, Message] = {}
        self._ephemerals: list[Ephemeral] = []
        self._callbacks: dict[str, _Callback] = {}
        self._next_answers: list[Answer] = []
        self._loses_next = False
        self._lock = threading.RLock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(self))
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
        with self._lock:
            return tuple(self._messages.values())

    @property
    def ephemerals(self) -> tuple[Ephemeral, ...]:
        """The private replies, oldest first."""
        with self._lock:
            return tuple(self._ephemerals)

    def answer_next(
        self,
        status: int,
        error: str = "internal_error",
        *,
        retry_after: int | None = None,
        times: int = 1,
    ) -> None:
        """Have the next calls of the Web API fail."""
        refusal = Answer(status=status, body={"ok": False, "error": error}, retry_after=retry_after)
        self._next_answers += [refusal] * times

    def lose_next_answer(self) -> None:
        """Have the next call of the Web API done, and its answer lost on the way."""
        self._loses_next = True

    def be_well(self) -> None:
        """Fail no more."""
        self._next_answers.clear()

    def delete(self, ts: str) -> None:
        """Delete a message, as a person may."""
        with self._lock:
            del self._messages[ts]

    def click(
        self,
        ts: str,
        action_id: str,
        user: str,
        *,
        choice: str | None = None,
        shown: Message | None = None,
    ) -> int:
        """Click on a message as `user`; answer the HTTP status that the app answered with.

        Args:
            ts: the message.
            action_id: the button's or menu's.
            user: a Slack user id.
            choice: the value chosen in a menu.
            shown: the message as the person still sees it, if that is outdated.

        Raises:
            LookupError: the message has no such button.
        """
        message = shown or self._messages[ts]
        if self.request_url is None:
            raise LookupError("the app has no request URL yet")
        callback = uuid.uuid4().hex
        self._callbacks[callback] = _Callback(
            user=user, ts=ts, until=time.monotonic() + _CALLBACK_SECONDS
        )
        return post_click(
            self.request_url,
            signing_secret=self._signing_secret,
            message={"ts": ts, "text": message.text, "blocks": list(message.blocks)},
            channel=message.channel,
            action=_action(message, action_id, choice),
            user=user,
            response_url=f"{self.hooks_url}actions/{callback}",
        )

    def post(self, path: str, authorization: str, body: Mapping[str, Any]) -> Answer:
        """Answer a POST request."""
        with self._lock:
            if path.startswith("/actions/"):
                return self._respond(path.rsplit("/", 1)[-1], body)
            if self._loses_next:
                self._loses_next = False
                self._call(path.removeprefix("/api/"), authorization, body)
                return Answer(status=504, body={})
            if path == "/click":
                return Answer(status=200, body={})
            return self._call(path.removeprefix("/api/"), authorization, body)

    def state(self) -> dict[str, Any]:
        """Tell what the page shows."""
        with self._lock:
            return {
                "messages": [vars(message) for message in self._messages.values()],
                "ephemerals": [vars(reply) for reply in self._ephemerals],
                "panel": dict(self.panel()),
            }

    def _call(self, method: str, authorization: str, body: Mapping[str, Any]) -> Answer:
        self.requests.append(method)
        if self._next_answers:
            return self._next_answers.pop(0)
        if authorization != f"Bearer {self._bot_token}":
            return _error("invalid_auth")
        if wrong := problems(body):
            return _error("invalid_blocks", {"messages": wrong})
        match method:
            case "chat.postMessage":
                return self._post_message(body)
            case "chat.update":
                return self._update(body)
            case "conversations.history":
                return self._history(body)
            case "conversations.replies":
                return self._replies(body)
            case "chat.postEphemeral":
                self._ephemerals.append(Ephemeral(user=body["user"], text=body["text"]))
                return Answer(status=200, body={"ok": True, "message_ts": f"{time.time():.6f}"})
            case "auth.test":
                return Answer(status=200, body={"ok": True})
            case _:
                return _error("unknown_method")

    def _post_message(self, body: Mapping[str, Any]) -> Answer:
        ts = f"{time.time():.6f}"
        self._messages[ts] = Message(
            ts=ts,
            channel=body["channel"],
            text=body.get("text", ""),
            blocks=tuple(body.get("blocks", ())),
            metadata=body.get("metadata"),
            thread_ts=body.get("thread_ts"),
        )
        return Answer(status=200, body={"ok": True, "channel": body["channel"], "ts": ts})

    def _update(self, body: Mapping[str, Any]) -> Answer:
        if body["ts"] not in self._messages:
            return _error("message_not_found")
        self._replace(body["ts"], body)
        return Answer(status=200, body={"ok": True, "channel": body["channel"], "ts": body["ts"]})

    def _history(self, body: Mapping[str, Any]) -> Answer:
        oldest = float(body.get("oldest", 0))
        messages = [
            {"ts": one.ts, "text": one.text, "metadata": one.metadata}
            for one in reversed(self._messages.values())
            if float(one.ts) >= oldest
        ]
        return Answer(status=200, body={"ok": True, "messages": messages})

    def _replies(self, body: Mapping[str, Any]) -> Answer:
        thread = [one for one in self._messages.values() if body["ts"] in (one.ts, one.thread_ts)]
        messages = [{"ts": one.ts, "text": one.text, "metadata": one.metadata} for one in thread]
        return Answer(status=200, body={"ok": True, "messages": messages})

    def _respond(self, name: str, body: Mapping[str, Any]) -> Answer:
        """https://docs.slack.dev/interactivity/handling-user-interaction#message_responses."""
        callback = self._callbacks.get(name)
        if callback is None or callback.uses == 0 or time.monotonic() > callback.until:
            return Answer(status=404, body={"ok": False, "error": "expired_url"})
        callback.uses -= 1
        self.requests.append("response_url")
        if body.get("replace_original"):
            self._replace(callback.ts, body)
        else:
            self._ephemerals.append(Ephemeral(user=callback.user, text=body["text"]))
        return Answer(status=200, body={"ok": True})

    def _replace(self, ts: str, body: Mapping[str, Any]) -> None:
        message = self._messages[ts]
        self._messages[ts] = replace(
            message,
            text=body.get("text", message.text),
            blocks=tuple(body.get("blocks", message.blocks)),
            edits=message.edits + 1,
        )


def _action(message: Message, action_id: str, choice: str | None) -> Mapping[str, Any]:
    elements = [element for block in message.blocks for element in block.get("elements", ())]
    for element in elements:
        if element.get("action_id") == action_id:
            chosen = {"selected_option": {"value": choice}} if choice else {}
            return {**element, **chosen}
    raise LookupError(f"the message has no {action_id}")


def _error(error: str, more: Mapping[str, Any] | None = None) -> Answer:
    return Answer(status=200, body={"ok": False, "error": error, **(more or {})})


def _handler_for(stand_in: SlackStandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if urlsplit(self.path).path == "/state":
                self._send(200, "application/json", json.dumps(stand_in.state()).encode())
            else:
                self._send(200, "text/html; charset=utf-8", _PAGE.read_bytes())

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = self._parsed(raw)
            if self.path == "/click":
                status = stand_in.click(
                    body["ts"], body["action_id"], body["user"], choice=body.get("choice")
                )
                self._send(200, "application/json", json.dumps({"status": status}).encode())
                return
            answer = stand_in.post(self.path, self.headers.get("Authorization", ""), body)
            text = json.dumps(answer.body).encode()
            self._send(answer.status, "application/json", text, retry_after=answer.retry_after)

        def _parsed(self, raw: bytes) -> dict[str, Any]:
            if "json" in self.headers.get("Content-Type", ""):
                parsed: dict[str, Any] = json.loads(raw or b"{}")
                return parsed
            return {name: values[0] for name, values in parse_qs(raw.decode()).items()}

        def _send(
            self, status: int, kind: str, body: bytes, *, retry_after: int | None = None
        ) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            if retry_after is not None:
                self.send_header("Retry-After", str(retry_after))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Keep quiet."""

    return Handler
