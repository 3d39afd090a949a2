"""Null versions, in buckets that made none once or make none now: none is lost by accident.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeletingObjectsfromVersioningSuspendedBuckets.html
"""

from collections.abc import Iterator
from typing import Any

import pytest

from lambdas.common.record import Record, Status
from tests.lambdas.deployment import (
    AUTO,
    CARD,
    KEY,
    QUARANTINE,
    SOURCE,
    Deployment,
    deployed,
)
from tests.lambdas.null_versions import NullVersions


@pytest.fixture
def here() -> Iterator[Deployment]:
    """A deployment with a source bucket that can hold null versions."""
    with deployed(versioning="Enabled") as one:
        yield one


@pytest.fixture
def nulls(here: Deployment) -> NullVersions:
    """Its null versions; it makes none now."""
    versions = NullVersions(here.s3, SOURCE, is_suspended=True)
    versions.guard(here.session)
    return versions


def remediated(here: Deployment, found: dict[str, Any]) -> Record:
    """Take a finding through."""
    assert here.deliver(found) == []
    here.remediate()
    return here.record(found)


def put(here: Deployment, nulls: NullVersions, body: bytes, version_id: str) -> dict[str, Any]:
    """Put a null version, and find it as `version_id`."""
    return here.found(AUTO, nulls.put(KEY, body), version_id, len(body))


def is_gone(here: Deployment) -> bool:
    """Whether nothing is current under the key."""
    try:
        here.s3.get_object(Bucket=SOURCE, Key=KEY)
    except here.s3.exceptions.NoSuchKey:
        return True
    return False


@pytest.mark.parametrize("version_id", ["", "null"])
def test_the_null_version_of_a_suspended_bucket_is_moved(
    here: Deployment, nulls: NullVersions, version_id: str
) -> None:
    record = remediated(here, put(here, nulls, CARD, version_id))
    assert record.status is Status.QUARANTINED
    assert here.bodies(SOURCE) == []
    assert here.bodies(QUARANTINE) == [CARD]
    assert is_gone(here)


@pytest.mark.parametrize("version_id", ["", "null"])
def test_older_versions_of_a_suspended_bucket_stay_and_none_becomes_current(
    here: Deployment, nulls: NullVersions, version_id: str
) -> None:
    here.put(body=b"older")
    record = remediated(here, put(here, nulls, CARD, version_id))
    assert record.status is Status.QUARANTINED
    assert record.other_versions == 1
    assert here.bodies(SOURCE) == [b"older"]
    assert is_gone(here)


@pytest.mark.parametrize("version_id", ["", "null"])
def test_the_null_version_from_before_versioning_is_moved(
    here: Deployment, nulls: NullVersions, version_id: str
) -> None:
    nulls.is_suspended = False
    record = remediated(here, put(here, nulls, CARD, version_id))
    assert record.status is Status.QUARANTINED
    assert here.bodies(SOURCE) == []
    assert here.bodies(QUARANTINE) == [CARD]
    assert is_gone(here)


@pytest.mark.parametrize("is_suspended", [True, False])
def test_a_newer_version_than_the_null_one_stays_current(
    here: Deployment, nulls: NullVersions, *, is_suspended: bool
) -> None:
    nulls.is_suspended = is_suspended
    found = put(here, nulls, CARD, "null")
    here.put(body=b"newer")
    assert remediated(here, found).status is Status.QUARANTINED
    assert here.bodies(SOURCE) == [b"newer"]
    assert here.s3.get_object(Bucket=SOURCE, Key=KEY)["Body"].read() == b"newer"
    assert here.bodies(QUARANTINE) == [CARD]


def test_a_null_version_that_a_deletion_would_destroy_is_kept_and_the_move_refused(
    here: Deployment, nulls: NullVersions
) -> None:
    nulls.put(KEY, b"older and innocent")
    record = remediated(here, here.put(AUTO))
    assert record.status is Status.FAILED
    assert "suspended" in here.message.text
    assert sorted(here.bodies(SOURCE)) == sorted([CARD, b"older and innocent"])
    assert here.bodies(QUARANTINE) == []


def test_beside_a_null_version_a_current_one_is_moved_while_versions_are_made(
    here: Deployment, nulls: NullVersions
) -> None:
    nulls.is_suspended = False
    nulls.put(KEY, b"older and innocent")
    record = remediated(here, here.put(AUTO))
    assert record.status is Status.QUARANTINED
    assert here.bodies(SOURCE) == [b"older and innocent"]
    assert is_gone(here)


def test_beside_a_null_version_an_older_one_is_moved_though_none_are_made(
    here: Deployment, nulls: NullVersions
) -> None:
    found = here.put(AUTO)
    nulls.put(KEY, b"newer")
    assert remediated(here, found).status is Status.QUARANTINED
    assert here.bodies(SOURCE) == [b"newer"]
    assert not is_gone(here)


@pytest.mark.parametrize("is_suspended", [True, False])
def test_a_null_version_that_was_replaced_is_not_what_macie_saw(
    here: Deployment, nulls: NullVersions, *, is_suspended: bool
) -> None:
    nulls.is_suspended = is_suspended
    found = put(here, nulls, CARD, "null")
    nulls.put(KEY, b"innocent")
    assert remediated(here, found).status is Status.CHANGED
    assert here.bodies(SOURCE) == [b"innocent"]
    assert here.bodies(QUARANTINE) == []


@pytest.mark.parametrize("is_suspended", [True, False])
def test_a_null_version_that_is_replaced_after_the_copy_is_not_deleted(
    here: Deployment, nulls: NullVersions, *, is_suspended: bool
) -> None:
    nulls.is_suspended = is_suspended
    found = put(here, nulls, CARD, "")

    def replaced(**_: Any) -> None:
        if here.strict.calls.count("DeleteObject") == 0:
            nulls.put(KEY, b"innocent")

    here.session.register("before-call.s3.DeleteObject", replaced)
    remediated(here, found)
    assert b"innocent" in here.bodies(SOURCE)
    assert here.bodies(QUARANTINE) == [CARD]
    assert here.s3.get_object(Bucket=SOURCE, Key=KEY)["Body"].read() == b"innocent"


@pytest.mark.parametrize("is_deleted", [False, True], ids=["by a newer one", "by a marker"])
def test_a_null_version_that_is_covered_after_the_copy_is_deleted_under_its_cover(
    here: Deployment, nulls: NullVersions, *, is_deleted: bool
) -> None:
    nulls.is_suspended = False
    found = put(here, nulls, CARD, "null")

    def covered(**_: Any) -> None:
        if here.strict.calls.count("DeleteObject") == 0:
            if is_deleted:
                here.s3.delete_object(Bucket=SOURCE, Key=KEY)
            else:
                here.put(body=b"newer")

    here.session.register("before-call.s3.DeleteObject", covered)
    assert remediated(here, found).status is Status.QUARANTINED
    assert here.bodies(SOURCE) == ([] if is_deleted else [b"newer"])
    assert here.bodies(QUARANTINE) == [CARD]


class CrashError(Exception):
    """The function dies here."""


def null_replaced_between_two_runs(here: Deployment, nulls: NullVersions) -> dict[str, Any]:
    """Copy every version, a null one among them, die, and have that one replaced meanwhile."""
    here.set_variable("QUARANTINE_VERSIONS", "ALL")
    found = here.put(AUTO)
    nulls.put(KEY, b"null")
    assert here.deliver(found) == []
    again = list(here.invocations)

    def die(**_: Any) -> None:
        raise CrashError

    here.session.register("provide-client-params.s3.DeleteObject", die)
    here.restart()
    with pytest.raises(CrashError):
        here.remediate()
    here.session.unregister("provide-client-params.s3.DeleteObject", die)
    here.restart()
    nulls.put(KEY, b"innocent")
    here.invocations += again
    return found


def test_of_every_version_a_null_one_that_was_replaced_is_copied_before_it_is_deleted(
    here: Deployment, nulls: NullVersions
) -> None:
    found = null_replaced_between_two_runs(here, nulls)
    here.remediate()
    assert here.record(found).status is Status.QUARANTINED
    assert here.bodies(SOURCE) == []
    assert sorted(here.bodies(QUARANTINE)) == sorted([CARD, b"innocent", b"null"])
    assert len(here.record(found).copies) == 3


def test_the_copy_of_a_null_version_that_was_replaced_is_kept_where_deletion_is_denied(
    here: Deployment, nulls: NullVersions
) -> None:
    found = null_replaced_between_two_runs(here, nulls)
    here.strict.deny = lambda name, asked: name == "DeleteObject" and asked["Bucket"] == SOURCE
    here.remediate()
    record = here.record(found)
    assert record.status is Status.FAILED
    assert sorted(here.bodies(SOURCE)) == sorted([CARD, b"innocent"])
    assert here.bodies(QUARANTINE) == [b"null"]
    assert [copy.size for copy in record.copies] == [len(b"null")]
