"""A record while its object is moved: each step of the move is saved before the next."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TypedDict, Unpack

from lambdas.common.ledger.record import CopyAttempt, QuarantinedCopy, Record, RestoredObject
from lambdas.common.ledger.store import Ledger


class _Changes(TypedDict, total=False):
    copies: tuple[QuarantinedCopy, ...]
    attempt: CopyAttempt | None
    restored: tuple[RestoredObject, ...]
    other_versions: int | None
    check_at: datetime | None


class Checkpoint:
    """What was saved last, by the only invocation that moves the object.

    Attributes:
        record: as it was written last; others may have changed something else meanwhile, which a
            write keeps.
    """

    def __init__(self, ledger: Ledger, record: Record) -> None:
        self._ledger = ledger
        self.record = record

    def save(self, **changes: Unpack[_Changes]) -> None:
        """Change attributes of the record."""
        self.apply(lambda record: replace(record, **changes))

    def save_attempt(self, attempt: CopyAttempt | None) -> None:
        """Save what a rerun needs to find the copy that is being made; None once it is done."""
        self.save(attempt=attempt)

    def apply(self, change: Callable[[Record], Record]) -> None:
        """Apply `change` to the latest record."""
        self.record = self._ledger.update(self.record, change)
