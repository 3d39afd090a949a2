"""Text that nobody vouches for, made fit for Slack: visible, escaped and short enough."""

import unicodedata
from collections.abc import Iterable

_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_JOINER = "\u200d"


def visible(text: str) -> str:
    """Spell out what would not be seen or would turn the reading direction, such as line feeds.

    The joiner that holds an emoji together stays.
    """
    return "".join(char if _is_seen(char) else f"\\u{ord(char):04x}" for char in text)


def escaped(text: str, limit: int = 3000) -> str:
    """Escape `text` for Slack's mrkdwn, at most `limit` long, cut with an ellipsis.

    Source: https://docs.slack.dev/messaging/formatting-message-text#escaping
    """
    pieces = [_ESCAPES.get(char, char) for char in visible(text)]
    if sum(map(width, pieces)) <= limit:
        return "".join(pieces)
    return _fitting(pieces, limit - 1) + "…"


def code(text: str, limit: int = 3000) -> str:
    """Set `text` as inline code; a backtick, which would end it, is shown as an apostrophe."""
    return f"`{escaped(text.replace('`', 'ʼ'), limit - 2)}`"


def listed(items: Iterable[str], limit: int = 2000) -> str:
    """Join `items`, each one escaped already, and say how many did not fit into `limit`."""
    every = list(items)
    for count in range(len(every), 0, -1):
        more = f" and {len(every) - count:,} more" if count < len(every) else ""
        text = ", ".join(every[:count]) + more
        if width(text) <= limit:
            return text
    return f"{len(every):,}" if every else "none"


def human_size(size: int | None) -> str:
    """Write `size`, in bytes, as people do."""
    if size is None:
        return "unknown"
    amount = float(size)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if amount < 1024:  # noqa: PLR2004 - the unit
            return f"{amount:,.0f} bytes" if unit == "bytes" else f"{amount:,.1f} {unit}"
        amount /= 1024
    return f"{amount:,.1f} TiB"


def width(text: str) -> int:
    """Count characters as UTF-16 does, the strictest that Slack's limits can be meant."""
    return len(text) + sum(char > "\uffff" for char in text)


def _is_seen(char: str) -> bool:
    return char == _JOINER or unicodedata.category(char) not in _INVISIBLE


def _fitting(pieces: Iterable[str], limit: int) -> str:
    text, left = "", limit
    for piece in pieces:
        left -= width(piece)
        if left < 0:
            break
        text += piece
    return text
