"""One copy, from one place to another: made once however often it is tried, verified, or undone."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from lambdas.common.errors import FailedMoveError
from lambdas.common.http import NoAnswerError
from lambdas.common.record import Attempt
from lambdas.remediator import s3
from lambdas.remediator.move import (
    NULL_VERSION,
    Facts,
    Version,
    check_copy,
    is_same_content,
)
from lambdas.remediator.objects import Objects, Place, pinned_version
from lambdas.remediator.parts import Made, PartsCopy
from lambdas.remediator.refusals import (
    is_changed,
    is_conflict,
    is_gone,
    is_refusal,
    refusals,
)
from lambdas.remediator.s3_answers import S3Error

Remember = Callable[[Attempt | None], object]
_PAUSES = (1, 4)
"""Seconds after which a copy that S3 did not answer about is looked for, each time it did not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An object where it lies, as S3 tells of it now; `versions` are those of its key."""

    objects: Objects
    place: Place
    facts: Facts
    versions: tuple[Version, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Copying:
    """Makes copies at one end.

    Attributes:
        objects: those of the destination's account and region.
        threshold: bytes from which on a copy is made in parts.
        may_cover: whether a copy may be made over an object that stands there already.
    """

    objects: Objects
    threshold: int
    may_cover: Callable[[Facts], bool]

    def copied(
        self, source: Source, place: Place, attempt: Attempt | None, remember: Remember
    ) -> Facts | None:
        """Copy `source` to `place`, or find the copy that an interrupted `attempt` made.

        Returns:
            The verified copy; None if the source changed, or what stands at `place` may not be
                covered.

        Raises:
            FailedMoveError: S3 refuses, or the copy is not the same; then it is deleted again.
            NoAnswerError: S3 does not say, several times, whether it made the copy.
        """

        def noted(now: Attempt | None) -> None:
            nonlocal attempt
            attempt = now
            remember(now)

        for pause in (*_PAUSES, None):
            try:
                copy = self._copied(source, place, attempt, noted)
                break
            except NoAnswerError:
                if pause is None:
                    raise
                time.sleep(pause)
        if copy is None:
            remember(None)
        return copy

    def _copied(
        self, source: Source, place: Place, attempt: Attempt | None, remember: Remember
    ) -> Facts | None:
        present = self.objects.look(place)
        if attempt is None or attempt.source != source.facts.identity:
            attempt = Attempt(
                source=source.facts.identity, onto=present.identity if present else ""
            )
            remember(attempt)
        interrupted = _interrupted(source, present, attempt)
        if interrupted is None and present is not None and not self.may_cover(present):
            return None
        with refusals("copy", source.place.bucket, kms_key=source.facts.kms_key):
            try:
                made = (
                    _made(interrupted)
                    if interrupted
                    else self._make(source, place, attempt, _over(present), remember)
                )
                return self._completed(source, place, made)
            except S3Error as error:
                if is_conflict(error):
                    raise NoAnswerError("a copy is being written there") from error
                if is_changed(error):
                    late = _interrupted(source, self.objects.look(place), attempt)
                    return self._completed(source, place, _made(late)) if late else None
                if is_gone(error) and error.code != "NoSuchBucket":
                    return None
                if is_refusal(error):
                    # Weeks later, what stands there then is not the copy that this one made.
                    remember(None)
                raise

    def _make(
        self, source: Source, place: Place, attempt: Attempt, over: Any, remember: Remember
    ) -> Made:
        if source.facts.size <= self.threshold:
            return self._at_once(source, place, over)
        return self._in_parts(source, place, over).run(
            attempt.upload_id,
            lambda upload_id: remember(replace(attempt, upload_id=upload_id)),
        )

    def _completed(self, source: Source, place: Place, made: Made) -> Facts | None:
        """Give a copy what it lacks and verify it; where that is refused, delete it again.

        Returns:
            The copy; None if something else has taken its place by now, which is left alone.
        """
        try:
            self._annotate(source, place, made)
            copy = self.objects.look(place, made.version_id)
            if copy is not None and copy.etag != made.etag:
                return None
            check_copy(source.facts, copy)
        except (S3Error, FailedMoveError) as error:
            if isinstance(error, FailedMoveError) or is_refusal(error):
                self._undo(place, made)
            raise
        return copy

    def _undo(self, place: Place, made: Made) -> None:
        try:
            if made.version_id in (None, NULL_VERSION):
                self.objects.delete_current(place, made.etag)
            else:
                self.objects.delete_version(place, made.version_id)
        except FailedMoveError as refusal:
            text = f"{refusal} The object is where it was, and a bad copy of it is there as well."
            raise FailedMoveError(text, advice=refusal.advice) from refusal.__cause__

    def _at_once(self, source: Source, place: Place, over: Any) -> Made:
        """Let S3 copy; it takes metadata, headers, tags and annotations along by itself.

        Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
        """
        redirect: Any = (
            {"WebsiteRedirectLocation": source.facts.redirect} if source.facts.redirect else {}
        )
        answer = self.objects.call(
            "CopyObject",
            Bucket=place.bucket,
            Key=place.key,
            CopySource=_named(source),
            StorageClass=source.facts.kept_class,
            **{**self.objects.asked, **_conditions(source), **over},
            **redirect,
        )
        etag = answer["CopyObjectResult"]["ETag"].strip('"')
        return Made(version_id=answer.get("VersionId"), etag=etag)

    def _in_parts(self, source: Source, place: Place, over: Any) -> PartsCopy:
        tags = source.objects.call(
            "GetObjectTagging",
            Bucket=source.place.bucket,
            Key=source.place.key,
            **pinned_version(source.facts.version_id),
            **source.objects.asked,
        )
        return PartsCopy(
            call=self.objects.call,
            asked=self.objects.asked,
            source=_named(source),
            conditions=_conditions(source),
            tags=tags["TagSet"],
            destination=place,
            facts=source.facts,
            threshold=self.threshold,
            over=over,
        )

    def _annotate(self, source: Source, place: Place, made: Made) -> None:
        """Copy the object's annotations, which a copy in parts leaves behind.

        Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectAnnotations.html
        """
        if source.facts.size <= self.threshold:
            return
        origin = {
            "Bucket": source.place.bucket,
            "Key": source.place.key,
            **pinned_version(source.facts.version_id),
            **source.objects.asked,
        }
        pages = s3.pages(source.objects.call, "ListObjectAnnotations", **origin)
        for page in pages:
            for annotation in page.get("Annotations", ()):
                name = annotation["AnnotationName"]
                one = source.objects.call("GetObjectAnnotation", **origin, AnnotationName=name)
                self.objects.call(
                    "PutObjectAnnotation",
                    Bucket=place.bucket,
                    Key=place.key,
                    AnnotationName=name,
                    AnnotationPayload=one["AnnotationPayload"],
                    ObjectIfMatch=f'"{made.etag}"',
                    **pinned_version(made.version_id),
                    **self.objects.asked,
                )


def _interrupted(source: Source, present: Facts | None, attempt: Attempt) -> Facts | None:
    """Tell whether what stands at the destination is the copy that `attempt` made."""
    if present is None or present.identity == attempt.onto:
        return None
    is_same = present.headers == source.facts.headers and is_same_content(source.facts, present)
    return present if is_same else None


def _made(copy: Facts) -> Made:
    return Made(version_id=copy.version_id, etag=copy.etag)


def _named(source: Source) -> Any:
    """Name the source for a copy; a mapping, for S3 would misread a text with `?` or `+` in it."""
    place = source.place
    version = pinned_version(source.facts.version_id)
    return {"Bucket": place.bucket, "Key": place.key, **version}


def _conditions(source: Source) -> Any:
    condition = {"CopySourceIfMatch": f'"{source.facts.etag}"'}
    if source.objects.owner is None:
        return condition
    owner = {"ExpectedSourceBucketOwner": source.objects.owner, "RequestPayer": "requester"}
    return {**condition, **owner}


def _over(present: Facts | None) -> Any:
    """Say what the copy may be written over: what was seen at its place, and nothing later.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
    """
    return {"IfNoneMatch": "*"} if present is None else {"IfMatch": f'"{present.etag}"'}
