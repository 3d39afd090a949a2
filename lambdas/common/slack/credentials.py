"""The Slack app's secrets, from Secrets Manager through the cache of Powertools."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeGuard

from aws_lambda_powertools.utilities.parameters import SecretsProvider

from lambdas.common import clock

_MAX_AGE = timedelta(minutes=5)
_LEAST_BETWEEN_REFRESHES = timedelta(seconds=10)
"""Forged requests make the function read the secret no more often than this."""


class SecretNotSetError(Exception):
    """Nobody has put the Slack app's bot token and signing secret into the secret yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackSecret:
    """What Slack gave the app: its bot token, and the signing secrets that are valid now."""

    bot_token: str = field(repr=False)
    signing_secrets: tuple[str, ...] = field(repr=False)


class SlackCredentials:
    """Reads the secret, at most once in five minutes unless a refresh is needed.

    Args:
        provider: reads and caches secrets.
        secret_id: the secret's name or ARN; its value is the JSON object
            `{botToken, signingSecret}` and, while the signing secret is being rotated,
            `previousSigningSecret`.
    """

    def __init__(self, provider: SecretsProvider, secret_id: str) -> None:
        self._provider = provider
        self._secret_id = secret_id
        self._read_at: datetime | None = None

    def get(self) -> SlackSecret:
        """Return the secret, as it was no longer than five minutes ago.

        Raises:
            SecretNotSetError: the bot token or the signing secret is missing, empty, or the
                placeholder that the README shows.
            GetParameterError: Secrets Manager did not return it.
        """
        is_old = self._read_at is None or clock.now() - self._read_at > _MAX_AGE
        return self._read(force=is_old)

    def refresh(self) -> SlackSecret:
        """Return the secret as it is now; it is read at most once in ten seconds.

        Raises:
            SecretNotSetError: see `get`.
            GetParameterError: see `get`.
        """
        is_old = self._read_at is None or clock.now() - self._read_at > _LEAST_BETWEEN_REFRESHES
        return self._read(force=is_old)

    def _read(self, *, force: bool) -> SlackSecret:
        value = self._provider.get(
            self._secret_id,
            max_age=int(_MAX_AGE.total_seconds()),
            transform="json",
            force_fetch=force,
        )
        secret = _parse(value)
        if force:
            # Not before: a secret that is not set yet is read again at once.
            self._read_at = clock.now()
        return secret


def _parse(value: Any) -> SlackSecret:
    # A person may have pasted spaces or line ends; http.client's error about a header with a line
    # end would quote the token.
    texts = {name: str(text or "").strip() for name, text in value.items()}
    if not _is_set(texts.get("botToken")) or not _is_set(texts.get("signingSecret")):
        raise SecretNotSetError("put botToken and signingSecret into the Slack secret")
    signing_secrets = (texts["signingSecret"], texts.get("previousSigningSecret"))
    return SlackSecret(
        bot_token=texts["botToken"], signing_secrets=tuple(filter(_is_set, signing_secrets))
    )


def _is_set(value: str | None) -> TypeGuard[str]:
    """Return False for a placeholder too: everybody knows it, and could sign with it."""
    return bool(value and "…" not in value and "..." not in value)
