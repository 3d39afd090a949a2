"""What is due is done every minute: restarts, updates of Slack, reminders."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from lambdas.common.ledger.record import Status
from local.slack.workspace import Message, Response
from tests.harness.aws import APPROVER, AUTO, QUARANTINE
from tests.harness.harness import Harness, start_harness
from tests.lambdas.finding_handler.remediation_queue import lose_remediations, request_for

DAY, SOON = timedelta(hours=24, minutes=1), timedelta(minutes=6)


def replies(harness: Harness) -> list[Message]:
    return [message for message in harness.slack.messages if message.thread_ts]


@pytest.fixture
def waiting(harness: Harness) -> Harness:
    """The functions, with a finding that has waited for a day and a minute."""
    harness.deliver(harness.report_object())
    harness.clock.ahead = DAY
    return harness


def test_the_approvers_are_reminded_once_in_the_thread(waiting: Harness) -> None:
    (message,) = waiting.slack.messages
    for _ in range(3):
        waiting.run_scheduled_tasks()
        waiting.clock.ahead += DAY
    (reply,) = replies(waiting)
    assert reply.thread_ts == message.ts
    assert f"<@{APPROVER}>" in reply.text
    assert "<@U0SECOND>" in reply.text


def test_a_deleted_message_is_posted_again_with_the_reminder(waiting: Harness) -> None:
    waiting.slack.delete(waiting.message.ts)
    waiting.run_scheduled_tasks()
    message, reply = waiting.slack.messages
    assert "please decide" in message.text
    assert reply.thread_ts == message.ts


def test_nobody_is_reminded_early(harness: Harness) -> None:
    harness.deliver(harness.report_object())
    harness.clock.ahead = timedelta(hours=23)
    harness.run_scheduled_tasks()
    assert replies(harness) == []


def test_nobody_is_reminded_of_a_finding_that_was_decided(harness: Harness) -> None:
    harness.deliver(harness.report_object())
    assert harness.click() == 200
    harness.clock.ahead = DAY
    harness.run_scheduled_tasks()
    harness.run_remediator()
    harness.run_scheduled_tasks()
    assert not any("⏰" in reply.text for reply in replies(harness))


def test_a_finding_that_is_decided_during_the_reminder_is_checked_later(harness: Harness) -> None:
    detail = harness.report_object()
    harness.deliver(detail)
    harness.clock.ahead = DAY
    usual = harness.slack.interceptor

    def decide(method: str, proceed: Callable[[], Response]) -> Response:
        if method != "chat.postMessage":
            return proceed()
        harness.slack.interceptor = usual
        harness.ledger.update(
            harness.record(detail),
            lambda record: record.transition_to(
                Status.REMEDIATING, by=APPROVER, reason="clicked", now=harness.clock.now()
            ),
        )
        return proceed()

    harness.slack.interceptor = decide
    harness.run_scheduled_tasks()
    assert len(replies(harness)) == 1
    harness.clock.ahead += timedelta(minutes=21)
    harness.run_scheduled_tasks()
    assert harness.queued_remediations == [request_for(detail)]


def test_concurrent_runs_remind_once(waiting: Harness) -> None:
    with ThreadPoolExecutor() as threads:
        list(threads.map(lambda _: waiting.run_scheduled_tasks(), range(4)))
    assert len(replies(waiting)) == 1


def test_a_reminder_that_slack_does_not_accept_is_repeated_later(waiting: Harness) -> None:
    waiting.slack.fail_next(500)
    waiting.run_scheduled_tasks()
    assert replies(waiting) == []
    waiting.clock.ahead += SOON
    for _ in range(3):
        waiting.run_scheduled_tasks()
    assert len(replies(waiting)) == 1


def test_after_the_channel_was_archived_message_and_reminder_go_to_the_new_channel(
    waiting: Harness,
) -> None:
    waiting.slack.fail_next(200, "is_archived")
    waiting.run_scheduled_tasks()
    old, new, reply = waiting.slack.messages
    assert new.text == old.text
    assert reply.thread_ts == new.ts


def test_nobody_is_reminded_if_reminders_are_off() -> None:
    with start_harness(reminder_hours="OFF") as harness:
        harness.deliver(harness.report_object())
        harness.clock.ahead = 365 * DAY
        harness.run_scheduled_tasks()
        assert replies(harness) == []


def test_a_message_that_slack_refuses_for_a_day_is_posted_at_last(harness: Harness) -> None:
    detail = harness.report_object()
    harness.slack.fail_next(503, "service_unavailable", times=100)
    assert harness.deliver(detail) == []
    for _ in range(24 * 2):
        harness.clock.ahead += timedelta(minutes=30)
        harness.run_scheduled_tasks()
    assert harness.slack.messages == ()
    harness.slack.stop_failing()
    harness.clock.ahead += SOON
    harness.run_scheduled_tasks()
    assert "please decide" in harness.message.text
    assert harness.record(detail).status is Status.AWAITING_REVIEW


def test_when_slack_is_busy_the_next_run_does_the_rest(harness: Harness) -> None:
    harness.slack.fail_next(429, "ratelimited", retry_after=1)
    first, second = (
        harness.report_object(),
        harness.report_object(body=b"another") | {"id": "second"},
    )
    harness.deliver(first, second)
    harness.clock.ahead = SOON
    harness.slack.requests.clear()
    harness.slack.fail_next(429, "ratelimited", retry_after=1)
    harness.run_scheduled_tasks()
    assert harness.slack.requests == ["chat.postMessage"]
    assert harness.count_queued_tasks() == 1
    harness.clock.ahead += SOON
    harness.run_scheduled_tasks()
    assert len(harness.slack.messages) == 2


def test_a_finding_that_fails_does_not_delay_the_others(harness: Harness) -> None:
    harness.slack.fail_next(429, "ratelimited", retry_after=1)
    first, second = (
        harness.report_object(),
        harness.report_object(body=b"another") | {"id": "second"},
    )
    harness.deliver(first, second)
    harness.clock.ahead = SOON
    harness.slack.fail_next(200, "invalid_blocks")
    assert harness.scheduled_tasks_fail()
    assert "please decide" in harness.message.text
    harness.clock.ahead += SOON
    harness.run_scheduled_tasks()
    assert len(harness.slack.messages) == 2


def test_a_run_ends_after_ten_failures_and_schedules_no_run_of_its_own(harness: Harness) -> None:
    harness.slack.fail_next(429, "ratelimited", retry_after=60)
    for number in range(12):
        harness.deliver(harness.report_object(body=f"card {number}".encode()))
    harness.clock.ahead = SOON
    harness.slack.requests.clear()
    harness.slack.fail_next(200, "invalid_auth", times=100)
    assert harness.scheduled_tasks_fail()
    assert len(harness.slack.requests) == 10
    assert harness.count_queued_tasks() == 0


def test_the_log_names_the_finding_that_failed(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    detail = harness.report_object()
    harness.slack.fail_next(429, "ratelimited", retry_after=1)
    harness.deliver(detail)
    harness.clock.ahead = SOON
    harness.slack.fail_next(200, "invalid_blocks")
    with caplog.at_level("ERROR"):
        assert harness.scheduled_tasks_fail()
    assert detail["id"] in caplog.text


def test_concurrent_runs_that_slack_refuses_schedule_one_run(harness: Harness) -> None:
    harness.slack.fail_next(429, "ratelimited", retry_after=9)
    harness.deliver(harness.report_object())
    harness.clock.ahead = SOON
    for _ in range(3):
        harness.slack.fail_next(429, "ratelimited", retry_after=9)
        harness.restart()
        harness.run_scheduled_tasks()
        harness.clock.ahead += timedelta(seconds=2)
    assert harness.count_queued_tasks() <= 1


def test_copies_that_a_restore_has_kept_are_deleted_when_they_expire() -> None:
    with start_harness(restored_copy_days=7) as harness:
        detail = harness.report_object(AUTO)
        harness.deliver(detail)
        harness.run_remediator()
        assert harness.click("restore") == 200
        harness.run_remediator()
        harness.clock.ahead = timedelta(days=6, hours=23)
        harness.run_scheduled_tasks()
        assert harness.queued_remediations == []
        harness.clock.ahead = timedelta(days=7, minutes=1)
        harness.run_scheduled_tasks()
        harness.run_scheduled_tasks()
        assert harness.queued_remediations == [request_for(detail)]
        harness.run_remediator()
        assert harness.bodies(QUARANTINE) == []
        harness.clock.ahead += DAY
        harness.run_scheduled_tasks()
        assert harness.queued_remediations == []


def test_a_deletion_that_got_lost_is_started_again() -> None:
    with start_harness(restored_copy_days=1) as harness:
        detail = harness.report_object(AUTO)
        harness.deliver(detail)
        harness.run_remediator()
        assert harness.click("restore") == 200
        harness.run_remediator()
        for _ in range(10):
            harness.clock.ahead += DAY
            harness.run_scheduled_tasks()
            assert harness.queued_remediations == [request_for(detail)]
            lose_remediations()
        assert harness.record(detail).status is Status.RESTORED


@pytest.fixture
def failed(harness: Harness, capsys: pytest.CaptureFixture[str]) -> Harness:
    """The functions, with a remediation that S3 refused."""
    harness.strict_s3.deny = lambda operation, _: operation == "CopyObject"
    harness.deliver(harness.report_object(AUTO))
    assert "FailedRemediations" not in capsys.readouterr().out
    harness.run_remediator()
    assert "Remediation failed" in harness.message.text
    return harness


def test_every_failure_is_in_the_metrics(
    failed: Harness, capsys: pytest.CaptureFixture[str]
) -> None:
    assert failed.click("retry") == 200
    failed.run_remediator()
    assert capsys.readouterr().out.count('"FailedRemediations":[1.0]') == 2


def test_the_approvers_are_reminded_of_a_failure_until_somebody_decides(failed: Harness) -> None:
    (message,) = failed.slack.messages
    for day in range(1, 4):
        failed.clock.ahead += timedelta(hours=23)
        failed.run_scheduled_tasks()
        assert len(replies(failed)) == day - 1
        failed.clock.ahead += timedelta(hours=1, minutes=1)
        failed.run_scheduled_tasks()
        assert len(replies(failed)) == day
    assert {reply.thread_ts for reply in replies(failed)} == {message.ts}
    assert all(f"<@{APPROVER}>" in reply.text for reply in replies(failed))
    assert all("failed" in reply.text for reply in replies(failed))
    failed.strict_s3.deny = lambda *_: False
    failed.clock.ahead = timedelta()
    assert failed.slack.click(message.ts, "retry", APPROVER) == 200
    failed.run_remediator()
    failed.clock.ahead = 9 * DAY
    failed.run_scheduled_tasks()
    assert len(replies(failed)) == 3


def test_the_approvers_are_reminded_once_of_a_restore_that_failed(harness: Harness) -> None:
    """A copy that is gone cannot be restored, however often somebody is reminded."""
    harness.deliver(harness.report_object(AUTO))
    harness.run_remediator()
    ((key, version_id),) = harness.versions(QUARANTINE)
    harness.s3.delete_object(Bucket=QUARANTINE, Key=key, VersionId=version_id)
    assert harness.click("restore") == 200
    harness.run_remediator()
    for _ in range(3):
        harness.clock.ahead += DAY
        harness.run_scheduled_tasks()
    assert sum("⏰" in reply.text for reply in replies(harness)) == 1


def test_a_remediation_that_did_not_finish_mentions_whoever_decided_and_is_reminded_of(
    harness: Harness, capsys: pytest.CaptureFixture[str]
) -> None:
    harness.deliver(harness.report_object())
    assert harness.click() == 200
    harness.clock.ahead = timedelta(hours=3)
    harness.run_scheduled_tasks()
    (reply,) = replies(harness)
    assert f"<@{APPROVER}>" in reply.text
    assert "did not finish" in reply.text
    assert '"FailedRemediations":[1.0]' in capsys.readouterr().out
    harness.clock.ahead += DAY
    harness.run_scheduled_tasks()
    assert "⏰" in replies(harness)[-1].text


def test_nobody_is_reminded_of_a_failure_if_reminders_are_off() -> None:
    with start_harness(reminder_hours="OFF") as harness:
        harness.deliver(harness.report_object(AUTO))
        harness.strict_s3.deny = lambda operation, _: operation == "CopyObject"
        harness.run_remediator()
        harness.clock.ahead = 365 * DAY
        harness.run_scheduled_tasks()
        assert replies(harness) == []


def test_a_lost_remediation_is_queued_again(harness: Harness) -> None:
    detail = harness.report_object(AUTO)
    harness.deliver(detail)
    lose_remediations()
    harness.clock.ahead = timedelta(minutes=19)
    harness.run_scheduled_tasks()
    assert harness.queued_remediations == []
    harness.clock.ahead = timedelta(minutes=21)
    harness.run_scheduled_tasks()
    harness.run_remediator()
    assert harness.record(detail).status is Status.QUARANTINED
    assert harness.record(detail).due_at is None


def test_a_lost_remediation_is_queued_again_while_slack_is_unavailable(harness: Harness) -> None:
    harness.slack.fail_next(503, "service_unavailable", times=100)
    harness.deliver(harness.report_object())
    detail = harness.report_object(AUTO, body=b"another")
    harness.deliver(detail)
    lose_remediations()
    harness.clock.ahead = timedelta(minutes=21)
    harness.run_scheduled_tasks()
    assert harness.queued_remediations == [request_for(detail)]


def test_a_remediation_that_never_finishes_is_shown_as_a_failure_that_can_be_retried(
    harness: Harness,
) -> None:
    detail = harness.report_object(AUTO)
    harness.deliver(detail)
    for _ in range(10):
        harness.clock.ahead += timedelta(minutes=21)
        harness.run_scheduled_tasks()
    assert harness.record(detail).status is Status.FAILED
    assert "did not finish" in harness.message.text
    assert "docs/runbook.md" in harness.message.text
    lose_remediations()
    harness.clock.ahead = timedelta()
    assert harness.click("retry") == 200
    harness.run_remediator()
    assert harness.record(detail).status is Status.QUARANTINED
