"""A click is read completely, and nothing else is accepted as a click."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.common.slack.actions import DISMISSALS, option_value
from lambdas.remediation_handler.interaction import (
    Interaction,
    MalformedRequestError,
    parse_interaction,
    raw_body,
)
from tests.harness.events import SLACK_EVENTS, click_payload, form_body, load_event


def test_an_interaction_has_the_values_of_its_payload() -> None:
    payload = load_event(SLACK_EVENTS / "block_actions.json")
    assert parse_interaction(form_body(payload)) == Interaction(
        action_id="remediate",
        subject_id="4ed45d06c9b94506ab7f18a57f00aa11",
        seen="",
        choice=None,
        user="U0APPROVER",
        user_team="T01ABCDEF",
        app_id="A01ABCDEF",
        workspaces=frozenset({"T01ABCDEF"}),
        clicked_at="1763900123.194939",
        channel="C0123456789",
        response_url="https://hooks.slack.com/actions/T01ABCDEF/1234567890/abcdefghijklmnop",
    )


def test_a_click_on_a_link_is_a_click_too() -> None:
    interaction = parse_interaction(form_body(load_event(SLACK_EVENTS / "url_button.json")))
    assert interaction.action_id == "open_in_macie"


@pytest.mark.parametrize("url", [None, ""])
def test_a_click_may_have_no_callback_url(url: str | None) -> None:
    assert parse_interaction(form_body(click_payload("f1", response_url=url))).response_url is None


def chosen(value: object) -> dict[str, Any]:
    """Return the payload of a choice from the menu of reasons to dismiss."""
    payload = click_payload("unused", action_id="dismiss")
    action = {"type": "static_select", "action_id": "dismiss", "selected_option": {"value": value}}
    return payload | {"actions": [payload["actions"][0] | action]}


@pytest.mark.parametrize("choice", DISMISSALS)
def test_a_choice_names_the_reason_and_the_finding(choice: str) -> None:
    interaction = parse_interaction(form_body(chosen(option_value(choice, "f1", "s1"))))
    assert (interaction.choice, interaction.subject_id) == (choice, "f1")
    assert interaction.seen == "s1"


@pytest.mark.parametrize("value", ["", "f1", "no_reason f1", "false_positive ", 7, None])
def test_a_choice_that_the_menu_does_not_offer_is_malformed(value: object) -> None:
    with pytest.raises(MalformedRequestError):
        parse_interaction(form_body(chosen(value)))


@given(finding_id=st.text(min_size=1), user=st.text(min_size=1))
def test_every_text_passes_through_the_form(finding_id: str, user: str) -> None:
    interaction = parse_interaction(form_body(click_payload(finding_id, user=user)))
    assert (interaction.subject_id, interaction.user) == (finding_id, user)


@given(body=st.binary())
def test_every_other_body_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedRequestError):
        parse_interaction(body)


@given(body=st.text(), is_encoded=st.booleans())
def test_a_body_is_decoded_or_malformed(body: str, *, is_encoded: bool) -> None:
    try:
        raw_body(body, is_base64=is_encoded)
    except MalformedRequestError:
        assert is_encoded
