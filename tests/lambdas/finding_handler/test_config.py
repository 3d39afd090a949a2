"""The finding handler's settings: what is wrong stops the function and acts on nothing."""

from datetime import timedelta
from typing import Any

import pytest

from lambdas.common.finding import Severity
from lambdas.common.ledger.brakes import AutomaticLimits
from lambdas.finding_handler.config import Settings
from lambdas.finding_handler.policy import Action, RemediationPolicy
from tests.harness.strategies import TYPES

QUARANTINE = "acme-quarantine"
FINANCIAL = "SensitiveData:S3Object/Financial"


def settings(**values: Any) -> Settings:
    """Return valid settings but for `values`."""
    valid: dict[str, Any] = {
        "slack_channel": "C0123456789",
        "slack_api_url": "https://slack.com/api/",
        "approvers": ["U0123456789"],
        "auto_remediate_config": {},
        "auto_remediation_hourly_limit": 100,
        "auto_remediation_bucket_hourly_limit": 50,
        "min_severity_level": "LOW",
        "digest_threshold": 30,
        "protected_buckets": [],
        "reconcile_hours": None,
        "reminder_hours": 24,
    }
    return Settings(**(valid | values))


def policy(**values: Any) -> RemediationPolicy:
    return settings(**values).policy(quarantine_bucket=QUARANTINE)


def test_the_settings_define_the_policy() -> None:
    actions = {FINANCIAL: "AUTO", TYPES[0]: "IGNORE"}
    defined = policy(
        auto_remediate_config=actions, min_severity_level="MEDIUM", protected_buckets=["acme-*"]
    )
    assert defined == RemediationPolicy(
        actions={FINANCIAL: Action.AUTO, TYPES[0]: Action.IGNORE},
        minimum_severity=Severity.MEDIUM,
        quarantine_bucket=QUARANTINE,
        protected_buckets=("acme-*",),
    )


@pytest.mark.parametrize("action", ["auto", "REMEDIATE", "", "AUT0", None, 1])
def test_a_misspelt_action_stops_the_function(action: object) -> None:
    with pytest.raises(ValueError, match="is not a valid Action"):
        policy(auto_remediate_config={FINANCIAL: action})


@pytest.mark.parametrize("actions", ["AUTO", [], None])
def test_actions_that_are_not_a_map_stop_the_function(actions: object) -> None:
    with pytest.raises(TypeError):
        policy(auto_remediate_config=actions)


@pytest.mark.parametrize("severity", ["low", "", "CRITICAL", None, 1])
def test_a_misspelt_severity_stops_the_function(severity: object) -> None:
    with pytest.raises((KeyError, TypeError)):
        policy(min_severity_level=severity)


@pytest.mark.parametrize("protected", ["acme-payments", "", {}, [1], None])
def test_protected_buckets_that_are_not_a_list_of_names_stop_the_function(
    protected: object,
) -> None:
    with pytest.raises(TypeError):
        policy(protected_buckets=protected)


LIMITS = ["auto_remediation_hourly_limit", "auto_remediation_bucket_hourly_limit"]


def test_each_hourly_limit_is_a_number_or_off() -> None:
    assert settings().limits == AutomaticLimits(total=100, per_bucket=50)
    assert settings(**dict.fromkeys(LIMITS, "OFF")).limits == AutomaticLimits()


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("limit", [0, -1, "none", "off", "", "5", None, True, 1.5])
def test_an_hourly_limit_that_limits_nothing_stops_the_function(name: str, limit: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        _ = settings(**{name: limit}).limits


@pytest.mark.parametrize(("hours", "expected"), [(6, 24), (24, 96), (None, 96)])
def test_reconciliation_looks_back_over_three_runs_that_failed(
    hours: int | None, expected: int
) -> None:
    window = settings(reconcile_hours=hours).reconciliation_window
    assert window == timedelta(hours=expected)
