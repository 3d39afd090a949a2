"""What the stack as a whole promises."""

import json
import re

import pytest
from aws_cdk import Validations
from aws_cdk.assertions import Match, Template
from cdk_nag import AwsSolutionsChecks

from tests.stacks import permissions, synthesis
from tests.stacks.synthesis import only

# Another logical id would make CloudFormation replace the resource: another bucket, another key,
# an empty table, a secret to be filled in again.
_LASTING = {
    "QuarantineBucket2B128B57": "AWS::S3::Bucket",
    "QuarantineKey87124930": "AWS::KMS::Key",
    "LedgerTable9343E4AA": "AWS::DynamoDB::GlobalTable",
    "SlackSecretEA96F13F": "AWS::SecretsManager::Secret",
}


def test_cdk_nag_finds_nothing_that_is_not_acknowledged() -> None:
    """The rules of the AwsSolutions pack; synthesis raises what it finds."""
    app = synthesis.app()
    synthesis.stack(app)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))

    app.synth()


def test_what_lasts_keeps_its_logical_id(template: Template) -> None:
    """Whatever is renamed in the code."""
    resources = template.to_json()["Resources"]

    assert {name: resources[name]["Type"] for name in _LASTING} == _LASTING


def test_evidence_and_decisions_outlive_the_stack(template: Template) -> None:
    """Bucket, access log, key and table stay when it is deleted, and when they are replaced.

    But not when the very first deployment fails: they are empty then, and in the way of the next.
    """
    resources = template.to_json()["Resources"].values()
    kept = "RetainExceptOnCreate"
    retained = {each["Type"] for each in resources if each.get("DeletionPolicy") == kept}

    assert retained == {
        "AWS::S3::Bucket",
        "AWS::S3::BucketPolicy",
        "AWS::KMS::Key",
        "AWS::DynamoDB::GlobalTable",
    }
    for each in resources:
        replaced = {kept: "Retain"}.get(deleted := each.get("DeletionPolicy"), deleted)
        assert each.get("UpdateReplacePolicy") == replaced


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
def test_nothing_has_a_name_of_our_choice(
    template: Template, resource_type: str, name: str
) -> None:
    """So the stack can be deployed twice, and a resource replaced by another."""
    template.all_resources_properties(resource_type, {name: Match.absent()})


def test_the_template_is_good_for_every_partition_and_region() -> None:
    """China's and the American government's regions have ARNs and addresses of their own."""
    named = {"monitoredBuckets": ["hr-*"], "sourceKmsKeyArns": [], "quarantineReaders": []}
    template = json.dumps(synthesis.template(**named, reconcileHours=6).to_json())

    assert not re.findall(r"arn:aws\b|[a-z]+-[a-z]+-\d", template)
    # The services' principals, which are the same everywhere.
    assert set(re.findall(r"[\w.]+\.amazonaws\.com[\w.]*", template)) == {
        "apigateway.amazonaws.com",
        "cloudwatch.amazonaws.com",
        "events.amazonaws.com",
        "lambda.amazonaws.com",
        "logging.s3.amazonaws.com",
    }


def test_no_secret_is_in_the_template(template: Template) -> None:
    """CloudFormation makes a value that the functions refuse, until a person sets a real one."""
    secret = only(template, "AWS::SecretsManager::Secret", {})

    assert "SecretString" not in secret
    generated = json.loads(secret["GenerateSecretString"]["SecretStringTemplate"])
    assert generated == {"botToken": "", "signingSecret": ""}


def test_the_ledger_can_be_put_back_to_any_second(template: Template) -> None:
    """Point-in-time recovery, and no capacity to plan."""
    table = only(template, "AWS::DynamoDB::GlobalTable", {})

    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["Replicas"][0]["PointInTimeRecoverySpecification"] == {
        "PointInTimeRecoveryEnabled": True
    }


def test_every_queue_is_encrypted(template: Template) -> None:
    """That they demand TLS is in permissions.txt."""
    template.all_resources_properties("AWS::SQS::Queue", {"SqsManagedSseEnabled": True})


def test_the_outputs_are_what_a_person_needs_next(template: Template) -> None:
    """The address for Slack, the secret to fill in, and where to look."""
    assert set(template.to_json()["Outputs"]) == {
        "SlackRequestUrl",
        "SlackSecretName",
        "QuarantineBucketName",
        "LedgerTableName",
        "FindingQueueUrl",
        "AgendaQueueUrl",
        "FindingDeadLettersUrl",
        "RemediationDeadLettersUrl",
        "RemediatorName",
    }


def test_in_a_dry_run_the_remediator_may_move_nothing() -> None:
    """Whatever its code does: IAM lets it look and decrypt, not write, encrypt or delete."""
    template = Template.from_stack(synthesis.stack(synthesis.app(), mode="DRY_RUN"))
    actions = {
        line.split()[2]
        for line in permissions.lines(template.to_json())
        if line.startswith(("RemediatorRole may s3:", "RemediatorRole may kms:"))
    }

    assert "kms:Decrypt" in actions
    assert all(one.startswith(("s3:Get", "s3:List", "kms:Decrypt")) for one in actions)


def test_in_a_dry_run_the_remediator_still_sees_what_is_in_quarantine() -> None:
    """What another finding had quarantined, or a move left half done, is told as such."""
    template = Template.from_stack(synthesis.stack(synthesis.app(), mode="DRY_RUN"))
    lines = permissions.lines(template.to_json())

    assert "RemediatorRole may s3:GetObjectVersion on QuarantineBucket/*" in lines
    assert "RemediatorRole may s3:ListBucket on QuarantineBucket" in lines
    assert any("may kms:Decrypt on QuarantineKey" in line for line in lines)
