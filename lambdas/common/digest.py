"""A digest: findings of one bucket and type, told in one message because there are so many."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from lambdas.common.finding import Finding
from lambdas.common.record import SlackMessage, Status

DIGEST = "digest#"
"""What the id of a digest begins with, and of a finding never does."""

_MOST_REFUSALS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What the findings of a digest have in common."""

    bucket: str
    type: str
    account: str
    region: str
    partition: str
    opened_at: datetime

    @classmethod
    def of(cls, finding: Finding, *, now: datetime) -> "Subject":
        """Take from `finding` what others in its digest share."""
        return cls(
            bucket=finding.object.bucket,
            type=finding.type,
            account=finding.account,
            region=finding.region,
            partition=finding.partition,
            opened_at=now,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What somebody decided about all that waited: which action, by whom, when, and why.

    `shown` counts the findings that were posted for it, where it is to review them one by one.
    """

    action: str
    by: str
    at: datetime
    reason: str
    is_done: bool = False
    shown: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """A digest in the ledger.

    Attributes:
        message: the Slack message, once it is known to be posted.
        posting_until: while it lasts, one invocation has the right to post the message.
        orders: what was decided about all that waited, oldest first.
        refusals: what people tried who may not decide; the first of many are enough.
        is_reminded: whether the approvers were reminded of what waits.
        changed: counts what happened to its findings.
        changed_at: when something last happened to one, as a Unix time.
        rests_until: until when the message is not drawn again for that, as a Unix time; 0 for none.
        revision: counts the writes to the attributes above `changed`.
    """

    id: str
    subject: Subject
    message: SlackMessage | None = None
    posting_until: datetime | None = None
    orders: tuple[Order, ...] = ()
    refusals: tuple[Order, ...] = ()
    is_reminded: bool = False
    changed: int = 0
    changed_at: int = 0
    rests_until: int = 0
    revision: int = 0

    @property
    def pending(self) -> Order | None:
        """The order that is being carried out."""
        return next((order for order in self.orders if not order.is_done), None)

    def with_order(self, order: Order, *, instead_of: Order) -> "Digest":
        """Put `order` where `instead_of` stands."""
        orders = (order if one == instead_of else one for one in self.orders)
        return replace(self, orders=tuple(orders))

    def refused(self, order: Order) -> "Digest":
        """Note an order of one who may not decide."""
        return replace(self, refusals=(*self.refusals, order)[:_MOST_REFUSALS])


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One finding of a digest, as much of it as the digest tells; `problem` is why it failed."""

    id: str
    status: Status
    severity: str
    detections: tuple[str, ...]
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The findings of a digest, counted."""

    statuses: Counter[Status]
    severities: Counter[str]
    detections: Counter[str]
    problems: Counter[str]

    @classmethod
    def of(cls, members: Iterable[Member]) -> "Tally":
        """Count `members`."""
        tally = cls(
            statuses=Counter(), severities=Counter(), detections=Counter(), problems=Counter()
        )
        for member in members:
            tally.statuses[member.status] += 1
            tally.severities[member.severity] += 1
            tally.detections.update(member.detections)
            tally.problems.update([member.problem] if member.problem else [])
        return tally

    @property
    def total(self) -> int:
        """How many there are."""
        return self.statuses.total()

    @property
    def waiting(self) -> int:
        """How many wait for a decision."""
        return self.statuses[Status.AWAITING_REVIEW]


def digest_id(finding: Finding, *, now: datetime) -> str:
    """Name the digest of this hour for the bucket and type of `finding`."""
    affected = finding.object
    common = f"{finding.account}\n{finding.region}\n{affected.bucket}\n{finding.type}"
    return f"{DIGEST}{hashlib.sha256(common.encode()).hexdigest()[:24]}#{now:%Y-%m-%dT%H}"
