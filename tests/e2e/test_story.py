"""The eight steps and what may go wrong on the way, against the deployed stack."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from lambdas.common.slack.actions import option_value
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
def bucket(deployed: Sandbox) -> str:
    """Make a monitored bucket for one test."""
    name = f"acme-{uuid.uuid4().hex[:12]}"
    deployed.client("s3").create_bucket(Bucket=name)
    return name


def _put(deployed: Sandbox, bucket: str, key: str = "a card.csv", **more: Any) -> None:
    deployed.client("s3").put_object(Bucket=bucket, Key=key, **{"Body": CARD, **more})


def _event(deployed: Sandbox, bucket: str, fixture: str, key: str = "a card.csv") -> dict[str, Any]:
    return event_about(deployed.client("s3"), fixture=fixture, bucket=bucket, key=key)


def _review(deployed: Sandbox, bucket: str, key: str = "a card.csv") -> tuple[str, Any]:
    """Have a finding waiting for a decision; answer its id and its message."""
    finding_id = deployed.deliver(_event(deployed, bucket, "personal-automated-discovery", key))
    message = wait_for(lambda: deployed.message_about(finding_id))
    wait_for(lambda: "message" in (deployed.record(finding_id) or {}))
    return finding_id, message


def _ended(deployed: Sandbox, finding_id: str, status: str) -> str:
    """Wait for a status, and for the message to show it; answer the message's text."""
    wait_for(lambda: deployed.status(finding_id) == status)
    titles = {
        "QUARANTINED": "Object quarantined",
        "RESTORED": "Object restored",
        "CHANGED": "Object changed",
        "NOT_FOUND": "Nothing to move",
        "FAILED": "Remediation failed",
        "DISMISSED": "Finding dismissed",
        "AWAITING_REVIEW": "please decide",
    }

    def shown() -> str | None:
        message = deployed.message_about(finding_id)
        return message.text if message and titles[status] in message.text else None

    text: str = wait_for(shown)
    return text


def _text(deployed: Sandbox, finding_id: str) -> str:
    message = deployed.message_about(finding_id)
    return f"{message.text} {message.blocks}" if message else ""


def _keys(deployed: Sandbox, bucket: str) -> list[str]:
    versions = deployed.client("s3").list_object_versions(Bucket=bucket).get("Versions", [])
    return [one["Key"] for one in versions]


def test_all_eight_steps_are_seen(deployed: Sandbox) -> None:
    put_files(deployed)
    seen = [step.number for step in automatic_remediation(deployed)]
    assert seen == [1, 2, 3, 7, 8]
    assert [step.number for step in reviewed_remediation(deployed)] == [1, 2, 3, 4, 5, 6, 7, 8]


def test_an_approved_object_is_moved_and_comes_back(deployed: Sandbox, bucket: str) -> None:
    key = "reports/Zoë & co #1 + 100%?.csv"
    _put(deployed, bucket, key, Metadata={"owner": "jane"}, Tagging="kind=card")
    finding_id, message = _review(deployed, bucket, key)
    quarantine = deployed.outputs.quarantine_bucket

    assert deployed.slack.click(message.ts, "remediate", APPROVER) == 200
    text = _ended(deployed, finding_id, "QUARANTINED")
    assert f"Quarantined by <@{APPROVER}>" in text
    assert _keys(deployed, bucket) == []
    assert f"{bucket}/{key}" in _keys(deployed, quarantine)

    assert deployed.slack.click(message.ts, "restore", APPROVER) == 200
    _ended(deployed, finding_id, "RESTORED")
    back = deployed.client("s3").get_object(Bucket=bucket, Key=key)
    assert (back["Body"].read(), back["Metadata"]) == (CARD, {"owner": "jane"})
    assert back["TagCount"] == 1
    assert f"{bucket}/{key}" not in _keys(deployed, quarantine)


def test_a_finding_is_dismissed_and_reopened(deployed: Sandbox, bucket: str) -> None:
    _put(deployed, bucket)
    finding_id, message = _review(deployed, bucket)
    choice = option_value("accepted_risk", finding_id)
    assert deployed.slack.click(message.ts, "dismiss", APPROVER, choice=choice) == 200
    assert "accepted risk" in _ended(deployed, finding_id, "DISMISSED")
    assert deployed.slack.click(message.ts, "reopen", APPROVER) == 200
    assert f"Reopened by <@{APPROVER}>" in _ended(deployed, finding_id, "AWAITING_REVIEW")
    assert _keys(deployed, bucket) == ["a card.csv"]


def test_two_findings_on_one_object_share_a_message(deployed: Sandbox, bucket: str) -> None:
    _put(deployed, bucket)
    finding_id, _ = _review(deployed, bucket)
    event = _event(deployed, bucket, "credentials-high-awkward-key")
    second = deployed.deliver(event)
    wait_for(lambda: deployed.status(second) == "DUPLICATE")
    wait_for(lambda: event["detail"]["type"] in _text(deployed, finding_id))
    assert deployed.message_about(second) is None


def test_automatic_remediation_stops_at_the_hourly_limit(deployed: Sandbox, bucket: str) -> None:
    """The counter is one item that all handlers write at the same time."""
    keys = [f"{number}.csv" for number in range(12)]
    for key in keys:
        _put(deployed, bucket, key)
    _spend_the_allowance(deployed, but=5)
    ids = [deployed.deliver(_event(deployed, bucket, "financial-high", key)) for key in keys]
    wait_for(lambda: all(deployed.status(one) for one in ids))
    automatic_ones = [one for one in ids if deployed.status(one) != "AWAITING_REVIEW"]
    _spend_the_allowance(deployed, but=LIMIT)
    assert len(automatic_ones) == 5


def _spend_the_allowance(deployed: Sandbox, *, but: int) -> None:
    hours = [datetime.now(UTC) + timedelta(hours=ahead) for ahead in (0, 1)]
    for hour in hours:
        deployed.client("dynamodb").put_item(
            TableName=deployed.outputs.ledger_table,
            Item={
                "id": {"S": f"hour#{hour:%Y-%m-%dT%H}"},
                "automatic": {"N": str(LIMIT - but)},
            },
        )


def test_dead_letters_are_handled_when_they_are_sent_through_again(
    deployed: Sandbox, bucket: str
) -> None:
    _put(deployed, bucket)
    event = _event(deployed, bucket, "personal-automated-discovery")
    told = deployed.outputs.by_name
    sqs = deployed.client("sqs")
    sqs.send_message(QueueUrl=told["FindingDeadLetterQueueUrl"], MessageBody=json.dumps(event))
    sent = redrive(sqs=sqs, functions=deployed.client("lambda"), outputs=dict(told))
    assert sent == {"findings": 1, "remediations": 0}
    wait_for(lambda: deployed.message_about(event["detail"]["id"]))


def test_what_slack_did_not_take_is_told_when_it_is_due(deployed: Sandbox, bucket: str) -> None:
    _put(deployed, bucket)
    deployed.slack.fail_next(429, "ratelimited", retry_after=1)
    finding_id = deployed.deliver(_event(deployed, bucket, "personal-automated-discovery"))
    wait_for(lambda: "due_at" in (deployed.record(finding_id) or {}))

    def told() -> Any:
        deployed.tick()
        return deployed.message_about(finding_id)

    assert "please decide" in wait_for(told).text
    wait_for(lambda: "message" in (deployed.record(finding_id) or {}))


def test_who_may_not_decide_is_told_who_may_and_nothing_moves(
    deployed: Sandbox, bucket: str
) -> None:
    _put(deployed, bucket)
    finding_id, message = _review(deployed, bucket)
    told = len(deployed.slack.ephemerals)
    assert deployed.slack.click(message.ts, "remediate", VISITOR) == 200
    reply = wait_for(lambda: deployed.slack.ephemerals[told:])[0]
    assert reply.user == VISITOR
    assert f"<@{APPROVER}>" in reply.text
    assert deployed.status(finding_id) == "AWAITING_REVIEW"
    assert _keys(deployed, bucket) == ["a card.csv"]
    record = deployed.record(finding_id) or {}
    assert record["history"]["L"][-1]["M"]["is_refused"]["BOOL"]


def test_a_second_click_is_told_that_it_is_decided(deployed: Sandbox, bucket: str) -> None:
    _put(deployed, bucket)
    finding_id, message = _review(deployed, bucket)
    told = len(deployed.slack.ephemerals)
    for _ in range(2):
        deployed.slack.click(message.ts, "remediate", APPROVER, shown=message)
    reply = wait_for(lambda: deployed.slack.ephemerals[told:])[0]
    assert f"decided by <@{APPROVER}> already" in reply.text
    _ended(deployed, finding_id, "QUARANTINED")
    quarantined = _keys(deployed, deployed.outputs.quarantine_bucket)
    assert quarantined.count(f"{bucket}/a card.csv") == 1


@pytest.mark.parametrize("what", ["unsigned", "forged", "stale"])
def test_who_is_not_slack_is_refused(deployed: Sandbox, what: str) -> None:
    body = form(
        message={"ts": "1.0"},
        channel=CHANNEL,
        action={"action_id": "remediate", "value": "any"},
        user=APPROVER,
        response_url=f"{deployed.slack.hooks_url}actions/none",
    )
    headers = {
        "unsigned": {"Content-Type": "application/x-www-form-urlencoded"},
        "forged": sign(body, signing_secret="guessed"),
        "stale": sign(body, signing_secret=_signing_secret(deployed), timestamp=1),
    }
    assert deployed.slack.request_url is not None
    certificate = deployed.slack.certificate
    assert post(deployed.slack.request_url, body, headers[what], certificate=certificate) == 401


def _signing_secret(deployed: Sandbox) -> str:
    secret = deployed.client("secretsmanager").get_secret_value(
        SecretId=deployed.outputs.slack_secret
    )
    text: str = json.loads(secret["SecretString"])["signingSecret"]
    return text


def test_an_event_delivered_three_times_posts_one_message(deployed: Sandbox, bucket: str) -> None:
    _put(deployed, bucket)
    event = _event(deployed, bucket, "personal-automated-discovery")
    finding_id = deployed.deliver(event, times=3)
    wait_for(lambda: deployed.message_about(finding_id))
    wait_for(lambda: _is_empty(deployed))
    about = [
        message
        for message in deployed.slack.messages
        if (message.metadata or {}).get("event_payload") == {"finding_id": finding_id}
    ]
    assert len(about) == 1


def _is_empty(deployed: Sandbox) -> bool:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    answer = deployed.client("sqs").get_queue_attributes(
        QueueUrl=deployed.outputs.finding_queue_url, AttributeNames=names
    )
    return all(int(answer["Attributes"][name]) == 0 for name in names)


def test_an_object_that_changed_is_left_alone(deployed: Sandbox, bucket: str) -> None:
    _put(deployed, bucket)
    event = _event(deployed, bucket, "financial-high")
    _put(deployed, bucket, Body=b"another")
    text = _ended(deployed, deployed.deliver(event), "CHANGED")
    assert "The object was replaced after the finding" in text
    assert _keys(deployed, bucket) == ["a card.csv"]
    assert f"{bucket}/a card.csv" not in _keys(deployed, deployed.outputs.quarantine_bucket)


def test_a_sample_finding_walks_the_whole_flow_and_moves_nothing(deployed: Sandbox) -> None:
    before = _keys(deployed, deployed.outputs.quarantine_bucket)
    text = _ended(deployed, deployed.deliver(sample_event()), "NOT_FOUND")
    assert "SAMPLE" in text
    assert "there was nothing to move" in text
    assert _keys(deployed, deployed.outputs.quarantine_bucket) == before


def test_a_bucket_that_is_not_monitored_is_out_of_reach(deployed: Sandbox) -> None:
    bucket = f"other-{uuid.uuid4().hex[:12]}"
    deployed.client("s3").create_bucket(Bucket=bucket)
    _put(deployed, bucket)
    finding_id = deployed.deliver(_event(deployed, bucket, "financial-high"))
    assert "monitoredBuckets" in _ended(deployed, finding_id, "FAILED")
    assert _keys(deployed, bucket) == ["a card.csv"]


def test_older_versions_stay_and_none_becomes_current(deployed: Sandbox, bucket: str) -> None:
    s3 = deployed.client("s3")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    _put(deployed, bucket, Body=b"older")
    _put(deployed, bucket)
    finding_id = deployed.deliver(_event(deployed, bucket, "financial-high"))
    assert "1 other version remains in the bucket" in _ended(deployed, finding_id, "QUARANTINED")
    listed = s3.list_object_versions(Bucket=bucket)
    assert [one["Size"] for one in listed["Versions"]] == [len(b"older")]
    assert listed["DeleteMarkers"][0]["IsLatest"]


def test_a_suspended_bucket_loses_its_null_version_and_no_other(
    deployed: Sandbox, bucket: str
) -> None:
    s3 = deployed.client("s3")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    _put(deployed, bucket, Body=b"kept")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    _put(deployed, bucket)
    finding_id = deployed.deliver(_event(deployed, bucket, "financial-high"))
    _ended(deployed, finding_id, "QUARANTINED")
    listed = s3.list_object_versions(Bucket=bucket)
    assert [one["Size"] for one in listed["Versions"]] == [len(b"kept")]


def test_a_version_whose_deletion_would_destroy_another_is_left(
    deployed: Sandbox, bucket: str
) -> None:
    s3 = deployed.client("s3")
    _put(deployed, bucket, Body=b"put before there were versions")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    _put(deployed, bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    finding_id = deployed.deliver(_event(deployed, bucket, "financial-high"))
    assert "would destroy another" in _ended(deployed, finding_id, "FAILED")
    assert len(_keys(deployed, bucket)) == 2


def test_a_large_object_is_moved_in_parts(deployed: Sandbox, bucket: str) -> None:
    """Its tags are tested with the remediator: ministack drops those of an upload in parts."""
    body = CARD * (20 * MIB // len(CARD))
    _put(deployed, bucket, Body=body, Metadata={"owner": "jane"})
    finding_id = deployed.deliver(_event(deployed, bucket, "financial-high"))
    _ended(deployed, finding_id, "QUARANTINED")
    assert _keys(deployed, bucket) == []
    message = deployed.message_about(finding_id)
    assert message is not None
    deployed.slack.click(message.ts, "restore", APPROVER)
    _ended(deployed, finding_id, "RESTORED")
    back = deployed.client("s3").get_object(Bucket=bucket, Key="a card.csv")
    assert back["Body"].read() == body
    assert back["Metadata"] == {"owner": "jane"}


def test_nobody_else_reads_the_quarantine(deployed: Sandbox, bucket: str) -> None:
    _put(deployed, bucket)
    finding_id = deployed.deliver(_event(deployed, bucket, "financial-high"))
    _ended(deployed, finding_id, "QUARANTINED")
    with pytest.raises(ClientError, match="AccessDenied"):
        _administrator(deployed).get_object(
            Bucket=deployed.outputs.quarantine_bucket, Key=f"{bucket}/a card.csv"
        )


def _administrator(deployed: Sandbox) -> Any:
    """Make an S3 client of a user who may do everything, as far as IAM goes."""
    iam = deployed.client("iam")
    iam.create_user(UserName="administrator")
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
    iam.put_user_policy(UserName="administrator", PolicyName="all", PolicyDocument=policy)
    key = iam.create_access_key(UserName="administrator")["AccessKey"]
    return boto3.client(
        "s3",
        endpoint_url=deployed.emulator.endpoint,
        verify=deployed.emulator.environment["AWS_CA_BUNDLE"],
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        aws_session_token="",
        region_name="us-east-1",
    )


def test_no_secret_is_in_a_log_or_in_the_ledger(deployed: Sandbox, bucket: str) -> None:
    _put(deployed, bucket)
    finding_id, message = _review(deployed, bucket)
    deployed.slack.click(message.ts, "remediate", APPROVER)
    _ended(deployed, finding_id, "QUARANTINED")
    secret = deployed.client("secretsmanager").get_secret_value(
        SecretId=deployed.outputs.slack_secret
    )
    log = (deployed.emulator.folder / "ministack.log").read_text()
    kept = log + json.dumps(deployed.record(finding_id))
    for hidden in [*json.loads(secret["SecretString"]).values(), "4111111111111111"]:
        assert hidden not in kept
