"""The Slack stand-in does what Slack does, where we rely on it."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web import WebClient
from slack_sdk.webhook import WebhookClient

from local.slack import SlackStandIn

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
