"""The fake Slack's HTTP server on loopback: the page's files, and requests for one function."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from local.slack.workspace import Response

_PAGE = Path(__file__).with_name("page")
_CONTENT_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
# The page shows untrusted data: none of it may run as a script.
_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Request:
    """An HTTP request.

    Attributes:
        method: GET or POST.
        path: without the query, percent signs decoded.
        query: the query's fields.
        authorization: the Authorization header, or "".
        content_type: of the body, or "".
        body: the body's bytes.
    """

    method: str
    path: str
    query: Mapping[str, str]
    authorization: str
    content_type: str
    body: bytes

    @property
    def fields(self) -> dict[str, Any]:
        """The body's fields, from JSON or a form.

        Raises:
            ValueError: it is neither.
        """
        if "json" in self.content_type:
            fields: dict[str, Any] = json.loads(self.body or b"{}")
            return fields
        return _first_values(self.body.decode())


def create_server(respond: Callable[[Request], Response | None]) -> ThreadingHTTPServer:
    """Create a server on a free port of loopback. It does not serve yet.

    Args:
        respond: returns the response to a request, or None where nothing is at its path. The
            text of a LookupError or ValueError becomes the response's error.
    """

    class Handler(_Handler):
        def respond(self, request: Request) -> Response | None:
            return respond(request)

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


class _Handler(BaseHTTPRequestHandler):
    def respond(self, request: Request) -> Response | None:
        raise NotImplementedError

    def do_GET(self) -> None:
        if self._has_foreign_host():
            self._send_json(_error(403, "the host name is not this machine's"))
            return
        files = {f"/{file.name}": file for file in _PAGE.iterdir()}
        file = files.get("/page.html" if self.path == "/" else self.path)
        if file is None:
            self._handle(b"")
        else:
            content_type = f"{_CONTENT_TYPES[file.suffix]}; charset=utf-8"
            self._send(200, content_type, file.read_bytes(), **_PAGE_HEADERS)

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        if length > _MAX_BYTES:
            self.close_connection = True
            self._send_json(_error(413, f"more than {_MAX_BYTES:,} bytes"))
        elif self._has_foreign_host() or self._has_foreign_origin():
            self.close_connection = True
            self._send_json(_error(403, "the request comes from another site's page"))
        else:
            self._handle(self.rfile.read(length))

    def _has_foreign_host(self) -> bool:
        """Return whether the browser reached loopback by another site's name (DNS rebinding)."""
        host = urlsplit(f"//{self.headers.get('Host', '')}").hostname
        return host not in (None, "127.0.0.1", "localhost")

    def _has_foreign_origin(self) -> bool:
        """Return whether a page of another site sent the request."""
        origin = self.headers.get("Origin")
        return origin is not None and origin != f"http://{self.headers.get('Host')}"

    def _handle(self, body: bytes) -> None:
        try:
            response = self.respond(self._request(body))
        except (LookupError, ValueError) as error:
            response = _error(400, str(error))
        self._send_json(response or _error(404, "not found"))

    def _request(self, body: bytes) -> Request:
        parts = urlsplit(self.path)
        return Request(
            method=self.command,
            path=unquote(parts.path),
            query=_first_values(parts.query),
            authorization=self.headers.get("Authorization", ""),
            content_type=self.headers.get("Content-Type", ""),
            body=body,
        )

    def _send_json(self, response: Response) -> None:
        body = json.dumps(response.body, default=str).encode()
        seconds = response.retry_after
        headers = {} if seconds is None else {"Retry-After": str(seconds)}
        self._send(response.status, "application/json", body, **headers)

    def _send(self, status: int, content_type: str, body: bytes, **headers: str) -> None:
        self.send_response(status)
        all_headers = {"Content-Type": content_type, "Content-Length": str(len(body)), **headers}
        for name, value in all_headers.items():
            self.send_header(name, value)
        # The client may be gone, as a closed page is.
        with suppress(ConnectionError):
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


def _first_values(text: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(text).items()}


def _error(status: int, error: str) -> Response:
    return Response(status=status, body={"ok": False, "error": error})
