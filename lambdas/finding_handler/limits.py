"""How many findings of an hour get a message of their own; the others are shown in digests."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, cast

from lambdas.common.digests.digest import digest_id_for
from lambdas.common.finding import Finding
from lambdas.common.ledger.brakes import counter_expiry

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table


def assign_digest(
    table: "Table", finding: Finding, *, threshold: int | None, now: datetime
) -> str | None:
    """Count `finding`; return its digest's id if this hour has more than `threshold` findings.

    None means that the finding gets a message of its own. A `threshold` of None counts nothing.
    """
    if threshold is None or count_notified(table, now) <= threshold:
        return None
    return digest_id_for(finding, now=now)


def count_notified(table: "Table", now: datetime) -> int:
    """Count a finding that people are notified of, and return this hour's number."""
    counted = table.update_item(
        Key={"id": f"hour#{now:%Y-%m-%dT%H}"},
        UpdateExpression="SET expires = :expires ADD notified :one",
        ExpressionAttributeValues={":expires": counter_expiry(now), ":one": 1},
        ReturnValues="UPDATED_NEW",
    )
    return int(cast("Decimal", counted["Attributes"]["notified"]))
