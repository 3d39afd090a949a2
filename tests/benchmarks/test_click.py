"""What the benchmark of clicks makes of its times."""

from benchmarks.click import summary


def test_the_times_are_summed_up_by_median_99th_percentile_and_most() -> None:
    times = [float(number) for number in range(1, 102)]
    assert summary(times) == (51, 100, 101)
    assert summary([7.0, 7.0]) == (7, 7, 7)
