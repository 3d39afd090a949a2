"""Step 3: what a finding leads to in the ledger, in Slack and in the remediation queue."""

from typing import Any

import pytest

from lambdas.common.ledger.record import POLICY, Status
from lambdas.common.ledger.store import UnknownFindingError
from tests.harness.aws import (
    AUTO,
    BOT_TOKEN,
    CHANNEL,
    IGNORE,
    LEASE_EXPIRY,
    QUARANTINE,
)
from tests.harness.events import CLASSIFICATION_FINDINGS, finding_detail
from tests.harness.harness import Harness
from tests.lambdas.finding_handler.remediation_queue import queue_refuses, request_for


class Died(BaseException):
    """The function dies, as when Lambda stops it."""


def test_a_finding_to_review_is_posted_in_the_channel(harness: Harness) -> None:
    detail = harness.report_object()
    assert harness.deliver(detail) == []
    record = harness.record(detail)
    assert record.status is Status.AWAITING_REVIEW
    assert record.message is not None
    assert (record.message.channel, record.message.id) == (CHANNEL, harness.message.ts)
    assert harness.message.channel == CHANNEL
    assert "please decide" in harness.message.text
    assert harness.button_ids == ["remediate", "dismiss", "open_in_macie"]
    assert harness.queued_remediations == []


def test_a_finding_to_remediate_is_queued_for_the_remediator_and_posts_nothing_yet(
    harness: Harness,
) -> None:
    detail = harness.report_object(AUTO)
    assert harness.deliver(detail) == []
    assert harness.queued_remediations == [
        {"finding_id": detail["id"], "response_url": None, "reply": None}
    ]
    assert harness.invocations == []
    assert harness.record(detail).status is Status.REMEDIATING
    assert harness.record(detail).decision.by == POLICY
    assert harness.slack.messages == ()


def test_a_finding_to_ignore_is_recorded_and_nothing_else_happens(harness: Harness) -> None:
    detail = harness.report_object(IGNORE)
    assert harness.deliver(detail) == []
    assert harness.record(detail).status is Status.IGNORED
    assert harness.record(detail).latest_transition.reason
    assert harness.is_quiet


def test_a_finding_without_a_type_is_reviewed(harness: Harness) -> None:
    detail = harness.report_object(AUTO) | {"type": None}
    assert harness.deliver(detail) == []
    assert harness.record(detail).status is Status.AWAITING_REVIEW
    assert "Macie gave no type" in harness.message.text


def archived() -> dict[str, Any]:
    return finding_detail(archived=True)


def in_quarantine() -> dict[str, Any]:
    detail = finding_detail()
    detail["resourcesAffected"]["s3Bucket"]["name"] = QUARANTINE
    return detail


@pytest.mark.parametrize("make", [archived, in_quarantine], ids=["archived", "in quarantine"])
def test_a_finding_that_needs_no_action_is_recorded_and_nothing_else_happens(
    harness: Harness, make: Any
) -> None:
    assert harness.deliver(make()) == []
    assert harness.record(make()).status is Status.IGNORED
    assert harness.is_quiet


def test_a_policy_finding_is_not_recorded_and_not_delivered_again(harness: Harness) -> None:
    policy = finding_detail("policy-bucket-public.json")
    assert harness.deliver(policy) == []
    with pytest.raises(UnknownFindingError):
        harness.record(policy)
    assert harness.is_quiet


@pytest.mark.parametrize("name", CLASSIFICATION_FINDINGS)
def test_every_kind_of_finding_is_posted(harness: Harness, name: str) -> None:
    detail = finding_detail(name, type="SensitiveData:S3Object/Unheard")
    assert harness.deliver(detail) == []
    assert detail["title"] in str(harness.message.blocks)


def test_a_sample_is_labelled(harness: Harness) -> None:
    harness.deliver(finding_detail("sample-financial.json", type="unlisted"))
    assert "SAMPLE" in harness.message.text
    assert harness.strict_s3.operations == []


def test_a_redelivered_finding_is_posted_once(harness: Harness) -> None:
    detail = harness.report_object()
    for _ in range(3):
        assert harness.deliver(detail) == []
    assert len(harness.slack.messages) == 1
    assert len(harness.record(detail).history) == 1
    assert harness.slack.requests == ["chat.postMessage"]


def test_a_finding_that_is_delivered_concurrently_is_posted_once(harness: Harness) -> None:
    detail = harness.report_object()
    failures = harness.deliver_concurrently([detail] * 4)
    assert failures.count([]) >= 1
    harness.deliver(detail)
    assert len(harness.slack.messages) == 1
    assert harness.record(detail).message is not None


def test_a_delivery_after_the_decision_changes_nothing(harness: Harness) -> None:
    detail = harness.report_object()
    harness.deliver(detail)
    assert harness.click() == 200
    harness.run_remediator()
    before = harness.record(detail), harness.slack.messages
    assert harness.deliver(detail) == []
    assert (harness.record(detail), harness.slack.messages) == before
    assert harness.queued_remediations == []


def test_a_finished_remediation_is_not_started_again(harness: Harness) -> None:
    detail = harness.report_object(AUTO)
    harness.deliver(detail)
    harness.run_remediator()
    assert harness.deliver(detail) == []
    assert harness.queued_remediations == []


def test_a_remediation_that_may_have_been_lost_is_queued_again(harness: Harness) -> None:
    detail = harness.report_object(AUTO)
    harness.deliver(detail)
    assert harness.deliver(detail) == []
    assert len(harness.queued_remediations) == 2
    harness.run_remediator()
    assert len(harness.slack.messages) == 1
    assert harness.bodies(QUARANTINE) == [
        harness.s3.get_object(**_copy(harness, detail))["Body"].read()
    ]


def _copy(harness: Harness, detail: Any) -> dict[str, str]:
    (copy,) = harness.record(detail).copies
    return {"Bucket": copy.bucket, "Key": copy.key, "VersionId": copy.version_id}


@pytest.mark.parametrize(("status", "error"), [(429, "ratelimited"), (500, "internal_error")])
def test_a_message_that_slack_does_not_accept_is_posted_later(
    harness: Harness, status: int, error: str
) -> None:
    detail = harness.report_object()
    harness.slack.fail_next(status, error, retry_after=1)
    assert harness.deliver(detail) == []
    assert harness.record(detail).status is Status.AWAITING_REVIEW
    harness.run_scheduled_tasks()
    assert harness.slack.messages == ()
    harness.clock.ahead = LEASE_EXPIRY
    harness.run_scheduled_tasks()
    assert harness.record(detail).message is not None
    assert harness.record(detail).notify_at is None
    assert "please decide" in harness.message.text


@pytest.mark.parametrize("error", ["channel_not_found", "not_in_channel", "invalid_auth"])
def test_a_finding_that_slack_refuses_ends_in_the_dead_letter_queue(
    harness: Harness, error: str
) -> None:
    harness.slack.fail_next(200, error)
    assert harness.deliver(harness.report_object()) == ["message-0"]


def test_a_function_that_died_before_it_recorded_the_message_finds_it_again(
    harness: Harness,
) -> None:
    detail = harness.report_object()

    def die(**_: Any) -> None:
        if harness.slack.messages:
            raise Died

    harness.register("before-call.dynamodb.PutItem", die)
    with pytest.raises(Died):
        harness.deliver(detail)
    harness.unregister("before-call.dynamodb.PutItem", die)
    harness.restart()
    assert harness.deliver(detail) == ["message-0"]
    harness.clock.ahead = LEASE_EXPIRY
    assert harness.deliver(detail) == []
    assert harness.record(detail).message is not None
    assert harness.slack.requests.count("chat.postMessage") == 1
    assert harness.message.ts == harness.slack.messages[0].ts


def test_without_the_scope_to_read_the_channel_a_message_is_posted_twice_rather_than_lost(
    harness: Harness,
) -> None:
    detail = harness.report_object()
    harness.slack.fail_next(500)
    assert harness.deliver(detail) == []
    harness.clock.ahead = LEASE_EXPIRY
    harness.slack.fail_next(200, "missing_scope")
    harness.run_scheduled_tasks()
    assert len(harness.slack.messages) == 1


def test_a_remediation_that_the_queue_refuses_is_sent_with_the_next_delivery(
    harness: Harness,
) -> None:
    detail = harness.report_object(AUTO)
    with queue_refuses(harness):
        assert harness.deliver(detail) == ["message-0"]
    assert harness.deliver(detail) == []
    assert harness.queued_remediations == [request_for(detail)]


def test_findings_stay_in_the_queue_until_the_secret_is_set(harness: Harness) -> None:
    detail = harness.report_object()
    harness.put_secret(botToken="")
    assert harness.deliver(detail) == ["message-0"]
    harness.put_secret(botToken=BOT_TOKEN)
    harness.clock.ahead = LEASE_EXPIRY
    assert harness.deliver(detail) == []
    assert harness.record(detail).message is not None
