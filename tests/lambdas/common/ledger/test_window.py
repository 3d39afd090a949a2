"""A sliding window has room only if no hour that ends now is full."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from lambdas.common.ledger.window import Window, slot_of

START = datetime(2026, 11, 20, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


@settings(max_examples=600, deadline=None)
@given(
    seconds=st.lists(st.integers(0, 900), min_size=1, max_size=120),
    delays=st.lists(st.integers(0, 240), min_size=120, max_size=120),
    most=st.integers(1, 5),
)
def test_no_hour_has_more_than_the_limit(seconds: list[int], delays: list[int], most: int) -> None:
    """Even where an event is counted minutes after it was decided."""
    window, now, counted = Window(latest_slot=slot_of(START), slots={}), START, list[datetime]()
    for pause, delay in zip(seconds, delays, strict=False):
        now += timedelta(seconds=pause)
        window = window.advance(now)
        if window.total < most:
            window = window.count()
            counted.append(now - timedelta(seconds=delay))
    for first in counted:
        assert sum(first <= moment <= first + HOUR for moment in counted) <= most


@given(pause=st.integers(0, 10_000))
def test_an_event_counts_for_an_hour_and_at_most_ten_minutes_more(pause: int) -> None:
    window = Window(latest_slot=slot_of(START), slots={}).advance(START).count()
    total = window.advance(START + timedelta(seconds=pause)).total
    if pause < 65 * 60:
        assert total == 1
    if pause >= 70 * 60:
        assert total == 0


def test_a_window_that_is_ahead_stays_as_it_is() -> None:
    window = Window(latest_slot=slot_of(START), slots={slot_of(START): 2})
    assert window.advance(START - HOUR) == window
