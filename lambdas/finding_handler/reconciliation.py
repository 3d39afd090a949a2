"""Reconciliation: Macie's findings that EventBridge did not deliver are queued.

Macie's events are delivered on a best-effort basis.
Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-delivery-level.html
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lambdas.common import clock
from lambdas.common.dispatch import enqueue
from lambdas.finding_handler.identifiers import is_finding_id
from lambdas.finding_handler.macie import CLASSIFICATION, FINDING_EVENT
from lambdas.finding_handler.services import Services

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_macie2 import Macie2Client
    from mypy_boto3_macie2.type_defs import (
        CriterionAdditionalPropertiesTypeDef,
        ListFindingsRequestTypeDef,
        ListFindingsResponseTypeDef,
    )

RECONCILIATION = "Reconciliation"
"""The `detail-type` of the scheduled event, and of the rest of a run that had no time for all."""

_PAGE_SIZE = 50
"""The most findings that GetFindings returns.

Source: https://docs.aws.amazon.com/macie/latest/APIReference/findings-describe.html
"""


def reconcile(detail: Mapping[str, Any], services: Services, *, until: datetime) -> int:
    """Queue the findings of Macie that the ledger does not have.

    Args:
        detail: of the event: empty, or where an earlier run stopped.
        services: of the function.
        until: when to stop; the rest is queued as another run.

    Returns:
        How many findings were missing.
    """
    since = detail.get("since") or _window_start(services)
    missing = 0
    for page in _pages(services.macie(), since, detail.get("token", "")):
        # Macie's model requires no member of a response: an empty list may be left out.
        missing += _queue_missing(page.get("findingIds", []), services)
        token = page.get("nextToken")
        if token and clock.now() >= until:
            rest = {"since": since, "token": token}
            enqueue(services.task_queue, {"detail-type": RECONCILIATION, "detail": rest})
            break
    return missing


def known_findings(table: "Table", finding_ids: Sequence[str]) -> set[str]:
    """Return which of at most 100 findings have a record; keys that DynamoDB left out have none.

    An id that cannot be a finding's is not looked up, for it may be the id of another item.
    Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
    """
    keys = [{"id": finding_id} for finding_id in finding_ids if is_finding_id(finding_id)]
    if not keys:
        return set()
    response = table.meta.client.batch_get_item(
        RequestItems={
            table.name: {
                "Keys": keys,
                "ProjectionExpression": "id",
                "ConsistentRead": True,
            }
        }
    )
    return {str(item["id"]) for item in response["Responses"].get(table.name, [])}


def _window_start(services: Services) -> int:
    return int((clock.now() - services.reconciliation_window).timestamp() * 1000)


def _pages(
    macie: "Macie2Client", since: int, token: str
) -> "Iterator[ListFindingsResponseTypeDef]":
    """Yield the pages of ListFindings, from `token` on: boto3's paginator takes no such token."""
    request: ListFindingsRequestTypeDef = {
        "findingCriteria": {"criterion": _criterion(since)},
        "maxResults": _PAGE_SIZE,
    }
    while True:
        if token:
            request["nextToken"] = token
        page = macie.list_findings(**request)
        yield page
        token = page.get("nextToken", "")
        if not token:
            return


def _queue_missing(finding_ids: Sequence[str], services: Services) -> int:
    known = known_findings(services.ledger.table, finding_ids)
    missing = [finding_id for finding_id in finding_ids if finding_id not in known]
    if missing:
        for finding in services.macie().get_findings(findingIds=missing).get("findings", []):
            enqueue(services.finding_queue, {"detail-type": FINDING_EVENT, "detail": finding})
    return len(missing)


def _criterion(since: int) -> "dict[str, CriterionAdditionalPropertiesTypeDef]":
    """Select the findings that EventBridge should have delivered; `since` in milliseconds.

    Source: https://docs.aws.amazon.com/macie/latest/user/findings-filter-fields.html
    """
    return {
        "category": {"eq": [CLASSIFICATION]},
        "archived": {"eq": ["false"]},
        "updatedAt": {"gte": since},
    }
