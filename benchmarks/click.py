"""How long Slack waits for the response to a click, from a warm and from a new function.

`python -m benchmarks.click [--warm N] [--cold N]`. The clicks go through the sandbox's API to the
deployed function. The warm ones are repeated with the share of a core that its memory buys.
Slack gives up after 3,000 ms.
https://docs.slack.dev/interactivity/handling-user-interaction#acknowledgment_response
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from typing import Any

import psutil

from benchmarks.cpu_quota import limiter, share_of_core
from benchmarks.report import percentile, table
from local.macie.fixtures import event_about
from local.sandbox import APPROVER, Sandbox, sandbox, wait_for

_BUCKET = "acme-benchmark"
_SETTINGS: dict[str, Any] = {"digestThreshold": "OFF", "autoRemediateConfig": {}}


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--warm", type=int, default=100, help="clicks of each warm kind")
    parser.add_argument("--cold", type=int, default=20, help="clicks on a new function")
    arguments = parser.parse_args()
    with sandbox(_SETTINGS) as running:
        running.client("s3").create_bucket(Bucket=_BUCKET)
        messages = _post_findings(running, 2 * arguments.warm + arguments.cold + 1)
        _click(running, messages.pop())
        warm = [_click(running, messages.pop()) for _ in range(arguments.warm)]
        with _cpu_quota(running):
            limited = [_click(running, messages.pop()) for _ in range(arguments.warm)]
        cold = [_click_new(running, message, n) for n, message in enumerate(messages)]
    print(
        table(
            [
                {"function": name, "clicks": len(times), **summary(times)}
                for name, times in (
                    ("warm", warm),
                    ("warm, its share of a core", limited),
                    ("cold", cold),
                )
            ]
        )
    )


def summary(times: Sequence[float]) -> dict[str, float]:
    """Return the median, the 99th percentile and the maximum of `times` in milliseconds."""
    return {
        "p50 ms": percentile(times, 50),
        "p99 ms": percentile(times, 99),
        "maximum ms": max(times),
    }


def _post_findings(running: Sandbox, count: int) -> list[Any]:
    """Let `count` findings, on objects of their own, wait for a decision. Return their messages."""
    s3, ids = running.client("s3"), []
    for number in range(count):
        key = f"{number}.csv"
        s3.put_object(Bucket=_BUCKET, Key=key, Body=f"card {number}".encode())
        event = event_about(s3, fixture="personal-automated-discovery", bucket=_BUCKET, key=key)
        ids.append(running.deliver(event))
    wait_for(lambda: len(running.slack.messages) == count, seconds=600)
    wait_for(lambda: "message" in (running.record(ids[-1]) or {}))
    return [running.message_about(finding_id) for finding_id in ids]


def _click(running: Sandbox, message: Any) -> float:
    """Click on a message. Return the time, after all that follows from the click has ended."""
    began = time.perf_counter()
    status = running.slack.click(message.ts, "remediate", APPROVER)
    took = 1000 * (time.perf_counter() - began)
    if status != HTTPStatus.OK:
        raise RuntimeError(f"the response to the click was {status}")
    finding_id = message.metadata["event_payload"]["finding_id"]
    wait_for(lambda: running.status(finding_id) == "QUARANTINED")
    return took


def _click_new(running: Sandbox, message: Any, number: int) -> float:
    """Deploy the function again, so that the click meets a new execution environment."""
    function = _remediation_handler(running)
    variables = {**function["Environment"]["Variables"], "DEPLOYMENT": str(number)}
    running.client("lambda").update_function_configuration(
        FunctionName=function["FunctionName"], Environment={"Variables": variables}
    )
    return _click(running, message)


@contextmanager
def _cpu_quota(running: Sandbox) -> Iterator[None]:
    """Give the warm function no more CPU time than it has in Lambda."""
    function, (_, limit) = _remediation_handler(running), limiter()
    share = share_of_core(function["MemorySize"])
    processes = [
        process
        for process in psutil.Process(running.emulator.process.pid).children(recursive=True)
        if process.environ().get("AWS_LAMBDA_FUNCTION_NAME") == function["FunctionName"]
    ]
    if not processes:
        raise RuntimeError("no process runs the function")
    with ExitStack() as limits:
        for process in processes:
            limits.enter_context(limit(process.pid, share))
        yield


def _remediation_handler(running: Sandbox) -> Any:
    (function,) = (
        function
        for function in running.client("lambda").list_functions()["Functions"]
        if "remediation_handler" in function["Handler"]
    )
    return function


if __name__ == "__main__":
    main()
