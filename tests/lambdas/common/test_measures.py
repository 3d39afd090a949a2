"""What is measured of each step, and that it reaches the log as CloudWatch wants it."""

import io
import json
import logging
from datetime import timedelta
from typing import Any, cast

import pytest

from lambdas.common.measures import of_step
from lambdas.common.record import REMEDIATOR, Record, Status
from lambdas.finding_handler import handler
from tests.lambdas.deployment import METRICS, Deployment
from tests.lambdas.events import finding

NOW = finding().created_at + timedelta(seconds=90)


def names(record: Record) -> dict[str, float]:
    return {measure.name: measure.value for measure in of_step(record)}


def test_a_finding_is_counted_by_type_and_decision() -> None:
    record = Record.opened(finding(), Status.AWAITING_REVIEW, reason="why", now=NOW)
    (measure,) = of_step(record)
    assert (measure.name, measure.value) == ("Findings", 1)
    assert dict(measure.dimensions) == {
        "Type": finding().type,
        "Decision": "AWAITING_REVIEW",
    }


def test_the_time_from_finding_to_decision_and_to_quarantine_is_measured() -> None:
    asked = Record.opened(finding(), Status.AWAITING_REVIEW, reason="why", now=NOW)
    decided = asked.with_status(Status.REMEDIATING, by="U1", reason="so", now=NOW)
    assert names(decided)["TimeToDecision"] == 90
    later = NOW + timedelta(seconds=10)
    ended = decided.with_status(Status.QUARANTINED, by=REMEDIATOR, reason="so", now=later)
    assert names(ended) == {"Steps": 1, "TimeToQuarantine": 100}


def test_an_automatic_decision_is_one_too() -> None:
    record = Record.opened(finding(), Status.REMEDIATING, reason="why", now=NOW)
    assert names(record) == {"Findings": 1, "TimeToDecision": 90}


def test_a_refused_click_is_counted_and_nothing_else() -> None:
    asked = Record.opened(finding(), Status.AWAITING_REVIEW, reason="why", now=NOW)
    assert names(asked.refused(by="U9", reason="may not", now=NOW)) == {"RefusedClicks": 1}


def test_a_time_before_the_finding_is_none() -> None:
    early = finding().created_at - timedelta(seconds=5)
    record = Record.opened(finding(), Status.REMEDIATING, reason="why", now=early)
    assert names(record)["TimeToDecision"] == 0


def test_metrics_stand_in_the_log_in_the_embedded_format(
    here: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html."""
    here.set_variable("POWERTOOLS_SERVICE_NAME", "finding_handler")
    here.slack.fail_next(429, "ratelimited", retry_after=1)
    here.deliver(here.put())
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    directives = [line["_aws"]["CloudWatchMetrics"][0] for line in lines if "_aws" in line]
    assert {directive["Namespace"] for directive in directives} == {METRICS}
    assert {name for one in directives for name in one["Dimensions"][0]} == {
        "service",
        "Type",
        "Decision",
    }
    assert all("service" in one["Dimensions"][0] for one in directives)
    assert {metric["Name"] for one in directives for metric in one["Metrics"]} == {
        "Findings",
        "SlackRefusals",
    }


def test_every_line_of_a_finding_names_it(here: Deployment) -> None:
    log = io.StringIO()
    stream = cast("logging.StreamHandler[Any]", handler.logger.registered_handler)
    before = stream.setStream(log)
    found = here.put()
    here.deliver(found)
    here.click()
    here.remediate()
    stream.setStream(before)
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert len(lines) >= 6
    assert {line.get("finding_id") for line in lines} == {found["id"]}


def test_what_slack_does_not_take_of_what_is_due_is_logged_under_its_finding(
    here: Deployment,
) -> None:
    found = here.put()
    here.slack.fail_next(429, "ratelimited", retry_after=1, times=2)
    here.deliver(found)
    here.clock.ahead = timedelta(minutes=1)
    log = io.StringIO()
    stream = cast("logging.StreamHandler[Any]", handler.logger.registered_handler)
    before = stream.setStream(log)
    here.tick()
    stream.setStream(before)
    refused, agenda = map(json.loads, log.getvalue().splitlines())
    assert (refused["reason"], refused["finding_id"]) == (
        "Slack answers 429 ratelimited",
        found["id"],
    )
    assert "finding_id" not in agenda


def test_what_is_due_is_not_logged_under_the_finding_before_it(here: Deployment) -> None:
    log = io.StringIO()
    stream = cast("logging.StreamHandler[Any]", handler.logger.registered_handler)
    before = stream.setStream(log)
    here.deliver(here.put(), json.dumps({"detail-type": "Scheduled Event"}))
    stream.setStream(before)
    (agenda,) = (line for line in map(json.loads, log.getvalue().splitlines()) if "done" in line)
    assert "finding_id" not in agenda
