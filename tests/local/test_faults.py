"""A plan makes the same faults again, and Slack's faults look like Slack's."""

from collections.abc import Callable

import pytest

from local import faults
from local.faults import BROKEN, KINDS, LOST, THROTTLED, Plan
from local.slack.workspace import Response

SUCCESS = Response(status=200, body={"ok": True})


def test_a_plan_makes_the_same_faults_again() -> None:
    first, second = (Plan(seed=3, rate=0.5) for _ in range(2))
    kinds = [first.next("s3") for _ in range(100)]
    assert kinds == [second.next("s3") for _ in range(100)]
    assert set(KINDS) <= set(kinds)
    assert first.made.total() == sum(kind is not None for kind in kinds)


def test_a_plan_without_a_rate_makes_no_faults() -> None:
    assert [Plan().next("s3") for _ in range(100)] == [None] * 100


def test_the_first_request_to_each_service_has_a_fault() -> None:
    plan = Plan(rate=0.000_001)
    assert None not in [plan.next(service) for service in ("s3", "lambda", "Slack")]
    assert [plan.next("s3") for _ in range(100)] == [None] * 100


def intercept(kind: str, proceed: Callable[[], Response] = lambda: SUCCESS) -> Response:
    return faults.slack_faults(Plan(rate=1, kinds=(kind,)))("chat.update", proceed)


def test_slacks_faults_have_the_status_that_slack_sends() -> None:
    assert (intercept(THROTTLED).status, intercept(THROTTLED).retry_after) == (429, 1)
    assert intercept(BROKEN).status == 500


def test_a_call_is_done_before_its_response_is_lost() -> None:
    calls = []

    def proceed() -> Response:
        calls.append(1)
        return SUCCESS

    assert intercept(LOST, proceed).status == 504
    assert calls == [1]


def test_messages_above_the_rate_are_refused() -> None:
    interceptor = faults.slack_faults(Plan(), seconds_per_message=60)
    assert interceptor("chat.postMessage", lambda: SUCCESS) == SUCCESS
    assert interceptor("chat.postMessage", lambda: SUCCESS).status == 429
    assert interceptor("chat.update", lambda: SUCCESS) == SUCCESS


@pytest.mark.parametrize(
    ("authorization", "service"),
    [
        ("AWS4-HMAC-SHA256 Credential=AK/20261123/us-east-1/s3/aws4_request, Signed", "s3"),
        ("", "unknown"),
    ],
)
def test_the_service_is_read_from_the_signature(authorization: str, service: str) -> None:
    assert faults.signed_service(authorization) == service
