"""The ledger's table as stacks/ledger.py has it, for moto."""

from typing import Any

LEDGER_INDEXES: dict[str, Any] = {
    "AttributeDefinitions": [
        {"AttributeName": name, "AttributeType": kind}
        for name, kind in {"id": "S", "object_id": "S", "due_for": "S", "due_at": "N"}.items()
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "byObject",
            "KeySchema": [{"AttributeName": "object_id", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        },
        {
            "IndexName": "byDueTime",
            "KeySchema": [
                {"AttributeName": "due_for", "KeyType": "HASH"},
                {"AttributeName": "due_at", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        },
    ],
    "BillingMode": "PAY_PER_REQUEST",
}
