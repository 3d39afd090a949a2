"""A digest: one message for the findings of one bucket and type, when there are too many."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime

from lambdas.common.finding import Finding
from lambdas.common.ledger.record import MessageRef

DIGEST_PREFIX = "digest#"
"""What the id of a digest begins with, and the id of a finding never does."""

_MOST_REFUSALS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestScope:
    """What the findings of a digest have in common."""

    bucket: str
    type: str
    account: str
    region: str
    partition: str
    opened_at: datetime

    @classmethod
    def from_finding(cls, finding: Finding, *, now: datetime) -> "DigestScope":
        """Create the scope of a digest that is opened now and includes `finding`."""
        return cls(
            bucket=finding.object.bucket,
            type=finding.type,
            account=finding.account,
            region=finding.region,
            partition=finding.partition,
            opened_at=now,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkAction:
    """What somebody decided about all findings of a digest.

    Attributes:
        action: the action id, such as `remediate_all`.
        by: the Slack user id.
        at: when.
        reason: why.
        seen_count: how many findings the dialog counted; more are never acted on.
        seen_until: when the latest of the counted findings reached its status.
        is_done: whether it has been carried out.
        is_stale: whether nothing was done because the findings had changed since the message.
        begun: how many findings it has been applied to, or is being applied to.
        batch: the ids of those to which it is being applied, so that a run that dies is resumed
            with the same findings, and no others.
        posted: how many findings have been posted singly, where they are to be reviewed so.
        clicked_at: Slack's time of the click, by which the same click again is recognized.
    """

    action: str
    by: str
    at: datetime
    reason: str
    seen_count: int
    seen_until: datetime
    is_done: bool = False
    is_stale: bool = False
    begun: int = 0
    batch: tuple[str, ...] = ()
    posted: int = 0
    clicked_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """A digest in the ledger.

    Attributes:
        id: `DIGEST_PREFIX`, a hash of the scope, and the hour.
        scope: what its findings have in common.
        message: the Slack message, once it is known to be posted.
        posting_until: until then, one invocation has the right to post the message.
        bulk_actions: what was decided about all findings, oldest first.
        refusals: what people tried who are not approvers; the first 20 are kept.
        reminded_at: when the approvers were last reminded of the findings that wait or failed.
        changes: counts the changes of its findings.
        changed_at: when a finding last changed, as a Unix time.
        next_update_at: the message is not updated for a changed finding before, as a Unix time.
        revision: counts the writes to the attributes above `changes`.
    """

    id: str
    scope: DigestScope
    message: MessageRef | None = None
    posting_until: datetime | None = None
    bulk_actions: tuple[BulkAction, ...] = ()
    refusals: tuple[BulkAction, ...] = ()
    reminded_at: datetime | None = None
    changes: int = 0
    changed_at: int = 0
    next_update_at: int = 0
    revision: int = 0

    @property
    def pending(self) -> BulkAction | None:
        """The bulk action that is being carried out, if there is one."""
        return next((action for action in self.bulk_actions if not action.is_done), None)

    def replace_action(self, old: BulkAction, new: BulkAction) -> "Digest":
        """Return the digest with `new` in the place of `old`."""
        actions = (new if action == old else action for action in self.bulk_actions)
        return replace(self, bulk_actions=tuple(actions))

    def add_refusal(self, action: BulkAction) -> "Digest":
        """Return the digest with an action of a person who is not an approver."""
        return replace(self, refusals=(*self.refusals, action)[:_MOST_REFUSALS])


def digest_id_for(finding: Finding, *, now: datetime) -> str:
    """Return the id of this hour's digest for the bucket and type of `finding`."""
    affected = finding.object
    scope = f"{finding.account}\n{finding.region}\n{affected.bucket}\n{finding.type}"
    scope_hash = hashlib.sha256(scope.encode()).hexdigest()[:24]
    return f"{DIGEST_PREFIX}{scope_hash}#{now:%Y-%m-%dT%H}"
