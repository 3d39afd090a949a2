"""A burst of findings at a Slack that takes one message a second: nothing lost, nobody flooded.

`python -m benchmarks.burst [--findings N]`. Half of the findings are remediated at once, half are
reviewed; 1 % are malformed, 5 % are delivered twice, and 2 % of all requests meet a fault.
"""

import argparse
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local import faults
from local.faults import BROKEN, DROPPED, LOST, SLOW, THROTTLED, Plan
from local.macie.fixtures import event_about
from local.sandbox import Sandbox, sandbox
from scripts.redrive import redrive

BUCKETS = ("acme-lake-1", "acme-lake-2", "acme-lake-3")
FIXTURES = ("financial-high", "personal-automated-discovery")
_SETTINGS: dict[str, Any] = {"autoRemediationHourlyLimit": "OFF", "digestThreshold": 30}
_TICK_SECONDS = 60
_QUIET_TICKS = 3
_AT_A_TIME = 10


def main() -> None:
    """Send the burst, wait until nothing happens any more, and print what became of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--findings", type=int, default=10_000)
    parser.add_argument("--tick", type=float, default=_TICK_SECONDS, help="seconds, 60 on AWS")
    arguments = parser.parse_args()
    plan = Plan(rate=0.02, kinds=(THROTTLED, BROKEN, SLOW, DROPPED, LOST))
    with sandbox(_SETTINGS) as one:
        began = time.monotonic()
        events = _events(one, arguments.findings)
        print(f"objects and events made in {time.monotonic() - began:.0f} s", flush=True)
        # SQS would hide a failed batch for six minutes; here for a while that fits the run.
        for url in (one.outputs.finding_queue_url, one.outputs.task_queue_url):
            one.client("sqs").set_queue_attributes(
                QueueUrl=url, Attributes={"VisibilityTimeout": "60"}
            )
        with faults.aws_faults(one, plan), _ticking(one, arguments.tick):
            one.slack.interceptor = faults.slack_faults(plan, seconds_per_message=1)
            began = time.monotonic()
            _send(one, events)
            _wait(one, arguments.tick)
            took = time.monotonic() - began
        _print(one, events, plan, took)


def _events(one: Sandbox, count: int) -> list[dict[str, Any]]:
    """Make objects, and the events about them."""
    s3 = one.client("s3")
    for bucket in BUCKETS:
        s3.create_bucket(Bucket=bucket)

    def made(number: int) -> dict[str, Any]:
        bucket, key = BUCKETS[number % len(BUCKETS)], f"2026/{number}.csv"
        s3.put_object(Bucket=bucket, Key=key, Body=f"card {number}".encode())
        return event_about(s3, fixture=FIXTURES[number % 2], bucket=bucket, key=key)

    with ThreadPoolExecutor(4) as threads:
        return list(threads.map(made, range(count)))


def _send(one: Sandbox, events: Sequence[dict[str, Any]]) -> None:
    """Put the events into the queue, some twice, and malformed ones among them."""
    bodies = [json.dumps(event) for event in events]
    bodies += bodies[::20]
    bodies += [
        json.dumps({"detail-type": "Macie Finding", "detail": {"id": f"bad {number}"}})
        for number in range(len(events) // 100)
    ]
    sqs, url = one.client("sqs"), one.outputs.finding_queue_url
    for start in range(0, len(bodies), _AT_A_TIME):
        batch = bodies[start : start + _AT_A_TIME]
        entries = [{"Id": str(place), "MessageBody": body} for place, body in enumerate(batch)]
        sqs.send_message_batch(QueueUrl=url, Entries=entries)


@contextmanager
def _ticking(one: Sandbox, seconds: float) -> Iterator[None]:
    """Tick as the schedule does, and redrive what was given up."""
    ended = threading.Event()
    outputs = {**one.outputs.by_name, "FindingDeadLetterQueueUrl": _nowhere(one)}

    def tick() -> None:
        while not ended.wait(seconds):
            one.tick()
            redrive(sqs=one.client("sqs"), functions=one.client("lambda"), outputs=outputs)

    thread = threading.Thread(target=tick, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _nowhere(one: Sandbox) -> str:
    """Make a queue that is empty: the malformed events are to stay where they are."""
    url: str = one.client("sqs").create_queue(QueueName="nothing")["QueueUrl"]
    return url


def _wait(one: Sandbox, tick: float) -> None:
    """Wait until the queue is empty, all that is known has come to an end, and Slack was told.

    A finding that was lost is never known: that is printed, not waited for.
    """
    quiet, before = 0, -1
    while quiet < _QUIET_TICKS:
        time.sleep(tick)
        statuses = _statuses(one)
        print(f"  {time.strftime('%H:%M:%S')} {dict(statuses)}", flush=True)
        calls = len(one.slack.requests)
        is_over = statuses.total() > 0 and not statuses["REMEDIATING"] and _is_empty(one)
        quiet = quiet + 1 if is_over and calls == before else 0
        before = calls


def _is_empty(one: Sandbox) -> bool:
    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    answer = one.client("sqs").get_queue_attributes(
        QueueUrl=one.outputs.finding_queue_url, AttributeNames=names
    )
    return all(answer["Attributes"][name] == "0" for name in names)


def _records(one: Sandbox) -> Iterator[dict[str, Any]]:
    pages = (
        one.client("dynamodb").get_paginator("scan").paginate(TableName=one.outputs.ledger_table)
    )
    for page in pages:
        yield from (item for item in page["Items"] if "history" in item)


def _statuses(one: Sandbox) -> Counter[str]:
    return Counter(item["status"]["S"] for item in _records(one))


def _print(one: Sandbox, events: Sequence[Any], plan: Plan, took: float) -> None:
    known = {item["id"]["S"]: item for item in _records(one)}
    lost = [event for event in events if event["detail"]["id"] not in known]
    twice = [item for item in known.values() if _is_twice(item)]
    copies = (
        one.client("s3")
        .get_paginator("list_object_versions")
        .paginate(Bucket=one.outputs.quarantine_bucket)
    )
    keys = Counter(one["Key"] for page in copies for one in page.get("Versions", ()))
    calls = Counter(one.slack.requests)
    rows = {
        "findings": len(events),
        "lost": len(lost),
        "steps made twice": len(twice),
        "objects quarantined": len(keys),
        "objects quarantined twice": sum(count > 1 for count in keys.values()),
        "where they stand": dict(_statuses(one)),
        "malformed, in the dead-letter queue": _length(one, "FindingDeadLetterQueueUrl"),
        "messages in the channel": len(one.slack.messages),
        "calls that Slack took or refused": dict(calls),
        "faults made": sum(plan.made.values()),
        "seconds": round(took),
        "findings a second": round(len(events) / took, 1),
        "peak memory of the emulator and the functions, MB": _peak(one.emulator.process.pid),
    }
    for name, value in rows.items():
        print(f"{name} | {value}")


def _is_twice(item: dict[str, Any]) -> bool:
    steps = Counter(entry["M"]["status"]["S"] for entry in item["history"]["L"])
    return any(count > 1 for count in steps.values())


def _length(one: Sandbox, output: str) -> int:
    answer = one.client("sqs").get_queue_attributes(
        QueueUrl=one.outputs.by_name[output], AttributeNames=["ApproximateNumberOfMessages"]
    )
    return int(answer["Attributes"]["ApproximateNumberOfMessages"])


def _peak(pid: int) -> int:
    """Add up the most memory that a process and its children had, in MB."""
    total = 0
    for folder in (Path("/proc") / str(pid), *_children(pid)):
        lines = (folder / "status").read_text().splitlines()
        total += sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return total // 1024


def _children(pid: int) -> Iterator[Path]:
    for task in (Path("/proc") / str(pid) / "task").iterdir():
        for child in (task / "children").read_text().split():
            yield Path("/proc") / child
            yield from _children(int(child))


if __name__ == "__main__":
    main()
