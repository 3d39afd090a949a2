"""S3's answers in the words of the move: there or not, refused or broken, and by whose leave."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from lambdas.common.errors import FailedMoveError
from lambdas.remediator.move import Version
from lambdas.remediator.objects import Objects, Place
from lambdas.remediator.s3_answers import S3Error
from tests.lambdas.botocore_calls import s3_through

PLACE = Place(bucket="acme", key="a/b")
OWNED = {"Bucket": "acme", "Key": "a/b", "ExpectedBucketOwner": "111122223333"}
ASKED = {**OWNED, "RequestPayer": "requester"}


@pytest.fixture
def stub() -> Iterator[Stubber]:
    """An S3 client that answers what it is told to, and checks what it is asked."""
    client: Any = boto3.client("s3", region_name="us-east-1")
    with Stubber(client) as one:
        yield one
        one.assert_no_pending_responses()


def client_of(stub: Stubber) -> Any:
    """The client that the stub answers for; its type is told as any service's."""
    return stub.client


@pytest.fixture
def objects(stub: Stubber) -> Objects:
    """Objects that another account owns, maybe."""
    return Objects(s3_through(client_of(stub)), owner="111122223333")


def refuse(stub: Stubber, operation: str, code: str, status: int) -> None:
    """Have the next call refused."""
    stub.add_client_error(operation, service_error_code=code, http_status_code=status)


def test_what_is_told_of_an_object_is_what_s3_answers(stub: Stubber, objects: Objects) -> None:
    until = datetime(2027, 1, 1, tzinfo=UTC)
    stub.add_response(
        "head_object",
        {
            "ETag": '"e1"',
            "VersionId": "v1",
            "ContentLength": 7,
            "ChecksumCRC32": "a=",
            "ChecksumType": "FULL_OBJECT",
            "ContentType": "text/csv",
            "CacheControl": "no-store",
            "Metadata": {"owner": "jane"},
            "StorageClass": "GLACIER",
            "ObjectLockRetainUntilDate": until,
            "ObjectLockLegalHoldStatus": "ON",
            "WebsiteRedirectLocation": "/there",
            "MissingMeta": 2,
            "ServerSideEncryption": "aws:kms",
        },
        {**ASKED, "ChecksumMode": "ENABLED", "VersionId": "v1"},
    )
    facts = objects.look(PLACE, "v1")
    assert facts is not None
    assert (facts.etag, facts.version_id, facts.size) == ("e1", "v1", 7)
    assert facts.checksums == {"CRC32": "a="}
    assert facts.headers == {
        "ContentType": "text/csv",
        "CacheControl": "no-store",
        "Metadata": {"owner": "jane"},
    }
    assert (facts.storage_class, facts.archive) == ("GLACIER", "GLACIER")
    assert (facts.retained_until, facts.holds) == (until, ("a legal hold",))
    assert (facts.redirect, facts.lost_metadata, facts.encryption) == ("/there", 2, "aws:kms")


def test_an_event_hold_is_a_hold_as_well(stub: Stubber, objects: Objects) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html."""
    answer = {"ETag": '"e1"', "ContentLength": 7, "ObjectLockEventHold": "ON"}
    stub.add_response("head_object", answer)
    facts = objects.look(PLACE)
    assert facts is not None
    assert facts.holds == ("an event hold",)


def test_every_checksum_that_s3_keeps_is_compared(stub: Stubber, objects: Objects) -> None:
    names = client_of(stub).meta.service_model.shape_for("ChecksumAlgorithm").enum
    answer = {"ETag": '"e1"', "ContentLength": 7} | {f"Checksum{name}": "a=" for name in names}
    stub.add_response("head_object", answer)
    facts = objects.look(PLACE)
    assert facts is not None
    assert facts.checksums == dict.fromkeys(names, "a=")


def test_a_checksum_of_parts_is_none_of_the_object(stub: Stubber, objects: Objects) -> None:
    answer = {"ETag": '"e-2"', "ContentLength": 7, "ChecksumCRC32": "a=-2"}
    stub.add_response("head_object", {**answer, "ChecksumType": "COMPOSITE"})
    facts = objects.look(PLACE)
    assert facts is not None
    assert facts.checksums == {}
    assert facts.version_id is None
    assert facts.storage_class == "STANDARD"


def test_our_own_buckets_are_asked_without_an_owner(stub: Stubber) -> None:
    wanted = {"Bucket": "acme", "Key": "a/b", "ChecksumMode": "ENABLED"}
    stub.add_response("head_object", {"ETag": '"e1"', "ContentLength": 0}, wanted)
    assert Objects(s3_through(client_of(stub))).look(PLACE) is not None


GONE = [
    ("404", 404),
    ("NoSuchKey", 404),
    ("NoSuchVersion", 404),
    ("NoSuchBucket", 404),
    ("405", 405),
]


@pytest.mark.parametrize(("code", "status"), GONE)
def test_what_is_gone_is_not_there(stub: Stubber, objects: Objects, code: str, status: int) -> None:
    refuse(stub, "head_object", code, status)
    assert objects.look(PLACE) is None


CALLS: list[tuple[str, Any]] = [
    ("head_object", lambda objects: objects.look(PLACE)),
    ("list_object_versions", lambda objects: objects.versions(PLACE)),
    ("get_bucket_versioning", lambda objects: objects.versioning(PLACE)),
    ("get_object_acl", lambda objects: objects.grants(PLACE, None)),
    ("delete_object", lambda objects: objects.delete_current(PLACE, "e1")),
    ("delete_object", lambda objects: objects.delete_version(PLACE, "v1")),
]


@pytest.mark.parametrize(("operation", "call"), CALLS)
@pytest.mark.parametrize("code", ["403", "AccessDenied"])
def test_what_is_denied_is_told_with_advice(
    stub: Stubber, objects: Objects, operation: str, call: Any, code: str
) -> None:
    refuse(stub, operation, code, 403)
    if operation == "head_object":
        # It is asked once more, without what S3 needs a KMS key for.
        refuse(stub, operation, code, 403)
    with pytest.raises(FailedMoveError, match="acme") as refusal:
        call(objects)
    assert "monitoredBuckets" in refusal.value.advice


@pytest.mark.parametrize(("operation", "call"), CALLS)
@pytest.mark.parametrize("code", ["500", "InternalError", "400"])
def test_what_is_not_expected_is_raised_for_lambda_to_try_again(
    stub: Stubber, objects: Objects, operation: str, call: Any, code: str
) -> None:
    # The stub answers without botocore's retries only where the status is no server's error.
    refuse(stub, operation, code, 400)
    if (operation, code) == ("head_object", "400"):
        refuse(stub, operation, code, 400)
    with pytest.raises(S3Error):
        call(objects)


def test_versions_and_markers_of_the_very_key_are_listed_page_by_page(
    stub: Stubber, objects: Objects
) -> None:
    one = {"Key": "a/b", "VersionId": "v2", "IsLatest": False, "Size": 1}
    marker = {"Key": "a/b", "VersionId": "m1", "IsLatest": True}
    more = {"Key": "a/b", "VersionId": "v1", "IsLatest": False, "Size": 0}
    longer = {"Key": "a/bc", "VersionId": "x", "IsLatest": True, "Size": 1}
    page: dict[str, Any] = {"Versions": [one], "DeleteMarkers": [marker], "IsTruncated": True}
    page |= {"NextKeyMarker": "a/b", "NextVersionIdMarker": "v2"}
    last = {"Versions": [more, longer], "IsTruncated": True, "NextKeyMarker": "a/bc"}
    stub.add_response("list_object_versions", page)
    stub.add_response("list_object_versions", last)
    assert objects.versions(PLACE) == (
        Version(version_id="v2", is_latest=False, is_marker=False),
        Version(version_id="m1", is_latest=True, is_marker=True),
        Version(version_id="v1", is_latest=False, is_marker=False),
    )


def test_a_current_object_is_deleted_on_condition(stub: Stubber, objects: Objects) -> None:
    wanted = {**ASKED, "IfMatch": '"e1"'}
    stub.add_response("delete_object", {}, wanted)
    assert objects.delete_current(PLACE, "e1") is None
    stub.add_response("delete_object", {"DeleteMarker": True, "VersionId": "m1"}, wanted)
    assert objects.delete_current(PLACE, "e1") == "m1"


@pytest.mark.parametrize(
    ("code", "status"), [("PreconditionFailed", 412), ("NoSuchKey", 404), ("404", 404)]
)
def test_another_object_that_is_current_by_now_is_left_alone(
    stub: Stubber, objects: Objects, code: str, status: int
) -> None:
    refuse(stub, "delete_object", code, status)
    assert objects.delete_current(PLACE, "e1") is None


def test_a_conflict_tells_nothing_of_what_is_current(stub: Stubber, objects: Objects) -> None:
    refuse(stub, "delete_object", "ConditionalRequestConflict", 409)
    with pytest.raises(S3Error, match="ConditionalRequestConflict"):
        objects.delete_current(PLACE, "e1")


def test_a_version_is_deleted_by_its_id_without_a_condition(
    stub: Stubber, objects: Objects
) -> None:
    stub.add_response("delete_object", {}, {**ASKED, "VersionId": "v1"})
    objects.delete_version(PLACE, "v1")


def test_grants_to_others_than_the_owner_are_told(stub: Stubber, objects: Objects) -> None:
    everyone = {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"}
    grants = [
        {"Grantee": {"Type": "CanonicalUser", "ID": "owner"}, "Permission": "FULL_CONTROL"},
        {"Grantee": everyone, "Permission": "READ"},
        {"Grantee": {"Type": "CanonicalUser", "ID": "friend"}, "Permission": "WRITE_ACP"},
    ]
    answer = {"Owner": {"ID": "owner"}, "Grants": grants}
    stub.add_response("get_object_acl", answer, {**ASKED, "VersionId": "v1"})
    assert objects.grants(PLACE, "v1") == (
        "ACL grant of READ to http://acs.amazonaws.com/groups/global/AllUsers",
        "ACL grant of WRITE_ACP to friend",
    )
