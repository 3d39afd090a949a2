"""The copies that a restore keeps in quarantine for a while, and their deletion after that."""

from datetime import datetime, timedelta

from aws_lambda_powertools import Logger

from lambdas.common import clock
from lambdas.common.ledger.record import Record, Status
from lambdas.common.metrics import emit_metric
from lambdas.remediator.checkpoint import Checkpoint
from lambdas.remediator.rules import InconsistentRecordError, MoveError, kept_until
from lambdas.remediator.s3.objects import delete_version
from lambdas.remediator.services import Services

logger = Logger()

_TRY_AGAIN = timedelta(days=1)
_DRY_RUN = "The mode is DRY_RUN: nothing is deleted."
_NOT_DELETED = "copies of a restored object not deleted"


def copies_kept_until(
    record: Record, services: Services, *, restored_at: datetime
) -> datetime | None:
    """Return until when a restore at `restored_at` keeps the copies; None if it does not."""
    kept_for = services.settings.restored_copies_kept
    return kept_until(record.copies, restored_at=restored_at, kept_for=kept_for)


def deletion_time(record: Record, services: Services) -> datetime | None:
    """Return when to delete the copies that a restore has kept; None if there are none.

    `check_at` only says that there are: the scheduled tasks put it off when they start a run, and
    the settings may have changed.
    """
    if record.status is not Status.RESTORED or record.check_at is None:
        return None
    restored_at = record.latest_transition.at
    return copies_kept_until(record, services, restored_at=restored_at) or restored_at


def delete_kept_copies(checkpoint: Checkpoint, services: Services) -> None:
    """Delete the copies that are due; where that is refused, it is tried again the next day.

    The caller has the lease on the key. A rerun after a crash continues.
    """
    due_at = deletion_time(checkpoint.record, services)
    if due_at is None or due_at > clock.now():
        return
    try:
        services.check_consistency(checkpoint.record)
        _delete(checkpoint, services)
    except InconsistentRecordError as failure:
        emit_metric("InconsistentRecords")
        logger.warning(_NOT_DELETED, extra={"reason": str(failure)})
        checkpoint.save(check_at=None)
    except MoveError as failure:
        logger.warning(_NOT_DELETED, extra={"reason": str(failure)})
        checkpoint.save(check_at=clock.now() + _TRY_AGAIN)


def _delete(checkpoint: Checkpoint, services: Services) -> None:
    """Delete by its version each copy that was restored; what was not is left to its lifecycle."""
    if services.settings.is_dry_run:
        raise MoveError(_DRY_RUN, advice="")
    record = checkpoint.record
    restored = {restored.copy_version_id for restored in record.restored}
    versions = [copy.version_id for copy in record.copies if copy.version_id in restored]
    for copy in record.copies:
        if copy.version_id in versions:
            key = services.quarantine_object_key(copy.key)
            delete_version(services.quarantine_s3, key, copy.version_id)
    checkpoint.save(copies=(), check_at=None)
    logger.info("copies of a restored object deleted", extra={"versions": versions})
