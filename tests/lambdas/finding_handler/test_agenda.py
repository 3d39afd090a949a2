"""What is done without anybody's asking, once a minute."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from lambdas.common.record import Status
from local.slack.workspace import Message, Response
from tests.lambdas.deployment import APPROVER, AUTO, Deployment, deployed

DAY, SOON = timedelta(hours=24, minutes=1), timedelta(minutes=6)


def replies(here: Deployment) -> list[Message]:
    return [message for message in here.slack.messages if message.thread_ts]


@pytest.fixture
def waiting(here: Deployment) -> Deployment:
    """A deployment with a finding that has waited for a day and a minute."""
    here.deliver(here.put())
    here.clock.ahead = DAY
    return here


def test_the_approvers_are_reminded_once_in_the_thread(waiting: Deployment) -> None:
    (message,) = waiting.slack.messages
    for _ in range(3):
        waiting.tick()
        waiting.clock.ahead += DAY
    (reply,) = replies(waiting)
    assert reply.thread_ts == message.ts
    assert f"<@{APPROVER}>" in reply.text
    assert "<@U0SECOND>" in reply.text


def test_a_message_that_was_deleted_is_posted_anew_with_the_reminder(waiting: Deployment) -> None:
    waiting.slack.delete(waiting.message.ts)
    waiting.tick()
    message, reply = waiting.slack.messages
    assert "please decide" in message.text
    assert reply.thread_ts == message.ts


def test_nobody_is_reminded_before_it_is_time(here: Deployment) -> None:
    here.deliver(here.put())
    here.clock.ahead = timedelta(hours=23)
    here.tick()
    assert replies(here) == []


def test_nobody_is_reminded_of_what_is_decided(here: Deployment) -> None:
    here.deliver(here.put())
    assert here.click() == 200
    here.clock.ahead = DAY
    here.tick()
    here.remediate()
    here.tick()
    assert replies(here) == []


def test_what_is_decided_while_people_are_reminded_is_watched(here: Deployment) -> None:
    found = here.put()
    here.deliver(found)
    here.clock.ahead = DAY
    well = here.slack.interceptor

    def decided(method: str, proceed: Callable[[], Response]) -> Response:
        if method != "chat.postMessage":
            return proceed()
        here.slack.interceptor = well
        here.ledger.change(
            found["id"],
            lambda now: now.with_status(
                Status.REMEDIATING, by=APPROVER, reason="so", now=here.clock.now()
            ),
        )
        return proceed()

    here.slack.interceptor = decided
    here.tick()
    assert len(replies(here)) == 1
    here.clock.ahead += timedelta(minutes=21)
    here.tick()
    assert [one.payload["finding_id"] for one in here.invocations] == [found["id"]]


def test_two_runs_at_once_remind_once(waiting: Deployment) -> None:
    with ThreadPoolExecutor() as threads:
        list(threads.map(lambda _: waiting.tick(), range(4)))
    assert len(replies(waiting)) == 1


def test_a_reminder_that_slack_does_not_take_is_made_later(waiting: Deployment) -> None:
    waiting.slack.fail_next(500)
    waiting.tick()
    assert replies(waiting) == []
    waiting.clock.ahead += SOON
    for _ in range(3):
        waiting.tick()
    assert len(replies(waiting)) == 1


def test_what_stands_in_a_channel_that_is_left_is_told_and_reminded_of_in_the_new_one(
    waiting: Deployment,
) -> None:
    waiting.slack.fail_next(200, "is_archived")
    waiting.tick()
    old, new, reply = waiting.slack.messages
    assert new.text == old.text
    assert reply.thread_ts == new.ts


def test_without_a_setting_nobody_is_reminded() -> None:
    with deployed(REMINDER_HOURS="") as here:
        here.deliver(here.put())
        here.clock.ahead = 365 * DAY
        here.tick()
        assert replies(here) == []


def test_what_could_not_be_told_for_a_day_is_told_at_last(here: Deployment) -> None:
    found = here.put()
    here.slack.fail_next(503, "service_unavailable", times=100)
    assert here.deliver(found) == []
    for _ in range(24 * 2):
        here.clock.ahead += timedelta(minutes=30)
        here.tick()
    assert here.slack.messages == ()
    here.slack.stop_failing()
    here.clock.ahead += SOON
    here.tick()
    assert "please decide" in here.message.text
    assert here.record(found).status is Status.AWAITING_REVIEW


def test_when_slack_is_busy_the_rest_is_left_for_the_next_run(here: Deployment) -> None:
    here.slack.fail_next(429, "ratelimited", retry_after=1)
    first, second = here.put(), here.put(body=b"another") | {"id": "second"}
    here.deliver(first, second)
    here.clock.ahead = SOON
    here.slack.requests.clear()
    here.slack.fail_next(429, "ratelimited", retry_after=1)
    here.tick()
    assert here.slack.requests == ["chat.postMessage"]
    assert here.waiting_in_queue() == 1
    here.clock.ahead += SOON
    here.tick()
    assert len(here.slack.messages) == 2


def test_one_that_fails_does_not_keep_those_behind_it(here: Deployment) -> None:
    here.slack.fail_next(429, "ratelimited", retry_after=1)
    first, second = here.put(), here.put(body=b"another") | {"id": "second"}
    here.deliver(first, second)
    here.clock.ahead = SOON
    here.slack.fail_next(200, "invalid_blocks")
    assert here.tick_fails()
    assert "please decide" in here.message.text
    here.clock.ahead += SOON
    here.tick()
    assert len(here.slack.messages) == 2


def test_where_all_fail_ten_are_tried_and_the_next_minute_is_waited_for(here: Deployment) -> None:
    here.slack.fail_next(429, "ratelimited", retry_after=60)
    for number in range(12):
        here.deliver(here.put(body=f"card {number}".encode()))
    here.clock.ahead = SOON
    here.slack.requests.clear()
    here.slack.fail_next(200, "invalid_auth", times=100)
    assert here.tick_fails()
    assert len(here.slack.requests) == 10
    assert here.waiting_in_queue() == 0


def test_what_fails_is_named_in_the_log(here: Deployment, caplog: pytest.LogCaptureFixture) -> None:
    found = here.put()
    here.slack.fail_next(429, "ratelimited", retry_after=1)
    here.deliver(found)
    here.clock.ahead = SOON
    here.slack.fail_next(200, "invalid_blocks")
    with caplog.at_level("ERROR"):
        assert here.tick_fails()
    assert found["id"] in caplog.text


def test_runs_that_slack_refuses_at_the_same_time_have_one_successor(here: Deployment) -> None:
    here.slack.fail_next(429, "ratelimited", retry_after=9)
    here.deliver(here.put())
    here.clock.ahead = SOON
    for _ in range(3):
        here.slack.fail_next(429, "ratelimited", retry_after=9)
        here.restart()
        here.tick()
        here.clock.ahead += timedelta(seconds=2)
    assert here.waiting_in_queue() <= 1


def test_a_start_that_got_lost_is_made_again(here: Deployment) -> None:
    found = here.put(AUTO)
    here.deliver(found)
    here.invocations.clear()
    here.clock.ahead = timedelta(minutes=19)
    here.tick()
    assert here.invocations == []
    here.clock.ahead = timedelta(minutes=21)
    here.tick()
    here.remediate()
    assert here.record(found).status is Status.QUARANTINED
    assert here.record(found).due is None


def test_a_start_that_got_lost_is_made_again_while_slack_is_down(here: Deployment) -> None:
    here.slack.fail_next(503, "service_unavailable", times=100)
    here.deliver(here.put())
    found = here.put(AUTO, body=b"another")
    here.deliver(found)
    here.invocations.clear()
    here.clock.ahead = timedelta(minutes=21)
    here.tick()
    assert [one.payload["finding_id"] for one in here.invocations] == [found["id"]]


def test_a_remediation_that_never_ends_is_told_as_a_failure_that_can_be_retried(
    here: Deployment,
) -> None:
    found = here.put(AUTO)
    here.deliver(found)
    for _ in range(10):
        here.clock.ahead += timedelta(minutes=21)
        here.tick()
    assert here.record(found).status is Status.FAILED
    assert "did not come to an end" in here.message.text
    assert "docs/runbook.md" in here.message.text
    here.invocations.clear()
    here.clock.ahead = timedelta()
    assert here.click("retry") == 200
    here.remediate()
    assert here.record(found).status is Status.QUARANTINED
