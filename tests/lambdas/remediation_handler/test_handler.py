"""Steps 5 and 6: what a click brings about, and what every other request does not."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambdas.common.actions import DISMISSALS, option
from lambdas.common.aws import AwsError
from lambdas.common.errors import SlackError
from lambdas.common.record import Status
from local.slack.fake_slack import FakeSlack
from tests.lambdas.deployment import (
    APPROVER,
    CARD,
    CHANNEL,
    OTHER,
    SOURCE,
    Deployment,
    deployed,
)
from tests.lambdas.events import Signed, click, form, http_api, load, rest_api, sign


@pytest.fixture
def asked(here: Deployment) -> tuple[Deployment, dict[str, Any]]:
    """A deployment with a finding that awaits review."""
    found = here.put()
    here.deliver(found)
    here.slack.requests.clear()
    return here, found


def test_an_approvers_click_is_decided_written_down_and_set_going(
    asked: tuple[Deployment, dict[str, Any]],
) -> None:
    here, found = asked
    assert here.click() == 200
    record = here.record(found)
    assert record.status is Status.REMEDIATING
    assert record.decision.by == APPROVER
    (invocation,) = here.invocations
    assert invocation.kind == "Event"
    assert invocation.payload["finding_id"] == found["id"]
    assert invocation.payload["response_url"].startswith(f"{here.slack.hooks_url}actions/")


def test_nothing_but_the_ledger_and_the_start_is_on_the_way_to_slacks_answer(
    asked: tuple[Deployment, dict[str, Any]],
) -> None:
    here, _ = asked
    assert here.click() == 200
    assert here.slack.requests == []
    assert here.strict.calls == []
    assert here.bodies(SOURCE) == [CARD]


def _upper(event: dict[str, Any]) -> dict[str, Any]:
    return event | {"headers": {name.upper(): value for name, value in event["headers"].items()}}


SHAPES: list[tuple[str, Callable[[Signed], dict[str, Any]]]] = [
    ("an HTTP API's, in base64", http_api),
    (
        "an HTTP API's, as text",
        lambda signed: http_api(signed) | {"body": signed.body.decode(), "isBase64Encoded": False},
    ),
    ("a REST API's", rest_api),
    (
        "a REST API's, in base64",
        lambda signed: (
            rest_api(signed) | {"body": http_api(signed)["body"], "isBase64Encoded": True}
        ),
    ),
    ("with header names in capitals", lambda signed: _upper(rest_api(signed))),
]


@pytest.mark.parametrize("shape", [row[1] for row in SHAPES], ids=[row[0] for row in SHAPES])
def test_a_request_is_taken_in_every_shape(
    asked: tuple[Deployment, dict[str, Any]], shape: Callable[[Signed], dict[str, Any]]
) -> None:
    here, found = asked
    assert here.post(shape(sign(form(click(found["id"]))))) == 200
    assert here.record(found).status is Status.REMEDIATING


BODY = form(click("any"))
GOOD = sign(BODY)


def with_headers(**headers: str | None) -> Signed:
    """Change headers of a request that is signed well, or take them away."""
    names = {"timestamp": "X-Slack-Request-Timestamp", "signature": "X-Slack-Signature"}
    changed = {names[name]: value for name, value in headers.items()}
    kept = {
        name: value
        for name, value in {**sign(BODY).headers, **changed}.items()
        if value is not None
    }
    return Signed(body=BODY, headers=kept)


def _ago(seconds: int) -> Signed:
    return sign(BODY, timestamp=str(int(time.time()) - seconds))


FORGED: list[tuple[str, Callable[[], Signed]]] = [
    ("unsigned", lambda: with_headers(timestamp=None, signature=None)),
    ("without a signature", lambda: with_headers(signature=None)),
    ("without a timestamp", lambda: with_headers(timestamp=None)),
    ("with an empty signature", lambda: with_headers(signature="")),
    ("with a signature that is none", lambda: with_headers(signature="v0=")),
    ("with a signature in letters of another alphabet", lambda: with_headers(signature="v0=é")),
    ("signed with another secret", lambda: sign(BODY, secret="another")),
    ("signed with no secret", lambda: sign(BODY, secret="")),
    ("signed under another version", lambda: sign(BODY, prefix="v1")),
    ("signed under no version", lambda: sign(BODY, prefix="")),
    ("whose body was changed", lambda: Signed(body=BODY + b"x", headers=sign(BODY).headers)),
    ("whose time was changed", lambda: with_headers(timestamp=_ago(-1).headers[_TIME])),
    ("of six minutes ago", lambda: _ago(360)),
    ("of just over five minutes ago", lambda: _ago(302)),
    ("of the future", lambda: _ago(-360)),
    ("of the year 1970", lambda: sign(BODY, timestamp="0")),
    ("of no time", lambda: sign(BODY, timestamp="")),
    ("of a time in words", lambda: sign(BODY, timestamp="now")),
    ("of a time below zero", lambda: sign(BODY, timestamp="-1")),
    ("of a time with a point", lambda: sign(BODY, timestamp="1763900000.5")),
    ("of a time that is not a number", lambda: sign(BODY, timestamp="nan")),
    ("of a time in other digits", lambda: sign(BODY, timestamp="١٧٦٣٩٠٠٠٠٠")),
    ("of a time with spaces", lambda: sign(BODY, timestamp=f" {_ago(0).headers[_TIME]}")),
    ("of a time beyond every float", lambda: sign(BODY, timestamp="9" * 400)),
    ("of a time beyond every integer", lambda: sign(BODY, timestamp="9" * 5000)),
    ("with a body that is no text, though signed", lambda: sign(b"payload=\xff\xfe")),
]
_TIME = "X-Slack-Request-Timestamp"


@pytest.mark.parametrize("make", [row[1] for row in FORGED], ids=[row[0] for row in FORGED])
def test_what_slack_did_not_sign_just_now_is_unauthorized(
    here: Deployment, make: Callable[[], Signed]
) -> None:
    assert here.post(http_api(make())) == 401
    assert here.is_quiet


def test_a_request_is_good_for_five_minutes(asked: tuple[Deployment, dict[str, Any]]) -> None:
    here, found = asked
    stamp = str(int(time.time()) - 295)
    assert here.post(http_api(sign(form(click(found["id"])), timestamp=stamp))) == 200
    assert here.record(found).status is Status.REMEDIATING


def _without(*path: str) -> Any:
    payload = click("any")
    owner: Any = payload
    for name in path[:-1]:
        owner = owner[int(name)] if isinstance(owner, list) else owner[name]
    del owner[path[-1]]
    return payload


MALFORMED: list[tuple[str, bytes]] = [
    ("no body", b""),
    ("no form", b"{}"),
    ("another form", b"a=b"),
    ("an empty payload", b"payload="),
    ("a payload that is no JSON", form("{")),
    ("a payload that is a list", form([])),
    ("a payload that is a text", form('"text"')),
    ("a payload that is nothing", form("null")),
    ("no user", form(_without("user"))),
    ("a user without an id", form(_without("user", "id"))),
    ("a user who is a text", form(click("any") | {"user": "U1"})),
    ("no channel", form(_without("channel"))),
    ("no actions", form(_without("actions"))),
    ("an empty list of actions", form(click("any") | {"actions": []})),
    ("two actions", form(click("any") | {"actions": click("any")["actions"] * 2})),
    ("an action without an id", form(_without("actions", "0", "action_id"))),
    ("a value that is no text", form(click("any") | {"actions": [{"action_id": "a", "value": 1}]})),
    ("a user id that is no text", form(click("any") | {"user": {"id": 7}})),
    ("a payload that has no end", form("[" * 100_000)),
    ("a user id that is half an emoji", form(click("any") | {"user": {"id": "\ud83d"}})),
    ("a callback URL that is no text", form(click("any") | {"response_url": 7})),
]


@pytest.mark.parametrize("body", [row[1] for row in MALFORMED], ids=[row[0] for row in MALFORMED])
def test_what_slack_signed_and_is_no_click_is_a_bad_request(here: Deployment, body: bytes) -> None:
    assert here.post(http_api(sign(body))) == 400
    assert here.is_quiet


def test_a_body_that_is_not_base64_is_a_bad_request(here: Deployment) -> None:
    event = http_api(sign(BODY))
    assert here.post(event | {"body": "no base64!"}) == 400
    assert here.post(event | {"body": "é"}) == 400


def test_a_request_without_headers_or_body_is_unauthorized(here: Deployment) -> None:
    assert here.post({"version": "2.0", "headers": None, "body": None}) == 401
    assert here.post({}) == 401


def test_a_body_that_is_half_an_emoji_is_unauthorized(here: Deployment) -> None:
    event = http_api(GOOD) | {"body": "\ud83d", "isBase64Encoded": False}
    assert here.post(event) == 401


def test_a_malformed_request_that_is_not_signed_is_unauthorized_before_it_is_parsed(
    here: Deployment,
) -> None:
    assert here.post(http_api(sign(b"{", secret="another"))) == 401


def test_a_click_on_the_link_to_the_console_is_answered_and_changes_nothing(
    asked: tuple[Deployment, dict[str, Any]],
) -> None:
    here, found = asked
    before = here.record(found)
    assert here.post(http_api(sign(form(load("slack/url_button.json"))))) == 200
    assert here.record(found) == before
    assert here.is_quiet


def test_who_may_not_decide_is_told_privately_who_can(
    asked: tuple[Deployment, dict[str, Any]],
) -> None:
    here, found = asked
    before = here.message
    assert here.click(user=OTHER) == 200
    assert here.record(found).status is Status.AWAITING_REVIEW
    here.remediate()
    (reply,) = here.slack.ephemerals
    assert reply.user == OTHER
    assert "<@U0APPROVER>" in reply.text
    assert "<@U0SECOND>" in reply.text
    assert here.message == before
    assert here.record(found).status is Status.AWAITING_REVIEW
    assert here.record(found).history[-1].is_refused
    assert here.record(found).history[-1].by == OTHER


def test_a_decision_counts_in_the_configured_channel_only(
    asked: tuple[Deployment, dict[str, Any]],
) -> None:
    here, found = asked
    assert here.post(http_api(sign(form(click(found["id"], channel="C0ELSEWHERE"))))) == 200
    assert here.record(found).status is Status.AWAITING_REVIEW
    (invocation,) = here.invocations
    assert invocation.payload["finding_id"] is None
    here.remediate()
    (reply,) = here.slack.ephemerals
    assert f"only in <#{CHANNEL}>" in reply.text


def test_where_anyone_may_decide_anyone_in_the_channel_does() -> None:
    with deployed(approvers="ANYONE_IN_CHANNEL") as here:
        found = here.put()
        here.deliver(found)
        assert here.post(http_api(sign(form(click(found["id"], channel="C0ELSEWHERE"))))) == 200
        assert here.record(found).status is Status.AWAITING_REVIEW
        assert here.click(user=OTHER) == 200
        assert here.record(found).decision.by == OTHER


def test_an_unknown_finding_is_told_of_privately(
    asked: tuple[Deployment, dict[str, Any]],
) -> None:
    here, found = asked
    here.slack.replace(_about(here, "unheard-of"))
    assert here.click() == 200
    here.remediate()
    (reply,) = here.slack.ephemerals
    assert "not in the ledger" in reply.text
    assert here.record(found).status is Status.AWAITING_REVIEW


def _about(here: Deployment, finding_id: str) -> Any:
    text = json.dumps(here.message.blocks)
    (value,) = {element["value"] for element in _elements(here) if "value" in element}
    return replace(here.message, blocks=tuple(json.loads(text.replace(value, finding_id))))


def _elements(here: Deployment) -> Iterator[Any]:
    for block in here.message.blocks:
        yield from block.get("elements", ())


def test_a_second_click_is_told_whose_the_decision_was(
    asked: tuple[Deployment, dict[str, Any]],
) -> None:
    here, found = asked
    shown = here.message
    assert here.click() == 200
    assert here.slack.click(shown.ts, "remediate", "U0SECOND", shown=shown) == 200
    here.invocations.pop(0)
    here.remediate()
    (reply,) = here.slack.ephemerals
    assert reply.user == "U0SECOND"
    assert "<@U0APPROVER>" in reply.text
    record = here.record(found)
    assert record.decision.by == APPROVER
    assert [entry.status for entry in record.history] == [
        Status.AWAITING_REVIEW,
        Status.REMEDIATING,
        Status.QUARANTINED,
    ]
    assert "Object quarantined" in here.message.text


def test_of_two_clicks_at_once_one_decides_and_the_other_is_told(
    asked: tuple[Deployment, dict[str, Any]],
) -> None:
    here, found = asked
    users = [APPROVER, "U0SECOND"]
    with ThreadPoolExecutor() as threads:
        assert list(threads.map(lambda user: here.click(user=user), users)) == [200, 200]
    winner = here.record(found).decision.by
    here.remediate()
    (reply,) = here.slack.ephemerals
    assert {winner, reply.user} == set(users)
    assert f"<@{winner}>" in reply.text
    assert here.record(found).status is Status.QUARANTINED


def test_a_start_that_was_lost_is_made_by_the_next_click(
    asked: tuple[Deployment, dict[str, Any]],
) -> None:
    here, found = asked
    here.refusal = 403
    with pytest.raises(AwsError):
        here.post(http_api(sign(form(click(found["id"])))))
    assert here.record(found).status is Status.REMEDIATING
    here.refusal = None
    assert here.click(user="U0SECOND") == 200
    here.remediate()
    assert here.record(found).status is Status.QUARANTINED
    assert here.record(found).decision.by == APPROVER


ELSEWHERE = ["https://evil.example/", "http://hooks.slack.com/actions/1", "file:///etc/passwd", ""]


@pytest.mark.parametrize("url", ELSEWHERE)
def test_a_click_with_a_callback_elsewhere_is_told_in_the_channel(
    asked: tuple[Deployment, dict[str, Any]], url: str
) -> None:
    here, found = asked
    assert here.post(http_api(sign(form(click(found["id"], response_url=url))))) == 200
    here.remediate()
    assert "Object quarantined" in here.message.text
    assert here.slack.requests[-1] == "chat.update"


def test_a_callback_elsewhere_is_never_called(asked: tuple[Deployment, dict[str, Any]]) -> None:
    here, found = asked
    with FakeSlack(bot_token="", signing_secret="") as elsewhere:
        url = f"{elsewhere.hooks_url}actions/1"
        event = http_api(sign(form(click(found["id"], user=OTHER, response_url=url))))
        assert here.post(event) == 200
        here.remediate()
        assert elsewhere.requests == []


@pytest.mark.parametrize("url", ["actions/unknown", "api/nothing", None])
def test_a_refusal_reaches_the_person_without_the_callback_as_well(
    asked: tuple[Deployment, dict[str, Any]], url: str | None
) -> None:
    here, found = asked
    response_url = None if url is None else f"{here.slack.hooks_url}{url}"
    event = http_api(sign(form(click(found["id"], user=OTHER, response_url=response_url))))
    assert here.post(event) == 200
    here.remediate()
    (reply,) = here.slack.ephemerals
    assert (reply.user, "<@U0APPROVER>" in reply.text) == (OTHER, True)


def test_a_refusal_that_slack_does_not_take_is_tried_again(
    asked: tuple[Deployment, dict[str, Any]],
) -> None:
    here, found = asked
    event = http_api(sign(form(click(found["id"], user=OTHER, response_url=None))))
    assert here.post(event) == 200
    waiting = list(here.invocations)
    here.slack.fail_next(500)
    with pytest.raises(SlackError):
        here.remediate()
    here.invocations[:] = waiting
    here.clock.ahead = timedelta(seconds=61)
    here.remediate()
    assert [reply.user for reply in here.slack.ephemerals] == [OTHER]


def test_an_action_of_another_release_is_answered_privately(
    asked: tuple[Deployment, dict[str, Any]],
) -> None:
    here, found = asked
    event = http_api(sign(form(click(found["id"], action_id="shred", response_url=None))))
    assert here.post(event) == 200
    here.remediate()
    (reply,) = here.slack.ephemerals
    assert "Nothing was done" in reply.text
    assert here.record(found).status is Status.AWAITING_REVIEW


@pytest.mark.parametrize(("choice", "reason"), DISMISSALS.items())
def test_a_finding_is_dismissed_with_a_reason_and_reopened(
    asked: tuple[Deployment, dict[str, Any]], choice: str, reason: str
) -> None:
    here, found = asked
    assert here.click("dismiss", choice=option(choice, found["id"])) == 200
    here.remediate()
    record = here.record(found)
    assert (record.status, record.decision.by) == (Status.DISMISSED, APPROVER)
    assert record.due is None
    assert f"Dismissed by <@{APPROVER}>" in here.message.text
    assert reason in here.message.text
    assert here.bodies(SOURCE) == [CARD]
    assert here.offered == ["reopen", "open_in_macie"]
    assert here.click("reopen", user="U0SECOND") == 200
    here.remediate()
    assert here.record(found).status is Status.AWAITING_REVIEW
    assert here.record(found).due is not None
    assert "Reopened by <@U0SECOND>" in here.message.text
    assert "Why: reopen" not in here.message.text
    assert here.offered == ["remediate", "dismiss", "open_in_macie"]


@pytest.mark.parametrize("action_id", ["remediate", "dismiss", "reopen", "restore", "retry"])
def test_every_action_is_for_approvers_only(
    asked: tuple[Deployment, dict[str, Any]], action_id: str
) -> None:
    here, found = asked
    before = here.record(found)
    payload = click(found["id"], action_id=action_id, user=OTHER)
    payload["actions"][0]["selected_option"] = {"value": option("accepted_risk", found["id"])}
    assert here.post(http_api(sign(form(payload)))) == 200
    here.remediate()
    assert here.record(found).standing == before.standing
    assert [reply.user for reply in here.slack.ephemerals] == [OTHER]


def test_a_click_on_an_outdated_message_is_answered_and_the_message_refreshed(
    asked: tuple[Deployment, dict[str, Any]],
) -> None:
    here, found = asked
    shown = here.message
    here.click("dismiss", choice=option("false_positive", found["id"]))
    here.invocations.clear()
    assert here.slack.click(shown.ts, "remediate", "U0SECOND", shown=shown) == 200
    here.remediate()
    (reply,) = here.slack.ephemerals
    assert f"<@{APPROVER}>" in reply.text
    assert "DISMISSED" in reply.text
    assert "Finding dismissed" in here.message.text
    assert here.bodies(SOURCE) == [CARD]


def test_while_the_signing_secret_is_rotated_both_are_good(
    asked: tuple[Deployment, dict[str, Any]],
) -> None:
    here, _ = asked
    here.put_secret(signingSecret="next", previousSigningSecret="signing-secret")
    here.restart()
    link = form(load("slack/url_button.json"))
    assert here.post(http_api(sign(link, secret="next"))) == 200
    assert here.post(http_api(sign(link, secret="signing-secret"))) == 200
    assert here.post(http_api(sign(link, secret="third"))) == 401
    here.put_secret(signingSecret="next", previousSigningSecret="")
    here.restart()
    assert here.post(http_api(sign(link, secret="signing-secret"))) == 401
    assert here.post(http_api(sign(link, secret=""))) == 401


def test_a_rotated_secret_is_good_from_the_first_click_on(
    asked: tuple[Deployment, dict[str, Any]],
) -> None:
    here, _ = asked
    link = form(load("slack/url_button.json"))
    assert here.post(http_api(sign(link))) == 200
    here.put_secret(signingSecret="next", previousSigningSecret="signing-secret")
    here.clock.ahead = timedelta(seconds=11)
    assert here.post(http_api(sign(link, secret="next"))) == 200
    assert here.post(http_api(sign(link))) == 200


def test_no_request_is_good_while_the_secret_is_empty(
    asked: tuple[Deployment, dict[str, Any]],
) -> None:
    here, found = asked
    here.put_secret(signingSecret="")
    here.restart()
    body = form(click(found["id"]))
    for secret in ("", "signing-secret"):
        with pytest.raises(Exception, match="put botToken and signingSecret"):
            here.post(http_api(sign(body, secret=secret)))
    assert here.record(found).status is Status.AWAITING_REVIEW


TEXT = st.text(max_size=30)
HEADERS = st.dictionaries(
    st.sampled_from(["X-Slack-Signature", "x-slack-request-timestamp", "Content-Type"]),
    TEXT | st.integers().map(str) | st.just(GOOD.headers["X-Slack-Signature"]),
)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(headers=HEADERS, body=TEXT | st.just(BODY.decode()), encoded=st.booleans())
def test_no_hostile_request_is_let_in_or_crashes_the_function(
    here: Deployment, headers: dict[str, str], body: str, *, encoded: bool
) -> None:
    event = {"headers": headers, "body": body, "isBase64Encoded": encoded}
    assert here.post(event) in (400, 401)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    payload=st.recursive(
        st.none() | st.integers() | TEXT,
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(st.sampled_from([*click("any"), "id", "value", "action_id"]), inner)
        ),
    )
)
def test_whatever_slack_signs_is_answered(here: Deployment, payload: Any) -> None:
    assert here.post(http_api(sign(form(payload)))) in (200, 400)
