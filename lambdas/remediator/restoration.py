"""The way back: the same move in reverse, never over an object that has appeared meanwhile."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from lambdas.common.errors import FailedMoveError
from lambdas.common.finding import Finding
from lambdas.common.record import Outcome, QuarantinedCopy, Record, Status
from lambdas.remediator.copying import Copying, Source
from lambdas.remediator.move import NULL_VERSION, Version
from lambdas.remediator.objects import Objects, Place
from lambdas.remediator.progress import Progress

_DRY_RUN = "The mode is DRY_RUN: nothing is moved, so the object is still in quarantine."
_LIVE = "Set mode to LIVE in cdk.json and deploy, then press Retry."
_RESTORED = Outcome(status=Status.RESTORED, reason="The object is back in its bucket.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoration:
    """Puts quarantined objects back.

    Attributes:
        own: the objects of our own account and region, where the quarantine is.
        is_dry_run: whether nothing may be moved.
        targets: makes copies where a finding's object was.
    """

    own: Objects
    is_dry_run: bool
    targets: Callable[[Finding, bool], Copying]

    def give_back(self, progress: Progress) -> Outcome:
        """Move what is quarantined back; the caller has the sole right to move the key.

        Several versions come back in the order in which they were made.

        Raises:
            FailedMoveError: it can not be put back; it is still in quarantine.
        """
        if self.is_dry_run:
            raise FailedMoveError(_DRY_RUN, advice=_LIVE)
        record = progress.record
        self._check_room(record)
        for copy in record.copies:
            if copy.version_id not in progress.record.restored:
                self._put_back(progress, copy, is_first=copy is record.copies[0])
        for copy in record.copies:
            self.own.delete_version(Place(bucket=copy.bucket, key=copy.key), copy.version_id)
        return _RESTORED

    def _check_room(self, record: Record) -> None:
        """Find before copying what the copies would overwrite: only versions lie side by side.

        Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/AddingObjectstoVersionSuspendedBuckets.html
        """
        objects = self.targets(record.finding, True).objects  # noqa: FBT003 - see the handler
        place = Place(bucket=record.finding.object.bucket, key=record.finding.object.key)
        versioning = objects.versioning(place)
        if versioning == "Enabled":
            return
        is_begun = record.restored or record.attempt is not None
        is_full = versioning == "Suspended" and not is_begun and _has_null(objects.versions(place))
        if len(record.copies) > 1 or is_full:
            raise FailedMoveError(
                "The bucket makes no versions now, so one object would overwrite another.",
                advice="Enable versioning on the bucket, then press Retry.",
            )

    def _put_back(self, progress: Progress, copy: QuarantinedCopy, *, is_first: bool) -> None:
        record, source = progress.record, self._source(copy)
        affected = record.finding.object
        copying = self.targets(record.finding, is_first)
        copied = copying.copied(
            source,
            Place(bucket=affected.bucket, key=affected.key),
            record.attempt,
            lambda attempt: progress.write_down(attempt=attempt),
        )
        if copied is None:
            raise FailedMoveError(
                "Another object stands under this name by now; both were left alone.",
                advice="Move or rename the other object, then press Retry.",
            )
        progress.write_down(restored=(*record.restored, copy.version_id), attempt=None)

    def _source(self, copy: QuarantinedCopy) -> Source:
        place = Place(bucket=copy.bucket, key=copy.key)
        facts = self.own.look(place, copy.version_id)
        if facts is None:
            raise FailedMoveError(
                "The quarantined copy is not there any more.",
                advice="See in the ledger whether it expired, or another finding restored it.",
            )
        return Source(
            objects=self.own, place=place, facts=replace(facts, storage_class=copy.storage_class)
        )


def _has_null(versions: Iterable[Version]) -> bool:
    return any(one.version_id == NULL_VERSION and not one.is_marker for one in versions)
