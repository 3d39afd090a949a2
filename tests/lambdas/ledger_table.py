"""The ledger's table as stacks/ledger.py has it, for moto."""

from typing import Any

LEDGER_INDEXES: dict[str, Any] = {
    "AttributeDefinitions": [
        {"AttributeName": "due_at", "AttributeType": "N"},
        *(
            {"AttributeName": name, "AttributeType": "S"}
            for name in ("id", "object_id", "due_for", "digest_id", "digest_status")
        ),
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
        {
            "IndexName": "byDigest",
            "KeySchema": [
                {"AttributeName": "digest_id", "KeyType": "HASH"},
                {"AttributeName": "digest_status", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["gist"]},
        },
    ],
    "BillingMode": "PAY_PER_REQUEST",
}
