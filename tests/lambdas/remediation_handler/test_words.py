"""Whatever AWS does to a click, the person reads what became of the decision."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from lambdas.common import clock
from lambdas.common.digests.digest import digest_id_for
from lambdas.common.ledger.record import Record, Status
from lambdas.common.ledger.table import ConflictError
from lambdas.common.slack.actions import option_value
from lambdas.remediation_handler import clicks
from lambdas.remediation_handler.services import ClickTooSlowError, services
from local.slack.workspace import Response
from tests.harness import aws
from tests.harness.aws import APPROVER, CARD, OTHER_USER, SOURCE
from tests.harness.events import click_payload, finding, form_body, http_api_event, sign
from tests.harness.harness import Harness
from tests.lambdas.remediation_handler.test_stale_clicks import bulk_event


@pytest.fixture
def detail(harness: Harness) -> dict[str, Any]:
    """The detail of Macie's event about a finding that waits for a decision."""
    detail = harness.report_object()
    harness.deliver(detail)
    harness.slack.requests.clear()
    return detail


def response_url(harness: Harness) -> str:
    """Return a callback URL that the fake Slack knows: that of a click that changed nothing."""
    harness.click("open_in_macie")
    name = next(reversed(harness.slack._response_urls))  # noqa: SLF001 - no click tells it
    return f"{harness.slack.hooks_url}actions/{name}"


def click(harness: Harness, detail: Any, error: type[Exception], **fields: Any) -> list[str]:
    """Click while AWS fails; return what the person reads before the response to the click."""
    event = harness.click_event(detail, response_url=response_url(harness), **fields)
    with pytest.raises(error):
        harness.post_request(event)
    return [reply.text for reply in harness.slack.ephemerals]


def refuse(harness: Harness, operation: str, status: int = 400, **only: Any) -> None:
    """Let AWS refuse an operation, as `service.Operation`."""

    def respond(**_: Any) -> Any:
        return aws.error_response(status, only.get("code", "AccessDeniedException"))

    harness.register(f"before-call.{operation}", respond)


def lose(harness: Harness, operation: str) -> None:
    """Let AWS do what is requested, and lose every response."""

    def fail(event_name: str, **_: Any) -> None:
        if event_name == f"before-send.{operation}":
            raise ReadTimeoutError(endpoint_url="https://amazonaws.com")

    # On all operations: then it is called after moto's hook, which does what is requested.
    harness.clients.register("before-send", fail, "last")


def test_what_the_ledger_cannot_read_is_not_recorded(
    harness: Harness, detail: dict[str, Any]
) -> None:
    event = harness.click_event(detail, response_url=response_url(harness))
    refuse(harness, "dynamodb.GetItem")
    with pytest.raises(ClientError):
        harness.post_request(event)
    (text,) = [reply.text for reply in harness.slack.ephemerals]
    assert "Nothing was done" in text
    assert harness.record(detail).status is Status.AWAITING_REVIEW
    assert harness.invocations == []


def test_what_the_ledger_refuses_is_not_recorded_and_not_done(
    harness: Harness, detail: dict[str, Any]
) -> None:
    refuse(harness, "dynamodb.PutItem")
    (text,) = click(harness, detail, ClientError)
    assert "did not record your decision" in text
    assert harness.record(detail).status is Status.AWAITING_REVIEW
    harness.run_remediator()
    assert harness.bodies(SOURCE) == [CARD]


def test_what_others_keep_writing_is_not_recorded(
    harness: Harness, detail: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def conflict(*_: Any) -> None:
        raise ConflictError("busy")

    event = harness.click_event(detail, response_url=response_url(harness))
    monkeypatch.setattr("lambdas.common.ledger.store.Ledger.update", conflict)
    with pytest.raises(ConflictError):
        harness.post_request(event)
    assert "did not record your decision" in harness.slack.ephemerals[0].text


def test_a_write_without_a_response_is_unknown_and_the_message_shows_what_is_in_the_ledger(
    harness: Harness, detail: dict[str, Any]
) -> None:
    lose(harness, "dynamodb.PutItem")
    (text,) = click(harness, detail, ReadTimeoutError)
    assert "not known whether your decision was recorded" in text
    assert "the message shows it" in text
    # The write arrived all the same, and the remediator acts on what the ledger has.
    assert harness.record(detail).status is Status.REMEDIATING
    assert [item.payload["finding_id"] for item in harness.invocations] == [detail["id"]]


def test_a_decision_that_is_recorded_but_not_started_starts_later(
    harness: Harness, detail: dict[str, Any]
) -> None:
    harness.invocation_refusal = 403
    (text,) = click(harness, detail, ClientError)
    assert "Your decision was recorded" in text
    record = harness.record(detail)
    assert record.status is Status.REMEDIATING
    assert record.check_at is not None


def test_a_dismissal_that_nothing_showed_is_shown_by_the_next_scheduled_tasks(
    harness: Harness, detail: dict[str, Any]
) -> None:
    harness.invocation_refusal = 403
    payload = click_payload(detail["id"], action_id="dismiss")
    value = option_value("accepted_risk", detail["id"], harness.record(detail).seen_state)
    payload["actions"][0] |= {"selected_option": {"value": value}}
    with pytest.raises(ClientError):
        harness.post_request(http_api_event(sign(form_body(payload))))
    assert "please decide" in harness.message.text
    harness.clock.ahead = 2 * services().show_after
    harness.run_scheduled_tasks()
    assert "Finding dismissed" in harness.message.text
    assert harness.record(detail).due_at is None


def test_a_refusal_that_cannot_be_handed_on_is_said_at_once(
    harness: Harness, detail: dict[str, Any]
) -> None:
    harness.invocation_refusal = 403
    (text,) = click(harness, detail, ClientError, user=OTHER_USER)
    assert text.startswith("Only approvers may decide")


def test_aws_that_is_too_slow_leaves_time_for_words(
    harness: Harness, detail: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    event = harness.click_event(detail, response_url=response_url(harness))
    monkeypatch.setattr("lambdas.remediation_handler.services._LATEST_REQUEST_SECONDS", 0.2)

    def wait(**_: Any) -> None:
        time.sleep(0.3)

    harness.register("before-call.dynamodb.GetItem", wait)
    with pytest.raises(ClickTooSlowError):
        harness.post_request(event)
    assert "did not record your decision" in harness.slack.ephemerals[0].text
    assert harness.record(detail).status is Status.AWAITING_REVIEW


def test_words_take_no_longer_than_half_a_second(
    harness: Harness, detail: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = response_url(harness)
    release = threading.Event()

    def never(*_: Any) -> bool:
        return release.wait(10)

    monkeypatch.setattr("lambdas.common.slack.response_url.ResponseUrl.reply_privately", never)
    refuse(harness, "dynamodb.PutItem")
    event = harness.click_event(detail, response_url=url)
    began = time.monotonic()
    with pytest.raises(ClientError):
        harness.post_request(event)
    assert time.monotonic() - began < clicks.REPLY_TIME.total_seconds() + 0.3
    release.set()


@pytest.mark.parametrize(
    "url", [None, "https://evil.example/actions/1", "{hooks}services/T1/B1/1", "{hooks}api/x"]
)
def test_words_go_to_slacks_callback_urls_only(
    harness: Harness, detail: dict[str, Any], url: str | None
) -> None:
    refuse(harness, "dynamodb.PutItem")
    address = url.format(hooks=harness.slack.hooks_url) if url else None
    with pytest.raises(ClientError):
        harness.post_request(harness.click_event(detail, response_url=address))
    assert harness.slack.ephemerals == ()
    assert "response_url" not in harness.slack.requests


def test_the_function_calls_the_callback_url_and_nothing_else_of_slack(
    harness: Harness, detail: dict[str, Any]
) -> None:
    def refuse_all(_: str, _proceed: Callable[[], Response]) -> Response:
        raise AssertionError("the Web API was called")

    harness.slack.interceptor = refuse_all
    refuse(harness, "dynamodb.PutItem")
    assert len(click(harness, detail, ClientError)) == 1
    assert [reply.user for reply in harness.slack.ephemerals] == [APPROVER]
    assert harness.slack.requests == ["response_url"]


def test_a_bulk_action_that_is_recorded_is_due_in_the_same_write(harness: Harness) -> None:
    """Whatever fails afterwards, the next scheduled tasks carry it out."""
    now = clock.now()
    digest_id = digest_id_for(finding(), now=now)
    record = Record.create(
        finding(), Status.AWAITING_REVIEW, reason="configured", now=now, digest_id=digest_id
    )
    harness.digests.mark_changed(harness.ledger.create(record), now=now)
    harness.digests.postpone(digest_id, until=now.replace(year=now.year + 1))
    refuse(harness, "sqs.SendMessage", code="AccessDenied")
    with pytest.raises(ClientError):
        harness.post_request(bulk_event(digest_id))
    (item,) = [item for item in harness.table.scan()["Items"] if item["id"] == digest_id]
    assert int(item["due_at"]) <= clock.now().timestamp()
