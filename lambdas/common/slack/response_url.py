"""The callback URL of a click: it updates the message, or replies to the person (step 8)."""

import re
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException
from typing import Any

from slack_sdk.webhook import WebhookClient

from lambdas.common.slack.messages import Message
from lambdas.common.slack.tls import tls_context

_TIMEOUT_SECONDS = 2
_PATHS = ("actions/", "commands/")
_REFUSED = re.compile(r'\{\s*"ok":\s*false')


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseUrl:
    """A `response_url`, which is valid for 30 minutes and five uses.

    Source: https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
    """

    url: str

    def replace_message(self, message: Message) -> bool:
        """Replace the clicked message; return whether Slack accepted it."""
        return self._send(
            text=message.text,
            blocks=list(message.blocks),
            response_type="in_channel",
            replace_original=True,
        )

    def reply_privately(self, text: str) -> bool:
        """Show `text` to the person who clicked and nobody else; return whether Slack accepted."""
        return self._send(text=text, response_type="ephemeral", replace_original=False)

    def _send(self, **body: Any) -> bool:
        # A request that was lost is not repeated: a reply would be shown twice.
        client = WebhookClient(
            self.url, timeout=_TIMEOUT_SECONDS, ssl=tls_context(), retry_handlers=[]
        )
        try:
            response = client.send_dict(body)
        except (OSError, HTTPException, UnicodeDecodeError, LookupError):
            return False
        return response.status_code == HTTPStatus.OK and not _REFUSED.match(response.body)


def allowed_response_url(url: str | None, *, hooks_url: str) -> ResponseUrl | None:
    """Return the callback URL, or None for an address that Slack does not make for a click.

    Below `hooks_url` are incoming webhooks and workflows too, of any workspace.
    """
    is_allowed = url is not None and url.startswith(tuple(f"{hooks_url}{p}" for p in _PATHS))
    return ResponseUrl(url=url) if url is not None and is_allowed else None
