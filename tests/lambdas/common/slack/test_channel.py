"""The channel, through a fake Slack that keeps Slack's rules."""

import json
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aws_lambda_powertools.utilities.parameters import SecretsProvider

from lambdas.common.ledger.record import Status
from lambdas.common.slack.channel import (
    MessageGoneError,
    SlackChannel,
    SlackRequestError,
    SlackUnavailableError,
)
from lambdas.common.slack.credentials import BotToken
from lambdas.common.slack.messages import Message, render
from tests.harness.aws import BOT_TOKEN_ID, CHANNEL
from tests.harness.events import finding
from tests.harness.harness import Harness
from tests.harness.strategies import record_with_status

HOUR = timedelta(hours=1)


@pytest.fixture
def channel(harness: Harness) -> SlackChannel:
    """The channel as the functions make it."""
    token = BotToken(SecretsProvider(), BOT_TOKEN_ID)
    return SlackChannel(CHANNEL, bot_token=token, api_url=harness.slack.api_url)


def message(status: Status = Status.AWAITING_REVIEW) -> Message:
    """Render a message."""
    return render(record_with_status(status, finding()))


def test_a_message_is_posted_as_it_is(harness: Harness, channel: SlackChannel) -> None:
    ref = channel.post(message(), subject_id="f1")
    assert (ref.channel, ref.id) == (CHANNEL, harness.message.ts)
    assert (harness.message.text, harness.message.blocks) == (message().text, message().blocks)


def test_slack_makes_no_links_and_fetches_nothing(
    channel: SlackChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, Any]] = []
    open_url = urllib.request.OpenerDirector.open

    def keep(opener: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        sent.append(json.loads(request.data))
        return open_url(opener, request, *args, **kwargs)

    monkeypatch.setattr(urllib.request.OpenerDirector, "open", keep)
    channel.update(channel.post(message(), subject_id="f1"), message())
    posted, updated = sent
    assert posted["parse"] == updated["parse"] == "none"
    assert posted["unfurl_links"] is posted["unfurl_media"] is False


def test_a_message_is_updated_in_place(harness: Harness, channel: SlackChannel) -> None:
    ref = channel.post(message(), subject_id="f1")
    channel.update(ref, message(Status.QUARANTINED))
    assert harness.message.ts == ref.id
    assert harness.message.text == message(Status.QUARANTINED).text


def test_a_posted_message_is_found_by_its_finding(harness: Harness, channel: SlackChannel) -> None:
    refs = {name: channel.post(message(), subject_id=name) for name in ("f1", "f2", "f3")}
    since = datetime.now(UTC) - HOUR
    assert len(harness.slack.messages) == 3
    assert channel.find_message(subject_id="f2", since=since) == refs["f2"]
    assert channel.find_message(subject_id="f4", since=since) is None
    assert channel.find_message(subject_id="f2", since=since + 2 * HOUR) is None


def test_without_the_scope_nothing_is_found(harness: Harness, channel: SlackChannel) -> None:
    channel.post(message(), subject_id="f1")
    harness.slack.fail_next(200, "missing_scope")
    assert channel.find_message(subject_id="f1", since=datetime.now(UTC) - HOUR) is None


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
def test_after_a_transient_error_slack_is_unavailable_for_a_while(
    harness: Harness, channel: SlackChannel, status: int, error: str
) -> None:
    harness.slack.fail_next(status, error)
    with pytest.raises(SlackUnavailableError):
        channel.post(message(), subject_id="f1")
    with pytest.raises(SlackUnavailableError):
        channel.find_message(subject_id="f1", since=datetime.now(UTC))
    assert harness.slack.requests == ["chat.postMessage"]
    harness.clock.ahead = timedelta(seconds=61)
    channel.post(message(), subject_id="f1")


@pytest.mark.parametrize("error", ["internal_error", "fatal_error"])
def test_slack_may_have_posted_before_an_internal_error(
    harness: Harness, channel: SlackChannel, error: str
) -> None:
    harness.slack.fail_next(200, error)
    with pytest.raises(SlackUnavailableError) as unavailable:
        channel.post(message(), subject_id="f1")
    assert not unavailable.value.was_rejected


def test_slack_has_not_posted_where_it_limits_the_rate(
    harness: Harness, channel: SlackChannel
) -> None:
    harness.slack.fail_next(429, "ratelimited", retry_after=7)
    with pytest.raises(SlackUnavailableError) as unavailable:
        channel.post(message(), subject_id="f1")
    assert unavailable.value.was_rejected
    assert unavailable.value.retry_after == timedelta(seconds=7)
    assert timedelta(seconds=6) < channel.retry_after <= timedelta(seconds=7)


def test_a_message_is_not_posted_twice_where_the_response_is_lost(
    harness: Harness, channel: SlackChannel
) -> None:
    harness.slack.lose_next_response()
    with pytest.raises(SlackUnavailableError):
        channel.post(message(), subject_id="f1")
    assert harness.slack.requests == ["chat.postMessage"]


@pytest.mark.parametrize(
    "error", ["message_not_found", "cant_update_message", "is_archived", "channel_not_found"]
)
def test_a_message_that_is_out_of_reach_is_gone(
    harness: Harness, channel: SlackChannel, error: str
) -> None:
    ref = channel.post(message(), subject_id="f1")
    harness.slack.fail_next(200, error)
    with pytest.raises(MessageGoneError):
        channel.update(ref, message())
    harness.slack.fail_next(200, error)
    with pytest.raises(MessageGoneError):
        channel.reply(ref, "a reminder")


@pytest.mark.parametrize("error", ["invalid_auth", "channel_not_found", "invalid_blocks"])
def test_any_other_error_is_permanent(harness: Harness, channel: SlackChannel, error: str) -> None:
    harness.slack.fail_next(200, error)
    with pytest.raises(SlackRequestError) as refusal:
        channel.post(message(), subject_id="f1")
    assert refusal.value.code == error
