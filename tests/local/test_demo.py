"""`make demo ONCE=1` fails if a step of either finding did not happen."""

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest

from local import demo
from local.story import Step

AUTO = (1, 2, 3, 7, 8)
REVIEW = (1, 2, 3, 4, 5, 6, 7, 8)


def _story(steps: tuple[int, ...], *, count: int) -> Iterator[Step]:
    for number in steps[:count]:
        yield Step(number=number, text="something")
    if count < len(steps):
        raise TimeoutError


def _run(monkeypatch: pytest.MonkeyPatch, *, auto: int, review: int) -> int:
    """Run the demo with the first `auto` and `review` steps. Return its exit status."""
    fakes: dict[str, Any] = {
        "sandbox": lambda **_: nullcontext(),
        "put_files": lambda _: None,
        "automatic_remediation": lambda _: _story(AUTO, count=auto),
        "reviewed_remediation": lambda _: _story(REVIEW, count=review),
    }
    for name, fake in fakes.items():
        monkeypatch.setattr(demo, name, fake)
    monkeypatch.setattr("sys.argv", ["demo", "--once"])
    return demo.main()


def test_all_eight_steps_are_a_success(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(monkeypatch, auto=5, review=8) == 0
    assert "All eight steps happened." in capsys.readouterr().out


@pytest.mark.parametrize(("auto", "review"), [(3, 8), (4, 8), (5, 7), (5, 3), (0, 0)])
def test_a_step_of_one_finding_does_not_count_for_the_other(
    auto: int, review: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(monkeypatch, auto=auto, review=review) == 1
    assert "MISSING: steps [" in capsys.readouterr().out
