"""A server on loopback that responds as S3 might, for the clients that ship."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import botocore.endpoint
import pytest

from lambdas.remediator.s3.clients import S3Access, s3_access
from lambdas.remediator.s3.parameters import ObjectKey

KEY = ObjectKey(bucket="acme", key="a/b", owner="111122223333")


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request: its method, path, query and headers; names of headers are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Response:
    """A response.

    Attributes:
        status: None where the connection is closed without a response.
        missing: how many bytes of the body are announced and never sent.
    """

    status: int | None = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    missing: int = 0


@dataclass(kw_only=True)
class Loopback:
    """The server; `respond` makes its responses, `requests` are those it received."""

    s3: S3Access
    respond: Callable[[Request], Response] = lambda _: Response(status=404)
    requests: list[Request] = field(default_factory=list)

    def methods(self) -> list[str]:
        """Return the methods of the requests."""
        return [request.method for request in self.requests]


@contextmanager
def loopback() -> Iterator[Loopback]:
    """Start a server, with access to it by the clients that ship."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_request(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            parts = urlsplit(self.path)
            query = {
                name: values[0]
                for name, values in parse_qs(parts.query, keep_blank_values=True).items()
            }
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(method=self.command, path=parts.path, query=query, headers=headers)
            server.requests.append(request)
            self.send(server.respond(request))

        def send(self, response: Response) -> None:
            if response.status is None:
                self.close_connection = True
                return
            self.send_response(response.status)
            for name, value in response.headers:
                self.send_header(name, value)
            if not any(name == "Content-Length" for name, _ in response.headers):
                self.send_header("Content-Length", str(len(response.body) + response.missing))
            self.end_headers()
            self.wfile.write(response.body)
            self.close_connection = self.close_connection or bool(response.missing)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_request  # noqa: N815 - HTTP's

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=http.serve_forever, args=(0.05,), daemon=True).start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{http.server_port}")
        # Between two attempts of one request.
        patch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _: None))
        s3_access.cache_clear()
        server = Loopback(s3=s3_access("111122223333", "us-east-1"))
        try:
            yield server
        finally:
            s3_access.cache_clear()
            http.shutdown()
            http.server_close()
