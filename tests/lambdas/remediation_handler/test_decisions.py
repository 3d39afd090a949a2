"""Step 6: what a click leads to, in the ledger, in Slack and in invocations."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdas.common.ledger.record import Status
from lambdas.common.slack.actions import DISMISSALS, option_value, parse_action_value
from lambdas.common.slack.channel import SlackUnavailableError
from local.slack.fake_slack import FakeSlack
from tests.harness.aws import APPROVER, CARD, CHANNEL, LEASE_EXPIRY, OTHER_USER, SOURCE
from tests.harness.events import click_payload, form_body, http_api_event, sign
from tests.harness.harness import Harness, start_harness


@pytest.fixture
def detail(harness: Harness) -> dict[str, Any]:
    """The detail of Macie's event about a finding that waits for a decision."""
    detail = harness.report_object()
    harness.deliver(detail)
    harness.slack.requests.clear()
    return detail


def test_a_click_of_an_approver_is_recorded_and_starts_the_remediator(
    harness: Harness,
    detail: dict[str, Any],
) -> None:
    assert harness.click() == 200
    record = harness.record(detail)
    assert record.status is Status.REMEDIATING
    assert record.decision.by == APPROVER
    (invocation,) = harness.invocations
    assert invocation.kind == "Event"
    assert invocation.payload["finding_id"] == detail["id"]
    assert invocation.payload["response_url"].startswith(f"{harness.slack.hooks_url}actions/")


@pytest.mark.usefixtures("detail")
def test_before_the_response_only_the_ledger_and_the_invocation_are_requested(
    harness: Harness,
) -> None:
    assert harness.click() == 200
    assert harness.slack.requests == []
    assert harness.strict_s3.operations == []
    assert harness.bodies(SOURCE) == [CARD]


def test_a_person_who_is_not_an_approver_reads_privately_who_may_decide(
    harness: Harness,
    detail: dict[str, Any],
) -> None:
    before = harness.message
    assert harness.click(user=OTHER_USER) == 200
    assert harness.record(detail).status is Status.AWAITING_REVIEW
    harness.run_remediator()
    (reply,) = harness.slack.ephemerals
    assert reply.user == OTHER_USER
    assert "<@U0APPROVER>" in reply.text
    assert "<@U0SECOND>" in reply.text
    assert harness.message == before
    assert harness.record(detail).status is Status.AWAITING_REVIEW
    assert harness.record(detail).history[-1].is_refused
    assert harness.record(detail).history[-1].by == OTHER_USER


def test_a_click_in_another_channel_decides_nothing(
    harness: Harness,
    detail: dict[str, Any],
) -> None:
    assert harness.post_request(harness.click_event(detail, channel="C0ELSEWHERE")) == 200
    assert harness.record(detail).status is Status.AWAITING_REVIEW
    (invocation,) = harness.invocations
    assert invocation.payload["finding_id"] is None
    harness.run_remediator()
    (reply,) = harness.slack.ephemerals
    assert f"only in <#{CHANNEL}>" in reply.text


def test_if_anyone_in_the_channel_may_decide_other_channels_may_not() -> None:
    with start_harness(approvers="ANYONE_IN_CHANNEL") as harness:
        detail = harness.report_object()
        harness.deliver(detail)
        assert harness.post_request(harness.click_event(detail, channel="C0ELSEWHERE")) == 200
        assert harness.record(detail).status is Status.AWAITING_REVIEW
        assert harness.click(user=OTHER_USER) == 200
        assert harness.record(detail).decision.by == OTHER_USER


def test_a_click_on_an_unknown_finding_is_refused_privately(
    harness: Harness,
    detail: dict[str, Any],
) -> None:
    harness.slack.replace(_about(harness, "unheard-of"))
    assert harness.click() == 200
    harness.run_remediator()
    (reply,) = harness.slack.ephemerals
    assert "not in the ledger" in reply.text
    assert harness.record(detail).status is Status.AWAITING_REVIEW


def _about(harness: Harness, finding_id: str) -> Any:
    text = json.dumps(harness.message.blocks)
    (value,) = {element["value"] for element in _elements(harness) if "value" in element}
    subject_id, _ = parse_action_value(value)
    return replace(harness.message, blocks=tuple(json.loads(text.replace(subject_id, finding_id))))


def _elements(harness: Harness) -> Iterator[Any]:
    for block in harness.message.blocks:
        yield from block.get("elements", ())


def test_the_reply_to_a_second_click_names_the_person_who_decided(
    harness: Harness,
    detail: dict[str, Any],
) -> None:
    shown = harness.message
    assert harness.click() == 200
    assert harness.slack.click(shown.ts, "remediate", "U0SECOND", shown=shown) == 200
    harness.invocations.pop(0)
    harness.run_remediator()
    (reply,) = harness.slack.ephemerals
    assert reply.user == "U0SECOND"
    assert "<@U0APPROVER>" in reply.text
    record = harness.record(detail)
    assert record.decision.by == APPROVER
    assert [transition.status for transition in record.history] == [
        Status.AWAITING_REVIEW,
        Status.REMEDIATING,
        Status.QUARANTINED,
    ]
    assert "Object quarantined" in harness.message.text


def test_of_two_concurrent_clicks_one_decides_and_the_other_gets_a_reply(
    harness: Harness,
    detail: dict[str, Any],
) -> None:
    users = [APPROVER, "U0SECOND"]
    with ThreadPoolExecutor() as threads:
        assert list(threads.map(lambda user: harness.click(user=user), users)) == [200, 200]
    winner = harness.record(detail).decision.by
    harness.run_remediator()
    (reply,) = harness.slack.ephemerals
    assert {winner, reply.user} == set(users)
    assert f"<@{winner}>" in reply.text
    assert harness.record(detail).status is Status.QUARANTINED


def test_a_lost_invocation_is_repeated_by_the_next_click(
    harness: Harness,
    detail: dict[str, Any],
) -> None:
    harness.invocation_refusal = 403
    with pytest.raises(ClientError):
        harness.post_request(harness.click_event(detail))
    assert harness.record(detail).status is Status.REMEDIATING
    harness.invocation_refusal = None
    assert harness.click(user="U0SECOND") == 200
    harness.run_remediator()
    assert harness.record(detail).status is Status.QUARANTINED
    assert harness.record(detail).decision.by == APPROVER


ELSEWHERE = ["https://evil.example/", "http://hooks.slack.com/actions/1", "file:///etc/passwd", ""]


@pytest.mark.parametrize("url", ELSEWHERE)
def test_a_click_with_a_callback_url_elsewhere_updates_the_message_in_the_channel(
    harness: Harness, detail: dict[str, Any], url: str
) -> None:
    assert harness.post_request(harness.click_event(detail, response_url=url)) == 200
    harness.run_remediator()
    assert "Object quarantined" in harness.message.text
    assert harness.slack.requests[-1] == "chat.update"


def test_a_callback_url_elsewhere_is_never_requested(
    harness: Harness, detail: dict[str, Any]
) -> None:
    with FakeSlack(bot_token="", signing_secret="") as elsewhere:
        url = f"{elsewhere.hooks_url}actions/1"
        event = harness.click_event(detail, user=OTHER_USER, response_url=url)
        assert harness.post_request(event) == 200
        harness.run_remediator()
        assert elsewhere.requests == []


@pytest.mark.parametrize("url", ["actions/unknown", "api/nothing", None])
def test_a_refusal_reaches_the_person_without_a_callback_url_too(
    harness: Harness, detail: dict[str, Any], url: str | None
) -> None:
    response_url = None if url is None else f"{harness.slack.hooks_url}{url}"
    event = harness.click_event(detail, user=OTHER_USER, response_url=response_url)
    assert harness.post_request(event) == 200
    harness.run_remediator()
    (reply,) = harness.slack.ephemerals
    assert (reply.user, "<@U0APPROVER>" in reply.text) == (OTHER_USER, True)


def test_a_refusal_that_slack_does_not_accept_is_sent_again(
    harness: Harness,
    detail: dict[str, Any],
) -> None:
    event = harness.click_event(detail, user=OTHER_USER, response_url=None)
    assert harness.post_request(event) == 200
    harness.slack.fail_next(500)
    with pytest.raises(SlackUnavailableError):
        harness.run_remediator()
    harness.clock.ahead = LEASE_EXPIRY
    harness.run_remediator()
    assert [reply.user for reply in harness.slack.ephemerals] == [OTHER_USER]


def test_an_action_of_another_release_is_refused_privately(
    harness: Harness,
    detail: dict[str, Any],
) -> None:
    event = harness.click_event(detail, action_id="shred", response_url=None)
    assert harness.post_request(event) == 200
    harness.run_remediator()
    (reply,) = harness.slack.ephemerals
    assert "Nothing was done" in reply.text
    assert harness.record(detail).status is Status.AWAITING_REVIEW


@pytest.mark.parametrize(("choice", "reason"), DISMISSALS.items())
def test_a_finding_is_dismissed_with_a_reason_and_reopened(
    harness: Harness, detail: dict[str, Any], choice: str, reason: str
) -> None:
    assert harness.click("dismiss", choice=choice) == 200
    harness.run_remediator()
    record = harness.record(detail)
    assert (record.status, record.decision.by) == (Status.DISMISSED, APPROVER)
    assert record.due_at is None
    assert f"Dismissed by <@{APPROVER}>" in harness.message.text
    assert reason in harness.message.text
    assert harness.bodies(SOURCE) == [CARD]
    assert harness.button_ids == ["reopen", "open_in_macie"]
    assert harness.click("reopen", user="U0SECOND") == 200
    harness.run_remediator()
    assert harness.record(detail).status is Status.AWAITING_REVIEW
    assert harness.record(detail).due_at is not None
    assert "Reopened by <@U0SECOND>" in harness.message.text
    assert "Why: reopen" not in harness.message.text
    assert harness.button_ids == ["remediate", "dismiss", "open_in_macie"]


@pytest.mark.parametrize("action_id", ["remediate", "dismiss", "reopen", "restore", "retry"])
def test_every_action_is_for_approvers_only(
    harness: Harness, detail: dict[str, Any], action_id: str
) -> None:
    before = harness.record(detail)
    payload = click_payload(detail["id"], action_id=action_id, user=OTHER_USER)
    payload["actions"][0]["selected_option"] = {
        "value": option_value("accepted_risk", detail["id"], harness.record(detail).seen_state)
    }
    assert harness.post_request(http_api_event(sign(form_body(payload)))) == 200
    harness.run_remediator()
    assert harness.record(detail).latest_transition == before.latest_transition
    assert [reply.user for reply in harness.slack.ephemerals] == [OTHER_USER]


@pytest.mark.usefixtures("detail")
def test_a_click_on_an_outdated_message_gets_a_reply_and_updates_the_message(
    harness: Harness,
) -> None:
    shown = harness.message
    harness.click("dismiss", choice="false_positive")
    harness.invocations.clear()
    assert harness.slack.click(shown.ts, "remediate", "U0SECOND", shown=shown) == 200
    harness.run_remediator()
    (reply,) = harness.slack.ephemerals
    assert f"<@{APPROVER}>" in reply.text
    assert "DISMISSED" in reply.text
    assert "Finding dismissed" in harness.message.text
    assert harness.bodies(SOURCE) == [CARD]
