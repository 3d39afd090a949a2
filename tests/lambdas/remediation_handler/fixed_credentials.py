"""Signing secrets that a test gives."""

from lambdas.common.slack.credentials import SlackCredentials, SlackSecret


class FixedCredentials(SlackCredentials):
    """Credentials that are not read from anywhere."""

    def __init__(self, *signing_secrets: str) -> None:
        self._secret = SlackSecret(bot_token="xoxb-test", signing_secrets=signing_secrets)

    def get(self) -> SlackSecret:
        """Return the secrets."""
        return self._secret

    def refresh(self) -> SlackSecret:
        """Return the same secrets."""
        return self._secret
