"""A function's configuration is read by name, and a missing value is named."""

import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from lambdas.common.config import hours, read_environment, read_settings, whole_number
from lambdas.finding_handler import config as finding_handler
from lambdas.remediation_handler import services as remediation_handler
from lambdas.remediator import config as remediator
from tests.harness.harness import Harness
from tests.harness.settings import camel_case

PACKAGES = [finding_handler, remediation_handler, remediator]


@dataclass(frozen=True, kw_only=True)
class Example:
    """A configuration of two values."""

    first_value: Any
    other: Any


@pytest.fixture
def settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Write a settings file for the function."""
    path = tmp_path / "settings.json"
    monkeypatch.setenv("SETTINGS_FILE", str(path))

    def write(**settings: Any) -> None:
        path.write_text(json.dumps(settings))

    return write


def test_a_field_is_read_from_the_variable_of_its_name_in_capitals(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FIRST_VALUE", "1")
    monkeypatch.setenv("OTHER", "")
    assert read_environment(Example) == Example(first_value="1", other="")


def test_a_field_is_read_from_the_setting_of_its_name_in_camel_case(
    settings_file: Callable[..., None],
) -> None:
    settings_file(firstValue=["a", "b"], other=None, unused=1)
    assert read_settings(Example) == Example(first_value=["a", "b"], other=None)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_missing_variable_is_named(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, package: Any
) -> None:
    assert harness.is_quiet
    for field in fields(package.Resources):
        with monkeypatch.context() as patch:
            patch.delenv(field.name.upper())
            with pytest.raises(KeyError, match=field.name.upper()):
                read_environment(package.Resources)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_missing_setting_is_named(harness: Harness, package: Any) -> None:
    complete = json.loads(harness.settings.path.read_text())
    for field in fields(package.Settings):
        name = camel_case(field.name)
        rest = {key: value for key, value in complete.items() if key != name}
        harness.settings.path.write_text(json.dumps(rest))
        with pytest.raises(KeyError, match=name):
            read_settings(package.Settings)


@pytest.mark.parametrize("value", [None, "OFF"])
def test_null_and_off_are_no_number(value: object) -> None:
    assert whole_number(value) is None
    assert hours(value) is None


def test_a_number_is_read() -> None:
    assert whole_number(0) == 0
    assert hours(6) == timedelta(hours=6)


@pytest.mark.parametrize("value", ["6", "", "off", 1.5, True, [1]])
def test_anything_else_stops_the_function(value: object) -> None:
    with pytest.raises(TypeError):
        whole_number(value)
