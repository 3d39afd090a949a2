"""The clients of the click path: made in the init phase, and quick enough for Slack."""

import importlib
import json
import random
import socket
import time
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import botocore.endpoint
import pytest
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from botocore.exceptions import BotoCoreError, ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambdas.common.ledger.record import Record, Status
from lambdas.remediation_handler import handler
from lambdas.remediation_handler.services import ClickTooSlowError, services
from local.slack.clicks import APP, TEAM
from tests.harness.aws import APPROVER, CHANNEL, METRICS_NAMESPACE
from tests.harness.events import (
    LambdaContext,
    click_payload,
    finding,
    form_body,
    http_api_event,
    sign,
)
from tests.harness.harness import Harness
from tests.lambdas.remediation_handler.slow_aws import (
    CONNECT_TIMEOUT,
    READ_TIMEOUT,
    FakeTime,
    Reaction,
    SlowAws,
)

SLACK_WAITS_SECONDS = 3
OPERATIONS = ["GetSecretValue", "GetItem", "PutItem", "Invoke"]
FAILURES = (BotoCoreError, ClientError, GetParameterError, ClickTooSlowError)

NEVER = Reaction(respond=60)
LATE = Reaction(connect=CONNECT_TIMEOUT, respond=READ_TIMEOUT)
LATE_ERROR = Reaction(connect=CONNECT_TIMEOUT, respond=READ_TIMEOUT, status=500)


def record() -> Record:
    """Return the record of a finding that waits for a decision."""
    now = finding().created_at
    return Record.create(finding(), Status.AWAITING_REVIEW, reason="as configured", now=now)


def click() -> int:
    """Click on the finding; return the HTTP status of the response."""
    payload = click_payload(record().finding.id, seen=record().seen_state)
    event = http_api_event(sign(form_body(payload)))
    status: int = handler.lambda_handler(event, LambdaContext())["statusCode"]
    return status


@pytest.fixture
def _function(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Configure the function, without moto."""
    values = {
        "slackChannel": CHANNEL,
        "slackAppId": APP,
        "slackTeamId": TEAM,
        "slackHooksUrl": "https://hooks.slack.com/",
        "approvers": [APPROVER],
        "reminderHours": "OFF",
    }
    settings_file = tmp_path / "settings.json"
    settings_file.write_text(json.dumps(values))
    monkeypatch.setenv("SETTINGS_FILE", str(settings_file))
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", METRICS_NAMESPACE)
    for name in ("LEDGER_TABLE", "REMEDIATOR_FUNCTION", "SLACK_SIGNING_SECRET", "TASK_QUEUE"):
        monkeypatch.setenv(name, f"https://{name.lower()}.example/")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    services.cache_clear()
    yield
    services.cache_clear()


@cache
def _session() -> boto3.Session:
    """Return a session that reads each service's model once."""
    return boto3.Session()


def click_while_slow(reactions: dict[str, list[Reaction]]) -> tuple[int | None, SlowAws]:
    """Click while AWS is slow; return the HTTP status, None for an error, and what AWS saw."""
    services.cache_clear()
    aws = SlowAws(record=record(), time=FakeTime(), reactions=reactions)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lambdas.remediation_handler.services.time", aws.time)
        patch.setattr(botocore.endpoint, "time", aws.time)
        patch.setattr(random, "random", lambda: 1.0)  # botocore's longest pause
        patch.setattr(boto3, "DEFAULT_SESSION", _session())
        events: Any = _session().events
        events.register("before-send", aws.respond)
        try:
            status = click()
        except FAILURES:
            status = None
        events.unregister("before-send", aws.respond)
    assert aws.time.now < SLACK_WAITS_SECONDS
    return status, aws


@pytest.mark.usefixtures("_function")
def test_a_click_succeeds_although_every_request_is_slow() -> None:
    status, aws = click_while_slow({name: [Reaction(respond=0.4)] for name in OPERATIONS})
    assert status == 200
    assert aws.requests == Counter(OPERATIONS)


@pytest.mark.usefixtures("_function")
@pytest.mark.parametrize("slow", OPERATIONS)
@pytest.mark.parametrize("reaction", [NEVER, Reaction(connect=60), Reaction(status=500)])
def test_a_request_that_fails_is_sent_a_second_time(slow: str, reaction: Reaction) -> None:
    status, aws = click_while_slow({slow: [reaction]})
    assert status == 200
    assert aws.requests == Counter([*OPERATIONS, slow])


@pytest.mark.usefixtures("_function")
@pytest.mark.parametrize("slow", OPERATIONS)
@pytest.mark.parametrize("reaction", [NEVER, LATE_ERROR])
def test_a_click_fails_in_time_if_a_service_does_not_recover(slow: str, reaction: Reaction) -> None:
    status, aws = click_while_slow({slow: [reaction] * 10})
    assert status is None
    assert aws.requests[slow] in (1, 2)


@pytest.mark.usefixtures("_function")
@pytest.mark.parametrize("first", [NEVER, LATE, LATE_ERROR])
def test_a_click_ends_in_time_if_every_request_succeeds_as_late_as_possible(
    first: Reaction,
) -> None:
    click_while_slow({name: [first, LATE] for name in OPERATIONS})


REACTIONS = st.builds(
    Reaction,
    connect=st.sampled_from([0, 0.1, CONNECT_TIMEOUT, 60]),
    respond=st.sampled_from([0, 0.3, READ_TIMEOUT, 60]),
    status=st.sampled_from([200, 500, 503, 429]),
)


@pytest.mark.usefixtures("_function")
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.dictionaries(st.sampled_from(OPERATIONS), st.lists(REACTIONS, max_size=4)))
def test_a_click_ends_in_time_however_aws_reacts(reactions: dict[str, list[Reaction]]) -> None:
    click_while_slow(reactions)


@pytest.mark.usefixtures("_function")
def test_a_server_that_does_not_respond_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any fake: the timeouts are those of real connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.getsockname()[1]}")
        began = time.monotonic()
        with pytest.raises(GetParameterError, match=r"Read timeout|too slow"):
            click()
        assert 2 * READ_TIMEOUT < time.monotonic() - began < SLACK_WAITS_SECONDS


@pytest.mark.usefixtures("harness")
def test_the_clients_for_a_digest_give_up_as_early_as_the_others() -> None:
    table, sqs = services().ledger.table.meta.client, services().task_queue.client
    configs: list[Any] = [table.meta.config, sqs.meta.config]
    limits = [(config.connect_timeout, config.read_timeout) for config in configs]
    assert limits == [(CONNECT_TIMEOUT, READ_TIMEOUT)] * 2


def test_all_clients_are_made_in_the_init_phase(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert harness.is_quiet
    importlib.reload(handler)
    assert services.cache_info().currsize == 0
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
    importlib.reload(handler)
    assert services.cache_info().currsize == 1
