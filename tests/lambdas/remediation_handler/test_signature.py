"""Ours and slack_sdk's verifier agree on every request, but for those that make the other crash."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.signature import Clock, SignatureVerifier

from lambdas.common.secret import SecretReader
from lambdas.remediation_handler.interaction import Request
from lambdas.remediation_handler.signature import Signatures, UnverifiedRequestError
from tests.lambdas.events import sign

# Slack's published example: https://docs.slack.dev/authentication/verifying-requests-from-slack
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
TIMESTAMP = 1531420618
SIGNATURE = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibI"
    b"GlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)


def secrets(operation: str, *, SecretId: str) -> dict[str, str]:  # noqa: N803 - AWS's name
    """Answer as a Secrets Manager with one secret does."""
    assert (operation, SecretId) == ("GetSecretValue", "slack")
    return {"SecretString": f'{{"botToken": "xoxb", "signingSecret": "{SECRET}"}}'}


def is_verified(request: Request, *, at: int = TIMESTAMP) -> bool:
    """Whether we let the request in."""

    def clock() -> datetime:
        return datetime.fromtimestamp(at, UTC)

    reader = SecretReader(secrets, "slack", clock)
    try:
        Signatures(reader, clock).verify(request)
    except UnverifiedRequestError:
        return False
    return True


def request(body: bytes, timestamp: str, signature: str) -> Request:
    """Make a request as it comes from API Gateway."""
    headers = {"x-slack-request-timestamp": timestamp, "x-slack-signature": signature}
    return Request(headers=headers, body=body)


def test_slacks_own_example_is_verified() -> None:
    assert is_verified(request(BODY, str(TIMESTAMP), SIGNATURE))


@pytest.mark.parametrize(("seconds", "expected"), [(300, True), (301, False)])
@pytest.mark.parametrize("direction", [1, -1])
def test_the_window_is_five_minutes_to_either_side(
    seconds: int,
    expected: bool,  # noqa: FBT001 - a column of the table
    direction: int,
) -> None:
    good = request(BODY, str(TIMESTAMP), SIGNATURE)
    assert is_verified(good, at=TIMESTAMP + direction * seconds) is expected


def test_forged_requests_have_the_secret_read_once_in_ten_seconds() -> None:
    reads, ahead = [], 0

    def clock() -> datetime:
        return datetime.fromtimestamp(TIMESTAMP + ahead, UTC)

    def counted(operation: str, **asked: str) -> dict[str, str]:
        reads.append(ahead)
        return secrets(operation, **asked)

    signatures = Signatures(SecretReader(counted, "slack", clock), clock)
    while ahead < 25:
        with pytest.raises(UnverifiedRequestError):
            signatures.verify(request(BODY, str(TIMESTAMP), "v0=forged"))
        ahead += 1
    assert reads == [0, 11, 22]


class _At(Clock):
    def now(self) -> float:
        return float(TIMESTAMP)


@given(
    body=st.just(BODY) | st.text().map(str.encode),
    offset=st.sampled_from([0, 1, -1, 299, 300, 301, -300, -301, 10**6]),
    signature=st.sampled_from([SIGNATURE, SIGNATURE.upper(), f"v1={SIGNATURE[3:]}", ""])
    | st.text(st.characters(max_codepoint=127)),
    is_signed=st.booleans(),
)
def test_ours_and_slack_sdks_verifier_agree(
    body: bytes, offset: int, signature: str, *, is_signed: bool
) -> None:
    timestamp = str(TIMESTAMP + offset)
    if is_signed:
        signed = sign(body, secret=SECRET, timestamp=timestamp)
        signature = signed.headers["X-Slack-Signature"]
    theirs = SignatureVerifier(SECRET, _At()).is_valid(body, timestamp, signature)
    assert is_verified(request(body, timestamp, signature)) is theirs
