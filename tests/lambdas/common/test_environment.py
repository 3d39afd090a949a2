"""Environment variables are read by name, and a missing one is named."""

from dataclasses import dataclass, fields
from typing import Any

import pytest

from lambdas.common.environment import read
from lambdas.finding_handler.environment import Environment as FindingHandler
from lambdas.remediation_handler.environment import Environment as RemediationHandler
from lambdas.remediator.environment import Environment as Remediator


@dataclass(frozen=True, kw_only=True)
class Two:
    """Two variables."""

    one_name: str
    other: str


def test_a_field_is_read_from_the_variable_of_its_name_in_capitals() -> None:
    assert read(Two, {"ONE_NAME": "1", "OTHER": "2", "MORE": "3"}) == Two(one_name="1", other="2")


def test_an_empty_variable_is_an_empty_text() -> None:
    assert read(Two, {"ONE_NAME": "", "OTHER": ""}) == Two(one_name="", other="")


@pytest.mark.parametrize("kind", [FindingHandler, RemediationHandler, Remediator])
def test_a_missing_variable_is_named(kind: Any) -> None:
    names = [field.name.upper() for field in fields(kind)]
    for missing in names:
        with pytest.raises(KeyError, match=missing):
            read(kind, {name: "x" for name in names if name != missing})
