"""Steps 7 and 8: move the object into quarantine or back, and show the outcome in Slack."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from lambdas.common import clock
from lambdas.common.dispatch import RemediationRequest
from lambdas.common.init_phase import end_init_phase
from lambdas.remediator.remediation import remediate
from lambdas.remediator.services import create_clients, services

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: Mapping[str, Any], context: "LambdaContext") -> None:
    """Carry out a `RemediationRequest`: the event itself, or a message of the remediation queue.

    Whatever it raises makes Lambda, or the queue, try again later. The queue delivers one message
    at a time, so a failure has no other message delivered again.
    Sources: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html and
    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    if "Records" not in event:
        _carry_out(event, context, holder=context.aws_request_id)
        return
    for message in event["Records"]:
        # Each delivery of a message has its id, but a request id of its own.
        _carry_out(json.loads(message["body"]), context, holder=message["messageId"])


def _carry_out(payload: Mapping[str, Any], context: "LambdaContext", *, holder: str) -> None:
    request = RemediationRequest.from_payload(payload)
    logger.append_keys(finding_id=request.finding_id)
    remaining = timedelta(milliseconds=context.get_remaining_time_in_millis())
    record = remediate(request, services(), holder=holder, until=clock.now() + remaining)
    if record is not None:
        transition = record.latest_transition
        logger.info("shown", extra={"status": record.status, "reason": transition.reason})


end_init_phase(create_clients)
