"""What may be moved, whether a copy is whole, how its source is removed: tables and properties."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lambdas.common.errors import FailedMoveError
from lambdas.common.finding import AffectedObject
from lambdas.remediator.move import (
    NULL_VERSION,
    Facts,
    Removal,
    Version,
    archive_tier,
    check_copy,
    check_movable,
    endangers_another,
    is_same_content,
    is_what_macie_saw,
    left_behind,
    plan_removal,
    quarantine_key,
)
from tests.lambdas.events import finding
from tests.lambdas.remediator.facts import NOW, facts, version
from tests.lambdas.strategies import affected_objects

ETAG = facts().etag
OBJECT = finding().object


def at(bucket: str, key: str) -> AffectedObject:
    """Place the object elsewhere."""
    return replace(OBJECT, bucket=bucket, key=key)


KEYS = [
    ("a plain one", "b", "a/b.csv", "b/a/b.csv"),
    ("with a leading slash", "b", "/a", "b//a"),
    ("with dots", "b", "../a", "b/../a"),
    ("as long as just fits", "bbb", "k" * 1020, f"bbb/{'k' * 1020}"),
]


@pytest.mark.parametrize(
    ("bucket", "key", "expected"), [row[1:] for row in KEYS], ids=[row[0] for row in KEYS]
)
def test_a_quarantine_key_is_bucket_and_key_where_that_fits(
    bucket: str, key: str, expected: str
) -> None:
    assert quarantine_key(at(bucket, key)) == expected


@settings(max_examples=500)
@given(affected=affected_objects(), other=affected_objects())
def test_quarantine_keys_fit_say_where_from_and_differ(
    affected: AffectedObject, other: AffectedObject
) -> None:
    key = quarantine_key(affected)
    assert len(key.encode()) <= 1024
    assert key.startswith(f"{affected.bucket}/")
    assume((affected.bucket, affected.key) != (other.bucket, other.key))
    assert key != quarantine_key(other)


@given(start=st.sampled_from(["k", "é", "😀", "/"]), one=st.text(), other=st.text())
def test_long_keys_that_differ_at_their_end_go_to_different_places(
    start: str, one: str, other: str
) -> None:
    assume(one != other)
    long = (start * 1024).encode()[:960].decode(errors="ignore")
    keys = [quarantine_key(at("b" * 63, long + end)) for end in (one, other)]
    assert keys[0] != keys[1]


SEEN = [
    ("the same content, no versions", None, facts(), True),
    ("other content, no versions", None, facts(etag="0" * 32), False),
    ("the same version", "v1", facts(version_id="v1"), True),
    ("the same content in another version", "v1", facts(version_id="v2"), False),
    ("versions were enabled since", None, facts(version_id="v2"), True),
    ("versions were suspended since", None, facts(version_id="null"), True),
    ("the null version", "null", facts(version_id="null"), True),
    ("the null version, replaced", "null", facts(version_id="null", etag="0" * 32), False),
    ("a version where there are none any more", "v1", facts(), False),
]


@pytest.mark.parametrize(
    ("version_id", "found", "expected"), [row[1:] for row in SEEN], ids=[row[0] for row in SEEN]
)
def test_what_macie_saw_is_told_by_version_and_etag(
    version_id: str | None,
    found: Facts,
    expected: bool,  # noqa: FBT001 - a column of the table
) -> None:
    affected = replace(OBJECT, version_id=version_id, etag=ETAG)
    assert is_what_macie_saw(affected, found) is expected


FIXED = [
    ("on legal hold", facts(holds=("a legal hold",)), "under a legal hold"),
    ("on event hold", facts(holds=("an event hold",)), "under an event hold"),
    ("locked", facts(retained_until=NOW + timedelta(days=1)), "2026-11-21"),
    ("archived", facts(archive="DEEP_ARCHIVE"), "DEEP_ARCHIVE"),
]
FREE = [
    ("a plain object", facts()),
    ("one whose lock has ended", facts(retained_until=NOW - timedelta(days=1))),
    ("one whose lock ends now", facts(retained_until=NOW)),
]


@pytest.mark.parametrize(
    ("found", "told"), [row[1:] for row in FIXED], ids=[row[0] for row in FIXED]
)
def test_what_can_not_be_moved_is_told_with_advice(found: Facts, told: str) -> None:
    with pytest.raises(FailedMoveError, match=told) as refusal:
        check_movable(found, now=NOW)
    assert "Retry" in refusal.value.advice


@pytest.mark.parametrize("found", [row[1] for row in FREE], ids=[row[0] for row in FREE])
def test_what_can_be_moved_is_not_refused(found: Facts) -> None:
    check_movable(found, now=NOW)


CRC, SHA = {"CRC64NVME": "a="}, {"SHA256": "b="}
COPIES = [
    ("the same MD5", facts(), facts(), True),
    ("another MD5", facts(), facts(etag="0" * 32), False),
    ("another size", facts(), facts(size=11), False),
    (
        "another size with the same checksum",
        facts(checksums=CRC),
        facts(checksums=CRC, size=1),
        False,
    ),
    (
        "the same checksum, whatever the ETag",
        facts(checksums=CRC),
        facts(checksums=CRC, etag="0"),
        True,
    ),
    (
        "another checksum, the same ETag",
        facts(checksums=CRC),
        facts(checksums={"CRC64NVME": "c="}),
        False,
    ),
    (
        "one checksum the same and one not",
        facts(checksums=CRC | SHA),
        facts(checksums=CRC | {"SHA256": "c="}),
        False,
    ),
    ("no checksum in common, the same MD5", facts(checksums=CRC), facts(checksums=SHA), True),
    (
        "no checksum in common, another MD5",
        facts(checksums=CRC),
        facts(checksums=SHA, etag="0"),
        False,
    ),
    ("a multipart ETag says nothing", facts(etag="0-2"), facts(), True),
    ("an ETag under KMS says nothing", facts(encryption="aws:kms"), facts(etag="0"), True),
    ("an ETag under DSSE says nothing", facts(), facts(etag="0", encryption="aws:kms:dsse"), True),
    ("an ETag under SSE-S3 is an MD5", facts(encryption="AES256"), facts(etag="0"), False),
]


@pytest.mark.parametrize(
    ("one", "other", "expected"), [row[1:] for row in COPIES], ids=[row[0] for row in COPIES]
)
def test_a_copy_is_compared_by_all_that_can_be_compared(
    one: Facts,
    other: Facts,
    expected: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert is_same_content(one, other) is expected
    assert is_same_content(other, one) is expected
    if expected:
        check_copy(one, other)
    else:
        with pytest.raises(FailedMoveError, match="left alone"):
            check_copy(one, other)


def test_a_copy_that_is_not_there_is_no_copy() -> None:
    with pytest.raises(FailedMoveError):
        check_copy(facts(), None)


V1, V2 = version("v1"), version("v2")
REMOVALS = [
    ("without versions it is current", facts(), [], Removal.CURRENT),
    (
        "the latest is current",
        facts(version_id="v1"),
        [version("v1", is_latest=True)],
        Removal.CURRENT,
    ),
    (
        "an older one is not",
        facts(version_id="v1"),
        [version("v2", is_latest=True), V1],
        Removal.VERSION,
    ),
    (
        "one under a marker is not",
        facts(version_id="v1"),
        [version("m", is_latest=True, is_marker=True), V1],
        Removal.VERSION,
    ),
    ("one that is not listed is not", facts(version_id="v1"), [V2], Removal.VERSION),
    (
        "the null version is current",
        facts(version_id="null"),
        [version("null", is_latest=True)],
        Removal.CURRENT,
    ),
]


@pytest.mark.parametrize(
    ("found", "versions", "expected"),
    [row[1:] for row in REMOVALS],
    ids=[row[0] for row in REMOVALS],
)
def test_only_what_is_current_is_removed_as_such(
    found: Facts, versions: list[Version], expected: Removal
) -> None:
    assert plan_removal(found, versions) is expected


LEFT = [
    ("nothing, in a bucket without versions", None, None, None),
    ("the version, under its marker", "v1", "m1", "v1"),
    ("the version, under a null marker", "v1", "null", "v1"),
    ("the version, where no marker was laid", "v1", None, "v1"),
    ("the null version, under a marker", "null", "m1", "null"),
    ("nothing of a null version that a null marker replaced", "null", "null", None),
    ("the null version, where no marker was laid", "null", None, "null"),
    ("the null version, where versions were enabled meanwhile", None, "m1", "null"),
    ("nothing, where they were suspended meanwhile", None, "null", None),
]


@pytest.mark.parametrize(
    ("version_id", "marker", "expected"), [row[1:] for row in LEFT], ids=[row[0] for row in LEFT]
)
def test_what_a_removal_leaves_behind(
    version_id: str | None, marker: str | None, expected: str | None
) -> None:
    assert left_behind(facts(version_id=version_id), marker) == expected


NULL = version(NULL_VERSION)
CURRENT = version("v1", is_latest=True)
DANGERS = [
    ("a null version beside the current one is", "v1", [CURRENT, NULL], True),
    ("none beside it is not", "v1", [CURRENT, V2], False),
    ("a null marker is not", "v1", [CURRENT, version(NULL_VERSION, is_marker=True)], False),
    ("the null version itself is not", "null", [version("null", is_latest=True)], False),
    ("beside an older one it is not", "v1", [version("null", is_latest=True), V1], False),
    ("without versions nothing is", None, [], False),
]


@pytest.mark.parametrize(
    ("version_id", "versions", "expected"),
    [row[1:] for row in DANGERS],
    ids=[row[0] for row in DANGERS],
)
def test_which_other_version_is_endangered(
    version_id: str | None,
    versions: list[Version],
    expected: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert endangers_another(facts(version_id=version_id), versions) is expected


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
    assert facts(storage_class=storage_class).kept_class == expected


def test_an_object_is_identified_by_its_version_or_where_that_can_be_replaced_its_etag() -> None:
    assert facts(version_id="v1").identity == "v1"
    assert facts().identity == ETAG
    assert facts(version_id="null").identity == ETAG


def test_one_checksum_speaks_for_all() -> None:
    assert facts(checksums=SHA | CRC).checksum == "CRC64NVME:a="
    assert facts().checksum is None
