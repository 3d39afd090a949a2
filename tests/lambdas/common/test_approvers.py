"""Who may decide, and how the approvers are named to others."""

from typing import Any

import pytest

from lambdas.common.approvers import Approvers

HERE, ELSEWHERE = "C0123456789", "C0ELSEWHERE"

TABLE = [
    ("an approver in the channel may", ["U1", "U2"], "U1", HERE, True),
    ("an approver elsewhere may not", ["U1", "U2"], "U1", ELSEWHERE, False),
    ("another person in the channel may not", ["U1", "U2"], "U3", HERE, False),
    ("a part of an approver's id is not enough", ["U12"], "U1", HERE, False),
    ("anyone in the channel may, if so configured", "ANYONE_IN_CHANNEL", "U9", HERE, True),
    ("anyone elsewhere may not", "ANYONE_IN_CHANNEL", "U9", ELSEWHERE, False),
]
EXTERNAL = [
    ("who is listed", ["U1", "U2"], "U1", HERE, True),
    ("who is not listed", ["U1", "U2"], "U3", HERE, False),
    ("in another channel", ["U1", "U2"], "U1", ELSEWHERE, False),
    ("where anyone in the channel may", "ANYONE_IN_CHANNEL", "U9", HERE, False),
]


def approvers(setting: object) -> Approvers:
    """Read the setting as the functions do."""
    return Approvers.from_setting(setting, channel=HERE)


@pytest.mark.parametrize(
    ("setting", "user", "channel", "expected"),
    [row[1:] for row in TABLE],
    ids=[row[0] for row in TABLE],
)
def test_who_may_decide(setting: Any, user: str, channel: str, expected: bool) -> None:  # noqa: FBT001
    assert approvers(setting).include(user, channel=channel, is_external=False) is expected


@pytest.mark.parametrize(
    ("setting", "user", "channel", "expected"),
    [row[1:] for row in EXTERNAL],
    ids=[row[0] for row in EXTERNAL],
)
def test_a_person_of_another_workspace_may_decide_only_if_listed(
    setting: Any,
    user: str,
    channel: str,
    expected: bool,  # noqa: FBT001
) -> None:
    assert approvers(setting).include(user, channel=channel, is_external=True) is expected


@pytest.mark.parametrize("setting", [None, [], "U1", "anyone", [1], {"U1": True}, True])
def test_nobody_is_an_approver_by_a_wrong_setting(setting: object) -> None:
    with pytest.raises(TypeError):
        approvers(setting)


def test_approvers_are_mentioned_by_id_and_anyone_as_the_channel() -> None:
    assert approvers(["U2", "U1"]).mention() == "<@U1>, <@U2>"
    assert approvers("ANYONE_IN_CHANNEL").mention() == f"anyone in <#{HERE}>"


def refusal(setting: object, channel: str, *, is_external: bool = False) -> str:
    """Return what a person reads who may not decide."""
    return approvers(setting).refusal(channel=channel, is_external=is_external)


def test_a_refusal_names_the_channel_to_a_person_who_clicked_elsewhere() -> None:
    assert refusal(["U1"], HERE) == "Only approvers may decide: <@U1>."
    assert refusal(["U1"], ELSEWHERE) == f"Only approvers may decide: <@U1>, and only in <#{HERE}>."
    anyone = refusal("ANYONE_IN_CHANNEL", ELSEWHERE)
    assert anyone == f"Only approvers may decide: anyone in <#{HERE}>."


def test_a_refusal_says_why_to_a_person_of_another_workspace() -> None:
    assert "of this workspace" in refusal("ANYONE_IN_CHANNEL", HERE, is_external=True)
    assert refusal(["U1"], HERE, is_external=True) == refusal(["U1"], HERE)
