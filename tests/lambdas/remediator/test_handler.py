"""Steps 1 to 8 in one process, as people see them; and what Slack's failures do to the last one."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from lambdas.common.dispatch import RemediationRequest
from lambdas.common.ledger.record import Status
from lambdas.common.ledger.store import UnknownFindingError
from lambdas.common.ledger.table import ConflictError
from lambdas.remediator import handler
from lambdas.remediator.leases import acquire_lease
from local.slack.fake_slack import FakeSlack
from local.slack.workspace import Message
from tests.harness.aws import (
    ACCOUNT,
    APPROVER,
    AUTO,
    CARD,
    KEY,
    LEASE_EXPIRY,
    QUARANTINE,
    REMEDIATOR_FUNCTION,
    REVIEW,
    SOURCE,
)
from tests.harness.events import LambdaContext, finding_detail, sqs_batch
from tests.harness.faults import Killed
from tests.harness.harness import Harness, Invocation, start_harness

LATER = timedelta(minutes=31)
SECOND_APPROVER = "U0SECOND"
CONTEXT: Any = LambdaContext()

Clicked = tuple[Harness, dict[str, Any]]


@pytest.fixture
def clicked(harness: Harness) -> Clicked:
    """Deploy the functions, with a finding that was just approved."""
    found = harness.report_object()
    harness.deliver(found)
    assert harness.click() == 200
    return harness, found


def shows_quarantined(harness: Harness, *, by: str = f"by <@{APPROVER}>") -> bool:
    """Return whether the one message says that the object is in quarantine, and by whom."""
    return "Object quarantined" in harness.message.text and by in harness.message.text


def invocation_for(found: Any, *, response_url: str | None = None) -> Invocation:
    """Return an invocation of the remediator for a finding."""
    request = RemediationRequest(finding_id=found["id"], response_url=response_url)
    return Invocation(function=REMEDIATOR_FUNCTION, kind="Event", payload=request.to_payload())


def test_a_finding_is_reviewed_approved_moved_and_shown(clicked: Clicked) -> None:
    harness, found = clicked
    harness.run_remediator()
    assert harness.bodies(SOURCE) == []
    assert harness.bodies(QUARANTINE) == [CARD]
    assert shows_quarantined(harness)
    assert f"{QUARANTINE}/{ACCOUNT}/{SOURCE}/{KEY}" in harness.message.text
    assert harness.button_ids == ["restore", "open_in_macie"]
    assert [transition.status for transition in harness.record(found).history] == [
        Status.AWAITING_REVIEW,
        Status.REMEDIATING,
        Status.QUARANTINED,
    ]


def test_a_finding_is_remediated_and_shown_without_anybody(harness: Harness) -> None:
    found = harness.report_object(AUTO)
    harness.deliver(found)
    harness.run_remediator()
    assert harness.bodies(SOURCE) == []
    assert harness.bodies(QUARANTINE) == [CARD]
    assert shows_quarantined(harness, by="automatically")
    assert harness.record(found).message is not None


@pytest.mark.parametrize("finding_type", [AUTO, REVIEW])
def test_a_sample_finding_takes_every_step_without_a_request_to_s3(
    harness: Harness, finding_type: str
) -> None:
    sample = finding_detail("sample-financial.json", type=finding_type)
    harness.deliver(sample)
    if finding_type != AUTO:
        assert harness.click() == 200
    harness.run_remediator()
    assert harness.record(sample).status is Status.NOT_FOUND
    assert harness.strict_s3.operations == []
    assert "SAMPLE" in harness.message.text
    assert "nothing to move" in harness.message.text


def test_the_message_shows_at_once_that_it_is_in_progress_and_by_whom(clicked: Clicked) -> None:
    harness, _ = clicked
    seen: list[tuple[Message, list[str]]] = []
    harness.register(
        "before-call.s3.HeadObject", lambda **_: seen.append((harness.message, harness.button_ids))
    )
    harness.run_remediator()
    message, button_ids = seen[0]
    assert "in progress" in message.text
    assert f"<@{APPROVER}>" in message.text
    assert button_ids == ["open_in_macie"]


def test_where_the_response_url_has_expired_the_message_is_updated(clicked: Clicked) -> None:
    harness, _ = clicked
    harness.slack.limit_response_urls(0)
    harness.run_remediator()
    assert shows_quarantined(harness)
    assert harness.slack.requests[-1] == "chat.update"


def test_where_the_response_url_was_used_up_the_message_is_updated(clicked: Clicked) -> None:
    harness, _ = clicked
    harness.slack.limit_response_urls(1)
    harness.run_remediator()
    assert shows_quarantined(harness)
    assert harness.slack.requests[-2:] == ["response_url", "chat.update"]


def test_an_invocation_without_a_response_url_updates_the_message(clicked: Clicked) -> None:
    harness, found = clicked
    harness.invocations[:] = [invocation_for(found)]
    harness.run_remediator()
    assert shows_quarantined(harness)
    assert "response_url" not in harness.slack.requests


def test_a_response_url_elsewhere_is_never_used(clicked: Clicked) -> None:
    harness, found = clicked
    with FakeSlack(bot_token="", signing_secret="") as elsewhere:
        url = f"{elsewhere.hooks_url}actions/1"
        harness.invocations[:] = [invocation_for(found, response_url=url)]
        harness.run_remediator()
        assert elsewhere.requests == []
    assert shows_quarantined(harness)


@pytest.mark.parametrize("error", ["message_not_found", "cant_update_message"])
def test_a_message_that_cannot_be_updated_is_posted_again(clicked: Clicked, error: str) -> None:
    harness, found = clicked
    harness.invocations[:] = [invocation_for(found)]
    before = harness.message.ts
    harness.slack.fail_next(200, error)
    harness.run_remediator()
    *_, posted = harness.slack.messages
    assert posted.ts != before
    assert "Object quarantined" in posted.text
    message = harness.record(found).message
    assert message is not None
    assert message.id == posted.ts


def test_a_message_that_somebody_deleted_is_posted_again(clicked: Clicked) -> None:
    harness, found = clicked
    harness.slack.delete(harness.message.ts)
    harness.invocations[:] = [invocation_for(found)]
    harness.run_remediator()
    assert "Object quarantined" in harness.message.text


FAILURES = [(429, "ratelimited"), (500, "internal_error"), (503, "service_unavailable")]


@pytest.mark.parametrize(("status", "error"), FAILURES)
def test_what_slack_does_not_accept_is_shown_later_and_moved_once(
    clicked: Clicked, status: int, error: str
) -> None:
    harness, found = clicked
    harness.invocations[:] = [invocation_for(found)]
    harness.slack.fail_next(status, error, retry_after=1)
    harness.run_remediator()
    assert harness.record(found).status is Status.QUARANTINED
    harness.strict_s3.requests.clear()
    harness.clock.ahead = LEASE_EXPIRY
    harness.run_scheduled_tasks()
    assert harness.record(found).due_at is None
    assert harness.strict_s3.operations == []
    assert harness.bodies(QUARANTINE) == [CARD]
    assert shows_quarantined(harness)


@pytest.mark.parametrize(("status", "error"), FAILURES)
def test_an_automatic_remediation_is_shown_later_as_well(
    harness: Harness, status: int, error: str
) -> None:
    found = harness.report_object(AUTO)
    harness.deliver(found)
    harness.slack.fail_next(status, error, retry_after=1)
    harness.run_remediator()
    harness.clock.ahead = LEASE_EXPIRY
    harness.run_scheduled_tasks()
    assert harness.record(found).due_at is None
    assert shows_quarantined(harness, by="automatically")
    assert len(harness.slack.messages) == 1


def test_a_second_invocation_shows_the_same_and_moves_nothing(clicked: Clicked) -> None:
    harness, found = clicked
    again = list(harness.invocations)
    harness.run_remediator()
    before = harness.record(found)
    harness.strict_s3.requests.clear()
    harness.invocations[:] = again
    harness.run_remediator(request_id="request-2")
    assert harness.strict_s3.operations == []
    assert harness.record(found) == before
    assert shows_quarantined(harness)


def queue_event(found: Any) -> dict[str, Any]:
    """Return the event with which the remediation queue has a finding remediated."""
    return sqs_batch(RemediationRequest(finding_id=found["id"]).to_payload())


def test_a_message_of_the_queue_is_carried_out(harness: Harness) -> None:
    found = harness.report_object(AUTO)
    harness.deliver(found)
    handler.lambda_handler(queue_event(found), CONTEXT)
    assert harness.record(found).status is Status.QUARANTINED
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([], [CARD])


def test_a_message_that_fails_is_raised_and_its_next_delivery_continues_at_once(
    harness: Harness,
) -> None:
    """Each delivery is an invocation with an id of its own; the message keeps its id."""
    found = harness.report_object(AUTO)
    harness.deliver(found)
    event = queue_event(found)
    harness.faults.kill_after = "CopyObject"
    with pytest.raises(Killed):
        handler.lambda_handler(event, LambdaContext("request-1"))
    harness.faults.reset()
    handler.lambda_handler(event, LambdaContext("request-2"))
    assert harness.record(found).status is Status.QUARANTINED
    assert harness.bodies(QUARANTINE) == [CARD]


@pytest.mark.usefixtures("harness")
def test_a_message_for_an_unknown_finding_fails() -> None:
    with pytest.raises(UnknownFindingError):
        handler.lambda_handler(queue_event({"id": "unheard-of"}), CONTEXT)


def thread_replies(harness: Harness) -> list[str]:
    """Return the replies in the thread of the one message."""
    return [message.text for message in harness.slack.messages if message.thread_ts]


def test_a_failure_after_a_click_mentions_whoever_clicked_in_the_thread(clicked: Clicked) -> None:
    harness, found = clicked
    harness.strict_s3.deny = _denied("CopyObject", QUARANTINE)
    harness.run_remediator()
    (reply,) = thread_replies(harness)
    assert reply.startswith(f"<@{APPROVER}>: the remediation failed: ")
    assert harness.record(found).latest_transition.reason.split(",")[0] in reply
    assert "press Retry" in reply

    harness.click("retry", user=SECOND_APPROVER)
    harness.run_remediator()
    assert thread_replies(harness)[1].startswith(f"<@{SECOND_APPROVER}>: the remediation failed")


def test_a_restore_that_fails_mentions_whoever_clicked_as_well(clicked: Clicked) -> None:
    harness, _ = clicked
    harness.run_remediator()
    assert thread_replies(harness) == []
    harness.strict_s3.deny = _denied("CopyObject", SOURCE)
    harness.click("restore", user=SECOND_APPROVER)
    harness.run_remediator()
    (reply,) = thread_replies(harness)
    assert reply.startswith(f"<@{SECOND_APPROVER}>: the restore failed: ")


def test_an_automatic_failure_mentions_nobody(harness: Harness) -> None:
    found = harness.report_object(AUTO)
    harness.deliver(found)
    harness.strict_s3.deny = _denied("CopyObject", QUARANTINE)
    harness.run_remediator()
    assert harness.record(found).status is Status.FAILED
    assert thread_replies(harness) == []


def test_a_failure_is_replied_to_once_though_the_invocation_comes_twice(clicked: Clicked) -> None:
    harness, found = clicked
    harness.strict_s3.deny = _denied("CopyObject", QUARANTINE)
    harness.invocations.append(invocation_for(found))
    harness.run_remediator()
    assert len(thread_replies(harness)) == 1


@pytest.mark.parametrize(("hours", "is_due"), [(24, True), ("OFF", False), (None, False)])
def test_the_approvers_are_reminded_of_a_failure(
    harness: Harness, hours: Any, *, is_due: bool
) -> None:
    harness.change_settings(reminder_hours=hours)
    finding = harness.put_object()
    harness.strict_s3.deny = _denied("CopyObject", QUARANTINE)
    record = harness.quarantine(finding)
    expected = record.latest_transition.at + timedelta(hours=24)
    assert record.check_at == (expected if is_due else None)


@pytest.mark.usefixtures("harness")
def test_an_invocation_for_an_unknown_finding_fails() -> None:
    with pytest.raises(UnknownFindingError):
        handler.lambda_handler({"finding_id": "unheard-of"}, CONTEXT)


def changed_at(found: Any, moment: str) -> Any:
    """Return the finding as if its object were another one, as far as Macie can know."""
    affected = found["resourcesAffected"]
    changed = affected | {"s3Object": affected["s3Object"] | {"lastModified": moment}}
    return found | {"resourcesAffected": changed}


def lease_elsewhere(harness: Harness, found: Any) -> bool:
    """Acquire the lease on the key of a finding's object for another invocation."""
    now = harness.clock.now()
    return acquire_lease(
        harness.table,
        harness.record(found),
        holder="elsewhere",
        now=now,
        until=now + LEASE_EXPIRY,
    )


def test_while_another_finding_on_the_key_is_worked_on_this_finding_waits(
    harness: Harness,
) -> None:
    first = harness.report_object(AUTO)
    second = changed_at(first, "2026-11-20T00:00:00Z") | {"id": "second"}
    harness.deliver(first, second)
    assert lease_elsewhere(harness, first)
    with pytest.raises(ConflictError):
        harness.run_remediator(request_id="here")
    assert harness.bodies(SOURCE) == [CARD]
    harness.clock.ahead = LATER
    harness.run_remediator(request_id="here")
    assert harness.record(second).status is Status.QUARANTINED


def test_while_the_finding_itself_is_worked_on_a_second_invocation_leaves_it_alone(
    harness: Harness,
) -> None:
    found = harness.report_object(AUTO)
    harness.deliver(found)
    assert lease_elsewhere(harness, found)
    harness.run_remediator(request_id="here")
    assert harness.record(found).status is Status.REMEDIATING
    assert harness.bodies(SOURCE) == [CARD]
    assert harness.strict_s3.operations == []


def _denied(operation: str, bucket: str) -> Callable[..., bool]:
    return lambda name, parameters: name == operation and parameters["Bucket"] == bucket


def test_a_failure_is_shown_with_advice_and_works_on_retry(
    clicked: Clicked,
) -> None:
    harness, found = clicked
    harness.strict_s3.deny = _denied("CopyObject", QUARANTINE)
    harness.run_remediator()
    assert "Remediation failed" in harness.message.text
    assert SOURCE in harness.message.text
    assert "the quarantine bucket's policy" in harness.message.text
    assert harness.bodies(SOURCE) == [CARD]
    assert harness.bodies(QUARANTINE) == []
    harness.strict_s3.deny = lambda *_: False
    assert harness.click("retry", user=SECOND_APPROVER) == 200
    harness.run_remediator()
    assert shows_quarantined(harness, by=f"by <@{SECOND_APPROVER}>")
    assert harness.bodies(SOURCE) == []
    assert [transition.status for transition in harness.record(found).history][-3:] == [
        Status.FAILED,
        Status.REMEDIATING,
        Status.QUARANTINED,
    ]


def test_a_copy_whose_original_may_not_be_deleted_is_removed_again(
    clicked: Clicked,
) -> None:
    harness, _ = clicked
    harness.strict_s3.deny = _denied("DeleteObject", SOURCE)
    harness.run_remediator()
    assert "Remediation failed" in harness.message.text
    assert harness.bodies(SOURCE) == [CARD]
    assert harness.bodies(QUARANTINE) == []


def test_what_was_quarantined_comes_back_by_a_click(
    clicked: Clicked,
) -> None:
    harness, found = clicked
    harness.run_remediator()
    assert harness.click("restore", user=SECOND_APPROVER) == 200
    harness.run_remediator()
    assert harness.bodies(SOURCE) == [CARD]
    assert harness.bodies(QUARANTINE) == []
    assert "Object restored" in harness.message.text
    assert f"<@{SECOND_APPROVER}>" in harness.message.text
    assert harness.record(found).status is Status.RESTORED


def test_an_object_that_changed_after_the_click_is_left_alone(
    clicked: Clicked,
) -> None:
    harness, found = clicked
    harness.report_object(body=b"innocent")
    harness.run_remediator()
    assert harness.record(found).status is Status.CHANGED
    assert harness.bodies(SOURCE) == [b"innocent"]
    assert harness.bodies(QUARANTINE) == []
    assert "Nothing was moved or deleted" in harness.message.text


def test_an_object_that_is_gone_after_the_click_is_not_found(
    clicked: Clicked,
) -> None:
    harness, found = clicked
    harness.s3.delete_object(Bucket=SOURCE, Key=KEY)
    harness.run_remediator()
    assert harness.record(found).status is Status.NOT_FOUND
    assert "not there any more" in harness.message.text


def test_a_bucket_that_macie_says_another_account_owns_is_not_touched(harness: Harness) -> None:
    found = harness.report_object(AUTO) | {"accountId": "999988887777"}
    harness.deliver(found)
    harness.run_remediator()
    assert harness.bodies(SOURCE) == [CARD]
    assert harness.bodies(QUARANTINE) == []
    assert "Remediation failed" in harness.message.text


def _pinned(found: Any, version_id: str) -> Any:
    affected = found["resourcesAffected"]
    return affected | {"s3Object": affected["s3Object"] | {"versionId": version_id}}


def test_a_version_that_was_deleted_with_a_marker_is_moved_all_the_same() -> None:
    with start_harness(versioning="Enabled") as harness:
        found = harness.report_object(AUTO)
        harness.s3.delete_object(Bucket=SOURCE, Key=KEY)
        harness.deliver(found)
        harness.run_remediator()
        assert harness.bodies(SOURCE) == []
        assert harness.bodies(QUARANTINE) == [CARD]
        assert shows_quarantined(harness, by="automatically")


def test_a_finding_on_a_marker_hidden_object_without_a_version_is_not_found() -> None:
    with start_harness(versioning="Enabled") as harness:
        found = harness.report_object(AUTO)
        unpinned = found | {"resourcesAffected": _pinned(found, "")}
        harness.s3.delete_object(Bucket=SOURCE, Key=KEY)
        harness.deliver(unpinned)
        harness.run_remediator()
        assert harness.record(found).status is Status.NOT_FOUND
        assert harness.bodies(SOURCE) == [CARD]


def test_the_same_content_put_again_is_what_macie_saw(harness: Harness) -> None:
    found = harness.report_object(AUTO)
    harness.report_object()
    harness.deliver(found)
    harness.run_remediator()
    assert harness.bodies(SOURCE) == []
    assert harness.bodies(QUARANTINE) == [CARD]


def test_an_invocation_that_came_twice_posts_one_message(harness: Harness) -> None:
    found = harness.report_object(AUTO)
    harness.deliver(found)
    harness.invocations.append(invocation_for(found))
    harness.run_remediator()
    assert len(harness.slack.messages) == 1
