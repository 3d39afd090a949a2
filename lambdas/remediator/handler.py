"""Steps 7 and 8: move the object into quarantine, and show in Slack how that went."""

import os
from datetime import timedelta
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from lambdas.common import clock, environment
from lambdas.common.callback import Callback
from lambdas.common.remediator import Reply
from lambdas.common.witness import Witness
from lambdas.remediator.environment import Environment
from lambdas.remediator.remediation import Invocation, Remediation
from lambdas.remediator.wiring import wired

logger = Logger()


@cache
def _settings() -> Environment:
    return environment.read(Environment, os.environ)


@cache
def _remediation() -> Remediation:
    return wired(_settings(), Witness(logger))


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: Any) -> None:
    """Carry out what `lambdas.common.remediator.Remediator.start` asked for.

    Raises:
        ChatOpsError: it has to be tried again later, as Lambda does.
    """
    logger.append_keys(finding_id=event["finding_id"])
    url, reply = event.get("response_url"), event.get("reply")
    remaining = timedelta(milliseconds=context.get_remaining_time_in_millis())
    record = _remediation().run(
        Invocation(
            finding_id=event["finding_id"],
            callback=Callback.allowed(url, hooks_url=_settings().slack_hooks_url),
            reply=Reply(**reply) if reply else None,
            holder=context.aws_request_id,
            until=clock.now() + remaining,
        )
    )
    if record is not None:
        logger.info("told", extra={"status": record.status, "reason": record.standing.reason})
