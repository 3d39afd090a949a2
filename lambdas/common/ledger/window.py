"""A sliding window: how often something happened in the last hour, in slots of five minutes. Pure.

A counter for each hour of the clock would start again at the full hour: somebody who waits for it
has twice the limit within minutes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

SLOT = timedelta(minutes=5)
_HOUR = timedelta(hours=1)

_SLOTS_KEPT = _HOUR // SLOT + 2
"""The slot of now, the twelve before it, and one more: an event may be counted in the slot that
follows its own. So an event counts for 65 to 70 minutes, and never for less than an hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What was counted, by the number of the slot; `latest_slot` is the slot that counts now."""

    latest_slot: int
    slots: Mapping[int, int]

    @property
    def total(self) -> int:
        """How often it happened in the hour that ends now, or somewhat more often."""
        return sum(self.slots.values())

    def advance(self, moment: datetime) -> "Window":
        """Return the window as of `moment`, without what it does not include any more.

        A window that is ahead of `moment` stays as it is.
        """
        slot = max(slot_of(moment), self.latest_slot)
        kept = {at: count for at, count in self.slots.items() if at > slot - _SLOTS_KEPT}
        return Window(latest_slot=slot, slots={**kept, slot: kept.get(slot, 0)})

    def count(self) -> "Window":
        """Return the window with one event more in its latest slot."""
        counted = self.slots.get(self.latest_slot, 0) + 1
        return Window(latest_slot=self.latest_slot, slots={**self.slots, self.latest_slot: counted})


def slot_of(moment: datetime) -> int:
    """Return the number of the slot that includes `moment`."""
    return int(moment.timestamp() // SLOT.total_seconds())
