"""AWS fails, Slack fails, connections break; then they stop, and everything has ended once."""

import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from local import faults
from local.faults import Plan
from local.macie.fixtures import event_about
from local.sandbox import APPROVER, Sandbox, sandbox
from scripts.redrive import redrive

pytestmark = pytest.mark.e2e

AUTOMATIC, REVIEWED, LEFT = 16, 12, 6
_STILL_POSTING = 15
"""Seconds after which no call of Slack can be under way any more."""
SETTINGS = {"digestThreshold": "OFF", "autoRemediationHourlyLimit": "OFF"}


@pytest.fixture(scope="module")
def alone() -> Iterator[Sandbox]:
    """A sandbox of its own, for its functions are told another AWS."""
    with sandbox(SETTINGS) as one:
        for url in (one.outputs.finding_queue_url, one.outputs.task_queue_url):
            one.client("sqs").set_queue_attributes(
                QueueUrl=url, Attributes={"VisibilityTimeout": "5"}
            )
        yield one


def test_after_the_faults_every_finding_has_ended_exactly_once(alone: Sandbox) -> None:
    plan = Plan(rate=0.15, seed=7)
    bucket = f"acme-{uuid.uuid4().hex[:12]}"
    alone.client("s3").create_bucket(Bucket=bucket)
    with faults.aws_faults(alone, plan):
        alone.slack.interceptor = faults.slack_faults(plan)
        automatic = [_found(alone, bucket, "financial-high") for _ in range(AUTOMATIC)]
        reviewed = [_found(alone, bucket, "personal-automated-discovery") for _ in range(REVIEWED)]
        left = [_found(alone, bucket, "personal-automated-discovery") for _ in range(LEFT)]
        waiting = set(reviewed)
        _click_all(alone, waiting, seconds=30)
        made, plan.rate = dict(plan.made), 0
        # Whose message Slack did not answer is not posted again before a minute has passed.
        _click_all(alone, waiting, seconds=180)
        assert not waiting
        _settle(alone, dict.fromkeys((*automatic, *reviewed), "QUARANTINED"), left)
    _check(alone, bucket, moved=[*automatic, *reviewed], left=left)
    services = {name.split(":")[0] for name in made}
    assert {"dynamodb", "s3", "lambda", "secretsmanager", "Slack"} <= services


def _found(alone: Sandbox, bucket: str, fixture: str) -> str:
    """Deliver a finding on an object of its own, some of them twice."""
    key = f"{uuid.uuid4().hex}.csv"
    s3 = alone.client("s3")
    s3.put_object(Bucket=bucket, Key=key, Body=f"card of {key}".encode())
    event = event_about(s3, fixture=fixture, bucket=bucket, key=key)
    return alone.deliver(event, times=1 + (int(key[0], 16) < 3))


def _click_all(alone: Sandbox, waiting: set[str], *, seconds: float) -> None:
    """Click until each click was taken, as a person does who sees a warning sign."""
    deadline = time.monotonic() + seconds
    while waiting and time.monotonic() < deadline:
        _hurry(alone, "notify_at")
        alone.tick()
        for finding_id in sorted(waiting):
            message = alone.message_about(finding_id)
            if message is not None and _is_taken(alone, message.ts):
                waiting.discard(finding_id)
        time.sleep(1)


def _is_taken(alone: Sandbox, ts: str) -> bool:
    try:
        return alone.slack.click(ts, "remediate", APPROVER) == 200
    except LookupError:
        return True  # decided already, though the answer was lost


def _settle(alone: Sandbox, wanted: dict[str, str], left: list[str]) -> None:
    """Send the dead letters through again, and let time pass, until all stands as it should."""
    time.sleep(_STILL_POSTING)
    deadline = time.monotonic() + 150
    told: dict[str, Any] = dict(alone.outputs.by_name)
    while time.monotonic() < deadline:
        redrive(sqs=alone.client("sqs"), functions=alone.client("lambda"), outputs=told)
        _hurry(alone, "notify_at", "check_at", "posting_until")
        alone.tick()
        if all(_is_quiet(alone, one, status) for one, status in wanted.items()) and all(
            _is_quiet(alone, one, "AWAITING_REVIEW") for one in left
        ):
            return
        time.sleep(2)
    stands = {one: alone.status(one) for one in (*wanted, *left)}
    raise AssertionError(f"not settled: {stands}")


def _hurry(alone: Sandbox, *fields: str) -> None:
    """Make due now what would be due in some minutes; what waits for a person still waits."""
    table, name = alone.client("dynamodb"), alone.outputs.ledger_table
    for item in table.scan(TableName=name)["Items"]:
        if "free_at" in item and "posting_until" in fields:
            # What an invocation that died has in hand is free after a quarter of an hour.
            table.delete_item(TableName=name, Key={"id": item["id"]})
            continue
        is_waiting = item.get("status") == {"S": "AWAITING_REVIEW"}
        if "due_at" in item and (not is_waiting or "notify_at" in item):
            _make_due(table, name, item, fields)


def _make_due(table: Any, name: str, item: Any, fields: tuple[str, ...]) -> None:
    sets = [f"{field} = :then" for field in fields if field in item]
    with suppress(table.exceptions.ConditionalCheckFailedException):
        table.update_item(
            TableName=name,
            Key={"id": item["id"]},
            UpdateExpression=f"SET {', '.join(['due_at = :zero', *sets])}",
            ConditionExpression="revision = :revision",
            ExpressionAttributeValues={
                ":zero": {"N": "0"},
                ":revision": item["revision"],
                **({":then": {"S": "2026-01-01T00:00:00+00:00"}} if sets else {}),
            },
        )


def _is_quiet(alone: Sandbox, finding_id: str, status: str) -> bool:
    record = alone.record(finding_id)
    if record is None or record["status"]["S"] != status or "notify_at" in record:
        return False
    message = alone.message_about(finding_id)
    titles = {"QUARANTINED": "Object quarantined", "AWAITING_REVIEW": "please decide"}
    return message is not None and titles[status] in message.text


def _check(alone: Sandbox, bucket: str, *, moved: list[str], left: list[str]) -> None:
    s3, quarantine = alone.client("s3"), alone.outputs.quarantine_bucket
    keys = {one: _key(alone, one) for one in (*moved, *left)}
    remaining = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert sorted(remaining) == sorted(keys[one] for one in left)
    versions = s3.list_object_versions(Bucket=quarantine, Prefix=bucket).get("Versions", [])
    assert sorted(one["Key"] for one in versions) == sorted(
        f"{bucket}/{keys[one]}" for one in moved
    )
    posted = [
        (message.metadata or {}).get("event_payload", {}).get("finding_id")
        for message in alone.slack.messages
    ]
    assert sorted(filter(None, posted)) == sorted((*moved, *left))
    for finding_id in moved:
        history = (alone.record(finding_id) or {})["history"]["L"]
        steps = [entry["M"]["status"]["S"] for entry in history]
        assert steps.count("QUARANTINED") == 1, steps


def _key(alone: Sandbox, finding_id: str) -> str:
    record: Any = alone.record(finding_id)
    key: str = record["finding"]["M"]["object"]["M"]["key"]["S"]
    return key
