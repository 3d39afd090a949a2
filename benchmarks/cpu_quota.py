"""A CPU quota for a running process, as Lambda gives a function CPU time by its memory. Linux only.

The kernel's control groups keep the quota where this user may write them. Elsewhere a thread stops
and resumes the process with signals. `python -m benchmarks.cpu_quota` checks both.
"""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

FULL_CORE_MB = 1_769
"""The memory with which a function has one core.

Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
"""

PERIOD_SECONDS = 0.02
"""Lambda's period: a function that has used its share waits until the next one begins.

Source: https://arxiv.org/abs/2506.01283
"""

Limiter = Callable[[int, float], AbstractContextManager[None]]
"""Limits a process, by its id, to a share of one core; for the time of a `with` block."""

_CHECK_SECONDS = 0.000_5
_REMOVAL_SECONDS = 5
_GROUPS = Path("/sys/fs/cgroup")


def share_of_core(memory_mb: int) -> float:
    """Return how many cores Lambda gives a function with `memory_mb`."""
    return memory_mb / FULL_CORE_MB


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlGroups:
    """One version of the kernel's control groups.

    Attributes:
        name: to print.
        root: where the groups are.
        controller: its name in /proc/PID/cgroup.
        quota: returns the files of a group to write, and their contents, for a share of one core.

    Source: https://docs.kernel.org/scheduler/sched-bwc.html,
        https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files
    """

    name: str
    root: Path
    controller: str
    quota: Callable[[float], Mapping[str, str]]

    @contextmanager
    def limit(self, pid: int, share: float) -> Iterator[None]:
        """Keep the process in a group of its own, with a quota.

        Raises:
            OSError: this user or this kernel cannot do that.
        """
        home = self._group_of(pid)
        group = Path(tempfile.mkdtemp(prefix="cpu-quota-", dir=self.root))
        try:
            for name, value in self.quota(share).items():
                _write(group / name, value)
            _write(group / "cgroup.procs", str(pid))
            yield
        finally:
            with suppress(OSError):  # the process may have ended
                _write(home / "cgroup.procs", str(pid))
            _remove(group)

    def _group_of(self, pid: int) -> Path:
        for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if self.controller in controllers.split(","):
                return self.root / path.lstrip("/")
        raise FileNotFoundError(f"no {self.name} for process {pid}")


def _write(file: Path, value: str) -> None:
    """Write a file that the kernel made: in a plain folder there is none, and none is created."""
    with file.open("r+") as kernel:
        kernel.write(value)


def _remove(group: Path) -> None:
    """Remove a group, once the process that was in it has left it or has quite ended."""
    deadline = time.monotonic() + _REMOVAL_SECONDS
    while True:
        try:
            group.rmdir()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_CHECK_SECONDS)
        else:
            return


def _microseconds(share: float) -> tuple[int, int]:
    return int(1e6 * PERIOD_SECONDS * share), int(1e6 * PERIOD_SECONDS)


def _quota_v1(share: float) -> dict[str, str]:
    quota, period = _microseconds(share)
    return {"cpu.cfs_period_us": str(period), "cpu.cfs_quota_us": str(quota)}


def _quota_v2(share: float) -> dict[str, str]:
    quota, period = _microseconds(share)
    return {"cpu.max": f"{quota} {period}"}


@contextmanager
def limit_by_signals(pid: int, share: float) -> Iterator[None]:
    """Stop the process in each period once it has used its share, and resume it in the next."""
    ended = threading.Event()
    thread = threading.Thread(target=_stop_and_resume, args=(pid, share, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _stop_and_resume(pid: int, share: float, ended: threading.Event) -> None:
    with suppress(OSError):  # the process has ended
        allowed = used = _cpu_seconds(pid)
        period_ends = time.monotonic()
        while not ended.is_set():
            period_ends += PERIOD_SECONDS
            # As in the kernel: what was not used is lost, what was used too much is still owed.
            allowed = min(allowed, used) + PERIOD_SECONDS * share
            while (left := period_ends - time.monotonic()) > 0:
                used = _cpu_seconds(pid)
                if used >= allowed:
                    os.kill(pid, signal.SIGSTOP)
                    time.sleep(left)
                    os.kill(pid, signal.SIGCONT)
                else:
                    time.sleep(min(left, _CHECK_SECONDS))


def _cpu_seconds(pid: int) -> float:
    """Return the CPU time that all threads of a process have used, to the nanosecond.

    The id of a process's clock is made as by the C library's clock_getcpuclockid.

    Source: https://man7.org/linux/man-pages/man3/clock_getcpuclockid.3.html
    """
    return time.clock_gettime(~pid << 3 | 2)


LIMITERS: Mapping[str, Limiter] = {
    groups.name: groups.limit
    for groups in (
        ControlGroups(name="control groups v2", root=_GROUPS, controller="", quota=_quota_v2),
        ControlGroups(
            name="control groups v1", root=_GROUPS / "cpu", controller="cpu", quota=_quota_v1
        ),
    )
} | {"signals": limit_by_signals}
"""Ways to limit a process, the most exact first."""


def limiter() -> tuple[str, Limiter]:
    """Return the name and the function of the most exact way that works here."""
    for name, limit in LIMITERS.items():
        with suppress(OSError):
            measure_share(limit, 0.5, seconds=0)
            return name, limit
    raise OSError("a process cannot be limited here")


def measure_share(limit: Limiter, share: float, *, seconds: float = 1) -> float:
    """Return the share of one core that a busy loop gets when limited to `share`."""
    busy = subprocess.Popen([sys.executable, "-I", "-S", "-c", "while True: pass"])
    try:
        with limit(busy.pid, share):
            used, began = _cpu_seconds(busy.pid), time.monotonic()
            time.sleep(seconds)
            used, took = _cpu_seconds(busy.pid) - used, time.monotonic() - began
            return used / took
    finally:
        busy.kill()
        busy.wait()


def main() -> None:
    """Print which share a busy loop gets, by each way that works here."""
    for name, limit in LIMITERS.items():
        for memory in (512, 1_024, FULL_CORE_MB):
            share = share_of_core(memory)
            with suppress(OSError):
                print(
                    f"{name}: {memory} MB, {share:.3f} of a core: {measure_share(limit, share):.3f}"
                )


if __name__ == "__main__":
    main()
