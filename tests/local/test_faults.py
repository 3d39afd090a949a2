"""Faults are made by a plan that can be repeated."""

from collections.abc import Callable

import pytest

from local import faults
from local.faults import BROKEN, KINDS, LOST, THROTTLED, Plan
from local.slack.workspace import Answer

GOOD = Answer(status=200, body={"ok": True})


def test_a_plan_makes_the_same_faults_again() -> None:
    one, other = (Plan(seed=3, rate=0.5) for _ in range(2))
    kinds = [one.next("s3") for _ in range(100)]
    assert kinds == [other.next("s3") for _ in range(100)]
    assert set(KINDS) <= set(kinds)
    assert one.made.total() == sum(kind is not None for kind in kinds)


def test_a_plan_without_a_rate_makes_none() -> None:
    assert [Plan().next("s3") for _ in range(100)] == [None] * 100


def test_chance_leaves_no_service_out() -> None:
    plan = Plan(rate=0.000_001)
    assert None not in [plan.next(one) for one in ("s3", "lambda", "Slack")]
    assert [plan.next("s3") for _ in range(100)] == [None] * 100


def answered(kind: str, proceed: Callable[[], Answer] = lambda: GOOD) -> Answer:
    return faults.moody(Plan(rate=1, kinds=(kind,)))("chat.update", proceed)


def test_slacks_moods_are_those_of_slack() -> None:
    assert (answered(THROTTLED).status, answered(THROTTLED).retry_after) == (429, 1)
    assert answered(BROKEN).status == 500


def test_a_lost_answer_is_of_something_that_was_done() -> None:
    done = []

    def proceed() -> Answer:
        done.append(1)
        return GOOD

    assert answered(LOST, proceed).status == 504
    assert done == [1]


def test_more_messages_than_one_a_second_are_refused() -> None:
    mood = faults.moody(Plan(), seconds_a_message=60)
    assert mood("chat.postMessage", lambda: GOOD) == GOOD
    assert mood("chat.postMessage", lambda: GOOD).status == 429
    assert mood("chat.update", lambda: GOOD) == GOOD


@pytest.mark.parametrize(
    ("authorization", "service"),
    [
        ("AWS4-HMAC-SHA256 Credential=AK/20261123/us-east-1/s3/aws4_request, Signed", "s3"),
        ("", "unknown"),
    ],
)
def test_a_signature_tells_which_service_is_asked(authorization: str, service: str) -> None:
    assert faults._service(authorization) == service
