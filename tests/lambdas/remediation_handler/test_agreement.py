"""Our verdict on a request is the verdict of Slack's own libraries, slack_sdk and slack_bolt."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from hypothesis import given
from hypothesis import strategies as st
from slack_bolt import BoltRequest, BoltResponse
from slack_bolt.middleware.request_verification import RequestVerification
from slack_sdk.signature import SignatureVerifier

from lambdas.remediation_handler.interaction import raw_body
from lambdas.remediation_handler.signature import is_from_slack
from tests.harness.events import SIGNING_SECRET
from tests.lambdas.remediation_handler.fixed_secrets import FixedSecrets

TIME, SIGNATURE = "X-Slack-Request-Timestamp", "X-Slack-Signature"


def ours(headers: dict[str, str], body: bytes, *, is_encoded: bool) -> bool:
    text = base64.b64encode(body).decode() if is_encoded else body.decode()
    event = APIGatewayProxyEventV2(
        {"headers": headers, "body": text, "isBase64Encoded": is_encoded}
    )
    content = raw_body(event.body, is_base64=is_encoded)
    return is_from_slack(content, event.headers, FixedSecrets(SIGNING_SECRET))


def of_slack_sdk(headers: dict[str, str], body: bytes) -> bool:
    try:
        return SignatureVerifier(SIGNING_SECRET).is_valid_request(body, headers)
    except (ValueError, TypeError):
        return False  # a malformed time or signature makes it raise


def of_slack_bolt(headers: dict[str, str], body: bytes) -> bool:
    request = BoltRequest(body="", headers={name: [value] for name, value in headers.items()})
    request.raw_body = body.decode()  # the constructor would parse it before it is verified
    try:
        response = RequestVerification(SIGNING_SECRET).process(
            req=request,
            resp=BoltResponse(status=404),
            next=lambda: BoltResponse(status=200),
        )
    except (ValueError, TypeError):
        return False
    return bool(response.status == 200)


def sign(body: bytes, *, seconds_ago: float = 0, secret: str = SIGNING_SECRET) -> dict[str, str]:
    moment = str(int(time.time() - seconds_ago))
    signed = hmac.new(secret.encode(), f"v0:{moment}:".encode() + body, hashlib.sha256)
    return {TIME: moment, SIGNATURE: f"v0={signed.hexdigest()}"}


def form_body(text: str) -> bytes:
    return urlencode({"payload": json.dumps({"type": "block_actions", "text": text})}).encode()


PLAIN, OTHER_USER = form_body("hello"), form_body("héllo 👋 中文")
RAW = "payload=é👋".encode()
CASES: list[tuple[str, Callable[[], dict[str, str]], bytes, bool]] = [
    ("valid", lambda: sign(PLAIN), PLAIN, True),
    ("not ASCII", lambda: sign(OTHER_USER), OTHER_USER, True),
    ("not ASCII and not encoded", lambda: sign(RAW), RAW, True),
    ("empty", lambda: sign(b""), b"", True),
    (
        "in lower case",
        lambda: {name.lower(): value for name, value in sign(PLAIN).items()},
        PLAIN,
        True,
    ),
    (
        "in upper case",
        lambda: {name.upper(): value for name, value in sign(PLAIN).items()},
        PLAIN,
        True,
    ),
    ("four minutes old", lambda: sign(PLAIN, seconds_ago=240), PLAIN, True),
    ("stale", lambda: sign(PLAIN, seconds_ago=302), PLAIN, False),
    ("of the future", lambda: sign(PLAIN, seconds_ago=-305), PLAIN, False),
    ("of another secret", lambda: sign(PLAIN, secret="other"), PLAIN, False),
    ("of another body", lambda: sign(PLAIN), OTHER_USER, False),
    ("unsigned", dict, PLAIN, False),
    ("without a time", lambda: {SIGNATURE: sign(PLAIN)[SIGNATURE]}, PLAIN, False),
    ("without a signature", lambda: {TIME: sign(PLAIN)[TIME]}, PLAIN, False),
    (
        "hex in capitals",
        lambda: {**sign(PLAIN), SIGNATURE: sign(PLAIN)[SIGNATURE].upper()},
        PLAIN,
        False,
    ),
]


@pytest.mark.parametrize("is_encoded", [True, False], ids=["base64", "plain"])
@pytest.mark.parametrize(
    ("make", "body", "expected"), [row[1:] for row in CASES], ids=[row[0] for row in CASES]
)
def test_all_three_agree(
    make: Callable[[], dict[str, str]],
    body: bytes,
    expected: bool,  # noqa: FBT001 - a column of the table
    is_encoded: bool,  # noqa: FBT001 - a parameter
) -> None:
    headers = make()
    assert ours(headers, body, is_encoded=is_encoded) is expected
    assert of_slack_sdk(headers, body) is expected
    assert of_slack_bolt(headers, body) is expected


def _recased(name: str, capitals: list[bool]) -> str:
    return "".join(
        char.upper() if capitals[place % len(capitals)] else char.lower()
        for place, char in enumerate(name)
    )


@given(
    text=st.text(max_size=50),
    capitals=st.lists(st.booleans(), min_size=1, max_size=7),
    seconds_ago=st.integers(-400, 400).filter(lambda value: abs(abs(value) - 300) > 3),
    flipped=st.none() | st.integers(0, 200),
    is_encoded=st.booleans(),
)
def test_all_three_agree_on_generated_requests(
    text: str, capitals: list[bool], seconds_ago: int, flipped: int | None, *, is_encoded: bool
) -> None:
    body = form_body(text)
    headers = {
        _recased(name, capitals): value
        for name, value in sign(body, seconds_ago=seconds_ago).items()
    }
    if flipped is not None:
        place = flipped % len(body)
        body = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
    verdict = ours(headers, body, is_encoded=is_encoded)
    assert verdict is of_slack_sdk(headers, body) is of_slack_bolt(headers, body)
    assert verdict is (flipped is None and abs(seconds_ago) < 300)


STRICTER: list[tuple[str, Any]] = [
    ("a time with spaces", lambda moment: f" {moment}"),
    ("a time with a sign", lambda moment: f"+{moment}"),
    ("a time with underscores", lambda moment: f"{moment[:3]}_{moment[3:]}"),
]


@pytest.mark.parametrize("change", [row[1] for row in STRICTER], ids=[row[0] for row in STRICTER])
def test_we_refuse_numbers_that_python_reads_and_slack_never_writes(change: Any) -> None:
    moment = change(str(int(time.time())))
    signed = hmac.new(SIGNING_SECRET.encode(), f"v0:{moment}:".encode() + PLAIN, hashlib.sha256)
    headers = {TIME: moment, SIGNATURE: f"v0={signed.hexdigest()}"}
    assert of_slack_sdk(headers, PLAIN)
    assert not ours(headers, PLAIN, is_encoded=True)
