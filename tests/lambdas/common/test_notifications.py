"""Each finding has one message, whoever posts it, however often, and whatever fails in between."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from aws_lambda_powertools.utilities.parameters import SecretsProvider

from lambdas.common import clock
from lambdas.common.dispatch import Reply
from lambdas.common.ledger.record import POLICY, REMEDIATOR, MessageRef, Record, Status
from lambdas.common.ledger.table import ConflictError
from lambdas.common.notifications import Notifications
from lambdas.common.slack.channel import SlackChannel
from lambdas.common.slack.credentials import BotToken
from lambdas.common.slack.response_url import ResponseUrl
from local.slack.workspace import Response
from tests.harness.aws import BOT_TOKEN_ID, CHANNEL
from tests.harness.events import finding
from tests.harness.harness import Harness

SOON = timedelta(seconds=61)


@pytest.fixture
def notifications(harness: Harness) -> Notifications:
    """The notifications as the functions make them."""
    token = BotToken(SecretsProvider(), BOT_TOKEN_ID)
    channel = SlackChannel(CHANNEL, bot_token=token, api_url=harness.slack.api_url)
    return Notifications(ledger=harness.ledger, digests=harness.digests, channel=channel)


@pytest.fixture
def record(harness: Harness) -> Record:
    """A record without a message."""
    return harness.create_record(finding(), Status.AWAITING_REVIEW)


def test_the_first_notification_posts_a_message_and_records_where_it_is(
    harness: Harness, notifications: Notifications, record: Record
) -> None:
    assert notifications.notify(record)
    message = harness.record(record.finding).message
    assert message == MessageRef(channel=CHANNEL, id=harness.message.ts)


def test_a_later_notification_updates_the_message(
    harness: Harness, notifications: Notifications, record: Record
) -> None:
    notifications.notify(record)
    notifications.notify(harness.decide(record.finding, Status.REMEDIATING))
    assert "in progress" in harness.message.text
    assert harness.message.edits == 1


def test_of_many_first_notifications_at_once_one_posts(
    harness: Harness, notifications: Notifications, record: Record
) -> None:
    def notify(_: int) -> bool:
        try:
            notifications.notify(record)
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor() as threads:
        assert sum(threads.map(notify, range(6))) == 1
    assert len(harness.slack.messages) == 1


def test_an_outdated_record_posts_nothing(
    harness: Harness, notifications: Notifications, record: Record
) -> None:
    notifications.notify(record)
    harness.clock.ahead = SOON
    with pytest.raises(ConflictError):
        notifications.notify(record)
    assert len(harness.slack.messages) == 1


def test_a_message_that_slack_refused_is_posted_a_minute_later(
    harness: Harness, notifications: Notifications, record: Record
) -> None:
    harness.slack.fail_next(504)
    assert not notifications.notify(record)
    assert not notifications.notify(harness.record(record.finding))
    harness.clock.ahead = SOON
    assert notifications.notify(harness.record(record.finding))
    assert len(harness.slack.messages) == 1


def test_a_message_that_may_have_been_posted_is_looked_for_before_it_is_posted_again(
    harness: Harness, notifications: Notifications, record: Record
) -> None:
    """Of internal_error Slack says: some aspect of the operation may have succeeded."""

    def post_and_fail(_: str, proceed: Callable[[], Response]) -> Response:
        proceed()
        return Response(status=200, body={"ok": False, "error": "internal_error"})

    harness.slack.interceptor, proceed_always = post_and_fail, harness.slack.interceptor
    assert not notifications.notify(record)
    harness.slack.interceptor = proceed_always
    harness.clock.ahead = SOON
    assert notifications.notify(harness.record(record.finding))
    assert len(harness.slack.messages) == 1


def test_a_search_that_slack_refused_proves_nothing(
    harness: Harness, notifications: Notifications, record: Record
) -> None:
    """The message may be in the channel: only a search that succeeds shows that it is not."""
    harness.slack.lose_next_response()
    assert not notifications.notify(record)
    harness.clock.ahead = SOON
    harness.slack.fail_next(429, "ratelimited", retry_after=1)
    assert not notifications.notify(harness.record(record.finding))
    harness.clock.ahead = 3 * SOON
    assert notifications.notify(harness.record(record.finding))
    assert len(harness.slack.messages) == 1


def test_slack_is_not_called_for_as_long_as_it_asks(
    harness: Harness, notifications: Notifications, record: Record
) -> None:
    harness.slack.fail_next(429, "ratelimited", retry_after=7)
    before = clock.now()
    assert not notifications.notify(record)
    postponed = harness.record(record.finding)
    assert postponed.notify_at is not None
    assert timedelta(seconds=7) <= postponed.notify_at - before < timedelta(seconds=30)
    assert not notifications.notify(postponed)
    assert harness.slack.requests == ["chat.postMessage"]
    harness.clock.ahead = timedelta(seconds=8)
    assert notifications.notify(harness.record(record.finding))
    assert harness.record(record.finding).notify_at is None
    assert harness.slack.requests == ["chat.postMessage", "chat.postMessage"]


def test_a_later_change_that_slack_refused_is_still_to_be_shown(
    harness: Harness, notifications: Notifications, record: Record
) -> None:
    notifications.notify(record)
    harness.slack.fail_next(429, "ratelimited", retry_after=1)
    notifications.notify(harness.record(record.finding))
    outdated = harness.record(record.finding)
    later, proceed_always = clock.now() + timedelta(minutes=2), harness.slack.interceptor

    def be_overtaken(_: str, proceed: Callable[[], Response]) -> Response:
        harness.slack.interceptor = proceed_always
        latest = harness.record(record.finding)
        harness.ledger.update(latest, lambda latest: replace(latest, notify_at=later))
        return proceed()

    harness.clock.ahead, harness.slack.interceptor = SOON, be_overtaken
    assert notifications.notify(outdated)
    assert harness.record(record.finding).notify_at == later


def test_a_message_that_was_not_recorded_is_found_and_updated(
    harness: Harness, notifications: Notifications, record: Record
) -> None:
    notifications.notify(record)
    latest = harness.record(record.finding)
    message = latest.message
    harness.ledger.update(latest, lambda latest: replace(latest, message=None))
    lost = harness.decide(record.finding, Status.DISMISSED)
    harness.clock.ahead = SOON
    notifications.notify(lost)
    assert harness.record(record.finding).message == message
    assert "dismissed" in harness.message.text


def test_a_deleted_message_is_posted_again(
    harness: Harness, notifications: Notifications, record: Record
) -> None:
    notifications.notify(record)
    harness.slack.delete(harness.message.ts)
    assert notifications.notify(harness.record(record.finding))
    message = harness.record(record.finding).message
    assert message == MessageRef(channel=CHANNEL, id=harness.message.ts)


def test_where_the_callback_url_fails_the_channel_is_updated(
    harness: Harness, notifications: Notifications, record: Record
) -> None:
    notifications.notify(record)
    response_url = ResponseUrl(url=f"{harness.slack.hooks_url}actions/unknown")
    assert notifications.notify(harness.record(record.finding), response_url)
    assert harness.slack.requests == ["chat.postMessage", "chat.update"]


def test_where_the_callback_url_fails_a_reply_is_private_all_the_same(
    harness: Harness, notifications: Notifications
) -> None:
    response_url = ResponseUrl(url=f"{harness.slack.hooks_url}actions/unknown")
    notifications.reply_to_user(Reply(user="U1", text="hello"), response_url)
    (reply,) = harness.slack.ephemerals
    assert (reply.user, reply.text) == ("U1", "hello")


def fail(harness: Harness, record: Record, *, by: str) -> Record:
    """Record that a remediation which `by` decided failed."""

    def change(latest: Record) -> Record:
        now = clock.now()
        started = latest.transition_to(Status.REMEDIATING, by=by, reason="remediate", now=now)
        return started.transition_to(
            Status.FAILED, by=REMEDIATOR, reason="S3 denied <it>.", now=now
        )

    return harness.ledger.update(harness.record(record.finding), change)


def test_the_person_whose_decision_failed_is_mentioned_in_the_thread(
    harness: Harness, notifications: Notifications, record: Record
) -> None:
    notifications.notify(record)
    message = harness.message
    assert notifications.announce_failure(fail(harness, record, by="U1"))
    reply = harness.slack.messages[-1]
    assert reply.thread_ts == message.ts
    assert reply.text.startswith("<@U1>: the remediation failed: S3 denied &lt;it&gt;.")


def test_nobody_is_mentioned_of_what_the_policy_decided_or_what_did_not_fail(
    harness: Harness, notifications: Notifications, record: Record
) -> None:
    notifications.notify(record)
    assert not notifications.announce_failure(harness.record(record.finding))
    assert not notifications.announce_failure(fail(harness, record, by=POLICY))
    assert len(harness.slack.messages) == 1


def test_a_reply_in_the_thread_can_be_shown_in_the_channel(
    harness: Harness, notifications: Notifications, record: Record
) -> None:
    notifications.notify(record)
    message = harness.message
    assert notifications.announce_in_channel(harness.record(record.finding), "found again")
    reply = harness.slack.messages[-1]
    assert (reply.thread_ts, reply.text) == (message.ts, "found again")
    assert reply.is_broadcast


def test_a_reply_without_a_message_or_without_slack_is_not_sent(
    harness: Harness, notifications: Notifications, record: Record
) -> None:
    assert not notifications.mention_in_thread(record, "U1", "hello")
    notifications.notify(record)
    harness.slack.fail_next(503, "service_unavailable")
    assert not notifications.mention_in_thread(harness.record(record.finding), "U1", "hello")
    assert len(harness.slack.messages) == 1


def test_a_decision_that_a_callback_url_shows_is_not_shown_again(
    harness: Harness, notifications: Notifications, record: Record
) -> None:
    notifications.notify(record)
    harness.click("dismiss", choice="accepted_risk")
    assert harness.record(record.finding).notify_at is not None
    (invocation,) = harness.invocations
    response_url = ResponseUrl(url=invocation.payload["response_url"])
    assert notifications.notify(harness.record(record.finding), response_url)
    assert harness.record(record.finding).notify_at is None
    assert "Finding dismissed" in harness.message.text
