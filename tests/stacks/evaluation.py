"""Whether policies in the template allow a request, by the rules of IAM as ministack has them.

The emulator ignores the policies of tables, and knows no conditions on an item's key. Its engine
does evaluate them.
"""

from collections.abc import Mapping
from typing import Any

from aws_cdk.assertions import Template
from ministack.core.iam_evaluator import (  # type: ignore[import-untyped]
    EvalContext,
    combine_resource_policy,
    evaluate,
    evaluate_resource_policy,
    parse_policy_document,
)

ACCOUNT = "111122223333"
ADMINISTRATOR = f"arn:aws:iam::{ACCOUNT}:role/Administrator"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
OPERATOR = f"arn:aws:iam::{ACCOUNT}:role/security/Operator"
_EVERYTHING = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
_PSEUDO_PARAMETERS = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::URLSuffix": "amazonaws.com",
}


def role_arn(template: Template, function: str) -> str:
    """Return the ARN of the role of the function with this construct id."""
    return f"arn:aws:iam::{ACCOUNT}:role/{logical_id(template, f'{function}Role')}"


def logical_id(template: Template, prefix: str) -> str:
    """Return the logical id that is `prefix` with CDK's hash."""
    (name,) = (name for name in template.to_json()["Resources"] if name[:-8] == prefix)
    return str(name)


def resolved(template: Template, value: Any) -> Any:
    """Replace references by values like those that CloudFormation inserts."""
    match value:
        case {"Ref": name}:
            return _PSEUDO_PARAMETERS.get(name, name)
        case {"Fn::GetAtt": [name, "Arn"]}:
            kind = template.to_json()["Resources"][name]["Type"]
            service = kind.split("::")[1].lower()
            path = f"role/{name}" if kind == "AWS::IAM::Role" else name
            return f"arn:aws:{service}::{ACCOUNT}:{path}"
        case {"Fn::Join": ["", parts]}:
            return "".join(resolved(template, part) for part in parts)
        case dict():
            return {key: resolved(template, item) for key, item in value.items()}
        case list():
            return [resolved(template, item) for item in value]
        case _:
            return value


def allows_principal(policy: Mapping[str, Any], action: str, *, principal: str) -> bool:
    """Return whether a resource's `policy` lets a principal act whom IAM allows everything."""
    context = _context(action, principal, {})
    mine = evaluate(context, [parse_policy_document(_EVERYTHING)])
    return str(combine_resource_policy(mine, context, dict(policy), ACCOUNT).decision) == "Allow"


def allows_service(policy: Mapping[str, Any], action: str, *, service: str, source: str) -> bool:
    """Return whether a resource's `policy` lets a service act for the resource `source`."""
    context = _context(action, None, {"aws:sourcearn": source})
    return str(evaluate_resource_policy(dict(policy), context, service).decision) == "Allow"


def role_allows(template: Template, function: str, action: str, keys: Mapping[str, Any]) -> bool:
    """Return whether the function's role allows `action` on anything, with these context keys."""
    context_keys = {
        "aws:resourceaccount": ACCOUNT,
        **{name.lower(): value for name, value in keys.items()},
    }
    context = _context(action, role_arn(template, function), context_keys)
    statements = [
        {**statement, "Resource": "*"}
        for policy in template.find_resources("AWS::IAM::Policy").values()
        if {"Ref": logical_id(template, f"{function}Role")} in policy["Properties"]["Roles"]
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]
    document = resolved(template, {"Statement": statements})
    return str(evaluate(context, [parse_policy_document(document)]).decision) == "Allow"


def _context(action: str, principal: str | None, keys: Mapping[str, Any]) -> EvalContext:
    return EvalContext(
        principal_arn=principal,
        principal_type="AssumedRole",
        principal_account=ACCOUNT,
        action=action,
        resource_arn="arn:aws:any:::thing",
        region="eu-west-1",
        secure_transport=True,
        service_context=dict(keys),
    )
