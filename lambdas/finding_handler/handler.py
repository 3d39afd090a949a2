"""Steps 2 and 3: take findings off the queue, decide about each, and start or ask."""

import os
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
from lambdas.common.errors import UnsupportedFindingError
from lambdas.common.finding import Finding
from lambdas.common.ledger import Ledger
from lambdas.common.record import Record
from lambdas.common.remediator import Remediator
from lambdas.common.secret import SecretReader
from lambdas.common.slack import SlackChannel
from lambdas.finding_handler.environment import Environment
from lambdas.finding_handler.intake import Intake

logger = Logger()


def _witness(record: Record) -> None:
    logger.info("step", extra={"audit": audit.line(record)})


@cache
def _intake() -> Intake:
    settings = environment.read(Environment, os.environ)
    ledger = Ledger(client("dynamodb"), settings.ledger_table, _witness)
    secret = SecretReader(client("secretsmanager"), settings.slack_secret, clock.now)
    channel = SlackChannel(settings.slack_channel, secret=secret, api_url=settings.slack_api_url)
    return Intake(
        policy=settings.policy,
        ledger=ledger,
        remediator=Remediator(client("lambda"), settings.remediator_function),
        announcer=Announcer(ledger, channel, clock.now),
        clock=clock.now,
    )


def _take(record: SQSRecord) -> None:
    detail = record.json_body["detail"]
    logger.append_keys(finding_id=detail.get("id"))
    try:
        taken = _intake().take(Finding.from_macie(detail))
    except UnsupportedFindingError as refusal:
        logger.warning("refused", extra={"reason": str(refusal)})
    else:
        logger.info("taken", extra={"status": taken.status, "reason": taken.standing.reason})


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: Any) -> Any:
    """Handle a batch of EventBridge events from the queue; answer those to be delivered again.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    answer = process_partial_response(
        event=event, record_handler=_take, processor=processor, context=context
    )
    for failure in processor.exceptions:
        logger.error("not taken, to be delivered again", exc_info=failure[1])
    return answer
