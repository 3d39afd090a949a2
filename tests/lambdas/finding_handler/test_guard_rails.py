"""The limits of what is moved without a person's decision."""

from typing import Any

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
            "id": f"finding {number}",
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
        assert len(harness.invocations) == 2
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


def test_the_next_hour_has_a_limit_of_its_own() -> None:
    with start_harness(auto_remediation_hourly_limit=1) as harness:
        first, second = findings(harness, 2)
        harness.deliver(first)
        harness.clock.ahead += 60 * LEASE_EXPIRY
        harness.deliver(second)
        assert harness.record(second).status is Status.REMEDIATING


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
        assert harness.invocations == []


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
