"""One copy, from one place to another: made once however often it is tried, verified, or undone."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import ClientError

from lambdas.common.errors import FailedMoveError
from lambdas.common.record import Attempt
from lambdas.remediator.move import Facts, Version, check_copy, is_same_content
from lambdas.remediator.objects import Objects, Place, pinned_version
from lambdas.remediator.parts import PartsCopy
from lambdas.remediator.refusals import code, is_changed, is_gone, is_refusal, refusals

Remember = Callable[[Attempt], object]


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
        must_be_new: whether a copy is refused where something stands already.
    """

    objects: Objects
    threshold: int
    must_be_new: bool

    def copied(
        self, source: Source, place: Place, attempt: Attempt | None, remember: Remember
    ) -> Facts | None:
        """Copy `source` to `place`, or find the copy that an interrupted `attempt` made.

        Returns:
            The verified copy; None if the source changed, or something new stands at `place`.

        Raises:
            FailedMoveError: S3 refuses, or the copy is not the same; then it is deleted again.
        """
        present = self.objects.look(place)
        if attempt is None or attempt.source != source.facts.identity:
            attempt = Attempt(
                source=source.facts.identity, onto=present.identity if present else ""
            )
            remember(attempt)
        interrupted = _interrupted(source, present, attempt)
        if interrupted is None and present is not None and self.must_be_new:
            return None
        with refusals("copy", source.place.bucket, kms_key=source.facts.kms_key):
            try:
                version_id = (
                    interrupted.version_id
                    if interrupted
                    else self._make(source, place, attempt, remember)
                )
                return self._completed(source, place, version_id)
            except ClientError as error:
                if code(error) != "NoSuchBucket" and (is_gone(error) or is_changed(error)):
                    return None
                raise

    def _make(
        self, source: Source, place: Place, attempt: Attempt, remember: Remember
    ) -> str | None:
        if source.facts.size <= self.threshold:
            return self._at_once(source, place)
        return self._in_parts(source, place).run(
            attempt.upload_id,
            lambda upload_id: remember(replace(attempt, upload_id=upload_id)),
        )

    def _completed(self, source: Source, place: Place, version_id: str | None) -> Facts | None:
        """Give a copy what it lacks and verify it; where that is refused, delete it again."""
        try:
            self._annotate(source, place, version_id)
            copy = self.objects.look(place, version_id)
            check_copy(source.facts, copy)
        except (ClientError, FailedMoveError) as error:
            if isinstance(error, FailedMoveError) or is_refusal(error):
                self._undo(place, version_id)
            raise
        return copy

    def _undo(self, place: Place, version_id: str | None) -> None:
        copy = self.objects.look(place, version_id)
        if version_id is not None:
            self.objects.delete_version(place, version_id)
        elif copy is not None:
            self.objects.delete_current(place, copy.etag)

    def _at_once(self, source: Source, place: Place) -> str | None:
        """Let S3 copy; it takes metadata, headers, tags and annotations along by itself.

        Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
        """
        redirect = source.facts.redirect
        answer = self.objects.client.copy_object(
            Bucket=place.bucket,
            Key=place.key,
            CopySource=_named(source),
            StorageClass=source.facts.kept_class,
            **{**self.objects.asked, **_conditions(source)},
            **_optional("WebsiteRedirectLocation", redirect),
            **_optional("IfNoneMatch", "*" if self.must_be_new else None),
        )
        return answer.get("VersionId")

    def _in_parts(self, source: Source, place: Place) -> PartsCopy:
        tags = source.objects.client.get_object_tagging(
            Bucket=source.place.bucket,
            Key=source.place.key,
            **pinned_version(source.facts.version_id),
            **source.objects.asked,
        )
        return PartsCopy(
            client=self.objects.client,
            asked=self.objects.asked,
            source=_named(source),
            conditions=_conditions(source),
            tags=tags["TagSet"],
            destination=place,
            facts=source.facts,
            threshold=self.threshold,
            must_be_new=self.must_be_new,
        )

    def _annotate(self, source: Source, place: Place, version_id: str | None) -> None:
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
        pages = source.objects.client.get_paginator("list_object_annotations").paginate(**origin)
        for page in pages:
            for annotation in page.get("Annotations", ()):
                name = annotation["AnnotationName"]
                one = source.objects.client.get_object_annotation(**origin, AnnotationName=name)
                self.objects.client.put_object_annotation(
                    Bucket=place.bucket,
                    Key=place.key,
                    AnnotationName=name,
                    AnnotationPayload=one["AnnotationPayload"].read(),
                    **pinned_version(version_id),
                    **self.objects.asked,
                )


def _interrupted(source: Source, present: Facts | None, attempt: Attempt) -> Facts | None:
    """Tell whether what stands at the destination is the copy that `attempt` made."""
    if present is None or present.identity == attempt.onto:
        return None
    is_same = present.headers == source.facts.headers and is_same_content(source.facts, present)
    return present if is_same else None


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


def _optional(name: str, value: str | None) -> Any:
    return {} if value is None else {name: value}
