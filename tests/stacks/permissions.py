"""Who may do what, as lines that a person can review: `make permissions` writes permissions.txt."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.stacks import synthesis

FILE = Path(__file__).parent / "permissions.txt"

# Where a template has the policies of a resource, and what stands in them for the resource itself.
_POLICIES = {
    "AWS::IAM::Policy": ("PolicyDocument", "Roles"),
    "AWS::IAM::Role": ("AssumeRolePolicyDocument", None),
    "AWS::KMS::Key": ("KeyPolicy", None),
    "AWS::S3::BucketPolicy": ("PolicyDocument", "Bucket"),
    "AWS::SNS::TopicPolicy": ("PolicyDocument", "Topics"),
    "AWS::SQS::QueuePolicy": ("PolicyDocument", "Queues"),
}


def lines(template: Mapping[str, Any]) -> list[str]:
    """Answer one sorted line for each action of each statement in `template`."""
    return sorted(set(_lines(template["Resources"])))


def _lines(resources: dict[str, dict[str, Any]]) -> Iterator[str]:
    for name, resource in resources.items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::Lambda::Permission":
            yield _invocation(properties)
        elif resource["Type"] in _POLICIES:
            policy, owner = _POLICIES[resource["Type"]]
            itself = _said(properties[owner]) if owner else _name(name)
            for statement in properties[policy]["Statement"]:
                yield from _statement(statement, itself)


def _invocation(permission: dict[str, Any]) -> str:
    who, source = _said(permission["Principal"]), _said(permission["SourceArn"])
    return f"{who} may {permission['Action']} on {_said(permission['FunctionName'])} if {source}"


def _statement(statement: dict[str, Any], itself: str) -> Iterator[str]:
    may = {"Allow": "may", "Deny": "may not"}[statement["Effect"]]
    condition = _condition(statement.get("Condition", {}))
    who, on = _who_and_on_what(statement, itself)
    for action in _listed(statement["Action"]):
        yield f"{who} {may} {action} on {on}{condition}"


def _who_and_on_what(statement: dict[str, Any], itself: str) -> tuple[str, str]:
    if "Principal" not in statement:
        return itself, _said(statement["Resource"])
    everyone = statement["Principal"] in ("*", {"AWS": "*"})
    who = "everyone" if everyone else _said(statement["Principal"])
    # In the policy of a key or a role, the resource is itself.
    resource = statement.get("Resource", "*")
    return who, itself if resource == "*" else _said(resource)


def _condition(condition: dict[str, dict[str, Any]]) -> str:
    tests = [
        f"{key} {operator} {_said(value)}"
        for operator, keys in condition.items()
        for key, value in keys.items()
    ]
    return f" if {' and '.join(tests)}" if tests else ""


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _said(value: Any) -> str:
    match value:
        case {"Ref": name}:
            return _name(name)
        case {"Fn::GetAtt": [name, _]}:
            return _name(name)
        case {"Fn::Join": [separator, parts]}:
            joined: str = separator.join(_said(part) for part in parts)
            return joined
        case dict():
            return ", ".join(_said(each) for each in value.values())
        case list():
            return " or ".join(sorted(_said(each) for each in value))
        case _:
            return str(value)


def _name(logical_id: str) -> str:
    return re.sub(r"[0-9A-F]{8}$", "", logical_id).removeprefix("AWS::")


if __name__ == "__main__":
    FILE.write_text("\n".join(lines(synthesis.template().to_json())) + "\n")
