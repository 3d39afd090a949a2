"""What a click on a digest does: one order for all its findings, carried out by the queue."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from lambdas.common.actions import DISMISSALS
from lambdas.common.approvers import Approvers
from lambdas.common.digest import Digest, Order
from lambdas.common.digests import Digests, UnknownDigestError
from lambdas.common.queues import AgendaQueue
from lambdas.remediation_handler.interaction import Interaction


class _PendingError(Exception):
    """Somebody else's order is being carried out."""

    def __init__(self, order: Order) -> None:
        super().__init__(order.action)
        self.order = order


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestDecisions:
    """Takes decisions about digests, with all that it acts through."""

    approvers: Approvers
    digests: Digests
    queue: AgendaQueue
    clock: Callable[[], datetime]

    def decide(self, interaction: Interaction) -> str:
        """Write the order down and have it carried out; answer what the person is told."""
        if not self.approvers.include(interaction.user, channel=interaction.channel):
            return self.approvers.refusal()
        order = Order(
            action=interaction.action_id,
            by=interaction.user,
            at=self.clock(),
            reason=_reason(interaction),
        )
        try:
            self.digests.change(interaction.subject, lambda now: _ordered(now, order))
        except UnknownDigestError:
            return "Nothing was done: this digest is not in the ledger."
        except _PendingError as pending:
            self._carry_out(interaction.subject)
            return f"Nothing was done: what <@{pending.order.by}> decided is still being done."
        self._carry_out(interaction.subject)
        return "It is being done; the message shows how far it is."

    def _carry_out(self, digest_id: str) -> None:
        self.digests.put_off(digest_id, until=self.clock())
        self.queue.look_now()


def _ordered(digest: Digest, order: Order) -> Digest:
    if digest.pending is not None:
        raise _PendingError(digest.pending)
    return replace(digest, orders=(*digest.orders, order))


def _reason(interaction: Interaction) -> str:
    if interaction.choice is not None:
        return DISMISSALS[interaction.choice]
    return f"{interaction.action_id} in Slack"
