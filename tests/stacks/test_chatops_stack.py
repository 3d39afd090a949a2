"""The stack as a whole."""

import json
import re

import pytest
from aws_cdk import Validations
from aws_cdk.assertions import Match, Template
from cdk_nag import AwsSolutionsChecks

from tests.stacks import permissions, synthesis

# With another logical id, CloudFormation would replace the resource: by an empty bucket, another
# key, an empty table, a secret without a value.
_LOGICAL_IDS = {
    "QuarantineBucket2B128B57": "AWS::S3::Bucket",
    "QuarantineKey87124930": "AWS::KMS::Key",
    "LedgerTable9343E4AA": "AWS::DynamoDB::GlobalTable",
    "SlackBotTokenSecret5E8FB605": "AWS::SecretsManager::Secret",
    "SlackSigningSecretD61334C3": "AWS::SecretsManager::Secret",
}


def test_cdk_nag_finds_nothing_that_is_not_acknowledged() -> None:
    """Synthesis raises what the rules of the AwsSolutions pack find."""
    app = synthesis.app()
    synthesis.stack(app)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))

    app.synth()


def test_resources_that_must_not_be_replaced_keep_their_logical_ids(template: Template) -> None:
    """Whatever the code is renamed to."""
    resources = template.to_json()["Resources"]

    assert {name: resources[name]["Type"] for name in _LOGICAL_IDS} == _LOGICAL_IDS


def test_evidence_and_records_outlive_the_stack(template: Template) -> None:
    """Buckets, key, table and logs stay when the stack is deleted and when they are replaced.

    They are deleted if the very first deployment fails: they are empty, and would hinder the next.
    The table is protected and cannot be, so it stays even then.
    """
    resources = template.to_json()["Resources"].values()
    retain = {"RetainExceptOnCreate", "Retain"}
    retained = [r for r in resources if r.get("DeletionPolicy") in retain]

    assert {resource["Type"] for resource in retained} == {
        "AWS::S3::Bucket",
        "AWS::S3::BucketPolicy",
        "AWS::KMS::Key",
        "AWS::DynamoDB::GlobalTable",
        "AWS::Logs::LogGroup",
    }
    template.all_resources("AWS::Logs::LogGroup", {"DeletionPolicy": "RetainExceptOnCreate"})
    assert {resource["UpdateReplacePolicy"] for resource in retained} == {"Retain"}
    for resource in resources:
        if resource not in retained:
            assert resource.get("UpdateReplacePolicy") == resource.get("DeletionPolicy")


@pytest.mark.parametrize(
    ("resource_type", "name"),
    [
        ("AWS::CloudWatch::Alarm", "AlarmName"),
        ("AWS::CloudWatch::Dashboard", "DashboardName"),
        ("AWS::DynamoDB::GlobalTable", "TableName"),
        ("AWS::Events::Rule", "Name"),
        ("AWS::IAM::Role", "RoleName"),
        ("AWS::Lambda::Function", "FunctionName"),
        ("AWS::Logs::LogGroup", "LogGroupName"),
        ("AWS::S3::Bucket", "BucketName"),
        ("AWS::SNS::Topic", "TopicName"),
        ("AWS::SQS::Queue", "QueueName"),
        ("AWS::SecretsManager::Secret", "Name"),
    ],
)
def test_no_resource_has_a_fixed_name(template: Template, resource_type: str, name: str) -> None:
    """The stack can be deployed twice, and CloudFormation can replace a resource."""
    template.all_resources_properties(resource_type, {name: Match.absent()})


def test_the_template_fits_every_partition_and_region() -> None:
    """Regions in China and GovCloud have other ARNs and host names."""
    settings = {
        "monitoredBuckets": ["hr-*"],
        "sourceKmsKeyArns": [],
        "quarantineReaders": [],
        "operatorRoles": [],
    }
    template = json.dumps(synthesis.template(**settings, reconcileHours=6).to_json())

    assert not re.findall(r"arn:aws\b|[a-z]+-[a-z]+-\d", template)
    # Service principals are the same everywhere.
    assert set(re.findall(r"[\w.]+\.amazonaws\.com[\w.]*", template)) == {
        "apigateway.amazonaws.com",
        "cloudwatch.amazonaws.com",
        "events.amazonaws.com",
        "lambda.amazonaws.com",
        "logging.s3.amazonaws.com",
    }


def test_the_outputs_are_what_a_deployer_needs_next(template: Template) -> None:
    """The URL for Slack, the secrets to set, and the resources to look at."""
    assert set(template.to_json()["Outputs"]) == {
        "SlackRequestUrl",
        "SlackSigningSecretName",
        "SlackBotTokenSecretName",
        "QuarantineBucketName",
        "LedgerTableName",
        "FindingQueueUrl",
        "TaskQueueUrl",
        "RemediationQueueUrl",
        "FindingDeadLetterQueueUrl",
        "RemediationDeadLetterQueueUrl",
        "RemediatorFunctionName",
    }


def test_in_a_dry_run_the_remediator_may_move_nothing() -> None:
    """IAM allows reading and decrypting only, whatever the code does."""
    template = synthesis.template(mode="DRY_RUN")
    actions = {
        line.split()[2]
        for line in permissions.lines(template.to_json())
        if line.startswith(("RemediatorRole may s3:", "RemediatorRole may kms:"))
    }

    assert "kms:Decrypt" in actions
    assert all(a.startswith(("s3:Get", "s3:List", "kms:Decrypt")) for a in actions)


def test_in_a_dry_run_the_remediator_can_still_read_the_quarantine() -> None:
    """It reports what another finding had quarantined, or an unfinished move left there."""
    template = synthesis.template(mode="DRY_RUN")
    lines = permissions.lines(template.to_json())

    own = "if aws:ResourceAccount StringEquals AccountId"
    assert f"RemediatorRole may s3:GetObjectVersion on QuarantineBucket/AccountId/* {own}" in lines
    assert f"RemediatorRole may s3:ListBucket on QuarantineBucket {own}" in lines
    assert any("may kms:Decrypt on QuarantineKey" in line for line in lines)
