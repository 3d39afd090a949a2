"""The eight steps, and what can go wrong on the way, against the deployed stack."""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from lambdas.common.ledger.window import slot_of
from local.aws.emulator import ACCOUNT
from local.macie.fixtures import event_about, sample_event
from local.sandbox import APPROVER, CHANNEL, VISITOR, Sandbox, wait_for
from local.slack.clicks import form, post, sign
from local.story import automatic_remediation, put_files, reviewed_remediation
from scripts.redrive import redrive

pytestmark = pytest.mark.e2e

CARD = b"name,card\nJane,4111111111111111\n"
MIB = 1024 * 1024
LIMIT = 100


@pytest.fixture
def bucket(sandbox: Sandbox) -> str:
    """Create a monitored bucket for one test."""
    name = f"acme-{uuid.uuid4().hex[:12]}"
    sandbox.client("s3").create_bucket(Bucket=name)
    return name


def _put(sandbox: Sandbox, bucket: str, key: str = "a card.csv", **arguments: Any) -> None:
    sandbox.client("s3").put_object(Bucket=bucket, Key=key, **{"Body": CARD, **arguments})


def _event(sandbox: Sandbox, bucket: str, fixture: str, key: str = "a card.csv") -> dict[str, Any]:
    return event_about(sandbox.client("s3"), fixture=fixture, bucket=bucket, key=key)


def _create_review(sandbox: Sandbox, bucket: str, key: str = "a card.csv") -> tuple[str, Any]:
    """Deliver a finding that has to be reviewed. Return its id and its message."""
    finding_id = sandbox.deliver(_event(sandbox, bucket, "personal-automated-discovery", key))
    message = wait_for(lambda: sandbox.message_about(finding_id))
    wait_for(lambda: "message" in (sandbox.record(finding_id) or {}))
    return finding_id, message


def _wait_for_status(sandbox: Sandbox, finding_id: str, status: str) -> str:
    """Wait for a status, and until the message shows it. Return the message's text."""
    wait_for(lambda: sandbox.status(finding_id) == status)
    titles = {
        "QUARANTINED": "Object quarantined",
        "RESTORED": "Object restored",
        "CHANGED": "Object changed",
        "NOT_FOUND": "Nothing to move",
        "FAILED": "Remediation failed",
        "DISMISSED": "Finding dismissed",
        "AWAITING_REVIEW": "please decide",
    }

    def read() -> str | None:
        message = sandbox.message_about(finding_id)
        return message.text if message and titles[status] in message.text else None

    text: str = wait_for(read)
    return text


def _text(sandbox: Sandbox, finding_id: str) -> str:
    message = sandbox.message_about(finding_id)
    return f"{message.text} {message.blocks}" if message else ""


def _copy(bucket: str, key: str) -> str:
    """Return the key of an object's copy in quarantine."""
    return f"{ACCOUNT}/{bucket}/{key}"


def _keys(sandbox: Sandbox, bucket: str) -> list[str]:
    versions = sandbox.client("s3").list_object_versions(Bucket=bucket).get("Versions", [])
    return [version["Key"] for version in versions]


def test_all_eight_steps_happen(sandbox: Sandbox) -> None:
    put_files(sandbox)
    assert [step.number for step in automatic_remediation(sandbox)] == [1, 2, 3, 7, 8]
    assert [step.number for step in reviewed_remediation(sandbox)] == [1, 2, 3, 4, 5, 6, 7, 8]


def test_an_approved_object_is_quarantined_and_restored(sandbox: Sandbox, bucket: str) -> None:
    key = "reports/Zoë & co #1 + 100%?.csv"
    _put(sandbox, bucket, key, Metadata={"owner": "jane"}, Tagging="kind=card")
    finding_id, message = _create_review(sandbox, bucket, key)
    quarantine = sandbox.outputs.quarantine_bucket

    assert sandbox.slack.click(message.ts, "remediate", APPROVER) == 200
    text = _wait_for_status(sandbox, finding_id, "QUARANTINED")
    assert f"Quarantined by <@{APPROVER}>" in text
    assert _keys(sandbox, bucket) == []
    assert _copy(bucket, key) in _keys(sandbox, quarantine)

    assert sandbox.slack.click(message.ts, "restore", APPROVER) == 200
    assert "kept in quarantine until" in _wait_for_status(sandbox, finding_id, "RESTORED")
    restored = sandbox.client("s3").get_object(Bucket=bucket, Key=key)
    assert (restored["Body"].read(), restored["Metadata"]) == (CARD, {"owner": "jane"})
    assert restored["TagCount"] == 1
    assert _copy(bucket, key) in _keys(sandbox, quarantine)

    sandbox.make_kept_copies_due(finding_id)
    sandbox.tick()
    wait_for(lambda: _copy(bucket, key) not in _keys(sandbox, quarantine))


def test_a_finding_is_dismissed_and_reopened(sandbox: Sandbox, bucket: str) -> None:
    _put(sandbox, bucket)
    finding_id, message = _create_review(sandbox, bucket)
    assert sandbox.slack.click(message.ts, "dismiss", APPROVER, choice="accepted_risk") == 200
    assert "accepted risk" in _wait_for_status(sandbox, finding_id, "DISMISSED")
    assert sandbox.slack.click(message.ts, "reopen", APPROVER) == 200
    assert f"Reopened by <@{APPROVER}>" in _wait_for_status(sandbox, finding_id, "AWAITING_REVIEW")
    assert _keys(sandbox, bucket) == ["a card.csv"]


def test_two_findings_on_one_object_share_a_message(sandbox: Sandbox, bucket: str) -> None:
    _put(sandbox, bucket)
    finding_id, _ = _create_review(sandbox, bucket)
    event = _event(sandbox, bucket, "credentials-high-awkward-key")
    duplicate = sandbox.deliver(event)
    wait_for(lambda: sandbox.status(duplicate) == "DUPLICATE")
    wait_for(lambda: event["detail"]["type"] in _text(sandbox, finding_id))
    assert sandbox.message_about(duplicate) is None


def test_automatic_remediation_stops_at_the_hourly_limit(sandbox: Sandbox, bucket: str) -> None:
    """The counters are in one item that all handlers write at the same time."""
    keys = [f"{number}.csv" for number in range(12)]
    for key in keys:
        _put(sandbox, bucket, key)
    _set_remaining_limit(sandbox, 5)
    ids = [sandbox.deliver(_event(sandbox, bucket, "financial-high", key)) for key in keys]
    wait_for(lambda: all(map(sandbox.status, ids)))
    statuses = list(map(sandbox.status, ids))
    _set_remaining_limit(sandbox, LIMIT)
    assert len(statuses) - statuses.count("AWAITING_REVIEW") == 5


def _set_remaining_limit(sandbox: Sandbox, remaining: int) -> None:
    slot, counted = slot_of(datetime.now(UTC)), {"N": str(LIMIT - remaining)}
    sandbox.client("dynamodb").put_item(
        TableName=sandbox.outputs.ledger_table,
        Item={
            "id": {"S": "limit#all"},
            "latest_slot": {"N": str(slot)},
            "slots": {"M": {str(slot): counted}},
            "counted": counted,
        },
    )


def test_a_redriven_dead_letter_is_handled(sandbox: Sandbox, bucket: str) -> None:
    _put(sandbox, bucket)
    event = _event(sandbox, bucket, "personal-automated-discovery")
    outputs = dict(sandbox.outputs.by_name)
    sqs, queue = sandbox.client("sqs"), outputs["FindingDeadLetterQueueUrl"]
    # Only SQS itself moves messages there.
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": ""})
    sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(event))
    sent = redrive(sqs=sqs, functions=sandbox.client("lambda"), outputs=outputs)
    assert sent == {"findings": 1, "remediations": 0}
    wait_for(lambda: sandbox.message_about(event["detail"]["id"]))


def test_a_message_that_slack_rejected_is_posted_later(sandbox: Sandbox, bucket: str) -> None:
    _put(sandbox, bucket)
    sandbox.slack.fail_next(429, "ratelimited", retry_after=1)
    finding_id = sandbox.deliver(_event(sandbox, bucket, "personal-automated-discovery"))
    wait_for(lambda: "due_at" in (sandbox.record(finding_id) or {}))

    def post_what_is_due() -> Any:
        sandbox.tick()
        return sandbox.message_about(finding_id)

    assert "please decide" in wait_for(post_what_is_due).text
    wait_for(lambda: "message" in (sandbox.record(finding_id) or {}))


def test_a_visitor_who_clicks_gets_a_private_reply_and_nothing_moves(
    sandbox: Sandbox, bucket: str
) -> None:
    _put(sandbox, bucket)
    finding_id, message = _create_review(sandbox, bucket)
    count = len(sandbox.slack.ephemerals)
    assert sandbox.slack.click(message.ts, "remediate", VISITOR) == 200
    reply = wait_for(lambda: sandbox.slack.ephemerals[count:])[0]
    assert reply.user == VISITOR
    assert f"<@{APPROVER}>" in reply.text
    assert sandbox.status(finding_id) == "AWAITING_REVIEW"
    assert _keys(sandbox, bucket) == ["a card.csv"]
    record = sandbox.record(finding_id) or {}
    assert record["history"]["L"][-1]["M"]["is_refused"]["BOOL"]


def test_a_second_click_gets_a_private_reply(sandbox: Sandbox, bucket: str) -> None:
    _put(sandbox, bucket)
    finding_id, message = _create_review(sandbox, bucket)
    count = len(sandbox.slack.ephemerals)
    for _ in range(2):
        sandbox.slack.click(message.ts, "remediate", APPROVER, shown=message)
    reply = wait_for(lambda: sandbox.slack.ephemerals[count:])[0]
    assert f"decided by <@{APPROVER}> already" in reply.text
    _wait_for_status(sandbox, finding_id, "QUARANTINED")
    quarantined = _keys(sandbox, sandbox.outputs.quarantine_bucket)
    assert quarantined.count(_copy(bucket, "a card.csv")) == 1


@pytest.mark.parametrize("kind", ["unsigned", "forged", "stale"])
def test_a_request_that_is_not_from_slack_is_refused(sandbox: Sandbox, kind: str) -> None:
    body = form(
        message={"ts": "1.0"},
        channel=CHANNEL,
        action={"action_id": "remediate", "value": "any"},
        user=APPROVER,
        response_url=f"{sandbox.slack.hooks_url}actions/none",
    )
    headers = {
        "unsigned": {"Content-Type": "application/x-www-form-urlencoded"},
        "forged": sign(body, signing_secret="guessed"),
        "stale": sign(body, signing_secret=_signing_secret(sandbox), timestamp=1),
    }
    assert sandbox.slack.request_url is not None
    certificate = sandbox.slack.certificate
    assert post(sandbox.slack.request_url, body, headers[kind], certificate=certificate) == 401


def _signing_secret(sandbox: Sandbox) -> str:
    return sandbox.secret(sandbox.outputs.slack_signing_secret)["signingSecret"]


@pytest.fixture
def quick_redelivery(sandbox: Sandbox) -> Iterator[None]:
    """Deliver events of findings that failed again after 5 seconds, not after 6 minutes."""
    sqs, url, name = sandbox.client("sqs"), sandbox.outputs.finding_queue_url, "VisibilityTimeout"
    timeout = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={name: "5"})
    yield
    sqs.set_queue_attributes(QueueUrl=url, Attributes={name: timeout})


@pytest.mark.usefixtures("quick_redelivery")
def test_an_event_delivered_three_times_posts_one_message(sandbox: Sandbox, bucket: str) -> None:
    """A delivery that meets another one may fail, and is repeated."""
    _put(sandbox, bucket)
    event = _event(sandbox, bucket, "personal-automated-discovery")
    finding_id = sandbox.deliver(event, times=3)
    wait_for(lambda: sandbox.message_about(finding_id))
    wait_for(lambda: _is_empty(sandbox))
    messages = [
        message
        for message in sandbox.slack.messages
        if (message.metadata or {}).get("event_payload") == {"finding_id": finding_id}
    ]
    assert len(messages) == 1


def _is_empty(sandbox: Sandbox) -> bool:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    response = sandbox.client("sqs").get_queue_attributes(
        QueueUrl=sandbox.outputs.finding_queue_url, AttributeNames=names
    )
    return all(int(response["Attributes"][name]) == 0 for name in names)


def test_an_object_that_changed_is_not_moved(sandbox: Sandbox, bucket: str) -> None:
    _put(sandbox, bucket)
    event = _event(sandbox, bucket, "financial-high")
    _put(sandbox, bucket, Body=b"another")
    text = _wait_for_status(sandbox, sandbox.deliver(event), "CHANGED")
    assert "The object was replaced after the finding" in text
    assert _keys(sandbox, bucket) == ["a card.csv"]
    assert _copy(bucket, "a card.csv") not in _keys(sandbox, sandbox.outputs.quarantine_bucket)


def test_a_sample_finding_passes_through_all_steps_and_moves_nothing(sandbox: Sandbox) -> None:
    before = _keys(sandbox, sandbox.outputs.quarantine_bucket)
    text = _wait_for_status(sandbox, sandbox.deliver(sample_event()), "NOT_FOUND")
    assert "SAMPLE" in text
    assert "there was nothing to move" in text
    assert _keys(sandbox, sandbox.outputs.quarantine_bucket) == before


def test_nothing_is_moved_from_a_bucket_that_is_not_monitored(sandbox: Sandbox) -> None:
    bucket = f"other-{uuid.uuid4().hex[:12]}"
    sandbox.client("s3").create_bucket(Bucket=bucket)
    _put(sandbox, bucket)
    finding_id = sandbox.deliver(_event(sandbox, bucket, "financial-high"))
    assert "monitoredBuckets" in _wait_for_status(sandbox, finding_id, "FAILED")
    assert _keys(sandbox, bucket) == ["a card.csv"]


def test_older_versions_remain_and_none_becomes_current(sandbox: Sandbox, bucket: str) -> None:
    s3 = sandbox.client("s3")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    _put(sandbox, bucket, Body=b"older")
    _put(sandbox, bucket)
    finding_id = sandbox.deliver(_event(sandbox, bucket, "financial-high"))
    assert "1 other version remains in the bucket" in _wait_for_status(
        sandbox, finding_id, "QUARANTINED"
    )
    response = s3.list_object_versions(Bucket=bucket)
    assert [version["Size"] for version in response["Versions"]] == [len(b"older")]
    assert response["DeleteMarkers"][0]["IsLatest"]


def test_only_the_null_version_is_moved_from_a_suspended_bucket(
    sandbox: Sandbox, bucket: str
) -> None:
    s3 = sandbox.client("s3")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    _put(sandbox, bucket, Body=b"kept")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    _put(sandbox, bucket)
    finding_id = sandbox.deliver(_event(sandbox, bucket, "financial-high"))
    _wait_for_status(sandbox, finding_id, "QUARANTINED")
    response = s3.list_object_versions(Bucket=bucket)
    assert [version["Size"] for version in response["Versions"]] == [len(b"kept")]


def test_a_version_is_not_moved_if_its_deletion_would_destroy_another(
    sandbox: Sandbox, bucket: str
) -> None:
    s3 = sandbox.client("s3")
    _put(sandbox, bucket, Body=b"put before versioning")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    _put(sandbox, bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    finding_id = sandbox.deliver(_event(sandbox, bucket, "financial-high"))
    assert "would destroy another" in _wait_for_status(sandbox, finding_id, "FAILED")
    assert len(_keys(sandbox, bucket)) == 2


def test_a_large_object_is_moved_in_parts(sandbox: Sandbox, bucket: str) -> None:
    """Tags are tested with the remediator: ministack drops those of a multipart upload."""
    body = CARD * (20 * MIB // len(CARD))
    _put(sandbox, bucket, Body=body, Metadata={"owner": "jane"})
    finding_id = sandbox.deliver(_event(sandbox, bucket, "financial-high"))
    _wait_for_status(sandbox, finding_id, "QUARANTINED")
    assert _keys(sandbox, bucket) == []
    message = sandbox.message_about(finding_id)
    assert message is not None
    sandbox.slack.click(message.ts, "restore", APPROVER)
    _wait_for_status(sandbox, finding_id, "RESTORED")
    restored = sandbox.client("s3").get_object(Bucket=bucket, Key="a card.csv")
    assert restored["Body"].read() == body
    assert restored["Metadata"] == {"owner": "jane"}


def test_an_administrator_cannot_read_the_quarantine_bucket(sandbox: Sandbox, bucket: str) -> None:
    _put(sandbox, bucket)
    finding_id = sandbox.deliver(_event(sandbox, bucket, "financial-high"))
    _wait_for_status(sandbox, finding_id, "QUARANTINED")
    with pytest.raises(ClientError, match="AccessDenied"):
        _administrator(sandbox).get_object(
            Bucket=sandbox.outputs.quarantine_bucket, Key=_copy(bucket, "a card.csv")
        )


def _administrator(sandbox: Sandbox) -> Any:
    """Create an S3 client for a user whose IAM policy allows everything."""
    iam = sandbox.client("iam")
    iam.create_user(UserName="administrator")
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
    iam.put_user_policy(UserName="administrator", PolicyName="all", PolicyDocument=policy)
    key = iam.create_access_key(UserName="administrator")["AccessKey"]
    return boto3.client(
        "s3",
        endpoint_url=sandbox.emulator.endpoint,
        verify=sandbox.emulator.environment["AWS_CA_BUNDLE"],
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        aws_session_token="",
        region_name="us-east-1",
    )


def test_no_secret_is_in_a_log_or_in_the_ledger(sandbox: Sandbox, bucket: str) -> None:
    _put(sandbox, bucket)
    finding_id, message = _create_review(sandbox, bucket)
    sandbox.slack.click(message.ts, "remediate", APPROVER)
    _wait_for_status(sandbox, finding_id, "QUARANTINED")
    names = sandbox.outputs.slack_signing_secret, sandbox.outputs.slack_bot_token
    secrets = [value for name in names for value in sandbox.secret(name).values()]
    log = (sandbox.emulator.folder / "ministack.log").read_text()
    stored = log + json.dumps(sandbox.record(finding_id))
    for text in [*secrets, "4111111111111111"]:
        assert text not in stored
