"""The move into quarantine, done: copy, verify, write down, delete; a rerun goes on from there."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from lambdas.common.errors import FailedMoveError
from lambdas.common.finding import AffectedObject, Finding
from lambdas.common.ledger import Ledger
from lambdas.common.record import QuarantinedCopy, Record, Status
from lambdas.remediator.move import (
    NULL_VERSION,
    Facts,
    Removal,
    Version,
    check_copy,
    check_movable,
    endangers_another,
    is_what_macie_saw,
    left_behind,
    others,
    plan_removal,
    quarantine_key,
)
from lambdas.remediator.objects import Objects


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a move ended: the status to record, and why in one sentence."""

    status: Status
    reason: str


_NOT_FOUND = Outcome(status=Status.NOT_FOUND, reason="The object is not there any more.")
_CHANGED = Outcome(status=Status.CHANGED, reason="Another object stands under this name by now.")
_QUARANTINED = Outcome(status=Status.QUARANTINED, reason="The object is in quarantine.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """The object where Macie saw it, as S3 tells of it now."""

    objects: Objects
    bucket: str
    key: str
    facts: Facts
    versions: tuple[Version, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantine:
    """The quarantine bucket.

    Attributes:
        bucket: its name; it keeps versions.
        own: the objects of our own account.
        sources: the objects of a finding's account and region.
        ledger: where the move is written down as it goes.
        clock: tells the time.
    """

    bucket: str
    own: Objects
    sources: Callable[[Finding], Objects]
    ledger: Ledger
    clock: Callable[[], datetime]

    def take(self, record: Record) -> Outcome:
        """Move the object of `record` here; the caller has the sole right to move its key.

        At every instant the object is whole in its bucket or verified here, and no other object is
        touched.

        Raises:
            FailedMoveError: it can not be moved.
        """
        affected = _as_copied(record)
        source = self._look(record.finding, affected)
        if record.copy is None:
            if source is None:
                return _NOT_FOUND
            if not is_what_macie_saw(affected, source.facts):
                return _CHANGED
            copy = self._copied(record, source)
            if copy is None:
                return _CHANGED
            self._write_down(
                record, copy=copy, other_versions=others(source.facts, source.versions)
            )
        if source is not None and is_what_macie_saw(affected, source.facts):
            self._remove(record, source)
        return _QUARANTINED

    def _look(self, finding: Finding, affected: AffectedObject) -> _Source | None:
        objects = self.sources(finding)
        facts = objects.look(affected.bucket, affected.key, affected.version_id)
        if facts is None:
            return None
        versions = objects.versions(affected.bucket, affected.key) if facts.version_id else ()
        return _Source(
            objects=objects,
            bucket=affected.bucket,
            key=affected.key,
            facts=facts,
            versions=tuple(versions),
        )

    def _copied(self, record: Record, source: _Source) -> QuarantinedCopy | None:
        """Copy and verify; answer None if the object changed meanwhile."""
        check_movable(source.facts, now=self.clock())
        _check_neighbours(source)
        key = quarantine_key(record.finding.object)
        version_id = self._interrupted(record, key) or self.own.copy_from(
            record.finding, source.facts, bucket=self.bucket, key=key
        )
        if version_id is None:
            return None
        self._verify(source, key, version_id)
        return QuarantinedCopy(
            bucket=self.bucket,
            key=key,
            version_id=version_id,
            source_version_id=source.facts.version_id,
            size=source.facts.size,
            checksum=source.facts.checksum,
        )

    def _interrupted(self, record: Record, key: str) -> str | None:
        """Find the copy that a crashed run made; if this is the first run, prepare to find it."""
        current = self.own.look(self.bucket, key)
        version_id = current.version_id if current else None
        if record.copying_onto is None:
            self._write_down(record, copying_onto=version_id or "")
            return None
        return None if version_id == record.copying_onto else version_id

    def _verify(self, source: _Source, key: str, version_id: str) -> None:
        copy = self.own.look(self.bucket, key, version_id)
        try:
            check_copy(source.facts, copy)
        except FailedMoveError:
            self.own.delete_version(self.bucket, key, version_id)
            raise

    def _remove(self, record: Record, source: _Source) -> None:
        """Remove the source; where that is refused, put everything back as it was."""
        marker = None
        try:
            if plan_removal(source.facts, source.versions) is Removal.CURRENT:
                marker = source.objects.delete_current(source.bucket, source.key, source.facts.etag)
                rest = left_behind(source.facts, marker)
            else:
                rest = source.facts.version_id
            if rest is not None and self._is_still(source, rest):
                source.objects.delete_version(source.bucket, source.key, rest)
        except FailedMoveError as refusal:
            self._put_back(record, source, marker, refusal)
            raise

    def _is_still(self, source: _Source, version_id: str) -> bool:
        """Answer whether the version is what it was: only a "null" one can be replaced."""
        if version_id != NULL_VERSION:
            return True
        now = source.objects.look(source.bucket, source.key, version_id)
        return now is not None and now.etag == source.facts.etag

    def _put_back(
        self, record: Record, source: _Source, marker: str | None, refusal: FailedMoveError
    ) -> None:
        """Undo a move whose deletion was refused.

        Raises:
            FailedMoveError: that was refused as well; both copies exist, and the text says so.
        """
        copy = self.ledger.get(record.finding.id).copy
        try:
            if marker is not None:
                source.objects.delete_version(source.bucket, source.key, marker)
            if copy is not None:
                self.own.delete_version(copy.bucket, copy.key, copy.version_id)
        except FailedMoveError as error:
            raise FailedMoveError(
                f"{refusal} The object remains in its bucket, perhaps under a delete marker, and a"
                " copy of it remains in quarantine.",
                advice=refusal.advice,
            ) from error
        self._write_down(record, copy=None, copying_onto=None, other_versions=None)

    def _write_down(self, record: Record, **changes: Any) -> None:
        self.ledger.change(record.finding.id, lambda now: replace(now, **changes))


def _as_copied(record: Record) -> AffectedObject:
    """Pin the object to the version that was copied, which the finding may not name."""
    affected = record.finding.object
    if record.copy is None:
        return affected
    return replace(affected, version_id=record.copy.source_version_id)


def _check_neighbours(source: _Source) -> None:
    """Refuse to start where removing the source would destroy another version of its key."""
    if not endangers_another(source.facts, source.versions):
        return
    if source.objects.has_suspended_versions(source.bucket):
        raise FailedMoveError(
            "The bucket's versions are suspended, and deleting this one would destroy another.",
            advice="Enable versioning on the bucket again, then try again.",
        )
