"""How an object is divided into parts, and by which checksum its copy is compared. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from lambdas.remediator.s3.metadata import ObjectMetadata

_MAX_PARTS = 10_000
_MIB = 1024 * 1024
_PREFERRED_PART = 256 * _MIB
FullObjectChecksum = Literal["CRC64NVME", "CRC32C", "CRC32"]
_FULL_OBJECT_CHECKSUMS: tuple[FullObjectChecksum, ...] = ("CRC64NVME", "CRC32C", "CRC32")
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

    @property
    def size(self) -> int:
        """Its length in bytes."""
        return self.last - self.first + 1


def plan_parts(size: int, threshold: int) -> Iterator[Part]:
    """Divide `size` bytes into at most 10,000 parts, none larger than need be.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html

    Args:
        size: of the object, in bytes.
        threshold: above which objects are copied in parts; no part is preferred to be larger.
    """
    smallest = -(-size // _MAX_PARTS)
    length = max(min(_PREFERRED_PART, threshold), -(-smallest // _MIB) * _MIB)
    for number, first in enumerate(range(0, size, length), start=1):
        yield Part(number=number, first=first, last=min(first + length, size) - 1)


def checksum_algorithm(source: ObjectMetadata) -> FullObjectChecksum:
    """Choose the checksum of a copy in parts: one that its source has as well, to compare by."""
    shared = (name for name in _FULL_OBJECT_CHECKSUMS if name in source.checksums)
    return next(shared, _FULL_OBJECT_CHECKSUMS[0])
