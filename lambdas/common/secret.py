"""The Slack secret, read from Secrets Manager and read again when it may have changed."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeGuard

from lambdas.common.aws import Call

_FRESH = timedelta(minutes=5)


class SecretNotSetError(Exception):
    """Nobody has put the Slack app's token and signing secret into the secret yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackSecret:
    """What Slack gave the app: its bot token, and the signing secrets that are valid now."""

    bot_token: str = field(repr=False)
    signing_secrets: tuple[str, ...] = field(repr=False)


class SecretReader:
    """Reads the secret, at most once in five minutes unless there is reason to.

    Args:
        call: asks Secrets Manager.
        secret_id: the secret's name or ARN; its value is the JSON object
            `{botToken, signingSecret}` and, while the signing secret is being rotated,
            `previousSigningSecret`.
        clock: tells the time.
    """

    def __init__(self, call: Call, secret_id: str, clock: Callable[[], datetime]) -> None:
        self._call = call
        self._secret_id = secret_id
        self._clock = clock
        self._read: tuple[datetime, SlackSecret] | None = None

    def read(self, *, fresh: timedelta = _FRESH) -> SlackSecret:
        """Answer the secret's value, as it was no longer than `fresh` ago.

        Raises:
            SecretNotSetError: the bot token or the signing secret is missing, empty, or what the
                README has in their place.
        """
        now = self._clock()
        if self._read is None or now - self._read[0] > fresh:
            text = self._call("GetSecretValue", SecretId=self._secret_id)["SecretString"]
            self._read = now, _parsed(text)
        return self._read[1]


def _parsed(text: str) -> SlackSecret:
    # Spaces and line ends that were pasted along; a header with one can't be sent, and the error
    # that says so has the token in it.
    value = {name: str(told or "").strip() for name, told in json.loads(text).items()}
    if not _is_set(value.get("botToken")) or not _is_set(value.get("signingSecret")):
        raise SecretNotSetError("put botToken and signingSecret into the Slack secret")
    signing_secrets = (value["signingSecret"], value.get("previousSigningSecret"))
    return SlackSecret(
        bot_token=value["botToken"], signing_secrets=tuple(filter(_is_set, signing_secrets))
    )


def _is_set(value: str | None) -> TypeGuard[str]:
    """Answer whether it is a secret: everybody knows a placeholder, and could sign with it."""
    return bool(value and "…" not in value and "..." not in value)
