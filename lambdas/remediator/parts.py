"""Copying what is too large for one CopyObject: in parts, side by side, each pinned to the source.

boto3's managed copy keeps neither a condition on the destination nor the check of the owner.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from lambdas.common.aws import Call
from lambdas.remediator import s3
from lambdas.remediator.move import Facts
from lambdas.remediator.objects import Place
from lambdas.remediator.refusals import is_refusal
from lambdas.remediator.s3_answers import S3Error

_MOST_PARTS = 10_000
SIDE_BY_SIDE = 8
_MIB = 1024 * 1024
_PREFERRED_PART = 256 * _MIB
_OF_WHOLE_OBJECTS = ("CRC64NVME", "CRC32C", "CRC32")
"""The checksums that S3 can make of a whole object out of those of its parts.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part: its number from 1, and its first and last byte."""

    number: int
    first: int
    last: int

    @property
    def range(self) -> str:
        """The bytes as S3 wants them named."""
        return f"bytes={self.first}-{self.last}"


def plan_parts(size: int, threshold: int) -> Iterator[Part]:
    """Divide `size` bytes into at most 10,000 parts, none larger than need be.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html

    Args:
        size: of the object, in bytes.
        threshold: from which on objects are copied in parts; no part is preferred to be larger.
    """
    smallest = -(-size // _MOST_PARTS)
    length = max(min(_PREFERRED_PART, threshold), -(-smallest // _MIB) * _MIB)
    for number, first in enumerate(range(0, size, length), start=1):
        yield Part(number=number, first=first, last=min(first + length, size) - 1)


def checksum_of(facts: Facts) -> Any:
    """Choose the checksum of a copy in parts: one that its source has as well, to compare by."""
    shared = (name for name in _OF_WHOLE_OBJECTS if name in facts.checksums)
    return next(shared, _OF_WHOLE_OBJECTS[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What S3 says that it made: by these it is told from what takes its place later."""

    version_id: str | None
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartsCopy:
    """One copy in parts.

    Attributes:
        call: what asks S3 in the destination's region, and `asked` what all its requests say.
        source: what is copied, as CopyObject's `CopySource`, and `conditions` on it.
        tags: the source's tags.
        destination: where to.
        facts: of the source.
        threshold: see `plan_parts`.
        over: the condition on what stands at the destination.
    """

    call: Call
    asked: Any
    source: Any
    conditions: Any
    tags: Any
    destination: Place
    facts: Facts
    threshold: int
    over: Any

    def run(self, upload_id: str | None, remember: Callable[[str], object]) -> Made:
        """Copy, going on with the upload `upload_id` if it is there; answer the copy.

        `remember` is told the id of a new upload before the first part is copied. A refusal leaves
        no upload behind.
        """
        present = self._present(upload_id) if upload_id else None
        if upload_id is None or present is None:
            upload_id, present = self._create(), {}
            remember(upload_id)
        self._abort_forgotten(upload_id)
        try:
            return self._complete(upload_id, self._copy_missing(upload_id, present))
        except S3Error as error:
            if is_refusal(error):
                self.call("AbortMultipartUpload", **self._upload(upload_id))
            raise

    def _create(self) -> str:
        headers: Any = dict(self.facts.headers)
        redirect: Any = (
            {"WebsiteRedirectLocation": self.facts.redirect} if self.facts.redirect else {}
        )
        answer = self.call(
            "CreateMultipartUpload",
            Bucket=self.destination.bucket,
            Key=self.destination.key,
            StorageClass=self.facts.kept_class,
            Tagging=urlencode({tag["Key"]: tag["Value"] for tag in self.tags}),
            ChecksumAlgorithm=checksum_of(self.facts),
            ChecksumType="FULL_OBJECT",
            **headers,
            **redirect,
            **self.asked,
        )
        upload_id: str = answer["UploadId"]
        return upload_id

    def _present(self, upload_id: str) -> dict[int, Any] | None:
        """Tell the parts that are copied already, or None if there is no such upload any more.

        Those of another size than planned do not count: the threshold may have been changed.
        """
        plan = plan_parts(self.facts.size, self.threshold)
        sizes = {part.number: part.last - part.first + 1 for part in plan}
        pages = s3.pages(self.call, "ListParts", **self._upload(upload_id))
        try:
            parts = [part for page in pages for part in page.get("Parts", ())]
        except S3Error as error:
            if error.code == "NoSuchUpload":
                return None
            raise
        return {
            part["PartNumber"]: self._done(part["PartNumber"], part)
            for part in parts
            if sizes.get(part["PartNumber"]) == part["Size"]
        }

    def _abort_forgotten(self, upload_id: str) -> None:
        """Abort the uploads to this key that we made, and died before `remember` was told of."""
        place = self.destination
        pages = s3.pages(
            self.call, "ListMultipartUploads", Bucket=place.bucket, Prefix=place.key, **self.asked
        )
        uploads = [one for page in pages for one in page.get("Uploads", ())]
        ours = [one for one in uploads if one["Key"] == place.key]
        me = next((one["Initiator"] for one in ours if one["UploadId"] == upload_id), None)
        for one in ours:
            if one["UploadId"] != upload_id and one["Initiator"] == me:
                self.call("AbortMultipartUpload", **self._upload(one["UploadId"]))

    def _copy_missing(self, upload_id: str, present: dict[int, Any]) -> list[Any]:
        def copied(part: Part) -> Any:
            if part.number in present:
                return present[part.number]
            answer = self.call(
                "UploadPartCopy",
                **{**self._upload(upload_id), **self.conditions},
                PartNumber=part.number,
                CopySource=self.source,
                CopySourceRange=part.range,
            )
            return self._done(part.number, answer["CopyPartResult"])

        with ThreadPoolExecutor(SIDE_BY_SIDE) as threads:
            return list(threads.map(copied, plan_parts(self.facts.size, self.threshold)))

    def _complete(self, upload_id: str, parts: list[Any]) -> Made:
        answer = self.call(
            "CompleteMultipartUpload",
            **self._upload(upload_id),
            MultipartUpload={"Parts": parts},
            MpuObjectSize=self.facts.size,
            **self.over,
        )
        return Made(version_id=answer.get("VersionId"), etag=answer["ETag"].strip('"'))

    def _upload(self, upload_id: str) -> Any:
        place = self.destination
        return {"Bucket": place.bucket, "Key": place.key, "UploadId": upload_id, **self.asked}

    def _done(self, number: int, answer: Any) -> dict[str, Any]:
        """Name a copied part as CompleteMultipartUpload wants it."""
        checksum = f"Checksum{checksum_of(self.facts)}"
        done = {"PartNumber": number, "ETag": answer["ETag"]}
        return done | ({checksum: answer[checksum]} if checksum in answer else {})
