"""The way back: the same move in reverse, never over an object that has appeared meanwhile."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import takewhile

from lambdas.common.errors import FailedMoveError
from lambdas.common.finding import Finding
from lambdas.common.record import Outcome, PutBack, QuarantinedCopy, Record, Status
from lambdas.remediator.copying import Copying, Source
from lambdas.remediator.move import NULL_VERSION, Facts, Version
from lambdas.remediator.objects import Objects, Place
from lambdas.remediator.progress import Progress

_DRY_RUN = "The mode is DRY_RUN: nothing is moved, so the object is still in quarantine."
_LIVE = "Set mode to LIVE in cdk.json and deploy, then press Retry."


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoration:
    """Puts quarantined objects back.

    Attributes:
        own: the objects of our own account and region, where the quarantine is.
        sources: the objects of a finding's account and region.
        threshold: bytes from which on a copy is made in parts.
        is_dry_run: whether nothing may be moved.
    """

    own: Objects
    sources: Callable[[Finding], Objects]
    threshold: int
    is_dry_run: bool

    def give_back(self, progress: Progress) -> Outcome:
        """Move what is quarantined back; the caller has the sole right to move the key.

        Several versions come back in the order in which they were made; those whose copies have
        expired do not keep the others from it.

        Raises:
            FailedMoveError: it can not be put back; unless it has expired, it is in quarantine.
        """
        if self.is_dry_run:
            raise FailedMoveError(_DRY_RUN, advice=_LIVE)
        self._strike_out_what_is_gone(progress)
        self._check_room(progress.record)
        for copy, source in self._waiting(progress.record):
            self._put_back(progress, copy, source)
        self._empty(progress.record.copies)
        return _restored(progress.record)

    def _waiting(self, record: Record) -> list[tuple[QuarantinedCopy, Source]]:
        """Find the copies that are to be put back yet, those left out that are not there."""
        done = {one.copy for one in record.put_back}
        waiting = [copy for copy in record.copies if copy.version_id not in done]
        found = [(copy, source) for copy in waiting if (source := self._source(copy)) is not None]
        if not found and not done:
            raise FailedMoveError(
                "The quarantined copy is not there any more.",
                advice="See in the ledger whether it expired, or another finding restored it.",
            )
        return found

    def _strike_out_what_is_gone(self, progress: Progress) -> None:
        """Forget what was put back and is gone, and what came after it: they have an order."""
        record = progress.record
        place, objects = _home(record), self.sources(record.finding)
        there = tuple(takewhile(lambda one: _is_there(objects, place, one), record.put_back))
        if there != record.put_back:
            progress.write_down(put_back=there)

    def _check_room(self, record: Record) -> None:
        """Find before copying what the copies would overwrite: only versions lie side by side.

        Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/AddingObjectstoVersionSuspendedBuckets.html
        """
        objects, place = self.sources(record.finding), _home(record)
        versioning = objects.versioning(place)
        if versioning == "Enabled":
            return
        is_begun = record.put_back or record.attempt is not None
        is_full = versioning == "Suspended" and not is_begun and _has_null(objects.versions(place))
        if len(record.copies) > 1 or is_full:
            raise FailedMoveError(
                "The bucket makes no versions now, so one object would overwrite another.",
                advice="Enable versioning on the bucket, then press Retry.",
            )

    def _put_back(self, progress: Progress, copy: QuarantinedCopy, source: Source) -> None:
        """Copy it to its place, over nothing but what was put back there just before."""
        record = progress.record
        copied = Copying(
            objects=self.sources(record.finding),
            threshold=self.threshold,
            may_cover=lambda present: any(_is_it(one, present) for one in record.put_back[-1:]),
        ).copied(
            source,
            _home(record),
            record.attempt,
            lambda attempt: progress.write_down(attempt=attempt),
        )
        if copied is None:
            raise FailedMoveError(
                "Another object stands under this name by now; both were left alone.",
                advice="Move or rename the other object, then press Retry.",
            )
        back = PutBack(copy=copy.version_id, version_id=copied.version_id, etag=copied.etag)
        progress.write_down(put_back=(*record.put_back, back), attempt=None)

    def _source(self, copy: QuarantinedCopy) -> Source | None:
        place = Place(bucket=copy.bucket, key=copy.key)
        facts = self.own.look(place, copy.version_id)
        if facts is None:
            return None
        return Source(
            objects=self.own, place=place, facts=replace(facts, storage_class=copy.storage_class)
        )

    def _empty(self, copies: Iterable[QuarantinedCopy]) -> None:
        try:
            for copy in copies:
                self.own.delete_version(Place(bucket=copy.bucket, key=copy.key), copy.version_id)
        except FailedMoveError as refusal:
            text = f"{refusal} It is back in its bucket, and a copy of it is still in quarantine."
            raise FailedMoveError(text, advice=refusal.advice) from refusal.__cause__


def _restored(record: Record) -> Outcome:
    lost = len(record.copies) - len(record.put_back)
    return Outcome(
        status=Status.RESTORED,
        reason="The object is back in its bucket.",
        advice=f"Versions that were not in quarantine any more: {lost:,}." if lost else "",
        evidence=tuple(map(str, record.put_back)),
    )


def _home(record: Record) -> Place:
    return Place(bucket=record.finding.object.bucket, key=record.finding.object.key)


def _is_there(objects: Objects, place: Place, one: PutBack) -> bool:
    present = objects.look(place, one.version_id)
    return present is not None and _is_it(one, present)


def _is_it(one: PutBack, present: Facts) -> bool:
    # What was put where there were no versions is the null one where there are some by now.
    is_version = (one.version_id or NULL_VERSION) == (present.version_id or NULL_VERSION)
    return is_version and one.etag == present.etag


def _has_null(versions: Iterable[Version]) -> bool:
    return any(one.version_id == NULL_VERSION and not one.is_marker for one in versions)
