"""What may be moved, whether a copy is complete, how its source is removed: tables, properties."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lambdas.common.finding import Finding
from lambdas.common.ledger.record import QuarantinedCopy
from lambdas.remediator.rules import (
    MoveError,
    check_copy,
    check_movable,
    comparison_basis,
    endangers_null_version,
    is_current,
    is_same_content,
    kept_until,
    matches_finding,
    quarantine_key,
    remaining_version,
)
from lambdas.remediator.s3.metadata import NULL_VERSION, ObjectMetadata, Version
from tests.harness.events import finding
from tests.harness.strategies import findings
from tests.lambdas.remediator.metadata import NOW, metadata, version

ETAG = metadata().etag
OBJECT = finding().object


def finding_at(bucket: str, key: str, account: str = "111122223333") -> Finding:
    """Return the finding as if its object were elsewhere."""
    return replace(finding(), account=account, object=replace(OBJECT, bucket=bucket, key=key))


KEYS = [
    ("a plain key", "b", "a/b.csv", "111122223333/b/a/b.csv"),
    ("with a leading slash", "b", "/a", "111122223333/b//a"),
    ("with dots", "b", "../a", "111122223333/b/../a"),
    ("as long as S3 allows", "bbb", "k" * 1007, f"111122223333/bbb/{'k' * 1007}"),
]


@pytest.mark.parametrize(
    ("bucket", "key", "expected"), [row[1:] for row in KEYS], ids=[row[0] for row in KEYS]
)
def test_a_quarantine_key_is_account_bucket_and_key_where_that_fits(
    bucket: str, key: str, expected: str
) -> None:
    assert quarantine_key(finding_at(bucket, key)) == expected


@settings(max_examples=500)
@given(found=findings(), other=findings())
def test_quarantine_keys_fit_name_account_and_bucket_and_differ(
    found: Finding, other: Finding
) -> None:
    key = quarantine_key(found)
    assert len(key.encode()) <= 1024
    assert key.startswith(f"{found.account}/{found.object.bucket}/")
    places = [(it.account, it.object.bucket, it.object.key) for it in (found, other)]
    assume(places[0] != places[1])
    assert key != quarantine_key(other)


@given(start=st.sampled_from(["k", "é", "😀", "/"]), first=st.text(), second=st.text())
def test_long_keys_that_differ_at_their_end_have_different_quarantine_keys(
    start: str, first: str, second: str
) -> None:
    assume(first != second)
    long = (start * 1024).encode()[:960].decode(errors="ignore")
    keys = [quarantine_key(finding_at("b" * 63, long + end)) for end in (first, second)]
    assert keys[0] != keys[1]


SEEN = [
    ("the same content, no versions", None, metadata(), True),
    ("other content, no versions", None, metadata(etag="0" * 32), False),
    ("the same version", "v1", metadata(version_id="v1"), True),
    ("the same content in another version", "v1", metadata(version_id="v2"), False),
    ("versions were enabled since", None, metadata(version_id="v2"), True),
    ("versions were suspended since", None, metadata(version_id="null"), True),
    ("the null version", "null", metadata(version_id="null"), True),
    ("the null version, replaced", "null", metadata(version_id="null", etag="0" * 32), False),
    ("a version where there are none any more", "v1", metadata(), False),
]


@pytest.mark.parametrize(
    ("version_id", "found", "expected"), [row[1:] for row in SEEN], ids=[row[0] for row in SEEN]
)
def test_the_object_of_a_finding_is_recognized_by_version_and_etag(
    version_id: str | None,
    found: ObjectMetadata,
    expected: bool,  # noqa: FBT001 - a column of the table
) -> None:
    affected = replace(OBJECT, version_id=version_id, etag=ETAG)
    assert matches_finding(affected, found) is expected


IMMOVABLE = [
    ("on legal hold", metadata(holds=("a legal hold",)), "under a legal hold"),
    ("on event hold", metadata(holds=("an event hold",)), "under an event hold"),
    ("locked", metadata(retained_until=NOW + timedelta(days=1)), "2026-11-21"),
    ("archived", metadata(archive="DEEP_ARCHIVE"), "DEEP_ARCHIVE"),
]
MOVABLE = [
    ("a plain object", metadata()),
    ("an object whose lock has ended", metadata(retained_until=NOW - timedelta(days=1))),
    ("an object whose lock ends now", metadata(retained_until=NOW)),
]


@pytest.mark.parametrize(
    ("found", "problem"), [row[1:] for row in IMMOVABLE], ids=[row[0] for row in IMMOVABLE]
)
def test_an_object_that_cannot_be_moved_is_a_failure_with_advice(
    found: ObjectMetadata, problem: str
) -> None:
    with pytest.raises(MoveError, match=problem) as failure:
        check_movable(found, now=NOW)
    assert "Retry" in failure.value.advice


@pytest.mark.parametrize("found", [row[1] for row in MOVABLE], ids=[row[0] for row in MOVABLE])
def test_an_object_that_can_be_moved_passes(found: ObjectMetadata) -> None:
    check_movable(found, now=NOW)


COPY = QuarantinedCopy(
    bucket="q",
    key="k",
    version_id="v",
    source_version_id=None,
    source_etag=ETAG,
    size=10,
    checksum=None,
    storage_class="STANDARD",
)
CRC, SHA = {"CRC64NVME": "a="}, {"SHA256": "b="}
COPIES = [
    ("the same MD5", metadata(), metadata(), True),
    ("another MD5", metadata(), metadata(etag="0" * 32), False),
    ("another size", metadata(), metadata(size=11), False),
    (
        "another size with the same checksum",
        metadata(checksums=CRC),
        metadata(checksums=CRC, size=1),
        False,
    ),
    (
        "the same checksum, whatever the ETag",
        metadata(checksums=CRC),
        metadata(checksums=CRC, etag="0"),
        True,
    ),
    (
        "another checksum, the same ETag",
        metadata(checksums=CRC),
        metadata(checksums={"CRC64NVME": "c="}),
        False,
    ),
    (
        "a checksum that is the same and another that is not",
        metadata(checksums=CRC | SHA),
        metadata(checksums=CRC | {"SHA256": "c="}),
        False,
    ),
    ("no checksum in common, the same MD5", metadata(checksums=CRC), metadata(checksums=SHA), True),
    (
        "no checksum in common, another MD5",
        metadata(checksums=CRC),
        metadata(checksums=SHA, etag="0"),
        False,
    ),
    ("a multipart ETag says nothing", metadata(etag="0-2"), metadata(), True),
    ("an ETag under KMS says nothing", metadata(encryption="aws:kms"), metadata(etag="0"), True),
    (
        "an ETag under DSSE says nothing",
        metadata(),
        metadata(etag="0", encryption="aws:kms:dsse"),
        True,
    ),
    ("an ETag under SSE-S3 is an MD5", metadata(encryption="AES256"), metadata(etag="0"), False),
]


@pytest.mark.parametrize(
    ("first", "second", "expected"), [row[1:] for row in COPIES], ids=[row[0] for row in COPIES]
)
def test_a_copy_is_compared_by_all_that_can_be_compared(
    first: ObjectMetadata,
    second: ObjectMetadata,
    expected: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert is_same_content(first, second) is expected
    assert is_same_content(second, first) is expected
    if expected:
        check_copy(first, second)
    else:
        with pytest.raises(MoveError, match="left alone"):
            check_copy(first, second)


BASES = [
    ("a shared checksum", {"checksums": CRC}, {"checksums": CRC | SHA}, "CRC64NVME checksum"),
    ("two", {"checksums": CRC | SHA}, {"checksums": CRC | SHA}, "CRC64NVME and SHA256 checksum"),
    ("the MD5", {}, {}, "ETag (MD5)"),
    ("the size under KMS", {}, {"encryption": "aws:kms"}, "size"),
    ("the size in parts", {"etag": "0-2"}, {}, "size"),
]


@pytest.mark.parametrize(
    ("first", "second", "expected"), [row[1:] for row in BASES], ids=[row[0] for row in BASES]
)
def test_the_ledger_says_what_a_comparison_rests_on(
    first: dict[str, Any], second: dict[str, Any], expected: str
) -> None:
    assert comparison_basis(metadata(**first), metadata(**second)) == expected


DAY = timedelta(days=1)
KEPT = [
    ("deleted at once", timedelta(), [], None),
    ("deleted at once where no lock was set", timedelta(), [None], None),
    ("kept for some days", 7 * DAY, [None], NOW + 7 * DAY),
    ("kept until its lock ends", 7 * DAY, [NOW + 9 * DAY, NOW + 8 * DAY], NOW + 9 * DAY),
    ("kept though its lock ends sooner", 7 * DAY, [NOW + DAY], NOW + 7 * DAY),
    ("deleted with the restore after its lock", timedelta(), [NOW - DAY], NOW),
]


@pytest.mark.parametrize(
    ("kept_for", "locks", "expected"), [row[1:] for row in KEPT], ids=[row[0] for row in KEPT]
)
def test_until_when_a_restore_keeps_the_copies(
    kept_for: timedelta, locks: list[datetime | None], expected: datetime | None
) -> None:
    copies = [replace(COPY, locked_until=lock) for lock in locks]
    assert kept_until(copies, restored_at=NOW, kept_for=kept_for) == expected


def test_a_copy_that_is_missing_is_a_failure() -> None:
    with pytest.raises(MoveError):
        check_copy(metadata(), None)


V1, V2 = version("v1"), version("v2")
CURRENT_OR_NOT = [
    ("without versions it is current", metadata(), [], True),
    (
        "the latest is current",
        metadata(version_id="v1"),
        [version("v1", is_latest=True)],
        True,
    ),
    (
        "an older version is not",
        metadata(version_id="v1"),
        [version("v2", is_latest=True), V1],
        False,
    ),
    (
        "a version under a marker is not",
        metadata(version_id="v1"),
        [version("m", is_latest=True, is_marker=True), V1],
        False,
    ),
    ("a version that is not listed is not", metadata(version_id="v1"), [V2], False),
    (
        "the null version is current",
        metadata(version_id="null"),
        [version("null", is_latest=True)],
        True,
    ),
]


@pytest.mark.parametrize(
    ("found", "versions", "expected"),
    [row[1:] for row in CURRENT_OR_NOT],
    ids=[row[0] for row in CURRENT_OR_NOT],
)
def test_the_latest_version_is_the_current_object(
    found: ObjectMetadata,
    versions: list[Version],
    expected: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert is_current(found, versions) is expected


REMAINING = [
    ("nothing, in a bucket without versions", None, None, None),
    ("the version, under its marker", "v1", "m1", "v1"),
    ("the version, under a null marker", "v1", "null", "v1"),
    ("the version, where no marker was created", "v1", None, "v1"),
    ("the null version, under a marker", "null", "m1", "null"),
    ("nothing of a null version that a null marker replaced", "null", "null", None),
    ("the null version, where no marker was created", "null", None, "null"),
    ("the null version, where versions were enabled meanwhile", None, "m1", "null"),
    ("nothing, where they were suspended meanwhile", None, "null", None),
]


@pytest.mark.parametrize(
    ("version_id", "marker", "expected"),
    [row[1:] for row in REMAINING],
    ids=[row[0] for row in REMAINING],
)
def test_which_version_remains_after_a_removal(
    version_id: str | None, marker: str | None, expected: str | None
) -> None:
    assert remaining_version(metadata(version_id=version_id), marker) == expected


NULL = version(NULL_VERSION)
CURRENT = version("v1", is_latest=True)
DANGERS = [
    ("a null version beside the current version is", "v1", [CURRENT, NULL], True),
    ("no null version beside it is not", "v1", [CURRENT, V2], False),
    ("a null marker is not", "v1", [CURRENT, version(NULL_VERSION, is_marker=True)], False),
    ("the null version itself is not", "null", [version("null", is_latest=True)], False),
    ("beside an older version it is not", "v1", [version("null", is_latest=True), V1], False),
    ("without versions nothing is", None, [], False),
]


@pytest.mark.parametrize(
    ("version_id", "versions", "expected"),
    [row[1:] for row in DANGERS],
    ids=[row[0] for row in DANGERS],
)
def test_which_null_version_is_endangered(
    version_id: str | None,
    versions: list[Version],
    expected: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert endangers_null_version(metadata(version_id=version_id), versions) is expected
