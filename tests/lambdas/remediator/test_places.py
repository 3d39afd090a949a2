"""Buckets elsewhere: another region, another payer, another owner, or no bucket any more."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from lambdas.common.ledger.record import Status
from tests.harness.aws import ACCOUNT, CARD, MIB, QUARANTINE, SOURCE
from tests.harness.harness import Harness, start_harness

LARGE = CARD * (2 * MIB // len(CARD))
BODIES = pytest.mark.parametrize("body", [CARD, LARGE], ids=["at once", "in parts"])


@pytest.fixture(params=[None, "Enabled"], ids=["unversioned", "versioned"])
def harness(request: pytest.FixtureRequest) -> Iterator[Harness]:
    with start_harness(versioning=request.param, multipart_threshold=MIB) as harness:
        yield harness


@BODIES
def test_an_object_in_another_region_goes_and_comes_back(harness: Harness, body: bytes) -> None:
    """Each request goes to its bucket's region; a copy to that of its destination.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
    """
    harness.strict_s3.regions |= {SOURCE: "ap-southeast-2", QUARANTINE: "us-east-1"}
    finding = replace(harness.put_object(body), region="ap-southeast-2")
    assert harness.quarantine(finding).status is Status.QUARANTINED
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([], [body])
    assert harness.restore(finding).status is Status.RESTORED
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([body], [])


@BODIES
def test_an_object_whose_requester_pays_goes_and_comes_back(harness: Harness, body: bytes) -> None:
    harness.strict_s3.requester_pays.add(SOURCE)
    finding = harness.put_object(body)
    assert harness.quarantine(finding).status is Status.QUARANTINED
    assert harness.restore(finding).status is Status.RESTORED
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([body], [])


@BODIES
def test_every_request_names_the_accounts_that_must_own_its_buckets(
    harness: Harness, body: bytes
) -> None:
    finding = harness.put_object(body)
    if finding.object.version_id is not None:
        version = SOURCE, finding.object.key, finding.object.version_id
        harness.strict_s3.annotations[version] = {"a": b"b"}
    harness.quarantine(finding)
    harness.restore(finding)
    assert len(harness.strict_s3.requests) >= 12
    for operation, parameters in harness.strict_s3.requests:
        assert parameters["ExpectedBucketOwner"] == ACCOUNT, operation
        if "CopySource" in parameters:
            assert parameters["ExpectedSourceBucketOwner"] == ACCOUNT, operation


def test_a_bucket_that_changed_hands_gets_nothing_back(harness: Harness) -> None:
    finding = harness.put_object(CARD)
    harness.quarantine(finding)
    harness.strict_s3.owners[SOURCE] = "999999999999"
    record = harness.restore(finding)
    assert record.status is Status.FAILED
    assert (
        f"S3 did not let the remediator read the versioning of an object in the bucket {SOURCE}"
        in harness.message.text
    )
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([], [CARD])


def test_a_bucket_that_changes_hands_during_a_restore_gets_nothing_either(harness: Harness) -> None:
    finding = harness.put_object(CARD)
    harness.quarantine(finding)

    def change_hands(**_: Any) -> None:
        harness.strict_s3.owners[SOURCE] = "999999999999"

    with harness.before("CopyObject", change_hands):
        assert harness.restore(finding).status is Status.FAILED
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([], [CARD])


def test_a_restore_to_a_bucket_that_is_gone_says_so_and_works_once_it_is_back(
    harness: Harness,
) -> None:
    finding = harness.put_object(CARD)
    harness.quarantine(finding)
    for marker in harness.s3.list_object_versions(Bucket=SOURCE).get("DeleteMarkers", []):
        harness.s3.delete_object(Bucket=SOURCE, Key=marker["Key"], VersionId=marker["VersionId"])
    harness.s3.delete_bucket(Bucket=SOURCE)
    record = harness.restore(finding)
    assert record.status is Status.FAILED
    assert f"The bucket {SOURCE} is not there any more" in harness.message.text
    assert "Create it again" in harness.message.text
    assert harness.bodies(QUARANTINE) == [CARD]

    harness.s3.create_bucket(Bucket=SOURCE)
    assert harness.restore(finding).status is Status.RESTORED
    assert harness.bodies(SOURCE) == [CARD]


def test_where_the_quarantine_is_gone_the_object_is_left_alone_and_the_message_says_so(
    harness: Harness,
) -> None:
    finding = harness.put_object(CARD)
    harness.s3.delete_bucket(Bucket=QUARANTINE)
    record = harness.quarantine(finding)
    assert record.status is Status.FAILED
    assert f"The bucket {QUARANTINE} is not there any more" in harness.message.text
    assert harness.bodies(SOURCE) == [CARD]
