"""AWS in this process: moto, its resources, and the boto3 clients that the functions make.

The functions make their clients as they do in Lambda. Two things are done for speed: the clients
are made once and shared by all tests, and each test puts its own hooks on them.
"""

import io
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, Literal
from urllib.parse import urlparse

import boto3
import botocore.endpoint
import botocore.session
import pytest
from botocore.client import BaseClient
from botocore.config import Config
from botocore.response import StreamingBody
from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber
from moto.s3 import models as s3_models
from moto.sqs.models import sqs_backends

ACCOUNT, REGION = "123456789012", "us-east-1"
SOURCE, QUARANTINE = "acme-payments", "acme-quarantine"
KEY = "2026/pan data+1?.csv"
CARD = b"name,card\nJane,4111111111111111\n"
MIB = 1024 * 1024
TABLE = "ledger"
SIGNING_SECRET_ID, BOT_TOKEN_ID = "slack-signing-secret", "slack-bot-token"
QUARANTINE_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
REMEDIATOR_FUNCTION, REMEDIATION_QUEUE = "remediator", "remediations"
METRICS_NAMESPACE = "MacieChatOps"
CHANNEL, APPROVER, OTHER_USER = "C0123456789", "U0APPROVER", "U0OTHER"
BOT_TOKEN = "xoxb-test"
AUTO, REVIEW, IGNORE = (
    f"SensitiveData:S3Object/{name}" for name in ("Financial", "Personal", "CustomIdentifier")
)
LEASE_EXPIRY = timedelta(seconds=61)
"""After this time, no invocation that died holds anything."""

Position = Literal["first", "middle", "last"]


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response, as far as botocore looks at it."""

    status_code: int


def response(parsed: Mapping[str, Any], *, status: int = 200) -> tuple[Response, dict[str, Any]]:
    """Return what a hook on `before-call` returns to respond in the place of AWS."""
    return Response(status), dict(parsed)


def error_response(
    status: int, code: str, message: str = "refused by the test"
) -> tuple[Response, dict[str, Any]]:
    """Return what a hook on `before-call` returns to refuse a request in the place of AWS."""
    error = {"Code": code, "Message": message}
    return response({"Error": error, "ResponseMetadata": {"HTTPStatusCode": status}}, status=status)


def empty_body() -> StreamingBody:
    """Return the payload of a response that has none."""
    return StreamingBody(io.BytesIO(), 0)


class FunctionClients:
    """The clients that the functions of one harness use, and the hooks on them."""

    def __init__(self) -> None:
        self._hooks: list[tuple[str, Callable[..., Any], Position]] = []
        self._clients: list[BaseClient] = []
        _use(self)

    def register(
        self, event: str, handler: Callable[..., Any], position: Position = "middle"
    ) -> None:
        """Call `handler` for botocore's `event` of every client."""
        self._hooks.append((event, handler, position))
        for client in self._clients:
            _register(client, event, handler, position)

    def unregister(self, event: str, handler: Callable[..., Any]) -> None:
        """Stop calling `handler`."""
        self._hooks = [hook for hook in self._hooks if hook[:2] != (event, handler)]
        for client in self._clients:
            client.meta.events.unregister(event, handler)

    def add(self, client: BaseClient) -> None:
        """Put the hooks on another client."""
        self._clients.append(client)
        for event, handler, position in self._hooks:
            _register(client, event, handler, position)

    def close(self) -> None:
        """Take all hooks off all clients."""
        for event, handler, _ in list(self._hooks):
            self.unregister(event, handler)
        _use(None)


def _register(
    client: BaseClient, event: str, handler: Callable[..., Any], position: Position
) -> None:
    events = client.meta.events
    {"first": events.register_first, "middle": events.register, "last": events.register_last}[
        position
    ](event, handler)


class _Shared:
    """All clients so far, by the arguments they were made with, and who hooks into them now."""

    clients: dict[str, BaseClient] = {}  # noqa: RUF012 - shared by all sessions
    hooks: FunctionClients | None = None
    lock = threading.RLock()


def _use(hooks: FunctionClients | None) -> None:
    _Shared.hooks = hooks
    if hooks:
        for client in _Shared.clients.values():
            hooks.add(client)


class _FunctionSession(botocore.session.Session):
    """A session that makes each client once: it takes longer than the requests of most tests."""

    def create_client(self, service_name: str, *args: Any, **kwargs: Any) -> Any:
        key = repr([service_name, args, {name: _plain(kwargs[name]) for name in sorted(kwargs)}])
        with _Shared.lock:
            if key not in _Shared.clients:
                client = super().create_client(service_name, *args, **kwargs)
                _Shared.clients[key] = client
                if _Shared.hooks:
                    _Shared.hooks.add(client)
            return _Shared.clients[key]


def _plain(value: object) -> object:
    return sorted(vars(value).items(), key=str) if isinstance(value, Config) else value


@cache
def _default_session() -> boto3.Session:
    return boto3.Session(botocore_session=_prepared(_FunctionSession()))


def _new_session(**arguments: Any) -> boto3.Session:
    if not arguments:
        return _default_session()
    return boto3.Session(botocore_session=_prepared(_FunctionSession()), **arguments)


def _prepared(session: Any) -> Any:
    """Give `session` the service models that are slow to read, and addresses that moto reads."""
    session.register_component("data_loader", _loader())
    # moto takes a key that begins with a slash for a host, unless the bucket is before it.
    session.set_default_client_config(Config(s3={"addressing_style": "path"}))
    return session


@cache
def _loader() -> Any:
    return botocore.session.get_session().get_component("data_loader")


@cache
def plain_client(service: Any) -> Any:
    """Return a client without hooks, to prepare a test and to look."""
    session = _prepared(botocore.session.Session())
    return boto3.Session(botocore_session=session).client(service, region_name=REGION)


@cache
def plain_table() -> Any:
    """Return the ledger's table, without hooks."""
    session = _prepared(botocore.session.Session())
    return boto3.Session(botocore_session=session).resource("dynamodb", REGION).Table(TABLE)


@contextmanager
def fake_aws() -> Iterator[FunctionClients]:
    """Start an empty AWS; yield the clients that the functions make in it."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        # moto has just forgotten boto3's default session; Powertools makes a session of its own.
        patch.setattr(boto3, "DEFAULT_SESSION", _default_session())
        patch.setattr(boto3.session, "Session", _new_session)
        patch.setattr(BotocoreStubber, "__call__", _one_request_at_a_time())
        # Between two attempts of one request.
        patch.setattr(botocore.endpoint, "time", _NoPauses)
        # S3's minimum is 5 MiB; smaller parts are copied the same way, and faster.
        patch.setattr(s3_models, "S3_UPLOAD_PART_MIN_SIZE", MIB)
        clients = FunctionClients()
        try:
            yield clients
        finally:
            clients.close()


class _NoPauses:
    @staticmethod
    def sleep(seconds: float) -> None:
        """Return at once."""


def _one_request_at_a_time() -> Callable[..., Any]:
    """Return moto's entry with a lock: where a transaction fails, moto undoes all other writes."""
    lock, entry = threading.Lock(), BotocoreStubber.__call__

    def handle(self: Any, *args: Any, **kwargs: Any) -> Any:
        with lock:
            return entry(self, *args, **kwargs)

    return handle


def create_resources(versioning: str | None, secrets: Mapping[str, str]) -> dict[str, str]:
    """Create what the stack has, with `versioning` for the source bucket.

    Args:
        versioning: None, Enabled or Suspended.
        secrets: the values of the Slack secrets, by their names.

    Returns:
        The environment variables that name the resources to the functions.
    """
    _create_bucket(SOURCE, versioning)
    _create_bucket(QUARANTINE, "Enabled", can_lock=True)
    for name, value in secrets.items():
        plain_client("secretsmanager").create_secret(Name=name, SecretString=value)
    plain_client("dynamodb").create_table(TableName=TABLE, **_TABLE_SCHEMA)
    return {
        "ACCOUNT_ID": ACCOUNT,
        "LEDGER_TABLE": TABLE,
        "QUARANTINE_BUCKET": QUARANTINE,
        "QUARANTINE_KEY": QUARANTINE_KEY,
        "REMEDIATOR_FUNCTION": REMEDIATOR_FUNCTION,
        "SLACK_BOT_TOKEN": BOT_TOKEN_ID,
        "SLACK_SIGNING_SECRET": SIGNING_SECRET_ID,
        "FINDING_QUEUE": _create_queue("findings"),
        "REMEDIATION_QUEUE": _create_queue(REMEDIATION_QUEUE),
        "TASK_QUEUE": _create_queue("tasks"),
    }


# Buckets and queues are created without a request: every test would wait for it.


def _create_bucket(name: str, versioning: str | None, *, can_lock: bool = False) -> None:
    moto = s3_models.s3_backends[ACCOUNT]["aws"]
    bucket = moto.create_bucket(name, REGION)
    bucket.object_lock_enabled = can_lock
    if versioning is not None:
        moto.put_bucket_versioning(name, versioning)


def _create_queue(name: str) -> str:
    queue = sqs_backends[ACCOUNT][REGION].create_queue(name, {})
    return str(queue.url(urlparse(plain_client("sqs").meta.endpoint_url)))


def _key(name: str, kind: Literal["HASH", "RANGE"]) -> dict[str, str]:
    return {"AttributeName": name, "KeyType": kind}


def queued_remediations() -> list[str]:
    """Return the bodies of all messages in the remediation queue, and leave them there."""
    queue = sqs_backends[ACCOUNT][REGION].queues[REMEDIATION_QUEUE]
    return [str(message.body) for message in queue._messages]  # noqa: SLF001


# The table as stacks/ledger.py has it.
_TABLE_SCHEMA: dict[str, Any] = {
    "KeySchema": [_key("id", "HASH")],
    "AttributeDefinitions": [
        {"AttributeName": "due_at", "AttributeType": "N"},
        *(
            {"AttributeName": name, "AttributeType": "S"}
            for name in ("id", "object_id", "due_for", "digest_id", "digest_status")
        ),
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "byObject",
            "KeySchema": [_key("object_id", "HASH")],
            "Projection": {"ProjectionType": "ALL"},
        },
        {
            "IndexName": "byDueTime",
            "KeySchema": [_key("due_for", "HASH"), _key("due_at", "RANGE")],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        },
        {
            "IndexName": "byDigest",
            "KeySchema": [_key("digest_id", "HASH"), _key("digest_status", "RANGE")],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["summary"]},
        },
    ],
    "BillingMode": "PAY_PER_REQUEST",
}
