"""A click is read for what it is, and for nothing else."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.common.actions import DISMISSALS, option
from lambdas.remediation_handler.interaction import Interaction, MalformedRequestError, Request
from tests.lambdas.events import click, form, load


def test_a_click_says_who_clicked_what_where_and_how_to_answer() -> None:
    payload = load("slack/block_actions.json")
    assert Interaction.from_body(form(payload)) == Interaction(
        action_id="remediate",
        subject="4ed45d06c9b94506ab7f18a57f00aa11",
        choice=None,
        user="U0APPROVER",
        channel="C0123456789",
        response_url="https://hooks.slack.com/actions/T01ABCDEF/1234567890/abcdefghijklmnop",
    )


def test_a_click_on_a_link_is_a_click_too() -> None:
    interaction = Interaction.from_body(form(load("slack/url_button.json")))
    assert interaction.action_id == "open_in_macie"


@pytest.mark.parametrize("url", [None, ""])
def test_a_click_may_come_without_a_callback(url: str | None) -> None:
    assert Interaction.from_body(form(click("f1", response_url=url))).response_url is None


def chosen(value: object) -> dict[str, Any]:
    """Make the payload of a choice from the menu of reasons to dismiss."""
    payload = click("unused", action_id="dismiss")
    action = {"type": "static_select", "action_id": "dismiss", "selected_option": {"value": value}}
    return payload | {"actions": [action]}


@pytest.mark.parametrize("choice", DISMISSALS)
def test_a_choice_says_which_reason_and_which_finding(choice: str) -> None:
    interaction = Interaction.from_body(form(chosen(option(choice, "f1"))))
    assert (interaction.choice, interaction.subject) == (choice, "f1")


@pytest.mark.parametrize("value", ["", "f1", "no_reason f1", "false_positive ", 7, None])
def test_a_choice_that_is_not_offered_is_malformed(value: object) -> None:
    with pytest.raises(MalformedRequestError):
        Interaction.from_body(form(chosen(value)))


@given(finding_id=st.text(min_size=1), user=st.text(min_size=1))
def test_any_text_comes_through_the_form(finding_id: str, user: str) -> None:
    interaction = Interaction.from_body(form(click(finding_id, user=user)))
    assert (interaction.subject, interaction.user) == (finding_id, user)


@given(body=st.binary())
def test_any_other_body_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedRequestError):
        Interaction.from_body(body)


@given(body=st.text(), is_encoded=st.booleans())
def test_a_request_is_read_or_malformed(body: str, *, is_encoded: bool) -> None:
    try:
        Request.from_api_gateway({"body": body, "isBase64Encoded": is_encoded})
    except MalformedRequestError:
        assert is_encoded
