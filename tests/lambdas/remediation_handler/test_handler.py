"""Steps 5 and 6: a request is from Slack and well-formed, or nothing happens."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambdas.common.ledger.record import Status
from local.slack.clicks import APP, TEAM
from tests.harness.events import (
    SLACK_EVENTS,
    SignedRequest,
    click_payload,
    form_body,
    http_api_event,
    load_event,
    rest_api_event,
    sign,
)
from tests.harness.harness import Harness


@pytest.fixture
def detail(harness: Harness) -> dict[str, Any]:
    """The detail of Macie's event about a finding that waits for a decision."""
    detail = harness.report_object()
    harness.deliver(detail)
    harness.slack.requests.clear()
    return detail


LINK = load_event(SLACK_EVENTS / "url_button.json") | {
    "api_app_id": APP,
    "team": {"id": TEAM},
}


def _upper(event: dict[str, Any]) -> dict[str, Any]:
    return event | {"headers": {name.upper(): value for name, value in event["headers"].items()}}


SHAPES: list[tuple[str, Callable[[SignedRequest], dict[str, Any]]]] = [
    ("of an HTTP API, in base64", http_api_event),
    (
        "of an HTTP API, as text",
        lambda signed: (
            http_api_event(signed) | {"body": signed.body.decode(), "isBase64Encoded": False}
        ),
    ),
    ("of a REST API", rest_api_event),
    (
        "of a REST API, in base64",
        lambda signed: (
            rest_api_event(signed)
            | {"body": http_api_event(signed)["body"], "isBase64Encoded": True}
        ),
    ),
    ("with header names in capitals", lambda signed: _upper(rest_api_event(signed))),
]


@pytest.mark.parametrize("shape", [row[1] for row in SHAPES], ids=[row[0] for row in SHAPES])
def test_a_request_is_accepted_in_every_form_of_api_gateway(
    harness: Harness, detail: dict[str, Any], shape: Callable[[SignedRequest], dict[str, Any]]
) -> None:
    payload = click_payload(detail["id"], seen=harness.record(detail).seen_state)
    assert harness.post_request(shape(sign(form_body(payload)))) == 200
    assert harness.record(detail).status is Status.REMEDIATING


BODY = form_body(click_payload("any"))
GOOD = sign(BODY)


def with_headers(**headers: str | None) -> SignedRequest:
    """Change headers of a correctly signed request, or remove them."""
    names = {"timestamp": "X-Slack-Request-Timestamp", "signature": "X-Slack-Signature"}
    changed = {names[name]: value for name, value in headers.items()}
    kept = {
        name: value
        for name, value in {**sign(BODY).headers, **changed}.items()
        if value is not None
    }
    return SignedRequest(body=BODY, headers=kept)


def _ago(seconds: int) -> SignedRequest:
    return sign(BODY, timestamp=str(int(time.time()) - seconds))


FORGED: list[tuple[str, Callable[[], SignedRequest]]] = [
    ("unsigned", lambda: with_headers(timestamp=None, signature=None)),
    ("without a signature", lambda: with_headers(signature=None)),
    ("without a timestamp", lambda: with_headers(timestamp=None)),
    ("with an empty signature", lambda: with_headers(signature="")),
    ("with a signature without digits", lambda: with_headers(signature="v0=")),
    ("with a signature in letters of another alphabet", lambda: with_headers(signature="v0=é")),
    ("signed with another secret", lambda: sign(BODY, secret="another")),
    ("signed with no secret", lambda: sign(BODY, secret="")),
    ("signed under another version", lambda: sign(BODY, prefix="v1")),
    ("signed under no version", lambda: sign(BODY, prefix="")),
    ("whose body was changed", lambda: SignedRequest(body=BODY + b"x", headers=sign(BODY).headers)),
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
    ("with a signed body that is not text", lambda: sign(b"payload=\xff\xfe")),
]
_TIME = "X-Slack-Request-Timestamp"


@pytest.mark.parametrize("make", [row[1] for row in FORGED], ids=[row[0] for row in FORGED])
def test_a_request_that_slack_did_not_sign_in_the_last_minutes_is_unauthorized(
    harness: Harness, make: Callable[[], SignedRequest]
) -> None:
    assert harness.post_request(http_api_event(make())) == 401
    assert harness.is_quiet


def test_a_request_is_valid_for_five_minutes(harness: Harness, detail: dict[str, Any]) -> None:
    stamp = str(int(time.time()) - 295)
    assert harness.post_request(harness.click_event(detail, timestamp=stamp)) == 200
    assert harness.record(detail).status is Status.REMEDIATING


def _without(*path: str) -> Any:
    payload = click_payload("any")
    owner: Any = payload
    for name in path[:-1]:
        owner = owner[int(name)] if isinstance(owner, list) else owner[name]
    del owner[path[-1]]
    return payload


CLICK = click_payload("any")

MALFORMED: list[tuple[str, bytes]] = [
    ("an empty body", b""),
    ("not a form", b"{}"),
    ("another form", b"a=b"),
    ("an empty payload", b"payload="),
    ("a payload that is no JSON", form_body("{")),
    ("a payload that is a list", form_body([])),
    ("a payload that is a text", form_body('"text"')),
    ("a payload that is null", form_body("null")),
    ("no user", form_body(_without("user"))),
    ("a user without an id", form_body(_without("user", "id"))),
    ("a user who is a text", form_body(CLICK | {"user": "U1"})),
    ("no channel", form_body(_without("channel"))),
    ("no actions", form_body(_without("actions"))),
    ("an empty list of actions", form_body(CLICK | {"actions": []})),
    (
        "two actions",
        form_body(CLICK | {"actions": CLICK["actions"] * 2}),
    ),
    ("an action without an id", form_body(_without("actions", "0", "action_id"))),
    (
        "a value that is not a string",
        form_body(CLICK | {"actions": [{"action_id": "a", "value": 1}]}),
    ),
    ("a user id that is not a string", form_body(CLICK | {"user": {"id": 7}})),
    ("a payload that is nested endlessly", form_body("[" * 100_000)),
    (
        "a user id that is half an emoji",
        form_body(CLICK | {"user": {"id": "\ud83d"}}),
    ),
    ("a callback URL that is not a string", form_body(CLICK | {"response_url": 7})),
]


@pytest.mark.parametrize("body", [row[1] for row in MALFORMED], ids=[row[0] for row in MALFORMED])
def test_a_signed_request_that_is_not_a_click_is_a_bad_request(
    harness: Harness, body: bytes
) -> None:
    assert harness.post_request(http_api_event(sign(body))) == 400
    assert harness.is_quiet


def test_a_body_that_is_not_base64_is_a_bad_request(harness: Harness) -> None:
    event = http_api_event(sign(BODY))
    assert harness.post_request(event | {"body": "no base64!"}) == 400
    assert harness.post_request(event | {"body": "é"}) == 400


def test_a_request_without_headers_or_body_is_unauthorized(harness: Harness) -> None:
    assert harness.post_request({"version": "2.0", "headers": None, "body": None}) == 401
    assert harness.post_request({}) == 401


def test_a_body_that_is_half_an_emoji_is_unauthorized(harness: Harness) -> None:
    event = http_api_event(GOOD) | {"body": "\ud83d", "isBase64Encoded": False}
    assert harness.post_request(event) == 401


def test_a_malformed_request_that_is_not_signed_is_unauthorized_before_it_is_parsed(
    harness: Harness,
) -> None:
    assert harness.post_request(http_api_event(sign(b"{", secret="another"))) == 401


def test_a_click_on_the_link_to_the_console_changes_nothing(
    harness: Harness,
    detail: dict[str, Any],
) -> None:
    before = harness.record(detail)
    assert harness.post_request(http_api_event(sign(form_body(LINK)))) == 200
    assert harness.record(detail) == before
    assert harness.is_quiet


def test_during_a_rotation_both_signing_secrets_are_valid(harness: Harness) -> None:
    harness.put_secret(signingSecret="next", previousSigningSecret="signing-secret")
    harness.restart()
    link = form_body(LINK)
    assert harness.post_request(http_api_event(sign(link, secret="next"))) == 200
    assert harness.post_request(http_api_event(sign(link, secret="signing-secret"))) == 200
    assert harness.post_request(http_api_event(sign(link, secret="third"))) == 401
    harness.put_secret(signingSecret="next", previousSigningSecret="")
    harness.restart()
    assert harness.post_request(http_api_event(sign(link, secret="signing-secret"))) == 401
    assert harness.post_request(http_api_event(sign(link, secret=""))) == 401


def test_a_rotated_signing_secret_is_valid_from_the_first_click(harness: Harness) -> None:
    link = form_body(LINK)
    assert harness.post_request(http_api_event(sign(link))) == 200
    harness.put_secret(signingSecret="next", previousSigningSecret="signing-secret")
    harness.clock.ahead = timedelta(seconds=11)
    assert harness.post_request(http_api_event(sign(link, secret="next"))) == 200
    assert harness.post_request(http_api_event(sign(link))) == 200


def test_no_request_is_valid_while_the_secret_is_not_set(
    harness: Harness,
    detail: dict[str, Any],
) -> None:
    harness.put_secret(signingSecret="")
    harness.restart()
    body = form_body(click_payload(detail["id"]))
    for secret in ("", "signing-secret"):
        with pytest.raises(Exception, match="put signingSecret into"):
            harness.post_request(http_api_event(sign(body, secret=secret)))
    assert harness.record(detail).status is Status.AWAITING_REVIEW


TEXT = st.text(max_size=30)
HEADERS = st.dictionaries(
    st.sampled_from(["X-Slack-Signature", "x-slack-request-timestamp", "Content-Type"]),
    TEXT | st.integers().map(str) | st.just(GOOD.headers["X-Slack-Signature"]),
)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(headers=HEADERS, body=TEXT | st.just(BODY.decode()), encoded=st.booleans())
def test_a_hostile_request_is_refused_and_does_not_crash_the_function(
    harness: Harness, headers: dict[str, str], body: str, *, encoded: bool
) -> None:
    event = {"headers": headers, "body": body, "isBase64Encoded": encoded}
    assert harness.post_request(event) in (400, 401)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    payload=st.recursive(
        st.none() | st.integers() | TEXT,
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(
                st.sampled_from([*click_payload("any"), "id", "value", "action_id"]), inner
            )
        ),
    )
)
def test_every_signed_payload_gets_a_response(harness: Harness, payload: Any) -> None:
    assert harness.post_request(http_api_event(sign(form_body(payload)))) in (200, 400)
