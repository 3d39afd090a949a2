"""Every permission of the stack, in permissions.txt for a reviewer to read."""

import json
from typing import Any

from aws_cdk.assertions import Template

from tests.stacks import permissions, synthesis


def test_nobody_may_do_more_or_less_than_permissions_txt_says(template: Template) -> None:
    """If this is meant, `make permissions` writes the file anew: the reviewer reads its change."""
    assert permissions.lines(template.to_json()) == permissions.FILE.read_text().splitlines()


def test_only_the_remediator_may_delete_anything_from_a_bucket(template: Template) -> None:
    """Neither function that strangers can reach touches S3 at all."""
    allowed = [line for line in permissions.lines(template.to_json()) if " may s3:" in line]

    assert not [line for line in allowed if "HandlerRole" in line]
    assert {line.split()[0] for line in allowed if ":Delete" in line} == {"RemediatorRole"}


def test_the_longest_settings_fit_into_the_policies_of_a_role() -> None:
    """IAM takes 10,240 characters of a role's own policies, and ten managed ones of 6,144.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    """
    template = synthesis.template(
        monitoredBuckets=[f"{number:063}" for number in range(150)],
        sourceKmsKeyArns=[
            f"arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/{number:036}"
            for number in range(50)
        ],
    )
    own = _lengths(template, "AWS::IAM::Policy")
    managed = _lengths(template, "AWS::IAM::ManagedPolicy")

    assert max(own) <= 10_240
    assert len(managed) <= 10
    assert max(managed) <= 6_144


def _lengths(template: Template, resource_type: str) -> list[int]:
    found = template.find_resources(resource_type).values()
    policies = [_spelt(each["Properties"]["PolicyDocument"]) for each in found]
    return [len(json.dumps(policy, separators=(",", ":"))) for policy in policies]


def _spelt(value: Any) -> Any:
    """Spell out what CloudFormation puts in, as long as it may be."""
    match value:
        case {"Fn::Join": ["", parts]}:
            return "".join(_spelt(part) for part in parts)
        case {"Ref": "AWS::Partition"}:
            return "aws-us-gov"
        case {"Ref": _} | {"Fn::GetAtt": _}:
            return "n" * 128
        case dict():
            return {name: _spelt(each) for name, each in value.items()}
        case list():
            return [_spelt(each) for each in value]
        case _:
            return value
