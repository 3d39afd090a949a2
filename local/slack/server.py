"""HTTP on loopback: the channel page's own files, and requests as one function answers them."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from local.slack.workspace import Answer

_PAGE = Path(__file__).with_name("page")
_KINDS = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
# What the page shows is data of strangers: nothing of it is ever run.
_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_MOST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request.

    Attributes:
        method: GET or POST.
        path: without the query, percent signs decoded.
        query: the query's fields.
        authorization: the header of that name, or "".
        kind: the body's content type, or "".
        body: the body's bytes.
    """

    method: str
    path: str
    query: Mapping[str, str]
    authorization: str
    kind: str
    body: bytes

    @property
    def fields(self) -> dict[str, Any]:
        """What the body says, in JSON or as a form.

        Raises:
            ValueError: it is neither.
        """
        if "json" in self.kind:
            parsed: dict[str, Any] = json.loads(self.body or b"{}")
            return parsed
        return _first_of_each(self.body.decode())


def server(answer: Callable[[Request], Answer | None]) -> ThreadingHTTPServer:
    """Make a server on a free port of loopback, not yet serving.

    Args:
        answer: answers a request, or None for what is not there. A LookupError or ValueError of
            its is told to who asked.
    """

    class Handler(_Handler):
        def answer(self, request: Request) -> Answer | None:
            return answer(request)

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


class _Handler(BaseHTTPRequestHandler):
    def answer(self, request: Request) -> Answer | None:
        raise NotImplementedError

    def do_GET(self) -> None:
        if self._is_renamed():
            self._tell(_error(403, "under another name"))
            return
        files = {f"/{file.name}": file for file in _PAGE.iterdir()}
        file = files.get("/page.html" if self.path == "/" else self.path)
        if file is None:
            self._do(b"")
        else:
            kind = f"{_KINDS[file.suffix]}; charset=utf-8"
            self._send(200, kind, file.read_bytes(), **_PAGE_HEADERS)

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        if length > _MOST_BYTES:
            self.close_connection = True
            self._tell(_error(413, f"more than {_MOST_BYTES:,} bytes"))
        elif self._is_renamed() or self._is_foreign():
            self.close_connection = True
            self._tell(_error(403, "from another site's page"))
        else:
            self._do(self.rfile.read(length))

    def _is_renamed(self) -> bool:
        """Tell whether a browser took another site's name for loopback, so that all seems ours."""
        host = urlsplit(f"//{self.headers.get('Host', '')}").hostname
        return host not in (None, "127.0.0.1", "localhost")

    def _is_foreign(self) -> bool:
        """Tell whether a page that is not ours has a browser send this."""
        origin = self.headers.get("Origin")
        return origin is not None and origin != f"http://{self.headers.get('Host')}"

    def _do(self, body: bytes) -> None:
        try:
            answer = self.answer(self._request(body))
        except (LookupError, ValueError) as error:
            answer = _error(400, str(error))
        self._tell(answer or _error(404, "not here"))

    def _request(self, body: bytes) -> Request:
        parts = urlsplit(self.path)
        return Request(
            method=self.command,
            path=unquote(parts.path),
            query=_first_of_each(parts.query),
            authorization=self.headers.get("Authorization", ""),
            kind=self.headers.get("Content-Type", ""),
            body=body,
        )

    def _tell(self, answer: Answer) -> None:
        text = json.dumps(answer.body, default=str).encode()
        more = {} if answer.retry_after is None else {"Retry-After": str(answer.retry_after)}
        self._send(answer.status, "application/json", text, **more)

    def _send(self, status: int, kind: str, body: bytes, **headers: str) -> None:
        self.send_response(status)
        named = {"Content-Type": kind, "Content-Length": str(len(body)), **headers}
        for name, value in named.items():
            self.send_header(name, value)
        # Who asked may be gone by now, as a page that was closed is.
        with suppress(ConnectionError):
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""


def _first_of_each(text: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(text).items()}


def _error(status: int, error: str) -> Answer:
    return Answer(status=status, body={"ok": False, "error": error})
