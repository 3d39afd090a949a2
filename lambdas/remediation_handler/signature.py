"""Is a request from Slack? Checked over the raw body, before anything in it is read (step 6)."""

from collections.abc import Callable
from datetime import datetime, timedelta

from slack_sdk.signature import Clock, SignatureVerifier

from lambdas.common.secret import SecretReader, SlackSecret
from lambdas.remediation_handler.interaction import Request

_WINDOW_SECONDS = 300
_JUST_READ = timedelta(seconds=10)
"""Forged requests make us read the secret no more often than this."""
_LONGEST = 12
"""Digits of a timestamp; Python would stumble over thousands of them."""
_TIMESTAMP, _SIGNATURE = "x-slack-request-timestamp", "x-slack-signature"


class UnverifiedRequestError(Exception):
    """The request is unsigned, stale or forged; it is answered with 401."""


class Signatures:
    """Checks signatures with the signing secrets that are valid now.

    Source: https://docs.slack.dev/authentication/verifying-requests-from-slack
    """

    def __init__(self, secret: SecretReader, clock: Callable[[], datetime]) -> None:
        self._secret = secret
        self._clock = clock

    def verify(self, request: Request) -> None:
        """Check that Slack signed `request`, in the last five minutes.

        Raises:
            UnverifiedRequestError: it did not.
        """
        timestamp = request.headers.get(_TIMESTAMP, "")
        signature = request.headers.get(_SIGNATURE, "")
        if not self._is_recent(timestamp):
            raise UnverifiedRequestError("no timestamp of the last five minutes")
        if not signature.isascii():
            raise UnverifiedRequestError("no signature that Slack makes")
        known = self._secret.read()
        if self._is_signed(known, request.body, timestamp, signature):
            return
        # The secret may have been rotated since it was read.
        latest = self._secret.read(fresh=_JUST_READ)
        if latest == known or not self._is_signed(latest, request.body, timestamp, signature):
            raise UnverifiedRequestError("the signature is wrong")

    def _is_recent(self, timestamp: str) -> bool:
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _LONGEST):
            return False
        return abs(self._clock().timestamp() - int(timestamp)) <= _WINDOW_SECONDS

    def _is_signed(self, known: SlackSecret, body: bytes, timestamp: str, signature: str) -> bool:
        clock = _FixedClock(self._clock())
        # A body that is no text was not written by Slack, and the verifier would raise.
        try:
            return any(
                SignatureVerifier(secret, clock).is_valid(body, timestamp, signature)
                for secret in known.signing_secrets
            )
        except UnicodeDecodeError:
            return False


class _FixedClock(Clock):
    def __init__(self, moment: datetime) -> None:
        self._moment = moment

    def now(self) -> float:
        return self._moment.timestamp()
