"""All three functions in one process, between a Slack stand-in and AWS, as moto has it.

The functions are wired by their own handlers from environment variables, as in Lambda; only the
asynchronous invocation in between is held up, until a test lets the remediator run.
"""

import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import botocore.session
import pytest
from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber

from lambdas.common import aws, clock
from lambdas.common.aws import Call
from lambdas.common.digests import Digests
from lambdas.common.ledger import Ledger
from lambdas.common.record import Record
from lambdas.common.table import Table
from lambdas.finding_handler import handler as finding_handler
from lambdas.finding_handler.batch import NothingTakenError
from lambdas.remediation_handler import handler as remediation_handler
from lambdas.remediator import handler as remediator
from lambdas.remediator import s3
from lambdas.remediator.claims import Claims
from local.slack.fake_slack import FakeSlack
from local.slack.workspace import Message
from tests.lambdas.botocore_calls import one_at_a_time, s3_through, through
from tests.lambdas.events import SIGNING_SECRET, Context, Signed, detail, http_api, macie_event, sqs
from tests.lambdas.ledger_table import LEDGER_INDEXES
from tests.strict_s3 import StrictS3

ACCOUNT, REGION = "123456789012", "us-east-1"
SOURCE, QUARANTINE, KEY = "acme-payments", "acme-quarantine", "2026/pan data+1?.csv"
TABLE, SECRET, CHANNEL = "ledger", "slack", "C0123456789"
METRICS = "MacieChatOps"
APPROVER, OTHER = "U0APPROVER", "U0OTHER"
CARD = b"name,card\nJane,4111111111111111\n"
BOT_TOKEN = "xoxb-test"

AUTO, REVIEW, IGNORE = (
    f"SensitiveData:S3Object/{kind}" for kind in ("Financial", "Personal", "CustomIdentifier")
)


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """An asynchronous invocation, as Lambda's API was asked for it."""

    path: str
    kind: str
    payload: Mapping[str, Any]


@dataclass(kw_only=True)
class Clock:
    """A clock that can be put forward."""

    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        """Answer the test's time."""
        return datetime.now(UTC) + self.ahead


@dataclass(kw_only=True)
class Deployment:
    """What a test sees and does.

    Attributes:
        slack: the channel.
        invocations: those of the remediator that have not been run yet.
        refusal: what Lambda's API answers instead of taking an invocation, by HTTP status.
        s3: a plain client, to put objects and to look.
        strict: the rules of S3, and what was asked of it.
        ledger: the records.
        digests: the digests.
        claims: on keys.
        clock: the functions' time.
        session: makes the functions' clients; hooks go here.
        put_secret: replaces the Slack secret.
        later: after which what one invocation has in hand is free again.
    """

    slack: FakeSlack
    invocations: list[Invocation] = field(default_factory=list)
    refusal: int | None = None
    s3: Any
    strict: StrictS3
    ledger: Ledger
    digests: Digests
    claims: Claims
    clock: Clock
    session: Any
    put_secret: Callable[..., None]
    later: timedelta = timedelta(seconds=61)

    def put(self, kind: str = REVIEW, *, body: bytes = CARD, **more: Any) -> dict[str, Any]:
        """Put an object where Macie finds it; answer the detail of the finding on it."""
        put = self.s3.put_object(Bucket=SOURCE, Key=KEY, Body=body, **more)
        return self.found(kind, put["ETag"].strip('"'), put.get("VersionId", ""), len(body))

    def found(self, kind: str, etag: str, version_id: str, size: int) -> dict[str, Any]:
        """Answer the detail of a finding on the object."""
        found = detail(id=f"finding-{etag[:8]}", type=kind, accountId=ACCOUNT)
        found["resourcesAffected"]["s3Bucket"]["name"] = SOURCE
        found["resourcesAffected"]["s3Object"] |= {
            "key": KEY,
            "eTag": etag,
            "versionId": version_id,
            "size": size,
        }
        return found

    def deliver(self, *details: Any) -> list[str]:
        """Have the finding handler take events off the queue; answer those it gives back."""
        return given_back(
            sqs(*(one if isinstance(one, str) else macie_event(one) for one in details))
        )

    def deliver_at_once(self, times: int, found: Any) -> list[list[str]]:
        """Deliver the same event several times at the same time."""
        with ThreadPoolExecutor(times) as threads:
            return list(threads.map(lambda _: self.deliver(found), range(times)))

    def deliver_all_at_once(self, details: Any) -> list[list[str]]:
        """Deliver several events at the same time."""
        with ThreadPoolExecutor(len(details)) as threads:
            return list(threads.map(self.deliver, details))

    def post(self, event: Mapping[str, Any]) -> int:
        """Hand the remediation handler a request; answer the HTTP status."""
        status: int = remediation_handler.lambda_handler(dict(event), Context())["statusCode"]
        return status

    def click(
        self, action_id: str = "remediate", *, user: str = APPROVER, choice: str | None = None
    ) -> int:
        """Click on the channel's one message; answer the HTTP status."""
        return self.slack.click(self.message.ts, action_id, user, choice=choice)

    def tick(self) -> None:
        """Have the finding handler go through its agenda, as it does every minute."""
        assert not self.tick_fails()

    def remediate(self, *, request_id: str = "request-1") -> None:
        """Run the remediator for every invocation that waits."""
        while self.invocations:
            remediator.lambda_handler(dict(self.invocations.pop(0).payload), Context(request_id))

    def tick_fails(self) -> bool:
        """Have the finding handler go through its agenda; answer whether it failed."""
        event = {"detail-type": "Scheduled Event", "source": "aws.events", "detail": {}}
        return bool(given_back(sqs(event)))

    def queued(self) -> list[str]:
        """Take what the functions themselves put into the queue; answer what it is."""
        return [event["detail-type"] for event in self.taken()]

    def taken(self) -> list[dict[str, Any]]:
        """Take the events that the functions themselves put into the queues."""
        return [*_taken(os.environ["FINDING_QUEUE"]), *_taken(os.environ["AGENDA_QUEUE"])]

    def waiting_in_queue(self) -> int:
        """Count what the functions put on the agenda, those of later included."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed"]
        attributes = plain("sqs").get_queue_attributes(
            QueueUrl=os.environ["AGENDA_QUEUE"], AttributeNames=names
        )["Attributes"]
        return sum(int(attributes[name]) for name in names)

    def deliver_event(self, event: Any) -> list[str]:
        """Have the finding handler take an event off the queue; answer it if it is given back."""
        return given_back(sqs(event))

    def set_variable(self, name: str, value: str) -> None:
        """Deploy the functions again with an environment variable changed."""
        os.environ[name] = value
        _forget_wiring()

    def restart(self) -> None:
        """Start new execution environments, as Lambda does after a crash."""
        _forget_wiring()

    @property
    def is_quiet(self) -> bool:
        """Whether nothing was told in Slack, and no invocation waits."""
        return not self.slack.requests and not self.invocations

    @property
    def message(self) -> Message:
        """The one message in the channel."""
        (message,) = self.slack.messages
        return message

    @property
    def offered(self) -> list[str]:
        """The buttons of the one message."""
        blocks = [block for block in self.message.blocks if block["type"] == "actions"]
        return [element["action_id"] for block in blocks for element in block["elements"]]

    def record(self, found: Mapping[str, Any]) -> Record:
        """Read the record of the finding."""
        return self.ledger.get(found["id"])

    def bodies(self, bucket: str) -> list[bytes]:
        """Read every version in `bucket`, delete markers left out."""
        listed = self.s3.list_object_versions(Bucket=bucket).get("Versions", [])
        places = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in listed]
        return [self.s3.get_object(Bucket=bucket, **one)["Body"].read() for one in places]


def given_back(batch: dict[str, Any]) -> list[str]:
    """Have the finding handler take a batch; answer what the queue will deliver again.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    try:
        answer = finding_handler.lambda_handler(batch, Context())
    except NothingTakenError:
        return [record["messageId"] for record in batch["Records"]]
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


@contextmanager
def deployed(
    *, versioning: str | None = None, approvers: Any = None, **variables: str
) -> Iterator[Deployment]:
    """Deploy, and take down again.

    Args:
        versioning: of the source bucket: None, Enabled or Suspended.
        approvers: the setting.
        variables: other environment variables of the functions.
    """
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        stack.enter_context(mock_aws())
        patch.setattr(BotocoreStubber, "__call__", one_at_a_time())
        slack = stack.enter_context(FakeSlack(bot_token=BOT_TOKEN, signing_secret=SIGNING_SECRET))
        session, time = _session(), Clock()
        strict = StrictS3(plain=plain("s3"), account=ACCOUNT)
        session.register("provide-client-params.s3", strict.remember)
        session.register("before-call.s3", strict.before_call)
        patch.setattr(boto3, "DEFAULT_SESSION", boto3.Session(botocore_session=session))
        patch.setattr(clock, "now", time.now)
        patch.setattr(s3, "service", _s3)
        patch.setattr(aws, "service", lambda name: through(_client(name)))
        _make_resources(versioning)
        one = Deployment(
            slack=slack,
            s3=plain("s3"),
            strict=strict,
            ledger=Ledger(Table(through(plain("dynamodb")), TABLE), lambda _: None),
            digests=Digests(Table(through(plain("dynamodb")), TABLE)),
            claims=Claims(Table(through(plain("dynamodb")), TABLE)),
            clock=time,
            session=session,
            put_secret=_put_secret,
        )
        functions = stack.enter_context(_served(_lambda_api(one)))
        slack.request_url = stack.enter_context(_served(_gateway(one)))
        environment = _environment(slack, approvers or [APPROVER, "U0SECOND"])
        for name, value in {**environment, **variables}.items():
            patch.setenv(name, value)
        patch.setenv("AWS_ENDPOINT_URL_LAMBDA", functions)
        _forget_wiring()
        yield one
        _forget_wiring()


def _environment(slack: FakeSlack, approvers: Any) -> dict[str, str]:
    return {
        "LEDGER_TABLE": TABLE,
        "REMEDIATOR_FUNCTION": "remediator",
        "QUARANTINE_BUCKET": QUARANTINE,
        "QUARANTINE_VERSIONS": "FINDING",
        "MULTIPART_THRESHOLD": "5000000000",
        "SLACK_SECRET": SECRET,
        "SLACK_CHANNEL": CHANNEL,
        "SLACK_API_URL": slack.api_url,
        "SLACK_HOOKS_URL": slack.hooks_url,
        "AUTO_REMEDIATE_CONFIG": json.dumps({AUTO: "AUTO", REVIEW: "REVIEW", IGNORE: "IGNORE"}),
        "AUTO_REMEDIATION_HOURLY_LIMIT": "",
        "MIN_SEVERITY_LEVEL": "LOW",
        "MODE": "LIVE",
        "PROTECTED_BUCKETS": "[]",
        "REMINDER_HOURS": "24",
        "DIGEST_THRESHOLD": "",
        "RECONCILE_HOURS": "6",
        "FINDING_QUEUE": plain("sqs").create_queue(QueueName="findings")["QueueUrl"],
        "AGENDA_QUEUE": plain("sqs").create_queue(QueueName="agenda")["QueueUrl"],
        "APPROVERS": json.dumps(approvers),
        "AWS_DEFAULT_REGION": REGION,
        "POWERTOOLS_METRICS_NAMESPACE": METRICS,
    }


def _taken(url: str) -> list[dict[str, Any]]:
    sqs, events = plain("sqs"), []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            events.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return events


def _client(service: Any, region: str = REGION) -> Any:
    """Make a client with the test's hooks."""
    return boto3.client(service, region_name=region)


@cache
def _s3(region: str) -> Call:
    return s3_through(_client("s3", region))


@cache
def plain(service: Any) -> Any:
    """Make a client without hooks."""
    return boto3.Session(botocore_session=_session()).client(service, region_name=REGION)


@cache
def _loader() -> Any:
    return botocore.session.get_session().get_component("data_loader")


def _session() -> Any:
    """Make a session with hooks of its own, and the service models that are slow to read."""
    session: Any = botocore.session.get_session()
    session.register_component("data_loader", _loader())
    return session


def _forget_wiring() -> None:
    for cached in (
        finding_handler._wiring,
        remediation_handler._wiring,
        remediator._settings,
        remediator._remediation,
        _s3,
    ):
        cached.cache_clear()


def _make_resources(versioning: str | None) -> None:
    for bucket, status in ((SOURCE, versioning), (QUARANTINE, "Enabled")):
        plain("s3").create_bucket(Bucket=bucket)
        if status is not None:
            plain("s3").put_bucket_versioning(
                Bucket=bucket, VersioningConfiguration={"Status": status}
            )
    plain("secretsmanager").create_secret(Name=SECRET, SecretString="{}")
    _put_secret()
    plain("dynamodb").create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        **LEDGER_INDEXES,
    )


def _put_secret(**changes: str) -> None:
    value = {"botToken": BOT_TOKEN, "signingSecret": SIGNING_SECRET, **changes}
    plain("secretsmanager").put_secret_value(SecretId=SECRET, SecretString=json.dumps(value))


@contextmanager
def _served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve on loopback; answer the address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class _Quiet(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def body(self) -> bytes:
        """Read the request's body."""
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self, status: int, **headers: str) -> None:
        """Answer without a body."""
        self.send_response(status)
        for name, value in {"Content-Length": "0", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""


def _lambda_api(one: Deployment) -> type[BaseHTTPRequestHandler]:
    """https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html."""

    class Handler(_Quiet):
        def do_POST(self) -> None:
            payload = json.loads(self.body())
            if one.refusal is not None:
                self.answer(one.refusal, X_Amzn_Errortype="AccessDeniedException")
                return
            kind = self.headers["X-Amz-Invocation-Type"]
            one.invocations.append(Invocation(path=self.path, kind=kind, payload=payload))
            self.answer(202)

    return Handler


def _gateway(one: Deployment) -> type[BaseHTTPRequestHandler]:
    """Hand requests over as an HTTP API does."""

    class Handler(_Quiet):
        def do_POST(self) -> None:
            signed = Signed(body=self.body(), headers=dict(self.headers.items()))
            self.answer(one.post(http_api(signed)))

    return Handler
