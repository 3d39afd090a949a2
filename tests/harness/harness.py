"""All three functions in one process, between a fake Slack and moto's AWS.

The functions make their services themselves, from environment variables and a settings file, as in
Lambda. The asynchronous invocations in between wait until a test runs the remediator.
"""

import json
import os
import tempfile
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError

from lambdas.common import clock
from lambdas.common.digests.store import DigestStore
from lambdas.common.dispatch import SCHEDULED_EVENT, RemediationRequest
from lambdas.common.finding import Finding
from lambdas.common.ledger.record import Record, Status
from lambdas.common.ledger.store import Ledger
from lambdas.finding_handler import handler as finding_handler
from lambdas.finding_handler import services as finding_handler_services
from lambdas.remediation_handler import handler as remediation_handler
from lambdas.remediation_handler import services as remediation_handler_services
from lambdas.remediator import handler as remediator
from lambdas.remediator import services as remediator_services
from lambdas.remediator.s3.clients import s3_access
from local.slack.fake_slack import FakeSlack
from local.slack.workspace import Message
from tests.harness import aws
from tests.harness.api_gateway import in_background, serve_api
from tests.harness.aws import (
    ACCOUNT,
    APPROVER,
    BOT_TOKEN,
    CARD,
    KEY,
    REVIEW,
    SOURCE,
    FunctionClients,
    plain_client,
    plain_table,
)
from tests.harness.events import (
    SIGNING_SECRET,
    LambdaContext,
    click_payload,
    finding_event,
    finding_on,
    form_body,
    http_api_event,
    object_detail,
    sign,
    sqs_batch,
    sqs_record,
)
from tests.harness.faults import FaultInjector
from tests.harness.settings import SettingsFile
from tests.harness.strict_s3 import StrictS3


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """An asynchronous invocation, as Lambda's API received it."""

    function: str
    kind: str
    payload: Mapping[str, Any]


@dataclass(kw_only=True)
class Clock:
    """The clock of the functions, `ahead` of the real one."""

    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        """Return the time of the test."""
        return datetime.now(UTC) + self.ahead


@dataclass(kw_only=True)
class Harness:
    """What a test sees and does.

    Attributes:
        slack: the fake Slack with the one channel.
        s3: a client without hooks, to put objects and to look.
        strict_s3: the rules of S3, and all requests to it.
        faults: lets requests of the functions fail.
        clock: the time of the functions.
        table: the ledger's table, without hooks, as `ledger` and `digests` use it.
        invocations: invocations of the remediator that have not succeeded yet; what goes through
            its queue is in `queued_remediations`.
        invocation_refusal: the HTTP status with which Lambda's API refuses invocations.
        clients: those of the functions, with their hooks.
        settings: those of the functions.
    """

    slack: FakeSlack
    s3: Any
    strict_s3: StrictS3
    faults: FaultInjector
    clock: Clock
    table: Any
    ledger: Ledger
    digests: DigestStore
    invocations: list[Invocation] = field(default_factory=list)
    invocation_refusal: int | None = None
    clients: FunctionClients
    settings: SettingsFile

    def __post_init__(self) -> None:
        """Put the harness in front of AWS and Slack."""
        self.faults.watch_aws(self.clients)
        self.strict_s3.watch(self.clients)
        self.clients.register("before-call.lambda.Invoke", self._invoke)

    # What happens in AWS and Slack.

    def put_object(self, body: bytes = CARD, *, key: str = KEY, **arguments: Any) -> Finding:
        """Put an object into the source bucket; return the finding of Macie about it."""
        return finding_on(**self._put(body, key, arguments))

    def report_object(
        self,
        finding_type: str = REVIEW,
        *,
        body: bytes = CARD,
        key: str = KEY,
        **arguments: Any,
    ) -> dict[str, Any]:
        """Put an object into the source bucket; return the detail of Macie's event about it."""
        return object_detail(finding_type, **self._put(body, key, arguments))

    def _put(self, body: bytes, key: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        created = self.s3.put_object(Bucket=SOURCE, Key=key, Body=body, **arguments)
        etag, version_id = created["ETag"].strip('"'), created.get("VersionId")
        return {"etag": etag, "size": len(body), "version_id": version_id, "key": key}

    def deliver(self, *details: Any) -> list[str]:
        """Deliver events of Macie, or raw texts, to the finding handler in one batch.

        Returns:
            The ids of the messages that the queue will deliver again.
        """
        return self.deliver_events(
            *(detail if isinstance(detail, str) else finding_event(detail) for detail in details)
        )

    def deliver_events(self, *events: Any) -> list[str]:
        """Deliver whole events of EventBridge to the finding handler in one batch."""
        return self.handle_batch(sqs_batch(*events))

    def deliver_concurrently(self, details: list[dict[str, Any]]) -> list[list[str]]:
        """Deliver each event of Macie in a batch of its own, all at the same time."""
        with ThreadPoolExecutor(len(details)) as threads:
            return list(threads.map(self.deliver, details))

    def handle_batch(self, batch: Mapping[str, Any]) -> list[str]:
        """Invoke the finding handler with a batch; return the ids that will be delivered again.

        Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
        """
        try:
            result = finding_handler.lambda_handler(dict(batch), LambdaContext())
        except BatchProcessingError:
            return [record["messageId"] for record in batch["Records"]]
        return [str(failure["itemIdentifier"]) for failure in result["batchItemFailures"]]

    def run_scheduled_tasks(self) -> None:
        """Run the scheduled tasks that are due, as the finding handler does every minute."""
        assert not self.scheduled_tasks_fail()

    def scheduled_tasks_fail(self) -> bool:
        """Run the scheduled tasks that are due; return whether the finding handler failed."""
        event = {"detail-type": SCHEDULED_EVENT, "source": "aws.events", "detail": {}}
        return bool(self.deliver_events(event))

    def click(
        self, action_id: str = "remediate", *, user: str = APPROVER, choice: str | None = None
    ) -> int:
        """Click on the channel's one message; return the HTTP status of the response."""
        return self.slack.click(self.message.ts, action_id, user, choice=choice)

    def click_event(
        self, finding: Finding | Mapping[str, Any], *, timestamp: str | None = None, **fields: Any
    ) -> dict[str, Any]:
        """Return the signed request of a click on what the finding's message shows now.

        `fields` are those of `click_payload`; `timestamp` is the signature's.
        """
        record = self.record(finding)
        payload = click_payload(record.finding.id, **{"seen": record.seen_state, **fields})
        return http_api_event(sign(form_body(payload), timestamp=timestamp))

    def post_request(self, event: Mapping[str, Any]) -> int:
        """Invoke the remediation handler with an API's event; return the HTTP status."""
        status: int = remediation_handler.lambda_handler(dict(event), LambdaContext())["statusCode"]
        return status

    def run_remediator(self, *, request_id: str = "request-1") -> None:
        """Run every pending invocation, and every message of the remediation queue.

        What fails stays pending: Lambda retries it, or the queue delivers it again.
        """
        while self.invocations:
            invocation = self.invocations[0]
            remediator.lambda_handler(dict(invocation.payload), LambdaContext(request_id))
            self.invocations.remove(invocation)
        for message in self._receive_remediations():
            record = sqs_record(message["MessageId"], message["Body"])
            remediator.lambda_handler({"Records": [record]}, LambdaContext(request_id))

    def _receive_remediations(self) -> Iterator[Mapping[str, Any]]:
        """Yield each message in the queue, and delete it unless its consumer raises."""
        if not self.queued_remediations:
            return
        sqs, url = plain_client("sqs"), os.environ["REMEDIATION_QUEUE"]
        # Without a visibility timeout, a message that fails is in the queue again at once.
        arguments = {"QueueUrl": url, "MaxNumberOfMessages": 1, "VisibilityTimeout": 0}
        while messages := sqs.receive_message(**arguments).get("Messages"):
            yield messages[0]
            sqs.delete_message(QueueUrl=url, ReceiptHandle=messages[0]["ReceiptHandle"])

    # One finding, without the finding handler.

    def create_record(self, finding: Finding, status: Status = Status.REMEDIATING) -> Record:
        """Create the first record of `finding`."""
        record = Record.create(finding, status, reason="as configured", now=self.clock.now())
        return self.ledger.create(record)

    def decide(self, finding: Finding, status: Status) -> Record:
        """Record an approver's decision."""

        def change(record: Record) -> Record:
            return record.transition_to(status, by=APPROVER, reason="clicked", now=self.clock.now())

        return self.ledger.update(self.record(finding), change)

    def remediate(
        self, finding: Finding, *, request_id: str = "request-1", response_url: str | None = None
    ) -> None:
        """Run the remediator for `finding`."""
        request = RemediationRequest(finding_id=finding.id, response_url=response_url)
        remediator.lambda_handler(request.to_payload(), LambdaContext(request_id))

    def quarantine(self, finding: Finding) -> Record:
        """Create the record of `finding`, run the remediator, and return the record."""
        self.create_record(finding)
        self.remediate(finding)
        return self.record(finding)

    def retry(self, finding: Finding, status: Status = Status.REMEDIATING) -> Record:
        """Record an approver's decision, run the remediator, and return the record."""
        self.decide(finding, status)
        self.remediate(finding)
        return self.record(finding)

    def restore(self, finding: Finding) -> Record:
        """Record that an approver restores the object, run the remediator, return the record."""
        return self.retry(finding, Status.RESTORING)

    # What a test looks at.

    def record(self, finding: Finding | Mapping[str, Any]) -> Record:
        """Return the record of a finding, which may be the detail of its event."""
        return self.ledger.get(finding.id if isinstance(finding, Finding) else finding["id"])

    @property
    def message(self) -> Message:
        """The one message in the channel, without the replies in its thread."""
        (message,) = (message for message in self.slack.messages if not message.thread_ts)
        return message

    @property
    def button_ids(self) -> list[str]:
        """The action ids of the one message's buttons and menus."""
        blocks = [block for block in self.message.blocks if block["type"] == "actions"]
        return [element["action_id"] for block in blocks for element in block["elements"]]

    @property
    def queued_remediations(self) -> list[dict[str, Any]]:
        """The requests in the remediation queue, those that are delayed too; they stay there."""
        return [json.loads(body) for body in aws.queued_remediations()]

    @property
    def is_quiet(self) -> bool:
        """Whether Slack received no request, and no remediation is pending."""
        return not self.slack.requests and not self.invocations and not self.queued_remediations

    def versions(self, bucket: str) -> list[tuple[str, str]]:
        """List the versions in `bucket` as (key, version id), without delete markers."""
        versions = self.s3.list_object_versions(Bucket=bucket).get("Versions", [])
        return [(version["Key"], version["VersionId"]) for version in versions]

    def bodies(self, bucket: str) -> list[bytes]:
        """Read every version in `bucket`, the oldest of a key first."""
        return [
            self.s3.get_object(Bucket=bucket, Key=key, VersionId=version)["Body"].read()
            for key, version in reversed(self.versions(bucket))
        ]

    def take_queued_events(self) -> list[dict[str, Any]]:
        """Remove the events that the functions put into their queues, and return them."""
        queues = os.environ["FINDING_QUEUE"], os.environ["TASK_QUEUE"]
        return [event for url in queues for event in _receive_all(url)]

    def count_queued_tasks(self) -> int:
        """Count the events in the task queue, with those that are delayed."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed"]
        attributes = plain_client("sqs").get_queue_attributes(
            QueueUrl=os.environ["TASK_QUEUE"], AttributeNames=names
        )["Attributes"]
        return sum(int(attributes[name]) for name in names)

    # What a test changes.

    def change_settings(self, **settings: Any) -> None:
        """Deploy the functions again with other settings."""
        self.settings.change(**settings)
        self.restart()

    def restart(self) -> None:
        """Start new execution environments, as Lambda does after a crash."""
        finding_handler_services.services.cache_clear()
        remediation_handler_services.services.cache_clear()
        remediator_services.services.cache_clear()
        s3_access.cache_clear()

    def put_secret(self, **changes: str) -> None:
        """Replace both Slack secrets; values that are not given are the usual ones."""
        for name, value in _secrets(**changes).items():
            plain_client("secretsmanager").put_secret_value(SecretId=name, SecretString=value)

    def register(self, event: str, handler: Callable[..., Any], *, first: bool = False) -> None:
        """Call `handler` for botocore's `event` of every client of the functions."""
        self.clients.register(event, handler, "first" if first else "middle")

    def unregister(self, event: str, handler: Callable[..., Any]) -> None:
        """Stop calling `handler`."""
        self.clients.unregister(event, handler)

    @contextmanager
    def before(self, operation: str, handler: Callable[..., None]) -> Iterator[None]:
        """Call `handler` before each request to S3 for `operation`."""
        event = f"provide-client-params.s3.{operation}"
        self.register(event, handler)
        try:
            yield
        finally:
            self.unregister(event, handler)

    def _invoke(self, params: Mapping[str, Any], **_: Any) -> Any:
        """https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html."""
        if self.invocation_refusal is not None:
            return aws.error_response(self.invocation_refusal, "AccessDeniedException")
        invocation = Invocation(
            function=params["url_path"].split("/")[3],
            kind=params["headers"]["X-Amz-Invocation-Type"],
            payload=json.loads(params["body"]),
        )
        self.invocations.append(invocation)
        return aws.response({"StatusCode": 202, "Payload": aws.empty_body()}, status=202)


@contextmanager
def start_harness(*, versioning: str | None = None, **settings: Any) -> Iterator[Harness]:
    """Deploy the functions, and remove them again.

    Args:
        versioning: of the source bucket: None, Enabled or Suspended.
        settings: those that differ from a test's usual ones, in snake_case.
    """
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        clients = stack.enter_context(aws.fake_aws())
        slack = stack.enter_context(
            in_background(FakeSlack(bot_token=BOT_TOKEN, signing_secret=SIGNING_SECRET))
        )
        directory = stack.enter_context(tempfile.TemporaryDirectory())
        table = plain_table()
        harness = Harness(
            slack=slack,
            s3=plain_client("s3"),
            strict_s3=StrictS3(plain=plain_client("s3"), account=ACCOUNT),
            faults=FaultInjector(),
            clock=Clock(),
            table=table,
            ledger=Ledger(table),
            digests=DigestStore(table),
            clients=clients,
            settings=SettingsFile(Path(directory) / "settings.json", slack),
        )
        patch.setattr(clock, "now", harness.clock.now)
        patch.setattr(urllib.request.OpenerDirector, "open", harness.faults.slack_opener(slack.url))
        environment = aws.create_resources(versioning, _secrets()) | {
            "SETTINGS_FILE": str(harness.settings.path),
            "POWERTOOLS_METRICS_NAMESPACE": aws.METRICS_NAMESPACE,
        }
        for name, value in environment.items():
            patch.setenv(name, value)
        harness.change_settings(**settings)
        slack.request_url = stack.enter_context(
            serve_api(lambda request: harness.post_request(http_api_event(request)))
        )
        yield harness
        harness.restart()


def _secrets(**changes: str) -> dict[str, str]:
    """Return the values of the Slack secrets, by their names."""
    bot_token = changes.pop("botToken", BOT_TOKEN)
    return {
        aws.BOT_TOKEN_ID: json.dumps({"botToken": bot_token}),
        aws.SIGNING_SECRET_ID: json.dumps({"signingSecret": SIGNING_SECRET, **changes}),
    }


def _receive_all(url: str) -> Iterator[dict[str, Any]]:
    sqs = plain_client("sqs")
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            yield json.loads(message["Body"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
