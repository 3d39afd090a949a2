"""Environment variables to a frozen dataclass: `slack_channel` is read from SLACK_CHANNEL."""

import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import timedelta
from typing import Any, TypeVar

Environment = TypeVar("Environment")


def read(kind: type[Environment], environ: Mapping[str, str]) -> Environment:
    """Read every field of `kind`, a dataclass of texts, from `environ`.

    Raises:
        KeyError: a variable is missing, by name.
    """
    dataclass: Any = kind
    return kind(**{field.name: environ[field.name.upper()] for field in fields(dataclass)})


def number(text: str) -> int | None:
    """Read a number, None where it is empty."""
    return int(text) if text else None


def names(text: str) -> tuple[str, ...]:
    """Read a list of names, as JSON.

    Raises:
        ValueError: it is anything else.
    """
    value = json.loads(text)
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ValueError(f"{text} is no list of names")
    return tuple(value)


def hours(text: str) -> timedelta | None:
    """Read a number of hours, None where it is empty."""
    return timedelta(hours=int(text)) if text else None
