"""Slack's published example is verified, for five minutes, and nothing else is."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.signature import Clock, SignatureVerifier

from lambdas.common import clock
from lambdas.remediation_handler.signature import is_from_slack
from tests.harness.events import sign
from tests.lambdas.remediation_handler.fixed_secrets import FixedSecrets

# https://docs.slack.dev/authentication/verifying-requests-from-slack
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
TIMESTAMP = 1531420618
SIGNATURE = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibI"
    b"GlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)


def is_verified(body: bytes, timestamp: int, signature: str, *, at: int = TIMESTAMP) -> bool:
    """Return whether we accept the request at a Unix time."""
    headers = {"x-slack-request-timestamp": str(timestamp), "x-slack-signature": signature}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", lambda: datetime.fromtimestamp(at, UTC))
        return is_from_slack(body, headers, FixedSecrets(SECRET))


def test_the_example_is_verified() -> None:
    assert is_verified(BODY, TIMESTAMP, SIGNATURE)


@pytest.mark.parametrize(("seconds", "expected"), [(300, True), (301, False)])
@pytest.mark.parametrize("direction", [1, -1])
def test_a_request_is_valid_for_five_minutes_in_both_directions(
    seconds: int,
    expected: bool,  # noqa: FBT001 - a column of the table
    direction: int,
) -> None:
    at = TIMESTAMP + direction * seconds
    assert is_verified(BODY, TIMESTAMP, SIGNATURE, at=at) is expected


class _ExampleClock(Clock):
    def now(self) -> float:
        return float(TIMESTAMP)


@given(
    body=st.just(BODY) | st.text().map(str.encode),
    offset=st.sampled_from([0, 1, -1, 299, 300, 301, -300, -301, 10**6]),
    signature=st.sampled_from([SIGNATURE, SIGNATURE.upper(), f"v1={SIGNATURE[3:]}", ""])
    | st.text(st.characters(max_codepoint=127)),
    is_signed=st.booleans(),
)
def test_our_verdict_is_that_of_slack_sdk(
    body: bytes, offset: int, signature: str, *, is_signed: bool
) -> None:
    timestamp = TIMESTAMP + offset
    if is_signed:
        signed = sign(body, secret=SECRET, timestamp=str(timestamp))
        signature = signed.headers["X-Slack-Signature"]
    expected = SignatureVerifier(SECRET, _ExampleClock()).is_valid(body, str(timestamp), signature)
    assert is_verified(body, timestamp, signature) is expected
