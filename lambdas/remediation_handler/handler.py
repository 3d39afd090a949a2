"""Steps 5 and 6: a click in Slack is verified, decided in the ledger, and answered at once."""

import os
from functools import cache
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger

from lambdas.common import environment
from lambdas.common.witness import Witness
from lambdas.remediation_handler.environment import Environment
from lambdas.remediation_handler.interaction import Interaction, MalformedRequestError, Request
from lambdas.remediation_handler.signature import UnverifiedRequestError
from lambdas.remediation_handler.wiring import Wiring, wired

logger = Logger()


@cache
def _wiring() -> Wiring:
    return wired(environment.read(Environment, os.environ), Witness(logger))


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
