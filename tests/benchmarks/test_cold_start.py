"""The benchmark measures what it says."""

from benchmarks.cold_start import FUNCTIONS, summary
from benchmarks.report import percentile, table
from benchmarks.runs import Run
from tests.benchmarks.test_functions import NAIVE


def test_runs_become_medians_and_a_95th_percentile() -> None:
    runs = [Run(init=100, first_event=number, warm=1, cpu=50) for number in range(1, 21)]
    assert summary(runs) == {
        "init ms": 100,
        "first event ms": 10.5,
        "total ms": 110.5,
        "total p95 ms": 119,
        "CPU ms": 50,
        "warm ms": 1,
    }


def test_a_percentile_is_one_of_the_values() -> None:
    assert percentile([3, 1, 2], 50) == 2
    assert percentile([3, 1, 2], 99) == 3
    assert percentile([7], 95) == 7


def test_the_table_has_a_line_for_each_row() -> None:
    rows = [{"function": name, "total ms": 123.4, "ratio": 0.5, "n": 4} for name in FUNCTIONS]
    assert table(rows).splitlines() == [
        "| function | total ms | ratio | n |",
        "| --- | --- | --- | --- |",
        *(f"| {name} | 123 | 0.50 | 4 |" for name in FUNCTIONS),
    ]


def test_every_function_has_a_naive_one_to_be_measured_against() -> None:
    assert {path.stem for path in NAIVE.glob("*.py")} >= set(FUNCTIONS)
