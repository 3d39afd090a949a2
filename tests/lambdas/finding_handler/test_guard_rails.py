"""What stands between a finding and an object that is moved without anybody's decision."""

import json
from typing import Any

from lambdas.common.record import POLICY, Status
from tests.lambdas.deployment import AUTO, CARD, QUARANTINE, SOURCE, Deployment, deployed


def findings(here: Deployment, count: int) -> list[dict[str, Any]]:
    """Make findings on objects of their own, all of a type that is remediated at once."""
    found = here.put(AUTO)
    affected = found["resourcesAffected"]
    return [
        found
        | {
            "id": f"finding {number}",
            "resourcesAffected": affected
            | {"s3Object": affected["s3Object"] | {"key": f"{number}.csv"}},
        }
        for number in range(count)
    ]


def statuses(here: Deployment, found: list[dict[str, Any]]) -> list[Status]:
    return sorted(here.record(one).status for one in found)


def test_above_the_hourly_limit_findings_are_reviewed_and_say_so() -> None:
    with deployed(AUTO_REMEDIATION_HOURLY_LIMIT="2") as here:
        found = findings(here, 4)
        here.deliver(*found)
        assert statuses(here, found) == [
            *[Status.AWAITING_REVIEW] * 2,
            *[Status.REMEDIATING] * 2,
        ]
        assert len(here.invocations) == 2
        for message in here.slack.messages:
            assert "number of automatic remediations is reached" in message.text


def test_the_limit_holds_however_many_handlers_there_are() -> None:
    with deployed(AUTO_REMEDIATION_HOURLY_LIMIT="3") as here:
        found = findings(here, 8)
        while any(here.deliver_all_at_once(found)):
            here.clock.ahead += here.later
        assert statuses(here, found).count(Status.REMEDIATING) == 3


def test_a_redelivered_finding_counts_once() -> None:
    with deployed(AUTO_REMEDIATION_HOURLY_LIMIT="2") as here:
        first, second = findings(here, 2)
        for _ in range(5):
            here.deliver(first)
        here.deliver(second)
        assert here.record(second).status is Status.REMEDIATING


def test_the_next_hour_has_an_allowance_of_its_own() -> None:
    with deployed(AUTO_REMEDIATION_HOURLY_LIMIT="1") as here:
        first, second = findings(here, 2)
        here.deliver(first)
        here.clock.ahead += 60 * here.later
        here.deliver(second)
        assert here.record(second).status is Status.REMEDIATING


def test_a_second_finding_on_the_object_has_no_allowance_either() -> None:
    with deployed(AUTO_REMEDIATION_HOURLY_LIMIT="1") as here:
        spent, asked = findings(here, 2)
        here.deliver(spent)
        here.deliver(asked)
        here.deliver(asked | {"id": "joins", "type": "SensitiveData:S3Object/Financial"})
        assert here.record(asked).status is Status.AWAITING_REVIEW
        assert [joined.id for joined in here.record(asked).joined] == ["joins"]


def test_a_protected_bucket_is_always_reviewed() -> None:
    with deployed(PROTECTED_BUCKETS=json.dumps(["acme-p*"])) as here:
        found = here.put(AUTO)
        here.deliver(found)
        assert here.record(found).status is Status.AWAITING_REVIEW
        assert "the bucket is protected" in here.message.text
        assert here.invocations == []


def test_a_dry_run_moves_nothing_and_says_what_would_have_been_moved() -> None:
    with deployed(MODE="DRY_RUN") as here:
        found = here.put(AUTO)
        here.deliver(found)
        here.remediate()
        assert here.record(found).status is Status.DRY_RUN
        assert here.bodies(SOURCE) == [CARD]
        assert here.bodies(QUARANTINE) == []
        assert set(here.strict.calls) <= {"HeadObject", "ListObjectVersions"}
        assert "Dry run: nothing was moved" in here.message.text
        assert "32 bytes, would have been moved into quarantine" in here.message.text
        assert here.offered == ["remediate", "open_in_macie"]


def test_what_a_dry_run_has_shown_is_moved_once_the_mode_is_live() -> None:
    with deployed(MODE="DRY_RUN") as here:
        found = here.put(AUTO)
        here.deliver(found)
        here.remediate()
        here.set_variable("MODE", "LIVE")
        assert here.click() == 200
        here.remediate()
        assert here.record(found).status is Status.QUARANTINED
        assert here.record(found).decision.by != POLICY
        assert here.bodies(QUARANTINE) == [CARD]


def test_a_dry_run_restores_nothing_either(here: Deployment) -> None:
    found = here.put(AUTO)
    here.deliver(found)
    here.remediate()
    here.set_variable("MODE", "DRY_RUN")
    assert here.click("restore") == 200
    here.remediate()
    assert here.record(found).status is Status.FAILED
    assert here.bodies(QUARANTINE) == [CARD]
    assert "still in quarantine" in here.message.text
    here.set_variable("MODE", "LIVE")
    assert here.click("retry") == 200
    here.remediate()
    assert here.bodies(SOURCE) == [CARD]


def test_a_mode_that_nobody_knows_moves_nothing() -> None:
    with deployed(MODE="live") as here:
        here.deliver(here.put(AUTO))
        here.remediate()
        assert here.bodies(SOURCE) == [CARD]
