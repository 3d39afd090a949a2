"""Too many findings to post singly are shown in a digest and decided together."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambdas.common import clock
from lambdas.common.ledger.record import Record, Status
from lambdas.common.ledger.table import ConflictError
from lambdas.common.slack.actions import parse_action_value
from lambdas.finding_handler import bulk_actions, digest_updates
from lambdas.finding_handler.digest_queries import due_digests, finding_summaries
from lambdas.finding_handler.services import services
from local.slack.block_kit import problems
from local.slack.workspace import Message, Response
from tests.harness.aws import APPROVER, AUTO, OTHER_USER, QUARANTINE, REVIEW, SOURCE
from tests.harness.harness import Harness, start_harness
from tests.lambdas.finding_handler.remediation_queue import (
    lose_remediations,
    put_back,
    queue_refuses,
)

INDEX_DELAY = timedelta(seconds=6)
COUNT = 8


@pytest.fixture
def harness() -> Iterator[Harness]:
    """The functions, with a digest for more than two findings in an hour."""
    with start_harness(digest_threshold=2) as harness:
        yield harness


def report_objects(
    harness: Harness, finding_type: str = REVIEW, *, count: int = COUNT
) -> list[dict[str, Any]]:
    """Put objects into the source bucket; return the detail of Macie's event about each."""
    name = finding_type[-4:]
    return [
        harness.report_object(
            finding_type, body=f"card {number}".encode(), key=f"{name}/{number}.csv"
        )
        | {"id": f"{name}-{number}"}
        for number in range(count)
    ]


def updated_digest(harness: Harness) -> Message:
    """Let the digest be updated, and return its message."""
    harness.clock.ahead += INDEX_DELAY
    harness.run_scheduled_tasks()
    (message,) = (message for message in harness.slack.messages if message.text.startswith("📚"))
    return message


def click(harness: Harness, action_id: str, *, user: str = APPROVER, choice: str = "") -> None:
    """Click on the digest, and run what follows at once."""
    message = updated_digest(harness)
    option = _option(message, choice) if choice else None
    assert harness.slack.click(message.ts, action_id, user, choice=option) == 200
    harness.clock.ahead += INDEX_DELAY
    harness.run_scheduled_tasks()


def statuses(harness: Harness, details: list[dict[str, Any]]) -> list[Status]:
    return [harness.record(detail).status for detail in details]


def test_findings_above_the_threshold_are_shown_in_one_message_that_grows(harness: Harness) -> None:
    details = report_objects(harness)
    harness.deliver(*details[:5])
    assert "📚 3 findings: 3 to be decided" in updated_digest(harness).text
    harness.deliver(*details[5:])
    message = updated_digest(harness)
    assert "📚 6 findings: 6 to be decided" in message.text
    assert REVIEW in message.text
    assert SOURCE in message.text
    assert "HIGH × 6" in message.text
    assert "CREDIT_CARD_NUMBER" in message.text
    assert len(harness.slack.messages) == 3
    assert problems({"text": message.text, "blocks": list(message.blocks)}) == []


def test_a_digest_without_changes_is_not_updated(harness: Harness) -> None:
    harness.deliver(*report_objects(harness))
    updated_digest(harness)
    updated_digest(harness)
    calls = len(harness.slack.requests)
    for _ in range(5):
        updated_digest(harness)
    assert len(harness.slack.requests) == calls


def test_a_large_digest_pauses_between_updates_and_shows_everything_afterwards(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a burst it changes all the time, and Slack accepts about one message a second."""
    monkeypatch.setattr(digest_updates, "_FINDINGS_PER_SECOND", 0.1)
    details = report_objects(harness)
    harness.deliver(*details[:-1])
    updated_digest(harness)
    before = len(harness.slack.requests)
    harness.deliver(details[-1])
    for _ in range(3):
        assert "📚 5 findings" in updated_digest(harness).text
    assert len(harness.slack.requests) == before
    harness.clock.ahead += timedelta(seconds=30)
    assert "📚 6 findings" in updated_digest(harness).text


def test_a_decision_about_a_large_digest_is_shown_immediately(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digest_updates, "_FINDINGS_PER_SECOND", 0.1)
    harness.deliver(*report_objects(harness))
    message = updated_digest(harness)
    assert harness.slack.click(message.ts, "remediate_all", APPROVER) == 200
    harness.run_scheduled_tasks()
    assert "6 in progress" in harness.slack.message(message.ts).text


def test_each_bucket_and_type_has_a_digest_of_its_own(harness: Harness) -> None:
    harness.deliver(
        *report_objects(harness, REVIEW, count=4), *report_objects(harness, "another", count=3)
    )
    harness.clock.ahead += INDEX_DELAY
    harness.run_scheduled_tasks()
    headlines = sorted(
        message.text.splitlines()[0]
        for message in harness.slack.messages
        if message.text.startswith("📚")
    )
    assert headlines == ["📚 2 findings: 2 to be decided", "📚 3 findings: 3 to be decided"]


def test_one_click_remediates_all_findings_and_the_message_shows_the_progress(
    harness: Harness,
) -> None:
    details = report_objects(harness)
    harness.deliver(*details)
    click(harness, "remediate_all")
    assert statuses(harness, details[2:]) == [Status.REMEDIATING] * 6
    assert "6 in progress" in updated_digest(harness).text
    harness.run_remediator()
    text = updated_digest(harness).text
    assert "6 of 6 quarantined" in text
    assert "▰" * 20 in text
    assert f"decided by <@{APPROVER}>" in text
    assert "Why" not in text
    assert len(harness.bodies(QUARANTINE)) == 6
    for detail in details[2:]:
        assert harness.record(detail).decision.by == APPROVER


def test_failures_are_counted_and_retried_by_a_click(harness: Harness) -> None:
    details = report_objects(harness)
    harness.deliver(*details)
    click(harness, "remediate_all")
    broken = details[2]["resourcesAffected"]["s3Object"]["key"]
    harness.strict_s3.deny = lambda operation, parameters: (
        operation == "CopyObject" and parameters["Key"].endswith(broken)
    )
    harness.run_remediator()
    message = updated_digest(harness)
    assert "5 of 6 quarantined, 1 failed" in message.text
    assert "1 × S3 did not let the remediator copy" in message.text
    assert "then press Retry" in str(message.blocks)
    harness.strict_s3.deny = lambda *_: False
    click(harness, "retry_all")
    harness.run_remediator()
    assert "6 of 6 quarantined" in updated_digest(harness).text


def test_one_click_restores_all_objects(harness: Harness) -> None:
    details = report_objects(harness, AUTO)
    harness.deliver(*details)
    harness.run_remediator()
    assert "6 of 6 quarantined" in updated_digest(harness).text
    click(harness, "restore_all")
    harness.run_remediator()
    assert "0 of 6 quarantined, 6 restored" in updated_digest(harness).text
    assert len(harness.bodies(SOURCE)) == 6


def test_all_findings_are_dismissed_with_a_reason(harness: Harness) -> None:
    details = report_objects(harness)
    harness.deliver(*details)
    click(harness, "dismiss_all", choice="accepted_risk")
    assert statuses(harness, details[2:]) == [Status.DISMISSED] * 6
    text = updated_digest(harness).text
    assert "6 dismissed" in text
    assert "accepted risk" in text
    assert len(harness.bodies(SOURCE)) == COUNT


def test_all_dismissed_findings_are_reopened(harness: Harness) -> None:
    details = report_objects(harness)
    harness.deliver(*details)
    click(harness, "dismiss_all", choice="accepted_risk")
    click(harness, "reopen_all", user="U0SECOND")
    assert statuses(harness, details[2:]) == [Status.AWAITING_REVIEW] * 6
    assert harness.record(details[2]).decision.by == "U0SECOND"
    assert (
        "Reopening all dismissed findings, decided by <@U0SECOND>" in updated_digest(harness).text
    )


def test_a_bulk_action_does_not_decide_about_findings_that_come_after_the_click(
    harness: Harness,
) -> None:
    details = report_objects(harness)
    harness.deliver(*details[:5])
    message = updated_digest(harness)
    choice = _option(message, "false_positive")
    assert harness.slack.click(message.ts, "dismiss_all", APPROVER, choice=choice) == 200
    harness.deliver(*details[5:])
    text = updated_digest(harness).text
    assert statuses(harness, details[2:5]) == [Status.DISMISSED] * 3
    assert statuses(harness, details[5:]) == [Status.AWAITING_REVIEW] * 3
    assert "3 to be decided" in text
    click(harness, "dismiss_all", choice="false_positive")
    assert statuses(harness, details[5:]) == [Status.DISMISSED] * 3


def test_a_bulk_action_does_not_restore_what_is_quarantined_after_the_click(
    harness: Harness,
) -> None:
    details = report_objects(harness, AUTO)
    harness.deliver(*details)
    first, rest = harness.queued_remediations[:5], harness.queued_remediations[5:]
    lose_remediations()
    put_back(first)
    harness.run_remediator()
    message = updated_digest(harness)
    assert harness.slack.click(message.ts, "restore_all", APPROVER) == 200
    put_back(rest)
    harness.run_remediator()
    assert "3 of 6 quarantined, 3 being restored" in updated_digest(harness).text


def test_a_dialog_that_counted_fewer_findings_than_there_are_decides_nothing(
    harness: Harness,
) -> None:
    """An index shows some findings late, though they came before those that were counted."""
    details = report_objects(harness)
    harness.deliver(*details[:5])
    message = updated_digest(harness)
    _move_to_digest_unseen(harness, details[0], like=details[2])
    assert harness.slack.click(message.ts, "remediate_all", APPROVER) == 200
    harness.clock.ahead += INDEX_DELAY
    harness.run_scheduled_tasks()
    assert statuses(harness, [details[0], *details[2:5]]) == [Status.AWAITING_REVIEW] * 4
    assert harness.queued_remediations == []
    (reply,) = harness.slack.ephemerals
    assert (reply.user, "Nothing was done" in reply.text) == (APPROVER, True)
    redrawn = harness.slack.message(message.ts)
    assert "📚 4 findings: 4 to be decided" in redrawn.text
    assert "nothing was done, because the findings had changed" in redrawn.text
    click(harness, "remediate_all")
    assert statuses(harness, [details[0], *details[2:5]]) == [Status.REMEDIATING] * 4


def _move_to_digest_unseen(harness: Harness, detail: Any, *, like: Any) -> None:
    """Let a finding be in a digest since it came, without a change of the digest."""
    digest_id = harness.record(like).digest_id
    harness.ledger.update(
        harness.record(detail), lambda record: replace(record, digest_id=digest_id, message=None)
    )


def test_an_action_that_was_interrupted_never_decides_about_more_than_its_dialog_counted(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_actions, "_BATCH_SIZE", 2)
    details = report_objects(harness)
    harness.deliver(*details)
    message = updated_digest(harness)
    harness.clock.ahead = timedelta()
    assert harness.slack.click(message.ts, "remediate_all", APPROVER) == 200
    harness.clock.ahead = INDEX_DELAY
    with queue_refuses(harness):
        assert harness.scheduled_tasks_fail()
    for detail in details[:2]:
        _move_to_digest_unseen(harness, detail, like=details[2])
    harness.clock.ahead += timedelta(minutes=6)
    harness.run_scheduled_tasks()
    moved = statuses(harness, details).count(Status.REMEDIATING)
    assert moved == 6
    assert harness.digests.get(_digest_id(message)).pending is None


def test_no_finding_is_left_out_where_there_are_many_batches(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_actions, "_BATCH_SIZE", 2)
    details = report_objects(harness, count=9)
    harness.deliver(*details)
    click(harness, "remediate_all")
    assert statuses(harness, details[2:]) == [Status.REMEDIATING] * 7
    assert len(harness.queued_remediations) == 7


def test_concurrent_runs_decide_about_each_finding_once(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_actions, "_BATCH_SIZE", 2)
    details = report_objects(harness)
    harness.deliver(*details)
    message = updated_digest(harness)
    harness.clock.ahead = timedelta()
    assert harness.slack.click(message.ts, "remediate_all", APPROVER) == 200
    harness.clock.ahead = INDEX_DELAY
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda _: harness.run_scheduled_tasks(), range(3)))
    harness.clock.ahead += timedelta(minutes=6)
    harness.run_scheduled_tasks()
    assert statuses(harness, details[2:]) == [Status.REMEDIATING] * 6
    queued = [request["finding_id"] for request in harness.queued_remediations]
    assert sorted(queued) == sorted(detail["id"] for detail in details[2:])


def test_a_run_that_another_run_has_overtaken_decides_nothing(harness: Harness) -> None:
    details = report_objects(harness)
    harness.deliver(*details)
    message = updated_digest(harness)
    harness.clock.ahead = timedelta()
    assert harness.slack.click(message.ts, "remediate_all", APPROVER) == 200
    slow = harness.digests.get(_digest_id(message))
    assert slow.pending is not None
    harness.clock.ahead = INDEX_DELAY
    harness.run_scheduled_tasks()
    _move_to_digest_unseen(harness, details[0], like=details[2])
    until = harness.clock.now() + timedelta(minutes=1)
    with pytest.raises(ConflictError):
        bulk_actions.carry_out(slow, slow.pending, services(), until)
    assert harness.record(details[0]).status is Status.AWAITING_REVIEW


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_dialog_never_decides_about_more_findings_than_it_counted(data: st.DataObject) -> None:
    """Whatever comes before the click, between click and execution, or is seen late."""
    with start_harness(digest_threshold=0) as harness:
        details = report_objects(harness, count=6)
        counted = data.draw(st.integers(1, 3))
        harness.deliver(*details[:counted])
        message, rest = updated_digest(harness), details[counted:]
        events = data.draw(st.lists(st.sampled_from(["new", "late", "decided"]), max_size=3))
        for event in events:
            _change_digest(harness, event, rest.pop(0), decided=details[0])
        assert harness.slack.click(message.ts, "remediate_all", APPROVER) == 200
        harness.deliver(*rest)
        harness.clock.ahead += INDEX_DELAY
        harness.run_scheduled_tasks()
        remediated = statuses(harness, details).count(Status.REMEDIATING)
        assert remediated <= counted
        if "late" not in events:
            assert statuses(harness, details[counted:]) == [Status.AWAITING_REVIEW] * (6 - counted)
            assert remediated == counted - ("decided" in events)
        elif "decided" not in events:
            assert remediated == 0


def _change_digest(harness: Harness, event: str, detail: Any, *, decided: Any) -> None:
    """Change the digest after its message: by a finding that is new, late or decided."""
    ahead = harness.clock.ahead
    if event == "late":
        harness.clock.ahead -= timedelta(minutes=5)
    if event == "decided" and harness.record(decided).status is Status.AWAITING_REVIEW:
        harness.ledger.update(harness.record(decided), _dismissed)
    harness.deliver(detail)
    harness.clock.ahead = ahead


def _dismissed(record: Record) -> Record:
    return record.transition_to(Status.DISMISSED, by="U0SECOND", reason="dismiss", now=clock.now())


def test_after_a_bulk_action_the_digest_is_updated_again_when_the_index_is_current(
    harness: Harness,
) -> None:
    harness.deliver(*report_objects(harness))
    message = updated_digest(harness)
    click(harness, "dismiss_all", choice="accepted_risk")
    soon = harness.clock.now() + INDEX_DELAY
    assert list(due_digests(harness.table, soon)) == [_digest_id(message)]


def test_a_click_posts_the_next_ten_findings_in_the_thread(harness: Harness) -> None:
    details = report_objects(harness, count=15)
    harness.deliver(*details[:8])
    harness.deliver(*details[8:])
    click(harness, "review_each")
    place = updated_digest(harness).ts
    shown = [message for message in harness.slack.messages if message.thread_ts == place]
    assert len(shown) == 10
    harness.clock.ahead = timedelta()
    assert harness.slack.click(shown[0].ts, "remediate", APPROVER) == 200
    harness.run_remediator()
    after = next(message for message in harness.slack.messages if message.ts == shown[0].ts)
    assert "Object quarantined" in after.text
    assert "1 of 13 quarantined, 12 waiting for a decision" in updated_digest(harness).text
    click(harness, "review_each")
    shown = [message for message in harness.slack.messages if message.thread_ts == place]
    assert len(shown) == 13


def test_ten_findings_are_posted_even_if_slack_accepts_one_message_in_each_run(
    harness: Harness,
) -> None:
    details = report_objects(harness, count=20)
    harness.deliver(*details)
    message = updated_digest(harness)
    harness.slack.interceptor = one_message_per_run(harness)
    harness.clock.ahead = timedelta()
    assert harness.slack.click(message.ts, "review_each", APPROVER) == 200
    for _ in range(20):
        harness.clock.ahead += 2 * INDEX_DELAY
        harness.run_scheduled_tasks()
    shown = [reply for reply in harness.slack.messages if reply.thread_ts == message.ts]
    assert len(shown) == 10
    assert "Posting findings one by one, decided by" in updated_digest(harness).text


def one_message_per_run(harness: Harness) -> Callable[[str, Callable[[], Response]], Response]:
    """Let Slack accept a message, and no other message in the next ten seconds."""
    accepted: list[datetime] = []

    def intercept(method: str, proceed: Callable[[], Response]) -> Response:
        now = harness.clock.now()
        if method == "chat.postMessage":
            if accepted and now - accepted[-1] < timedelta(seconds=10):
                return Response(
                    status=429, body={"ok": False, "error": "ratelimited"}, retry_after=1
                )
            accepted.append(now)
        return proceed()

    return intercept


def test_only_approvers_decide_about_a_digest(harness: Harness) -> None:
    details = report_objects(harness)
    harness.deliver(*details)
    click(harness, "remediate_all", user=OTHER_USER)
    harness.run_remediator()
    (reply,) = harness.slack.ephemerals
    assert (reply.user, f"<@{APPROVER}>" in reply.text) == (OTHER_USER, True)
    assert statuses(harness, details[2:]) == [Status.AWAITING_REVIEW] * 6
    assert "decided by" not in updated_digest(harness).text


def test_bulk_actions_and_refusals_are_in_the_ledger_and_in_the_audit_log(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    harness.deliver(*report_objects(harness))
    with caplog.at_level("INFO"):
        click(harness, "remediate_all", user=OTHER_USER)
        click(harness, "dismiss_all", choice="false_positive")
    lines = [line.__dict__["audit"] for line in caplog.records if line.msg == "bulk action"]
    assert [(line["by"], line["action"], line["is_refused"]) for line in lines] == [
        (OTHER_USER, "remediate_all", True),
        (APPROVER, "dismiss_all", False),
    ]
    assert lines[0]["scope"]["bucket"] == SOURCE
    kept = harness.digests.get(lines[0]["digest"])
    assert [action.by for action in kept.refusals] == [OTHER_USER]
    assert [action.by for action in kept.bulk_actions] == [APPROVER]


def test_a_second_bulk_action_is_refused_while_the_first_is_carried_out(harness: Harness) -> None:
    details = report_objects(harness)
    harness.deliver(*details)
    message = updated_digest(harness)
    harness.clock.ahead = timedelta()
    assert harness.slack.click(message.ts, "remediate_all", APPROVER) == 200
    choice = _option(message, "accepted_risk")
    assert harness.slack.click(message.ts, "dismiss_all", "U0SECOND", choice=choice) == 200
    harness.run_remediator()
    assert f"<@{APPROVER}>" in harness.slack.ephemerals[-1].text
    harness.clock.ahead = INDEX_DELAY
    harness.run_scheduled_tasks()
    harness.run_remediator()
    assert statuses(harness, details[2:]) == [Status.QUARANTINED] * 6


def _elements(message: Message) -> list[dict[str, Any]]:
    return [element for block in message.blocks for element in block.get("elements", ())]


def _option(message: Message, choice: str) -> str:
    """Return the value of a menu's option, as the message has it."""
    options = [option for element in _elements(message) for option in element.get("options", ())]
    return next(str(option["value"]) for option in options if choice in option["value"])


def _digest_id(message: Message) -> str:
    values = [element["value"] for element in _elements(message) if "value" in element]
    (digest_id,) = {parse_action_value(value)[0] for value in values}
    return digest_id


def test_a_click_does_not_wait_for_the_next_scheduled_run(harness: Harness) -> None:
    harness.deliver(*report_objects(harness))
    click(harness, "remediate_all")
    assert [event["detail-type"] for event in harness.take_queued_events()] == ["Scheduled Event"]


def test_a_bulk_action_during_an_update_is_carried_out(harness: Harness) -> None:
    details = report_objects(harness)
    harness.deliver(*details[:-1])
    message, usual = updated_digest(harness), harness.slack.interceptor

    def click_once(_: str, proceed: Callable[[], Response]) -> Response:
        harness.slack.interceptor = usual
        assert harness.slack.click(message.ts, "remediate_all", APPROVER) == 200
        return proceed()

    harness.deliver(details[-1])
    harness.slack.interceptor = click_once
    updated_digest(harness)
    updated_digest(harness)
    assert statuses(harness, details[2:-1]) == [Status.REMEDIATING] * 5
    assert harness.record(details[-1]).status is Status.AWAITING_REVIEW


def test_an_interrupted_bulk_action_is_carried_out_later(harness: Harness) -> None:
    details = report_objects(harness)
    harness.deliver(*details)
    message = updated_digest(harness)
    harness.clock.ahead = timedelta()
    harness.slack.click(message.ts, "remediate_all", APPROVER)
    harness.clock.ahead = INDEX_DELAY
    with queue_refuses(harness):
        assert harness.scheduled_tasks_fail()
    harness.clock.ahead += timedelta(minutes=25)
    harness.run_scheduled_tasks()
    harness.run_remediator()
    assert statuses(harness, details[2:]) == [Status.QUARANTINED] * 6


def test_an_update_that_slack_does_not_accept_is_made_later(harness: Harness) -> None:
    harness.deliver(*report_objects(harness))
    harness.slack.fail_next(429, "ratelimited", retry_after=90)
    harness.clock.ahead += INDEX_DELAY
    harness.run_scheduled_tasks()
    harness.clock.ahead += timedelta(seconds=60)
    harness.run_scheduled_tasks()
    assert len(harness.slack.messages) == 2
    harness.clock.ahead += timedelta(seconds=60)
    assert "📚 6 findings" in updated_digest(harness).text


def test_a_digest_that_slack_did_not_accept_is_posted_when_slack_allows_it(
    harness: Harness,
) -> None:
    harness.deliver(*report_objects(harness))
    harness.slack.requests.clear()
    harness.slack.fail_next(429, "ratelimited", retry_after=1)
    harness.clock.ahead += INDEX_DELAY
    harness.run_scheduled_tasks()
    harness.clock.ahead += timedelta(seconds=2)
    harness.run_scheduled_tasks()
    assert harness.slack.requests == ["chat.postMessage", "chat.postMessage"]
    assert harness.slack.messages[-1].text.startswith("📚")


def test_a_digest_that_slack_refuses_does_not_delay_the_others(harness: Harness) -> None:
    harness.deliver(
        *report_objects(harness, REVIEW, count=4), *report_objects(harness, "another", count=3)
    )
    harness.slack.fail_next(200, "invalid_blocks")
    harness.clock.ahead += INDEX_DELAY
    assert harness.scheduled_tasks_fail()
    assert sum(message.text.startswith("📚") for message in harness.slack.messages) == 1
    harness.clock.ahead += timedelta(minutes=6)
    harness.run_scheduled_tasks()
    assert sum(message.text.startswith("📚") for message in harness.slack.messages) == 2


def test_a_digest_is_posted_once_if_the_response_to_the_post_is_lost(harness: Harness) -> None:
    harness.deliver(*report_objects(harness))
    harness.slack.lose_next_response()
    harness.clock.ahead += INDEX_DELAY
    harness.run_scheduled_tasks()
    harness.clock.ahead += timedelta(minutes=3)
    assert "📚 6 findings" in updated_digest(harness).text


def test_the_approvers_are_reminded_of_a_digest_once(harness: Harness) -> None:
    harness.deliver(*report_objects(harness))
    message = updated_digest(harness)
    for _ in range(3):
        harness.clock.ahead += timedelta(hours=25)
        harness.run_scheduled_tasks()
    replies = [reply for reply in harness.slack.messages if reply.thread_ts == message.ts]
    assert len(replies) == 1
    assert f"<@{APPROVER}>" in replies[0].text
    assert "6 findings waiting" in replies[0].text


def test_the_approvers_are_reminded_of_what_failed_after_the_reminder(harness: Harness) -> None:
    harness.deliver(*report_objects(harness))
    message = updated_digest(harness)
    click(harness, "remediate_all")
    harness.strict_s3.deny = lambda operation, _: operation == "CopyObject"
    harness.run_remediator()
    harness.clock.ahead += timedelta(hours=25)
    for _ in range(3):
        harness.run_scheduled_tasks()
        harness.clock.ahead += timedelta(hours=1)
    replies = [reply for reply in harness.slack.messages if reply.thread_ts == message.ts]
    assert [reply.text for reply in replies] == [
        f"⏰ <@{APPROVER}>, <@U0SECOND>: 6 findings failed."
    ]
    harness.clock.ahead = timedelta(hours=30)
    for summary in finding_summaries(harness.table, _digest_id(message)):
        harness.decide(harness.ledger.get(summary.id).finding, Status.REMEDIATING)
        harness.remediate(harness.ledger.get(summary.id).finding)
    for _ in range(30):
        harness.clock.ahead += timedelta(hours=1)
        harness.run_scheduled_tasks()
    replies = [reply for reply in harness.slack.messages if reply.thread_ts == message.ts]
    assert len(replies) == 2


def test_a_redelivered_finding_is_counted_once(harness: Harness) -> None:
    details = report_objects(harness)
    for _ in range(3):
        harness.deliver(*details)
    assert "📚 6 findings" in updated_digest(harness).text
