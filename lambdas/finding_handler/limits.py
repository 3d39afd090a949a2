"""The limits of an hour: objects moved without people, and findings with a message of their own."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, cast

from lambdas.common.digests.digest import digest_id_for
from lambdas.common.finding import Finding
from lambdas.common.ledger.store import counter_expiry, hour_id
from lambdas.finding_handler.policy import Action, Decision

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

OVER_HOURLY_LIMIT = Decision(
    action=Action.REVIEW, reason="the hourly limit of automatic remediations is reached"
)
"""The decision that replaces AUTO once the ledger raises HourlyLimitReachedError."""


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
        Key={"id": hour_id(now)},
        UpdateExpression="SET expires = :expires ADD notified :one",
        ExpressionAttributeValues={":expires": counter_expiry(now), ":one": 1},
        ReturnValues="UPDATED_NEW",
    )
    return int(cast("Decimal", counted["Attributes"]["notified"]))
