"""Null versions, in buckets that made none once or make none now: none is lost by accident.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeletingObjectsfromVersioningSuspendedBuckets.html
"""

from collections.abc import Iterator
from typing import Any

import pytest

from lambdas.common.ledger.record import Record, Status
from tests.harness.aws import AUTO, CARD, KEY, QUARANTINE, SOURCE
from tests.harness.events import object_detail
from tests.harness.harness import Harness, start_harness
from tests.harness.null_versions import NullVersions


@pytest.fixture
def harness() -> Iterator[Harness]:
    """Deploy the functions, with a source bucket that can hold null versions."""
    with start_harness(versioning="Enabled") as harness:
        yield harness


@pytest.fixture
def nulls(harness: Harness) -> NullVersions:
    """Return its null versions; it makes no versions now."""
    versions = NullVersions(harness.s3, SOURCE, is_suspended=True)
    versions.register(harness)
    return versions


def remediate(harness: Harness, found: dict[str, Any]) -> Record:
    """Take a finding through all steps."""
    assert harness.deliver(found) == []
    harness.run_remediator()
    return harness.record(found)


def put_null(nulls: NullVersions, body: bytes, version_id: str) -> dict[str, Any]:
    """Put a null version, and return Macie's finding on it as `version_id`."""
    etag = nulls.put(KEY, body)
    return object_detail(AUTO, etag=etag, version_id=version_id, size=len(body))


def is_gone(harness: Harness) -> bool:
    """Return whether nothing is current under the key."""
    try:
        harness.s3.get_object(Bucket=SOURCE, Key=KEY)
    except harness.s3.exceptions.NoSuchKey:
        return True
    return False


@pytest.mark.parametrize("version_id", ["", "null"])
def test_the_null_version_of_a_suspended_bucket_is_moved(
    harness: Harness, nulls: NullVersions, version_id: str
) -> None:
    record = remediate(harness, put_null(nulls, CARD, version_id))
    assert record.status is Status.QUARANTINED
    assert harness.bodies(SOURCE) == []
    assert harness.bodies(QUARANTINE) == [CARD]
    assert is_gone(harness)


@pytest.mark.parametrize("version_id", ["", "null"])
def test_older_versions_of_a_suspended_bucket_stay_and_none_becomes_current(
    harness: Harness, nulls: NullVersions, version_id: str
) -> None:
    harness.report_object(body=b"older")
    record = remediate(harness, put_null(nulls, CARD, version_id))
    assert record.status is Status.QUARANTINED
    assert record.other_versions == 1
    assert harness.bodies(SOURCE) == [b"older"]
    assert is_gone(harness)


@pytest.mark.parametrize("version_id", ["", "null"])
def test_the_null_version_from_before_versioning_is_moved(
    harness: Harness, nulls: NullVersions, version_id: str
) -> None:
    nulls.is_suspended = False
    record = remediate(harness, put_null(nulls, CARD, version_id))
    assert record.status is Status.QUARANTINED
    assert harness.bodies(SOURCE) == []
    assert harness.bodies(QUARANTINE) == [CARD]
    assert is_gone(harness)


@pytest.mark.parametrize("is_suspended", [True, False])
def test_a_newer_version_than_the_null_one_stays_current(
    harness: Harness, nulls: NullVersions, *, is_suspended: bool
) -> None:
    nulls.is_suspended = is_suspended
    found = put_null(nulls, CARD, "null")
    harness.report_object(body=b"newer")
    assert remediate(harness, found).status is Status.QUARANTINED
    assert harness.bodies(SOURCE) == [b"newer"]
    assert harness.s3.get_object(Bucket=SOURCE, Key=KEY)["Body"].read() == b"newer"
    assert harness.bodies(QUARANTINE) == [CARD]


def test_a_null_version_that_a_deletion_would_destroy_is_kept_and_the_move_refused(
    harness: Harness, nulls: NullVersions
) -> None:
    nulls.put(KEY, b"older and innocent")
    record = remediate(harness, harness.report_object(AUTO))
    assert record.status is Status.FAILED
    assert "suspended" in harness.message.text
    assert sorted(harness.bodies(SOURCE)) == sorted([CARD, b"older and innocent"])
    assert harness.bodies(QUARANTINE) == []


def test_beside_a_null_version_the_current_one_is_moved_while_versions_are_made(
    harness: Harness, nulls: NullVersions
) -> None:
    nulls.is_suspended = False
    nulls.put(KEY, b"older and innocent")
    record = remediate(harness, harness.report_object(AUTO))
    assert record.status is Status.QUARANTINED
    assert harness.bodies(SOURCE) == [b"older and innocent"]
    assert is_gone(harness)


def test_beside_a_null_version_an_older_one_is_moved_though_none_are_made(
    harness: Harness, nulls: NullVersions
) -> None:
    found = harness.report_object(AUTO)
    nulls.put(KEY, b"newer")
    assert remediate(harness, found).status is Status.QUARANTINED
    assert harness.bodies(SOURCE) == [b"newer"]
    assert not is_gone(harness)


@pytest.mark.parametrize("is_suspended", [True, False])
def test_a_null_version_that_was_replaced_is_not_the_object_of_the_finding(
    harness: Harness, nulls: NullVersions, *, is_suspended: bool
) -> None:
    nulls.is_suspended = is_suspended
    found = put_null(nulls, CARD, "null")
    nulls.put(KEY, b"innocent")
    assert remediate(harness, found).status is Status.CHANGED
    assert harness.bodies(SOURCE) == [b"innocent"]
    assert harness.bodies(QUARANTINE) == []


@pytest.mark.parametrize("is_suspended", [True, False])
def test_a_null_version_that_is_replaced_after_the_copy_is_not_deleted(
    harness: Harness, nulls: NullVersions, *, is_suspended: bool
) -> None:
    nulls.is_suspended = is_suspended
    found = put_null(nulls, CARD, "")

    def replaced(**_: Any) -> None:
        if harness.strict_s3.operations.count("DeleteObject") == 0:
            nulls.put(KEY, b"innocent")

    harness.register("before-call.s3.DeleteObject", replaced)
    remediate(harness, found)
    assert b"innocent" in harness.bodies(SOURCE)
    assert harness.bodies(QUARANTINE) == [CARD]
    assert harness.s3.get_object(Bucket=SOURCE, Key=KEY)["Body"].read() == b"innocent"


@pytest.mark.parametrize("is_deleted", [False, True], ids=["by a newer version", "by a marker"])
def test_a_null_version_that_is_covered_after_the_copy_is_deleted_under_its_cover(
    harness: Harness, nulls: NullVersions, *, is_deleted: bool
) -> None:
    nulls.is_suspended = False
    found = put_null(nulls, CARD, "null")

    def covered(**_: Any) -> None:
        if harness.strict_s3.operations.count("DeleteObject") == 0:
            if is_deleted:
                harness.s3.delete_object(Bucket=SOURCE, Key=KEY)
            else:
                harness.report_object(body=b"newer")

    harness.register("before-call.s3.DeleteObject", covered)
    assert remediate(harness, found).status is Status.QUARANTINED
    assert harness.bodies(SOURCE) == ([] if is_deleted else [b"newer"])
    assert harness.bodies(QUARANTINE) == [CARD]


class CrashError(Exception):
    """The function dies harness."""


def replace_null_between_two_runs(harness: Harness, nulls: NullVersions) -> dict[str, Any]:
    """Copy every version, a null version among them, die, and replace that one meanwhile."""
    harness.change_settings(quarantine_versions="ALL")
    found = harness.report_object(AUTO)
    nulls.put(KEY, b"null")
    assert harness.deliver(found) == []

    def die(**_: Any) -> None:
        raise CrashError

    harness.register("provide-client-params.s3.DeleteObject", die)
    with pytest.raises(CrashError):
        harness.run_remediator()
    harness.unregister("provide-client-params.s3.DeleteObject", die)
    nulls.put(KEY, b"innocent")
    return found


def test_of_every_version_a_null_version_that_was_replaced_is_copied_before_it_is_deleted(
    harness: Harness, nulls: NullVersions
) -> None:
    found = replace_null_between_two_runs(harness, nulls)
    harness.run_remediator()
    assert harness.record(found).status is Status.QUARANTINED
    assert harness.bodies(SOURCE) == []
    assert sorted(harness.bodies(QUARANTINE)) == sorted([CARD, b"innocent", b"null"])
    assert len(harness.record(found).copies) == 3


def test_the_copy_of_a_null_version_that_was_replaced_is_kept_where_deletion_is_denied(
    harness: Harness, nulls: NullVersions
) -> None:
    found = replace_null_between_two_runs(harness, nulls)
    harness.strict_s3.deny = lambda operation, parameters: (
        operation == "DeleteObject" and parameters["Bucket"] == SOURCE
    )
    harness.run_remediator()
    record = harness.record(found)
    assert record.status is Status.FAILED
    assert sorted(harness.bodies(SOURCE)) == sorted([CARD, b"innocent"])
    assert harness.bodies(QUARANTINE) == [b"null"]
    assert [copy.size for copy in record.copies] == [len(b"null")]
