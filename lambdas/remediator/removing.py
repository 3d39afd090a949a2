"""Removing what was copied: that object and no other, and no older one brought forward by it."""

from lambdas.common.errors import BusyError, FailedMoveError
from lambdas.remediator.copying import Source
from lambdas.remediator.move import NULL_VERSION, Removal, left_behind, plan_removal


def remove(source: Source) -> None:
    """Remove `source` from its place; where it is gone already, nothing happens.

    Raises:
        BusyError: it has become current since it was looked at.
        FailedMoveError: S3 refuses. The object is where it was; a delete marker laid over it is
            taken away again, or the text says that it hides the object.
    """
    if plan_removal(source.facts, source.versions) is Removal.VERSION:
        _check_still_not_current(source)
        _remove_version(source, source.facts.version_id)
        return
    marker = source.objects.delete_current(source.place, source.facts.etag)
    rest = left_behind(source.facts, marker)
    try:
        _remove_version(source, rest)
    except FailedMoveError as refusal:
        if marker is not None and rest is not None:
            _uncover(source, marker, refusal)
        raise


def _check_still_not_current(source: Source) -> None:
    """Look again, for a copy may take minutes, and what was newer may be gone by now."""
    versions = source.objects.versions(source.place)
    if plan_removal(source.facts, versions) is Removal.CURRENT:
        raise BusyError(f"s3://{source.place.bucket}/{source.place.key} has become current")


def _uncover(source: Source, marker: str, refusal: FailedMoveError) -> None:
    try:
        source.objects.delete_version(source.place, marker)
    except FailedMoveError as error:
        raise FailedMoveError(
            f"{refusal} The object is there, but the delete marker {marker} hides it now.",
            advice=f"Delete that marker to show the object again. {refusal.advice}"
            " A bucket with MFA Delete lets nobody but its account's root user do either.",
        ) from error


def _remove_version(source: Source, version_id: str | None) -> None:
    if version_id is not None and _is_still(source, version_id):
        source.objects.delete_version(source.place, version_id)


def _is_still(source: Source, version_id: str) -> bool:
    """Answer whether the version is what it was: only a "null" one can have been replaced."""
    if version_id != NULL_VERSION:
        return True
    now = source.objects.look(source.place, version_id)
    return now is not None and now.etag == source.facts.etag
