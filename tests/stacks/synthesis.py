"""Synthesis with cdk.json's feature flags: App() alone does not read them, `cdk synth` does."""

import json
from pathlib import Path
from typing import Any

from aws_cdk import App
from aws_cdk.assertions import Template

from stacks.chatops_stack import ChatOpsStack
from stacks.settings import Settings

ROOT = Path(__file__).parents[2]

PACKAGES = ("finding_handler", "remediation_handler", "remediator")

# cdk.json's settings as a deployer fills them in, the optional ones that add resources included.
CHATOPS: dict[str, Any] = {
    "slackChannel": "C0123456789",
    "slackAppId": "A0123456789",
    "slackTeamId": "T0123456789",
    "approvers": ["U0123456789", "W0123456789"],
    "monitoredBuckets": ["hr-*", "arn:aws:s3:::finance-exports"],
    "sourceKmsKeyArns": ["arn:aws:kms:eu-west-1:111122223333:key/1234abcd"],
    "autoRemediateConfig": {"SensitiveData:S3Object/Credentials": "AUTO"},
    "minSeverityLevel": "MEDIUM",
    "mode": "LIVE",
    "quarantineReaders": ["arn:aws:iam::111122223333:role/security/Investigator"],
    "quarantineRetentionDays": 30,
    "evidenceLock": {"mode": "GOVERNANCE", "days": 1},
    "operatorRoles": ["arn:aws:iam::111122223333:role/security/Operator"],
    "alarmEmail": "security@example.com",
}


def shipped_context() -> dict[str, Any]:
    """Return the context in cdk.json, as it is shipped."""
    context: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text())["context"]
    return context


def app() -> App:
    """Return an app with cdk.json's feature flags. It builds no assets."""
    return App(context={**shipped_context(), "aws:cdk:bundling-stacks": []})


def stack(scope: App, **changed: Any) -> ChatOpsStack:
    """Return the stack with these settings changed."""
    return ChatOpsStack(
        scope, "MacieChatOps", settings=Settings.from_context({**CHATOPS, **changed})
    )


def template(**changed: Any) -> Template:
    """Return the template with these settings changed."""
    return Template.from_stack(stack(app(), **changed))


def only(template: Template, resource_type: str, properties: dict[str, Any]) -> dict[str, Any]:
    """Return the properties of the single resource of this type that has `properties`."""
    resources = template.find_resources(resource_type, {"Properties": properties})
    (resource,) = resources.values()
    found: dict[str, Any] = resource["Properties"]
    return found


def function(template: Template, package: str) -> dict[str, Any]:
    """Return the properties of the function that runs `lambdas.<package>`."""
    handler = f"lambdas.{package}.handler.lambda_handler"
    return only(template, "AWS::Lambda::Function", {"Handler": handler})


def variables(template: Template, package: str) -> dict[str, Any]:
    """Return the environment of the function that runs `lambdas.<package>`."""
    environment: dict[str, Any] = function(template, package)["Environment"]["Variables"]
    return environment
