"""Text that nobody vouches for, made fit for Slack: visible, escaped and short enough."""

import re
import unicodedata
from collections.abc import Callable, Iterable

_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_FORMATTED = re.compile(r"[`*~]|^\s*>|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|:[\w+-]+:")
_JOINER = "\u200d"
_COMMA = ", "


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
    whole = "".join(pieces)
    if width(whole) <= limit:
        return whole
    return _fitting(pieces, limit - 1) + "…"


def code(text: str, limit: int = 3000) -> str:
    """Set `text` as inline code; a backtick, which would end it, is shown as an apostrophe."""
    return f"`{escaped(text.replace('`', 'ʼ'), limit - 2)}`"


def literal(text: str, limit: int = 3000) -> str:
    """Escape `text`, as inline code if Slack would find emphasis, code, quotes or emoji in it.

    Source: https://docs.slack.dev/messaging/formatting-message-text#basic-formatting
    """
    return code(text, limit) if _FORMATTED.search(text) else escaped(text, limit)


def prose(text: str, limit: int = 3000) -> str:
    """Escape a sentence, in which names may stand: a word that Slack would format is code."""
    pieces = [f"{literal(word, limit - 2)} " for word in text.split(" ")]
    whole = "".join(pieces)[:-1]
    return whole if width(whole) <= limit else _fitting(pieces, limit - 1) + "…"


def listed(items: Iterable[str], limit: int = 2000) -> str:
    """Join `items`, each one escaped already, and say how many did not fit into `limit`."""
    every = list(items)
    fitting, used = 0, -len(_COMMA)
    for count, item in enumerate(every, start=1):
        used += width(item) + len(_COMMA)
        if used + len(_more(len(every) - count)) <= limit:
            fitting = count
    if not fitting:
        return f"{len(every):,}" if every else "none"
    return _COMMA.join(every[:fitting]) + _more(len(every) - fitting)


def _more(count: int) -> str:
    return f" and {count:,} more" if count else ""


def shortest_needed(draw: Callable[[int], str], most: int) -> str:
    """Answer what `draw` makes, given by how much to divide each piece, within `most` bytes."""
    texts = map(draw, (1, 2, 4, 8))
    return next(text for text in texts if len(text.encode()) <= most)


def counted(number: int, noun: str) -> str:
    """Write how many there are of something, whose plural has an s."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


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
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


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
