"""A finding's record: its status, its history, and the transitions that are allowed."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from lambdas.common.finding import Detection, Finding, Severity

POLICY = "remediation policy"
"""Who decided, where no person did."""

REMEDIATOR = "remediator"
"""Who recorded an outcome."""

_MOST_REFUSALS = 20
_MOST_DUPLICATES = 20
_MOST_DETECTIONS = 10
_LONGEST_RUN = timedelta(minutes=20)
"""Longer than a run of the remediator, which Lambda ends after 15 minutes."""


class Status(StrEnum):
    """The status of a record."""

    IGNORED = "IGNORED"
    AWAITING_REVIEW = "AWAITING_REVIEW"
    DISMISSED = "DISMISSED"
    DUPLICATE = "DUPLICATE"
    REMEDIATING = "REMEDIATING"
    QUARANTINED = "QUARANTINED"
    CHANGED = "CHANGED"
    NOT_FOUND = "NOT_FOUND"
    FAILED = "FAILED"
    DRY_RUN = "DRY_RUN"
    RESTORING = "RESTORING"
    RESTORED = "RESTORED"


IN_PROGRESS = frozenset({Status.REMEDIATING, Status.RESTORING})
"""The statuses in which the remediator has work to do."""

TRANSITIONS: Mapping[Status, frozenset[Status]] = {
    Status.IGNORED: frozenset(),
    Status.AWAITING_REVIEW: frozenset({Status.REMEDIATING, Status.DISMISSED}),
    Status.DISMISSED: frozenset({Status.AWAITING_REVIEW}),
    Status.DUPLICATE: frozenset(),
    Status.REMEDIATING: frozenset(
        {Status.QUARANTINED, Status.CHANGED, Status.NOT_FOUND, Status.FAILED, Status.DRY_RUN}
    ),
    Status.QUARANTINED: frozenset({Status.RESTORING}),
    Status.CHANGED: frozenset(),
    Status.NOT_FOUND: frozenset(),
    Status.FAILED: frozenset({Status.REMEDIATING, Status.RESTORING, Status.DISMISSED}),
    Status.DRY_RUN: frozenset({Status.REMEDIATING}),
    Status.RESTORING: frozenset({Status.RESTORED, Status.FAILED}),
    Status.RESTORED: frozenset(),
}


class IllegalTransitionError(Exception):
    """The status of `record` does not allow the transition; somebody else decided first."""

    def __init__(self, record: "Record", wanted: Status) -> None:
        super().__init__(f"{record.finding.id} is {record.status}, it cannot become {wanted}")
        self.record = record


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One entry of a finding's history: a new status, or an attempt that was refused.

    Attributes:
        at: when.
        status: the record's status afterwards; a refused attempt leaves it as it was.
        by: a Slack user id, `POLICY` or `REMEDIATOR`.
        reason: why, one sentence.
        advice: for a failure, what to do about it.
        evidence: for an outcome, the copies by version, checksum and size; for a refusal of AWS,
            the words of AWS.
        is_refused: whether somebody tried what they are not allowed to do.
    """

    at: datetime
    status: Status
    by: str
    reason: str
    advice: str = ""
    evidence: tuple[str, ...] = ()
    is_refused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRef:
    """A message in a channel; in Slack, `id` is the message's `ts`."""

    channel: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantinedCopy:
    """A verified copy in quarantine.

    Attributes:
        bucket: the quarantine bucket.
        key: the copy's key.
        version_id: the copy's version id.
        source_version_id: the source's version id, None in a bucket without versioning.
        source_etag: the source's ETag.
        size: in bytes.
        checksum: `ALGORITHM:value`, or None where S3 stores none of the whole object.
        storage_class: the source's storage class.
        lost_in_copy: what a copy cannot keep, one sentence each.
        verified_by: what the comparison with the source rests on, such as a checksum's algorithm.
        locked_until: until when Object Lock keeps the copy, if it does.
        encryption: the source's kind of server-side encryption, which a restore names.
        kms_key: the ARN of the source's KMS key, which a restore names.
    """

    bucket: str
    key: str
    version_id: str
    source_version_id: str | None
    source_etag: str
    size: int
    checksum: str | None
    storage_class: str
    lost_in_copy: tuple[str, ...] = ()
    verified_by: str = ""
    locked_until: datetime | None = None
    encryption: str | None = None
    kms_key: str | None = None

    def is_locked(self, now: datetime) -> bool:
        """Return whether Object Lock keeps the copy."""
        return self.locked_until is not None and self.locked_until > now

    def __str__(self) -> str:
        version, etag = self.source_version_id or "none", self.source_etag
        verified = f", verified by {self.verified_by}" if self.verified_by else ""
        locked = f", locked until {self.locked_until.isoformat()}" if self.locked_until else ""
        return (
            f"source version {version}, ETag {etag}, {self.size} bytes, checksum {self.checksum};"
            f" copy s3://{self.bucket}/{self.key} version {self.version_id}{verified}{locked}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoredObject:
    """A verified object that a restore put back into its bucket.

    Attributes:
        copy_version_id: the version id of the copy in quarantine that it was made from.
        version_id: its own version id, None in a bucket without versioning.
        etag: its own ETag.
    """

    copy_version_id: str
    version_id: str | None
    etag: str

    def __str__(self) -> str:
        return (
            f"copy version {self.copy_version_id} restored as version {self.version_id},"
            f" ETag {self.etag}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyAttempt:
    """A copy that was started: what a rerun needs to find it.

    Attributes:
        source: identifies the version, or the content, that is being copied.
        replaced: identifies the object at the destination before the copy, "" for none; an object
            that is there after a crash and is not this one is the interrupted copy.
        upload_id: the multipart upload, if the copy is made in parts.
    """

    source: str
    replaced: str
    upload_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a move ended: the status to record, why, what to do about it, and the words of AWS."""

    status: Status
    reason: str
    advice: str = ""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateFinding:
    """Another finding on the same object, which is shown and decided with the first finding."""

    id: str
    type: str
    severity: Severity | None
    detections: tuple[Detection, ...]

    @classmethod
    def from_finding(cls, finding: Finding) -> "DuplicateFinding":
        """Create the summary of `finding`, which has a record of its own."""
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
        finding: the finding.
        history: every transition so far, oldest first.
        revision: counts the writes; a write succeeds only if it is based on the latest revision.
        message: the Slack message, once it is known to be posted.
        posting_until: until then, one invocation has the right to post the message.
        copies: the copies in quarantine, each from the moment it is verified; oldest version first.
        attempt: the copy that is being made, in either direction.
        restored: the objects that a restore has put back so far, each once it is verified.
        other_versions: how many other versions of the key remain in the source bucket.
        primary: the id of the finding on the same object that this finding duplicates, if any.
        duplicates: the latest findings that duplicate this one.
        check_at: when to check the status: to remind the approvers, to start the remediator
            again, or to delete the copies that a restore has kept.
        notify_at: when to update Slack again, after Slack was unavailable.
        digest_id: the digest that shows the finding, where there are too many to show each.
    """

    finding: Finding
    history: tuple[Transition, ...]
    revision: int = 0
    message: MessageRef | None = None
    posting_until: datetime | None = None
    copies: tuple[QuarantinedCopy, ...] = ()
    attempt: CopyAttempt | None = None
    restored: tuple[RestoredObject, ...] = ()
    other_versions: int | None = None
    primary: str | None = None
    duplicates: tuple[DuplicateFinding, ...] = ()
    check_at: datetime | None = None
    notify_at: datetime | None = None
    digest_id: str | None = None

    @classmethod
    def create(
        cls,
        finding: Finding,
        status: Status,
        *,
        reason: str,
        now: datetime,
        check_at: datetime | None = None,
        digest_id: str | None = None,
        primary: str | None = None,
    ) -> "Record":
        """Create the first record of `finding`, as the remediation policy decided.

        `check_at` applies to a finding that waits for a person.
        """
        transition = Transition(at=now, status=status, by=POLICY, reason=reason)
        return cls(
            finding=finding,
            history=(transition,),
            check_at=_check_at(status, now, check_at),
            digest_id=digest_id,
            primary=primary,
        )

    @property
    def status(self) -> Status:
        """The current status."""
        return self.history[-1].status

    @property
    def due_at(self) -> datetime | None:
        """When the scheduled tasks have to look at the record, if they have to."""
        times = (self.notify_at, self.check_at)
        return min((time for time in times if time is not None), default=None)

    @property
    def is_automatic(self) -> bool:
        """Whether the latest transition has the object moved without a person's decision."""
        return self.status is Status.REMEDIATING and self.history[-1].by == POLICY

    @property
    def seen_state(self) -> str:
        """A value that changes whenever a person would have to decide anew, 10 hex digits.

        A button carries it, so that a click decides what its message showed. Posting the message,
        reminders and refused attempts do not change it.
        """
        transitions = sum(not entry.is_refused for entry in self.history)
        duplicates = " ".join(duplicate.id for duplicate in self.duplicates)
        state = f"{self.status} {transitions} {duplicates}"
        return hashlib.sha256(state.encode()).hexdigest()[:10]

    @property
    def attempts(self) -> int:
        """How often the current remediation or restore has failed so far."""
        target, count = self.decision.status, 0
        for entry in reversed(self.history):
            if entry.is_refused or entry.status is target:
                continue
            if entry.status is not Status.FAILED:
                break
            count += 1
        return count

    @property
    def latest_transition(self) -> Transition:
        """The transition that led to the current status."""
        return next(entry for entry in reversed(self.history) if not entry.is_refused)

    @property
    def decision(self) -> Transition:
        """The latest transition that a person or the remediation policy decided."""
        transitions = (entry for entry in reversed(self.history) if not entry.is_refused)
        return next(entry for entry in transitions if entry.by != REMEDIATOR)

    def transition_to(
        self,
        status: Status,
        *,
        by: str,
        reason: str,
        now: datetime,
        advice: str = "",
        evidence: tuple[str, ...] = (),
        check_at: datetime | None = None,
    ) -> "Record":
        """Return the record with the new `status`.

        `check_at` applies to a finding that waits for a person, that failed, or whose copies are
        kept after a restore.

        Raises:
            IllegalTransitionError: the current status does not allow the transition.
        """
        if status not in TRANSITIONS[self.status]:
            raise IllegalTransitionError(self, status)
        if by == REMEDIATOR:
            evidence = (*map(str, self.copies), *evidence)
        transition = Transition(
            at=now, status=status, by=by, reason=reason, advice=advice, evidence=evidence
        )
        return replace(
            self,
            history=(*self.history, transition),
            check_at=_check_at(status, now, check_at),
        )

    def add_duplicate(self, finding: Finding) -> "Record":
        """Return the record with another finding on its object; only the latest are kept."""
        duplicates = (*self.duplicates, DuplicateFinding.from_finding(finding))
        return replace(self, duplicates=duplicates[-_MOST_DUPLICATES:])

    def add_refusal(self, *, by: str, reason: str, now: datetime) -> "Record":
        """Return the record with an attempt of `by` that was refused; the first 20 are kept."""
        if sum(entry.is_refused for entry in self.history) >= _MOST_REFUSALS:
            return self
        refusal = Transition(at=now, status=self.status, by=by, reason=reason, is_refused=True)
        return replace(self, history=(*self.history, refusal))


def _check_at(status: Status, now: datetime, check_at: datetime | None) -> datetime | None:
    if status in (Status.AWAITING_REVIEW, Status.FAILED, Status.RESTORED):
        return check_at
    return now + _LONGEST_RUN if status in IN_PROGRESS else None
