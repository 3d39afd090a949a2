"""Steps 7 and 8: move the object into quarantine, and show in Slack how that went."""

import os
from datetime import timedelta
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from lambdas.common import audit, clock, environment
from lambdas.common.announcer import Announcer
from lambdas.common.aws import client
from lambdas.common.callback import Callback
from lambdas.common.claims import Claims
from lambdas.common.digests import Digests
from lambdas.common.finding import Finding
from lambdas.common.ledger import Ledger
from lambdas.common.record import Record
from lambdas.common.remediator import Reply
from lambdas.common.secret import SecretReader
from lambdas.common.slack import SlackChannel
from lambdas.common.table import Table
from lambdas.remediator.copying import Copying
from lambdas.remediator.environment import Environment
from lambdas.remediator.objects import Objects
from lambdas.remediator.quarantine import Quarantine, Versions
from lambdas.remediator.remediation import Invocation, Remediation
from lambdas.remediator.restoration import Restoration

logger = Logger()


def _witness(record: Record) -> None:
    logger.info("step", extra={"audit": audit.line(record)})


@cache
def _settings() -> Environment:
    return environment.read(Environment, os.environ)


@cache
def _remediation() -> Remediation:
    settings = _settings()
    table = Table(client("dynamodb"), settings.ledger_table)
    ledger = Ledger(table, _witness)
    secret = SecretReader(client("secretsmanager"), settings.slack_secret, clock.now)
    channel = SlackChannel(settings.slack_channel, secret=secret, api_url=settings.slack_api_url)
    own, threshold = Objects(_s3(None)), int(settings.multipart_threshold)

    def targets(finding: Finding, must_be_new: bool) -> Copying:  # noqa: FBT001 - one caller
        return Copying(objects=_sources(finding), threshold=threshold, must_be_new=must_be_new)

    quarantine = Quarantine(
        bucket=settings.quarantine_bucket,
        copying=Copying(objects=own, threshold=threshold, must_be_new=False),
        sources=_sources,
        wanted=Versions(settings.quarantine_versions),
        is_dry_run=settings.is_dry_run,
        ledger=ledger,
        clock=clock.now,
    )
    return Remediation(
        ledger=ledger,
        claims=Claims(table),
        quarantine=quarantine,
        restoration=Restoration(
            own=own, is_dry_run=settings.is_dry_run, targets=targets, ledger=ledger
        ),
        announcer=Announcer(ledger, Digests(table), channel, clock.now),
        clock=clock.now,
    )


@cache
def _s3(region: str | None) -> Any:
    return client("s3", region=region)


def _sources(finding: Finding) -> Objects:
    """Answer the objects of the finding's account and region: by our own role so far."""
    return Objects(_s3(finding.region), owner=finding.account)


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: Any) -> None:
    """Carry out what `Remediator.start` asked for.

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
