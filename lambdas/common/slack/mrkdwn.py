"""Text from a finding is untrusted: make it visible, escape it, and keep it to Slack's limits."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime

from slack_sdk.models.blocks import MarkdownTextObject

_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_FORMATTED = re.compile(r"[`*~]|^\s*>|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|:[\w+-]+:")
_ZERO_WIDTH_JOINER = "\u200d"
_SEPARATOR = ", "


def mrkdwn(text: str) -> MarkdownTextObject:
    """Create a text object in which Slack makes no links, channels or mentions by itself.

    Source: https://docs.slack.dev/reference/block-kit/composition-objects/text-object
    """
    return MarkdownTextObject(text=text, verbatim=True)


def escape_invisible(text: str) -> str:
    """Spell out invisible characters, such as line feeds and changes of the reading direction.

    The joiner that holds an emoji together stays.
    """
    return "".join(char if _is_visible(char) else f"\\u{ord(char):04x}" for char in text)


def escape(text: str, limit: int = 3000) -> str:
    """Escape `text` for Slack's mrkdwn; at most `limit` characters, shortened with an ellipsis.

    Source: https://docs.slack.dev/messaging/formatting-message-text#escaping
    """
    pieces = [_ESCAPES.get(char, char) for char in escape_invisible(text)]
    whole = "".join(pieces)
    if utf16_length(whole) <= limit:
        return whole
    return _take_while_fitting(pieces, limit - 1) + "…"


def inline_code(text: str, limit: int = 3000) -> str:
    """Format `text` as inline code; a backtick, which would end it, becomes an apostrophe."""
    return f"`{escape(text.replace('`', 'ʼ'), limit - 2)}`"


def escape_or_code(text: str, limit: int = 3000) -> str:
    """Escape `text`, as inline code if Slack would find emphasis, code, quotes or emoji in it.

    Source: https://docs.slack.dev/messaging/formatting-message-text#basic-formatting
    """
    return inline_code(text, limit) if _FORMATTED.search(text) else escape(text, limit)


def escape_words(text: str, limit: int = 3000) -> str:
    """Escape a sentence that may hold names: a word that Slack would format becomes code."""
    pieces = [f"{escape_or_code(word, limit - 2)} " for word in text.split(" ")]
    whole = "".join(pieces)[:-1]
    return whole if utf16_length(whole) <= limit else _take_while_fitting(pieces, limit - 1) + "…"


def join_within(items: Iterable[str], limit: int = 2000) -> str:
    """Join `items`, each escaped already, and count those that do not fit into `limit`."""
    texts = list(items)
    fitting, used = 0, -len(_SEPARATOR)
    for count, text in enumerate(texts, start=1):
        used += utf16_length(text) + len(_SEPARATOR)
        if used + len(_and_more(len(texts) - count)) <= limit:
            fitting = count
    if not fitting:
        return f"{len(texts):,}" if texts else "none"
    return _SEPARATOR.join(texts[:fitting]) + _and_more(len(texts) - fitting)


def pluralize(number: int, noun: str) -> str:
    """Return a number with its noun; the plural has an s."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def human_size(size: int | None) -> str:
    """Return `size`, in bytes, in the unit that people use."""
    if size is None:
        return "unknown"
    amount = float(size)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if amount < 1024:  # noqa: PLR2004 - the unit
            return f"{amount:,.0f} bytes" if unit == "bytes" else f"{amount:,.1f} {unit}"
        amount /= 1024
    return f"{amount:,.1f} TiB"


def format_time(moment: datetime) -> str:
    """Return `moment` so that Slack shows it in the reader's own time zone.

    Source: https://docs.slack.dev/messaging/formatting-message-text#date-formatting
    """
    fallback = moment.strftime("%Y-%m-%d %H:%M %Z").strip()
    return f"<!date^{int(moment.timestamp())}^{{date_short_pretty}} at {{time}}|{fallback}>"


def utf16_length(text: str) -> int:
    """Count characters as UTF-16 does, the strictest reading of Slack's limits."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _and_more(count: int) -> str:
    return f" and {count:,} more" if count else ""


def _is_visible(char: str) -> bool:
    return char == _ZERO_WIDTH_JOINER or unicodedata.category(char) not in _INVISIBLE_CATEGORIES


def _take_while_fitting(pieces: Iterable[str], limit: int) -> str:
    text, left = "", limit
    for piece in pieces:
        left -= utf16_length(piece)
        if left < 0:
            break
        text += piece
    return text
