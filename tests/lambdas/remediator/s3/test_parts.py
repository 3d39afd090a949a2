"""Parts cover an object exactly, within S3's limits."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.remediator.s3.parts import Part, checksum_algorithm, plan_parts
from tests.lambdas.remediator.metadata import metadata

MIB, GIB = 1024 * 1024, 1024**3
TB = 10**12


# https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
@given(
    size=st.one_of(st.integers(5 * MIB + 1, 20 * GIB), st.sampled_from([50 * TB, 48 * 1024**4])),
    threshold=st.sampled_from([5 * MIB, 8 * MIB, 5_000_000_000]),
)
def test_parts_cover_the_object_once_within_the_limits(size: int, threshold: int) -> None:
    parts = list(plan_parts(size, threshold))
    assert [part.number for part in parts] == list(range(1, len(parts) + 1))
    assert len(parts) <= 10_000
    assert parts[0].first == 0
    assert parts[-1].last == size - 1
    assert all(part.last + 1 == after.first for part, after in itertools.pairwise(parts))
    lengths = [part.last - part.first + 1 for part in parts]
    assert max(lengths) <= 5 * GIB
    assert all(length >= 5 * MIB for length in lengths[:-1])


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        ((), "CRC64NVME"),
        (("CRC32",), "CRC32"),
        (("CRC32C", "SHA256"), "CRC32C"),
        (("CRC32", "CRC64NVME"), "CRC64NVME"),
        (("SHA1", "SHA256"), "CRC64NVME"),
    ],
    ids=str,
)
def test_a_copy_in_parts_is_checked_by_what_its_source_has_and_s3_can_make_of_parts(
    kept: tuple[str, ...], expected: str
) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html."""
    assert checksum_algorithm(metadata(checksums=dict.fromkeys(kept, "a="))) == expected


def test_a_part_names_its_range_as_s3_wants_it() -> None:
    assert Part(number=1, first=0, last=9).range == "bytes=0-9"


@pytest.mark.parametrize(
    ("size", "count"), [(6 * MIB, 2), (10 * MIB, 2), (10 * MIB + 1, 3)], ids=str
)
def test_parts_are_as_large_as_the_threshold_at_most(size: int, count: int) -> None:
    assert len(list(plan_parts(size, 5 * MIB))) == count
