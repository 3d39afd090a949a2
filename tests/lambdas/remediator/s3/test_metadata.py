"""What S3 knows about an object, as the rules read it: tables."""

import pytest

from lambdas.remediator.s3.metadata import archive_tier
from tests.lambdas.remediator.metadata import metadata

ETAG = metadata().etag

TIERS = [
    ("STANDARD", None, None, None),
    (None, None, None, None),
    ("GLACIER_IR", None, None, None),
    ("GLACIER", None, None, "GLACIER"),
    ("DEEP_ARCHIVE", None, None, "DEEP_ARCHIVE"),
    ("DEEP_ARCHIVE", None, 'ongoing-request="true"', "DEEP_ARCHIVE"),
    ("GLACIER", None, 'ongoing-request="false", expiry-date="Fri, 21 Dec 2026 00:00:00 GMT"', None),
    ("INTELLIGENT_TIERING", None, None, None),
    ("INTELLIGENT_TIERING", "ARCHIVE_ACCESS", None, "ARCHIVE_ACCESS"),
    ("INTELLIGENT_TIERING", "DEEP_ARCHIVE_ACCESS", 'ongoing-request="true"', "DEEP_ARCHIVE_ACCESS"),
    ("INTELLIGENT_TIERING", "ARCHIVE_ACCESS", 'ongoing-request="false"', None),
]


@pytest.mark.parametrize(("storage_class", "archive", "restore", "expected"), TIERS)
def test_an_object_is_archived_until_it_is_restored(
    storage_class: str | None, archive: str | None, restore: str | None, expected: str | None
) -> None:
    assert archive_tier(storage_class, archive, restore) == expected


CLASSES = [
    ("STANDARD_IA", "STANDARD_IA"),
    ("GLACIER_IR", "GLACIER_IR"),
    ("GLACIER", "STANDARD"),
    ("OUTPOSTS", "STANDARD"),
    ("REDUCED_REDUNDANCY", "STANDARD"),
]


@pytest.mark.parametrize(("storage_class", "expected"), CLASSES)
def test_a_copy_keeps_the_storage_class_where_it_can(storage_class: str, expected: str) -> None:
    assert metadata(storage_class=storage_class).copy_storage_class == expected


def test_an_object_is_identified_by_its_version_or_where_that_can_be_replaced_its_etag() -> None:
    assert metadata(version_id="v1").identity == "v1"
    assert metadata().identity == ETAG
    assert metadata(version_id="null").identity == ETAG


def test_the_first_checksum_is_recorded() -> None:
    assert metadata(checksums={"SHA256": "b=", "CRC64NVME": "a="}).checksum == "CRC64NVME:a="
    assert metadata().checksum is None
