"""What a world is made of besides AWS: a death at a wanted call, a small Slack, a clock."""

import json
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from botocore.exceptions import ConnectionClosedError

CHANNEL = "C0123456789"


class Killed(BaseException):
    """The function dies here, as when Lambda stops it."""


@dataclass(kw_only=True)
class Killer:
    """Counts the calls to AWS and Slack, and dies before or after one of them.

    Attributes:
        at: which call to die at, counted from 0; None never dies.
        after: whether to die after the call rather than before it.
        stop_after: the name of a call to die after, whenever it is made.
        calls: the names of the calls made so far.
        lose: which answer of S3 to lose, counted from 0; what was asked for is done all the same.
        sent: how many requests S3 has been sent so far.
    """

    at: int | None = None
    after: bool = False
    stop_after: str | None = None
    calls: list[str] = field(default_factory=list)
    lose: int | None = None
    sent: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def before(self, name: str) -> int:
        """Count a call that is about to be made."""
        with self.lock:
            number = len(self.calls)
            self.calls.append(name)
        if number == self.at and not self.after:
            raise Killed
        return number

    def done(self, number: int) -> None:
        """Note that a call has been answered."""
        if (number == self.at and self.after) or self.calls[number] == self.stop_after:
            raise Killed

    def answered(self) -> None:
        """Count an answer of S3, which is on its way to us."""
        with self.lock:
            number, self.sent = self.sent, self.sent + 1
        if number == self.lose:
            raise ConnectionClosedError(endpoint_url="https://s3.amazonaws.com")


class Slack:
    """The least of a Slack: it keeps what was posted and what callback URLs were told."""

    def __init__(self) -> None:
        self.posted: dict[str, dict[str, Any]] = {}
        self.told: list[dict[str, Any]] = []
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                answer = json.dumps(stand_in.answer(self.path, body)).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                """Keep quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Do what Slack does with `body`."""
        match path.rsplit("/", 1)[-1]:
            case "chat.postMessage":
                ts = f"{len(self.posted) + 1}.000000"
                self.posted[ts] = body
                return {"ok": True, "channel": CHANNEL, "ts": ts}
            case "chat.update":
                self.posted[body["ts"]] |= body
                return {"ok": True, "channel": CHANNEL, "ts": body["ts"]}
            case "conversations.history":
                messages = [{"ts": ts, **one} for ts, one in self.posted.items()]
                return {"ok": True, "messages": messages[::-1]}
            case _:
                self.told.append(body)
                return {"ok": True}


class Clock:
    """A clock that can be put forward."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        """Answer the world's time."""
        return datetime.now(UTC) + self.ahead
