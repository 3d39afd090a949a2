"""How long a click waits for its answer, on a warm and on a new function, in the sandbox.

`python -m benchmarks.click [--warm N] [--cold N]`. Slack gives up after 3,000 ms.
https://docs.slack.dev/interactivity/handling-user-interaction#acknowledgment_response
"""

import argparse
import time
from http import HTTPStatus
from statistics import quantiles
from typing import Any

from local.macie.fixtures import event_about
from local.sandbox import APPROVER, Sandbox, sandbox, wait_for

_BUCKET = "acme-benchmark"
_SETTINGS: dict[str, Any] = {"digestThreshold": "OFF", "autoRemediateConfig": {}}


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--warm", type=int, default=100, help="clicks on a warm function")
    parser.add_argument("--cold", type=int, default=20, help="clicks on a new function")
    arguments = parser.parse_args()
    with sandbox(_SETTINGS) as one:
        one.client("s3").create_bucket(Bucket=_BUCKET)
        findings = _waiting(one, arguments.warm + arguments.cold + 1)
        _clicked(one, findings.pop())
        warm = [_clicked(one, findings.pop()) for _ in range(arguments.warm)]
        cold = [_clicked_cold(one, findings.pop(), number) for number in range(arguments.cold)]
    print("function | clicks | p50 ms | p99 ms | most ms\n--- | --- | --- | --- | ---")
    for name, times in (("warm", warm), ("cold", cold)):
        print(name, len(times), *(round(value) for value in summary(times)), sep=" | ")


def summary(times: list[float]) -> tuple[float, float, float]:
    """Answer the median, the 99th percentile and the most of `times`."""
    percentiles = quantiles(times, n=100, method="inclusive")
    return percentiles[49], percentiles[98], max(times)


def _waiting(one: Sandbox, count: int) -> list[Any]:
    """Have `count` findings on objects of their own wait for a decision."""
    s3, ids = one.client("s3"), []
    for number in range(count):
        key = f"{number}.csv"
        s3.put_object(Bucket=_BUCKET, Key=key, Body=f"card {number}".encode())
        event = event_about(s3, fixture="personal-automated-discovery", bucket=_BUCKET, key=key)
        ids.append(one.deliver(event))
    wait_for(lambda: len(one.slack.messages) == count, seconds=600)
    wait_for(lambda: "message" in (one.record(ids[-1]) or {}))
    return [one.message_about(finding_id) for finding_id in ids]


def _clicked(one: Sandbox, message: Any) -> float:
    """Click on a message, and wait until all that follows from it is over; answer the time."""
    began = time.perf_counter()
    status = one.slack.click(message.ts, "remediate", APPROVER)
    took = 1000 * (time.perf_counter() - began)
    if status != HTTPStatus.OK:
        raise RuntimeError(f"the click was answered with {status}")
    finding_id = message.metadata["event_payload"]["finding_id"]
    wait_for(lambda: one.status(finding_id) == "QUARANTINED")
    return took


def _clicked_cold(one: Sandbox, message: Any, number: int) -> float:
    """Have the function deployed anew, so that the click meets a new execution environment."""
    functions = one.client("lambda")
    (function,) = (
        each
        for each in functions.list_functions()["Functions"]
        if "remediation_handler" in each["Handler"]
    )
    variables = {**function["Environment"]["Variables"], "DEPLOYED": str(number)}
    functions.update_function_configuration(
        FunctionName=function["FunctionName"], Environment={"Variables": variables}
    )
    return _clicked(one, message)


if __name__ == "__main__":
    main()
