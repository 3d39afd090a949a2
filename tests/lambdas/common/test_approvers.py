"""Who may decide, and how they are named to who may not."""

import json
from typing import Any

import pytest

from lambdas.common.approvers import Approvers

HERE, ELSEWHERE = "C0123456789", "C0ELSEWHERE"

TABLE = [
    ("an approver in the channel may", ["U1", "U2"], "U1", HERE, True),
    ("an approver elsewhere may not", ["U1", "U2"], "U1", ELSEWHERE, False),
    ("another in the channel may not", ["U1", "U2"], "U3", HERE, False),
    ("nobody is an approver by a part of a name", ["U12"], "U1", HERE, False),
    ("in an empty list is nobody", [], "U1", HERE, False),
    ("anyone in the channel may, if so configured", "ANYONE_IN_CHANNEL", "U9", HERE, True),
    ("anyone elsewhere may not", "ANYONE_IN_CHANNEL", "U9", ELSEWHERE, False),
]


def approvers(setting: Any) -> Approvers:
    """Read the setting as the function does."""
    return Approvers.from_setting(json.dumps(setting), channel=HERE)


@pytest.mark.parametrize(
    ("setting", "user", "channel", "expected"),
    [row[1:] for row in TABLE],
    ids=[row[0] for row in TABLE],
)
def test_who_may_decide(setting: Any, user: str, channel: str, expected: bool) -> None:  # noqa: FBT001
    assert approvers(setting).include(user, channel=channel) is expected


def test_approvers_are_named_as_mentions_and_anyone_as_the_channel() -> None:
    assert approvers(["U2", "U1"]).named() == "<@U1>, <@U2>"
    assert approvers("ANYONE_IN_CHANNEL").named() == f"anyone in <#{HERE}>"


def test_who_clicked_elsewhere_is_told_where() -> None:
    assert approvers(["U1"]).refusal(channel=HERE) == "Only approvers may decide: <@U1>."
    refusal = approvers(["U1"]).refusal(channel=ELSEWHERE)
    assert refusal == f"Only approvers may decide: <@U1>, and only in <#{HERE}>."
    anyone = approvers("ANYONE_IN_CHANNEL").refusal(channel=ELSEWHERE)
    assert anyone == f"Only approvers may decide: anyone in <#{HERE}>."
