"""Our own requests to AWS, asked of the emulator with IAM enforced."""

import pytest

from lambdas.common import aws
from lambdas.common.table import Table, delete, put, update
from local.sandbox import Sandbox

pytestmark = pytest.mark.e2e


def test_a_table_is_written_and_read_through_our_own_requests(
    deployed: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = {**deployed.emulator.environment, "AWS_SESSION_TOKEN": ""}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    call = aws.service("dynamodb")
    call(
        "CreateTable",
        TableName="ledger",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    table = Table(call, "ledger")
    item = {"id": "a", "n": 7, "is": True, "none": None, "list": ["é", {"deep": -1}], "map": {}}
    new = put(item, only_if="attribute_not_exists(id)")
    assert table.write(new) == frozenset()
    assert table.get("a") == item
    assert table.get("b") == {}
    assert table.write(new) == {0}
    assert table.known(["a", "b"]) == {"a"}
    assert table.count("hour", "told", expires=1) == 1
    assert table.count("hour", "told", expires=1) == 2
    more = update("a", "ADD n :n", only_if="attribute_exists(id)", n=3)
    assert table.write(put({"id": "b"}, only_if="attribute_not_exists(id)"), more) == frozenset()
    assert table.write(put({"id": "b"}, only_if="attribute_not_exists(id)"), more) == {0}
    assert table.get("a")["n"] == 10
    assert table.write(delete("a", only_if="n = :n", n=1)) == {0}
    assert table.write(delete("a", only_if="n = :n", n=10)) == frozenset()
