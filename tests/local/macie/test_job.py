"""The sandbox's Macie job reads what is new, and its findings look like Macie's."""

from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import pytest
from moto import mock_aws

from lambdas.common.finding import Finding, Severity
from local.macie.job import JobRun, MacieJob
from tests.lambdas.events import load

BUCKET = "acme-a"
CARD = b"name,card\nJane,4111111111111111\n"


class Delivered:
    """Takes events, and answers the findings' ids."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def __call__(self, event: Mapping[str, Any]) -> str:
        """Keep an event."""
        self.events.append(event)
        return str(event["detail"]["id"])


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        for bucket in (BUCKET, "other"):
            client.create_bucket(Bucket=bucket)
        yield client


@pytest.fixture
def delivered() -> Delivered:
    return Delivered()


@pytest.fixture
def job(s3: Any, delivered: Delivered) -> MacieJob:
    return MacieJob(s3, monitored="acme-*", deliver=delivered)


def _put(s3: Any, key: str = "a.csv", body: bytes = CARD, **more: Any) -> Any:
    return s3.put_object(Bucket=BUCKET, Key=key, Body=body, **more)


def test_an_object_is_found_once_until_it_changes(s3: Any, job: MacieJob) -> None:
    assert job.run() == JobRun(objects=0, findings=())
    _put(s3)
    first = job.run()
    assert (first.objects, len(first.findings)) == (1, 1)
    assert job.run() == JobRun(objects=0, findings=())
    _put(s3, body=CARD * 2)
    second = job.run()
    assert (second.objects, len(second.findings)) == (1, 1)
    assert first.findings != second.findings


def test_each_new_version_is_read_and_only_the_current_one(
    s3: Any, job: MacieJob, delivered: Delivered
) -> None:
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    for _ in range(2):
        current = _put(s3)["VersionId"]
    assert len(job.run().findings) == 1
    affected = delivered.events[0]["detail"]["resourcesAffected"]["s3Object"]
    assert affected["versionId"] == current
    restored = _put(s3)["VersionId"]
    assert len(job.run().findings) == 1
    assert delivered.events[1]["detail"]["resourcesAffected"]["s3Object"]["versionId"] == restored


def test_a_deleted_object_is_not_read(s3: Any, job: MacieJob) -> None:
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    _put(s3)
    s3.delete_object(Bucket=BUCKET, Key="a.csv")
    assert job.run() == JobRun(objects=0, findings=())


def test_what_is_not_monitored_harmless_or_no_text_makes_no_finding(
    s3: Any, job: MacieJob, delivered: Delivered
) -> None:
    s3.put_object(Bucket="other", Key="a.csv", Body=CARD)
    _put(s3, "b.csv", b"month,total\n2026-10,1834\n")
    _put(s3, "c.bin", b"\0" + CARD)
    assert job.run() == JobRun(objects=2, findings=())
    assert delivered.events == []


def _shape(value: Any) -> Any:
    """Answer the names of all fields, each list being one of its elements."""
    if isinstance(value, dict):
        return {name: _shape(one) for name, one in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return _merged([_shape(one) for one in value])
    return "value"


def _merged(shapes: list[Any]) -> Any:
    return {name: one for shape in shapes for name, one in shape.items()}


@pytest.mark.parametrize(
    ("key", "fixture"),
    [("cards.csv", "financial-high.json"), ("cards.txt", "credentials-high-awkward-key.json")],
)
def test_the_event_has_the_fields_of_macies_own(
    s3: Any, job: MacieJob, delivered: Delivered, key: str, fixture: str
) -> None:
    tags = {"TagSet": [{"Key": "team", "Value": "payments"}]}
    s3.put_bucket_tagging(Bucket=BUCKET, Tagging=tags)
    _put(s3, key, Tagging="kind=card")
    job.run()
    (event,) = delivered.events
    real = load(f"macie/{fixture}")
    for one in (event, real):
        affected = one["detail"]["resourcesAffected"]
        for name in ("s3Bucket", "s3Object"):
            affected[name]["tags"] = affected[name]["tags"] or [{"key": "", "value": ""}]
    assert _shape(event) == _shape(real)


def test_the_event_tells_of_the_object_as_it_is(
    s3: Any, job: MacieJob, delivered: Delivered
) -> None:
    more: Any = {"StorageClass": "STANDARD_IA", "ServerSideEncryption": "AES256"}
    put = _put(s3, "pay/a.csv", Tagging="kind=card", **more)
    job.run()
    affected = delivered.events[0]["detail"]["resourcesAffected"]["s3Object"]
    assert affected["eTag"] == put["ETag"].strip('"')
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
def test_our_own_parser_reads_it(
    s3: Any, job: MacieJob, delivered: Delivered, text: str, expected: Any
) -> None:
    _put(s3, "a.txt", text.encode())
    job.run()
    finding = Finding.from_macie(delivered.events[0]["detail"])
    assert (finding.type.removeprefix("SensitiveData:S3Object/"), finding.severity) == expected
    assert finding.object.uri == f"s3://{BUCKET}/a.txt"
    assert sum(one.count for one in finding.detections) == len(text.split())
