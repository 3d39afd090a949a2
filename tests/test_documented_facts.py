"""What the single documents say is true: about Slack, the audit log, the alarms and the cost."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks import cost
from lambdas.common.digests.digest import BulkAction, Digest, DigestScope
from lambdas.common.finding import Finding
from lambdas.common.ledger import audit
from lambdas.common.ledger.record import QuarantinedCopy, Record, Status
from tests.harness.events import finding_on
from tests.stacks import synthesis

ROOT = Path(__file__).parents[1]


def _document(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


def test_the_quoted_log_texts_are_those_of_the_functions() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "lambdas").glob("**/*.py"))
    texts = re.findall(r"log contains `([^`]+)`", _document("slack-setup.md"))
    texts += re.findall(r"secret is not set \(`([^`]+)`\)", _document("runbook.md"))
    assert len(texts) == 2
    for text in texts:
        assert text in sources, text


def _manifest() -> Any:
    return yaml.safe_load((ROOT / "slack-manifest.yaml").read_text())


def test_every_scope_of_the_manifest_is_explained() -> None:
    text = _document("slack-setup.md")
    for scope in _manifest()["oauth_config"]["scopes"]["bot"]:
        assert f"`{scope}`" in text


def test_the_manifest_sends_clicks_to_the_path_of_the_api() -> None:
    interactivity = _manifest()["settings"]["interactivity"]
    assert interactivity["is_enabled"]
    assert interactivity["request_url"].endswith("/slack/interactivity")


@pytest.fixture
def audit_lines(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """The lines of the audit log by their message, one of each kind."""
    lines: dict[str, dict[str, Any]] = {}

    def info(message: str, *, extra: dict[str, dict[str, Any]]) -> None:
        lines[message] = extra["audit"]

    monkeypatch.setattr(audit.logger, "info", info)
    monkeypatch.setattr(audit, "emit_metric", lambda *_, **__: None)
    audit.log_transition(_record())
    audit.log_bulk_action(_digest(), _bulk_action(), is_refused=False)
    return lines


def test_every_kind_of_audit_line_is_described(audit_lines: dict[str, dict[str, Any]]) -> None:
    assert len(audit_lines) == 2
    for message, line in audit_lines.items():
        assert f"`{message}`" in _document("audit-log.md")
        assert f"| `schema` | {line['schema']};" in _document("audit-log.md")


def test_every_field_of_an_audit_line_is_described(
    audit_lines: dict[str, dict[str, Any]],
) -> None:
    transition, bulk_action = audit_lines["transition"], audit_lines["bulk action"]
    _assert_described([*transition, *transition["source"], *transition["copies"][0]])
    _assert_described([*bulk_action, *bulk_action["scope"]])


def _assert_described(fields: list[str]) -> None:
    text = _document("audit-log.md")
    for field in fields:
        assert re.search(rf"\b{field}\b", text), field


def _finding() -> Finding:
    return finding_on(etag="e" * 32, size=1)


def _record() -> Record:
    finding = _finding()
    copy = QuarantinedCopy(
        bucket="b",
        key="k",
        version_id="v",
        source_version_id=None,
        source_etag="e",
        size=1,
        checksum=None,
        storage_class="STANDARD",
    )
    record = Record.create(finding, Status.REMEDIATING, reason="auto", now=finding.created_at)
    quarantined = record.transition_to(
        Status.QUARANTINED, by="remediator", reason="done", now=finding.created_at
    )
    return replace(quarantined, copies=(copy,))


def _digest() -> Digest:
    finding = _finding()
    scope = DigestScope.from_finding(finding, now=finding.created_at)
    return Digest(id="digest#1", scope=scope)


def _bulk_action() -> BulkAction:
    at = _finding().created_at
    return BulkAction(
        action="remediate_all", by="U1", at=at, reason="clicked", seen_count=1, seen_until=at
    )


def test_every_alarm_has_a_section_in_the_runbook_and_no_other_name_is_in_a_heading() -> None:
    headings = re.findall(r"^## (.+)$", _document("runbook.md"), re.MULTILINE)
    names = {name for heading in headings for name in re.findall(r"[A-Z]\w*[A-Z]\w*", heading)}
    alarms = synthesis.template().find_resources("AWS::CloudWatch::Alarm")
    assert names == {logical_id.removeprefix("Monitoring")[:-8] for logical_id in alarms}


def test_the_example_of_the_cost_of_a_month_is_computed() -> None:
    stack = cost.dollars(cost.of_month(cost.ALARMS))
    findings = 1_000 * cost.dollars(cost.of_finding("reviewed"))
    metrics = 20 * cost.PRICES["cloudwatch metric, month"]
    rows = {
        "the deployed stack": stack,
        "1,000 reviewed findings": findings,
        "20 custom metrics": metrics,
    }
    for name, dollars in rows.items():
        assert f"| {name} | ${dollars:.2f} |" in _document("cost.md")
    total = stack + findings + metrics
    assert f"| **total** | **${total:.2f}** |" in _document("cost.md")
    assert f"about ${total:.0f}" in _document("cost.md")
