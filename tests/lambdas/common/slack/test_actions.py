"""What a button or a menu carries is read as it was written, within Slack's limits."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.common.slack.actions import (
    DISMISSALS,
    action_value,
    digest_seen,
    option_value,
    parse_action_value,
    parse_digest_seen,
    parse_option,
)

SEEN = st.text(st.characters(exclude_characters=" "), min_size=1)


@given(subject_id=st.text(min_size=1), seen=SEEN)
def test_a_button_names_its_subject_and_what_was_seen(subject_id: str, seen: str) -> None:
    assert parse_action_value(action_value(subject_id, seen)) == (subject_id, seen)


@given(choice=st.sampled_from(sorted(DISMISSALS)), subject_id=st.text(min_size=1), seen=SEEN)
def test_an_option_names_its_choice_too(choice: str, subject_id: str, seen: str) -> None:
    assert parse_option(option_value(choice, subject_id, seen)) == (choice, subject_id, seen)


def test_a_button_of_an_earlier_version_shows_nothing() -> None:
    assert parse_action_value("f1") == ("f1", "")


@given(count=st.integers(0, 10**6), age=st.timedeltas(timedelta(), timedelta(days=60_000)))
def test_a_digest_says_how_many_it_counted_and_until_when(count: int, age: timedelta) -> None:
    until = datetime(2020, 1, 1, tzinfo=UTC) + age
    read_count, read_until = parse_digest_seen(digest_seen(count, until=until))
    assert read_count == count
    assert until <= read_until < until + timedelta(milliseconds=1)


@pytest.mark.parametrize(
    "seen", ["", "5", "1.2.3", "-1.5", "1.-5", "1.5 ", "\u0663.5", "1" * 14 + ".1", "1." + "1" * 10]
)
def test_anything_else_is_not_what_a_digest_shows(seen: str) -> None:
    with pytest.raises(ValueError, match="not what a digest shows"):
        parse_digest_seen(seen)


@pytest.mark.parametrize("choice", DISMISSALS)
def test_an_option_is_within_slacks_limit(choice: str) -> None:
    """https://docs.slack.dev/reference/block-kit/composition-objects/option-object."""
    digest_id = f"digest#{'0' * 24}#2026-11-20T22"
    assert len(option_value(choice, digest_id, digest_seen(10**6, until=datetime.now(UTC)))) <= 150
    assert len(option_value(choice, "f" * 120, "0" * 10)) <= 150
