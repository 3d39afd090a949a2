"""A process gets the CPU time that its function would have in Lambda."""

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from benchmarks.cpu_quota import (
    LIMITERS,
    ControlGroups,
    limit_by_signals,
    limiter,
    measure_share,
    share_of_core,
)


@pytest.mark.parametrize("name", LIMITERS)
def test_a_busy_process_gets_its_share_and_no_more(name: str) -> None:
    try:
        share = measure_share(LIMITERS[name], 0.3, seconds=0.5)
    except OSError as error:
        pytest.skip(f"not possible here: {error}")
    # On a machine that has other work it may get less.
    assert 0.05 < share < 0.38


def test_one_way_works_everywhere() -> None:
    name, limit = limiter()
    assert LIMITERS[name] == limit


def test_memory_buys_cpu_time() -> None:
    assert share_of_core(1_769) == 1
    assert share_of_core(512) == pytest.approx(0.289, abs=0.001)


def test_a_folder_that_is_not_the_kernels_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    name = next(line.split(":")[1] for line in Path("/proc/self/cgroup").read_text().splitlines())
    groups = ControlGroups(
        name="none", root=tmp_path, controller=name, quota=lambda _: {"cpu.max": "1"}
    )
    with pytest.raises(OSError, match=r"cpu\.max"):
        measure_share(groups.limit, 0.5)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", LIMITERS)
def test_the_process_may_end_first(name: str) -> None:
    process = subprocess.Popen([sys.executable, "-I", "-c", "import time; time.sleep(60)"])
    try:
        with LIMITERS[name](process.pid, 0.5):
            process.kill()
    except OSError as error:
        process.kill()
        pytest.skip(f"not possible here: {error}")
    finally:
        process.wait()


def test_the_process_runs_on_afterwards() -> None:
    process = subprocess.Popen([sys.executable, "-I", "-c", "while True: pass"])
    try:
        with limit_by_signals(process.pid, 0.01):
            time.sleep(0.1)
        assert psutil.Process(process.pid).status() != psutil.STATUS_STOPPED
    finally:
        process.kill()
        process.wait()
