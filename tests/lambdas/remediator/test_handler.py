"""Steps 1 to 8 in one process, as people see them; and what Slack's moods do to the last one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from lambdas.common.errors import BusyError
from lambdas.common.ledger import UnknownFindingError
from lambdas.common.record import Status
from lambdas.remediator import handler
from local.slack.fake_slack import FakeSlack
from local.slack.workspace import Message
from tests.lambdas.deployment import (
    APPROVER,
    AUTO,
    CARD,
    KEY,
    QUARANTINE,
    SOURCE,
    Deployment,
    Invocation,
    deployed,
)
from tests.lambdas.events import Context, detail

SOON, LATER = timedelta(seconds=61), timedelta(minutes=31)


@pytest.fixture
def clicked(here: Deployment) -> tuple[Deployment, dict[str, Any]]:
    """A deployment with a finding that was just approved."""
    found = here.put()
    here.deliver(found)
    assert here.click() == 200
    return here, found


def is_told(here: Deployment, *, by: str = f"by <@{APPROVER}>") -> bool:
    """Whether the one message says that the object is quarantined, and by whom."""
    return "Object quarantined" in here.message.text and by in here.message.text


def test_a_finding_is_reviewed_approved_moved_and_told(
    clicked: tuple[Deployment, dict[str, Any]],
) -> None:
    here, found = clicked
    here.remediate()
    assert here.bodies(SOURCE) == []
    assert here.bodies(QUARANTINE) == [CARD]
    assert is_told(here)
    assert f"{QUARANTINE}/{SOURCE}/{KEY}" in here.message.text
    assert here.offered == ["restore", "open_in_macie"]
    assert [entry.status for entry in here.record(found).history] == [
        Status.AWAITING_REVIEW,
        Status.REMEDIATING,
        Status.QUARANTINED,
    ]


def test_a_finding_is_remediated_and_told_without_anybody(here: Deployment) -> None:
    found = here.put(AUTO)
    here.deliver(found)
    here.remediate()
    assert here.bodies(SOURCE) == []
    assert here.bodies(QUARANTINE) == [CARD]
    assert is_told(here, by="automatically")
    assert here.record(found).message is not None


@pytest.mark.parametrize("kind", [AUTO, "unlisted"])
def test_a_sample_walks_the_whole_way_without_one_call_to_s3(here: Deployment, kind: str) -> None:
    sample = detail("sample-financial.json", type=kind)
    here.deliver(sample)
    if kind != AUTO:
        assert here.click() == 200
    here.remediate()
    assert here.record(sample).status is Status.NOT_FOUND
    assert here.strict.calls == []
    assert "SAMPLE" in here.message.text
    assert "nothing to move" in here.message.text


def test_the_message_shows_at_once_that_it_is_in_progress_and_by_whom(
    clicked: tuple[Deployment, dict[str, Any]],
) -> None:
    here, _ = clicked
    seen: list[tuple[Message, list[str]]] = []
    here.session.register(
        "before-call.s3.HeadObject", lambda **_: seen.append((here.message, here.offered))
    )
    here.restart()
    here.remediate()
    message, offered = seen[0]
    assert "in progress" in message.text
    assert f"<@{APPROVER}>" in message.text
    assert offered == ["open_in_macie"]


def test_an_expired_callback_is_replaced_by_an_update_of_the_message(
    clicked: tuple[Deployment, dict[str, Any]],
) -> None:
    here, _ = clicked
    here.slack.limit_response_urls(0)
    here.remediate()
    assert is_told(here)
    assert here.slack.requests[-1] == "chat.update"


def test_a_callback_that_was_used_up_is_replaced_by_an_update_of_the_message(
    clicked: tuple[Deployment, dict[str, Any]],
) -> None:
    here, _ = clicked
    here.slack.limit_response_urls(1)
    here.remediate()
    assert is_told(here)
    assert here.slack.requests[-2:] == ["response_url", "chat.update"]


def test_an_invocation_without_a_callback_updates_the_message(
    clicked: tuple[Deployment, dict[str, Any]],
) -> None:
    here, found = clicked
    here.invocations[:] = [invocation_of(found)]
    here.remediate()
    assert is_told(here)
    assert "response_url" not in here.slack.requests


def invocation_of(found: Any, **more: str) -> Invocation:
    return Invocation(path="", kind="Event", payload={"finding_id": found["id"], **more})


def test_a_callback_elsewhere_is_never_called(clicked: tuple[Deployment, dict[str, Any]]) -> None:
    here, found = clicked
    with FakeSlack(bot_token="", signing_secret="") as elsewhere:
        url = f"{elsewhere.hooks_url}actions/1"
        here.invocations[:] = [invocation_of(found, response_url=url)]
        here.remediate()
        assert elsewhere.requests == []
    assert is_told(here)


@pytest.mark.parametrize("reply", ["message_not_found", "cant_update_message"])
def test_a_message_that_can_not_be_updated_is_posted_anew(
    clicked: tuple[Deployment, dict[str, Any]], reply: str
) -> None:
    here, found = clicked
    here.invocations[:] = [invocation_of(found)]
    before = here.message.ts
    here.slack.fail_next(200, reply)
    here.remediate()
    *_, anew = here.slack.messages
    assert anew.ts != before
    assert "Object quarantined" in anew.text
    message = here.record(found).message
    assert message is not None
    assert message.ts == anew.ts


def test_a_message_that_somebody_deleted_is_posted_anew(
    clicked: tuple[Deployment, dict[str, Any]],
) -> None:
    here, found = clicked
    here.slack.delete(here.message.ts)
    here.invocations[:] = [invocation_of(found)]
    here.remediate()
    assert "Object quarantined" in here.message.text


MOODS = [(429, "ratelimited"), (500, "internal_error"), (503, "service_unavailable")]


@pytest.mark.parametrize(("status", "error"), MOODS)
def test_what_slack_does_not_take_is_told_later_and_moved_once(
    clicked: tuple[Deployment, dict[str, Any]], status: int, error: str
) -> None:
    here, found = clicked
    here.invocations[:] = [invocation_of(found)]
    here.slack.fail_next(status, error, retry_after=1)
    here.remediate()
    assert here.record(found).status is Status.QUARANTINED
    here.strict.calls.clear()
    here.clock.ahead = SOON
    here.tick()
    assert here.record(found).due is None
    assert here.strict.calls == []
    assert here.bodies(QUARANTINE) == [CARD]
    assert is_told(here)


@pytest.mark.parametrize(("status", "error"), MOODS)
def test_an_automatic_remediation_is_told_later_as_well(
    here: Deployment, status: int, error: str
) -> None:
    found = here.put(AUTO)
    here.deliver(found)
    here.slack.fail_next(status, error, retry_after=1)
    here.remediate()
    here.clock.ahead = SOON
    here.tick()
    assert here.record(found).due is None
    assert is_told(here, by="automatically")
    assert len(here.slack.messages) == 1


def test_a_second_invocation_tells_the_same_and_moves_nothing(
    clicked: tuple[Deployment, dict[str, Any]],
) -> None:
    here, found = clicked
    again = list(here.invocations)
    here.remediate()
    before = here.record(found)
    here.strict.calls.clear()
    here.invocations[:] = again
    here.remediate(request_id="request-2")
    assert here.strict.calls == []
    assert here.record(found) == before
    assert is_told(here)


@pytest.mark.usefixtures("here")
def test_an_invocation_about_no_finding_is_raised() -> None:
    with pytest.raises(UnknownFindingError):
        handler.lambda_handler({"finding_id": "unheard-of"}, Context())


def _seen_at(found: Any, moment: str) -> Any:
    """Make a finding that is on another object than `found`, as far as Macie can tell."""
    affected = found["resourcesAffected"]
    changed = affected | {"s3Object": affected["s3Object"] | {"lastModified": moment}}
    return found | {"resourcesAffected": changed}


def test_while_another_finding_on_the_key_is_in_hand_this_one_waits(here: Deployment) -> None:
    first = here.put(AUTO)
    second = _seen_at(first, "2026-11-20T00:00:00Z") | {"id": "second"}
    here.deliver(first, second)
    now = here.clock.now()
    record = here.record(first)
    assert here.claims.take(record, holder="elsewhere", now=now, until=now + SOON)
    here.invocations.pop(0)
    with pytest.raises(BusyError):
        here.remediate(request_id="here")
    assert here.bodies(SOURCE) == [CARD]
    here.clock.ahead = LATER
    here.invocations[:] = [invocation_of(second)]
    here.remediate(request_id="here")
    assert here.record(second).status is Status.QUARANTINED


def test_while_the_finding_itself_is_in_hand_a_second_invocation_leaves_it_alone(
    here: Deployment,
) -> None:
    found = here.put(AUTO)
    here.deliver(found)
    now = here.clock.now()
    assert here.claims.take(here.record(found), holder="elsewhere", now=now, until=now + SOON)
    here.remediate(request_id="here")
    assert here.record(found).status is Status.REMEDIATING
    assert here.bodies(SOURCE) == [CARD]
    assert here.strict.calls == []


def _denied(operation: str, bucket: str) -> Callable[..., bool]:
    return lambda name, asked: name == operation and asked["Bucket"] == bucket


def test_what_failed_is_told_with_advice_and_works_on_retry(
    clicked: tuple[Deployment, dict[str, Any]],
) -> None:
    here, found = clicked
    here.strict.deny = _denied("CopyObject", QUARANTINE)
    here.remediate()
    assert "Remediation failed" in here.message.text
    assert SOURCE in here.message.text
    assert "monitoredBuckets" in here.message.text
    assert "sourceKmsKeyArns" in here.message.text
    assert here.bodies(SOURCE) == [CARD]
    assert here.bodies(QUARANTINE) == []
    here.strict.deny = lambda *_: False
    assert here.click("retry", user="U0SECOND") == 200
    here.remediate()
    assert is_told(here, by="by <@U0SECOND>")
    assert here.bodies(SOURCE) == []
    assert [entry.status for entry in here.record(found).history][-3:] == [
        Status.FAILED,
        Status.REMEDIATING,
        Status.QUARANTINED,
    ]


def test_a_copy_whose_original_may_not_be_deleted_is_removed_again(
    clicked: tuple[Deployment, dict[str, Any]],
) -> None:
    here, _ = clicked
    here.strict.deny = _denied("DeleteObject", SOURCE)
    here.remediate()
    assert "Remediation failed" in here.message.text
    assert here.bodies(SOURCE) == [CARD]
    assert here.bodies(QUARANTINE) == []


def test_what_was_quarantined_comes_back_by_a_click(
    clicked: tuple[Deployment, dict[str, Any]],
) -> None:
    here, found = clicked
    here.remediate()
    assert here.click("restore", user="U0SECOND") == 200
    here.remediate()
    assert here.bodies(SOURCE) == [CARD]
    assert here.bodies(QUARANTINE) == []
    assert "Object restored" in here.message.text
    assert "<@U0SECOND>" in here.message.text
    assert here.record(found).status is Status.RESTORED


def test_an_object_that_changed_after_the_click_is_left_alone(
    clicked: tuple[Deployment, dict[str, Any]],
) -> None:
    here, found = clicked
    here.put(body=b"innocent")
    here.remediate()
    assert here.record(found).status is Status.CHANGED
    assert here.bodies(SOURCE) == [b"innocent"]
    assert here.bodies(QUARANTINE) == []
    assert "Nothing was moved or deleted" in here.message.text


def test_an_object_that_is_gone_after_the_click_is_told_so(
    clicked: tuple[Deployment, dict[str, Any]],
) -> None:
    here, found = clicked
    here.s3.delete_object(Bucket=SOURCE, Key=KEY)
    here.remediate()
    assert here.record(found).status is Status.NOT_FOUND
    assert "not there any more" in here.message.text


def test_a_bucket_that_macie_says_another_account_owns_is_not_touched(here: Deployment) -> None:
    found = here.put(AUTO) | {"accountId": "999988887777"}
    here.deliver(found)
    here.remediate()
    assert here.bodies(SOURCE) == [CARD]
    assert here.bodies(QUARANTINE) == []
    assert "Remediation failed" in here.message.text


def _pinned(found: Any, version_id: str) -> Any:
    affected = found["resourcesAffected"]
    return affected | {"s3Object": affected["s3Object"] | {"versionId": version_id}}


def test_a_version_that_was_deleted_with_a_marker_is_moved_all_the_same() -> None:
    with deployed(versioning="Enabled") as here:
        found = here.put(AUTO)
        here.s3.delete_object(Bucket=SOURCE, Key=KEY)
        here.deliver(found)
        here.remediate()
        assert here.bodies(SOURCE) == []
        assert here.bodies(QUARANTINE) == [CARD]
        assert is_told(here, by="automatically")


def test_a_finding_on_a_marker_hidden_object_without_a_version_is_not_found() -> None:
    with deployed(versioning="Enabled") as here:
        found = here.put(AUTO)
        unpinned = found | {"resourcesAffected": _pinned(found, "")}
        here.s3.delete_object(Bucket=SOURCE, Key=KEY)
        here.deliver(unpinned)
        here.remediate()
        assert here.record(found).status is Status.NOT_FOUND
        assert here.bodies(SOURCE) == [CARD]


def test_the_same_content_put_again_is_what_macie_saw(here: Deployment) -> None:
    found = here.put(AUTO)
    here.put()
    here.deliver(found)
    here.remediate()
    assert here.bodies(SOURCE) == []
    assert here.bodies(QUARANTINE) == [CARD]


def test_an_invocation_that_came_twice_posts_one_message(here: Deployment) -> None:
    found = here.put(AUTO)
    here.deliver(found)
    here.invocations.append(replace(here.invocations[0]))
    here.remediate()
    assert len(here.slack.messages) == 1
