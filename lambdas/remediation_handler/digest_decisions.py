"""What a click on a digest does: one order for all its findings, carried out by the queue."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

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
    """Takes decisions about digests, with all that it acts through; `witness` is shown each."""

    approvers: Approvers
    digests: Digests
    queue: AgendaQueue
    witness: Callable[..., None]
    clock: Callable[[], datetime]

    def decide(self, interaction: Interaction) -> str:
        """Write the order down and have it carried out; answer what the person is told."""
        order = Order(
            action=interaction.action_id,
            by=interaction.user,
            at=self.clock(),
            reason=interaction.reason,
        )
        may_decide = self.approvers.include(interaction.user, channel=interaction.channel)
        step = _ordered if may_decide else Digest.refused
        try:
            digest = self.digests.change(interaction.subject, lambda now: step(now, order))
        except UnknownDigestError:
            return "Nothing was done: this digest is not in the ledger."
        except _PendingError as pending:
            self._carry_out(interaction.subject)
            return f"Nothing was done: what <@{pending.order.by}> decided is still being done."
        self.witness(digest, order, is_refused=not may_decide)
        if not may_decide:
            return self.approvers.refusal(channel=interaction.channel)
        self._carry_out(interaction.subject)
        return "It is being done; the message shows how far it is."

    def _carry_out(self, digest_id: str) -> None:
        self.digests.put_off(digest_id, until=self.clock())
        self.queue.look_now()


def _ordered(digest: Digest, order: Order) -> Digest:
    if digest.pending is not None:
        raise _PendingError(digest.pending)
    return replace(digest, orders=(*digest.orders, order))
