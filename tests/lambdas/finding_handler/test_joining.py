"""Several findings on one object: told in one message, decided once."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from lambdas.common.actions import option
from lambdas.common.record import POLICY, Status
from tests.lambdas.deployment import AUTO, CARD, QUARANTINE, REVIEW, SOURCE, Deployment, deployed

OTHER_TYPE = "SensitiveData:S3Object/Credentials"


def also(found: dict[str, Any], kind: str, finding_id: str = "second") -> dict[str, Any]:
    """Make another finding on the very same object."""
    return found | {"id": finding_id, "type": kind}


def test_a_second_finding_on_the_same_object_is_told_in_the_first_ones_message(
    here: Deployment,
) -> None:
    found = here.put()
    here.deliver(found, also(found, OTHER_TYPE))
    assert "Also found in this object" in here.message.text
    assert OTHER_TYPE in here.message.text
    second = here.record(also(found, OTHER_TYPE))
    assert (second.status, second.lead) == (Status.JOINED, found["id"])
    assert [joined.id for joined in here.record(found).joined] == ["second"]


def test_it_is_decided_once(here: Deployment) -> None:
    found = here.put()
    here.deliver(found, also(found, OTHER_TYPE))
    here.click()
    here.remediate()
    assert here.bodies(SOURCE) == []
    assert here.bodies(QUARANTINE) == [CARD]
    assert "Object quarantined" in here.message.text
    assert OTHER_TYPE in here.message.text


def test_a_finding_that_comes_after_the_decision_joins_as_well(here: Deployment) -> None:
    found = here.put(AUTO)
    here.deliver(found)
    here.remediate()
    here.deliver(also(found, REVIEW))
    assert "Object quarantined" in here.message.text
    assert REVIEW in here.message.text
    assert here.offered == ["restore", "open_in_macie"]


def test_a_redelivered_second_finding_joins_once(here: Deployment) -> None:
    found = here.put()
    here.deliver(found)
    for _ in range(3):
        assert here.deliver(also(found, OTHER_TYPE)) == []
    assert len(here.record(found).joined) == 1
    assert len(here.slack.messages) == 1


@pytest.mark.parametrize("times", range(3))
def test_findings_delivered_at_once_have_one_lead(here: Deployment, times: int) -> None:
    found = here.put()
    both = [also(found, REVIEW, f"a{times}"), also(found, OTHER_TYPE, f"b{times}")]
    while any(here.deliver_all_at_once(both)):
        here.clock.ahead += here.later
    assert len(here.slack.messages) == 1
    assert sorted(here.record(one).status for one in both) == [
        Status.AWAITING_REVIEW,
        Status.JOINED,
    ]


def test_what_is_remediated_at_once_does_not_wait_for_the_review_of_something_else(
    here: Deployment,
) -> None:
    found = here.put()
    here.deliver(found)
    here.deliver(also(found, AUTO))
    here.remediate()
    record = here.record(found)
    assert (record.status, record.decision.by) == (Status.QUARANTINED, POLICY)
    assert "Quarantined automatically" in here.message.text


def test_what_a_dry_run_has_shown_is_remediated_at_once_when_it_is_found_again() -> None:
    with deployed(MODE="DRY_RUN") as here:
        found = here.put(AUTO)
        here.deliver(found)
        here.remediate()
        here.set_variable("MODE", "LIVE")
        here.deliver(also(found, AUTO))
        here.remediate()
        assert here.record(found).status is Status.QUARANTINED
        assert here.bodies(QUARANTINE) == [CARD]
        assert "Quarantined automatically" in here.message.text


def test_a_dismissed_object_is_asked_about_again_when_another_type_is_found(
    here: Deployment,
) -> None:
    found = here.put()
    here.deliver(found)
    here.click("dismiss", choice=option("false_positive", found["id"]))
    here.deliver(also(found, REVIEW, "the same type"))
    assert here.record(found).status is Status.DISMISSED
    here.deliver(also(found, OTHER_TYPE, "another type"))
    assert here.record(found).status is Status.AWAITING_REVIEW
    assert "please decide" in here.message.text
    assert "Credentials was found in it as well" in here.message.text


def test_the_approvers_are_reminded_of_what_is_asked_about_again(here: Deployment) -> None:
    found = here.put()
    here.deliver(found)
    here.click("dismiss", choice=option("false_positive", found["id"]))
    here.remediate()
    here.clock.ahead = timedelta(hours=48)
    here.deliver(also(found, OTHER_TYPE))
    here.clock.ahead += timedelta(hours=23)
    here.tick()
    assert len(here.slack.messages) == 1
    here.clock.ahead += timedelta(hours=2)
    here.tick()
    assert "has waited for a decision" in here.slack.messages[-1].text


def test_the_same_content_put_again_is_another_object(here: Deployment) -> None:
    found = here.put()
    again = also(found, REVIEW)
    s3_object = again["resourcesAffected"]["s3Object"] | {"lastModified": "2026-11-23T01:00:00Z"}
    again["resourcesAffected"] = again["resourcesAffected"] | {"s3Object": s3_object}
    here.deliver(found, again)
    assert here.record(again).status is Status.AWAITING_REVIEW
    assert len(here.slack.messages) == 2


def test_samples_are_each_told_for_themselves(here: Deployment) -> None:
    found = here.put() | {"sample": True}
    here.deliver(found, also(found, OTHER_TYPE))
    assert len(here.slack.messages) == 2


def test_versions_are_told_apart() -> None:
    with deployed(versioning="Enabled") as here:
        here.deliver(here.put(), here.put(body=b"newer"))
        assert len(here.slack.messages) == 2


def test_an_ignored_finding_leads_nobody(here: Deployment) -> None:
    found = here.put()
    here.deliver(also(found, REVIEW, "archived") | {"archived": True}, found)
    assert here.record(found).status is Status.AWAITING_REVIEW


def test_the_latest_of_many_are_kept(here: Deployment) -> None:
    found = here.put()
    here.deliver(found)
    record = here.record(found)
    for number in range(100):
        record = record.with_joined(replace(record.finding, id=f"{number}"))
    assert [joined.id for joined in record.joined][-1] == "99"
    assert len(record.joined) < 50
