"""The callback URL of a click: it updates the clicked message, or answers the person privately."""

import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from lambdas.common import http
from lambdas.common.http import NoAnswerError
from lambdas.common.messages import Message

_SECONDS = 2
_REFUSED = re.compile(rb'\{\s*"ok":\s*false')


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """A `response_url`, good for 30 minutes and five uses.

    Source: https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
    """

    url: str

    @classmethod
    def allowed(cls, url: str | None, *, hooks_url: str) -> "Callback | None":
        """Answer the callback, or None for an address that is not below `hooks_url`."""
        return cls(url=url) if url is not None and url.startswith(hooks_url) else None

    def replace(self, message: Message) -> bool:
        """Replace the clicked message; answer whether Slack took it."""
        return self._send(
            text=message.text,
            blocks=list(message.blocks),
            response_type="in_channel",
            replace_original=True,
        )

    def whisper(self, text: str) -> bool:
        """Tell only the person who clicked; answer whether Slack took it."""
        return self._send(text=text, response_type="ephemeral", replace_original=False)

    def _send(self, **body: Any) -> bool:
        content = json.dumps(body).encode()
        headers = {"Content-Type": "application/json;charset=utf-8"}
        try:
            answer = http.request("POST", self.url, body=content, headers=headers, seconds=_SECONDS)
        except NoAnswerError:
            return False
        return answer.status == HTTPStatus.OK and not _REFUSED.match(answer.body)
