"""Synthesis as `cdk synth` does it: App() alone would not read cdk.json and its feature flags."""

import json
from pathlib import Path
from typing import Any

from aws_cdk import App
from aws_cdk.assertions import Template

from stacks.chatops_stack import ChatOpsStack
from stacks.settings import Settings

ROOT = Path(__file__).parents[2]

# cdk.json's settings as a deployer fills them in, with all that may be left out.
CHATOPS: dict[str, Any] = {
    "slackChannel": "C0123456789",
    "approvers": ["U0123456789", "W0123456789"],
    "monitoredBuckets": ["hr-*", "arn:aws:s3:::finance-exports"],
    "sourceKmsKeyArns": ["arn:aws:kms:eu-west-1:111122223333:key/1234abcd"],
    "autoRemediateConfig": {"SensitiveData:S3Object/Credentials": "AUTO"},
    "minSeverityLevel": "MEDIUM",
    "mode": "LIVE",
    "quarantineReaders": ["arn:aws:iam::111122223333:role/security/Investigator"],
    "quarantineRetentionDays": 30,
    "alarmEmail": "security@example.com",
}


def shipped_context() -> dict[str, Any]:
    """Answer the context in cdk.json, as it is shipped."""
    context: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text())["context"]
    return context


def app(*, outdir: Path | None = None, with_assets: bool = False) -> App:
    """Answer an app with cdk.json's feature flags; only `with_assets` do functions hold code."""
    bundled = ["**"] if with_assets else []
    return App(
        outdir=str(outdir) if outdir else None,
        context={**shipped_context(), "aws:cdk:bundling-stacks": bundled},
    )


def stack(scope: App, **changed: Any) -> ChatOpsStack:
    """Answer the stack with these settings changed."""
    return ChatOpsStack(
        scope, "MacieChatOps", settings=Settings.from_context({**CHATOPS, **changed})
    )


def template(**changed: Any) -> Template:
    """Answer the template with these settings changed."""
    return Template.from_stack(stack(app(), **changed))


def only(template: Template, resource_type: str, properties: dict[str, Any]) -> dict[str, Any]:
    """Answer the properties of the one resource of this type that has `properties`."""
    found = template.find_resources(resource_type, {"Properties": properties})
    (resource,) = found.values()
    answer: dict[str, Any] = resource["Properties"]
    return answer
