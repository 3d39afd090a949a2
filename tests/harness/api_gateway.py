"""An HTTP API on loopback in front of the remediation handler, for the clicks of the fake Slack."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

from tests.harness.events import SignedRequest

Server = TypeVar("Server")


@contextmanager
def serve_api(respond: Callable[[SignedRequest], int]) -> Iterator[str]:
    """Pass every request to `respond`, which returns the HTTP status; yield the URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = dict(self.headers.items())
            self.send_response(respond(SignedRequest(body=body, headers=headers)))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    with in_background(_serving(Handler)) as url:
        yield url


@contextmanager
def _serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextmanager
def in_background(server: AbstractContextManager[Server]) -> Iterator[Server]:
    """Start `server`, and let it stop in the background: nobody has to wait until it has."""
    try:
        yield server.__enter__()
    finally:
        threading.Thread(target=server.__exit__, args=(None, None, None), daemon=True).start()
