"""The channel, through a Slack that keeps Slack's rules."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lambdas.common import http
from lambdas.common.errors import SlackError
from lambdas.common.http import Answer
from lambdas.common.messages import Message, render
from lambdas.common.record import Status
from lambdas.common.secret import SecretReader
from lambdas.common.slack import MessageGoneError, SlackChannel, SlackRefusalError
from tests.lambdas.botocore_calls import through
from tests.lambdas.deployment import CHANNEL, SECRET, Deployment, plain
from tests.lambdas.events import finding
from tests.lambdas.strategies import record_at

HOUR = timedelta(hours=1)


@pytest.fixture
def channel(here: Deployment) -> SlackChannel:
    """The deployment's channel."""
    secret = SecretReader(through(plain("secretsmanager")), SECRET, here.clock.now)
    return SlackChannel(CHANNEL, secret=secret, api_url=here.slack.api_url, clock=here.clock.now)


def message(status: Status = Status.AWAITING_REVIEW) -> Message:
    """Render a message."""
    return render(record_at(status, finding()))


def test_a_message_is_posted_as_it_is(here: Deployment, channel: SlackChannel) -> None:
    place = channel.post(message(), subject="f1")
    assert (place.channel, place.ts) == (CHANNEL, here.message.ts)
    assert (here.message.text, here.message.blocks) == (message().text, message().blocks)


def test_slack_makes_nothing_a_link_and_fetches_nothing(
    channel: SlackChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Any] = []

    def request(*_: str, body: bytes, **__: Any) -> Answer:
        sent.append(json.loads(body))
        return Answer(status=200, headers={}, body=b'{"ok": true, "channel": "C1", "ts": "1.0"}')

    monkeypatch.setattr(http, "request", request)
    channel.update(channel.post(message(), subject="f1"), message())
    posted, updated = sent
    assert posted["parse"] == updated["parse"] == "none"
    assert posted["unfurl_links"] is posted["unfurl_media"] is False


def test_a_message_is_updated_in_place(here: Deployment, channel: SlackChannel) -> None:
    place = channel.post(message(), subject="f1")
    channel.update(place, message(Status.QUARANTINED))
    assert here.message.ts == place.ts
    assert here.message.text == message(Status.QUARANTINED).text


def test_a_posted_message_is_found_by_its_finding(here: Deployment, channel: SlackChannel) -> None:
    places = {name: channel.post(message(), subject=name) for name in ("f1", "f2", "f3")}
    since = datetime.now(UTC) - HOUR
    assert len(here.slack.messages) == 3
    assert channel.find(subject="f2", since=since) == places["f2"]
    assert channel.find(subject="f4", since=since) is None
    assert channel.find(subject="f2", since=since + 2 * HOUR) is None


def test_without_the_scope_nothing_is_found(here: Deployment, channel: SlackChannel) -> None:
    channel.post(message(), subject="f1")
    here.slack.fail_next(200, "missing_scope")
    assert channel.find(subject="f1", since=datetime.now(UTC) - HOUR) is None


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (429, "ratelimited"),
        (500, "internal_error"),
        (503, "service_unavailable"),
        (200, "fatal_error"),
        (200, "rate_limited"),
        (200, "team_added_to_org"),
    ],
)
def test_what_passes_is_worth_another_try(
    here: Deployment, channel: SlackChannel, status: int, error: str
) -> None:
    here.slack.fail_next(status, error, times=3)
    place = channel.post
    with pytest.raises(SlackError):
        place(message(), subject="f1")
    with pytest.raises(SlackError):
        channel.find(subject="f1", since=datetime.now(UTC))
    here.slack.fail_next(status, error)


@pytest.mark.parametrize(
    "error", ["message_not_found", "cant_update_message", "is_archived", "channel_not_found"]
)
def test_a_message_that_is_gone_is_called_so(
    here: Deployment, channel: SlackChannel, error: str
) -> None:
    place = channel.post(message(), subject="f1")
    here.slack.fail_next(200, error)
    with pytest.raises(MessageGoneError):
        channel.update(place, message())
    here.slack.fail_next(200, error)
    with pytest.raises(MessageGoneError):
        channel.reply(place, "a reminder")


@pytest.mark.parametrize("error", ["invalid_auth", "channel_not_found", "invalid_blocks"])
def test_what_does_not_pass_is_no_expected_failure(
    here: Deployment, channel: SlackChannel, error: str
) -> None:
    here.slack.fail_next(200, error, times=3)
    with pytest.raises(SlackRefusalError):
        channel.post(message(), subject="f1")
