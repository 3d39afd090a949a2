"""Slack's documented limits on a message, checked."""

from collections.abc import Iterator, Mapping
from typing import Any

_TEXTS = {"header": 150, "section": 3000}
_ELEMENTS = {"actions": 25, "context": 10}


def problems(message: Mapping[str, Any]) -> list[str]:
    """Name all that Slack would refuse in `message`.

    Source: https://docs.slack.dev/reference/block-kit/blocks
    """
    blocks = message.get("blocks", ())
    found = [f"{len(blocks)} blocks"] if len(blocks) > 50 else []  # noqa: PLR2004 - the limit
    if len(message.get("text", "")) > 40_000:  # noqa: PLR2004 - the limit
        found.append("text is too long")
    for block in blocks:
        found += _in_block(block)
    return found


def _in_block(block: Mapping[str, Any]) -> Iterator[str]:
    kind = block["type"]
    if "text" in block:
        yield from _too_long(block["text"]["text"], _TEXTS[kind], kind)
    fields = block.get("fields", ())
    yield from _too_many(fields, 10, f"{kind} fields")
    for field in fields:
        yield from _too_long(field["text"], 2000, "field")
    elements = block.get("elements", ())
    yield from _too_many(elements, _ELEMENTS.get(kind, 10), f"{kind} elements")
    for element in elements:
        yield from _in_element(element)


def _in_element(element: Mapping[str, Any]) -> Iterator[str]:
    if isinstance(element.get("text"), Mapping):
        yield from _too_long(element["text"]["text"], 75, "button text")
    for name, limit in {"value": 2000, "url": 3000, "action_id": 255}.items():
        yield from _too_long(element.get(name) or "", limit, name)
    for option in element.get("options", ()):
        yield from _too_long(option["text"]["text"], 75, "option text")
        yield from _too_long(option["value"], 150, "option value")
    confirm = element.get("confirm", {})
    for name, limit in {"title": 100, "text": 300, "confirm": 30, "deny": 30}.items():
        if name in confirm:
            yield from _too_long(confirm[name]["text"], limit, f"confirm {name}")


def _too_long(text: str, limit: int, what: str) -> Iterator[str]:
    if not text and what in {"header", "section", "field", "button text"}:
        yield f"{what} is empty"
    if len(text) > limit:
        yield f"{what} has {len(text)} characters, {limit} are allowed"


def _too_many(items: Any, limit: int, what: str) -> Iterator[str]:
    if len(items) > limit:
        yield f"{len(items)} {what}, {limit} are allowed"
