"""Our own requests to AWS, asked of the emulator with IAM enforced."""

from typing import Any

import pytest

from lambdas.common import aws
from lambdas.common.table import Table, delete, put, update
from lambdas.remediator import s3
from lambdas.remediator.s3_answers import S3Error
from local.sandbox import Sandbox

pytestmark = pytest.mark.e2e

BUCKET = "acme-our-own-requests"


@pytest.fixture(autouse=True)
def _environment(deployed: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be a function of the sandbox."""
    variables = {**deployed.emulator.environment, "AWS_SESSION_TOKEN": ""}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def test_a_table_is_written_and_read_through_our_own_requests() -> None:
    call = aws.service("dynamodb")
    call(
        "CreateTable",
        TableName="ledger",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    table = Table(call, "ledger")
    item = {"id": "a", "n": 7, "is": True, "none": None, "list": ["é", {"deep": -1}], "map": {}}
    new = put(item, only_if="attribute_not_exists(id)")
    assert table.write(new) == frozenset()
    assert table.get("a") == item
    assert table.get("b") == {}
    assert table.write(new) == {0}
    assert table.known(["a", "b"]) == {"a"}
    assert table.count("hour", "told", expires=1) == 1
    assert table.count("hour", "told", expires=1) == 2
    more = update("a", "ADD n :n", only_if="attribute_exists(id)", n=3)
    assert table.write(put({"id": "b"}, only_if="attribute_not_exists(id)"), more) == frozenset()
    assert table.write(put({"id": "b"}, only_if="attribute_not_exists(id)"), more) == {0}
    assert table.get("a")["n"] == 10
    assert table.write(delete("a", only_if="n = :n", n=1)) == {0}
    assert table.write(delete("a", only_if="n = :n", n=10)) == frozenset()


@pytest.mark.parametrize("key", ["a.csv", "a b/ü?+&=#%20~.csv", "/a//b/", "../c"])
def test_s3_tells_us_what_it_tells_boto3(deployed: Sandbox, key: str) -> None:
    client, ours = deployed.client("s3"), s3.service("us-east-1")
    place = {"Bucket": BUCKET, "Key": key}
    _fill(client, place)
    version = client.head_object(**place)["VersionId"]
    upload = {**place, "UploadId": client.create_multipart_upload(**place)["UploadId"]}
    source = {**place, "VersionId": version}
    ours("UploadPartCopy", **upload, PartNumber=1, CopySource=source)
    every = {"Bucket": BUCKET, "Prefix": key}
    for operation, asked in (
        ("HeadObject", {**place, "VersionId": version, "ChecksumMode": "ENABLED"}),
        ("GetObjectTagging", place),
        ("GetObjectAcl", place),
        ("GetBucketVersioning", {"Bucket": BUCKET}),
        ("ListObjectVersions", every),
        ("ListParts", upload),
        ("ListMultipartUploads", every),
    ):
        mine, other = ours(operation, **asked), client._make_api_call(operation, asked)
        assert {name for name in other if isinstance(other[name], list)} <= mine.keys(), operation
        shared = mine.keys() & other.keys() - {"ResponseMetadata", "PartNumberMarker"}
        assert {name: _plain(mine[name]) for name in shared} == {
            name: _plain(other[name]) for name in shared
        }, operation
    ours("AbortMultipartUpload", **upload)
    assert not client.list_multipart_uploads(**every).get("Uploads")


def test_what_we_copy_and_delete_is_copied_and_deleted(deployed: Sandbox) -> None:
    client, ours = deployed.client("s3"), s3.service("us-east-1")
    place, copy = {"Bucket": BUCKET, "Key": "from?.csv"}, {"Bucket": BUCKET, "Key": "to+.csv"}
    _fill(client, place)
    version = client.head_object(**place)["VersionId"]
    source = {**place, "VersionId": version}
    made = ours("CopyObject", **copy, CopySource=source, StorageClass="STANDARD")
    there = client.get_object(**copy)
    assert there["Body"].read() == b"name,card\n"
    assert (made["VersionId"], made["CopyObjectResult"]["ETag"]) == (
        there["VersionId"],
        there["ETag"],
    )
    marker = ours("DeleteObject", **place, IfMatch=there["ETag"])
    assert marker["DeleteMarker"] is True
    with pytest.raises(S3Error) as gone:
        ours("HeadObject", **place)
    assert gone.value.code == "404"
    with pytest.raises(S3Error) as missing:
        ours("GetBucketVersioning", Bucket="acme-is-not-there")
    assert missing.value.code == "NoSuchBucket"


def _fill(client: Any, place: dict[str, str]) -> None:
    client.create_bucket(Bucket=BUCKET)
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    client.put_object(
        **place,
        Body=b"name,card\n",
        ContentType="text/csv",
        CacheControl="no-store",
        Metadata={"owner": "jane  doe"},
        Tagging="a=1&b=x+y",
        ChecksumAlgorithm="CRC32",
    )


def _plain(value: Any) -> Any:
    """Leave out what we read as texts, for nobody looks at it."""
    match value:
        case dict():
            unread = {"Type", "LastModified", "Initiated"}
            return {name: _plain(one) for name, one in value.items() if name not in unread}
        case list():
            return [_plain(one) for one in value]
        case _:
            return value if isinstance(value, bool) else str(value)
