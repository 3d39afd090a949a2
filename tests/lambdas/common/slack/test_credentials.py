"""A Slack secret is read seldom, set or not, and read again when it may have changed."""

import json
from datetime import timedelta
from typing import Any

import pytest
from aws_lambda_powertools.utilities.parameters import SecretsProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError

from lambdas.common.slack.credentials import BotToken, SecretNotSetError, SigningSecrets
from tests.harness import aws
from tests.harness.aws import BOT_TOKEN, BOT_TOKEN_ID, SIGNING_SECRET_ID, plain_client
from tests.harness.events import SIGNING_SECRET
from tests.harness.harness import Harness


@pytest.fixture
def token(harness: Harness) -> BotToken:
    """The bot token as the functions read it."""
    assert harness.is_quiet
    return BotToken(SecretsProvider(), BOT_TOKEN_ID)


@pytest.fixture
def signing(harness: Harness) -> SigningSecrets:
    """The signing secrets as the functions read them."""
    assert harness.is_quiet
    return SigningSecrets(SecretsProvider(), SIGNING_SECRET_ID)


def count_reads(harness: Harness) -> int:
    """Count the requests for secrets so far."""
    return harness.faults.calls.count("GetSecretValue")


def put(value: str) -> None:
    """Put a text into the secret for the signing secret, as a person may."""
    plain_client("secretsmanager").put_secret_value(SecretId=SIGNING_SECRET_ID, SecretString=value)


def test_both_secrets_are_read(token: BotToken, signing: SigningSecrets) -> None:
    assert token.get() == BOT_TOKEN
    assert signing.get() == (SIGNING_SECRET,)


def test_a_change_is_read_after_five_minutes(harness: Harness, token: BotToken) -> None:
    token.get()
    harness.put_secret(botToken="next")
    harness.clock.ahead = timedelta(minutes=4, seconds=59)
    assert token.get() == BOT_TOKEN
    harness.clock.ahead = timedelta(minutes=5, seconds=1)
    assert token.get() == "next"


def test_a_refresh_reads_a_change_at_once(harness: Harness, signing: SigningSecrets) -> None:
    harness.put_secret(signingSecret="next")
    assert signing.refresh() == ("next",)
    assert signing.get() == ("next",)


def test_the_secret_is_refreshed_at_most_once_in_ten_seconds(
    harness: Harness, signing: SigningSecrets
) -> None:
    signing.get()
    for seconds in range(60):
        harness.clock.ahead = timedelta(seconds=seconds)
        signing.refresh()
    assert 2 <= count_reads(harness) <= 7


def test_a_refresh_that_fails_is_not_repeated_for_ten_seconds(
    harness: Harness, signing: SigningSecrets
) -> None:
    signing.get()

    def refuse(**_: Any) -> Any:
        return aws.error_response(400, "AccessDeniedException")

    harness.register("before-call.secretsmanager.GetSecretValue", refuse)
    harness.clock.ahead = timedelta(seconds=11)
    with pytest.raises(GetParameterError):
        signing.refresh()
    reads = count_reads(harness)
    assert signing.refresh() == (SIGNING_SECRET,)
    assert count_reads(harness) == reads


ROTATIONS = [
    ("old", (SIGNING_SECRET, "old")),
    ("", (SIGNING_SECRET,)),
    ("…", (SIGNING_SECRET,)),
]


@pytest.mark.parametrize(("previous", "expected"), ROTATIONS)
def test_during_a_rotation_the_previous_signing_secret_is_valid_unless_it_is_empty(
    harness: Harness, signing: SigningSecrets, previous: str, expected: tuple[str, ...]
) -> None:
    harness.put_secret(previousSigningSecret=previous)
    assert signing.get() == expected


@pytest.mark.parametrize("value", ["", " ", "…", "xoxb-…", "..."])
@pytest.mark.parametrize("name", ["botToken", "signingSecret"])
def test_an_empty_secret_is_refused_and_read_again_after_ten_seconds(
    harness: Harness, token: BotToken, signing: SigningSecrets, name: str, value: str
) -> None:
    secret: BotToken | SigningSecrets = token if name == "botToken" else signing
    harness.put_secret(**{name: value})
    with pytest.raises(SecretNotSetError, match=name):
        secret.get()
    harness.put_secret(**{name: "set"})
    with pytest.raises(SecretNotSetError, match=name):
        secret.get()
    harness.clock.ahead = timedelta(seconds=11)
    assert "set" in secret.get()


NOT_SET = ["", "xoxb-a-text", "[]", "null", "{}", json.dumps({"signingSecret": None})]


@pytest.mark.parametrize("value", NOT_SET)
def test_before_the_secret_is_set_it_is_read_no_more_often_than_after(
    harness: Harness, signing: SigningSecrets, value: str
) -> None:
    if value:
        put(value)
    else:
        plain_client("secretsmanager").delete_secret(
            SecretId=SIGNING_SECRET_ID, ForceDeleteWithoutRecovery=True
        )
    for seconds in range(60):
        harness.clock.ahead = timedelta(seconds=seconds)
        for read in (signing.get, signing.refresh):
            with pytest.raises(SecretNotSetError):
                read()
    assert count_reads(harness) <= 7


def test_spaces_and_line_ends_around_a_secret_are_removed(
    harness: Harness, token: BotToken, signing: SigningSecrets
) -> None:
    harness.put_secret(botToken="xoxb-test\n", signingSecret=" signing-secret\r\n")
    assert token.get() == "xoxb-test"
    assert signing.get() == ("signing-secret",)


def test_the_secrets_are_in_no_representation(token: BotToken, signing: SigningSecrets) -> None:
    token.get()
    signing.get()
    assert BOT_TOKEN not in repr(token)
    assert SIGNING_SECRET not in repr(signing)
