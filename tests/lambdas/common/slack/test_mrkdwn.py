"""Untrusted text is shown, and does nothing in Slack."""

import re
import unicodedata
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.common.slack.mrkdwn import (
    escape,
    escape_invisible,
    escape_or_code,
    escape_words,
    human_size,
    inline_code,
    join_within,
    pluralize,
    utf16_length,
)
from tests.harness.strategies import hostile_text

ESCAPED = [
    ("a channel mention is text", "<!channel>", "&lt;!channel&gt;"),
    ("a link is text", "<https://x|y>", "&lt;https://x|y&gt;"),
    ("an escaped text is escaped again", "&lt;", "&amp;lt;"),
    ("a line feed is spelled out", "a\nb", "a\\u000ab"),
    ("a right-to-left override is spelled out", "\u202egnp.exe", "\\u202egnp.exe"),
    ("a zero-width space is spelled out", "a\u200bb", "a\\u200bb"),
    ("a byte order mark is spelled out", "\ufeff", "\\ufeff"),
    ("a line separator is spelled out", "\u2028", "\\u2028"),
    ("an escape sequence is spelled out", "\x1b[31m", "\\u001b[31m"),
    ("an emoji of several people stays whole", "👩‍👩‍👧", "👩‍👩‍👧"),
    ("letters of any script stay", "Zoë 日本 résumé", "Zoë 日本 résumé"),
]


@pytest.mark.parametrize(
    ("text", "expected"), [row[1:] for row in ESCAPED], ids=[row[0] for row in ESCAPED]
)
def test_a_text_is_escape(text: str, expected: str) -> None:
    assert escape(text) == expected


@given(text=st.text() | hostile_text(), limit=st.integers(1, 200))
def test_an_escaped_text_fits_and_has_no_markup_and_no_part_of_an_escape(
    text: str, limit: int
) -> None:
    shown = escape(text, limit)
    assert utf16_length(shown) <= limit
    assert "<" not in shown
    assert ">" not in shown
    assert escape(unescape(shown)) == shown


@given(text=st.text() | hostile_text())
def test_every_character_is_visible(text: str) -> None:
    hidden = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    shown = escape_invisible(text).replace("\u200d", "")
    assert not any(unicodedata.category(char) in hidden for char in shown)


@given(text=st.text() | hostile_text(), limit=st.integers(3, 200))
def test_inline_code_is_a_single_span(text: str, limit: int) -> None:
    span = inline_code(text, limit)
    assert utf16_length(span) <= limit
    assert span[0] == span[-1] == "`"
    assert "`" not in span[1:-1]
    assert "\n" not in span


@pytest.mark.parametrize(
    "text",
    ["*bold*", "_slanted_", "~struck~", "`code`", ":skull:", "a*b", "x _y_ z", "> quote", ">>> q"],
)
def test_a_text_that_slack_would_format_is_shown_as_code(text: str) -> None:
    assert escape_or_code(text) == inline_code(text)


@pytest.mark.parametrize("text", ["CREDIT_CARD_NUMBER", "Owner=finance", "at 10:30", "a: b"])
def test_a_text_that_slack_would_not_format_stays_as_it_is(text: str) -> None:
    assert escape_or_code(text) == text


@given(text=st.text() | hostile_text(), limit=st.integers(3, 200))
def test_a_text_has_no_emphasis_outside_code(text: str, limit: int) -> None:
    shown = escape_or_code(text, limit)
    assert utf16_length(shown) <= limit
    is_code = shown.startswith("`") and shown.endswith("`")
    assert is_code or not set("*~`") & set(shown)


def test_only_the_words_of_a_sentence_that_slack_would_format_are_code() -> None:
    assert escape_words("The key arn:aws:kms:x refuses.") == "The key `arn:aws:kms:x` refuses."


@given(text=st.text() | hostile_text(), limit=st.integers(5, 200))
def test_a_sentence_fits_and_has_no_emphasis_outside_code(text: str, limit: int) -> None:
    shown = escape_words(text, limit)
    assert utf16_length(shown) <= limit
    assert not set("*~`<>") & set(re.sub("`[^`]*`", "", shown))


def test_a_text_that_fits_is_not_shortened() -> None:
    assert escape("x" * 10, 10) == "x" * 10
    assert escape("x" * 11, 10) == "x" * 9 + "…"
    assert escape("&&&", 11) == "&amp;&amp;…"


@given(items=st.lists(st.text(min_size=1, max_size=50), max_size=60), limit=st.integers(20, 300))
def test_a_list_fits_and_counts_the_items_that_are_missing(items: list[str], limit: int) -> None:
    text = join_within(items, limit)
    assert utf16_length(text) <= limit
    if not items:
        assert text == "none"
    elif utf16_length(", ".join(items)) <= limit:
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
def test_a_size_is_in_the_unit_that_people_use(size: int | None, expected: str) -> None:
    assert human_size(size) == expected


def test_a_number_has_its_noun_in_the_singular_or_the_plural() -> None:
    assert pluralize(1, "finding") == "1 finding"
    assert pluralize(1200, "finding") == "1,200 findings"
