"""Buckets elsewhere: another region, another payer, another owner, or no bucket any more."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from lambdas.common.record import Status
from tests.lambdas.remediator.world import ACCOUNT, QUARANTINE, SOURCE, World, world

MIB = 1024 * 1024
CARD = b"name,card\nJane,4111111111111111\n"
LARGE = CARD * (2 * MIB // len(CARD))
BODIES = pytest.mark.parametrize("body", [CARD, LARGE], ids=["at once", "in parts"])


@pytest.fixture(params=[False, True], ids=["unversioned", "versioned"])
def here(request: pytest.FixtureRequest) -> Iterator[World]:
    with world(versioned=request.param, threshold=MIB) as one:
        yield one


@BODIES
def test_an_object_in_another_region_goes_and_comes_back(here: World, body: bytes) -> None:
    """Each request goes to its bucket's region; a copy to that of its destination.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
    """
    here.strict.regions |= {SOURCE: "ap-southeast-2", QUARANTINE: "us-east-1"}
    finding = replace(here.put(body), region="ap-southeast-2")
    assert here.remediated(finding).status is Status.QUARANTINED
    assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == ([], [body])
    assert here.restored(finding).status is Status.RESTORED
    assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == ([body], [])


@BODIES
def test_an_object_whose_requester_pays_goes_and_comes_back(here: World, body: bytes) -> None:
    here.strict.requester_pays.add(SOURCE)
    finding = here.put(body)
    assert here.remediated(finding).status is Status.QUARANTINED
    assert here.restored(finding).status is Status.RESTORED
    assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == ([body], [])


@BODIES
def test_every_request_names_the_account_that_must_own_the_source(here: World, body: bytes) -> None:
    finding = here.put(body)
    if finding.object.version_id is not None:
        here.strict.annotations[SOURCE, finding.object.key, finding.object.version_id] = {"a": b"b"}
    here.remediated(finding)
    here.restored(finding)
    asked = [(name, asked) for name, asked in here.strict.asked if SOURCE in _buckets(asked)]
    assert len(asked) >= 8
    for name, parameters in asked:
        assert parameters.get(_owner_parameter(parameters)) == ACCOUNT, name


def _buckets(asked: Mapping[str, Any]) -> set[Any]:
    return {asked["Bucket"], asked.get("CopySource", {}).get("Bucket")}


def _owner_parameter(asked: Mapping[str, Any]) -> str:
    return "ExpectedBucketOwner" if asked["Bucket"] == SOURCE else "ExpectedSourceBucketOwner"


def test_a_bucket_that_changed_hands_gets_nothing_back(here: World) -> None:
    finding = here.put(CARD)
    here.remediated(finding)
    here.strict.owners[SOURCE] = "999999999999"
    record = here.restored(finding)
    assert record.status is Status.FAILED
    assert (
        f"S3 did not let the remediator read the versioning of an object in the bucket {SOURCE}"
        in here.shown
    )
    assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == ([], [CARD])


def test_a_bucket_that_changes_hands_during_a_restore_gets_nothing_either(here: World) -> None:
    finding = here.put(CARD)
    here.remediated(finding)

    def change_hands(**_: Any) -> None:
        here.strict.owners[SOURCE] = "999999999999"

    with here.before("CopyObject", change_hands):
        assert here.restored(finding).status is Status.FAILED
    assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == ([], [CARD])


def test_a_restore_to_a_bucket_that_is_gone_says_so_and_works_once_it_is_back(here: World) -> None:
    finding = here.put(CARD)
    here.remediated(finding)
    for marker in here.s3.list_object_versions(Bucket=SOURCE).get("DeleteMarkers", []):
        here.s3.delete_object(Bucket=SOURCE, Key=marker["Key"], VersionId=marker["VersionId"])
    here.s3.delete_bucket(Bucket=SOURCE)
    record = here.restored(finding)
    assert record.status is Status.FAILED
    assert f"The bucket {SOURCE} is not there any more" in here.shown
    assert "Make it again" in here.shown
    assert here.bodies(QUARANTINE) == [CARD]

    here.s3.create_bucket(Bucket=SOURCE)
    assert here.restored(finding).status is Status.RESTORED
    assert here.bodies(SOURCE) == [CARD]


def test_a_quarantine_that_is_gone_is_told_and_the_object_left_alone(here: World) -> None:
    finding = here.put(CARD)
    here.s3.delete_bucket(Bucket=QUARANTINE)
    record = here.remediated(finding)
    assert record.status is Status.FAILED
    assert f"The bucket {QUARANTINE} is not there any more" in here.shown
    assert here.bodies(SOURCE) == [CARD]
