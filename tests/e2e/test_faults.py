"""After failures of AWS, Slack and connections, every finding is handled exactly once."""

import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from local import faults
from local.aws.emulator import ACCOUNT
from local.faults import Plan
from local.macie.fixtures import event_about
from local.sandbox import APPROVER, Sandbox
from local.sandbox import sandbox as start_sandbox
from scripts.redrive import redrive

pytestmark = pytest.mark.e2e

AUTOMATIC, APPROVED, WAITING = 16, 12, 6
_SLACK_SECONDS = 15
"""How long a call of Slack can take at most."""
SETTINGS = {"digestThreshold": "OFF", "autoRemediationHourlyLimit": "OFF"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Start a sandbox for this module sandbox: its functions call AWS through a proxy."""
    with start_sandbox(SETTINGS) as running:
        # A remediation must end before its message is delivered again, however slow the machine.
        queues = {"FindingQueueUrl": "5", "TaskQueueUrl": "5", "RemediationQueueUrl": "15"}
        for name, seconds in queues.items():
            running.client("sqs").set_queue_attributes(
                QueueUrl=running.outputs.by_name[name],
                Attributes={"VisibilityTimeout": seconds},
            )
        yield running


def test_after_the_faults_every_finding_is_handled_exactly_once(sandbox: Sandbox) -> None:
    plan = Plan(rate=0.15, seed=7)
    bucket = f"acme-{uuid.uuid4().hex[:12]}"
    sandbox.client("s3").create_bucket(Bucket=bucket)
    with faults.aws_faults(sandbox, plan):
        sandbox.slack.interceptor = faults.slack_faults(plan)
        automatic = [_deliver(sandbox, bucket, "financial-high") for _ in range(AUTOMATIC)]
        approved, waiting = (
            [_deliver(sandbox, bucket, "personal-automated-discovery") for _ in range(count)]
            for count in (APPROVED, WAITING)
        )
        undecided = set(approved)
        _click_all(sandbox, undecided, seconds=30)
        made, plan.rate = dict(plan.made), 0
        # A message that Slack may have posted is not posted again within a minute.
        _click_all(sandbox, undecided, seconds=180)
        assert not undecided
        moved = [*automatic, *approved]
        _settle(
            sandbox,
            dict.fromkeys(moved, "QUARANTINED") | dict.fromkeys(waiting, "AWAITING_REVIEW"),
        )
    _check(sandbox, bucket, moved=moved, waiting=waiting)
    services = {name.split(":")[0] for name in made}
    assert {"dynamodb", "s3", "lambda", "secretsmanager", "Slack"} <= services


def _deliver(sandbox: Sandbox, bucket: str, fixture: str) -> str:
    """Deliver a finding about a new object, some findings twice. Return the finding's id."""
    key = f"{uuid.uuid4().hex}.csv"
    s3 = sandbox.client("s3")
    s3.put_object(Bucket=bucket, Key=key, Body=f"card of {key}".encode())
    event = event_about(s3, fixture=fixture, bucket=bucket, key=key)
    return sandbox.deliver(event, times=1 + (int(key[0], 16) < 3))


def _click_all(sandbox: Sandbox, undecided: set[str], *, seconds: float) -> None:
    """Click until every click is accepted, as a person does who sees a warning sign."""
    deadline = time.monotonic() + seconds
    while undecided and time.monotonic() < deadline:
        _make_all_due(sandbox, "notify_at")
        sandbox.tick()
        for finding_id in sorted(undecided):
            message = sandbox.message_about(finding_id)
            if message is not None and _click_is_accepted(sandbox, message.ts):
                undecided.discard(finding_id)
        time.sleep(1)


def _click_is_accepted(sandbox: Sandbox, ts: str) -> bool:
    try:
        return sandbox.slack.click(ts, "remediate", APPROVER) == 200
    except LookupError:
        return True  # The button is gone: an earlier click was accepted and its response was lost.


def _settle(sandbox: Sandbox, expected: dict[str, str]) -> None:
    """Redrive dead letters and let time pass until every finding has its `expected` status."""
    time.sleep(_SLACK_SECONDS)
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        redrive(
            sqs=sandbox.client("sqs"),
            functions=sandbox.client("lambda"),
            outputs=sandbox.outputs.by_name,
        )
        _make_all_due(sandbox, "notify_at", "check_at", "posting_until")
        sandbox.tick()
        if all(_is_settled(sandbox, *item) for item in expected.items()):
            return
        time.sleep(2)
    statuses = {finding_id: sandbox.status(finding_id) for finding_id in expected}
    raise AssertionError(f"not settled: {statuses}")


def _make_all_due(sandbox: Sandbox, *fields: str) -> None:
    """Make records due now that would be due in some minutes, except those that await review."""
    table, name = sandbox.client("dynamodb"), sandbox.outputs.ledger_table
    for item in table.scan(TableName=name)["Items"]:
        if "free_at" in item and "posting_until" in fields:
            # The lease of an invocation that died ends after a quarter of an hour.
            table.delete_item(TableName=name, Key={"id": item["id"]})
            continue
        is_waiting = item.get("status") == {"S": "AWAITING_REVIEW"}
        if "due_at" in item and (not is_waiting or "notify_at" in item):
            _make_due(table, name, item, fields)


def _make_due(table: Any, name: str, item: Any, fields: tuple[str, ...]) -> None:
    assignments = [f"{field} = :then" for field in fields if field in item]
    with suppress(table.exceptions.ConditionalCheckFailedException):
        table.update_item(
            TableName=name,
            Key={"id": item["id"]},
            UpdateExpression=f"SET {', '.join(['due_at = :zero', *assignments])}",
            ConditionExpression="revision = :revision",
            ExpressionAttributeValues={
                ":zero": {"N": "0"},
                ":revision": item["revision"],
                **({":then": {"S": "2026-01-01T00:00:00+00:00"}} if assignments else {}),
            },
        )


def _is_settled(sandbox: Sandbox, finding_id: str, status: str) -> bool:
    record = sandbox.record(finding_id)
    if record is None or record["status"]["S"] != status or "notify_at" in record:
        return False
    message = sandbox.message_about(finding_id)
    titles = {"QUARANTINED": "Object quarantined", "AWAITING_REVIEW": "please decide"}
    return message is not None and titles[status] in message.text


def _check(sandbox: Sandbox, bucket: str, *, moved: list[str], waiting: list[str]) -> None:
    s3, quarantine = sandbox.client("s3"), sandbox.outputs.quarantine_bucket
    keys = {finding_id: _key(sandbox, finding_id) for finding_id in (*moved, *waiting)}
    remaining = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert sorted(remaining) == sorted(keys[finding_id] for finding_id in waiting)
    prefix = f"{ACCOUNT}/{bucket}/"
    versions = s3.list_object_versions(Bucket=quarantine, Prefix=prefix).get("Versions", [])
    assert sorted(version["Key"] for version in versions) == sorted(
        f"{prefix}{keys[finding_id]}" for finding_id in moved
    )
    posted = [
        (message.metadata or {}).get("event_payload", {}).get("finding_id")
        for message in sandbox.slack.messages
    ]
    assert sorted(filter(None, posted)) == sorted((*moved, *waiting))
    for finding_id in moved:
        history = (sandbox.record(finding_id) or {})["history"]["L"]
        statuses = [transition["M"]["status"]["S"] for transition in history]
        assert statuses.count("QUARANTINED") == 1, statuses


def _key(sandbox: Sandbox, finding_id: str) -> str:
    record: Any = sandbox.record(finding_id)
    key: str = record["finding"]["M"]["object"]["M"]["key"]["S"]
    return key
