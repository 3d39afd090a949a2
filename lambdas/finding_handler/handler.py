"""Steps 2 and 3: take findings off the queue, decide about each, and start or ask."""

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from lambdas.common import audit, clock, environment
from lambdas.common.announcer import Announcer
from lambdas.common.aws import client
from lambdas.common.digests import Digests
from lambdas.common.errors import UnsupportedFindingError
from lambdas.common.finding import Finding
from lambdas.common.finding_queue import AGENDA
from lambdas.common.ledger import Ledger
from lambdas.common.record import Record
from lambdas.common.remediator import Remediator
from lambdas.common.secret import SecretReader
from lambdas.common.slack import SlackChannel
from lambdas.common.table import Table
from lambdas.finding_handler.agenda import Agenda
from lambdas.finding_handler.digesting import Digesting
from lambdas.finding_handler.environment import Environment
from lambdas.finding_handler.intake import Intake

logger = Logger()

_SPARE = timedelta(seconds=20)


def _witness(record: Record) -> None:
    logger.info("step", extra={"audit": audit.line(record)})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wiring:
    intake: Intake
    agenda: Agenda


@cache
def _wiring() -> _Wiring:
    settings = environment.read(Environment, os.environ)
    table = Table(client("dynamodb"), settings.ledger_table)
    ledger = Ledger(table, _witness, hourly_limit=settings.hourly_limit)
    secret = SecretReader(client("secretsmanager"), settings.slack_secret, clock.now)
    channel = SlackChannel(settings.slack_channel, secret=secret, api_url=settings.slack_api_url)
    digests = Digests(table)
    announcer = Announcer(ledger, digests, channel, clock.now)
    remediator = Remediator(client("lambda"), settings.remediator_function)
    intake = Intake(
        policy=settings.policy,
        ledger=ledger,
        remediator=remediator,
        announcer=announcer,
        digest_threshold=settings.most_told,
        reminder_after=settings.reminder_after,
        clock=clock.now,
    )
    digesting = Digesting(
        ledger=ledger,
        digests=digests,
        announcer=announcer,
        channel=channel,
        remediator=remediator,
        approvers=settings.who_may_decide,
        reminder_after=settings.reminder_after,
        clock=clock.now,
    )
    agenda = Agenda(
        ledger=ledger,
        digests=digests,
        digesting=digesting,
        announcer=announcer,
        remediator=remediator,
        channel=channel,
        approvers=settings.who_may_decide,
        clock=clock.now,
    )
    return _Wiring(intake=intake, agenda=agenda)


def _take(record: SQSRecord, *, until: datetime) -> None:
    event = record.json_body
    if event["detail-type"] == AGENDA:
        logger.info("agenda", extra={"done": _wiring().agenda.run(until=until)})
        return
    logger.append_keys(finding_id=event["detail"].get("id"))
    try:
        taken = _wiring().intake.take(Finding.from_macie(event["detail"]))
    except UnsupportedFindingError as refusal:
        logger.warning("refused", extra={"reason": str(refusal)})
    else:
        logger.info("taken", extra={"status": taken.status, "reason": taken.standing.reason})


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: Any) -> Any:
    """Handle a batch of EventBridge events from the queue; answer those to be delivered again.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    remaining = timedelta(milliseconds=context.get_remaining_time_in_millis())
    until = clock.now() + remaining - _SPARE
    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    answer = process_partial_response(
        event=event,
        record_handler=lambda record: _take(record, until=until),
        processor=processor,
        context=context,
    )
    for failure in processor.exceptions:
        logger.error("not taken, to be delivered again", exc_info=failure[1])
    return answer
