"""Several findings on one object: one message, one decision."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from lambdas.common.ledger.record import POLICY, Status
from lambdas.common.slack.actions import option_value
from local.slack.workspace import Response
from tests.harness.aws import APPROVER, AUTO, CARD, LEASE_EXPIRY, QUARANTINE, REVIEW, SOURCE
from tests.harness.harness import Harness, start_harness

OTHER_TYPE = "SensitiveData:S3Object/Credentials"


def duplicate(
    detail: dict[str, Any], finding_type: str, finding_id: str = "second"
) -> dict[str, Any]:
    """Return the detail of another finding on the same object."""
    return detail | {"id": finding_id, "type": finding_type}


def dismiss(harness: Harness, detail: dict[str, Any]) -> None:
    """Click on the dismissal that the message of the finding shows."""
    choice = option_value("false_positive", detail["id"], harness.record(detail).seen_state)
    assert harness.click("dismiss", choice=choice) == 200


def test_a_second_finding_on_an_object_is_shown_in_the_message_of_the_first(
    harness: Harness,
) -> None:
    detail = harness.report_object()
    harness.deliver(detail, duplicate(detail, OTHER_TYPE))
    assert "Also found in this object" in str(harness.message.blocks)
    assert OTHER_TYPE in str(harness.message.blocks)
    second = harness.record(duplicate(detail, OTHER_TYPE))
    assert (second.status, second.primary) == (Status.DUPLICATE, detail["id"])
    assert [merged.id for merged in harness.record(detail).duplicates] == ["second"]


def test_one_decision_covers_all_findings_on_the_object(harness: Harness) -> None:
    detail = harness.report_object()
    harness.deliver(detail, duplicate(detail, OTHER_TYPE))
    harness.click()
    harness.run_remediator()
    assert harness.bodies(SOURCE) == []
    assert harness.bodies(QUARANTINE) == [CARD]
    assert "Object quarantined" in harness.message.text
    assert OTHER_TYPE in str(harness.message.blocks)


def test_a_duplicate_that_comes_after_the_decision_is_shown_too(harness: Harness) -> None:
    detail = harness.report_object(AUTO)
    harness.deliver(detail)
    harness.run_remediator()
    harness.deliver(duplicate(detail, REVIEW))
    assert "Object quarantined" in harness.message.text
    assert REVIEW in str(harness.message.blocks)
    assert harness.button_ids == ["restore", "open_in_macie"]


def test_a_duplicate_that_is_delivered_again_is_added_once(harness: Harness) -> None:
    detail = harness.report_object()
    harness.deliver(detail)
    for _ in range(3):
        assert harness.deliver(duplicate(detail, OTHER_TYPE)) == []
    assert len(harness.record(detail).duplicates) == 1
    assert len(harness.slack.messages) == 1


@pytest.mark.parametrize("times", range(3))
def test_of_concurrent_findings_on_an_object_one_is_primary(harness: Harness, times: int) -> None:
    detail = harness.report_object()
    both = [duplicate(detail, REVIEW, f"a{times}"), duplicate(detail, OTHER_TYPE, f"b{times}")]
    while any(harness.deliver_concurrently(both)):
        harness.clock.ahead += LEASE_EXPIRY
    assert len(harness.slack.messages) == 1
    assert sorted(harness.record(detail).status for detail in both) == [
        Status.AWAITING_REVIEW,
        Status.DUPLICATE,
    ]


def test_a_duplicate_that_is_remediated_automatically_does_not_wait_for_a_review(
    harness: Harness,
) -> None:
    detail = harness.report_object()
    harness.deliver(detail)
    harness.deliver(duplicate(detail, AUTO))
    harness.run_remediator()
    record = harness.record(detail)
    assert (record.status, record.decision.by) == (Status.QUARANTINED, POLICY)
    assert "Quarantined automatically" in harness.message.text


def test_an_object_of_a_dry_run_is_remediated_when_it_is_found_again_in_live_mode() -> None:
    with start_harness(mode="DRY_RUN") as harness:
        detail = harness.report_object(AUTO)
        harness.deliver(detail)
        harness.run_remediator()
        harness.change_settings(mode="LIVE")
        harness.deliver(duplicate(detail, AUTO))
        harness.run_remediator()
        assert harness.record(detail).status is Status.QUARANTINED
        assert harness.bodies(QUARANTINE) == [CARD]
        assert "Quarantined automatically" in harness.message.text


def test_a_dismissed_object_is_reviewed_again_when_another_type_is_found_in_it(
    harness: Harness,
) -> None:
    detail = harness.report_object()
    harness.deliver(detail)
    dismiss(harness, detail)
    harness.deliver(duplicate(detail, REVIEW, "the-same-type"))
    assert harness.record(detail).status is Status.DISMISSED
    harness.deliver(duplicate(detail, OTHER_TYPE, "another-type"))
    assert harness.record(detail).status is Status.AWAITING_REVIEW
    assert "please decide" in harness.message.text
    assert "Credentials was found in it as well" in harness.message.text


def test_the_approvers_are_reminded_of_a_finding_that_is_reviewed_again(harness: Harness) -> None:
    detail = harness.report_object()
    harness.deliver(detail)
    dismiss(harness, detail)
    harness.run_remediator()
    harness.clock.ahead = timedelta(hours=48)
    harness.deliver(duplicate(detail, OTHER_TYPE))
    harness.clock.ahead += timedelta(hours=23)
    harness.run_scheduled_tasks()
    assert len(harness.slack.messages) == 1
    harness.clock.ahead += timedelta(hours=2)
    harness.run_scheduled_tasks()
    assert "has waited for a decision" in harness.slack.messages[-1].text


def test_the_same_content_uploaded_again_is_another_object(harness: Harness) -> None:
    detail = harness.report_object()
    again = duplicate(detail, REVIEW)
    s3_object = again["resourcesAffected"]["s3Object"] | {"lastModified": "2026-11-23T01:00:00Z"}
    again["resourcesAffected"] = again["resourcesAffected"] | {"s3Object": s3_object}
    harness.deliver(detail, again)
    assert harness.record(again).status is Status.AWAITING_REVIEW
    assert len(harness.slack.messages) == 2


def test_each_sample_has_its_own_message(harness: Harness) -> None:
    detail = harness.report_object() | {"sample": True}
    harness.deliver(detail, duplicate(detail, OTHER_TYPE))
    assert len(harness.slack.messages) == 2


def test_each_version_of_a_key_has_its_own_message() -> None:
    with start_harness(versioning="Enabled") as harness:
        harness.deliver(harness.report_object(), harness.report_object(body=b"newer"))
        assert len(harness.slack.messages) == 2


def test_an_ignored_finding_is_not_primary(harness: Harness) -> None:
    detail = harness.report_object()
    harness.deliver(duplicate(detail, REVIEW, "archived") | {"archived": True}, detail)
    assert harness.record(detail).status is Status.AWAITING_REVIEW


@pytest.fixture
def failed(harness: Harness) -> Harness:
    """The functions, with a remediation that S3 refused."""
    harness.strict_s3.deny = lambda operation, _: operation == "CopyObject"
    return harness


def replies(harness: Harness) -> list[str]:
    return [message.text for message in harness.slack.messages if message.thread_ts]


def test_a_finding_on_an_object_whose_remediation_failed_is_announced(failed: Harness) -> None:
    detail = failed.report_object(AUTO)
    failed.deliver(detail)
    failed.run_remediator()
    (message,) = failed.slack.messages
    failed.deliver(duplicate(detail, OTHER_TYPE))
    (reply,) = replies(failed)
    assert OTHER_TYPE in reply
    assert f"<@{APPROVER}>" in reply
    assert "The remediation of this object failed" in reply
    assert OTHER_TYPE in str(failed.slack.message(message.ts).blocks)


def test_an_announcement_that_slack_does_not_accept_becomes_a_reminder(failed: Harness) -> None:
    detail = failed.report_object(AUTO)
    failed.deliver(detail)
    failed.run_remediator()

    def refuse_replies(method: str, proceed: Callable[[], Response]) -> Response:
        if method != "chat.postMessage":
            return proceed()
        failed.slack.interceptor = usual
        return Response(status=429, body={"ok": False, "error": "ratelimited"}, retry_after=30)

    usual, failed.slack.interceptor = failed.slack.interceptor, refuse_replies
    assert failed.deliver(duplicate(detail, OTHER_TYPE)) == []
    assert replies(failed) == []
    failed.clock.ahead = timedelta(minutes=6)
    failed.run_scheduled_tasks()
    assert f"<@{APPROVER}>" in replies(failed)[0]


def test_a_finding_on_a_failed_object_of_a_digest_is_announced_in_its_thread() -> None:
    with start_harness(digest_threshold=0) as harness:
        harness.strict_s3.deny = lambda operation, _: operation == "CopyObject"
        detail = harness.report_object(AUTO)
        harness.deliver(detail)
        harness.run_remediator()
        harness.clock.ahead += timedelta(seconds=6)
        harness.run_scheduled_tasks()
        (digest,) = harness.slack.messages
        harness.deliver(duplicate(detail, OTHER_TYPE))
        (reply,) = (message for message in harness.slack.messages if message.thread_ts)
        assert reply.thread_ts == digest.ts
        assert OTHER_TYPE in reply.text


def test_the_latest_of_many_duplicates_are_kept(harness: Harness) -> None:
    detail = harness.report_object()
    harness.deliver(detail)
    record = harness.record(detail)
    for number in range(100):
        record = record.add_duplicate(replace(record.finding, id=f"{number}"))
    assert [merged.id for merged in record.duplicates][-1] == "99"
    assert len(record.duplicates) < 50
