"""A function's configuration: variables that the deployment made, settings that the deployer chose.

Settings ship as a file in the package, because the environment of a function takes 4 KB at most.
Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

import json
import os
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

Config = TypeVar("Config")

_PACKAGED = Path(__file__).parents[2] / "settings.json"


def read_environment(kind: type[Config]) -> Config:
    """Create `kind`, a dataclass of strings, from environment variables.

    The field `ledger_table` is read from `LEDGER_TABLE`.

    Raises:
        KeyError: a variable is missing; the error names it.
    """
    return kind(**{name: os.environ[name.upper()] for name in _names(kind)})


def read_settings(kind: type[Config]) -> Config:
    """Create `kind`, a dataclass, from `settings.json` in the function's package.

    The field `slack_channel` is read from `slackChannel`, as cdk.json spells it. `SETTINGS_FILE`
    names another file, for tests.

    Raises:
        KeyError: a setting is missing; the error names it.
    """
    path = Path(os.environ.get("SETTINGS_FILE", _PACKAGED))
    settings: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return kind(**{name: settings[_camel_case(name)] for name in _names(kind)})


def hours(value: object) -> timedelta | None:
    """Return a setting of whole hours as a duration; None for null and "OFF".

    Raises:
        TypeError: the value is anything else.
    """
    number = whole_number(value)
    return None if number is None else timedelta(hours=number)


def whole_number(value: object) -> int | None:
    """Return a setting that is a whole number; None for null and "OFF".

    Raises:
        TypeError: the value is anything else.
    """
    if value is None or value == "OFF":
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{value!r} is not a whole number")
    return value


def _names(kind: Any) -> list[str]:
    return [field.name for field in fields(kind)]


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
