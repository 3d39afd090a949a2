"""Other findings on an object, and other versions that were moved with it."""

import hashlib
from collections.abc import Iterator

from lambdas.common.finding import Finding
from lambdas.common.ledger.record import Record
from lambdas.common.ledger.serialization import decode
from lambdas.common.ledger.store import Ledger, object_id, restored_id
from lambdas.common.ledger.table import get_item, query, update, write


def findings_on_same_object(ledger: Ledger, finding: Finding) -> Iterator[Record]:
    """Yield the records of other findings on the very same object."""
    items = query(ledger.table, "byObject", "object_id = :object", object=object_id(finding))
    for item in items:
        if item["id"] != finding.id:
            yield decode(Record, item)


def mark_moved_with(ledger: Ledger, finding: Finding, version_id: str) -> None:
    """Save that another version of its key is moved with the object of `finding`."""
    mark = update(
        _version_item_id(finding, version_id), "SET finding_id = :finding", finding=finding.id
    )
    write(ledger.table, mark)


def moved_with(ledger: Ledger, finding: Finding) -> Record | None:
    """Return the record of the finding with whose object that of `finding` was moved, if any."""
    if finding.object.version_id is None:
        return None
    item = get_item(ledger.table, _version_item_id(finding, finding.object.version_id))
    return ledger.get(item["finding_id"]) if item else None


def mark_restored(ledger: Ledger, finding: Finding, etag: str) -> None:
    """Save that the object of `finding` was restored, and has this ETag now.

    Whoever finds it again does not have it moved without asking: people wanted it back.
    """
    affected = finding.object
    item_id = restored_id(finding.account, affected.bucket, affected.key, etag)
    mark = update(item_id, "SET finding_id = :finding", finding=finding.id)
    write(ledger.table, mark)


def _version_item_id(finding: Finding, version_id: str) -> str:
    version = f"{finding.object.uri}@{version_id}"
    return f"version#{hashlib.sha256(version.encode()).hexdigest()}"
