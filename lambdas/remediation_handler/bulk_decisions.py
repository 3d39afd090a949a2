"""What a click on a digest does: a bulk action for its findings, which the queue carries out."""

from dataclasses import replace

from lambdas.common import clock
from lambdas.common.digests.digest import DIGEST_PREFIX, BulkAction, Digest
from lambdas.common.digests.store import UnknownDigestError
from lambdas.common.ledger.audit import log_bulk_action
from lambdas.common.slack.actions import parse_digest_seen
from lambdas.remediation_handler.decision import Decision
from lambdas.remediation_handler.interaction import Interaction
from lambdas.remediation_handler.services import Services
from lambdas.remediation_handler.workspace import is_external

_OUTDATED = "Nothing was done: this message is outdated. Please use the latest one."


class _PendingActionError(Exception):
    """Another bulk action is being carried out."""

    def __init__(self, action: BulkAction) -> None:
        super().__init__(action.action)
        self.action = action


class _RepeatedClickError(Exception):
    """The ledger has the click already."""


class _RefusalNotKeptError(Exception):
    """The digest keeps as many refused clicks as it can."""

    def __init__(self, digest: Digest) -> None:
        super().__init__(digest.id)
        self.digest = digest


def decide_for_digest(interaction: Interaction, services: Services) -> Decision:
    """Record the bulk action, and return a reply to the person."""
    if not interaction.subject_id.startswith(DIGEST_PREFIX):
        return Decision(reply="Nothing was done: this digest is not in the ledger.")
    try:
        action = _bulk_action(interaction)
    except ValueError:
        return Decision(reply=_OUTDATED)
    try:
        return _record(action, interaction, services)
    except UnknownDigestError:
        return Decision(reply="Nothing was done: this digest is not in the ledger.")
    except _RepeatedClickError:
        return Decision(reply="This click was recorded before.", has_tasks=True)
    except _PendingActionError as pending:
        who = f"<@{pending.action.by}>"
        text = f"Nothing was done: what {who} decided is still being done."
        return Decision(reply=text, has_tasks=True)


def _bulk_action(interaction: Interaction) -> BulkAction:
    """Return the bulk action for the findings that the message counted.

    Raises:
        ValueError: the button does not say how many it counted.
    """
    count, until = parse_digest_seen(interaction.seen)
    return BulkAction(
        action=interaction.action_id,
        by=interaction.user,
        at=clock.now(),
        reason=interaction.reason,
        seen_count=count,
        seen_until=until,
        clicked_at=interaction.clicked_at,
    )


def _record(action: BulkAction, interaction: Interaction, services: Services) -> Decision:
    where, is_guest = interaction.channel, is_external(interaction)
    is_approver = services.approvers.include(action.by, channel=where, is_external=is_guest)
    change = _add_action if is_approver else _add_refusal
    try:
        digest = services.digests.update(
            interaction.subject_id,
            lambda latest: change(latest, action),
            # In the same write: what is recorded is carried out, whatever fails afterwards.
            due_at=clock.now() if is_approver else None,
        )
    except _RefusalNotKeptError as error:
        digest = error.digest
    log_bulk_action(digest, action, is_refused=not is_approver)
    if not is_approver:
        return Decision(reply=services.approvers.refusal(channel=where, is_external=is_guest))
    text = "It is being done; the message shows the progress."
    return Decision(reply=text, is_recorded=True, has_tasks=True)


def _add_action(digest: Digest, action: BulkAction) -> Digest:
    clicks = {(earlier.by, earlier.clicked_at) for earlier in digest.bulk_actions}
    if (action.by, action.clicked_at) in clicks:
        raise _RepeatedClickError
    if digest.pending is not None:
        raise _PendingActionError(digest.pending)
    return replace(digest, bulk_actions=(*digest.bulk_actions, action))


def _add_refusal(digest: Digest, action: BulkAction) -> Digest:
    refused = digest.add_refusal(action)
    if refused == digest:
        raise _RefusalNotKeptError(digest)
    return refused
