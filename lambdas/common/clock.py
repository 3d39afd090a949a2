"""The time, so that what needs it can be given another."""

from datetime import UTC, datetime


def now() -> datetime:
    """Answer the present moment, in UTC."""
    return datetime.now(UTC)
