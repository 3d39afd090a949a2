"""The Slack secret is read seldom, and read again when it may have changed."""

from datetime import timedelta

import pytest
from aws_lambda_powertools.utilities.parameters import SecretsProvider

from lambdas.common.slack.credentials import SecretNotSetError, SlackCredentials
from tests.harness.aws import BOT_TOKEN, SECRET
from tests.harness.events import SIGNING_SECRET
from tests.harness.harness import Harness


@pytest.fixture
def credentials(harness: Harness) -> SlackCredentials:
    """The credentials as the functions make them."""
    assert harness.is_quiet
    return SlackCredentials(SecretsProvider(), SECRET)


def test_the_secret_is_read(credentials: SlackCredentials) -> None:
    assert credentials.get().bot_token == BOT_TOKEN
    assert credentials.get().signing_secrets == (SIGNING_SECRET,)


def test_a_change_is_read_after_five_minutes(
    harness: Harness, credentials: SlackCredentials
) -> None:
    credentials.get()
    harness.put_secret(botToken="next")
    harness.clock.ahead = timedelta(minutes=4, seconds=59)
    assert credentials.get().bot_token == BOT_TOKEN
    harness.clock.ahead = timedelta(minutes=5, seconds=1)
    assert credentials.get().bot_token == "next"


def test_a_refresh_reads_a_change_at_once(harness: Harness, credentials: SlackCredentials) -> None:
    harness.put_secret(signingSecret="next")
    assert credentials.refresh().signing_secrets == ("next",)
    assert credentials.get().signing_secrets == ("next",)


def test_the_secret_is_refreshed_at_most_once_in_ten_seconds(
    harness: Harness, credentials: SlackCredentials
) -> None:
    credentials.get()
    for seconds in range(60):
        harness.clock.ahead = timedelta(seconds=seconds)
        credentials.refresh()
    assert 2 <= harness.faults.calls.count("GetSecretValue") <= 7


ROTATIONS = [
    ("old", (SIGNING_SECRET, "old")),
    ("", (SIGNING_SECRET,)),
    ("…", (SIGNING_SECRET,)),
]


@pytest.mark.parametrize(("previous", "expected"), ROTATIONS)
def test_during_a_rotation_the_previous_signing_secret_is_valid_unless_it_is_empty(
    harness: Harness, credentials: SlackCredentials, previous: str, expected: tuple[str, ...]
) -> None:
    harness.put_secret(previousSigningSecret=previous)
    assert credentials.get().signing_secrets == expected


@pytest.mark.parametrize("value", ["", " ", "…", "xoxb-…", "..."])
@pytest.mark.parametrize("name", ["botToken", "signingSecret"])
def test_an_empty_secret_is_refused_and_read_again_at_once(
    harness: Harness, credentials: SlackCredentials, name: str, value: str
) -> None:
    harness.put_secret(**{name: value})
    with pytest.raises(SecretNotSetError):
        credentials.get()
    harness.put_secret(**{name: "set"})
    secret = credentials.get()
    assert "set" in (secret.bot_token, *secret.signing_secrets)


def test_spaces_and_line_ends_around_a_secret_are_removed(
    harness: Harness, credentials: SlackCredentials
) -> None:
    harness.put_secret(botToken="xoxb-test\n", signingSecret=" signing-secret\r\n")
    assert credentials.get().bot_token == "xoxb-test"
    assert credentials.get().signing_secrets == ("signing-secret",)


def test_the_secret_is_in_no_representation(credentials: SlackCredentials) -> None:
    assert BOT_TOKEN not in repr(credentials.get())
    assert SIGNING_SECRET not in repr(credentials.get())
