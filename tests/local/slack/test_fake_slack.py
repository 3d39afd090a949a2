"""The fake Slack behaves like Slack, where we rely on it."""

import json
import socket
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web import WebClient
from slack_sdk.webhook import WebhookClient

from local.slack.fake_slack import FakeSlack

BUTTON = {
    "type": "actions",
    "elements": [
        {
            "type": "button",
            "action_id": "remediate",
            "value": "finding",
            "text": {"type": "plain_text", "text": "Remediate"},
        }
    ],
}


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with FakeSlack(bot_token="xoxb-1", signing_secret="secret") as fake:
        yield fake


def _client(slack: FakeSlack, token: str = "xoxb-1") -> WebClient:  # noqa: S107 - made up
    return WebClient(token, base_url=slack.api_url)


def test_a_message_is_posted_and_updated_in_place(slack: FakeSlack) -> None:
    ts = _client(slack).chat_postMessage(channel="C1", text="one")["ts"]
    _client(slack).chat_update(channel="C1", ts=ts, text="two")
    (message,) = slack.messages
    assert (message.text, message.edits) == ("two", 1)


def test_a_wrong_token_is_refused(slack: FakeSlack) -> None:
    with pytest.raises(SlackApiError, match="invalid_auth"):
        _client(slack, "xoxb-2").chat_postMessage(channel="C1", text="one")


def test_a_message_beyond_the_limits_is_refused(slack: FakeSlack) -> None:
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}
    with pytest.raises(SlackApiError, match="invalid_blocks"):
        _client(slack).chat_postMessage(channel="C1", text="one", blocks=[section])


def test_a_deleted_message_cannot_be_updated(slack: FakeSlack) -> None:
    ts = _client(slack).chat_postMessage(channel="C1", text="one")["ts"]
    slack.delete(ts)
    with pytest.raises(SlackApiError, match="message_not_found"):
        _client(slack).chat_update(channel="C1", ts=ts, text="two")


def test_the_history_has_metadata_and_is_newest_first(slack: FakeSlack) -> None:
    for number in ("1", "2"):
        metadata = {"event_type": "macie_finding", "event_payload": {"finding_id": number}}
        _client(slack).chat_postMessage(channel="C1", text=number, metadata=metadata)
    since = (datetime.now(UTC) - timedelta(minutes=1)).timestamp()
    response = _client(slack).conversations_history(channel="C1", oldest=str(since))
    messages: Any = response["messages"]
    payloads = [message["metadata"]["event_payload"] for message in messages]
    assert [payload["finding_id"] for payload in payloads] == ["2", "1"]


def test_the_next_call_fails_where_a_test_wants_it(slack: FakeSlack) -> None:
    slack.fail_next(429, "ratelimited", retry_after=7)
    with pytest.raises(SlackApiError) as error:
        _client(slack).chat_postMessage(channel="C1", text="one")
    assert error.value.response.headers["Retry-After"] == "7"
    assert _client(slack).chat_postMessage(channel="C1", text="one")["ok"]


@dataclass(frozen=True, kw_only=True)
class App:
    """An app that receives clicks: its request URL, and the requests so far."""

    url: str
    requests: list[tuple[bytes, dict[str, str]]]

    @property
    def payload(self) -> Any:
        """The payload of the last click."""
        body, _ = self.requests[-1]
        return json.loads(parse_qs(body.decode())["payload"][0])


@pytest.fixture
def app() -> Iterator[App]:
    requests: list[tuple[bytes, dict[str, str]]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            requests.append((body, dict(self.headers.items())))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield App(url=f"http://127.0.0.1:{server.server_port}/", requests=requests)
    server.shutdown()
    server.server_close()


def _post_message(slack: FakeSlack, text: str, *blocks: Any) -> str:
    response = _client(slack).chat_postMessage(channel="C1", text=text, blocks=blocks or None)
    return str(response["ts"])


def _click(slack: FakeSlack, app: App) -> Any:
    """Post a message with a button and click on it. Return the payload that the app received."""
    slack.request_url = app.url
    ts = _post_message(slack, "one", BUTTON)
    assert slack.click(ts, "remediate", "U1") == 200
    return app.payload


def test_a_click_has_slacks_signature(slack: FakeSlack, app: App) -> None:
    payload = _click(slack, app)
    body, headers = app.requests[-1]
    assert SignatureVerifier("secret").is_valid_request(body, headers)
    assert payload["actions"][0]["value"] == "finding"
    assert payload["user"]["id"] == "U1"


def test_a_response_url_can_be_used_five_times(slack: FakeSlack, app: App) -> None:
    webhook = WebhookClient(_click(slack, app)["response_url"])
    statuses = [webhook.send(text="no", response_type="ephemeral").status_code for _ in range(6)]
    assert statuses == [200] * 5 + [404]
    assert [reply.user for reply in slack.ephemerals] == ["U1"] * 5


def test_a_response_url_replaces_the_message(slack: FakeSlack, app: App) -> None:
    WebhookClient(_click(slack, app)["response_url"]).send(text="two", replace_original=True)
    assert slack.messages[0].text == "two"


def test_an_ephemeral_reply_is_for_a_single_user(slack: FakeSlack) -> None:
    response = _client(slack).chat_postEphemeral(channel="C1", user="U1", text="private")
    (reply,) = slack.ephemerals
    assert (reply.user, reply.text, reply.ts) == ("U1", "private", response["message_ts"])
    assert slack.messages == ()


def test_a_thread_is_its_message_and_the_replies_in_order(slack: FakeSlack) -> None:
    parent = _post_message(slack, "one")
    for text in ("two", "three"):
        _client(slack).chat_postMessage(channel="C1", thread_ts=parent, text=text)
    _post_message(slack, "another")
    thread: Any = _client(slack).conversations_replies(channel="C1", ts=parent)
    assert [message["text"] for message in thread["messages"]] == ["one", "two", "three"]
    history: Any = _client(slack).conversations_history(channel="C1")
    assert [message["text"] for message in history["messages"]] == ["another", "one"]


def test_a_thread_without_a_message_is_not_found(slack: FakeSlack) -> None:
    with pytest.raises(SlackApiError, match="thread_not_found"):
        _client(slack).conversations_replies(channel="C1", ts="1.0")


MENU = {
    "type": "actions",
    "elements": [
        {
            "type": "static_select",
            "action_id": "dismiss",
            "placeholder": {"type": "plain_text", "text": "Dismiss …"},
            "options": [{"text": {"type": "plain_text", "text": "Accepted"}, "value": "accepted"}],
        }
    ],
}


def test_the_choice_in_a_menu_is_sent_as_slack_sends_it(slack: FakeSlack, app: App) -> None:
    slack.request_url = app.url
    ts = _post_message(slack, "one", MENU)
    slack.click(ts, "dismiss", "U1", choice="accepted")
    (action,) = app.payload["actions"]
    assert action["selected_option"] == MENU["elements"][0]["options"][0]  # type: ignore[index]
    with pytest.raises(LookupError, match="the menu has no another"):
        slack.click(ts, "dismiss", "U1", choice="another")


def test_a_click_on_an_unreachable_app_has_no_effect(slack: FakeSlack) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        slack.request_url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        ts = _post_message(slack, "one", BUTTON)
        click = {"ts": ts, "action_id": "remediate", "user": "U1"}
        assert _post(slack, "click", click) == 200
    assert slack.ephemerals == ()


def _post(slack: FakeSlack, path: str, body: Any, **headers: str) -> int:
    headers = {"Content-Type": "application/json", **headers}
    request = urllib.request.Request(  # noqa: S310 - loopback
        f"{slack.url}{path}", data=json.dumps(body).encode(), headers=headers
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 - loopback
            return int(response.status)
    except HTTPError as error:
        return error.code


def test_the_page_clicks_on_the_message_as_it_shows_it(slack: FakeSlack, app: App) -> None:
    slack.request_url = app.url
    ts = _post_message(slack, "one", BUTTON)
    _client(slack).chat_update(channel="C1", ts=ts, text="two", blocks=[MENU])
    click = {"ts": ts, "action_id": "remediate", "user": "U1"}
    assert _post(slack, "click", click | {"edits": 1}) == 400
    assert _post(slack, "click", click | {"edits": 0}) == 200
    assert app.payload["message"]["text"] == "one"


@pytest.mark.parametrize("path", ["click", "panel/job", "api/chat.postMessage"])
def test_requests_of_another_sites_page_are_refused(slack: FakeSlack, path: str) -> None:
    assert _post(slack, path, {}, Origin="https://evil.example") == 403


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example"])
def test_requests_to_another_sites_host_name_are_refused(slack: FakeSlack, host: str) -> None:
    """Its owner may let the name resolve to loopback: then its page has our origin."""
    assert _post(slack, "api/chat.postMessage", {}, Host=host, Origin=f"http://{host}") == 403
    request = urllib.request.Request(f"{slack.url}state", headers={"Host": host})  # noqa: S310
    with pytest.raises(HTTPError, match="403"):
        urllib.request.urlopen(request, timeout=10)  # noqa: S310 - loopback


def test_the_panel_is_not_found_where_there_is_none(slack: FakeSlack) -> None:
    assert _post(slack, "panel/job", {}) == 404
