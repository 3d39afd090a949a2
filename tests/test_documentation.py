"""What every document names exists: settings, links, commands, outputs, errors."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name

from stacks.settings import Settings
from tests.stacks import synthesis

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
TO_BE_FILLED_IN = {"slackChannel", "slackAppId", "slackTeamId", "approvers", "monitoredBuckets"}

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)


@cache
def _outputs() -> dict[str, object]:
    outputs: dict[str, object] = synthesis.template().to_json()["Outputs"]
    return outputs


def _setting_names() -> list[str]:
    return [field.alias or name for name, field in Settings.model_fields.items()]


@pytest.mark.parametrize("setting", _setting_names())
def test_every_setting_is_in_the_readme(setting: str) -> None:
    assert f"`{setting}`" in README


def test_every_setting_in_the_readme_exists() -> None:
    table = README.split("## Settings")[1].split("##")[0]
    first_cells = re.findall(r"^\|([^|]*)\|", table, re.MULTILINE)
    names = re.findall(r"`([a-z]+[A-Za-z]+)`", "".join(first_cells))
    assert set(names) == set(_setting_names())


def test_the_readme_has_the_values_of_cdk_json() -> None:
    cells = dict(re.findall(r"^\| `([a-zA-Z]+)` \| ([^|]+) \|", README, re.MULTILINE))
    for setting, value in synthesis.shipped_context()["chatops"].items():
        if isinstance(value, dict):
            assert len(set(value.values())) == 1
            assert cells[setting] == f"all `{next(iter(value.values()))}`"
        elif setting in TO_BE_FILLED_IN:
            assert not value
            assert cells[setting] == "to be filled in"
        else:
            text = value if isinstance(value, str) else json.dumps(value)
            assert cells[setting].strip('`"') == text


@each_document
def test_no_placeholder_is_left(document: Path) -> None:
    assert not re.findall(r"^[A-Z]+$|TODO|TBD", document.read_text(), re.MULTILINE)


@each_document
def test_every_link_leads_to_a_file_and_a_heading(document: Path) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", document.read_text()):
        if link.startswith(("http:", "https:")):
            continue
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        assert target.exists(), link
        assert not anchor or anchor in _anchors(target), link


def _anchors(document: Path) -> set[str]:
    """Return the anchors that GitHub makes of the headings."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@each_document
def test_every_make_target_exists(document: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"(?:`|^    )make ([a-z]+)", document.read_text(), re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@each_document
def test_every_module_that_is_run_exists(document: Path) -> None:
    for module in re.findall(r"python -m ([\w.]+)", document.read_text()):
        assert (ROOT / module.replace(".", "/")).with_suffix(".py").exists(), module


@each_document
def test_every_aws_command_exists_with_its_options(document: Path) -> None:
    session = botocore.session.get_session()
    for service, command, options in _aws_commands(document.read_text()):
        model = session.get_service_model(service)
        operations = {xform_name(name, "-"): name for name in model.operation_names}
        shape = model.operation_model(operations[command]).input_shape
        members = {xform_name(name, "-") for name in (shape.members if shape else ())}
        assert set(options) <= members, command


def _aws_commands(text: str) -> Iterator[tuple[str, str, list[str]]]:
    for line in text.replace("\\\n", " ").splitlines():
        for service, command, rest in re.findall(r"\baws ([a-z0-9]+) ([a-z-]+)([^`\n]*)", line):
            yield service, command, re.findall(r"--([a-z-]+)", rest)


@each_document
def test_no_secret_is_written_on_a_command_line(document: Path) -> None:
    for value in re.findall(r"--secret-string\s+(\S+)", document.read_text()):
        assert value.strip("\"'").startswith("file://"), value


@each_document
def test_every_stack_output_exists(document: Path) -> None:
    for name in re.findall(r"[`<]([A-Z][A-Za-z]+(?:Url|Name))[`>]", document.read_text()):
        assert name in _outputs(), name


@each_document
def test_the_required_versions_are_the_same_everywhere(document: Path) -> None:
    text = " ".join(document.read_text().split())
    assert set(re.findall(r"Node \d+ or \w+", text)) <= {"Node 22 or later"}
    assert set(re.findall(r"Python 3\.\d+ (?:or|to) [\w.]*\w", text)) <= {"Python 3.11 to 3.14"}


@each_document
def test_every_error_exists_in_the_functions(document: Path) -> None:
    sources = "".join(path.read_text() for path in (ROOT / "lambdas").glob("**/*.py"))
    for name in re.findall(r"`(\w+Error)`", document.read_text()):
        assert f"class {name}(" in sources, name
