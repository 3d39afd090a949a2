"""What the documents promise is there."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from lambdas.common import audit, clock
from lambdas.common.finding import Finding
from lambdas.common.record import QuarantinedCopy, Record, Status
from stacks.settings import Settings
from tests.lambdas.remediator.world import finding_on
from tests.stacks import synthesis

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def _settings() -> list[str]:
    return [field.alias or name for name, field in Settings.model_fields.items()]


@pytest.mark.parametrize("setting", _settings())
def test_every_setting_is_in_the_readme(setting: str) -> None:
    assert f"`{setting}`" in README


def test_the_readme_has_no_setting_that_is_none() -> None:
    table = README.split("## Settings")[1].split("##")[0]
    named = re.findall(
        r"`([a-z]+[A-Za-z]+)`", "".join(re.findall(r"^\|([^|]*)\|", table, re.MULTILINE))
    )
    assert set(named) == set(_settings())


def test_the_readme_has_the_values_of_cdk_json() -> None:
    """Or says that they are to be filled in."""
    rows = dict(re.findall(r"^\| `([a-zA-Z]+)` \| ([^|]+) \|", README, re.MULTILINE))
    for setting, value in synthesis.shipped_context()["chatops"].items():
        if isinstance(value, dict):
            assert rows[setting] == f"all `{next(iter(value.values()))}`"
            assert len(set(value.values())) == 1
        elif setting in ("slackChannel", "approvers", "monitoredBuckets"):
            assert (value or None, rows[setting]) == (None, "to be filled in")
        else:
            assert rows[setting].strip('`"') == (
                value if isinstance(value, str) else json.dumps(value)
            )


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_no_placeholder_is_left(document: Path) -> None:
    assert not re.findall(r"^[A-Z]+$|TODO|TBD", document.read_text(), re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(document: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
        if not link.startswith("http"):
            assert (document.parent / link).exists(), link


def test_every_make_target_named_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for document in DOCUMENTS:
        for target in re.findall(r"(?:`|^    )make ([a-z]+)", document.read_text(), re.MULTILINE):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def _manifest() -> Any:
    return yaml.safe_load((ROOT / "slack-manifest.yaml").read_text())


def test_every_scope_of_the_manifest_is_explained() -> None:
    explained = (ROOT / "docs" / "slack-setup.md").read_text()
    for scope in _manifest()["oauth_config"]["scopes"]["bot"]:
        assert f"`{scope}`" in explained


def test_the_manifest_sends_clicks_to_the_path_of_the_api() -> None:
    interactivity = _manifest()["settings"]["interactivity"]
    assert interactivity["is_enabled"]
    assert interactivity["request_url"].endswith("/slack/interactivity")


def test_every_field_of_an_audit_line_is_described() -> None:
    described = (ROOT / "docs" / "audit-log.md").read_text()
    line = audit.line(_record())
    for name in [*line, *line["source"], *line["copies"][0]]:
        assert re.search(rf"\b{name}\b", described), name
    assert f"| `schema` | {audit.SCHEMA};" in described


def _record() -> Record:
    finding: Finding = finding_on("a", "e" * 32, None, 1)
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
    opened = Record.opened(finding, Status.REMEDIATING, reason="auto", now=clock.now())
    return opened.with_status(
        Status.QUARANTINED, by="remediator", reason="done", now=clock.now(), copies=(copy,)
    )


def test_every_alarm_has_a_section_in_the_runbook() -> None:
    template = synthesis.template()
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    headings = "\n".join(line for line in runbook.splitlines() if line.startswith("## "))
    alarms = template.find_resources("AWS::CloudWatch::Alarm")
    for logical_id in alarms:
        name = logical_id.removeprefix("Monitoring")[:-8]
        assert name in headings, name
