"""What stands beside the channel: the page's own requests, answered as the buckets are."""

import json
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote

import boto3
import pytest
from boto3.dynamodb.types import TypeSerializer
from moto import mock_aws

from local.macie.job import MacieJob
from local.panel import SandboxPanel
from local.slack.fake_slack import SlackStandIn

SOURCE, QUARANTINE = "acme-a", "quarantine"
ENTRY = {"at": "2026-11-20T22:22:05+00:00", "status": "DISMISSED", "by": "U1", "reason": "no risk"}


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        for bucket in (SOURCE, QUARANTINE):
            client.create_bucket(Bucket=bucket)
            client.put_bucket_versioning(
                Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
            )
        yield client


@pytest.fixture
def delivered() -> list[Any]:
    return []


@pytest.fixture
def slack(s3: Any, delivered: list[Any]) -> Iterator[SlackStandIn]:
    def deliver(event: Mapping[str, Any]) -> str:
        delivered.append(event)
        return str(event["detail"]["id"])

    history = {"history": TypeSerializer().serialize([ENTRY])}
    ledger: dict[str, Mapping[str, Any]] = {"finding-1": history, "digest#1": {"id": {"S": "d"}}}
    with SlackStandIn(bot_token="xoxb-1", signing_secret="secret") as one:
        one.panel = SandboxPanel(
            s3,
            source=SOURCE,
            quarantine=QUARANTINE,
            read_record=ledger.get,
            job=MacieJob(s3, monitored="acme-*", deliver=deliver),
        )
        yield one


def _ask(slack: SlackStandIn, path: str, body: bytes | None = None, kind: str = "") -> Any:
    request = urllib.request.Request(  # noqa: S310 - loopback
        f"{slack.url}{path}", data=body, headers={"Content-Type": kind}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
            return json.load(answer)
    except HTTPError as error:
        return json.load(error)


def test_a_file_that_is_dropped_lies_in_the_source_bucket(s3: Any, slack: SlackStandIn) -> None:
    key = "Zoë & co #1 + 100%?.csv"
    assert _ask(slack, f"panel/upload?key={quote(key)}", b"\0body", "text/csv")["ok"]
    there = s3.get_object(Bucket=SOURCE, Key=key)
    assert (there["Body"].read(), there["ContentType"]) == (b"\0body", "text/csv")


def test_a_file_that_s3_does_not_take_is_told_of(s3: Any, slack: SlackStandIn) -> None:
    assert _ask(slack, "panel/upload", b"body")["error"] == "the file has no name"
    s3.delete_bucket(Bucket=SOURCE)
    assert "bucket does not exist" in _ask(slack, "panel/upload?key=a", b"body")["error"]


def test_every_version_and_delete_marker_is_shown(s3: Any, slack: SlackStandIn) -> None:
    for body in (b"older", b"newer!"):
        s3.put_object(Bucket=SOURCE, Key="a.csv", Body=body)
    s3.delete_object(Bucket=SOURCE, Key="a.csv")
    s3.put_object(Bucket=QUARANTINE, Key="q.csv", Body=b"q")
    source, quarantine = _ask(slack, "panel/state")["buckets"]
    assert (source["name"], quarantine["name"]) == (SOURCE, QUARANTINE)
    assert sorted(
        (one["is_latest"], one["is_marker"], one["size"] or 0) for one in source["versions"]
    ) == [(False, False, 5), (False, False, 6), (True, True, 0)]
    assert source["versions"][0]["is_marker"]
    assert [one["key"] for one in quarantine["versions"]] == ["q.csv"]


def test_the_history_is_the_ledgers(slack: SlackStandIn) -> None:
    assert _ask(slack, "panel/state?finding=finding-1")["history"] == [ENTRY]
    for none in ("unheard-of", "digest%231"):
        assert _ask(slack, f"panel/state?finding={none}")["history"] == []
    assert _ask(slack, "panel/state")["history"] == []


def test_the_job_reads_what_was_dropped(slack: SlackStandIn, delivered: list[Any]) -> None:
    _ask(slack, "panel/upload?key=a.txt", b"4111111111111111")
    _ask(slack, "panel/upload?key=b.txt", b"nothing")
    run = _ask(slack, "panel/job", b"")
    assert (run["objects"], run["findings"]) == (2, [delivered[0]["detail"]["id"]])
    assert delivered[0]["detail"]["resourcesAffected"]["s3Object"]["key"] == "a.txt"


def test_nothing_else_is_there(slack: SlackStandIn) -> None:
    assert _ask(slack, "panel/elsewhere")["error"] == "not here"


@pytest.mark.parametrize("name", ["", "page.html", "page.css", "page.js", "panel.js", "blocks.js"])
def test_the_page_runs_no_script_but_its_own(slack: SlackStandIn, name: str) -> None:
    with urllib.request.urlopen(f"{slack.url}{name}", timeout=10) as answer:  # noqa: S310 - loopback
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'")
        assert answer.read()


def test_no_file_beside_the_page_is_served(slack: SlackStandIn) -> None:
    assert _ask(slack, "../server.py")["error"] == "not here"
    assert _ask(slack, "%2e%2e/server.py")["error"] == "not here"
