"""Steps 2 and 3: take findings off the queue, decide about each, and start or ask."""

import json
import os
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from lambdas.common import clock, environment
from lambdas.common.errors import UnsupportedFindingError
from lambdas.common.finding import Finding
from lambdas.common.queues import AGENDA
from lambdas.common.witness import Witness
from lambdas.finding_handler.batch import take_each
from lambdas.finding_handler.environment import Environment
from lambdas.finding_handler.reconciliation import RECONCILIATION
from lambdas.finding_handler.wiring import Wiring, wired

logger = Logger()

_SPARE = timedelta(seconds=20)


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

    Raises:
        NothingTakenError: all failed.
    """
    remaining = timedelta(milliseconds=context.get_remaining_time_in_millis())
    until = clock.now() + remaining - _SPARE
    return take_each(event["Records"], lambda body: _take(json.loads(body), until=until), logger)
