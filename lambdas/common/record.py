"""A finding's record: where it stands, how it came there, and where it may go."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from lambdas.common.finding import Detection, Finding, Severity

POLICY = "remediation policy"
"""Who decided, where no person did."""

_MOST_REFUSALS = 20
_MOST_JOINED = 20
_MOST_DETECTIONS = 10
_LONGEST_RUN = timedelta(minutes=20)
"""Longer than the remediator may run: Lambda's most are 15 minutes."""

REMEDIATOR = "remediator"
"""Who brought about an outcome."""


class Status(StrEnum):
    """Where a record stands."""

    IGNORED = "IGNORED"
    AWAITING_REVIEW = "AWAITING_REVIEW"
    DISMISSED = "DISMISSED"
    JOINED = "JOINED"
    REMEDIATING = "REMEDIATING"
    QUARANTINED = "QUARANTINED"
    CHANGED = "CHANGED"
    NOT_FOUND = "NOT_FOUND"
    FAILED = "FAILED"
    DRY_RUN = "DRY_RUN"
    RESTORING = "RESTORING"
    RESTORED = "RESTORED"


UNDER_WAY = frozenset({Status.REMEDIATING, Status.RESTORING})
"""Where the remediator has something to do."""

TRANSITIONS: Mapping[Status, frozenset[Status]] = {
    Status.IGNORED: frozenset(),
    Status.AWAITING_REVIEW: frozenset({Status.REMEDIATING, Status.DISMISSED}),
    Status.DISMISSED: frozenset({Status.AWAITING_REVIEW}),
    Status.JOINED: frozenset(),
    Status.REMEDIATING: frozenset(
        {Status.QUARANTINED, Status.CHANGED, Status.NOT_FOUND, Status.FAILED, Status.DRY_RUN}
    ),
    Status.QUARANTINED: frozenset({Status.RESTORING}),
    Status.CHANGED: frozenset(),
    Status.NOT_FOUND: frozenset(),
    Status.FAILED: frozenset({Status.REMEDIATING, Status.RESTORING}),
    Status.DRY_RUN: frozenset({Status.REMEDIATING}),
    Status.RESTORING: frozenset({Status.RESTORED, Status.FAILED}),
    Status.RESTORED: frozenset(),
}


class IllegalTransitionError(Exception):
    """Somebody decided first: `record` stands where the wanted step does not start."""

    def __init__(self, record: "Record", wanted: Status) -> None:
        super().__init__(f"{record.finding.id} is {record.status}, it cannot become {wanted}")
        self.record = record


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One step of a finding's history, or one that was refused and left the status as it was.

    Attributes:
        at: when.
        status: where the record stood after it.
        by: a Slack user id, `POLICY` or `REMEDIATOR`.
        reason: why, one sentence.
        advice: what to do about it, where it is a failure.
        evidence: what lies where, by version, checksum and size; and what AWS said, if it refused.
        is_refused: whether somebody tried what they may not do.
    """

    at: datetime
    status: Status
    by: str
    reason: str
    advice: str = ""
    evidence: tuple[str, ...] = ()
    is_refused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackMessage:
    """Where a finding's message stands in Slack."""

    channel: str
    ts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantinedCopy:
    """A verified copy in quarantine.

    Attributes:
        version_id: of the copy.
        source_version_id: of what was copied, None in a bucket without versions.
        source_etag: of what was copied.
        size: in bytes.
        checksum: `ALGORITHM:value`, or None where S3 keeps none of the whole object.
        storage_class: of what was copied.
        not_kept: what a copy can not keep, one sentence each.
    """

    bucket: str
    key: str
    version_id: str
    source_version_id: str | None
    source_etag: str
    size: int
    checksum: str | None
    storage_class: str
    not_kept: tuple[str, ...] = ()

    def __str__(self) -> str:
        version, etag = self.source_version_id or "none", self.source_etag
        return (
            f"source version {version}, ETag {etag}, {self.size} bytes, checksum {self.checksum};"
            f" copy s3://{self.bucket}/{self.key} version {self.version_id}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PutBack:
    """A verified object in its own bucket again.

    Attributes:
        copy: the version id of the copy that it was made of.
        version_id: its own, None in a bucket without versions.
        etag: its own.
    """

    copy: str
    version_id: str | None
    etag: str

    def __str__(self) -> str:
        return f"copy version {self.copy} put back as version {self.version_id}, ETag {self.etag}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A copy that was begun: what a rerun needs to find it.

    Attributes:
        source: tells which version, or content, is being copied.
        onto: tells what stood at the destination before, "" for nothing; what stands there after a
            crash and is not this is the interrupted copy.
        upload_id: the multipart upload, if the copy is made in parts.
    """

    source: str
    onto: str
    upload_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a move ended: the status to record, why, what to do about it, and AWS's own words."""

    status: Status
    reason: str
    advice: str = ""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedFinding:
    """Another finding on the very same object: told and decided with the first one."""

    id: str
    type: str
    severity: Severity | None
    detections: tuple[Detection, ...]

    @classmethod
    def of(cls, finding: Finding) -> "JoinedFinding":
        """Take of `finding` what is told of it; it has a record of its own."""
        return cls(
            id=finding.id,
            type=finding.type,
            severity=finding.severity,
            detections=finding.detections[:_MOST_DETECTIONS],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One finding in the ledger.

    Attributes:
        history: every step so far, oldest first; the last one is where the record stands.
        revision: counts the writes; a write is refused unless it is based on the latest one.
        message: the Slack message, once it is known to be posted.
        posting_until: while it lasts, one invocation has the right to post the message.
        copies: what is in quarantine, each from the moment it is verified; oldest version first.
        attempt: the copy that is being made, either way.
        put_back: the objects that a restore has put back so far, each once it is verified.
        other_versions: how many other versions of the key remain in the source bucket.
        lead: the finding on the same object that this one joined, where it did.
        joined: the latest findings that joined this one.
        look_at: when somebody is to look whether it still stands there: then the approvers are
            reminded, or the remediator is started again.
        tell_at: when Slack, which was busy, is to be told again.
        digest: the digest that tells of it, where there are too many to tell of each.
    """

    finding: Finding
    history: tuple[Entry, ...]
    revision: int = 0
    message: SlackMessage | None = None
    posting_until: datetime | None = None
    copies: tuple[QuarantinedCopy, ...] = ()
    attempt: Attempt | None = None
    put_back: tuple[PutBack, ...] = ()
    other_versions: int | None = None
    lead: str | None = None
    joined: tuple[JoinedFinding, ...] = ()
    look_at: datetime | None = None
    tell_at: datetime | None = None
    digest: str | None = None

    @classmethod
    def opened(
        cls,
        finding: Finding,
        status: Status,
        *,
        reason: str,
        now: datetime,
        look_at: datetime | None = None,
        **more: Any,
    ) -> "Record":
        """Make the first record of `finding`, as the remediation policy decided.

        `look_at` is for a finding that waits for a person.
        """
        entry = Entry(at=now, status=status, by=POLICY, reason=reason)
        watched = _look_at(status, now, look_at)
        return cls(finding=finding, history=(entry,), look_at=watched, **more)

    @property
    def status(self) -> Status:
        """Where the record stands."""
        return self.history[-1].status

    @property
    def due(self) -> datetime | None:
        """When there is something to be done about the record without anybody's asking."""
        moments = (self.tell_at, self.look_at)
        return min((moment for moment in moments if moment is not None), default=None)

    @property
    def is_automatic(self) -> bool:
        """Whether the latest step lets the object be moved without a person's decision."""
        return self.status is Status.REMEDIATING and self.history[-1].by == POLICY

    @property
    def standing(self) -> Entry:
        """The step that brought the record where it stands."""
        return next(entry for entry in reversed(self.history) if not entry.is_refused)

    @property
    def decision(self) -> Entry:
        """The latest step that somebody, a person or the policy, decided."""
        steps = (entry for entry in reversed(self.history) if not entry.is_refused)
        return next(entry for entry in steps if entry.by != REMEDIATOR)

    def with_status(
        self,
        status: Status,
        *,
        by: str,
        reason: str,
        now: datetime,
        advice: str = "",
        evidence: tuple[str, ...] = (),
        look_at: datetime | None = None,
        **changes: Any,
    ) -> "Record":
        """Step to `status`, with `changes` to other attributes.

        `look_at` is for a finding that waits for a person.

        Raises:
            IllegalTransitionError: there is no such step from where the record stands.
        """
        if status not in TRANSITIONS[self.status]:
            raise IllegalTransitionError(self, status)
        if by == REMEDIATOR:
            evidence = (*map(str, self.copies), *evidence)
        entry = Entry(at=now, status=status, by=by, reason=reason, advice=advice, evidence=evidence)
        watched = _look_at(status, now, look_at)
        return replace(self, history=(*self.history, entry), look_at=watched, **changes)

    def with_joined(self, finding: Finding) -> "Record":
        """Add a finding on the same object; only the latest are kept, each has its own record."""
        joined = (*self.joined, JoinedFinding.of(finding))[-_MOST_JOINED:]
        return replace(self, joined=joined)

    def refused(self, *, by: str, reason: str, now: datetime) -> "Record":
        """Note that `by` tried what they may not do; the first of many are enough."""
        if sum(entry.is_refused for entry in self.history) >= _MOST_REFUSALS:
            return self
        entry = Entry(at=now, status=self.status, by=by, reason=reason, is_refused=True)
        return replace(self, history=(*self.history, entry))


def _look_at(status: Status, now: datetime, waiting: datetime | None) -> datetime | None:
    if status is Status.AWAITING_REVIEW:
        return waiting
    return now + _LONGEST_RUN if status in UNDER_WAY else None
