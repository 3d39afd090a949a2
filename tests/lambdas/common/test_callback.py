"""A callback URL is called only where Slack lives, and a failure to do so stops nothing."""

import socket
import threading
from contextlib import suppress

import pytest

from lambdas.common.callback import Callback
from lambdas.common.messages import render
from lambdas.common.record import Status
from local.slack.fake_slack import FakeSlack
from tests.lambdas.deployment import Deployment
from tests.lambdas.events import finding
from tests.lambdas.strategies import record_at

HOOKS = "https://hooks.slack.com/"

URLS = [
    ("Slack's own", "https://hooks.slack.com/actions/T1/2/3", True),
    ("none", None, False),
    ("an empty one", "", False),
    ("plain HTTP", "http://hooks.slack.com/actions/T1/2/3", False),
    ("another host", "https://hooks.slack.com.evil.example/actions", False),
    ("a host in the user's place", "https://hooks.slack.com@evil.example/actions", False),
    (
        "another host with Slack's in its path",
        "https://evil.example/https://hooks.slack.com/",
        False,
    ),
    ("another port", "https://hooks.slack.com:8443/actions", False),
    ("in capitals", "HTTPS://HOOKS.SLACK.COM/actions", False),
    ("a file", "file:///etc/passwd", False),
    ("with a space before it", " https://hooks.slack.com/actions", False),
]


@pytest.mark.parametrize(
    ("url", "is_allowed"), [row[1:] for row in URLS], ids=[row[0] for row in URLS]
)
def test_a_callback_is_allowed_below_slacks_hooks_only(url: str | None, is_allowed: bool) -> None:  # noqa: FBT001
    callback = Callback.allowed(url, hooks_url=HOOKS)
    assert (callback is not None) is is_allowed
    assert callback is None or callback.url == url


def test_an_expired_callback_is_no_failure(here: Deployment) -> None:
    callback = Callback(url=f"{here.slack.hooks_url}actions/expired")
    assert not callback.whisper("hello")
    assert not callback.replace(render(record_at(Status.FAILED, finding())))


def test_a_callback_where_nobody_listens_is_no_failure() -> None:
    with FakeSlack(bot_token="", signing_secret="") as gone:
        callback = Callback(url=f"{gone.url}actions/1")
    assert not callback.whisper("hello")


@pytest.mark.parametrize(
    "answer", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"]
)
def test_an_answer_that_is_none_is_no_failure(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_answer, args=(server, answer), daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/actions/1"
        assert not Callback(url=url).whisper("hello")


def _answer(server: socket.socket, answer: bytes) -> None:
    """Answer twice, for slack_sdk tries again where the connection broke."""
    with suppress(OSError):
        for _ in range(2):
            connection, _address = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)
