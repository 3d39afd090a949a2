"""Steps 5 and 6: verify a click in Slack, record the decision, and start the remediator."""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.common.init_phase import end_init_phase
from lambdas.remediation_handler.clicks import handle_click
from lambdas.remediation_handler.interaction import (
    MalformedRequestError,
    parse_interaction,
    raw_body,
)
from lambdas.remediation_handler.services import DEADLINE, services
from lambdas.remediation_handler.signature import is_from_slack

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Handle what Slack posts for a click; return 200, 400 or 401 in API Gateway's proxy form.

    `event` is of an HTTP API (payload 2.0) or of a REST API (1.0).
    Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    """
    DEADLINE.start()
    try:
        return _handle(APIGatewayProxyEventV2(event))
    except MalformedRequestError as error:
        return _refuse(HTTPStatus.BAD_REQUEST, str(error))


def _handle(request: APIGatewayProxyEventV2) -> dict[str, Any]:
    body = raw_body(request.body, is_base64=bool(request.is_base64_encoded))
    if not is_from_slack(body, request.headers, services().signing):
        return _refuse(HTTPStatus.UNAUTHORIZED, "Slack did not sign this in the last five minutes")
    interaction = parse_interaction(body)
    logger.append_keys(finding_id=interaction.subject_id, user=interaction.user)
    if not services().workspace.includes(interaction):
        reason = "Slack sent this to another app or from another workspace than those of the"
        ids = {"app": interaction.app_id, "workspaces": sorted(interaction.workspaces)}
        return _refuse(HTTPStatus.UNAUTHORIZED, f"{reason} settings", **ids)
    handle_click(interaction, services())
    logger.info("click handled", extra={"action": interaction.action_id})
    return _response(HTTPStatus.OK)


def _refuse(status: HTTPStatus, reason: str, **details: object) -> dict[str, Any]:
    logger.warning("request refused", extra={"reason": reason, **details})
    return _response(status)


def _response(status: HTTPStatus) -> dict[str, Any]:
    return {"statusCode": status.value, "body": ""}


end_init_phase(services)
