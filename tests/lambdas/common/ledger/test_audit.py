"""The metrics of each transition, and that they reach the log in CloudWatch's format."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from lambdas.common.dispatch import SCHEDULED_EVENT
from lambdas.common.ledger.audit import log_transition
from lambdas.common.ledger.record import REMEDIATOR, Record, Status
from tests.harness.aws import METRICS_NAMESPACE
from tests.harness.events import finding
from tests.harness.harness import Harness

NOW = finding().created_at + timedelta(seconds=90)


@pytest.fixture
def metrics(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[Record], dict[str, float]]:
    """Log a transition, and return its metrics."""
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", METRICS_NAMESPACE)

    def metrics(record: Record) -> dict[str, float]:
        capsys.readouterr()
        log_transition(record)
        return {name: line[name][0] for line in _emf_lines(capsys) for name in _names(line)}

    return metrics


def _emf_lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    lines = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    return [line for line in lines if "_aws" in line]


def _names(line: dict[str, Any]) -> list[str]:
    return [metric["Name"] for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]]


def new_record(status: Status, **changes: Any) -> Record:
    """Return a first record."""
    arguments: dict[str, Any] = {"reason": "why", "now": NOW, **changes}
    return Record.create(finding(), status, **arguments)


def test_a_finding_is_counted_by_type_and_decision(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", METRICS_NAMESPACE)
    log_transition(new_record(Status.AWAITING_REVIEW))
    (line,) = _emf_lines(capsys)
    assert _names(line) == ["Findings"]
    assert (line["Findings"], line["Type"]) == ([1], finding().type)
    assert line["Decision"] == "AWAITING_REVIEW"


def test_the_time_from_finding_to_decision_and_to_quarantine_is_measured(
    metrics: Callable[[Record], dict[str, float]],
) -> None:
    waiting = new_record(Status.AWAITING_REVIEW)
    decided = waiting.transition_to(Status.REMEDIATING, by="U1", reason="so", now=NOW)
    assert metrics(decided) == {"Transitions": 1, "TimeToDecision": 90}
    later = NOW + timedelta(seconds=10)
    outcome = decided.transition_to(Status.QUARANTINED, by=REMEDIATOR, reason="so", now=later)
    assert metrics(outcome) == {"Transitions": 1, "TimeToQuarantine": 100}


def test_the_policy_decides_as_a_person_does(
    metrics: Callable[[Record], dict[str, float]],
) -> None:
    assert metrics(new_record(Status.REMEDIATING)) == {"Findings": 1, "TimeToDecision": 90}


def test_a_refused_click_is_counted_and_nothing_else(
    metrics: Callable[[Record], dict[str, float]],
) -> None:
    waiting = new_record(Status.AWAITING_REVIEW)
    refused = waiting.add_refusal(by="U9", reason="may not", now=NOW)
    assert metrics(refused) == {"RefusedClicks": 1}


def test_a_time_before_the_finding_counts_as_zero(
    metrics: Callable[[Record], dict[str, float]],
) -> None:
    early = finding().created_at - timedelta(seconds=5)
    assert metrics(new_record(Status.REMEDIATING, now=early))["TimeToDecision"] == 0


def test_metrics_are_in_the_log_in_the_embedded_format(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html."""
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "finding_handler")
    harness.slack.fail_next(429, "ratelimited", retry_after=1)
    harness.deliver(harness.report_object())
    directives = [line["_aws"]["CloudWatchMetrics"][0] for line in _emf_lines(capsys)]
    assert {directive["Namespace"] for directive in directives} == {METRICS_NAMESPACE}
    dimensions = [set(directive["Dimensions"][0]) for directive in directives]
    assert set.union(*dimensions) == {"service", "Type", "Decision"}
    assert all("service" in names for names in dimensions)
    metrics = {metric["Name"] for directive in directives for metric in directive["Metrics"]}
    assert metrics == {"Findings", "SlackRefusals"}


def test_every_line_about_a_finding_has_its_id(
    harness: Harness, log: Callable[[], list[dict[str, Any]]]
) -> None:
    detail = harness.report_object()
    harness.deliver(detail)
    harness.click()
    harness.run_remediator()
    lines = log()
    assert len(lines) >= 6
    assert {line.get("finding_id") for line in lines} == {detail["id"]}


def test_a_due_notification_that_slack_refuses_is_logged_under_its_finding(
    harness: Harness, log: Callable[[], list[dict[str, Any]]]
) -> None:
    detail = harness.report_object()
    harness.slack.fail_next(429, "ratelimited", retry_after=1, times=2)
    harness.deliver(detail)
    harness.clock.ahead = timedelta(minutes=1)
    log()
    harness.run_scheduled_tasks()
    refused, *others = log()
    assert "429 ratelimited" in refused["reason"]
    assert refused["finding_id"] == detail["id"]
    assert all("finding_id" not in line for line in others)


def test_scheduled_tasks_are_not_logged_under_the_finding_before_them(
    harness: Harness, log: Callable[[], list[dict[str, Any]]]
) -> None:
    harness.deliver(harness.report_object(), json.dumps({"detail-type": SCHEDULED_EVENT}))
    assert "finding_id" not in log()[-1]
