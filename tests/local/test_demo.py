"""`make demo ONCE=1`: it fails if a step of either finding was not seen."""

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest

from local import demo
from local.story import Step

AUTO = (1, 2, 3, 7, 8)
REVIEW = (1, 2, 3, 4, 5, 6, 7, 8)


def _story(steps: tuple[int, ...], *, seen: int) -> Iterator[Step]:
    for number in steps[:seen]:
        yield Step(number=number, seen="something")
    if seen < len(steps):
        raise TimeoutError


def _run(monkeypatch: pytest.MonkeyPatch, *, auto: int, review: int) -> int:
    """Run the demo with the first `auto` and `review` steps happening; answer its exit status."""
    instead: dict[str, Any] = {
        "sandbox": lambda **_: nullcontext(),
        "prepare": lambda _: None,
        "automatic": lambda _: _story(AUTO, seen=auto),
        "reviewed": lambda _: _story(REVIEW, seen=review),
    }
    for name, stand_in in instead.items():
        monkeypatch.setattr(demo, name, stand_in)
    monkeypatch.setattr("sys.argv", ["demo", "--once"])
    return demo.main()


def test_all_eight_steps_are_a_success(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(monkeypatch, auto=5, review=8) == 0
    assert "All eight steps were seen." in capsys.readouterr().out


@pytest.mark.parametrize(("auto", "review"), [(3, 8), (4, 8), (5, 7), (5, 3), (0, 0)])
def test_what_one_finding_lacks_the_other_does_not_make_up(
    auto: int, review: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(monkeypatch, auto=auto, review=review) == 1
    assert "NOT SEEN: steps [" in capsys.readouterr().out
