"""The Slack secret is read seldom, and again when it may have changed."""

from datetime import timedelta

import pytest

from lambdas.common.secret import SecretNotSetError, SecretReader
from tests.lambdas.botocore_calls import through
from tests.lambdas.deployment import SECRET, Deployment, plain


@pytest.fixture
def reader(here: Deployment) -> SecretReader:
    """A reader with the deployment's clock."""
    return SecretReader(through(plain("secretsmanager")), SECRET, here.clock.now)


def test_the_secret_is_read(reader: SecretReader) -> None:
    assert reader.read().bot_token == "xoxb-test"
    assert reader.read().signing_secrets == ("signing-secret",)


def test_a_change_is_seen_after_five_minutes(here: Deployment, reader: SecretReader) -> None:
    reader.read()
    here.put_secret(botToken="next")
    assert reader.read().bot_token == "xoxb-test"
    here.clock.ahead = timedelta(minutes=5, seconds=1)
    assert reader.read().bot_token == "next"


ROTATIONS = [
    ("old", ("signing-secret", "old")),
    ("", ("signing-secret",)),
    ("…", ("signing-secret",)),
]


@pytest.mark.parametrize(("previous", "expected"), ROTATIONS)
def test_while_it_is_rotated_the_previous_signing_secret_counts_unless_empty(
    here: Deployment, reader: SecretReader, previous: str, expected: tuple[str, ...]
) -> None:
    here.put_secret(previousSigningSecret=previous)
    assert reader.read().signing_secrets == expected


@pytest.mark.parametrize("value", ["", " ", "…", "xoxb-…", "..."])
@pytest.mark.parametrize("name", ["botToken", "signingSecret"])
def test_an_empty_secret_is_refused_and_read_again_at_once(
    here: Deployment, reader: SecretReader, name: str, value: str
) -> None:
    here.put_secret(**{name: value})
    with pytest.raises(SecretNotSetError):
        reader.read()
    here.put_secret(**{name: "set"})
    assert "set" in (reader.read().bot_token, *reader.read().signing_secrets)


def test_line_ends_that_were_pasted_along_do_not_count(
    here: Deployment, reader: SecretReader
) -> None:
    here.put_secret(botToken="xoxb-test\n", signingSecret=" signing-secret\r\n")
    assert reader.read().bot_token == "xoxb-test"
    assert reader.read().signing_secrets == ("signing-secret",)


def test_the_secret_is_in_no_representation(reader: SecretReader) -> None:
    assert "xoxb" not in repr(reader.read())
    assert "signing-secret" not in repr(reader.read())
