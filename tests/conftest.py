"""Fixtures and reports for all tests."""

import hypothesis
import pytest

hypothesis.settings.register_profile("long", max_examples=1000)
"""For `make test LONG=1`: tests that set no number of examples generate ten times as many."""


@pytest.fixture(autouse=True)
def _no_real_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give boto3 credentials that open nothing, whatever the machine has."""
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many kill points the crash matrix tried."""
    reports = [
        report
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        if dict(report.user_properties).get("kill_points")
    ]
    if reports:
        points = sum(dict(report.user_properties)["kill_points"] for report in reports)
        violations = sum(report.failed for report in reports)
        terminalreporter.write_line(f"crash matrix: {points} kill points, {violations} violations")
