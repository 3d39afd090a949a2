"""Changes of what holds evidence: which of CloudTrail's events reach people."""

import json
from typing import Any

import pytest
from aws_cdk.assertions import Match, Template
from moto.events.models import EventPattern

from tests.stacks.evaluation import logical_id, resolved


def _event(source: str, name: str, **parameters: Any) -> dict[str, Any]:
    return {
        "source": f"aws.{source}",
        "detail-type": "AWS API Call via CloudTrail",
        "detail": {"eventName": name, "requestParameters": parameters},
    }


def _reports(template: Template, event: dict[str, Any]) -> bool:
    """Return whether a rule sends `event` to the topic of the alarms."""
    rules = template.find_resources("AWS::Events::Rule").values()
    topic = {"Ref": logical_id(template, "MonitoringTopic")}
    patterns = [
        resolved(template, rule["Properties"]["EventPattern"])
        for rule in rules
        if rule["Properties"]["Targets"][0]["Arn"] == topic
    ]
    return any(
        EventPattern(json.dumps(pattern), pattern).matches_event(event)  # type: ignore[arg-type]
        for pattern in patterns
    )


@pytest.mark.parametrize(
    "name",
    [
        "DeleteBucket",
        "DeleteBucketEncryption",
        "DeleteBucketLifecycle",
        "DeleteBucketPolicy",
        "DeleteBucketReplication",
        "PutBucketEncryption",
        "PutBucketLifecycle",
        "PutBucketObjectLockConfiguration",
        "PutBucketPolicy",
        "PutBucketReplication",
        "PutBucketVersioning",
        "PutObjectLockConfiguration",
    ],
)
def test_a_change_of_the_quarantine_bucket_is_reported(template: Template, name: str) -> None:
    """Whoever could change it could delete evidence.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html
    """
    bucket = logical_id(template, "QuarantineBucket")

    assert _reports(template, _event("s3", name, bucketName=bucket))
    assert not _reports(template, _event("s3", name, bucketName="another"))


@pytest.mark.parametrize("name", ["GetBucketPolicy", "PutObject", "ListObjects"])
def test_reading_and_moving_objects_are_not_reported(template: Template, name: str) -> None:
    """The remediator does that all day."""
    bucket = logical_id(template, "QuarantineBucket")

    assert not _reports(template, _event("s3", name, bucketName=bucket))


@pytest.mark.parametrize("name", ["ScheduleKeyDeletion", "DisableKey", "PutKeyPolicy"])
def test_a_change_of_the_quarantine_key_is_reported(template: Template, name: str) -> None:
    """Without the key, the evidence cannot be read. Callers name it by its id or its ARN."""
    key = logical_id(template, "QuarantineKey")
    arn = resolved(template, {"Fn::GetAtt": [key, "Arn"]})

    for key_id in (key, arn):
        assert _reports(template, _event("kms", name, keyId=key_id))
    assert not _reports(template, _event("kms", name, keyId="another"))


@pytest.mark.parametrize(
    ("name", "parameter"),
    [
        ("DeleteResourcePolicy", "resourceArn"),
        ("PutResourcePolicy", "resourceArn"),
        ("DeleteTable", "tableName"),
        ("UpdateTable", "tableName"),
        ("UpdateContinuousBackups", "tableName"),
    ],
)
def test_a_change_of_the_ledgers_policy_or_protection_is_reported(
    template: Template, name: str, parameter: str
) -> None:
    """The policy is all that stops a forged approval."""
    table = logical_id(template, "LedgerTable")
    arn = resolved(template, {"Fn::GetAtt": [table, "Arn"]})

    assert _reports(template, _event("dynamodb", name, **{parameter: arn}))
    assert not _reports(template, _event("dynamodb", name, **{parameter: "another"}))


def test_eventbridge_may_publish_to_the_encrypted_topic(template: Template) -> None:
    """Otherwise it would drop the report, and nobody would know."""
    may = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}}

    template.has_resource_properties(
        "AWS::SNS::TopicPolicy",
        {
            "PolicyDocument": {
                "Statement": Match.array_with([Match.object_like({**may, "Action": "sns:Publish"})])
            }
        },
    )
    template.has_resource_properties(
        "AWS::KMS::Key",
        {
            "KeyPolicy": {
                "Statement": Match.array_with(
                    [Match.object_like({**may, "Action": ["kms:Decrypt", "kms:GenerateDataKey*"]})]
                )
            }
        },
    )
