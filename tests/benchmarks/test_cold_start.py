"""The benchmark measures what it says."""

from pathlib import Path

from benchmarks import cold_start
from benchmarks.cold_start import FUNCTIONS


def test_the_table_has_a_line_for_each_function() -> None:
    row = {"function": "", "cold ms": 123.4, "ratio": 0.5, "AWS requests": 4}
    table = cold_start._table([{**row, "function": name} for name in FUNCTIONS], runs=20)
    assert table.splitlines()[0] == "medians of 20 runs"
    assert [line.split(" | ")[0] for line in table.splitlines()[4:]] == list(FUNCTIONS)
    assert "123 | 0.50 | 4" in table


def test_every_function_has_a_naive_one_to_be_measured_against() -> None:
    naive = Path(cold_start.__file__).parent / "naive"
    assert {path.stem for path in naive.glob("*.py")} >= set(FUNCTIONS)
