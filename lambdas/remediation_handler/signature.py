"""Slack's signature, checked over the raw body before anything in it is read (step 6)."""

import re
from collections.abc import Mapping

from slack_sdk.signature import Clock, SignatureVerifier

from lambdas.common import clock
from lambdas.common.slack.credentials import SigningSecrets

_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")
"""What Slack writes; other strings make the verifier raise, or accept what Slack never sends.

Source: https://docs.slack.dev/authentication/verifying-requests-from-slack
"""


class _Clock(Clock):
    def now(self) -> float:
        return clock.now().timestamp()


def is_from_slack(body: bytes, headers: Mapping[str, str], signing: SigningSecrets) -> bool:
    """Return whether Slack signed the request in the last five minutes.

    Args:
        body: of the request, byte for byte.
        headers: of the request, their names in lower case.
        signing: the signing secrets that are valid now.
    """
    if not _is_well_formed(headers):
        return False
    secrets = signing.get()
    if _is_signed(body, headers, secrets):
        return True
    # The signing secret may have been rotated since it was read.
    latest = signing.refresh()
    return latest != secrets and _is_signed(body, headers, latest)


def _is_well_formed(headers: Mapping[str, str]) -> bool:
    timestamp = headers.get("x-slack-request-timestamp", "")
    signature = headers.get("x-slack-signature", "")
    return bool(_TIMESTAMP.fullmatch(timestamp) and _SIGNATURE.fullmatch(signature))


def _is_signed(body: bytes, headers: Mapping[str, str], secrets: tuple[str, ...]) -> bool:
    verifiers = (SignatureVerifier(secret, _Clock()) for secret in secrets)
    try:
        return any(verifier.is_valid_request(body, headers) for verifier in verifiers)
    except UnicodeDecodeError:  # Slack writes no such body
        return False
