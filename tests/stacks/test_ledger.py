"""The table of findings and decisions."""

from typing import Any

import pytest
from aws_cdk.assertions import Template

from tests.harness.aws import TABLE, create_resources, fake_aws, plain_client
from tests.stacks.evaluation import (
    ADMINISTRATOR,
    OPERATOR,
    ROOT,
    allows_principal,
    resolved,
    role_allows,
    role_arn,
)
from tests.stacks.synthesis import only

FUNCTIONS = ("FindingHandler", "RemediationHandler", "Remediator")
WRITES = (
    "BatchWriteItem",
    "DeleteItem",
    "PartiQLDelete",
    "PartiQLInsert",
    "PartiQLUpdate",
    "PutItem",
    "UpdateItem",
)
_ACCOUNT_ARN = "arn:aws:iam::111122223333:"


def _sorted(value: Any) -> Any:
    """Sort all lists: their order means nothing to DynamoDB."""
    match value:
        case dict():
            return {name: _sorted(item) for name, item in value.items()}
        case list():
            return sorted(map(_sorted, value), key=str)
        case _:
            return value


def _indexes(table: dict[str, Any]) -> Any:
    names = ("IndexName", "KeySchema", "Projection")
    indexes = table["GlobalSecondaryIndexes"]
    return _sorted([{name: index[name] for name in names} for index in indexes])


def test_the_functions_are_tested_on_the_table_that_is_deployed(template: Template) -> None:
    """The harness defines the table a second time, for moto."""
    deployed = only(template, "AWS::DynamoDB::GlobalTable", {})
    with fake_aws():
        create_resources(None, secrets={})
        tested = plain_client("dynamodb").describe_table(TableName=TABLE)["Table"]

    assert _indexes(deployed) == _indexes(tested)
    for name in ("KeySchema", "AttributeDefinitions"):
        assert _sorted(deployed[name]) == _sorted(tested[name])


def test_counters_expire_by_the_attribute_that_the_functions_write(template: Template) -> None:
    """DynamoDB deletes them about a day later. No emulator does, so no other test would fail."""
    table = only(template, "AWS::DynamoDB::GlobalTable", {})

    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}


def test_the_ledger_can_be_restored_to_any_second(template: Template) -> None:
    """Point-in-time recovery is on, and there is no capacity to plan."""
    table = only(template, "AWS::DynamoDB::GlobalTable", {})

    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["Replicas"][0]["PointInTimeRecoverySpecification"] == {
        "PointInTimeRecoveryEnabled": True
    }


def _policy(template: Template) -> dict[str, Any]:
    (replica,) = only(template, "AWS::DynamoDB::GlobalTable", {})["Replicas"]
    policy: dict[str, Any] = resolved(template, replica["ResourcePolicy"]["PolicyDocument"])
    return policy


@pytest.mark.parametrize("action", WRITES)
@pytest.mark.parametrize(
    "principal",
    [
        ADMINISTRATOR,
        OPERATOR,
        ROOT,
        f"{_ACCOUNT_ARN}user/Jane",
        f"{_ACCOUNT_ARN}role/aws-service-role/replication.dynamodb.amazonaws.com/Replication",
    ],
)
def test_nobody_but_the_functions_may_write_records(
    template: Template, principal: str, action: str
) -> None:
    """A consistent item that claims an approval is stopped by this policy alone."""
    assert not allows_principal(_policy(template), f"dynamodb:{action}", principal=principal)


@pytest.mark.parametrize("action", WRITES)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_make_the_writes_that_it_makes(
    template: Template, function: str, action: str
) -> None:
    """Only the remediator deletes, and nobody writes in batches or with PartiQL."""
    allowed = {"PutItem", "UpdateItem"} | ({"DeleteItem"} if function == "Remediator" else set())
    role = role_arn(template, function)

    is_allowed = allows_principal(_policy(template), f"dynamodb:{action}", principal=role)
    assert is_allowed == (action in allowed)


@pytest.mark.parametrize(
    "action", ["GetItem", "Query", "UpdateTable", "PutResourcePolicy", "UpdateTimeToLive"]
)
def test_an_administrator_may_read_records_and_manage_the_table(
    template: Template, action: str
) -> None:
    """CloudFormation acts with an administrator's role. A change of the table raises an alarm."""
    assert allows_principal(_policy(template), f"dynamodb:{action}", principal=ADMINISTRATOR)


def test_the_table_cannot_be_deleted_by_mistake(template: Template) -> None:
    """It stays when the stack is deleted, too."""
    (replica,) = only(template, "AWS::DynamoDB::GlobalTable", {})["Replicas"]

    assert replica["DeletionProtectionEnabled"]


_RECORDS = ("6f1c9c52-finding", "digest#1")
_DECISIONS = ("object#1", "hour#2026-11-28T06", "limit#all", "tasks#next_run")
_MOVES = ("lease#bucket/key", "version#1", "restored#1")


def _may_write(template: Template, function: str, action: str, item: str) -> bool:
    keys = {"dynamodb:LeadingKeys": [item]}
    return role_allows(template, function, f"dynamodb:{action}", keys)


@pytest.mark.parametrize("action", ["PutItem", "UpdateItem"])
@pytest.mark.parametrize(
    ("function", "items"),
    [
        ("FindingHandler", {*_RECORDS, *_DECISIONS}),
        ("RemediationHandler", {*_RECORDS}),
        ("Remediator", {*_RECORDS, *_MOVES}),
    ],
)
def test_a_function_may_write_the_items_that_it_writes(
    template: Template, function: str, items: set[str], action: str
) -> None:
    """The function that the internet reaches can neither free a lease nor reset a limit."""
    writable = {
        item
        for item in (*_RECORDS, *_DECISIONS, *_MOVES)
        if _may_write(template, function, action, item)
    }

    assert writable == items


def test_nothing_but_leases_can_be_deleted(template: Template) -> None:
    """A record is the only trace of an object that was moved."""
    deletable = {
        (function, item)
        for function in FUNCTIONS
        for item in (*_RECORDS, *_DECISIONS, *_MOVES)
        if _may_write(template, function, "DeleteItem", item)
    }

    assert deletable == {("Remediator", "lease#bucket/key")}
