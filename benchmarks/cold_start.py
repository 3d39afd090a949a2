"""How long a new function takes to handle its first event, measured as it would be on AWS.

Each run is a new process against the sandbox, ours and a naive handler by turns, packages as they
ship. Every AWS service has an address of its own, and a function trusts all public authorities.
Init and the first event are apart; the start of the process is part of neither. Lambda gives init
a full core, and an event its memory's share. "CPU ms" is the CPU time of init and the first event:
other work on the machine does not change it.

`python -m benchmarks.cold_start [--runs N]` prints medians, and the 95th percentiles of the totals.
`--function NAME --memory MB ...` compares memory sizes for one function instead.
"""

import argparse
import json
import shlex
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from statistics import median
from typing import Any, TypeVar

from benchmarks.cpu_quota import Limiter, limiter, measure_share, share_of_core
from benchmarks.functions import Function, zipped_mb
from benchmarks.report import percentile, table
from benchmarks.runs import Program, Quota, Run, RunFailedError, measure, observe
from benchmarks.setup import SLACK, prepare

FUNCTIONS = ("finding_handler", "remediation_handler", "remediator")

Key = TypeVar("Key")
Row = dict[str, Any]


def main() -> None:
    """Measure and print the tables."""
    arguments = _arguments()
    limit = _checked_limiter()
    with prepare() as benchmark:
        if arguments.memory:
            by_name = {function.name: function for function in benchmark.functions}
            tables = [_memory_rows(by_name[arguments.function], limit, arguments)]
        else:
            tables = [
                [
                    row
                    for function in benchmark.functions
                    for row in _cold_start_rows(function, limit, arguments)
                ],
                [_package_row(function, benchmark.services) for function in benchmark.functions],
            ]
    if arguments.json:
        print(json.dumps(tables))
    else:
        print(f"{arguments.runs} runs", *map(table, tables), sep="\n\n")


def _checked_limiter() -> Limiter:
    """Return what limits a process here; print what a busy loop then gets."""
    name, limit = limiter()
    half = measure_share(limit, 0.5)
    print(f"CPU quota by {name}: of 0.50 of a core a busy loop gets {half:.2f}", file=sys.stderr)
    return limit


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20, help="runs of each kind")
    parser.add_argument("--vs", help="a command whose time is measured as well, by turns with ours")
    parser.add_argument("--json", action="store_true", help="print JSON, not tables")
    parser.add_argument("--function", choices=FUNCTIONS, default="remediation_handler")
    parser.add_argument("--memory", type=int, nargs="+", help="sizes in MB to compare")
    return parser.parse_args()


def _cold_start_rows(
    function: Function, limit: Limiter, arguments: argparse.Namespace
) -> list[Row]:
    quotas, sides = _quotas(limit, function.memory_mb), (function.ours, function.naive)
    cases = {(quota.name, side.module): (side, quota) for quota in quotas for side in sides}
    runs, others = _measure(cases, function.make_event, arguments)
    rows = []
    for quota in quotas:
        ours, naive = (summary(runs[quota.name, side.module]) for side in sides)
        row: Row = {"function": function.name, "quota": quota.name} | ours
        row |= {f"naive {name}": value for name, value in naive.items()}
        row |= {"ratio": ours["total ms"] / naive["total ms"]}
        rows.append(row | ({"--vs ms": median(others)} if others else {}))
    return rows


def _memory_rows(function: Function, limit: Limiter, arguments: argparse.Namespace) -> list[Row]:
    cases = {
        (memory, quota.name): (function.ours, quota)
        for memory in arguments.memory
        for quota in _quotas(limit, memory)[1:]
    }
    runs, _ = _measure(cases, function.make_event, arguments)
    return [
        {
            "function": function.name,
            "memory MB": memory,
            "quota": quota,
            **summary(runs[memory, quota]),
        }
        for memory, quota in cases
    ]


def _quotas(limit: Limiter, memory_mb: int) -> tuple[Quota, ...]:
    share = share_of_core(memory_mb)

    def limit_to_share(pid: int) -> AbstractContextManager[None]:
        return limit(pid, share)

    return (
        Quota(name="none"),
        Quota(name="after init", limit=limit_to_share),
        Quota(name="from the start", limit=limit_to_share, limits_init=True),
    )


def _measure(
    cases: Mapping[Key, tuple[Program, Quota]],
    make_event: Callable[[], Any],
    arguments: argparse.Namespace,
) -> tuple[dict[Key, list[Run]], list[float]]:
    """Run all cases by turns. Return their runs, and the milliseconds of the other command."""
    runs: dict[Key, list[Run]] = {key: [] for key in cases}
    others = []
    for _ in range(arguments.runs):
        for key, (program, quota) in cases.items():
            runs[key].append(measure(program, [make_event(), make_event()], quota))
        if arguments.vs:
            others.append(_milliseconds(arguments.vs))
    return runs, others


def _milliseconds(command: str) -> float:
    """Run a command to its end. Return how long it took."""
    began = time.perf_counter()
    subprocess.run(shlex.split(command), check=True, capture_output=True)
    return 1000 * (time.perf_counter() - began)


def summary(runs: Sequence[Run]) -> dict[str, float]:
    """Return the medians of `runs`, and the 95th percentile of their totals."""
    return {
        "init ms": median(run.init for run in runs),
        "first event ms": median(run.first_event for run in runs),
        "total ms": median(run.total for run in runs),
        "total p95 ms": percentile([run.total for run in runs], 95),
        "CPU ms": median(run.cpu for run in runs),
        "warm ms": median(run.warm for run in runs),
    }


def _package_row(function: Function, services: Mapping[int, str]) -> Row:
    # The naive handler's requests do not matter, but that it has bytecode does.
    _requests(function.naive, function.make_event())
    requests = _requests(function.ours, function.make_event())
    by_service = Counter(services[port] for port, _ in requests)
    return {
        "function": function.name,
        "memory MB": function.memory_mb,
        "zip MB": zipped_mb(function.asset),
        "layer zip MB": zipped_mb(*function.layers),
        "AWS requests": by_service.total() - by_service[SLACK],
        "Slack requests": by_service[SLACK],
        "of them": ", ".join(f"{services[port]} {operation}" for port, operation in requests),
    }


def _requests(program: Program, event: Any) -> Sequence[tuple[int, str]]:
    """Return the port and the operation of every request with which the event is handled.

    Raises:
        RunFailedError: a module had no bytecode, which would have taken most of the time.
    """
    observation = observe(program, event)
    if observation.compiled:
        raise RunFailedError(f"{program.module} had to compile {observation.compiled}")
    return observation.requests


if __name__ == "__main__":
    main()
