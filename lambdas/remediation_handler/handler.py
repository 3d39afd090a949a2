"""Steps 5 and 6: a click in Slack is verified, decided in the ledger, and answered at once."""

import os
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger

from lambdas.common import audit, clock, environment
from lambdas.common.aws import client
from lambdas.common.digests import Digests
from lambdas.common.finding_queue import FindingQueue
from lambdas.common.ledger import Ledger
from lambdas.common.record import Record
from lambdas.common.remediator import Remediator
from lambdas.common.secret import SecretReader
from lambdas.common.table import Table
from lambdas.remediation_handler.decisions import Decisions
from lambdas.remediation_handler.digest_decisions import DigestDecisions
from lambdas.remediation_handler.environment import Environment
from lambdas.remediation_handler.interaction import Interaction, MalformedRequestError, Request
from lambdas.remediation_handler.signature import Signatures, UnverifiedRequestError

logger = Logger()


def _witness(record: Record) -> None:
    logger.info("step", extra={"audit": audit.line(record)})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wiring:
    signatures: Signatures
    decisions: Decisions


@cache
def _wiring() -> _Wiring:
    settings = environment.read(Environment, os.environ)
    secret = SecretReader(client("secretsmanager"), settings.slack_secret, clock.now)
    table = Table(client("dynamodb"), settings.ledger_table)
    for_all = DigestDecisions(
        approvers=settings.who_may_decide,
        digests=Digests(table),
        queue=FindingQueue(lambda: client("sqs"), settings.finding_queue),
        clock=clock.now,
    )
    decisions = Decisions(
        approvers=settings.who_may_decide,
        ledger=Ledger(table, _witness),
        for_all=for_all,
        remediator=Remediator(client("lambda"), settings.remediator_function),
        reminder_after=settings.reminder_after,
        clock=clock.now,
    )
    return _Wiring(signatures=Signatures(secret, clock.now), decisions=decisions)


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer what Slack posts for a click, in API Gateway's proxy form: 200, 400 or 401."""
    try:
        _act(event)
    except UnverifiedRequestError as refusal:
        return _answer(HTTPStatus.UNAUTHORIZED, str(refusal))
    except MalformedRequestError as refusal:
        return _answer(HTTPStatus.BAD_REQUEST, str(refusal))
    return _answer(HTTPStatus.OK)


def _act(event: dict[str, Any]) -> None:
    request = Request.from_api_gateway(event)
    _wiring().signatures.verify(request)
    interaction = Interaction.from_body(request.body)
    logger.append_keys(finding_id=interaction.subject, user=interaction.user)
    _wiring().decisions.take(interaction)
    logger.info("answered", extra={"action": interaction.action_id})


def _answer(status: HTTPStatus, refusal: str = "") -> dict[str, Any]:
    if refusal:
        logger.warning("refused", extra={"reason": refusal})
    return {"statusCode": status.value, "body": ""}
