"""A click decides what its message showed, once, and nothing else."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lambdas.common import clock
from lambdas.common.digests.digest import DIGEST_PREFIX, digest_id_for
from lambdas.common.ledger.record import REMEDIATOR, Record, Status
from lambdas.common.slack.actions import BULK_ACTIONS, digest_seen, option_value
from local.slack.clicks import APP, TEAM
from tests.harness.aws import APPROVER, CARD, CHANNEL, OTHER_USER, SOURCE
from tests.harness.events import click_payload, finding, form_body, http_api_event, sign
from tests.harness.harness import Harness, start_harness

ACTIONS = ["remediate", "dismiss", "reopen", "restore", "retry"]


@pytest.fixture
def detail(harness: Harness) -> dict[str, Any]:
    """The detail of Macie's event about a finding that waits for a decision."""
    detail = harness.report_object()
    harness.deliver(detail)
    return detail


def change(harness: Harness, detail: Any, status: Status, *, by: str = APPROVER) -> Record:
    """Record another transition."""

    def transition(record: Record) -> Record:
        return record.transition_to(status, by=by, reason="so it is", now=clock.now())

    return harness.ledger.update(harness.record(detail), transition)


def fail(harness: Harness, detail: Any) -> Record:
    """Record that the step in progress failed."""
    return change(harness, detail, Status.FAILED, by=REMEDIATOR)


def replies(harness: Harness) -> list[str]:
    """Run the remediator, and return what people read privately."""
    harness.run_remediator()
    return [reply.text for reply in harness.slack.ephemerals]


def test_the_same_request_again_changes_nothing(harness: Harness, detail: dict[str, Any]) -> None:
    """Its signature is valid for five minutes, whoever has a copy of it."""
    event = harness.click_event(detail)
    assert harness.post_request(event) == 200
    harness.invocations.clear()
    before = fail(harness, detail)
    assert harness.post_request(event) == 200
    assert harness.record(detail) == before
    harness.run_remediator()
    assert harness.record(detail).history == before.history
    assert harness.bodies(SOURCE) == [CARD]


def test_the_same_retry_again_changes_nothing(harness: Harness, detail: dict[str, Any]) -> None:
    change(harness, detail, Status.REMEDIATING)
    fail(harness, detail)
    event = harness.click_event(detail, action_id="retry")
    assert harness.post_request(event) == 200
    assert harness.record(detail).status is Status.REMEDIATING
    before = fail(harness, detail)
    assert harness.post_request(event) == 200
    assert harness.record(detail).history == before.history
    assert "please decide again" in replies(harness)[0]


def test_an_outdated_retry_never_becomes_a_restore(
    harness: Harness, detail: dict[str, Any]
) -> None:
    change(harness, detail, Status.REMEDIATING)
    fail(harness, detail)
    retry = harness.click_event(detail, action_id="retry")
    change(harness, detail, Status.REMEDIATING)
    change(harness, detail, Status.QUARANTINED, by=REMEDIATOR)
    change(harness, detail, Status.RESTORING)
    before = fail(harness, detail)
    assert harness.post_request(retry) == 200
    assert harness.record(detail).history == before.history
    assert "please decide again" in replies(harness)[0]


def test_an_outdated_dismissal_never_covers_a_finding_that_came_later(
    harness: Harness, detail: dict[str, Any]
) -> None:
    shown = harness.message
    other = finding(id="another", type="SensitiveData:S3Object/Credentials")
    harness.ledger.update(harness.record(detail), lambda latest: latest.add_duplicate(other))
    arguments = (shown.ts, "dismiss", APPROVER)
    assert harness.slack.click(*arguments, choice="accepted_risk", shown=shown) == 200
    assert harness.record(detail).status is Status.AWAITING_REVIEW
    (text,) = replies(harness)
    assert "with 1 more finding on the object" in text
    assert "Credentials" in str(harness.message.blocks)
    assert harness.click("dismiss", choice="accepted_risk") == 200
    assert harness.record(detail).status is Status.DISMISSED


def test_a_message_that_was_outdated_is_shown_again(
    harness: Harness, detail: dict[str, Any]
) -> None:
    shown = harness.message
    change(harness, detail, Status.REMEDIATING)
    fail(harness, detail)
    assert harness.slack.click(shown.ts, "remediate", APPROVER, shown=shown) == 200
    harness.run_remediator()
    assert "Remediation failed" in harness.message.text
    assert harness.button_ids == ["retry", "dismiss", "open_in_macie"]


def test_what_changes_no_decision_makes_no_click_outdated(
    harness: Harness, detail: dict[str, Any]
) -> None:
    """The revision would: it counts posting, reminders and refused attempts."""
    event = harness.click_event(detail)
    assert harness.click(user=OTHER_USER) == 200
    later = clock.now() + timedelta(hours=1)
    harness.ledger.update(harness.record(detail), lambda latest: replace(latest, check_at=later))
    assert harness.post_request(event) == 200
    assert harness.record(detail).status is Status.REMEDIATING


def test_a_failed_remediation_is_dismissed_and_a_failed_restore_is_not(
    harness: Harness, detail: dict[str, Any]
) -> None:
    change(harness, detail, Status.REMEDIATING)
    fail(harness, detail)
    for status, expected in [
        (Status.REMEDIATING, Status.DISMISSED),
        (Status.RESTORING, Status.FAILED),
    ]:
        if status is Status.RESTORING:
            change(harness, detail, Status.AWAITING_REVIEW)
            change(harness, detail, Status.REMEDIATING)
            change(harness, detail, Status.QUARANTINED, by=REMEDIATOR)
            change(harness, detail, Status.RESTORING)
            fail(harness, detail)
        assert harness.post_request(_choice(harness, detail)) == 200
        assert harness.record(detail).status is expected


def _choice(harness: Harness, detail: Any, **fields: Any) -> dict[str, Any]:
    record = harness.record(detail)
    payload = click_payload(detail["id"], action_id="dismiss", **fields)
    value = option_value("accepted_risk", detail["id"], record.seen_state)
    payload["actions"][0] |= {"selected_option": {"value": value}}
    return http_api_event(sign(form_body(payload)))


def test_a_refused_click_beyond_those_that_are_kept_is_logged_without_a_write(
    harness: Harness, detail: dict[str, Any], log: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(20):
        assert harness.click(user=OTHER_USER) == 200
    before = harness.record(detail)
    assert sum(entry.is_refused for entry in before.history) == 20
    log()
    capsys.readouterr()
    assert harness.click(user="U0INTRUDER") == 200
    assert harness.record(detail) == before
    (line,) = [line["audit"] for line in log() if line["message"] == "transition"]
    assert (line["by"], line["is_refused"]) == ("U0INTRUDER", True)
    assert "RefusedClicks" in capsys.readouterr().out
    assert harness.invocations[-1].payload["reply"]["user"] == "U0INTRUDER"


# Clicks on digests.


@pytest.fixture
def digest_id(harness: Harness) -> str:
    """The id of a digest with one finding that waits."""
    now = clock.now()
    digest_id = digest_id_for(finding(), now=now)
    record = Record.create(
        finding(), Status.AWAITING_REVIEW, reason="configured", now=now, digest_id=digest_id
    )
    harness.digests.mark_changed(harness.ledger.create(record), now=now)
    return digest_id


def bulk_event(digest_id: str, *, seen: str | None = None, **fields: Any) -> dict[str, Any]:
    """Return the request of a click on Remediate all."""
    payload = click_payload(
        digest_id,
        seen=digest_seen(3, until=clock.now()) if seen is None else seen,
        **{"action_id": "remediate_all", **fields},
    )
    return http_api_event(sign(form_body(payload)))


def test_a_bulk_action_has_what_its_dialog_counted(harness: Harness, digest_id: str) -> None:
    now = clock.now()
    assert harness.post_request(bulk_event(digest_id, seen=digest_seen(3, until=now))) == 200
    (action,) = harness.digests.get(digest_id).bulk_actions
    assert action.seen_count == 3
    assert now <= action.seen_until < now + timedelta(milliseconds=1)
    assert (action.by, action.action) == (APPROVER, "remediate_all")
    assert [event["detail-type"] for event in harness.take_queued_events()] == ["Scheduled Event"]


@pytest.mark.parametrize("action_id", ["remediate_all", "review_each", "retry_all"])
def test_the_same_click_on_a_digest_again_changes_nothing(
    harness: Harness, digest_id: str, action_id: str
) -> None:
    event = bulk_event(digest_id, action_id=action_id)
    assert harness.post_request(event) == 200
    (action,) = harness.digests.get(digest_id).bulk_actions
    done = replace(action, is_done=True)
    before = harness.digests.update(digest_id, lambda latest: latest.replace_action(action, done))
    assert harness.post_request(event) == 200
    assert harness.digests.get(digest_id).bulk_actions == before.bulk_actions == (done,)


@pytest.mark.parametrize("seen", ["", "12", "x.3"])
def test_a_digest_that_does_not_say_what_it_counted_starts_nothing(
    harness: Harness, digest_id: str, seen: str
) -> None:
    assert harness.post_request(bulk_event(digest_id, seen=seen)) == 200
    assert harness.digests.get(digest_id).bulk_actions == ()
    assert "outdated" in replies(harness)[0]


def test_a_refused_click_on_a_digest_beyond_those_that_are_kept_is_logged_without_a_write(
    harness: Harness, digest_id: str, log: Any
) -> None:
    for _ in range(20):
        assert harness.post_request(bulk_event(digest_id, user=OTHER_USER)) == 200
    before = harness.digests.get(digest_id)
    assert len(before.refusals) == 20
    log()
    assert harness.post_request(bulk_event(digest_id, user="U0INTRUDER")) == 200
    assert harness.digests.get(digest_id) == before
    (line,) = [line["audit"] for line in log() if line["message"] == "bulk action"]
    assert (line["by"], line["is_refused"]) == ("U0INTRUDER", True)


# Forged clicks, generated.

OTHER_APP, OTHER_TEAM = "A0OTHERAPP", "T0OTHERTEAM"
_SEEN = st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), max_size=20)

FORGERIES = st.one_of(
    st.fixed_dictionaries({"seen": _SEEN}),
    st.fixed_dictionaries(
        {"user": st.sampled_from([OTHER_USER, APPROVER.lower(), f"{APPROVER} "])}
    ),
    st.fixed_dictionaries({"channel": st.sampled_from(["C0ELSEWHERE", CHANNEL.lower()])}),
    st.fixed_dictionaries({"api_app_id": st.sampled_from([OTHER_APP, APP.lower(), "", None])}),
    st.fixed_dictionaries(
        {"team": st.sampled_from([{"id": OTHER_TEAM}, {"id": ""}, {}, None, [], TEAM])}
    ),
    st.fixed_dictionaries(
        {"type": st.sampled_from(["view_submission", "message_action", "shortcut", "", None])}
    ),
    st.fixed_dictionaries({"finding_id": st.sampled_from(["other", "object#1", "tasks#next_run"])}),
    st.fixed_dictionaries({"secret": st.text(max_size=20)}),
    st.fixed_dictionaries({"age": st.integers(301, 10**6) | st.integers(-(10**6), -301)}),
    st.fixed_dictionaries({"flip": st.integers(0, 10**4)}),
)


@pytest.mark.parametrize("status", [Status.AWAITING_REVIEW, Status.FAILED])
def test_no_forged_click_is_accepted(status: Status) -> None:
    """Every forged click differs in one thing from a click that would be accepted."""
    counts = {"forged": 0}
    with start_harness() as harness:
        detail = harness.report_object()
        harness.deliver(detail)
        if status is Status.FAILED:
            change(harness, detail, Status.REMEDIATING)
            fail(harness, detail)

        @settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
        @given(forgery=FORGERIES, action_id=st.sampled_from(ACTIONS))
        @example(forgery={"user": OTHER_USER}, action_id="remediate")
        def forge(forgery: dict[str, Any], action_id: str) -> None:
            before = harness.record(detail)
            if forgery.get("seen") == before.seen_state:
                return
            harness.invocations.clear()
            assert harness.post_request(_forged(harness, detail, action_id, forgery)) in (
                200,
                400,
                401,
            )
            after = harness.record(detail)
            assert after.latest_transition == before.latest_transition
            assert after.status is status
            counts["forged"] += 1

        forge()
        right = "remediate" if status is Status.AWAITING_REVIEW else "retry"
        assert harness.post_request(_forged(harness, detail, right, {})) == 200
        assert harness.record(detail).status is Status.REMEDIATING
    assert counts["forged"] >= 490


def _forged(
    harness: Harness, detail: Any, action_id: str, forgery: dict[str, Any]
) -> dict[str, Any]:
    """Return a click that would be accepted but for `forgery`."""
    record, changed = harness.record(detail), dict(forgery)
    finding_id = changed.pop("finding_id", detail["id"])
    secret, age, flip = (changed.pop(name, None) for name in ("secret", "age", "flip"))
    fields = {name: changed.pop(name) for name in ("user", "channel") if name in changed}
    seen = changed.pop("seen", record.seen_state)
    payload = click_payload(finding_id, seen=seen, action_id=action_id, **fields) | changed
    option = {"value": option_value("accepted_risk", finding_id, seen)}
    payload["actions"][0] |= {"selected_option": option}
    body = form_body(payload)
    signature = {} if secret is None else {"secret": secret}
    stamp = None if age is None else str(int(clock.now().timestamp()) - age)
    signed = sign(body, timestamp=stamp, **signature)
    if flip is not None:
        place = flip % len(body)
        changed_body = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
        signed = replace(signed, body=changed_body)
    return http_api_event(signed)


@st.composite
def histories(draw: st.DrawFn) -> list[Status]:
    """Return transitions that a finding can make while a message of it is outdated."""
    steps: dict[Status, list[Status]] = {
        Status.AWAITING_REVIEW: [Status.REMEDIATING, Status.DISMISSED],
        Status.DISMISSED: [Status.AWAITING_REVIEW],
        Status.REMEDIATING: [Status.FAILED, Status.QUARANTINED, Status.DRY_RUN],
        Status.DRY_RUN: [Status.REMEDIATING],
        Status.FAILED: [Status.REMEDIATING, Status.DISMISSED],
        Status.QUARANTINED: [Status.RESTORING],
        Status.RESTORING: [Status.FAILED],
    }
    history = [Status.AWAITING_REVIEW]
    for _ in range(draw(st.integers(0, 7))):
        history.append(draw(st.sampled_from(steps[history[-1]])))
    return history[1:]


def test_no_outdated_click_is_accepted() -> None:
    """A message is clicked that shows any earlier state of the finding."""
    outcomes = {Status.FAILED, Status.QUARANTINED, Status.DRY_RUN}
    counts = {"stale": 0, "number": 0}
    with start_harness() as harness:

        @settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
        @given(
            before=histories(),
            after=st.integers(1, 4),
            has_duplicate=st.booleans(),
            action_id=st.sampled_from(ACTIONS),
        )
        def click_later(
            *, before: list[Status], after: int, has_duplicate: bool, action_id: str
        ) -> None:
            counts["number"] += 1
            reported = finding(id=f"f{counts['number']}")
            record = harness.create_record(reported, Status.AWAITING_REVIEW)
            seen = [record.seen_state]
            for status in before:
                by = REMEDIATOR if status in outcomes else APPROVER
                record = record.transition_to(status, by=by, reason="so", now=clock.now())
                seen.append(record.seen_state)
            if has_duplicate:
                record = record.add_duplicate(finding(id="other"))
            elif not before:
                return
            shown = seen[-1] if has_duplicate else seen[-1 - min(after, len(before))]
            latest = harness.ledger.update(harness.record(reported), lambda _: record)
            assert harness.post_request(_old(reported.id, shown, action_id)) == 200
            assert harness.record(reported) == latest
            counts["stale"] += 1

        click_later()
    assert counts["stale"] >= 500


def _old(finding_id: str, seen: str, action_id: str) -> dict[str, Any]:
    payload = click_payload(finding_id, seen=seen, action_id=action_id)
    option = {"value": option_value("accepted_risk", finding_id, seen)}
    payload["actions"][0] |= {"selected_option": option}
    return http_api_event(sign(form_body(payload)))


@pytest.mark.parametrize("action_id", sorted(BULK_ACTIONS))
def test_a_bulk_action_is_for_a_digest_only(
    harness: Harness, detail: dict[str, Any], action_id: str
) -> None:
    before = harness.record(detail)
    payload = click_payload(detail["id"], seen=digest_seen(1, until=clock.now()))
    option = {"value": option_value("accepted_risk", detail["id"], "1.1")}
    payload["actions"][0] |= {"action_id": action_id, "selected_option": option}
    assert harness.post_request(http_api_event(sign(form_body(payload)))) == 200
    assert harness.record(detail) == before
    assert "not in the ledger" in replies(harness)[0]
    assert not detail["id"].startswith(DIGEST_PREFIX)
