"""The sandbox's Macie job reads new objects, and its findings look like Macie's."""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from lambdas.common.finding import Severity
from lambdas.finding_handler.macie import parse_finding
from local.macie.fixtures import FINDINGS
from local.macie.job import JobRun, MacieJob

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "acme-a"
CARD = b"name,card\nJane,4111111111111111\n"


@pytest.fixture
def s3() -> Iterator["S3Client"]:
    with mock_aws():
        client: S3Client = boto3.client("s3", region_name="us-east-1")
        for bucket in (BUCKET, "other"):
            client.create_bucket(Bucket=bucket)
        yield client


@pytest.fixture
def events() -> list[Any]:
    """The events that the job delivered."""
    return []


@pytest.fixture
def job(s3: "S3Client", events: list[Any]) -> MacieJob:
    def deliver(event: Mapping[str, Any]) -> str:
        events.append(event)
        return str(event["detail"]["id"])

    return MacieJob(s3, monitored="acme-*", deliver=deliver)


def _put(s3: "S3Client", key: str = "a.csv", body: bytes = CARD, **fields: Any) -> Any:
    return s3.put_object(Bucket=BUCKET, Key=key, Body=body, **fields)


def test_an_object_is_found_once_until_it_changes(s3: "S3Client", job: MacieJob) -> None:
    assert job.run() == JobRun(objects=0, findings=())
    _put(s3)
    first = job.run()
    assert (first.objects, len(first.findings)) == (1, 1)
    assert job.run() == JobRun(objects=0, findings=())
    _put(s3, body=CARD * 2)
    second = job.run()
    assert (second.objects, len(second.findings)) == (1, 1)
    assert first.findings != second.findings


def test_only_the_current_version_is_read(s3: "S3Client", job: MacieJob, events: list[Any]) -> None:
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    for _ in range(2):
        current = _put(s3)["VersionId"]
    assert len(job.run().findings) == 1
    affected = events[0]["detail"]["resourcesAffected"]["s3Object"]
    assert affected["versionId"] == current
    restored = _put(s3)["VersionId"]
    assert len(job.run().findings) == 1
    assert events[1]["detail"]["resourcesAffected"]["s3Object"]["versionId"] == restored


def test_a_deleted_object_is_not_read(s3: "S3Client", job: MacieJob) -> None:
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    _put(s3)
    s3.delete_object(Bucket=BUCKET, Key="a.csv")
    assert job.run() == JobRun(objects=0, findings=())


def test_unmonitored_harmless_and_binary_objects_make_no_finding(
    s3: "S3Client", job: MacieJob, events: list[Any]
) -> None:
    s3.put_object(Bucket="other", Key="a.csv", Body=CARD)
    _put(s3, "b.csv", b"month,total\n2026-10,1834\n")
    _put(s3, "c.bin", b"\0" + CARD)
    assert job.run() == JobRun(objects=2, findings=())
    assert events == []


def _shape(value: Any) -> Any:
    """Return the names of all fields; a list is represented by the fields of its elements."""
    if isinstance(value, dict):
        return {name: _shape(field) for name, field in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return {name: shape for item in value for name, shape in _shape(item).items()}
    return "value"


@pytest.mark.parametrize(
    ("key", "fixture"),
    [("cards.csv", "financial-high.json"), ("cards.txt", "credentials-high-awkward-key.json")],
)
def test_the_event_has_the_fields_of_macies_events(
    s3: "S3Client", job: MacieJob, events: list[Any], key: str, fixture: str
) -> None:
    s3.put_bucket_tagging(Bucket=BUCKET, Tagging={"TagSet": [{"Key": "team", "Value": "payments"}]})
    _put(s3, key, Tagging="kind=card")
    job.run()
    expected = json.loads((FINDINGS / fixture).read_text())
    for event in (*events, expected):
        affected = event["detail"]["resourcesAffected"]
        for name in ("s3Bucket", "s3Object"):
            affected[name]["tags"] = affected[name]["tags"] or [{"key": "", "value": ""}]
    assert [_shape(event) for event in events] == [_shape(expected)]


def test_the_event_describes_the_object(s3: "S3Client", job: MacieJob, events: list[Any]) -> None:
    fields: Any = {"StorageClass": "STANDARD_IA", "ServerSideEncryption": "AES256"}
    etag = _put(s3, "pay/a.csv", Tagging="kind=card", **fields)["ETag"]
    job.run()
    affected = events[0]["detail"]["resourcesAffected"]["s3Object"]
    assert affected["eTag"] == etag.strip('"')
    assert (affected["size"], affected["storageClass"]) == (len(CARD), "STANDARD_IA")
    assert (affected["extension"], affected["versionId"]) == ("csv", "")
    assert affected["tags"] == [{"key": "kind", "value": "card"}]
    assert affected["serverSideEncryption"]["encryptionType"] == "AES256"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4111111111111111", ("Financial", Severity.HIGH)),
        ("AKIAQ7XMPLK2N3RSTUVW", ("Credentials", Severity.HIGH)),
        ("jo@example.com", ("Personal", Severity.LOW)),
        ("jo@example.com al@example.com", ("Personal", Severity.MEDIUM)),
        ("jo@example.com 219-09-9998", ("Personal", Severity.HIGH)),
        ("jo@example.com 4111111111111111", ("Multiple", Severity.HIGH)),
    ],
)
def test_our_own_parser_reads_the_event(
    s3: "S3Client", job: MacieJob, events: list[Any], text: str, expected: Any
) -> None:
    _put(s3, "a.txt", text.encode())
    job.run()
    finding = parse_finding(events[0]["detail"])
    assert (finding.type.removeprefix("SensitiveData:S3Object/"), finding.severity) == expected
    assert finding.object.uri == f"s3://{BUCKET}/a.txt"
    assert sum(detection.count for detection in finding.detections) == len(text.split())
