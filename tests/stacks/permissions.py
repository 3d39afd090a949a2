"""All permissions, as lines that a person can review: `make permissions` writes permissions.txt."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.stacks import synthesis

FILE = Path(__file__).parent / "permissions.txt"

# Where a template has the policy of a resource, and which property names what the policy is for.
_POLICIES = {
    "AWS::IAM::Policy": ("PolicyDocument", "Roles"),
    "AWS::IAM::Role": ("AssumeRolePolicyDocument", None),
    "AWS::KMS::Key": ("KeyPolicy", None),
    "AWS::S3::BucketPolicy": ("PolicyDocument", "Bucket"),
    "AWS::SNS::TopicPolicy": ("PolicyDocument", "Topics"),
    "AWS::SQS::QueuePolicy": ("PolicyDocument", "Queues"),
}


def lines(template: Mapping[str, Any]) -> list[str]:
    """Return a sorted line for each action of each statement in `template`."""
    return sorted(set(_lines(template["Resources"])))


def _lines(resources: dict[str, dict[str, Any]]) -> Iterator[str]:
    for name, resource in resources.items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::Lambda::Permission":
            yield _invocation(properties)
        elif resource["Type"] == "AWS::DynamoDB::GlobalTable":
            (replica,) = properties["Replicas"]
            for statement in replica["ResourcePolicy"]["PolicyDocument"]["Statement"]:
                yield from _statement(statement, _name(name))
        elif resource["Type"] in _POLICIES:
            policy, owner = _POLICIES[resource["Type"]]
            holder = _text(properties[owner]) if owner else _name(name)
            for statement in properties[policy]["Statement"]:
                yield from _statement(statement, holder)


def _invocation(permission: dict[str, Any]) -> str:
    principal, source = _text(permission["Principal"]), _text(permission["SourceArn"])
    function = _text(permission["FunctionName"])
    return f"{principal} may {permission['Action']} on {function} if {source}"


def _statement(statement: dict[str, Any], holder: str) -> Iterator[str]:
    may = {"Allow": "may", "Deny": "may not"}[statement["Effect"]]
    condition = _condition(statement.get("Condition", {}))
    principal, resource = _principal_and_resource(statement, holder)
    for action in _list(statement["Action"]):
        yield f"{principal} {may} {action} on {resource}{condition}"


def _principal_and_resource(statement: dict[str, Any], holder: str) -> tuple[str, str]:
    if "Principal" not in statement:
        return holder, _text(statement["Resource"])
    is_everyone = statement["Principal"] in ("*", {"AWS": "*"})
    principal = "everyone" if is_everyone else _text(statement["Principal"])
    # In the policy of a key, a table or a role, * is the key, the table or the role.
    resource = statement.get("Resource", "*")
    return principal, holder if resource == "*" else _text(resource)


def _condition(condition: dict[str, dict[str, Any]]) -> str:
    tests = [
        f"{key} {operator} {_text(value)}"
        for operator, keys in condition.items()
        for key, value in keys.items()
    ]
    return f" if {' and '.join(tests)}" if tests else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _text(value: Any) -> str:
    match value:
        case {"Ref": name}:
            return _name(name)
        case {"Fn::GetAtt": [name, _]}:
            return _name(name)
        case {"Fn::Join": [separator, parts]}:
            joined: str = separator.join(_text(part) for part in parts)
            return joined
        case dict():
            return ", ".join(_text(item) for item in value.values())
        case list():
            return " or ".join(sorted(_text(item) for item in value))
        case _:
            return str(value)


def _name(logical_id: str) -> str:
    return re.sub(r"[0-9A-F]{8}$", "", logical_id).removeprefix("AWS::")


if __name__ == "__main__":
    FILE.write_text("\n".join(lines(synthesis.template().to_json())) + "\n")
