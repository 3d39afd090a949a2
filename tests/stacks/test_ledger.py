"""The table of findings and decisions."""

from typing import Any

from aws_cdk.assertions import Template

from tests.lambdas.ledger_table import LEDGER_INDEXES
from tests.stacks.synthesis import only


def _sorted(described: Any) -> Any:
    """Put lists, whose order is nothing to DynamoDB, into one."""
    match described:
        case dict():
            return {name: _sorted(each) for name, each in described.items()}
        case list():
            return sorted(map(_sorted, described), key=str)
        case _:
            return described


def test_the_handlers_are_tested_on_the_table_that_is_deployed(template: Template) -> None:
    """Its indexes are written twice, once for moto."""
    table = only(template, "AWS::DynamoDB::GlobalTable", {})

    assert _sorted({name: table[name] for name in LEDGER_INDEXES}) == _sorted(LEDGER_INDEXES)


def test_counters_expire_by_the_attribute_that_is_written(template: Template) -> None:
    """DynamoDB deletes a day or so later; no emulator does, so nothing else would tell."""
    table = only(template, "AWS::DynamoDB::GlobalTable", {})

    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
