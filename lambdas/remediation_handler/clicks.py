"""A click, from the decision to what it starts; whatever fails, the person gets words (step 6)."""

from contextlib import suppress
from datetime import timedelta
from http import HTTPStatus
from threading import Thread

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.common.dispatch import (
    RemediationRequest,
    Reply,
    enqueue_task_run,
    start_remediation,
)
from lambdas.common.ledger.table import ConflictError
from lambdas.common.slack.actions import BULK_ACTIONS, OPEN_IN_MACIE
from lambdas.common.slack.response_url import ResponseUrl, allowed_response_url
from lambdas.remediation_handler.bulk_decisions import decide_for_digest
from lambdas.remediation_handler.decision import Decision
from lambdas.remediation_handler.decisions import decide_for_finding
from lambdas.remediation_handler.interaction import Interaction
from lambdas.remediation_handler.services import DEADLINE, ClickTooSlowError, Services

_FAILURES = (BotoCoreError, ClientError, ClickTooSlowError, ConflictError)
"""What AWS and the time limit may do to a click."""

REPLY_TIME = timedelta(seconds=0.5)
"""What is left of Slack's three seconds after the last request to AWS."""

_NOT_RECORDED = "Nothing was done: AWS did not record your decision. Please try again."
_UNKNOWN = (
    "AWS was too slow: it is not known whether your decision was recorded. Nothing is done unless"
    " it was; the message shows it, within half an hour at the latest."
)
_RECORDED = (
    "Your decision was recorded, but AWS did not start it at once. It starts by itself, within half"
    " an hour at the latest; the message shows it then."
)

logger = Logger()


def handle_click(interaction: Interaction, services: Services) -> None:
    """Record what the person decided, and start what acts on it and replies.

    Raises:
        BotoCoreError, ClientError, ClickTooSlowError, ConflictError: AWS refused or was too slow;
            the person has read what became of the decision.
    """
    if interaction.action_id == OPEN_IN_MACIE:
        return
    decide = decide_for_digest if interaction.action_id in BULK_ACTIONS else decide_for_finding
    try:
        decision = decide(interaction, services)
    except _FAILURES as error:
        _explain_failure(error, interaction, services)
        raise
    try:
        _start(decision, interaction, services)
    except _FAILURES:
        _reply_at_once(_RECORDED if decision.is_recorded else decision.reply, interaction, services)
        raise


def _start(decision: Decision, interaction: Interaction, services: Services) -> None:
    if decision.has_tasks:
        enqueue_task_run(services.task_queue)
    reply = Reply(user=interaction.user, text=decision.reply) if decision.reply else None
    request = RemediationRequest(
        finding_id=decision.finding_id, response_url=interaction.response_url, reply=reply
    )
    start_remediation(services.remediator, request)


def _explain_failure(error: Exception, interaction: Interaction, services: Services) -> None:
    """Describe what is known about a decision that the ledger did not confirm."""
    if not DEADLINE.has_written or isinstance(error, ConflictError) or _is_refusal(error):
        _reply_at_once(_NOT_RECORDED, interaction, services)
        return
    if interaction.action_id not in BULK_ACTIONS:
        # The remediator acts on what the ledger has, and shows it.
        request = RemediationRequest(
            finding_id=interaction.subject_id, response_url=interaction.response_url
        )
        with suppress(*_FAILURES):
            start_remediation(services.remediator, request)
    _reply_at_once(_UNKNOWN, interaction, services)


def _is_refusal(error: Exception) -> bool:
    """Return whether AWS refused the only attempt, so that nothing was written."""
    if not isinstance(error, ClientError):
        return False
    metadata = error.response["ResponseMetadata"]
    is_final = metadata["HTTPStatusCode"] < HTTPStatus.INTERNAL_SERVER_ERROR
    return is_final and metadata.get("RetryAttempts") == 0


def _reply_at_once(text: str, interaction: Interaction, services: Services) -> None:
    """Reply by the callback URL, for as long as Slack waits for the response to the click."""
    url = allowed_response_url(interaction.response_url, hooks_url=services.hooks_url)
    if url is None or not text:
        return
    replies: list[bool] = []
    thread = Thread(target=_reply, args=(url, text, replies), daemon=True)
    thread.start()
    # A socket's timeout limits each step, not their sum.
    thread.join(REPLY_TIME.total_seconds())
    if replies != [True]:
        logger.warning("the person may not have read the reply", extra={"reply": text})


def _reply(url: ResponseUrl, text: str, replies: list[bool]) -> None:
    replies.append(url.reply_privately(text))
