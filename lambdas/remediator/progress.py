"""A record while its object is moved: each step of the move is written down before the next."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lambdas.common.ledger import Ledger
from lambdas.common.record import Record


class Progress:
    """What was written down last, by the only one who moves the object.

    Attributes:
        record: as it was written last; others may have noted something meanwhile, which a write
            keeps.
    """

    def __init__(self, ledger: Ledger, record: Record) -> None:
        self._ledger = ledger
        self.record = record

    def write_down(self, **changes: Any) -> None:
        """Change attributes of the record."""
        self.step(lambda now: replace(now, **changes))

    def step(self, change: Callable[[Record], Record]) -> None:
        """Apply `change` to the record as it stands."""
        self.record = self._ledger.change(self.record.finding.id, change, known=self.record)
