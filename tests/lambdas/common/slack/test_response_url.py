"""A callback URL is used only where Slack lives, and a failure to use it stops nothing."""

import socket
import threading

import pytest

from lambdas.common.ledger.record import Status
from lambdas.common.slack.messages import render
from lambdas.common.slack.response_url import ResponseUrl, allowed_response_url
from tests.harness.events import finding
from tests.harness.harness import Harness
from tests.harness.strategies import record_with_status

HOOKS = "https://hooks.slack.com/"

URLS = [
    ("Slack's own", "https://hooks.slack.com/actions/T1/2/3", True),
    ("Slack's own for a command", "https://hooks.slack.com/commands/T1/2/3", True),
    ("an incoming webhook", "https://hooks.slack.com/services/T1/B2/3", False),
    ("a workflow", "https://hooks.slack.com/triggers/T1/2/3", False),
    ("of older workflows", "https://hooks.slack.com/workflows/T1/2/3", False),
    ("without a path", "https://hooks.slack.com/", False),
    ("with a path that begins like it", "https://hooks.slack.com/actionsx/T1/2/3", False),
    ("with a path in capitals", "https://hooks.slack.com/ACTIONS/T1/2/3", False),
    ("with two slashes", "https://hooks.slack.com//actions/T1/2/3", False),
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
def test_a_callback_url_is_allowed_below_slacks_hooks_only(
    url: str | None,
    is_allowed: bool,  # noqa: FBT001
) -> None:
    response_url = allowed_response_url(url, hooks_url=HOOKS)
    assert (response_url is not None) is is_allowed
    assert response_url is None or response_url.url == url


def test_an_expired_callback_url_is_no_failure(harness: Harness) -> None:
    response_url = ResponseUrl(url=f"{harness.slack.hooks_url}actions/expired")
    assert not response_url.reply_privately("hello")
    assert not response_url.replace_message(render(record_with_status(Status.FAILED, finding())))


def test_a_callback_url_without_a_server_is_no_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert not ResponseUrl(url=f"http://127.0.0.1:{port}/actions/1").reply_privately("hello")


RESPONSES = [
    b"",
    b"garbage\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\xff\xfe",
]


@pytest.mark.parametrize("response", RESPONSES)
def test_a_response_that_is_not_slacks_is_no_failure(response: bytes) -> None:
    requests: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        arguments = (server, response, requests)
        threading.Thread(target=_respond, args=arguments, daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/actions/1"
        assert not ResponseUrl(url=url).reply_privately("hello")
        assert len(requests) == 1


def _respond(server: socket.socket, response: bytes, requests: list[bytes]) -> None:
    connection, _ = server.accept()
    with connection:
        requests.append(connection.recv(65536))
        connection.sendall(response)
