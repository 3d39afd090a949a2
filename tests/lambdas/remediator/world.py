"""A world for one remediation: AWS in the process, behind S3's own rules, and a small Slack."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any
from unittest import mock

import boto3
from botocore.config import Config
from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber
from moto.s3 import models as s3_models

from lambdas.common import aws, clock, http
from lambdas.common.aws import Call
from lambdas.common.finding import Finding
from lambdas.common.http import Answer
from lambdas.common.ledger import Ledger
from lambdas.common.record import Record, Status
from lambdas.common.table import Table
from lambdas.remediator import handler, s3
from tests.lambdas.botocore_calls import one_at_a_time, s3_through, through
from tests.lambdas.ledger_table import LEDGER_INDEXES
from tests.lambdas.remediator.stand_ins import CHANNEL, Clock, Killer, Slack
from tests.strict_s3 import StrictS3, guarded_session

ACCOUNT = "123456789012"
MIB = 1024 * 1024
SOURCE, QUARANTINE, TABLE = "acme-finance", "acme-quarantine", "ledger"


@dataclass(kw_only=True, repr=False)
class World:
    """Buckets, ledger, secret and Slack, with the remediator wired to them."""

    s3: Any
    strict: StrictS3
    slack: Slack
    ledger: Ledger
    killer: Killer
    clock: Clock
    guarded: Any

    def put(self, body: bytes, *, key: str = "pan data+1?.csv", **more: Any) -> Finding:
        """Put an object where Macie saw it; answer the finding on it."""
        answer = self.s3.put_object(Bucket=SOURCE, Key=key, Body=body, **more)
        return finding_on(key, answer["ETag"].strip('"'), answer.get("VersionId"), len(body))

    def open(self, finding: Finding, status: Status = Status.REMEDIATING) -> None:
        """Write the finding's first record."""
        self.ledger.open(Record.opened(finding, status, reason="configured", now=clock.now()))

    def run(self, finding: Finding, *, request_id: str = "request", click: bool = False) -> None:
        """Run the remediator as Lambda does."""
        url = f"{self.slack.url}actions/1" if click else None
        event = {"finding_id": finding.id, "response_url": url}
        handler.lambda_handler(event, _Context(request_id))

    def decide(self, finding: Finding, status: Status) -> None:
        """Have an approver step the finding's record on."""

        def decided(record: Record) -> Record:
            return record.with_status(status, by="U1", reason="clicked", now=clock.now())

        self.ledger.change(finding.id, decided)

    def remediated(self, finding: Finding) -> Record:
        """Open the finding, move its object, and answer the record."""
        self.open(finding)
        self.run(finding)
        return self.record(finding)

    def retried(self, finding: Finding, status: Status = Status.REMEDIATING) -> Record:
        """Have an approver decide so, run the remediator, and answer the record."""
        self.decide(finding, status)
        self.run(finding)
        return self.record(finding)

    def restored(self, finding: Finding) -> Record:
        """Have an approver restore the object, and answer the record."""
        return self.retried(finding, Status.RESTORING)

    @property
    def shown(self) -> str:
        """The text of the one message in the channel."""
        (message,) = self.slack.posted.values()
        text: str = message["text"]
        return text

    def bodies(self, bucket: str) -> list[bytes]:
        """Read every version in `bucket`, oldest first for one key."""
        return [
            self.s3.get_object(Bucket=bucket, Key=key, VersionId=version)["Body"].read()
            for key, version in reversed(self.versions(bucket))
        ]

    @contextmanager
    def before(self, operation: str, happen: Callable[..., None]) -> Iterator[None]:
        """Have something happen each time before S3 is asked for `operation`."""
        event = f"provide-client-params.s3.{operation}"
        self.guarded.meta.events.register(event, happen)
        try:
            yield
        finally:
            self.guarded.meta.events.unregister(event, happen)

    def record(self, finding: Finding) -> Record:
        """Read the finding's record."""
        return self.ledger.get(finding.id)

    def versions(self, bucket: str) -> list[tuple[str, str]]:
        """List the versions in `bucket` as (key, version id), delete markers left out."""
        found = self.s3.list_object_versions(Bucket=bucket).get("Versions", [])
        return [(one["Key"], one["VersionId"]) for one in found]


@contextmanager
def world(
    *, versioned: bool, threshold: int = 5_000_000_000, wanted: str = "FINDING"
) -> Iterator[World]:
    """Make a world, and take it down again."""
    shared = _shared()
    killer, time = Killer(), Clock()
    shared.slack.posted.clear()
    shared.slack.told.clear()
    strict = StrictS3(plain=shared.s3, account=ACCOUNT)
    shared.strict, shared.killer = strict, killer
    with (
        mock.patch.dict("os.environ", _environment(shared.slack, threshold, wanted)),
        mock.patch.object(clock, "now", time.now),
        mock.patch.object(s3, "service", shared.s3_call),
        mock.patch.object(http, "request", _counted(shared)),
        mock.patch.object(aws, "service", lambda name: through(shared.client(name))),
        mock_aws(),
        # S3's least is 5 MiB; what is smaller is copied in parts just the same, and faster.
        mock.patch.object(s3_models, "S3_UPLOAD_PART_MIN_SIZE", MIB),
        mock.patch.object(BotocoreStubber, "__call__", one_at_a_time()),
    ):
        _make_resources(shared, versioned=versioned)
        _forget_wiring()
        ledger = Ledger(Table(through(shared.dynamodb), TABLE), lambda _: None)
        yield World(
            s3=shared.s3,
            strict=strict,
            slack=shared.slack,
            ledger=ledger,
            killer=killer,
            clock=time,
            guarded=shared.client("s3"),
        )


class _Shared:
    """What is slow to make, made once: clients with the rules, clients without, and Slack."""

    def __init__(self) -> None:
        with mock.patch.dict("os.environ", _CREDENTIALS):
            plain = boto3.Session()
            self.s3: Any = plain.client("s3", config=_BY_PATH)
            self.dynamodb: Any = plain.client("dynamodb")
            self.secrets: Any = plain.client("secretsmanager")
            self.slack = Slack()
            self.strict = StrictS3(plain=self.s3, account=ACCOUNT)
            self.killer = Killer()
            guarded = guarded_session()
            guarded.register("provide-client-params", self._before)
            guarded.register("after-call", self._after)
            guarded.register("provide-client-params.s3", self._asked)
            guarded.register("before-call.s3", self._ruled)
            guarded.register("after-call.s3", self._corrected)
            # Behind moto, which has done by then what was asked for.
            emitter = guarded.get_component("event_emitter")
            emitter.register_last("before-send", self._answered)
            # moto forgets boto3's default session whenever it starts.
            self.session: Any = boto3.DEFAULT_SESSION
            self._clients: dict[tuple[str, str], Any] = {}
            self._s3: dict[str, Call] = {}
            for name in ("s3", "dynamodb", "secretsmanager"):
                self.client(name)

    def client(self, service: str, region: str = "us-east-1") -> Any:
        """Answer the client that a function of ours gets."""
        named = service, region
        if named not in self._clients:
            make = self.session.client
            self._clients[named] = make(service, config=_BY_PATH, region_name=region)
        return self._clients[named]

    def s3_call(self, region: str) -> Call:
        """Answer what asks S3, as a function of ours gets it."""
        if region not in self._s3:
            self._s3[region] = s3_through(self.client("s3", region))
        return self._s3[region]

    def _before(self, model: Any, context: dict[str, Any], **_: Any) -> None:
        context["number"] = self.killer.before(model.name)

    def _after(self, context: dict[str, Any], **_: Any) -> None:
        self.killer.done(context["number"])

    def _answered(self, event_name: str, **_: Any) -> None:
        if ".s3." in event_name:
            self.killer.answered()

    def _asked(self, **event: Any) -> None:
        self.strict.remember(**event)

    def _ruled(self, **event: Any) -> Any:
        return self.strict.before_call(**event)

    def _corrected(self, **event: Any) -> None:
        self.strict.after_call(**event)


@cache
def _shared() -> _Shared:
    return _Shared()


# moto takes a key that begins with a slash for a host, unless the bucket stands before it.
_BY_PATH = Config(s3={"addressing_style": "path"})

_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
}


def _environment(slack: Slack, threshold: int, wanted: str) -> dict[str, str]:
    return {
        "LEDGER_TABLE": TABLE,
        "QUARANTINE_BUCKET": QUARANTINE,
        "QUARANTINE_VERSIONS": wanted,
        "MULTIPART_THRESHOLD": str(threshold),
        "SLACK_SECRET": "slack",
        "SLACK_CHANNEL": CHANNEL,
        "SLACK_API_URL": f"{slack.url}api/",
        "SLACK_HOOKS_URL": slack.url,
        "MODE": "LIVE",
        "POWERTOOLS_METRICS_NAMESPACE": "MacieChatOps",
        **_CREDENTIALS,
    }


def finding_on(key: str, etag: str, version_id: str | None, size: int) -> Finding:
    """Make a finding as Macie would on that object."""
    return Finding.from_macie(
        {
            "id": f"finding-{etag[:12]}-{version_id or 'none'}",
            "accountId": ACCOUNT,
            "region": "us-east-1",
            "type": "SensitiveData:S3Object/Financial",
            "category": "CLASSIFICATION",
            "severity": {"score": 3, "description": "High"},
            "createdAt": "2026-11-20T22:22:05.000Z",
            "resourcesAffected": {
                "s3Bucket": {"name": SOURCE},
                "s3Object": {"key": key, "eTag": etag, "versionId": version_id, "size": size},
            },
        }
    )


@dataclass(frozen=True)
class _Context:
    aws_request_id: str
    function_name: str = "remediator"
    memory_limit_in_mb: int = 1024
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:remediator"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


def _forget_wiring() -> None:
    for cached in (handler._settings, handler._remediation):
        cached.cache_clear()


def _make_resources(shared: _Shared, *, versioned: bool) -> None:
    enabled = {"Status": "Enabled"}
    for bucket in (SOURCE, QUARANTINE):
        shared.s3.create_bucket(Bucket=bucket)
        if versioned or bucket == QUARANTINE:
            shared.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=enabled)
    text = json.dumps({"botToken": "xoxb-test", "signingSecret": "secret"})
    shared.secrets.create_secret(Name="slack", SecretString=text)
    shared.dynamodb.create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        **LEDGER_INDEXES,
    )


def _counted(shared: _Shared) -> Callable[..., Answer]:
    """Count Slack's calls as well."""
    plainly = http.request

    def request(method: str, url: str, **more: Any) -> Answer:
        number = shared.killer.before(f"Slack {url.rsplit('/', 1)[-1]}")
        answer: Answer = plainly(method, url, **more)
        shared.killer.done(number)
        return answer

    return request
