"""What the functions of the finding handler work with, created once in an execution environment."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

import boto3
from aws_lambda_powertools.utilities.parameters import SecretsProvider
from botocore.config import Config

from lambdas.common.approvers import Approvers
from lambdas.common.config import hours, read_environment, read_settings, whole_number
from lambdas.common.digests.store import DigestStore
from lambdas.common.dispatch import EventQueue
from lambdas.common.ledger.store import Ledger
from lambdas.common.notifications import Notifications
from lambdas.common.slack.channel import SlackChannel
from lambdas.common.slack.credentials import BotToken
from lambdas.finding_handler.config import Resources, Settings
from lambdas.finding_handler.policy import RemediationPolicy

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBServiceResource
    from mypy_boto3_macie2 import Macie2Client
    from mypy_boto3_sqs import SQSClient

_CONFIG = Config(connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 5})
"""botocore's timeouts are a minute each, which is all the time that the function has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What the functions of this package work with.

    Attributes:
        policy: decides about findings.
        approvers: the people who may decide, and are reminded.
        digest_threshold: how many findings of an hour get a message of their own; None for all.
        reminder_after: how long a finding may wait for a decision before the approvers are
            reminded; None for ever.
        reconciliation_window: how far back reconciliation looks.
        ledger: the records.
        digests: the digests.
        channel: the Slack channel.
        notifications: keeps the channel's messages in step with the records.
        remediation_queue: where what is to be moved waits for the remediator.
        finding_queue: where findings wait for this function.
        task_queue: where everything else waits for this function.
        macie: returns a client for Macie.
    """

    policy: RemediationPolicy
    approvers: Approvers
    digest_threshold: int | None
    reminder_after: timedelta | None
    reconciliation_window: timedelta
    ledger: Ledger
    digests: DigestStore
    channel: SlackChannel
    notifications: Notifications
    remediation_queue: EventQueue
    finding_queue: EventQueue
    task_queue: EventQueue
    macie: "Callable[[], Macie2Client]"

    def remind_at(self, now: datetime) -> datetime | None:
        """Return when to remind the approvers of a finding that waits for them from `now` on."""
        return now + self.reminder_after if self.reminder_after else None


@cache
def services() -> Services:
    """Create the services from the function's environment and settings."""
    resources, settings = read_environment(Resources), read_settings(Settings)
    dynamodb: DynamoDBServiceResource = boto3.resource("dynamodb", config=_CONFIG)
    sqs: SQSClient = boto3.client("sqs", config=_CONFIG)
    table = dynamodb.Table(resources.ledger_table)
    ledger = Ledger(table, limits=settings.limits)
    digests = DigestStore(table)
    channel = _channel(resources, settings)
    return Services(
        policy=settings.policy(quarantine_bucket=resources.quarantine_bucket),
        approvers=Approvers.from_setting(settings.approvers, channel=settings.slack_channel),
        digest_threshold=whole_number(settings.digest_threshold),
        reminder_after=hours(settings.reminder_hours),
        reconciliation_window=settings.reconciliation_window,
        ledger=ledger,
        digests=digests,
        channel=channel,
        notifications=Notifications(ledger=ledger, digests=digests, channel=channel),
        remediation_queue=EventQueue(client=sqs, url=resources.remediation_queue),
        finding_queue=EventQueue(client=sqs, url=resources.finding_queue),
        task_queue=EventQueue(client=sqs, url=resources.task_queue),
        # Only reconciliation needs Macie, and its model takes long to load.
        macie=cache(_macie_client),
    )


def _channel(resources: Resources, settings: Settings) -> SlackChannel:
    secrets = SecretsProvider(boto_config=_CONFIG)
    return SlackChannel(
        settings.slack_channel,
        bot_token=BotToken(secrets, resources.slack_bot_token),
        api_url=settings.slack_api_url,
    )


def _macie_client() -> "Macie2Client":
    client: Macie2Client = boto3.client("macie2", config=_CONFIG)
    return client
