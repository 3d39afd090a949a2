"""AWS as slow as a test wants it, and a clock that only its slowness and botocore's pauses move."""

import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from boto3.dynamodb.types import TypeSerializer
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from lambdas.common.ledger.record import Record
from lambdas.common.ledger.store import _item
from lambdas.remediation_handler.services import _CONFIG
from tests.harness.events import SIGNING_SECRET

_LIMITS: Any = _CONFIG
CONNECT_TIMEOUT: float = _LIMITS.connect_timeout
READ_TIMEOUT: float = _LIMITS.read_timeout


@dataclass
class FakeTime:
    """Stands in for the module `time`."""

    now: float = 0

    def monotonic(self) -> float:
        """Return the time, in seconds."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


@dataclass(frozen=True, kw_only=True)
class Reaction:
    """How AWS reacts to an attempt: seconds until it is connected, until it responds, and how."""

    connect: float = 0
    respond: float = 0
    status: int = 200


@dataclass(kw_only=True)
class SlowAws:
    """What a click on `record` needs of AWS.

    Attributes:
        record: the finding's record in the ledger.
        time: passes while a client waits.
        reactions: for each operation, to its first attempt, its second, and so on; at once if
            there is none.
        requests: counts the attempts.
    """

    record: Record
    time: FakeTime
    reactions: Mapping[str, list[Reaction]]
    requests: Counter[str] = field(default_factory=Counter)

    def respond(self, request: AWSPreparedRequest, event_name: str, **_: Any) -> AWSResponse:
        """Respond to a request that a client of the function is about to send."""
        operation = event_name.rpartition(".")[2]
        reactions = self.reactions.get(operation, [])[self.requests[operation] :]
        reaction = reactions[0] if reactions else Reaction()
        self.requests[operation] += 1
        self._wait(reaction, request.url)
        content = self._content(operation) if reaction.status == 200 else b"{}"
        return AWSResponse(request.url, reaction.status, HTTPHeaders(), _RawBody(content))

    def _wait(self, reaction: Reaction, url: str) -> None:
        self.time.sleep(min(reaction.connect, CONNECT_TIMEOUT))
        if reaction.connect > CONNECT_TIMEOUT:
            raise ConnectTimeoutError(endpoint_url=url)
        self.time.sleep(min(reaction.respond, READ_TIMEOUT))
        if reaction.respond > READ_TIMEOUT:
            raise ReadTimeoutError(endpoint_url=url)

    def _content(self, operation: str) -> bytes:
        secret = {"signingSecret": SIGNING_SECRET}
        contents: dict[str, Any] = {
            "GetSecretValue": {"SecretString": json.dumps(secret)},
            "GetItem": {"Item": TypeSerializer().serialize(_item(self.record))["M"]},
        }
        return json.dumps(contents.get(operation, {})).encode()


class _RawBody(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        """Yield the body, as urllib3 does."""
        yield self.read()
