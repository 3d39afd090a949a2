"""Steps 2 and 3: take events off the queue, and handle each for what it is."""

import json
from datetime import datetime, timedelta
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    ExceptionInfo,
    FailureResponse,
    process_partial_response,
)
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes import EventBridgeEvent, SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.common import clock, dispatch
from lambdas.common.init_phase import end_init_phase
from lambdas.common.ledger.table import ConflictError
from lambdas.finding_handler import macie, reconciliation
from lambdas.finding_handler.scheduled_tasks import run_due_tasks
from lambdas.finding_handler.services import services
from lambdas.finding_handler.triage import triage

logger = Logger()

_TIME_TO_FINISH = timedelta(seconds=20)
"""How long before Lambda's timeout no new task is begun."""


class UnknownEventError(Exception):
    """The event has a detail-type that this function does not handle."""


class EventProcessor(BatchProcessor):
    """Logs each event that fails; the queue delivers it again, and moves it to the dead letters."""

    def failure_handler(self, record: Any, exception: ExceptionInfo) -> FailureResponse:
        """Log the error of an event, with the keys that the event has set."""
        if isinstance(exception[1], ConflictError):
            logger.info("another invocation is faster", extra={"reason": str(exception[1])})
        else:
            logger.error("the event failed and will be delivered again", exc_info=exception[1])
        return super().failure_handler(record, exception)


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Handle a batch of EventBridge events from the queue; return those to be delivered again.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html

    Raises:
        BatchProcessingError: all failed, and not only because of conflicts with other invocations.
            Lambda counts an error for the alarm only if the function raises one.
    """
    processor = EventProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    response = process_partial_response(event, _handle_record, processor, context)
    errors = [error for _, error, _ in processor.exceptions]
    all_failed = len(errors) == len(event["Records"])
    if all_failed and not all(isinstance(error, ConflictError) for error in errors):
        raise BatchProcessingError(
            f"all {len(errors)} events failed", child_exceptions=processor.exceptions
        )
    return response


def _handle_record(record: SQSRecord, lambda_context: LambdaContext) -> None:
    logger.remove_keys(["finding_id"])  # of the previous record
    event = EventBridgeEvent(json.loads(record.body))
    detail: dict[str, Any] = event.get("detail") or {}
    match event.detail_type:
        case macie.FINDING_EVENT:
            _handle_finding(detail)
        case dispatch.SCHEDULED_EVENT:
            processed = run_due_tasks(services(), until=_deadline(lambda_context))
            logger.info("due tasks processed", extra={"processed": processed})
        case reconciliation.RECONCILIATION:
            missing = reconciliation.reconcile(detail, services(), until=_deadline(lambda_context))
            logger.info("findings reconciled", extra={"missing": missing})
        case unknown:
            raise UnknownEventError(f"the detail-type {unknown!r} is not handled")


def _handle_finding(detail: dict[str, Any]) -> None:
    logger.append_keys(finding_id=detail.get("id"))
    try:
        record = triage(macie.parse_finding(detail), services())
    except macie.UnsupportedFindingError as error:
        logger.warning("finding not supported", extra={"reason": str(error)})
    else:
        reason = record.latest_transition.reason
        logger.info("finding triaged", extra={"status": record.status, "reason": reason})


def _deadline(context: LambdaContext) -> datetime:
    remaining = timedelta(milliseconds=context.get_remaining_time_in_millis())
    return clock.now() + remaining - _TIME_TO_FINISH


end_init_phase(services)
