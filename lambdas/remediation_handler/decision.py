"""What a click came to, before anything is started for it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a click came to.

    Attributes:
        finding_id: the finding whose message is to be shown again, if any.
        reply: what the person reads privately; empty if the message says it all.
        is_recorded: whether the ledger has the person's decision.
        has_tasks: whether the finding handler is to run its tasks now, for a digest.
    """

    finding_id: str | None = None
    reply: str = ""
    is_recorded: bool = False
    has_tasks: bool = False
