"""A Slack workspace in memory: its channel, private replies and threads, by the Web API."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from local.slack.block_kit import problems


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
    ts: str


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer over HTTP: a status, a JSON body, and how long Slack wants to be left alone."""

    status: int
    body: Mapping[str, Any]
    retry_after: int | None = None

    @classmethod
    def good(cls, **fields: Any) -> "Answer":
        """Answer as Slack does when it did what it was asked."""
        return cls(status=200, body={"ok": True, **fields})

    @classmethod
    def refusal(cls, error: str, **fields: Any) -> "Answer":
        """Answer as Slack does when it refuses: by a code, and still with status 200."""
        return cls(status=200, body={"ok": False, "error": error, **fields})


class Workspace:
    """One channel and what was said in it; every method may be called from any thread."""

    def __init__(self) -> None:
        self._messages: dict[str, list[Message]] = {}
        self._ephemerals: list[Ephemeral] = []
        self._last_ts = 0.0
        self._lock = threading.RLock()

    @property
    def messages(self) -> tuple[Message, ...]:
        """The channel, oldest first, every message as it stands now."""
        with self._lock:
            return tuple(versions[-1] for versions in self._messages.values())

    @property
    def ephemerals(self) -> tuple[Ephemeral, ...]:
        """The private replies, oldest first."""
        with self._lock:
            return tuple(self._ephemerals)

    def message(self, ts: str, *, edits: int | None = None) -> Message:
        """Answer a message as it stands, or as it stood after so many `edits`.

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
        """Replace what a message says.

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

    def whisper(self, user: str, text: str) -> Ephemeral:
        """Say something that only `user` sees."""
        with self._lock:
            reply = Ephemeral(user=user, text=text, ts=self._new_ts())
            self._ephemerals.append(reply)
            return reply

    def call(self, method: str, body: Mapping[str, Any]) -> Answer:
        """Do what a method of the Web API does.

        Source: https://docs.slack.dev/reference/methods
        """
        if method.startswith("chat.") and (wrong := problems(body)):
            return Answer.refusal("invalid_blocks", messages=wrong)
        with self._lock:
            match method:
                case "chat.postMessage":
                    return self._post_message(body)
                case "chat.postEphemeral":
                    reply = self.whisper(body["user"], body.get("text", ""))
                    return Answer.good(message_ts=reply.ts)
                case "chat.update":
                    return self._update(body)
                case "conversations.history":
                    return self._history(body)
                case "conversations.replies":
                    return self._replies(body)
                case _:
                    return Answer.refusal("unknown_method")

    def _post_message(self, body: Mapping[str, Any]) -> Answer:
        ts, channel = self._new_ts(), body["channel"]
        message = Message(
            ts=ts,
            channel=channel,
            text=body.get("text", ""),
            blocks=tuple(body.get("blocks", ())),
            metadata=body.get("metadata"),
            thread_ts=body.get("thread_ts"),
        )
        self._messages[ts] = [message]
        return Answer.good(channel=channel, ts=ts)

    def _update(self, body: Mapping[str, Any]) -> Answer:
        if body["ts"] not in self._messages:
            return Answer.refusal("message_not_found")
        self.update(body["ts"], body)
        return Answer.good(channel=body["channel"], ts=body["ts"])

    def _history(self, body: Mapping[str, Any]) -> Answer:
        """Replies in threads are no part of a channel's history."""
        oldest = float(body.get("oldest", 0))
        found = [one for one in self.messages if float(one.ts) >= oldest and not one.thread_ts]
        return Answer.good(messages=[_told(one) for one in reversed(found)])

    def _replies(self, body: Mapping[str, Any]) -> Answer:
        """Answer a thread, its parent first.

        Source: https://docs.slack.dev/reference/methods/conversations.replies
        """
        parent = body["ts"]
        if parent not in self._messages:
            return Answer.refusal("thread_not_found")
        thread = [one for one in self.messages if parent in {one.ts, one.thread_ts}]
        return Answer.good(messages=[_told(one) for one in thread], has_more=False)

    def _new_ts(self) -> str:
        """Make a timestamp that is later than every one before: it is a message's only name."""
        self._last_ts = max(time.time(), self._last_ts + 1e-6)
        return f"{self._last_ts:.6f}"


def _told(message: Message) -> dict[str, Any]:
    thread = {"thread_ts": message.thread_ts} if message.thread_ts else {}
    return {"ts": message.ts, "text": message.text, "metadata": message.metadata, **thread}
