"""Frozen dataclasses to plain data and back, so that people can read the ledger's items."""

from dataclasses import fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints


def encode(value: Any) -> Any:
    """Return `value`, a dataclass or part of one, as maps, lists, strings and numbers."""
    if is_dataclass(value):
        return {field.name: encode(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [encode(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return value.value if isinstance(value, Enum) else value


def decode(kind: Any, value: Any) -> Any:
    """Return a `kind`, made of what `encode` returned.

    A field that is absent takes its default, so that records of an earlier release stay readable.
    """
    if get_origin(kind) is UnionType:
        (kind,) = (option for option in get_args(kind) if option is not NoneType)
        return None if value is None else decode(kind, value)
    if get_origin(kind) is tuple:
        return tuple(decode(get_args(kind)[0], item) for item in value)
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        create: Any = kind
        return create(**{name: decode(hints[name], value[name]) for name in hints if name in value})
    if kind is datetime:
        return datetime.fromisoformat(value)
    if isinstance(value, Decimal):
        value = int(value)
    return kind(value)
