"""Text that nobody vouches for is shown, and does nothing."""

import re
import unicodedata
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.common.text import code, escaped, human_size, listed, literal, prose, visible, width
from tests.lambdas.strategies import hostile_text

SHOWN = [
    ("a channel mention is text", "<!channel>", "&lt;!channel&gt;"),
    ("a link is text", "<https://x|y>", "&lt;https://x|y&gt;"),
    ("what is escaped already is escaped again", "&lt;", "&amp;lt;"),
    ("a line feed is spelt out", "a\nb", "a\\u000ab"),
    ("a right-to-left override is spelt out", "\u202egnp.exe", "\\u202egnp.exe"),
    ("a zero-width space is spelt out", "a\u200bb", "a\\u200bb"),
    ("a byte order mark is spelt out", "\ufeff", "\\ufeff"),
    ("a line separator is spelt out", "\u2028", "\\u2028"),
    ("an escape sequence is spelt out", "\x1b[31m", "\\u001b[31m"),
    ("an emoji of several people stays one", "👩‍👩‍👧", "👩‍👩‍👧"),
    ("letters of any script stay", "Zoë 日本 résumé", "Zoë 日本 résumé"),
]


@pytest.mark.parametrize(
    ("text", "expected"), [row[1:] for row in SHOWN], ids=[row[0] for row in SHOWN]
)
def test_shown_text(text: str, expected: str) -> None:
    assert escaped(text) == expected


@given(text=st.text() | hostile_text(), limit=st.integers(1, 200))
def test_escaped_text_fits_and_holds_no_markup_and_no_half_escape(text: str, limit: int) -> None:
    shown = escaped(text, limit)
    assert width(shown) <= limit
    assert "<" not in shown
    assert ">" not in shown
    assert escaped(unescape(shown)) == shown


@given(text=st.text() | hostile_text())
def test_everything_is_seen(text: str) -> None:
    hidden = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    seen = visible(text).replace("\u200d", "")
    assert not any(unicodedata.category(char) in hidden for char in seen)


@given(text=st.text() | hostile_text(), limit=st.integers(3, 200))
def test_code_is_one_span(text: str, limit: int) -> None:
    span = code(text, limit)
    assert width(span) <= limit
    assert span[0] == span[-1] == "`"
    assert "`" not in span[1:-1]
    assert "\n" not in span


@pytest.mark.parametrize(
    "text",
    ["*bold*", "_slanted_", "~struck~", "`code`", ":skull:", "a*b", "x _y_ z", "> quote", ">>> q"],
)
def test_what_slack_would_format_is_shown_as_code(text: str) -> None:
    assert literal(text) == code(text)


@pytest.mark.parametrize("text", ["CREDIT_CARD_NUMBER", "Owner=finance", "at 10:30", "a: b"])
def test_what_slack_would_not_format_is_shown_as_it_is(text: str) -> None:
    assert literal(text) == text


@given(text=st.text() | hostile_text(), limit=st.integers(3, 200))
def test_literal_text_holds_no_emphasis_outside_code(text: str, limit: int) -> None:
    shown = literal(text, limit)
    assert width(shown) <= limit
    is_code = shown.startswith("`") and shown.endswith("`")
    assert is_code or not set("*~`") & set(shown)


def test_in_a_sentence_only_what_slack_would_format_is_code() -> None:
    assert prose("The key arn:aws:kms:x refuses.") == "The key `arn:aws:kms:x` refuses."


@given(text=st.text() | hostile_text(), limit=st.integers(5, 200))
def test_a_sentence_fits_and_holds_no_emphasis_outside_code(text: str, limit: int) -> None:
    shown = prose(text, limit)
    assert width(shown) <= limit
    assert not set("*~`<>") & set(re.sub("`[^`]*`", "", shown))


def test_text_that_fits_is_not_cut() -> None:
    assert escaped("x" * 10, 10) == "x" * 10
    assert escaped("x" * 11, 10) == "x" * 9 + "…"
    assert escaped("&&&", 11) == "&amp;&amp;…"


@given(items=st.lists(st.text(min_size=1, max_size=50), max_size=60), limit=st.integers(20, 300))
def test_a_list_fits_and_says_how_many_are_missing(items: list[str], limit: int) -> None:
    text = listed(items, limit)
    assert width(text) <= limit
    if not items:
        assert text == "none"
    elif width(", ".join(items)) <= limit:
        assert text == ", ".join(items)
    else:
        assert " more" in text or text == f"{len(items)}"


SIZES = [
    (None, "unknown"),
    (0, "0 bytes"),
    (1023, "1,023 bytes"),
    (1024, "1.0 KiB"),
    (4750, "4.6 KiB"),
    (6442450944, "6.0 GiB"),
    (50 * 10**12, "45.5 TiB"),
]


@pytest.mark.parametrize(("size", "expected"), SIZES, ids=[row[1] for row in SIZES])
def test_sizes_are_written_as_people_do(size: int | None, expected: str) -> None:
    assert human_size(size) == expected
