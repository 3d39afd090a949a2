"""Steps 2 and 3: take findings off the queue, decide about each, and start or ask."""

import json
import os
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from lambdas.common import clock, environment
from lambdas.common.errors import BusyError, UnsupportedFindingError
from lambdas.common.finding import Finding
from lambdas.common.queues import AGENDA
from lambdas.common.witness import Witness
from lambdas.finding_handler.environment import Environment
from lambdas.finding_handler.reconciliation import RECONCILIATION
from lambdas.finding_handler.wiring import Wiring, wired

logger = Logger()

_SPARE = timedelta(seconds=20)


class NothingTakenError(Exception):
    """All of a batch failed, each of it for a reason that the log has told."""


@cache
def _wiring() -> Wiring:
    return wired(environment.read(Environment, os.environ), Witness(logger))


def _take(event: dict[str, Any], *, until: datetime) -> None:
    kind, detail = event["detail-type"], event.get("detail") or {}
    if kind == AGENDA:
        logger.info("agenda", extra={"done": _wiring().agenda.run(until=until)})
    elif kind == RECONCILIATION:
        missing = _wiring().reconciliation.run(detail, until=until)
        logger.info("reconciled", extra={"missing": missing})
    else:
        _take_finding(detail)


def _take_finding(detail: dict[str, Any]) -> None:
    logger.append_keys(finding_id=detail.get("id"))
    try:
        taken = _wiring().intake.take(Finding.from_macie(detail))
    except UnsupportedFindingError as refusal:
        logger.warning("refused", extra={"reason": str(refusal)})
    else:
        logger.info("taken", extra={"status": taken.status, "reason": taken.standing.reason})


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Handle a batch of EventBridge events from the queue; answer those to be delivered again.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html

    Raises:
        NothingTakenError: all failed. Lambda counts no error where some of a batch are given back,
            and without one its alarm would never tell anybody.
    """
    remaining = timedelta(milliseconds=context.get_remaining_time_in_millis())
    until = clock.now() + remaining - _SPARE
    told = [(record["messageId"], _failure(record, until)) for record in event["Records"]]
    failures = {message_id: error for message_id, error in told if error is not None}
    if len(failures) == len(told) and not all(map(_is_expected, failures.values())):
        raise NothingTakenError(f"none of {len(told)} was taken, all are to be delivered again")
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failures]}


def _failure(record: dict[str, Any], until: datetime) -> Exception | None:
    try:
        _take(json.loads(record["body"]), until=until)
    except Exception as error:  # the queue delivers it again, and at last to the dead-letter queue
        logger.exception("not taken, to be delivered again")
        return error
    finally:
        logger.remove_keys(["finding_id"])
    return None


def _is_expected(error: Exception) -> bool:
    return isinstance(error, BusyError)
