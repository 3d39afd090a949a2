"""What a click on a digest does: a bulk action for its findings, which the queue carries out."""

from dataclasses import replace

from lambdas.common import clock
from lambdas.common.digests.digest import BulkAction, Digest
from lambdas.common.digests.store import UnknownDigestError
from lambdas.common.dispatch import enqueue_task_run
from lambdas.common.ledger.audit import log_bulk_action
from lambdas.remediation_handler.interaction import Interaction
from lambdas.remediation_handler.services import Services


class _PendingActionError(Exception):
    """Another bulk action is being carried out."""

    def __init__(self, action: BulkAction) -> None:
        super().__init__(action.action)
        self.action = action


def apply_bulk_decision(interaction: Interaction, services: Services) -> str:
    """Record the bulk action, queue its execution, and return a reply to the person."""
    action = BulkAction(
        action=interaction.action_id,
        by=interaction.user,
        at=clock.now(),
        reason=interaction.reason,
    )
    is_approver = services.approvers.include(interaction.user, channel=interaction.channel)
    change = _add_action if is_approver else Digest.add_refusal
    try:
        digest = services.digests.update(
            interaction.subject_id, lambda latest: change(latest, action)
        )
    except UnknownDigestError:
        return "Nothing was done: this digest is not in the ledger."
    except _PendingActionError as pending:
        _carry_out(interaction.subject_id, services)
        return f"Nothing was done: what <@{pending.action.by}> decided is still being done."
    log_bulk_action(digest, action, is_refused=not is_approver)
    if not is_approver:
        return services.approvers.refusal(channel=interaction.channel)
    _carry_out(interaction.subject_id, services)
    return "It is being done; the message shows the progress."


def _carry_out(digest_id: str, services: Services) -> None:
    services.digests.postpone(digest_id, until=clock.now())
    enqueue_task_run(services.task_queue)


def _add_action(digest: Digest, action: BulkAction) -> Digest:
    if digest.pending is not None:
        raise _PendingActionError(digest.pending)
    return replace(digest, bulk_actions=(*digest.bulk_actions, action))
