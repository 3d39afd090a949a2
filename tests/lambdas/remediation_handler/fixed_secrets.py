"""Signing secrets that a test gives."""

from lambdas.common.slack.credentials import SigningSecrets


class FixedSecrets(SigningSecrets):
    """Signing secrets that are not read from anywhere."""

    def __init__(self, *secrets: str) -> None:
        self._secrets = secrets

    def get(self) -> tuple[str, ...]:
        """Return the secrets."""
        return self._secrets

    def refresh(self) -> tuple[str, ...]:
        """Return the same secrets."""
        return self._secrets
