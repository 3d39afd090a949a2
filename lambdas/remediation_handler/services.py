"""What the functions of the remediation handler work with, created once in Lambda's init phase."""

import math
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

import boto3
from aws_lambda_powertools.utilities.parameters import SecretsProvider
from botocore.config import Config
from botocore.exceptions import HTTPClientError

from lambdas.common.approvers import Approvers
from lambdas.common.config import hours, read_environment, read_settings
from lambdas.common.digests.store import DigestStore
from lambdas.common.dispatch import EventQueue, RemediatorFunction
from lambdas.common.ledger.store import Ledger
from lambdas.common.slack.credentials import SlackCredentials

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBServiceResource
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient

# Slack waits for three seconds: https://docs.slack.dev/interactivity/handling-user-interaction
# No attempt of a request begins later than 1.75 s after the click arrived, and it ends within
# 0.2 + 0.75 s. Before a second attempt botocore pauses for 1 s at most. So a click ends within
# 1.75 + max(0.2 + 0.75, 1) = 2.75 s, however many requests it makes and however late they time out.
# Only a service that is out of reach at several of its addresses takes longer: 0.2 s for each.
# https://docs.aws.amazon.com/boto3/latest/guide/retries.html (legacy mode)
_LATEST_REQUEST_SECONDS = 1.75
_CONFIG = Config(
    connect_timeout=0.2,
    read_timeout=0.75,
    retries={"mode": "legacy", "total_max_attempts": 2},
)


class ClickTooSlowError(Exception):
    """AWS is so slow that Slack stops waiting, and warns the person who clicked."""


class ClickDeadline:
    """Refuses requests to AWS that may end too late for Slack; one click runs at a time."""

    def __init__(self) -> None:
        self._ends_at = math.inf

    def start(self) -> None:
        """Allow requests for as long as the click that has just arrived has time for them."""
        self._ends_at = time.monotonic() + _LATEST_REQUEST_SECONDS

    def check(self, **_: object) -> None:
        """Check, before botocore sends a request, that there is time for it.

        Raises:
            ClickTooSlowError: there is not.
        """
        if time.monotonic() > self._ends_at:
            raise ClickTooSlowError("AWS was too slow for Slack")


DEADLINE = ClickDeadline()
"""Of the click that this execution environment handles."""


def retry_at_once(*, attempts: int, caught_exception: Exception | None, **_: object) -> int | None:
    """Return for botocore how long to pause before a second attempt: 0 s if there was no response.

    While Lambda freezes the environment, the other side may close a connection that is reused.
    """
    return 0 if attempts == 1 and isinstance(caught_exception, HTTPClientError) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What the deployment created, by name, ARN or URL."""

    ledger_table: str
    remediator_function: str
    slack_secret: str
    task_queue: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the deployer decided; whoever reads an `object` checks its type."""

    slack_channel: str
    approvers: object
    reminder_hours: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What the functions of this package work with.

    Attributes:
        approvers: the people who may decide.
        reminder_after: how long a finding may wait for a decision before the approvers are
            reminded; None for ever.
        credentials: the signing secrets.
        ledger: the records.
        digests: the digests.
        remediator: the function that moves objects, and shows what became of a click.
        task_queue: makes the finding handler run its tasks at once.
    """

    approvers: Approvers
    reminder_after: timedelta | None
    credentials: SlackCredentials
    ledger: Ledger
    digests: DigestStore
    remediator: RemediatorFunction
    task_queue: EventQueue

    def remind_at(self, now: datetime) -> datetime | None:
        """Return when to remind the approvers of a finding that waits for them from `now` on."""
        return now + self.reminder_after if self.reminder_after else None


@cache
def services() -> Services:
    """Create the services from the function's environment and settings."""
    resources, settings = read_environment(Resources), read_settings(Settings)
    dynamodb: DynamoDBServiceResource = boto3.resource("dynamodb", config=_CONFIG)
    lambda_client: LambdaClient = boto3.client("lambda", config=_CONFIG)
    secrets: SecretsManagerClient = boto3.client("secretsmanager", config=_CONFIG)
    sqs: SQSClient = boto3.client("sqs", config=_CONFIG)
    for client in (dynamodb.meta.client, lambda_client, secrets, sqs):
        client.meta.events.register_first("before-send", DEADLINE.check, "click-deadline")
        # botocore-stubs do not know that this hook's result counts.
        client.meta.events.register_first("needs-retry", retry_at_once, "retry-at-once")  # type: ignore[arg-type]
    table = dynamodb.Table(resources.ledger_table)
    return Services(
        approvers=Approvers.from_setting(settings.approvers, channel=settings.slack_channel),
        reminder_after=hours(settings.reminder_hours),
        credentials=SlackCredentials(SecretsProvider(boto3_client=secrets), resources.slack_secret),
        ledger=Ledger(table),
        digests=DigestStore(table),
        remediator=RemediatorFunction(client=lambda_client, name=resources.remediator_function),
        task_queue=EventQueue(client=sqs, url=resources.task_queue),
    )
