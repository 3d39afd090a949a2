"""A Slack stand-in on loopback: the parts of Slack that we use, clicks, and the channel's page."""

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

from local.slack.clicks import post_click
from local.slack.server import Request, server
from local.slack.workspace import Answer, Ephemeral, Message, Workspace

_CALLBACK_SECONDS, _CALLBACK_USES = 30 * 60, 5


class Panel(Protocol):
    """What the page shows beside the channel, and what can be done there."""

    def answer(self, request: Request) -> Answer | None:
        """Answer a request for a path below /panel/, or None for what is not there."""


@dataclass(kw_only=True)
class _Callback:
    """A `response_url`: for whose click on which message, and how much of it is left."""

    user: str
    ts: str
    until: float
    uses: int = _CALLBACK_USES


class SlackStandIn:
    """One workspace with one app and one channel.

    Args:
        bot_token: what the app authorizes with.
        signing_secret: what clicks are signed with.

    Attributes:
        url: the channel's page.
        api_url: where the Web API is, for `slack_sdk`'s `base_url`.
        hooks_url: what every `response_url` starts with.
        request_url: where clicks are posted, as in the app's settings.
        certificate: the file of the certificate that is trusted there; None for the system's.
        panel: answers what the page asks for beside the channel; None for nothing.
        requests: the methods that were called, in order.
        mood: answers a call of the Web API in its own way, by its method and what would answer.
    """

    def __init__(self, *, bot_token: str, signing_secret: str) -> None:
        self.request_url: str | None = None
        self.certificate: str | None = None
        self.panel: Panel | None = None
        self.requests: list[str] = []
        self.mood: Callable[[str, Callable[[], Answer]], Answer] = _well
        self._bot_token, self._signing_secret = bot_token, signing_secret
        self._workspace = Workspace()
        self._callbacks: dict[str, _Callback] = {}
        self._next_answers: list[Answer] = []
        self._loses_next = False
        self._lock = threading.RLock()
        self._server = server(self._answer)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self.api_url, self.hooks_url = f"{self.url}api/", self.url

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def messages(self) -> tuple[Message, ...]:
        """The channel, oldest first."""
        return self._workspace.messages

    @property
    def ephemerals(self) -> tuple[Ephemeral, ...]:
        """The private replies, oldest first."""
        return self._workspace.ephemerals

    def message(self, ts: str, *, edits: int | None = None) -> Message:
        """Answer a message as it stands, or as it stood after so many `edits`.

        Raises:
            LookupError: there is no such message.
        """
        return self._workspace.message(ts, edits=edits)

    def answer_next(
        self,
        status: int,
        error: str = "internal_error",
        *,
        retry_after: int | None = None,
        times: int = 1,
    ) -> None:
        """Have the next calls of the Web API fail."""
        refusal = Answer(status=status, body={"ok": False, "error": error}, retry_after=retry_after)
        self._next_answers += [refusal] * times

    def lose_next_answer(self) -> None:
        """Have the next call of the Web API done, and its answer lost on the way."""
        self._loses_next = True

    def be_well(self) -> None:
        """Fail no more."""
        self._next_answers.clear()

    def delete(self, ts: str) -> None:
        """Delete a message, as a person may."""
        self._workspace.delete(ts)

    def alter(self, message: Message) -> None:
        """Have a message stand as given, though no app posted it so."""
        self._workspace.update(message.ts, vars(message))

    def click(
        self,
        ts: str,
        action_id: str,
        user: str,
        *,
        choice: str | None = None,
        shown: Message | None = None,
    ) -> int:
        """Click on a message as `user`; answer the HTTP status that the app answered with.

        Args:
            ts: the message.
            action_id: the button's or menu's.
            user: a Slack user id.
            choice: the value chosen in a menu.
            shown: the message as the person still sees it, if that is outdated.

        Raises:
            LookupError: the message has no such button.
        """
        message = shown or self.message(ts)
        if self.request_url is None:
            raise LookupError("the app has no request URL yet")
        callback = uuid.uuid4().hex
        self._callbacks[callback] = _Callback(
            user=user, ts=ts, until=time.monotonic() + _CALLBACK_SECONDS
        )
        return post_click(
            self.request_url,
            signing_secret=self._signing_secret,
            certificate=self.certificate,
            message={"ts": ts, "text": message.text, "blocks": list(message.blocks)},
            channel=message.channel,
            action=_action(message, action_id, choice),
            user=user,
            response_url=f"{self.hooks_url}actions/{callback}",
        )

    def state(self) -> dict[str, Any]:
        """Tell what the page shows of the channel."""
        return {
            "messages": [vars(message) for message in self.messages],
            "ephemerals": [vars(reply) for reply in self.ephemerals],
        }

    def _answer(self, request: Request) -> Answer | None:
        match request.path.split("/")[1:]:
            case ["state"]:
                return Answer(status=200, body=self.state())
            case ["click"]:
                return self._clicked(request.fields)
            case ["panel", *_] if self.panel:
                return self.panel.answer(request)
            case ["actions", name]:
                with self._lock:
                    return self._respond(name, request.fields)
            case ["api", method]:
                return self.mood(method, lambda: self._call_alone(method, request))
            case _:
                return None

    def _clicked(self, click: Mapping[str, Any]) -> Answer:
        """Click as the page asks: on the message as the page shows it."""
        ts, choice = click["ts"], click.get("choice")
        shown = self.message(ts, edits=click.get("edits"))
        try:
            status = self.click(ts, click["action_id"], click["user"], choice=choice, shown=shown)
        except OSError:
            return Answer.refusal("nothing")
        return Answer(status=200, body={"status": status})

    def _call_alone(self, method: str, request: Request) -> Answer:
        with self._lock:
            return self._call(method, request)

    def _call(self, method: str, request: Request) -> Answer:
        self.requests.append(method)
        if self._loses_next:
            self._loses_next = False
            self._called(method, request)
            return Answer(status=504, body={})
        return self._called(method, request)

    def _called(self, method: str, request: Request) -> Answer:
        if self._next_answers:
            return self._next_answers.pop(0)
        if request.authorization != f"Bearer {self._bot_token}":
            return Answer.refusal("invalid_auth")
        return self._workspace.call(method, request.fields)

    def _respond(self, name: str, body: Mapping[str, Any]) -> Answer:
        """https://docs.slack.dev/interactivity/handling-user-interaction#message_responses."""
        callback = self._callbacks.get(name)
        if callback is None or callback.uses == 0 or time.monotonic() > callback.until:
            return Answer(status=404, body={"ok": False, "error": "expired_url"})
        callback.uses -= 1
        self.requests.append("response_url")
        if body.get("replace_original"):
            self._workspace.update(callback.ts, body)
        else:
            self._workspace.whisper(callback.user, body["text"])
        return Answer.good()


def _well(_: str, proceed: Callable[[], Answer]) -> Answer:
    return proceed()


def _action(message: Message, action_id: str, choice: str | None) -> Mapping[str, Any]:
    elements = [element for block in message.blocks for element in block.get("elements", ())]
    for element in elements:
        if element.get("action_id") == action_id:
            return {**element, **_chosen(element, choice)}
    raise LookupError(f"the message has no {action_id}")


def _chosen(element: Mapping[str, Any], choice: str | None) -> Mapping[str, Any]:
    """Answer what a menu adds to its click.

    Source: https://docs.slack.dev/reference/block-kit/block-elements/select-menu-element
    """
    if choice is None:
        return {}
    offered = [option for option in element.get("options", ()) if option["value"] == choice]
    if not offered:
        raise LookupError(f"the menu does not offer {choice}")
    return {"selected_option": offered[0]}


__all__ = ["Ephemeral", "Message", "Panel", "SlackStandIn"]
