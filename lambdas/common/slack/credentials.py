"""The Slack app's two secrets, from Secrets Manager through the cache of Powertools.

They are apart, so that each function can read what it uses: who can verify a click can also sign
one, and who has the bot token can post.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, TypeGuard

from aws_lambda_powertools.utilities.parameters import SecretsProvider
from aws_lambda_powertools.utilities.parameters.exceptions import (
    GetParameterError,
    TransformParameterError,
)
from botocore.exceptions import ClientError

from lambdas.common import clock

_MAX_AGE = timedelta(minutes=5)
_LEAST_BETWEEN_REFRESHES = timedelta(seconds=10)
"""Forged requests make the function read a secret no more often than this, set or not."""


class SecretNotSetError(Exception):
    """Nobody has put what Slack gave the app into the secret yet."""


class _Secret:
    """Reads a secret, at most once in five minutes unless a refresh is needed.

    Args:
        provider: reads and caches secrets.
        secret_id: the secret's name or ARN; its value is a JSON object.
        required: the name that must be in it.
    """

    def __init__(self, provider: SecretsProvider, secret_id: str, required: str) -> None:
        self._provider = provider
        self._secret_id = secret_id
        self._required = required
        self._read_at: datetime | None = None
        self._tried_at: datetime | None = None
        self._not_set_at: datetime | None = None

    def read(self, *, max_age: timedelta = _MAX_AGE) -> Mapping[str, str]:
        """Return the secret's values by name, as they were no longer than `max_age` ago.

        Raises:
            SecretNotSetError: the required value is missing, empty, or the placeholder that the
                README shows; this is not checked again for ten seconds.
            GetParameterError: Secrets Manager did not return it.
        """
        if not _is_older(self._not_set_at, _LEAST_BETWEEN_REFRESHES):
            raise self._not_set()
        is_old = _is_older(self._read_at, max_age)
        self._tried_at = clock.now() if is_old else self._tried_at
        try:
            values = _texts(self._get(force=is_old))
        except TransformParameterError:
            values = {}
        if not _is_set(values.get(self._required)):
            self._not_set_at = clock.now()
            raise self._not_set()
        self._read_at = clock.now() if is_old else self._read_at
        return values

    def refresh(self) -> Mapping[str, str]:
        """Return the secret's values as they are now; they are read at most once in ten seconds.

        Raises:
            SecretNotSetError: see `read`.
            GetParameterError: see `read`.
        """
        may_read = _is_older(self._tried_at, _LEAST_BETWEEN_REFRESHES)
        return self.read(max_age=_LEAST_BETWEEN_REFRESHES if may_read else _MAX_AGE)

    def _get(self, *, force: bool) -> Any:
        try:
            return self._provider.get(
                self._secret_id,
                max_age=int(_MAX_AGE.total_seconds()),
                transform="json",
                force_fetch=force,
            )
        except GetParameterError as error:
            if _has_no_value(error):
                return {}
            raise

    def _not_set(self) -> SecretNotSetError:
        return SecretNotSetError(f"put {self._required} into the secret {self._secret_id}")


class SigningSecrets:
    """The secrets with which Slack signs what it posts.

    Args:
        provider: reads and caches secrets.
        secret_id: the secret's name or ARN; its value is the JSON object `{signingSecret}` and,
            while the signing secret is being rotated, `previousSigningSecret`.
    """

    def __init__(self, provider: SecretsProvider, secret_id: str) -> None:
        self._secret = _Secret(provider, secret_id, "signingSecret")

    def get(self) -> tuple[str, ...]:
        """Return the signing secrets that are valid now, as of no longer than five minutes ago.

        Raises:
            SecretNotSetError: the signing secret is not set; this is not checked again for ten
                seconds.
            GetParameterError: Secrets Manager did not return it.
        """
        return _signing_secrets(self._secret.read())

    def refresh(self) -> tuple[str, ...]:
        """Return the signing secrets as they are now; they are read at most once in ten seconds.

        Raises:
            SecretNotSetError: see `get`.
            GetParameterError: see `get`.
        """
        return _signing_secrets(self._secret.refresh())


class BotToken:
    """The token with which the app calls Slack's Web API.

    Args:
        provider: reads and caches secrets.
        secret_id: the secret's name or ARN; its value is the JSON object `{botToken}`.
    """

    def __init__(self, provider: SecretsProvider, secret_id: str) -> None:
        self._secret = _Secret(provider, secret_id, "botToken")

    def get(self) -> str:
        """Return the token, as it was no longer than five minutes ago.

        Raises:
            SecretNotSetError: the token is not set; this is not checked again for ten seconds.
            GetParameterError: Secrets Manager did not return it.
        """
        return self._secret.read()["botToken"]


def _signing_secrets(values: Mapping[str, str]) -> tuple[str, ...]:
    secrets = (values["signingSecret"], values.get("previousSigningSecret"))
    return tuple(filter(_is_set, secrets))


def _texts(value: Any) -> Mapping[str, str]:
    # A person may have pasted spaces or line ends; http.client's error about a header with a line
    # end would quote the token.
    if not isinstance(value, dict):
        return {}
    return {name: str(text or "").strip() for name, text in value.items()}


def _is_set(value: str | None) -> TypeGuard[str]:
    """Return False for a placeholder too: everybody knows it, and could sign with it."""
    return bool(value and "…" not in value and "..." not in value)


def _is_older(moment: datetime | None, age: timedelta) -> bool:
    return moment is None or clock.now() - moment > age


def _has_no_value(error: GetParameterError) -> bool:
    cause = error.__cause__ or error.__context__
    if not isinstance(cause, ClientError):
        return False
    return cause.response["Error"]["Code"] == "ResourceNotFoundException"
