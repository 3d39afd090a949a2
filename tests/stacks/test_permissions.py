"""Every permission of the stack is in permissions.txt, for a reviewer to read."""

import json
from typing import Any

from aws_cdk.assertions import Template

from tests.stacks import permissions, synthesis


def test_the_permissions_are_those_in_permissions_txt(template: Template) -> None:
    """After an intended change, `make permissions` updates the file, and a reviewer reads it."""
    assert permissions.lines(template.to_json()) == permissions.FILE.read_text().splitlines()


def test_only_the_remediator_may_delete_from_a_bucket(template: Template) -> None:
    """The other functions have no permission in S3 at all."""
    allowed = [line for line in permissions.lines(template.to_json()) if " may s3:" in line]

    assert not [line for line in allowed if "HandlerRole" in line]
    assert {line.split()[0] for line in allowed if ":Delete" in line} == {"RemediatorRole"}


def test_the_longest_settings_fit_into_the_policies_of_a_role() -> None:
    """IAM allows 10,240 characters of inline policies, and ten managed ones of 6,144.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    """
    template = synthesis.template(
        monitoredBuckets=[f"{number:063}" for number in range(150)],
        sourceKmsKeyArns=[
            f"arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/{number:036}"
            for number in range(50)
        ],
    )
    inline = _lengths(template, "AWS::IAM::Policy")
    managed = _lengths(template, "AWS::IAM::ManagedPolicy")

    assert max(inline) <= 10_240
    assert len(managed) <= 10
    assert max(managed) <= 6_144


def _lengths(template: Template, resource_type: str) -> list[int]:
    resources = template.find_resources(resource_type).values()
    policies = [_longest(resource["Properties"]["PolicyDocument"]) for resource in resources]
    return [len(json.dumps(policy, separators=(",", ":"))) for policy in policies]


def _longest(value: Any) -> Any:
    """Replace references by values as long as CloudFormation may insert them."""
    match value:
        case {"Fn::Join": ["", parts]}:
            return "".join(_longest(part) for part in parts)
        case {"Ref": "AWS::Partition"}:
            return "aws-us-gov"
        case {"Ref": _} | {"Fn::GetAtt": _}:
            return "n" * 128
        case dict():
            return {name: _longest(item) for name, item in value.items()}
        case list():
            return [_longest(item) for item in value]
        case _:
            return value
