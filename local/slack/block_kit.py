"""Checks a message against Slack's documented limits, without slack_sdk's models."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# https://docs.slack.dev/reference/block-kit/blocks (one page per block)
_MAX_BLOCKS = 50
# chat.update rejects a longer text with msg_too_long. Some people measured bytes:
# https://docs.slack.dev/reference/methods/chat.update
_MAX_TEXT = 4000
# Not documented: Slack names 12,000 characters minus something per block, and rejects more with
# msg_blocks_too_long. https://github.com/slackapi/bolt-js/issues/2867
_MAX_BLOCKS_TEXT = 10_000


def problems(message: Mapping[str, Any]) -> list[str]:
    """Return everything in a chat.postMessage body that Slack documents to reject or to cut."""
    return list(_message(message))


def texts(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every text object in `value`."""
    if isinstance(value, Mapping):
        if value.get("type") in ("mrkdwn", "plain_text"):
            yield value
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for inner in value:
            yield from texts(inner)


def _message(message: Mapping[str, Any]) -> Iterator[str]:
    yield from _length("text", message.get("text"), 1, _MAX_TEXT)
    if len(message.get("text", "").encode()) > _MAX_TEXT:
        yield "text has too many bytes"
    blocks = message.get("blocks", [])
    if "blocks" in message and not 1 <= len(blocks) <= _MAX_BLOCKS:
        yield f"{len(blocks)} blocks"
    for number, block in enumerate(blocks):
        yield from (f"block {number}: {problem}" for problem in _block(block))
    for text in texts(blocks):
        yield from _length("a text object", text["text"], 1, 3000)
    if sum(_utf16_length(text["text"]) for text in texts(blocks)) > _MAX_BLOCKS_TEXT:
        yield "blocks with too much text"


def _block(block: Mapping[str, Any]) -> Iterator[str]:
    yield from _length("block_id", block.get("block_id", "id"), 1, 255)
    match block["type"]:
        case "header":
            yield from _text("header", block["text"], 150, kind="plain_text")
        case "section":
            yield from _section(block)
        case "actions":
            yield from _count("elements", block["elements"], 25)
            for element in block["elements"]:
                yield from _element(element)
        case "context":
            yield from _count("elements", block["elements"], 10)
            for element in block["elements"]:
                yield from _text("context", element, 3000)
        case "divider":
            return
        case unknown:
            yield f"a block of type {unknown}, unknown to this checker"


def _section(block: Mapping[str, Any]) -> Iterator[str]:
    if "text" not in block and "fields" not in block:
        yield "a section without text and fields"
    if "text" in block:
        yield from _text("section", block["text"], 3000)
    if "fields" in block:
        yield from _count("fields", block["fields"], 10)
        for field in block["fields"]:
            yield from _text("field", field, 2000)
    if "accessory" in block:
        yield from _element(block["accessory"])


def _element(element: Mapping[str, Any]) -> Iterator[str]:
    yield from _length("action_id", element.get("action_id"), 1, 255)
    match element["type"]:
        case "button":
            yield from _button(element)
        case "static_select" | "overflow":
            yield from _menu(element)
        case unknown:
            yield f"an element of type {unknown}, unknown to this checker"
    if "confirm" in element:
        yield from _confirm(element["confirm"])


def _button(button: Mapping[str, Any]) -> Iterator[str]:
    yield from _text("button", button["text"], 75, kind="plain_text")
    yield from _length("value", button.get("value", "none"), 1, 2000)
    yield from _length("url", button.get("url", "none"), 1, 3000)
    if button.get("style", "danger") not in ("primary", "danger"):
        yield f"style {button['style']}"


def _menu(menu: Mapping[str, Any]) -> Iterator[str]:
    if "placeholder" in menu:
        yield from _text("placeholder", menu["placeholder"], 150, kind="plain_text")
    yield from _count("options", menu["options"], 5 if menu["type"] == "overflow" else 100)
    for option in menu["options"]:
        yield from _text("option", option["text"], 75)
        yield from _length("option value", option["value"], 1, 150)


def _confirm(confirm: Mapping[str, Any]) -> Iterator[str]:
    yield from _text("confirm title", confirm["title"], 100, kind="plain_text")
    yield from _text("confirm text", confirm["text"], 300)
    yield from _text("confirm", confirm["confirm"], 30, kind="plain_text")
    yield from _text("deny", confirm["deny"], 30, kind="plain_text")


def _text(
    name: str, text: Mapping[str, Any], maximum: int, *, kind: str | None = None
) -> Iterator[str]:
    if kind is not None and text["type"] != kind:
        yield f"{name} must be {kind}"
    yield from _length(name, text["text"], 1, maximum)


def _count(name: str, items: Sequence[Any], maximum: int) -> Iterator[str]:
    if not 1 <= len(items) <= maximum:
        yield f"{len(items)} {name}"


def _length(name: str, text: Any, minimum: int, maximum: int) -> Iterator[str]:
    if not isinstance(text, str):
        yield f"{name} is not a text"
    elif not minimum <= _utf16_length(text) <= maximum:
        yield f"{name} has {len(text)} characters"


def _utf16_length(text: str) -> int:
    """Return the length in UTF-16, the stricter meaning of "characters": an emoji counts as two."""
    return len(text.encode("utf-16-le")) // 2
