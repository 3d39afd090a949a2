"""What the functions of the remediation handler work with, created once in Lambda's init phase."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools.utilities.parameters import SecretsProvider
from botocore.config import Config
from botocore.exceptions import HTTPClientError

from lambdas.common.approvers import Approvers
from lambdas.common.config import hours, read_environment, read_settings
from lambdas.common.digests.store import DigestStore
from lambdas.common.dispatch import EventQueue, RemediatorFunction
from lambdas.common.ledger.store import Ledger
from lambdas.common.slack.credentials import SigningSecrets
from lambdas.remediation_handler.workspace import Workspace

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBServiceResource
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient

# Slack waits for three seconds: https://docs.slack.dev/interactivity/handling-user-interaction
# No attempt of a request begins later than 1.25 s after the click arrived, and it ends within
# 0.2 + 0.75 s. Before a second attempt botocore pauses for 1 s at most, but not at all after those
# 1.25 s. So AWS takes at most 1.25 + max(0.2 + 0.75, 1) = 2.25 s, however many requests there are
# and however late they time out, and 0.5 s are left for a reply to the person about it.
# Only a service that is out of reach at several of its addresses takes longer: 0.2 s for each.
# https://docs.aws.amazon.com/boto3/latest/guide/retries.html (legacy mode)
_LATEST_REQUEST_SECONDS = 1.25
_CONFIG = Config(
    connect_timeout=0.2,
    read_timeout=0.75,
    retries={"mode": "legacy", "total_max_attempts": 2},
)

_LEDGER_WRITES = frozenset({"PutItem", "UpdateItem", "TransactWriteItems"})
_SHOW_AFTER = timedelta(minutes=2)


class ClickTooSlowError(Exception):
    """AWS is so slow that Slack stops waiting, and warns the person who clicked."""


class ClickDeadline:
    """Refuses requests to AWS that may end too late for Slack; one click runs at a time.

    Attributes:
        has_written: whether a write to the ledger has been sent for the click.
    """

    def __init__(self) -> None:
        self._ends_at = math.inf
        self.has_written = False

    def start(self) -> None:
        """Allow requests for as long as the click that has just arrived has time for them."""
        self._ends_at = time.monotonic() + _LATEST_REQUEST_SECONDS
        self.has_written = False

    def check(self, *, event_name: str, **_: object) -> None:
        """Check, before botocore sends a request, that there is time for it.

        Raises:
            ClickTooSlowError: there is not.
        """
        self._check_time()
        if event_name.rpartition(".")[2] in _LEDGER_WRITES:
            self.has_written = True

    def pause(
        self,
        *,
        response: tuple[object, Mapping[str, Any]] | None,
        attempts: int,
        caught_exception: Exception | None,
        **_: object,
    ) -> int | None:
        """Return for botocore how long to pause before a second attempt; None for its own pause.

        If there was no response, there is no pause: while Lambda freezes the environment, the other
        side may close a connection that is reused.

        Raises:
            ClickTooSlowError: botocore would pause, and there is no time for a second attempt.
        """
        if isinstance(caught_exception, HTTPClientError):
            return 0 if attempts == 1 else None
        if response is not None and _is_transient(response[1]):
            self._check_time()
        return None

    def _check_time(self) -> None:
        if time.monotonic() > self._ends_at:
            raise ClickTooSlowError("AWS was too slow for Slack")


def _is_transient(parsed: Mapping[str, Any]) -> bool:
    """Return whether botocore tries again after a response."""
    status = parsed["ResponseMetadata"]["HTTPStatusCode"]
    is_throttled = "Throttl" in parsed.get("Error", {}).get("Code", "")
    return (
        is_throttled
        or status == HTTPStatus.TOO_MANY_REQUESTS
        or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    )


DEADLINE = ClickDeadline()
"""Of the click that this execution environment handles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What the deployment created, by name, ARN or URL."""

    ledger_table: str
    remediator_function: str
    slack_signing_secret: str
    task_queue: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the deployer decided; whoever reads an `object` checks its type."""

    slack_channel: str
    slack_app_id: str
    slack_team_id: str
    slack_hooks_url: str
    approvers: object
    reminder_hours: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What the functions of this package work with.

    Attributes:
        workspace: where the Slack app is installed.
        hooks_url: the start of every callback URL.
        approvers: the people who may decide.
        reminder_after: how long a finding may wait for a decision before the approvers are
            reminded; None for ever.
        signing: the signing secrets.
        ledger: the records.
        digests: the digests.
        remediator: the function that moves objects, and shows what became of a click.
        task_queue: makes the finding handler run its tasks at once.
        show_after: when the finding handler shows a decision that nothing else has shown.
    """

    workspace: Workspace
    hooks_url: str
    approvers: Approvers
    reminder_after: timedelta | None
    signing: SigningSecrets
    ledger: Ledger
    digests: DigestStore
    remediator: RemediatorFunction
    task_queue: EventQueue
    show_after: timedelta = _SHOW_AFTER

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
        # The first result counts, and botocore's own hook is on the service.
        service = client.meta.service_model.service_id.hyphenize()
        # botocore-stubs do not know that this hook's result counts.
        client.meta.events.register_first(f"needs-retry.{service}", DEADLINE.pause, "click-pause")  # type: ignore[arg-type]
    table = dynamodb.Table(resources.ledger_table)
    return Services(
        workspace=Workspace(app_id=settings.slack_app_id, team_id=settings.slack_team_id),
        hooks_url=settings.slack_hooks_url,
        approvers=Approvers.from_setting(settings.approvers, channel=settings.slack_channel),
        reminder_after=hours(settings.reminder_hours),
        signing=SigningSecrets(
            SecretsProvider(boto3_client=secrets), resources.slack_signing_secret
        ),
        ledger=Ledger(table),
        digests=DigestStore(table),
        remediator=RemediatorFunction(client=lambda_client, name=resources.remediator_function),
        task_queue=EventQueue(client=sqs, url=resources.task_queue),
    )
