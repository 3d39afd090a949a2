"""A click counts only if it is of our app in our workspace, and of whom it is."""

from typing import Any

import pytest
from slack_bolt.request.internals import extract_team_id

from lambdas.common.ledger.record import Status
from lambdas.remediation_handler.interaction import Interaction, parse_interaction
from lambdas.remediation_handler.workspace import Workspace, is_external
from local.slack.clicks import APP, TEAM
from tests.harness.aws import APPROVER
from tests.harness.events import click_payload, form_body, http_api_event, sign
from tests.harness.harness import Harness, start_harness

ORGANIZATION, OTHER = "E0ACME", "T0PARTNER"


def payload(
    *,
    app: str = APP,
    team: dict[str, Any] | None,
    enterprise: dict[str, Any] | None = None,
    user_team: str | None = TEAM,
) -> dict[str, Any]:
    """Return the payload of a click."""
    click = click_payload("f1")
    user = {"id": APPROVER} | ({"team_id": user_team} if user_team else {})
    return click | {"api_app_id": app, "team": team, "enterprise": enterprise, "user": user}


def read(click: dict[str, Any]) -> Interaction:
    """Read a payload as the function does."""
    return parse_interaction(form_body(click))


IN_ORGANIZATION = {"id": TEAM, "enterprise_id": ORGANIZATION, "enterprise_name": "acme"}
ENTERPRISE = {"id": ORGANIZATION, "name": "acme"}

INSTALLED: list[tuple[str, str, dict[str, Any], bool]] = [
    ("in the workspace", TEAM, payload(team={"id": TEAM}), True),
    ("in another workspace", TEAM, payload(team={"id": OTHER}), False),
    ("for another app", TEAM, payload(app="A0OTHER", team={"id": TEAM}), False),
    ("in the workspace of an organization", TEAM, payload(team=IN_ORGANIZATION), True),
    ("for the organization", ORGANIZATION, payload(team=IN_ORGANIZATION), True),
    (
        "for the organization, without a workspace",
        ORGANIZATION,
        payload(team=None, enterprise=ENTERPRISE),
        True,
    ),
    (
        "for the organization, which only the click names",
        ORGANIZATION,
        payload(team={"id": TEAM}, enterprise=ENTERPRISE) | {"is_enterprise_install": True},
        True,
    ),
    (
        "for another organization",
        ORGANIZATION,
        payload(team=None, enterprise={"id": "E0OTHER"}),
        False,
    ),
    (
        "for the organization of our workspace",
        TEAM,
        payload(team=None, enterprise=ENTERPRISE),
        False,
    ),
    (
        "in another workspace that names our organization beside itself",
        ORGANIZATION,
        payload(team={"id": OTHER}, enterprise=ENTERPRISE),
        False,
    ),
]


@pytest.mark.parametrize(
    ("team_id", "click", "expected"),
    [row[1:] for row in INSTALLED],
    ids=[row[0] for row in INSTALLED],
)
def test_a_click_is_of_the_app_as_it_is_installed(
    team_id: str,
    click: dict[str, Any],
    expected: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert Workspace(app_id=APP, team_id=team_id).includes(read(click)) is expected


PEOPLE: list[tuple[str, dict[str, Any], bool]] = [
    ("of the workspace", payload(team={"id": TEAM}), False),
    ("of another workspace", payload(team={"id": TEAM}, user_team=OTHER), True),
    ("of no workspace", payload(team={"id": TEAM}, user_team=None), True),
    ("of the organization", payload(team=IN_ORGANIZATION, user_team=ORGANIZATION), False),
    ("of another organization", payload(team=IN_ORGANIZATION, user_team="E0OTHER"), True),
    (
        "of the organization that installed the app",
        payload(team=None, enterprise=ENTERPRISE, user_team=ORGANIZATION),
        False,
    ),
    ("of a partner", payload(team=None, enterprise=ENTERPRISE, user_team=OTHER), True),
]


@pytest.mark.parametrize(
    ("click", "expected"), [row[1:] for row in PEOPLE], ids=[row[0] for row in PEOPLE]
)
def test_a_person_is_external_unless_the_workspace_or_organization_is_theirs(
    click: dict[str, Any],
    expected: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert is_external(read(click)) is expected


@pytest.mark.parametrize("click", [row[2] for row in INSTALLED if row[2]["team"]])
def test_the_workspace_is_the_one_that_slacks_own_library_reads(click: dict[str, Any]) -> None:
    assert extract_team_id(click) in read(click).workspaces


@pytest.mark.parametrize("ids", [("", TEAM), (APP, ""), (None, TEAM), (APP, None), (APP, 1)])
def test_without_ids_the_function_does_not_start(ids: tuple[Any, Any]) -> None:
    with pytest.raises(TypeError):
        Workspace(app_id=ids[0], team_id=ids[1])


@pytest.fixture(name="detail")
def _detail(harness: Harness) -> dict[str, Any]:
    """The detail of Macie's event about a finding that waits for a decision."""
    detail = harness.report_object()
    harness.deliver(detail)
    harness.slack.requests.clear()
    return detail


FOREIGN = [
    {"api_app_id": "A0OTHER"},
    {"team": {"id": OTHER}},
    {"team": IN_ORGANIZATION | {"id": OTHER}},
]


@pytest.mark.parametrize("change", FOREIGN)
def test_a_click_of_another_app_or_workspace_is_unauthorized(
    harness: Harness, detail: dict[str, Any], change: dict[str, Any]
) -> None:
    before = harness.record(detail)
    click = click_payload(detail["id"], seen=before.seen_state) | change
    assert harness.post_request(http_api_event(sign(form_body(click)))) == 401
    assert harness.record(detail) == before
    assert harness.is_quiet


@pytest.mark.parametrize("kind", ["view_submission", "message_action", "shortcut", "", None, 1])
def test_what_is_no_click_is_a_bad_request(
    harness: Harness, detail: dict[str, Any], kind: object
) -> None:
    before = harness.record(detail)
    click = click_payload(detail["id"], seen=before.seen_state) | {"type": kind}
    assert harness.post_request(http_api_event(sign(form_body(click)))) == 400
    assert harness.record(detail) == before


def external(harness: Harness, detail: Any, user: str) -> dict[str, Any]:
    """Return the click of a person of another workspace, with whom the channel is shared."""
    click = click_payload(detail["id"], seen=harness.record(detail).seen_state, user=user)
    click["user"]["team_id"] = OTHER
    return http_api_event(sign(form_body(click)))


def test_a_person_of_another_workspace_decides_if_listed(
    harness: Harness, detail: dict[str, Any]
) -> None:
    assert harness.post_request(external(harness, detail, APPROVER)) == 200
    assert harness.record(detail).decision.by == APPROVER


def test_where_anyone_in_the_channel_may_decide_people_of_other_workspaces_may_not() -> None:
    with start_harness(approvers="ANYONE_IN_CHANNEL") as harness:
        detail = harness.report_object()
        harness.deliver(detail)
        assert harness.post_request(external(harness, detail, "U0PARTNER")) == 200
        record = harness.record(detail)
        assert record.status is Status.AWAITING_REVIEW
        assert record.history[-1].is_refused
        assert "of another workspace" in record.history[-1].reason
        harness.run_remediator()
        (reply,) = harness.slack.ephemerals
        assert "of this workspace" in reply.text


@pytest.mark.usefixtures("detail")
def test_the_function_reads_the_signing_secret_and_not_the_bot_token(harness: Harness) -> None:
    names: list[str] = []
    harness.register(
        "provide-client-params.secretsmanager.GetSecretValue",
        lambda params, **_: names.append(params["SecretId"]),
    )
    harness.restart()
    harness.faults.reset()
    assert harness.click() == 200
    assert names == ["slack-signing-secret"]


def test_before_the_secret_is_set_forged_requests_cost_no_more_than_after(
    harness: Harness,
) -> None:
    event = http_api_event(sign(form_body(click_payload("f1")), secret="forged"))
    harness.restart()
    harness.faults.reset()
    for _ in range(20):
        assert harness.post_request(event) == 401
    after = harness.faults.calls.count("GetSecretValue")
    harness.put_secret(signingSecret="")
    harness.restart()
    harness.faults.reset()
    for _ in range(20):
        with pytest.raises(Exception, match="put signingSecret into"):
            harness.post_request(event)
    assert harness.faults.calls.count("GetSecretValue") <= after
