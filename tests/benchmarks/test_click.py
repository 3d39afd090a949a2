"""What the benchmark of clicks makes of its times."""

from benchmarks.click import summary


def test_times_become_a_median_a_99th_percentile_and_a_maximum() -> None:
    times = [float(number) for number in range(1, 101)]
    assert summary(times) == {"p50 ms": 50, "p99 ms": 99, "maximum ms": 100}
    assert summary([7.0]) == {"p50 ms": 7, "p99 ms": 7, "maximum ms": 7}
