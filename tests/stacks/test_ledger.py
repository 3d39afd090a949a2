"""The table of findings and decisions."""

from typing import Any

from aws_cdk.assertions import Template

from tests.harness.aws import TABLE, create_resources, fake_aws, plain_client
from tests.stacks.synthesis import only


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
        create_resources(None, secret="{}")
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
