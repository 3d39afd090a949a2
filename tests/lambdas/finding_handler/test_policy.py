"""The remediation policy: nine pairs of severities, and a review wherever there is doubt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.common.finding import Finding, Severity
from lambdas.finding_handler.policy import Action, RemediationPolicy
from tests.harness.events import finding
from tests.harness.strategies import TYPES, findings

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
def test_only_a_finding_below_the_minimum_severity_is_ignored(
    severity: Severity, minimum: Severity, expected: Action
) -> None:
    decision = policy(minimum=minimum).decide(finding(severity={"score": severity.value}))
    assert decision.action is expected
    if expected is Action.IGNORE:
        assert severity.name in decision.reason
        assert minimum.name in decision.reason


TABLE = [
    ("a type is treated as configured", finding(), {FINANCIAL: Action.AUTO}, Action.AUTO),
    (
        "a type is reviewed if that is configured",
        finding(),
        {FINANCIAL: Action.REVIEW},
        Action.REVIEW,
    ),
    (
        "a type is ignored if that is configured",
        finding(),
        {FINANCIAL: Action.IGNORE},
        Action.IGNORE,
    ),
    ("a type without an action is reviewed", finding(), {}, Action.REVIEW),
    (
        "a type that Macie adds later is reviewed",
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
        "without a severity nothing is remediated automatically",
        finding(severity=None),
        {FINANCIAL: Action.AUTO},
        Action.REVIEW,
    ),
    (
        "without a severity an ignored type stays ignored",
        finding(severity=None),
        {FINANCIAL: Action.IGNORE},
        Action.IGNORE,
    ),
    (
        "a finding that is archived in Macie is ignored",
        finding(archived=True),
        {FINANCIAL: Action.AUTO},
        Action.IGNORE,
    ),
    (
        "a sample is treated like any other finding",
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
    """Macie scans it too: each copy would be a new finding."""
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
