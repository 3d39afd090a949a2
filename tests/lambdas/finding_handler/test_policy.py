"""The remediation policy: nine severities and thresholds, and every doubt to review."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.common.finding import Finding, Severity
from lambdas.finding_handler.environment import Environment
from lambdas.finding_handler.policy import Action, RemediationPolicy
from tests.lambdas.events import finding
from tests.lambdas.strategies import TYPES, findings

QUARANTINE = "acme-quarantine"
FINANCIAL = "SensitiveData:S3Object/Financial"


def policy(
    actions: dict[str, Action] | None = None, minimum: Severity = Severity.LOW
) -> RemediationPolicy:
    return RemediationPolicy(
        actions={FINANCIAL: Action.AUTO} if actions is None else actions,
        minimum_severity=minimum,
        quarantine_bucket=QUARANTINE,
    )


# The original system's table: a finding below the threshold is ignored, any other is acted on.
NINE = [
    (Severity.LOW, Severity.LOW, Action.AUTO),
    (Severity.LOW, Severity.MEDIUM, Action.IGNORE),
    (Severity.LOW, Severity.HIGH, Action.IGNORE),
    (Severity.MEDIUM, Severity.LOW, Action.AUTO),
    (Severity.MEDIUM, Severity.MEDIUM, Action.AUTO),
    (Severity.MEDIUM, Severity.HIGH, Action.IGNORE),
    (Severity.HIGH, Severity.LOW, Action.AUTO),
    (Severity.HIGH, Severity.MEDIUM, Action.AUTO),
    (Severity.HIGH, Severity.HIGH, Action.AUTO),
]


@pytest.mark.parametrize(
    ("severity", "minimum", "expected"), NINE, ids=[f"{row[0].name}-{row[1].name}" for row in NINE]
)
def test_a_finding_below_the_minimum_severity_is_ignored_and_no_other(
    severity: Severity, minimum: Severity, expected: Action
) -> None:
    decision = policy(minimum=minimum).decide(finding(severity={"score": severity.value}))
    assert decision.action is expected
    if expected is Action.IGNORE:
        assert severity.name in decision.reason
        assert minimum.name in decision.reason


TABLE = [
    ("a type is treated as configured", finding(), {FINANCIAL: Action.AUTO}, Action.AUTO),
    ("reviewed if so configured", finding(), {FINANCIAL: Action.REVIEW}, Action.REVIEW),
    ("ignored if so configured", finding(), {FINANCIAL: Action.IGNORE}, Action.IGNORE),
    ("a type without an action is reviewed", finding(), {}, Action.REVIEW),
    (
        "a type that Macie may have tomorrow is reviewed",
        finding(type="SensitiveData:S3Object/Genetic"),
        {FINANCIAL: Action.AUTO},
        Action.REVIEW,
    ),
    (
        "types are matched as they are written",
        finding(type=FINANCIAL.lower()),
        {FINANCIAL: Action.AUTO},
        Action.REVIEW,
    ),
    (
        "without a severity nobody acts alone",
        finding(severity=None),
        {FINANCIAL: Action.AUTO},
        Action.REVIEW,
    ),
    (
        "without a severity what is ignored stays so",
        finding(severity=None),
        {FINANCIAL: Action.IGNORE},
        Action.IGNORE,
    ),
    (
        "what is archived in Macie is ignored",
        finding(archived=True),
        {FINANCIAL: Action.AUTO},
        Action.IGNORE,
    ),
    (
        "a sample goes the whole way",
        finding("sample-financial.json"),
        {FINANCIAL: Action.AUTO},
        Action.AUTO,
    ),
]


@pytest.mark.parametrize(
    ("on", "actions", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_the_policy(on: Finding, actions: dict[str, Action], expected: Action) -> None:
    assert policy(actions).decide(on).action is expected


def test_the_quarantine_bucket_is_never_acted_on() -> None:
    """Macie scans it too: acting on it would never end."""
    on = finding()
    own = RemediationPolicy(
        actions={FINANCIAL: Action.AUTO},
        minimum_severity=Severity.LOW,
        quarantine_bucket=on.object.bucket,
    )
    assert own.decide(on).action is Action.IGNORE


@given(on=findings(), minimum=st.sampled_from(Severity), action=st.sampled_from(Action))
def test_every_decision_has_a_reason_and_a_missing_severity_hides_nothing(
    on: Finding, minimum: Severity, action: Action
) -> None:
    actions = dict.fromkeys(TYPES, action)
    decision = policy(actions, minimum).decide(on)
    assert decision.reason
    if on.severity is None and not on.is_archived and action is not Action.IGNORE:
        assert decision.action is Action.REVIEW


def environment(
    config: object, severity: str = "LOW", *, protected: str = "[]", limit: str = ""
) -> Environment:
    return Environment(
        ledger_table="",
        remediator_function="",
        quarantine_bucket=QUARANTINE,
        slack_secret="",
        slack_channel="",
        slack_api_url="",
        auto_remediate_config=json.dumps(config),
        auto_remediation_hourly_limit=limit,
        min_severity_level=severity,
        protected_buckets=protected,
        approvers="[]",
        reminder_hours="",
        digest_threshold="",
        reconcile_hours="",
        finding_queue="",
        agenda_queue="",
    )


def test_the_environment_spells_the_policy_out() -> None:
    read = environment({FINANCIAL: "AUTO", TYPES[0]: "IGNORE"}, "MEDIUM").policy
    assert read.actions == {FINANCIAL: Action.AUTO, TYPES[0]: Action.IGNORE}
    assert read.minimum_severity is Severity.MEDIUM
    assert read.quarantine_bucket == QUARANTINE


@pytest.mark.parametrize("action", ["auto", "REMEDIATE", "", "AUT0"])
def test_a_misspelt_action_stops_the_function_and_acts_on_nothing(action: str) -> None:
    with pytest.raises(ValueError, match="is not a valid Action"):
        _ = environment({FINANCIAL: action}).policy


@pytest.mark.parametrize("severity", ["low", "", "CRITICAL"])
def test_a_misspelt_severity_stops_the_function(severity: str) -> None:
    with pytest.raises(KeyError):
        _ = environment({}, severity).policy


@pytest.mark.parametrize("protected", ['"acme-payments"', '""', "{}", "[1]", "null", "", "acme"])
def test_protected_buckets_that_are_no_list_stop_the_function(protected: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        _ = environment({}, protected=protected).policy


@pytest.mark.parametrize("limit", ["0", "-1", "none"])
def test_an_hourly_limit_that_is_none_stops_the_function(limit: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        _ = environment({}, limit=limit).hourly_limit
