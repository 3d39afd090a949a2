"""How long our HTTP waits: briefly for a connection, longer for an answer."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from lambdas.common import http
from lambdas.common.http import NoAnswerError


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Listen, where nobody waits long for a connection."""
    monkeypatch.setattr(http, "_SECONDS_TO_CONNECT", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as one:
        yield one


def _ask(scheme: str, listening: socket.socket) -> http.Answer:
    url = f"{scheme}://127.0.0.1:{listening.getsockname()[1]}/"
    return http.request("GET", url, body=b"", headers={}, seconds=20)


def test_a_connection_that_does_not_come_about_is_not_waited_for(listening: socket.socket) -> None:
    began = time.monotonic()
    with pytest.raises(NoAnswerError):
        _ask("https", listening)
    assert time.monotonic() - began < 10


def test_an_answer_is_waited_for(listening: socket.socket) -> None:
    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(4096)
            threading.Event().wait(0.3)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    thread = threading.Thread(target=serve)
    thread.start()
    assert _ask("http", listening).body == b"ok"
    thread.join()
