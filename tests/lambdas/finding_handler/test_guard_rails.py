"""The limits of what is moved without a person's decision."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambdas.common.ledger.record import POLICY, Status
from tests.harness.aws import AUTO, CARD, LEASE_EXPIRY, QUARANTINE, SOURCE
from tests.harness.harness import Harness, start_harness


def findings(harness: Harness, count: int) -> list[dict[str, Any]]:
    """Return findings on different objects, all of a type that is remediated automatically."""
    detail = harness.report_object(AUTO)
    affected = detail["resourcesAffected"]
    return [
        detail
        | {
            "id": f"finding-{number}",
            "resourcesAffected": affected
            | {"s3Object": affected["s3Object"] | {"key": f"{number}.csv"}},
        }
        for number in range(count)
    ]


def statuses(harness: Harness, details: list[dict[str, Any]]) -> list[Status]:
    return sorted(harness.record(detail).status for detail in details)


def test_above_the_hourly_limit_findings_are_reviewed_and_their_messages_say_why() -> None:
    with start_harness(auto_remediation_hourly_limit=2) as harness:
        details = findings(harness, 4)
        harness.deliver(*details)
        assert statuses(harness, details) == [
            *[Status.AWAITING_REVIEW] * 2,
            *[Status.REMEDIATING] * 2,
        ]
        assert len(harness.queued_remediations) == 2
        for message in harness.slack.messages:
            assert "hourly limit of automatic remediations is reached" in message.text


def test_concurrent_handlers_keep_to_the_limit_together() -> None:
    with start_harness(auto_remediation_hourly_limit=3) as harness:
        details = findings(harness, 8)
        while any(harness.deliver_concurrently(details)):
            harness.clock.ahead += LEASE_EXPIRY
        assert statuses(harness, details).count(Status.REMEDIATING) == 3


def test_a_redelivered_finding_counts_once() -> None:
    with start_harness(auto_remediation_hourly_limit=2) as harness:
        first, second = findings(harness, 2)
        for _ in range(5):
            harness.deliver(first)
        harness.deliver(second)
        assert harness.record(second).status is Status.REMEDIATING


def test_after_an_hour_there_is_room_for_another_remediation() -> None:
    with start_harness(auto_remediation_hourly_limit=1) as harness:
        first, second, third = findings(harness, 3)
        harness.deliver(first)
        harness.clock.ahead += timedelta(minutes=59)
        harness.deliver(second)
        harness.clock.ahead += timedelta(minutes=12)
        harness.deliver(third)
        assert harness.record(second).status is Status.AWAITING_REVIEW
        assert harness.record(third).status is Status.REMEDIATING


def test_the_full_hour_of_the_clock_gives_no_more_room() -> None:
    """Somebody who waits for it would have twice the limit within minutes."""
    with start_harness(auto_remediation_hourly_limit=2) as harness:
        details = findings(harness, 6)
        now = datetime.now(UTC)
        full_hour = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        harness.clock.ahead = full_hour - now - timedelta(minutes=1)
        harness.deliver(*details[:3])
        harness.clock.ahead += timedelta(minutes=2)
        harness.deliver(*details[3:])
        assert statuses(harness, details).count(Status.REMEDIATING) == 2


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    minutes=st.lists(st.integers(0, 25), min_size=8, max_size=8),
    limit=st.integers(1, 3),
)
def test_no_hour_has_more_automatic_remediations_than_the_limit(
    minutes: list[int], limit: int
) -> None:
    with start_harness(auto_remediation_hourly_limit=limit) as harness:
        details = findings(harness, len(minutes))
        for detail, pause in zip(details, minutes, strict=True):
            harness.clock.ahead += timedelta(minutes=pause)
            harness.deliver(detail)
        records = [harness.record(detail) for detail in details]
    moved = sorted(record.history[0].at for record in records if record.is_automatic)
    for start in moved:
        assert sum(start <= at <= start + timedelta(hours=1) for at in moved) <= limit


def test_a_bucket_cannot_use_up_the_limit_of_all_buckets() -> None:
    with start_harness(auto_remediation_bucket_hourly_limit=2) as harness:
        details = findings(harness, 4)
        elsewhere = findings(harness, 1)[0] | {"id": "elsewhere"}
        elsewhere["resourcesAffected"] = elsewhere["resourcesAffected"] | {
            "s3Bucket": elsewhere["resourcesAffected"]["s3Bucket"] | {"name": "another-bucket"}
        }
        harness.deliver(*details, elsewhere)
        assert statuses(harness, details).count(Status.REMEDIATING) == 2
        assert harness.record(elsewhere).status is Status.REMEDIATING
        for message in harness.slack.messages:
            assert "remediations in this bucket is reached" in message.text


@pytest.mark.parametrize("name", ["", "bucket_"])
def test_a_limit_that_is_reached_is_in_the_metrics(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    limit: dict[str, Any] = {f"auto_remediation_{name}hourly_limit": 1}
    with start_harness(**limit) as harness:
        first, second = findings(harness, 2)
        harness.deliver(first)
        assert "AutomaticLimitReached" not in capsys.readouterr().out
        harness.deliver(second)
        assert '"AutomaticLimitReached":[1.0]' in capsys.readouterr().out


def test_the_limits_cost_one_request_however_many_there_are(harness: Harness) -> None:
    harness.change_settings(auto_remediation_hourly_limit=5, auto_remediation_bucket_hourly_limit=5)
    for detail in findings(harness, 2):
        harness.faults.reset()
        harness.deliver(detail)
        assert harness.faults.calls == ["BatchGetItem", "TransactWriteItems", "SendMessage"]


def test_what_an_approver_restored_is_reviewed_when_it_is_found_again(harness: Harness) -> None:
    detail = harness.report_object(AUTO)
    harness.deliver(detail)
    harness.run_remediator()
    assert harness.click("restore") == 200
    harness.run_remediator()
    assert harness.record(detail).status is Status.RESTORED
    again = detail | {"id": "again"}
    s3_object = again["resourcesAffected"]["s3Object"] | {"lastModified": "2027-01-01T00:00:00Z"}
    again["resourcesAffected"] = again["resourcesAffected"] | {"s3Object": s3_object}
    harness.deliver(again)
    assert harness.record(again).status is Status.AWAITING_REVIEW
    assert "an approver restored this object before" in harness.slack.messages[-1].text
    harness.deliver(again | {"id": "and-again"})
    assert harness.record(again).status is Status.AWAITING_REVIEW
    assert harness.bodies(SOURCE) == [CARD]


def test_other_content_under_the_key_of_a_restored_object_is_moved(harness: Harness) -> None:
    detail = harness.report_object(AUTO)
    harness.deliver(detail)
    harness.run_remediator()
    assert harness.click("restore") == 200
    harness.run_remediator()
    other = harness.report_object(AUTO, body=b"other")
    harness.deliver(other)
    assert harness.record(other).status is Status.REMEDIATING


def test_a_duplicate_is_subject_to_the_limit_too() -> None:
    with start_harness(auto_remediation_hourly_limit=1) as harness:
        moved, reviewed = findings(harness, 2)
        harness.deliver(moved)
        harness.deliver(reviewed)
        harness.deliver(reviewed | {"id": "duplicate"})
        assert harness.record(reviewed).status is Status.AWAITING_REVIEW
        (duplicate,) = harness.record(reviewed).duplicates
        assert duplicate.id == "duplicate"


def test_a_protected_bucket_is_always_reviewed() -> None:
    with start_harness(protected_buckets=["acme-p*"]) as harness:
        detail = harness.report_object(AUTO)
        harness.deliver(detail)
        assert harness.record(detail).status is Status.AWAITING_REVIEW
        assert "the bucket is protected" in harness.message.text
        assert harness.queued_remediations == []


def test_a_dry_run_moves_nothing_and_shows_what_would_have_been_moved() -> None:
    with start_harness(mode="DRY_RUN") as harness:
        detail = harness.report_object(AUTO)
        harness.deliver(detail)
        harness.run_remediator()
        assert harness.record(detail).status is Status.DRY_RUN
        assert harness.bodies(SOURCE) == [CARD]
        assert harness.bodies(QUARANTINE) == []
        assert set(harness.strict_s3.operations) <= {"HeadObject", "ListObjectVersions"}
        assert "Dry run: nothing was moved" in harness.message.text
        assert "32 bytes, would have been moved into quarantine" in harness.message.text
        assert harness.button_ids == ["remediate", "open_in_macie"]


def test_an_object_of_a_dry_run_can_be_moved_once_the_mode_is_live() -> None:
    with start_harness(mode="DRY_RUN") as harness:
        detail = harness.report_object(AUTO)
        harness.deliver(detail)
        harness.run_remediator()
        harness.change_settings(mode="LIVE")
        assert harness.click() == 200
        harness.run_remediator()
        assert harness.record(detail).status is Status.QUARANTINED
        assert harness.record(detail).decision.by != POLICY
        assert harness.bodies(QUARANTINE) == [CARD]


def test_a_dry_run_restores_nothing_either(harness: Harness) -> None:
    detail = harness.report_object(AUTO)
    harness.deliver(detail)
    harness.run_remediator()
    harness.change_settings(mode="DRY_RUN")
    assert harness.click("restore") == 200
    harness.run_remediator()
    assert harness.record(detail).status is Status.FAILED
    assert harness.bodies(QUARANTINE) == [CARD]
    assert "still in quarantine" in harness.message.text
    harness.change_settings(mode="LIVE")
    assert harness.click("retry") == 200
    harness.run_remediator()
    assert harness.bodies(SOURCE) == [CARD]


def test_an_unknown_mode_moves_nothing() -> None:
    with start_harness(mode="live") as harness:
        harness.deliver(harness.report_object(AUTO))
        harness.run_remediator()
        assert harness.bodies(SOURCE) == [CARD]
