"""A Slack workspace in memory: a channel, threads and ephemeral replies, used by the Web API."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from local.slack.block_kit import problems


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message in the channel: `ts` identifies it, `edits` counts its updates.

    A reply in a thread that `is_broadcast` is shown in the channel too.
    """

    ts: str
    channel: str
    text: str
    blocks: tuple[Any, ...]
    metadata: Mapping[str, Any] | None
    thread_ts: str | None
    edits: int = 0
    is_broadcast: bool = False


@dataclass(frozen=True, kw_only=True)
class Ephemeral:
    """A reply that only `user` sees."""

    user: str
    text: str
    ts: str


@dataclass(frozen=True, kw_only=True)
class Response:
    """An HTTP response: a status, a JSON body, and the seconds of Retry-After."""

    status: int
    body: Mapping[str, Any]
    retry_after: int | None = None

    @classmethod
    def success(cls, **fields: Any) -> "Response":
        """Create the response of a method that did its work."""
        return cls(status=200, body={"ok": True, **fields})

    @classmethod
    def failure(cls, error: str, **fields: Any) -> "Response":
        """Create the response of a method that failed: Slack sends a code with status 200."""
        return cls(status=200, body={"ok": False, "error": error, **fields})


class Workspace:
    """A channel and its messages. Every method may be called from any thread."""

    def __init__(self) -> None:
        self._messages: dict[str, list[Message]] = {}
        self._ephemerals: list[Ephemeral] = []
        self._last_ts = 0.0
        self._lock = threading.RLock()

    @property
    def messages(self) -> tuple[Message, ...]:
        """The channel, oldest first, every message in its latest form."""
        with self._lock:
            return tuple(versions[-1] for versions in self._messages.values())

    @property
    def ephemerals(self) -> tuple[Ephemeral, ...]:
        """The ephemeral replies, oldest first."""
        with self._lock:
            return tuple(self._ephemerals)

    def message(self, ts: str, *, edits: int | None = None) -> Message:
        """Return a message in its latest form, or as it was after so many `edits`.

        Raises:
            LookupError: there is no such message.
        """
        with self._lock:
            return self._messages[ts][-1 if edits is None else edits]

    def delete(self, ts: str) -> None:
        """Delete a message, as a person may."""
        with self._lock:
            del self._messages[ts]

    def update(self, ts: str, body: Mapping[str, Any]) -> None:
        """Replace a message's text and blocks with those of `body`, where it has them.

        Raises:
            LookupError: there is no such message.
        """
        with self._lock:
            message = self.message(ts)
            updated = replace(
                message,
                text=body.get("text", message.text),
                blocks=tuple(body.get("blocks", message.blocks)),
                edits=message.edits + 1,
            )
            self._messages[ts].append(updated)

    def post_ephemeral(self, user: str, text: str) -> Ephemeral:
        """Add a reply that only `user` sees."""
        with self._lock:
            reply = Ephemeral(user=user, text=text, ts=self._new_ts())
            self._ephemerals.append(reply)
            return reply

    def call(self, method: str, body: Mapping[str, Any]) -> Response:
        """Do what a method of the Web API does.

        Source: https://docs.slack.dev/reference/methods
        """
        if method.startswith("chat.") and (found := problems(body)):
            return Response.failure("invalid_blocks", messages=found)
        with self._lock:
            match method:
                case "chat.postMessage":
                    return self._post_message(body)
                case "chat.postEphemeral":
                    reply = self.post_ephemeral(body["user"], body.get("text", ""))
                    return Response.success(message_ts=reply.ts)
                case "chat.update":
                    return self._update(body)
                case "conversations.history":
                    return self._history(body)
                case "conversations.replies":
                    return self._replies(body)
                case _:
                    return Response.failure("unknown_method")

    def _post_message(self, body: Mapping[str, Any]) -> Response:
        ts, channel = self._new_ts(), body["channel"]
        message = Message(
            ts=ts,
            channel=channel,
            text=body.get("text", ""),
            blocks=tuple(body.get("blocks", ())),
            metadata=body.get("metadata"),
            thread_ts=body.get("thread_ts"),
            is_broadcast=bool(body.get("reply_broadcast")),
        )
        self._messages[ts] = [message]
        return Response.success(channel=channel, ts=ts)

    def _update(self, body: Mapping[str, Any]) -> Response:
        if body["ts"] not in self._messages:
            return Response.failure("message_not_found")
        self.update(body["ts"], body)
        return Response.success(channel=body["channel"], ts=body["ts"])

    def _history(self, body: Mapping[str, Any]) -> Response:
        """Return the channel's messages, newest first, without the replies in threads."""
        oldest = float(body.get("oldest", 0))
        messages = [
            message
            for message in self.messages
            if float(message.ts) >= oldest and not message.thread_ts
        ]
        return Response.success(messages=[_listed(message) for message in reversed(messages)])

    def _replies(self, body: Mapping[str, Any]) -> Response:
        """Return a thread, its parent first.

        Source: https://docs.slack.dev/reference/methods/conversations.replies
        """
        parent = body["ts"]
        if parent not in self._messages:
            return Response.failure("thread_not_found")
        thread = [item for item in self.messages if parent in {item.ts, item.thread_ts}]
        return Response.success(messages=[_listed(item) for item in thread], has_more=False)

    def _new_ts(self) -> str:
        """Return a timestamp later than all before: it is the only id of a message."""
        self._last_ts = max(time.time(), self._last_ts + 1e-6)
        return f"{self._last_ts:.6f}"


def _listed(message: Message) -> dict[str, Any]:
    thread = {"thread_ts": message.thread_ts} if message.thread_ts else {}
    return {"ts": message.ts, "text": message.text, "metadata": message.metadata, **thread}
