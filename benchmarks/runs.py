"""Runs of a function, each in a new process, as Lambda runs it: init, then events."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

_ONE_RUN = Path(__file__).with_name("one_run.py")

Send = Callable[[Any], dict[str, Any]]
"""Begins a phase of the run with what it needs, and returns what it reports at its end."""


class RunFailedError(Exception):
    """The function failed, or refused the event: such a run measures nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A function that can be run.

    Attributes:
        module: the handler's module.
        path: what comes first in `sys.path`.
        environment: all environment variables of the process.
    """

    module: str
    path: Sequence[str]
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """The CPU time that a run may use.

    Attributes:
        name: to print.
        limit: limits a process, by its id, for the time of a `with` block.
        limits_init: whether init is limited as well. Lambda lets init have a full core.

    Source: https://hichaelmart.medium.com/shave-99-93-off-your-lambda-bill-with-this-one-weird-trick-33c0acebb2ea
    """

    name: str
    limit: Callable[[int], AbstractContextManager[None]] = lambda _: nullcontext()
    limits_init: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run took, in milliseconds, without the start of its process.

    Attributes:
        init: to import the handler's module.
        first_event: to handle the first event.
        warm: to handle a second event.
        cpu: the CPU time in `init` and `first_event`, which no other process makes longer.
    """

    init: float
    first_event: float
    warm: float
    cpu: float

    @property
    def total(self) -> float:
        """Return how long the first event waits in a cold start."""
        return self.init + self.first_event


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What a run did that was observed, not measured.

    Attributes:
        requests: the port and the operation of every HTTP request.
        compiled: the source files that have no valid bytecode.
    """

    requests: Sequence[tuple[int, str]]
    compiled: Sequence[str]


def measure(program: Program, events: Sequence[Any], quota: Quota) -> Run:
    """Run `program` once with two events.

    Raises:
        RunFailedError: it failed.
    """
    with _process(program) as (pid, send), ExitStack() as limits:
        if quota.limits_init:
            limits.enter_context(quota.limit(pid))
        init = send(_init(program))["init"]
        if not quota.limits_init:
            limits.enter_context(quota.limit(pid))
        first_event, warm = _handle(send, events)["events"]
    return Run(
        init=init["wall"],
        first_event=first_event["wall"],
        warm=warm["wall"],
        cpu=init["cpu"] + first_event["cpu"],
    )


def observe(program: Program, event: Any) -> Observation:
    """Run `program` once with one event, and observe it.

    Raises:
        RunFailedError: it failed.
    """
    with _process(program) as (_, send):
        send(_init(program) | {"observe": True})
        observed = _handle(send, [event])
    requests = [(port, operation) for port, operation in observed["requests"]]
    return Observation(requests=requests, compiled=observed["compiled"])


def _init(program: Program) -> dict[str, Any]:
    return {"module": program.module, "path": program.path, "observe": False}


def _handle(send: Send, events: Sequence[Any]) -> dict[str, Any]:
    handled = send(events)
    for response in handled["responses"]:
        is_refused = (response or {}).get("statusCode", HTTPStatus.OK) != HTTPStatus.OK
        if is_refused or (response or {}).get("batchItemFailures"):
            raise RunFailedError(f"the event was not handled: {response}")
    return handled


@contextmanager
def _process(program: Program) -> Iterator[tuple[int, Send]]:
    """Start a process that waits for its run. Yield its id and what begins a phase of the run."""
    # Without the installed packages, as in Lambda; and no bytecode can be written there.
    command = [sys.executable, "-I", "-S", "-B", str(_ONE_RUN)]
    pipe, environment = subprocess.PIPE, program.environment
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen(
            command, env=environment, stdin=pipe, stdout=pipe, stderr=log, text=True
        ) as process,
    ):

        def send(phase: Any) -> dict[str, Any]:
            print(json.dumps(phase), file=process.stdin, flush=True)
            report = process.stdout.readline() if process.stdout else ""
            if not report:
                log.seek(0)
                raise RunFailedError(f"{program.module} failed:\n{log.read()}")
            result: dict[str, Any] = json.loads(report)
            return result

        try:
            yield process.pid, send
        finally:
            process.kill()
