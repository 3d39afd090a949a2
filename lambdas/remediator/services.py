"""What the functions of the remediator work with, created once in each execution environment."""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import boto3
from aws_lambda_powertools.utilities.parameters import SecretsProvider
from botocore.config import Config

from lambdas.common.config import read_environment, read_settings
from lambdas.common.digests.store import DigestStore
from lambdas.common.finding import Finding
from lambdas.common.ledger.record import Record
from lambdas.common.ledger.store import Ledger
from lambdas.common.notifications import Notifications
from lambdas.common.slack.channel import SlackChannel
from lambdas.common.slack.credentials import BotToken
from lambdas.remediator.config import Resources, Settings
from lambdas.remediator.rules import check_consistency
from lambdas.remediator.s3.clients import S3Access, s3_access
from lambdas.remediator.s3.parameters import ObjectKey

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import DynamoDBServiceResource

_CLIENT_CONFIG = Config(
    connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 5}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The configuration, and access to the ledger, Slack and S3.

    Attributes:
        region: our own, where the quarantine is.
    """

    resources: Resources
    settings: Settings
    region: str
    ledger: Ledger
    notifications: Notifications

    @property
    def quarantine_s3(self) -> S3Access:
        """Access to our own account and Region."""
        return s3_access(self.resources.account_id, self.region)

    def source_s3(self, finding: Finding) -> S3Access:
        """Return access to the account and Region of the finding's bucket."""
        return s3_access(finding.account, finding.region)

    def check_consistency(self, record: Record) -> None:
        """Check that a record is about the object of its finding alone.

        Raises:
            InconsistentRecordError: it is about something else.
        """
        check_consistency(
            record,
            quarantine_bucket=self.resources.quarantine_bucket,
            is_every_version=self.settings.is_every_version,
        )

    def quarantine_object_key(self, key: str) -> ObjectKey:
        """Return a key in the quarantine bucket, which our own account must own."""
        return ObjectKey(
            bucket=self.resources.quarantine_bucket,
            key=key,
            owner=self.resources.account_id,
            quarantine_kms_key=self.resources.quarantine_key,
        )


@cache
def services() -> Services:
    """Create the services from the function's environment and settings."""
    resources, settings = read_environment(Resources), read_settings(Settings)
    dynamodb: DynamoDBServiceResource = boto3.resource("dynamodb", config=_CLIENT_CONFIG)
    table = dynamodb.Table(resources.ledger_table)
    ledger = Ledger(table)
    return Services(
        resources=resources,
        settings=settings,
        region=table.meta.client.meta.region_name,
        ledger=ledger,
        notifications=Notifications(
            ledger=ledger, digests=DigestStore(table), channel=_slack_channel(resources, settings)
        ),
    )


def create_clients() -> None:
    """Create all clients, those of S3 for our own Region included."""
    _ = services().quarantine_s3


def _slack_channel(resources: Resources, settings: Settings) -> SlackChannel:
    provider = SecretsProvider(boto_config=_CLIENT_CONFIG)
    return SlackChannel(
        settings.slack_channel,
        bot_token=BotToken(provider, resources.slack_bot_token),
        api_url=settings.slack_api_url,
    )
