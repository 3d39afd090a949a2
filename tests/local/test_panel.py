"""The page's panel: its requests show and change the real buckets."""

import json
import urllib.request
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import quote

import boto3
import pytest
from boto3.dynamodb.types import TypeSerializer
from moto import mock_aws

from local.macie.job import MacieJob
from local.panel import SandboxPanel
from local.slack.fake_slack import FakeSlack

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SOURCE, QUARANTINE = "acme-a", "quarantine"
TRANSITION = {
    "at": "2026-11-20T22:22:05+00:00",
    "status": "DISMISSED",
    "by": "U1",
    "reason": "no risk",
}


@pytest.fixture
def s3() -> Iterator["S3Client"]:
    with mock_aws():
        client: S3Client = boto3.client("s3", region_name="us-east-1")
        for bucket in (SOURCE, QUARANTINE):
            client.create_bucket(Bucket=bucket)
            client.put_bucket_versioning(
                Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
            )
        yield client


@pytest.fixture
def events() -> list[Any]:
    """The events that the job delivered."""
    return []


@pytest.fixture
def slack(s3: "S3Client", events: list[Any]) -> Iterator[FakeSlack]:
    def deliver(event: Mapping[str, Any]) -> str:
        events.append(event)
        return str(event["detail"]["id"])

    history = {"history": TypeSerializer().serialize([TRANSITION])}
    ledger: dict[str, Mapping[str, Any]] = {"finding-1": history, "digest#1": {"id": {"S": "d"}}}
    with FakeSlack(bot_token="xoxb-1", signing_secret="secret") as fake:
        fake.panel = SandboxPanel(
            s3,
            source=SOURCE,
            quarantine=QUARANTINE,
            read_record=ledger.get,
            job=MacieJob(s3, monitored="acme-*", deliver=deliver),
        )
        yield fake


def _request(slack: FakeSlack, path: str, body: bytes | None = None, content_type: str = "") -> Any:
    request = urllib.request.Request(  # noqa: S310 - loopback
        f"{slack.url}{path}", data=body, headers={"Content-Type": content_type}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 - loopback
            return json.load(response)
    except HTTPError as error:
        return json.load(error)


def test_an_uploaded_file_is_in_the_source_bucket(s3: "S3Client", slack: FakeSlack) -> None:
    key = "Zoë & co #1 + 100%?.csv"
    assert _request(slack, f"panel/upload?key={quote(key)}", b"\0body", "text/csv")["ok"]
    uploaded = s3.get_object(Bucket=SOURCE, Key=key)
    assert (uploaded["Body"].read(), uploaded["ContentType"]) == (b"\0body", "text/csv")


def test_a_failed_upload_shows_the_error(s3: "S3Client", slack: FakeSlack) -> None:
    assert _request(slack, "panel/upload", b"body")["error"] == "the file has no name"
    s3.delete_bucket(Bucket=SOURCE)
    assert "bucket does not exist" in _request(slack, "panel/upload?key=a", b"body")["error"]


def test_every_version_and_delete_marker_is_shown(s3: "S3Client", slack: FakeSlack) -> None:
    for body in (b"older", b"newer!"):
        s3.put_object(Bucket=SOURCE, Key="a.csv", Body=body)
    s3.delete_object(Bucket=SOURCE, Key="a.csv")
    s3.put_object(Bucket=QUARANTINE, Key="q.csv", Body=b"q")
    source, quarantine = _request(slack, "panel/state")["buckets"]
    assert (source["name"], quarantine["name"]) == (SOURCE, QUARANTINE)
    assert sorted(
        (version["is_latest"], version["is_marker"], version["size"] or 0)
        for version in source["versions"]
    ) == [(False, False, 5), (False, False, 6), (True, True, 0)]
    assert source["versions"][0]["is_marker"]
    assert [version["key"] for version in quarantine["versions"]] == ["q.csv"]


def test_the_history_is_the_ledgers(slack: FakeSlack) -> None:
    assert _request(slack, "panel/state?finding=finding-1")["history"] == [TRANSITION]
    for finding in ("unknown", "digest%231"):
        assert _request(slack, f"panel/state?finding={finding}")["history"] == []
    assert _request(slack, "panel/state")["history"] == []


def test_the_job_reads_uploaded_files(slack: FakeSlack, events: list[Any]) -> None:
    _request(slack, "panel/upload?key=a.txt", b"4111111111111111")
    _request(slack, "panel/upload?key=b.txt", b"nothing")
    run = _request(slack, "panel/job", b"")
    assert (run["objects"], run["findings"]) == (2, [events[0]["detail"]["id"]])
    assert events[0]["detail"]["resourcesAffected"]["s3Object"]["key"] == "a.txt"


def test_other_paths_are_not_found(slack: FakeSlack) -> None:
    assert _request(slack, "panel/elsewhere")["error"] == "not found"


@pytest.mark.parametrize("name", ["", "page.html", "page.css", "page.js", "panel.js", "blocks.js"])
def test_the_page_runs_only_its_own_scripts(slack: FakeSlack, name: str) -> None:
    with urllib.request.urlopen(f"{slack.url}{name}", timeout=10) as response:  # noqa: S310 - loopback
        assert response.headers["Content-Security-Policy"].startswith("default-src 'self'")
        assert response.read()


def test_files_outside_the_page_are_not_served(slack: FakeSlack) -> None:
    assert _request(slack, "../server.py")["error"] == "not found"
    assert _request(slack, "%2e%2e/server.py")["error"] == "not found"
