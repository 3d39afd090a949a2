"""The Slack stand-in does what Slack does, where we rely on it."""

import json
import socket
import threading
import urllib.request
from collections.abc import Iterator
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

from local.slack.fake_slack import SlackStandIn

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
def slack() -> Iterator[SlackStandIn]:
    with SlackStandIn(bot_token="xoxb-1", signing_secret="secret") as one:
        yield one


def _client(slack: SlackStandIn, token: str = "xoxb-1") -> WebClient:  # noqa: S107 - made up
    return WebClient(token, base_url=slack.api_url)


def test_a_message_is_posted_and_updated_in_place(slack: SlackStandIn) -> None:
    ts = _client(slack).chat_postMessage(channel="C1", text="one")["ts"]
    _client(slack).chat_update(channel="C1", ts=ts, text="two")
    (message,) = slack.messages
    assert (message.text, message.edits) == ("two", 1)


def test_a_wrong_token_is_refused(slack: SlackStandIn) -> None:
    with pytest.raises(SlackApiError, match="invalid_auth"):
        _client(slack, "xoxb-2").chat_postMessage(channel="C1", text="one")


def test_a_message_beyond_the_limits_is_refused(slack: SlackStandIn) -> None:
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}
    with pytest.raises(SlackApiError, match="invalid_blocks"):
        _client(slack).chat_postMessage(channel="C1", text="one", blocks=[section])


def test_a_deleted_message_can_not_be_updated(slack: SlackStandIn) -> None:
    ts = _client(slack).chat_postMessage(channel="C1", text="one")["ts"]
    slack.delete(ts)
    with pytest.raises(SlackApiError, match="message_not_found"):
        _client(slack).chat_update(channel="C1", ts=ts, text="two")


def test_the_history_has_the_metadata_newest_first(slack: SlackStandIn) -> None:
    for number in ("1", "2"):
        metadata = {"event_type": "macie_finding", "event_payload": {"finding_id": number}}
        _client(slack).chat_postMessage(channel="C1", text=number, metadata=metadata)
    since = (datetime.now(UTC) - timedelta(minutes=1)).timestamp()
    answer = _client(slack).conversations_history(channel="C1", oldest=str(since))
    messages: Any = answer["messages"]
    assert [one["metadata"]["event_payload"]["finding_id"] for one in messages] == ["2", "1"]


def test_it_fails_when_told_to(slack: SlackStandIn) -> None:
    slack.answer_next(429, "ratelimited", retry_after=7)
    with pytest.raises(SlackApiError) as refused:
        _client(slack).chat_postMessage(channel="C1", text="one")
    assert refused.value.response.headers["Retry-After"] == "7"
    assert _client(slack).chat_postMessage(channel="C1", text="one")["ok"]


@pytest.fixture
def app() -> Iterator[tuple[str, list[tuple[Any, dict[str, str]]]]]:
    """An app's request URL, and the (body, headers) that it got."""
    got: list[tuple[Any, dict[str, str]]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((body, dict(self.headers.items())))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", got
    server.shutdown()
    server.server_close()


def _clicked(slack: SlackStandIn, app: tuple[str, list[tuple[Any, dict[str, str]]]]) -> Any:
    slack.request_url = app[0]
    ts = _client(slack).chat_postMessage(channel="C1", text="one", blocks=[BUTTON])["ts"]
    assert slack.click(str(ts), "remediate", "U1") == 200
    return json.loads(parse_qs(app[1][-1][0].decode())["payload"][0])


def test_a_click_is_signed_as_slack_signs(
    slack: SlackStandIn, app: tuple[str, list[tuple[Any, dict[str, str]]]]
) -> None:
    payload = _clicked(slack, app)
    body, headers = app[1][-1]
    assert SignatureVerifier("secret").is_valid_request(body, headers)
    assert payload["actions"][0]["value"] == "finding"
    assert payload["user"]["id"] == "U1"


def test_a_callback_url_is_good_for_five_uses(
    slack: SlackStandIn, app: tuple[str, list[tuple[Any, dict[str, str]]]]
) -> None:
    callback = WebhookClient(_clicked(slack, app)["response_url"])
    answers = [callback.send(text="no", response_type="ephemeral").status_code for _ in range(6)]
    assert answers == [200] * 5 + [404]
    assert [reply.user for reply in slack.ephemerals] == ["U1"] * 5


def test_a_callback_url_replaces_the_message(
    slack: SlackStandIn, app: tuple[str, list[tuple[Any, dict[str, str]]]]
) -> None:
    callback = WebhookClient(_clicked(slack, app)["response_url"])
    callback.send(text="two", replace_original=True)
    assert slack.messages[0].text == "two"


def test_a_private_reply_is_seen_by_one_user(slack: SlackStandIn) -> None:
    answer = _client(slack).chat_postEphemeral(channel="C1", user="U1", text="psst")
    (reply,) = slack.ephemerals
    assert (reply.user, reply.text, reply.ts) == ("U1", "psst", answer["message_ts"])
    assert slack.messages == ()


def test_a_thread_is_its_message_and_the_replies_in_order(slack: SlackStandIn) -> None:
    parent = _client(slack).chat_postMessage(channel="C1", text="one")["ts"]
    for text in ("two", "three"):
        _client(slack).chat_postMessage(channel="C1", thread_ts=str(parent), text=text)
    _client(slack).chat_postMessage(channel="C1", text="another")
    answer: Any = _client(slack).conversations_replies(channel="C1", ts=str(parent))
    assert [one["text"] for one in answer["messages"]] == ["one", "two", "three"]
    history: Any = _client(slack).conversations_history(channel="C1")
    assert [one["text"] for one in history["messages"]] == ["another", "one"]


def test_a_thread_of_no_message_is_not_found(slack: SlackStandIn) -> None:
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


def test_a_choice_in_a_menu_arrives_as_slack_sends_it(
    slack: SlackStandIn, app: tuple[str, list[tuple[Any, dict[str, str]]]]
) -> None:
    slack.request_url = app[0]
    ts = str(_client(slack).chat_postMessage(channel="C1", text="one", blocks=[MENU])["ts"])
    slack.click(ts, "dismiss", "U1", choice="accepted")
    (action,) = json.loads(parse_qs(app[1][-1][0].decode())["payload"][0])["actions"]
    assert action["selected_option"] == MENU["elements"][0]["options"][0]  # type: ignore[index]
    with pytest.raises(LookupError, match="does not offer"):
        slack.click(ts, "dismiss", "U1", choice="another")


def test_an_app_that_is_not_there_answers_nothing(slack: SlackStandIn) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        slack.request_url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        ts = str(_client(slack).chat_postMessage(channel="C1", text="one", blocks=[BUTTON])["ts"])
        click = {"ts": ts, "action_id": "remediate", "user": "U1"}
        assert _post(slack, "click", click) == 200
    assert slack.ephemerals == ()


def _post(slack: SlackStandIn, path: str, body: Any, **headers: str) -> int:
    headers = {"Content-Type": "application/json", **headers}
    request = urllib.request.Request(  # noqa: S310 - loopback
        f"{slack.url}{path}", data=json.dumps(body).encode(), headers=headers
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
            return int(answer.status)
    except HTTPError as error:
        return error.code


def test_the_page_clicks_on_what_it_shows_however_outdated(
    slack: SlackStandIn, app: tuple[str, list[tuple[Any, dict[str, str]]]]
) -> None:
    slack.request_url = app[0]
    ts = str(_client(slack).chat_postMessage(channel="C1", text="one", blocks=[BUTTON])["ts"])
    _client(slack).chat_update(channel="C1", ts=ts, text="two", blocks=[MENU])
    click = {"ts": ts, "action_id": "remediate", "user": "U1"}
    assert _post(slack, "click", click | {"edits": 1}) == 400
    assert _post(slack, "click", click | {"edits": 0}) == 200
    payload = json.loads(parse_qs(app[1][-1][0].decode())["payload"][0])
    assert payload["message"]["text"] == "one"


@pytest.mark.parametrize("path", ["click", "panel/job", "api/chat.postMessage"])
def test_a_page_of_another_site_can_do_nothing(slack: SlackStandIn, path: str) -> None:
    assert _post(slack, path, {}, Origin="https://evil.example") == 403


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example"])
def test_another_sites_name_for_this_machine_is_not_answered(
    slack: SlackStandIn, host: str
) -> None:
    """A name that its owner has lead to loopback would have the page's own origin."""
    assert _post(slack, "api/chat.postMessage", {}, Host=host, Origin=f"http://{host}") == 403
    asked = urllib.request.Request(f"{slack.url}state", headers={"Host": host})  # noqa: S310
    with pytest.raises(HTTPError, match="403"):
        urllib.request.urlopen(asked, timeout=10)  # noqa: S310 - loopback


def test_what_is_not_there_is_not_found(slack: SlackStandIn) -> None:
    assert _post(slack, "panel/job", {}) == 404
