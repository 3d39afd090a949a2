"""The way into quarantine: copy, verify, write down, delete; a rerun goes on (step 7)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from lambdas.common.errors import FailedMoveError
from lambdas.common.finding import AffectedObject, Finding
from lambdas.common.ledger import Ledger
from lambdas.common.record import Outcome, QuarantinedCopy, Record, Status
from lambdas.common.text import human_size
from lambdas.remediator import affected
from lambdas.remediator.copying import Copying, Source
from lambdas.remediator.move import Facts, is_what_macie_saw, quarantine_key
from lambdas.remediator.objects import Objects, Place
from lambdas.remediator.progress import Progress
from lambdas.remediator.removing import remove


class Versions(StrEnum):
    """Which versions of an object's key go into quarantine."""

    FINDING = "FINDING"
    ALL = "ALL"


_NOT_FOUND = Outcome(status=Status.NOT_FOUND, reason="The object is not there any more.")
_CHANGED = Outcome(status=Status.CHANGED, reason="The object was replaced after the finding.")
_HALF_DONE = "A move was under way when the mode became DRY_RUN; it was left as it is."
_LIVE = "Set mode to LIVE in cdk.json and deploy, then press the button again."
_QUARANTINED = Outcome(status=Status.QUARANTINED, reason="The object is in quarantine.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantine:
    """The quarantine bucket.

    Attributes:
        bucket: its name; it keeps versions.
        copying: makes copies in it.
        sources: the objects of a finding's account and region.
        wanted: which versions of a key go there.
        is_dry_run: whether a move stops short of copying, and tells what it would have done.
        ledger: where the move is written down as it goes.
        clock: tells the time.
    """

    bucket: str
    copying: Copying
    sources: Callable[[Finding], Objects]
    wanted: Versions
    is_dry_run: bool
    ledger: Ledger
    clock: Callable[[], datetime]

    def take(self, progress: Progress) -> Outcome:
        """Move the object of a record here; the caller has the sole right to move its key.

        At every instant the object is whole in its bucket or verified here, and no object that was
        not asked for is touched.

        Raises:
            FailedMoveError: it can not be moved.
        """
        self._strike_out_lost_copies(progress)
        record = progress.record
        pinned = affected.as_copied(record)
        found = affected.find(self.sources(record.finding), pinned)
        if found is None:
            return _QUARANTINED if record.copies else self._elsewhere(progress)
        if not is_what_macie_saw(pinned, found.facts):
            return _QUARANTINED if record.copies else _CHANGED
        # They are copied oldest first, so that a restore can bring them back in that order.
        is_all = self.wanted is Versions.ALL
        sources = [*affected.every_version(found)] if is_all else [found]
        affected.check(sources, now=self.clock())
        if self.is_dry_run:
            return self._rehearsed(record, sources)
        remaining = affected.count_remaining(sources)
        copied = [one for one in sources if self._is_copied(progress, one, remaining=remaining)]
        if found not in copied:
            self._take_back(progress, copied)
            return _CHANGED
        # By the finding's own version a rerun knows that there is something left to remove.
        self._remove(progress, sorted(copied, key=lambda source: source is found))
        return _QUARANTINED

    def _strike_out_lost_copies(self, progress: Progress) -> None:
        """Forget the copies that are gone, for weeks may have passed since they were made."""
        copies = tuple(copy for copy in progress.record.copies if self._is_there(copy))
        if copies != progress.record.copies:
            progress.write_down(copies=copies)

    def _is_there(self, copy: QuarantinedCopy) -> bool:
        place = Place(bucket=copy.bucket, key=copy.key)
        return self.copying.objects.look(place, copy.version_id) is not None

    def _rehearsed(self, record: Record, sources: Sequence[Source]) -> Outcome:
        if record.copies or record.attempt is not None:
            raise FailedMoveError(_HALF_DONE, advice=_LIVE)
        size = human_size(sum(source.facts.size for source in sources))
        what = "The object" if len(sources) == 1 else f"{len(sources):,} versions of the object"
        reason = f"{what}, {size}, would have been moved into quarantine."
        if remaining := affected.count_remaining(sources):
            reason += f" Other versions that would have remained: {remaining:,}."
        return Outcome(status=Status.DRY_RUN, reason=reason, advice=_LIVE)

    def _elsewhere(self, progress: Progress) -> Outcome:
        """Look whether another finding had the object quarantined."""
        for other, copies in self._others(progress.record.finding):
            is_there = copies and all(self._is_there(copy) for copy in copies)
            if other.status is Status.QUARANTINED and is_there:
                progress.write_down(copies=copies)
                reason = f"The object is in quarantine, by the finding {other.finding.id}."
                return Outcome(status=Status.QUARANTINED, reason=reason)
        return _NOT_FOUND

    def _others(self, finding: Finding) -> Iterator[tuple[Record, tuple[QuarantinedCopy, ...]]]:
        for other in self.ledger.on_same_object(finding):
            yield other, other.copies
        if (mover := self.ledger.took_along(finding)) is not None:
            yield mover, tuple(copy for copy in mover.copies if _is_of(copy, finding.object))

    def _is_copied(self, progress: Progress, source: Source, *, remaining: int) -> bool:
        """See to it that `source` is in quarantine; answer False if it changed meanwhile."""
        record = progress.record
        if any(_is_of(copy, source.facts) for copy in record.copies):
            return True
        place = Place(bucket=self.bucket, key=quarantine_key(record.finding.object))
        losses = tuple(affected.not_kept(source))
        if self.wanted is Versions.ALL and source.facts.version_id is not None:
            self.ledger.note_along(record.finding, source.facts.version_id)
        copy = self.copying.copied(
            source, place, record.attempt, lambda attempt: progress.write_down(attempt=attempt)
        )
        if copy is None or copy.version_id is None:
            return False
        kept = replace(_kept(source, place, copy.version_id), not_kept=losses)
        copies = (*record.copies, kept)
        progress.write_down(copies=copies, attempt=None, other_versions=remaining)
        return True

    def _remove(self, progress: Progress, sources: Sequence[Source]) -> None:
        try:
            for source in sources:
                remove(source)
        except FailedMoveError as refusal:
            self._give_up(progress, sources, refusal)
            raise

    def _give_up(
        self, progress: Progress, sources: Sequence[Source], refusal: FailedMoveError
    ) -> None:
        """Take all back that is whole where it was, for it can not be deleted.

        Raises:
            FailedMoveError: that is refused as well, so both exist, or some are in quarantine
                already; the text says so.
        """
        try:
            self._take_back(progress, sources)
        except FailedMoveError as error:
            text = f"{refusal} It is still there, and a copy of it is in quarantine."
            raise FailedMoveError(text, advice=refusal.advice) from error
        if left := len(progress.record.copies):
            text = f"{refusal} Versions of it that are in quarantine already: {left}."
            raise FailedMoveError(text, advice=refusal.advice) from refusal.__cause__

    def _take_back(self, progress: Progress, sources: Sequence[Source]) -> None:
        """Delete the copies of those of `sources` again that are whole where they were."""
        whole = [source for source in sources if affected.is_whole(source)]
        copies = progress.record.copies
        left = tuple(copy for copy in copies if not any(_is_of(copy, one.facts) for one in whole))
        for copy in copies:
            if copy not in left:
                place = Place(bucket=copy.bucket, key=copy.key)
                self.copying.objects.delete_version(place, copy.version_id)
        progress.write_down(copies=left, attempt=None, other_versions=None)


def _is_of(copy: QuarantinedCopy, one: Facts | AffectedObject) -> bool:
    """Answer whether `copy` was made of this very version: a "null" one can be replaced."""
    return (copy.source_version_id, copy.source_etag) == (one.version_id, one.etag)


def _kept(source: Source, place: Place, version_id: str) -> QuarantinedCopy:
    return QuarantinedCopy(
        bucket=place.bucket,
        key=place.key,
        version_id=version_id,
        source_version_id=source.facts.version_id,
        source_etag=source.facts.etag,
        size=source.facts.size,
        checksum=source.facts.checksum,
        storage_class=source.facts.storage_class,
    )
