"""A burst of findings at a Slack that takes one message a second: which are lost, and what arrives.

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
_BATCH_SIZE = 10


def main() -> None:
    """Send the burst, wait until nothing more happens, and print the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--findings", type=int, default=10_000)
    parser.add_argument("--tick", type=float, default=_TICK_SECONDS, help="seconds, 60 on AWS")
    arguments = parser.parse_args()
    plan = Plan(rate=0.02, kinds=(THROTTLED, BROKEN, SLOW, DROPPED, LOST))
    with sandbox(_SETTINGS) as running:
        began = time.monotonic()
        events = _create_events(running, arguments.findings)
        print(f"objects and events created in {time.monotonic() - began:.0f} s", flush=True)
        # As deployed, SQS hides a failed batch for six minutes: too long for this run.
        for url in (running.outputs.finding_queue_url, running.outputs.task_queue_url):
            running.client("sqs").set_queue_attributes(
                QueueUrl=url, Attributes={"VisibilityTimeout": "60"}
            )
        with faults.aws_faults(running, plan), _ticking(running, arguments.tick):
            running.slack.interceptor = faults.slack_faults(plan, seconds_per_message=1)
            began = time.monotonic()
            _send(running, events)
            _wait(running, arguments.tick)
            took = time.monotonic() - began
        _print(running, events, plan, took)


def _create_events(running: Sandbox, count: int) -> list[dict[str, Any]]:
    """Create objects. Return the events about them."""
    s3 = running.client("s3")
    for bucket in BUCKETS:
        s3.create_bucket(Bucket=bucket)

    def create(number: int) -> dict[str, Any]:
        bucket, key = BUCKETS[number % len(BUCKETS)], f"2026/{number}.csv"
        s3.put_object(Bucket=bucket, Key=key, Body=f"card {number}".encode())
        return event_about(s3, fixture=FIXTURES[number % 2], bucket=bucket, key=key)

    with ThreadPoolExecutor(4) as threads:
        return list(threads.map(create, range(count)))


def _send(running: Sandbox, events: Sequence[dict[str, Any]]) -> None:
    """Put the events into the queue, some of them twice, and malformed ones."""
    bodies = [json.dumps(event) for event in events]
    bodies += bodies[::20]
    bodies += [
        json.dumps({"detail-type": "Macie Finding", "detail": {"id": f"bad {number}"}})
        for number in range(len(events) // 100)
    ]
    sqs, url = running.client("sqs"), running.outputs.finding_queue_url
    for start in range(0, len(bodies), _BATCH_SIZE):
        batch = bodies[start : start + _BATCH_SIZE]
        entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(batch)]
        sqs.send_message_batch(QueueUrl=url, Entries=entries)


@contextmanager
def _ticking(running: Sandbox, seconds: float) -> Iterator[None]:
    """Tick as the schedule does, and redrive the dead-letter queues."""
    ended = threading.Event()
    outputs = {**running.outputs.by_name, "FindingDeadLetterQueueUrl": _create_empty_queue(running)}

    def tick() -> None:
        while not ended.wait(seconds):
            running.tick()
            redrive(sqs=running.client("sqs"), functions=running.client("lambda"), outputs=outputs)

    thread = threading.Thread(target=tick, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _create_empty_queue(running: Sandbox) -> str:
    """Create an empty queue to redrive: the malformed events stay where they are."""
    url: str = running.client("sqs").create_queue(QueueName="empty")["QueueUrl"]
    return url


def _wait(running: Sandbox, tick: float) -> None:
    """Wait until the queue is empty, all remediations have ended, and Slack gets no more calls.

    It does not wait for a finding that was lost, which is in the results.
    """
    quiet, before = 0, -1
    while quiet < _QUIET_TICKS:
        time.sleep(tick)
        statuses = _statuses(running)
        print(f"  {time.strftime('%H:%M:%S')} {dict(statuses)}", flush=True)
        calls = len(running.slack.requests)
        is_over = statuses.total() > 0 and not statuses["REMEDIATING"] and _is_empty(running)
        quiet = quiet + 1 if is_over and calls == before else 0
        before = calls


def _is_empty(running: Sandbox) -> bool:
    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    response = running.client("sqs").get_queue_attributes(
        QueueUrl=running.outputs.finding_queue_url, AttributeNames=names
    )
    return all(response["Attributes"][name] == "0" for name in names)


def _records(running: Sandbox) -> Iterator[dict[str, Any]]:
    pages = (
        running.client("dynamodb")
        .get_paginator("scan")
        .paginate(TableName=running.outputs.ledger_table)
    )
    for page in pages:
        yield from (item for item in page["Items"] if "history" in item)


def _statuses(running: Sandbox) -> Counter[str]:
    return Counter(item["status"]["S"] for item in _records(running))


def _print(running: Sandbox, events: Sequence[Any], plan: Plan, took: float) -> None:
    known = {item["id"]["S"]: item for item in _records(running)}
    lost = [event for event in events if event["detail"]["id"] not in known]
    twice = [item for item in known.values() if _is_twice(item)]
    copies = (
        running.client("s3")
        .get_paginator("list_object_versions")
        .paginate(Bucket=running.outputs.quarantine_bucket)
    )
    keys = Counter(version["Key"] for page in copies for version in page.get("Versions", ()))
    calls = Counter(running.slack.requests)
    rows = {
        "findings": len(events),
        "lost": len(lost),
        "transitions made twice": len(twice),
        "objects quarantined": len(keys),
        "objects quarantined twice": sum(count > 1 for count in keys.values()),
        "statuses": dict(_statuses(running)),
        "malformed findings in the dead-letter queue": _length(
            running, "FindingDeadLetterQueueUrl"
        ),
        "messages in the channel": len(running.slack.messages),
        "calls to Slack, successful or refused": dict(calls),
        "injected faults": sum(plan.made.values()),
        "seconds": round(took),
        "findings per second": round(len(events) / took, 1),
        "peak memory of the emulator and the functions, MB": _peak(running.emulator.process.pid),
    }
    for name, value in rows.items():
        print(f"{name} | {value}")


def _is_twice(item: dict[str, Any]) -> bool:
    statuses = Counter(entry["M"]["status"]["S"] for entry in item["history"]["L"])
    return any(count > 1 for count in statuses.values())


def _length(running: Sandbox, output: str) -> int:
    response = running.client("sqs").get_queue_attributes(
        QueueUrl=running.outputs.by_name[output], AttributeNames=["ApproximateNumberOfMessages"]
    )
    return int(response["Attributes"]["ApproximateNumberOfMessages"])


def _peak(pid: int) -> int:
    """Return the peak memory of a process and its children, in MB, as a sum."""
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
