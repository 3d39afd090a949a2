"""What S3 responds to a request for an object: there or not, refused for good or for now."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from lambdas.remediator.rules import MoveError
from lambdas.remediator.s3 import errors, objects
from lambdas.remediator.s3.clients import S3Access
from lambdas.remediator.s3.metadata import Version
from lambdas.remediator.s3.parameters import ObjectKey, SourceObject
from tests.lambdas.remediator.metadata import metadata

KEY = ObjectKey(bucket="acme", key="a/b", owner="111122223333")
BUCKET_ARGS = {"Bucket": "acme", "ExpectedBucketOwner": "111122223333"}
ARGS = {**BUCKET_ARGS, "Key": "a/b", "RequestPayer": "requester"}


@pytest.fixture
def stub() -> Iterator[Stubber]:
    """Stub an S3 client: it responds as a test says, and checks what it is sent."""
    with Stubber(_client()) as stub:
        yield stub
        stub.assert_no_pending_responses()


@cache
def _client() -> Any:
    return boto3.client("s3", region_name="us-east-1")


@pytest.fixture
def s3(stub: Stubber) -> S3Access:
    """Return access by the stub."""
    return S3Access(client=client_of(stub), single_attempt_client=client_of(stub))


def client_of(stub: Stubber) -> Any:
    """Return the stub's client; the stubs type it as the client of any service."""
    return stub.client


def source(s3: S3Access, version_id: str | None = None) -> SourceObject:
    """Return the object with a version."""
    return SourceObject(s3=s3, key=KEY, metadata=metadata(version_id=version_id))


def refuse(stub: Stubber, operation: str, code: str, status: int) -> None:
    """Refuse the next request."""
    stub.add_client_error(operation, service_error_code=code, http_status_code=status)


def test_metadata_is_what_s3_returns(stub: Stubber, s3: S3Access) -> None:
    until, expires = datetime(2027, 1, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
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
            "Expires": expires,
            "Metadata": {"owner": "jane"},
            "StorageClass": "GLACIER",
            "ObjectLockRetainUntilDate": until,
            "ObjectLockLegalHoldStatus": "ON",
            "WebsiteRedirectLocation": "/there",
            "MissingMeta": 2,
            "ServerSideEncryption": "aws:kms",
        },
        {**ARGS, "ChecksumMode": "ENABLED", "VersionId": "v1"},
    )
    found = objects.head(s3, KEY, "v1")
    assert found is not None
    assert (found.etag, found.version_id, found.size) == ("e1", "v1", 7)
    assert found.checksums == {"CRC32": "a="}
    assert found.headers == {
        "ContentType": "text/csv",
        "CacheControl": "no-store",
        "Expires": expires,
        "Metadata": {"owner": "jane"},
    }
    assert (found.storage_class, found.archive) == ("GLACIER", "GLACIER")
    assert (found.retained_until, found.holds) == (until, ("a legal hold",))
    assert (found.redirect, found.lost_metadata, found.encryption) == ("/there", 2, "aws:kms")


def test_an_event_hold_is_a_hold_as_well(stub: Stubber, s3: S3Access) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html."""
    response = {"ETag": '"e1"', "ContentLength": 7, "ObjectLockEventHold": "ON"}
    stub.add_response("head_object", response)
    found = objects.head(s3, KEY)
    assert found is not None
    assert found.holds == ("an event hold",)


def test_every_checksum_that_s3_keeps_is_compared(stub: Stubber, s3: S3Access) -> None:
    names = client_of(stub).meta.service_model.shape_for("ChecksumAlgorithm").enum
    response = {"ETag": '"e1"', "ContentLength": 7} | {f"Checksum{name}": "a=" for name in names}
    stub.add_response("head_object", response)
    found = objects.head(s3, KEY)
    assert found is not None
    assert found.checksums == dict.fromkeys(names, "a=")


def test_a_checksum_of_parts_is_not_a_checksum_of_the_object(stub: Stubber, s3: S3Access) -> None:
    response = {"ETag": '"e-2"', "ContentLength": 7, "ChecksumCRC32": "a=-2"}
    stub.add_response("head_object", {**response, "ChecksumType": "COMPOSITE"})
    found = objects.head(s3, KEY)
    assert found is not None
    assert found.checksums == {}
    assert found.version_id is None
    assert found.storage_class == "STANDARD"


GONE = [
    ("404", 404),
    ("NoSuchKey", 404),
    ("NoSuchVersion", 404),
    ("NoSuchBucket", 404),
    ("405", 405),
]


@pytest.mark.parametrize(("code", "status"), GONE)
def test_an_object_that_is_gone_has_no_metadata(
    stub: Stubber, s3: S3Access, code: str, status: int
) -> None:
    refuse(stub, "head_object", code, status)
    assert objects.head(s3, KEY) is None


Call = Callable[[S3Access], object]
CALLS: list[tuple[str, Call]] = [
    ("head_object", lambda s3: objects.head(s3, KEY)),
    ("list_object_versions", lambda s3: objects.list_versions(s3, KEY)),
    ("get_bucket_versioning", lambda s3: objects.get_versioning(s3, KEY)),
    ("get_object_acl", lambda s3: objects.list_grants(source(s3))),
    ("delete_object", lambda s3: objects.delete_current(s3, KEY, "e1")),
    ("delete_object", lambda s3: objects.delete_version(s3, KEY, "v1")),
]


@pytest.mark.parametrize(("operation", "call"), CALLS)
@pytest.mark.parametrize("code", ["403", "AccessDenied"])
def test_a_denial_is_a_failure_with_advice(
    stub: Stubber, s3: S3Access, operation: str, call: Call, code: str
) -> None:
    refuse(stub, operation, code, 403)
    if operation == "head_object":
        # It is sent again without what S3 needs a KMS key for.
        refuse(stub, operation, code, 403)
    with pytest.raises(MoveError, match="acme") as failure:
        call(s3)
    assert "monitoredBuckets" in failure.value.advice


FINAL = [
    ("InvalidRequest", 400),
    ("InvalidArgument", 400),
    ("SignatureDoesNotMatch", 403),
    ("PermanentRedirect", 301),
    ("InvalidBucketState", 409),
    ("NeverHeardOf", 499),
]


@pytest.mark.parametrize(("operation", "call"), CALLS)
@pytest.mark.parametrize("refusal", FINAL, ids=lambda refusal: refusal[0])
def test_a_refusal_that_no_retry_can_mend_is_a_failure_with_its_cause(
    stub: Stubber, s3: S3Access, operation: str, call: Call, refusal: tuple[str, int]
) -> None:
    refuse(stub, operation, *refusal)
    with pytest.raises(MoveError, match=f"in the bucket acme: {refusal[0]}") as failure:
        call(s3)
    assert "press Retry" in failure.value.advice
    assert refusal[0] in str(failure.value.__cause__)


@pytest.mark.parametrize(("operation", "call"), CALLS)
@pytest.mark.parametrize(
    "refusal",
    [("InternalError", 500), ("SlowDown", 503), ("RequestTimeout", 400), ("ExpiredToken", 400)],
    ids=lambda refusal: refusal[0],
)
def test_a_refusal_that_a_retry_can_mend_is_raised_for_lambda_to_try_again(
    stub: Stubber, s3: S3Access, operation: str, call: Call, refusal: tuple[str, int]
) -> None:
    refuse(stub, operation, *refusal)
    with pytest.raises(ClientError, match=refusal[0]):
        call(s3)


@pytest.mark.parametrize("code", sorted(errors.RAISED_AGAIN))
def test_every_code_that_is_raised_again_is_no_failure(
    stub: Stubber, s3: S3Access, code: str
) -> None:
    refuse(stub, "get_object_acl", code, 400)
    with pytest.raises(ClientError, match=code):
        objects.list_grants(source(s3))


def test_an_object_that_s3_refuses_to_read_without_a_reason_is_a_failure(
    stub: Stubber, s3: S3Access
) -> None:
    """An object encrypted with SSE-C: HEAD returns 400, and no body that says why."""
    refuse(stub, "head_object", "400", 400)
    refuse(stub, "head_object", "400", 400)
    stub.add_response("get_bucket_versioning", {}, BUCKET_ARGS)
    with pytest.raises(MoveError, match=r"bucket acme \(HTTP 400\).*SSE-C") as failure:
        objects.head(s3, KEY)
    assert "by hand" in failure.value.advice
    assert "HeadObject" in str(failure.value.__cause__)


def test_a_refusal_that_does_not_last_is_no_failure(stub: Stubber, s3: S3Access) -> None:
    """Credentials may be renewed between two requests."""
    found = {"ETag": '"e"', "ContentLength": 1}
    refuse(stub, "head_object", "400", 400)
    stub.add_response("head_object", found)
    stub.add_response("head_object", found)
    metadata = objects.head(s3, KEY)
    assert metadata is not None
    assert metadata.etag == "e"


@pytest.mark.parametrize("code", ["ExpiredToken", "TokenRefreshRequired"])
def test_expired_credentials_are_not_taken_for_an_unreadable_object(
    stub: Stubber, s3: S3Access, code: str
) -> None:
    """HEAD returns 400 for these as well; any other request says why."""
    refuse(stub, "head_object", "400", 400)
    refuse(stub, "head_object", "400", 400)
    refuse(stub, "get_bucket_versioning", code, 400)
    with pytest.raises(ClientError, match=code):
        objects.head(s3, KEY)


def test_where_the_reason_may_not_be_looked_for_the_object_is_unreadable_all_the_same(
    stub: Stubber, s3: S3Access
) -> None:
    refuse(stub, "head_object", "400", 400)
    refuse(stub, "head_object", "400", 400)
    refuse(stub, "get_bucket_versioning", "AccessDenied", 403)
    with pytest.raises(MoveError, match="SSE-C"):
        objects.head(s3, KEY)


def test_versions_and_markers_of_the_very_key_are_listed_page_by_page(
    stub: Stubber, s3: S3Access
) -> None:
    newer = {"Key": "a/b", "VersionId": "v2", "IsLatest": False, "Size": 1}
    marker = {"Key": "a/b", "VersionId": "m1", "IsLatest": True}
    older = {"Key": "a/b", "VersionId": "v1", "IsLatest": False, "Size": 0}
    longer = {"Key": "a/bc", "VersionId": "x", "IsLatest": True, "Size": 1}
    page: dict[str, Any] = {"Versions": [newer], "DeleteMarkers": [marker], "IsTruncated": True}
    page |= {"NextKeyMarker": "a/b", "NextVersionIdMarker": "v2"}
    last = {"Versions": [older, longer], "IsTruncated": True, "NextKeyMarker": "a/bc"}
    stub.add_response("list_object_versions", page)
    stub.add_response("list_object_versions", last)
    assert objects.list_versions(s3, KEY) == (
        Version(version_id="v2", is_latest=False, is_marker=False),
        Version(version_id="m1", is_latest=True, is_marker=True),
        Version(version_id="v1", is_latest=False, is_marker=False),
    )


def test_the_current_object_is_deleted_on_condition(stub: Stubber, s3: S3Access) -> None:
    expected = {**ARGS, "IfMatch": '"e1"'}
    stub.add_response("delete_object", {}, expected)
    assert objects.delete_current(s3, KEY, "e1") is None
    stub.add_response("delete_object", {"DeleteMarker": True, "VersionId": "m1"}, expected)
    assert objects.delete_current(s3, KEY, "e1") == "m1"


@pytest.mark.parametrize(
    ("code", "status"), [("PreconditionFailed", 412), ("NoSuchKey", 404), ("404", 404)]
)
def test_another_object_that_has_become_current_is_left_alone(
    stub: Stubber, s3: S3Access, code: str, status: int
) -> None:
    refuse(stub, "delete_object", code, status)
    assert objects.delete_current(s3, KEY, "e1") is None


def test_a_conflict_does_not_mean_that_another_object_is_current(
    stub: Stubber, s3: S3Access
) -> None:
    refuse(stub, "delete_object", "ConditionalRequestConflict", 409)
    with pytest.raises(ClientError, match="ConditionalRequestConflict"):
        objects.delete_current(s3, KEY, "e1")


def test_a_version_is_deleted_by_its_id_without_a_condition(stub: Stubber, s3: S3Access) -> None:
    stub.add_response("delete_object", {}, {**ARGS, "VersionId": "v1"})
    objects.delete_version(s3, KEY, "v1")


def test_grants_to_others_than_the_owner_are_listed(stub: Stubber, s3: S3Access) -> None:
    everyone = {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"}
    grants = [
        {"Grantee": {"Type": "CanonicalUser", "ID": "owner"}, "Permission": "FULL_CONTROL"},
        {"Grantee": everyone, "Permission": "READ"},
        {"Grantee": {"Type": "CanonicalUser", "ID": "friend"}, "Permission": "WRITE_ACP"},
    ]
    response = {"Owner": {"ID": "owner"}, "Grants": grants}
    stub.add_response("get_object_acl", response, {**ARGS, "VersionId": "v1"})
    assert objects.list_grants(source(s3, "v1")) == (
        "ACL grant of READ to http://acs.amazonaws.com/groups/global/AllUsers",
        "ACL grant of WRITE_ACP to friend",
    )
