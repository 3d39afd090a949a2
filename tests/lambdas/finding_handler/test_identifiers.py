"""A finding whose id, account, Region, bucket, key, ETag or version cannot be real is refused."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import botocore
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lambdas.finding_handler import identifiers
from lambdas.finding_handler.identifiers import is_finding_id
from lambdas.finding_handler.macie import MalformedFindingError, parse_finding
from tests.harness.aws import AUTO
from tests.harness.events import CLASSIFICATION_FINDINGS, finding_detail, finding_event, sqs_batch
from tests.harness.harness import Harness, start_harness

PARTITIONS = json.loads((Path(botocore.__file__).parent / "data/partitions.json").read_text())
PLACES = {
    "id": ("id",),
    "account": ("accountId",),
    "region": ("region",),
    "partition": ("partition",),
    "bucket": ("resourcesAffected", "s3Bucket", "name"),
    "key": ("resourcesAffected", "s3Object", "key"),
    "etag": ("resourcesAffected", "s3Object", "eTag"),
    "version": ("resourcesAffected", "s3Object", "versionId"),
}


def changed(name: str, value: Any, **fields: Any) -> dict[str, Any]:
    """Return the detail of a finding with another `value` in one place."""
    detail = finding_detail(**fields)
    *owners, last = PLACES[name]
    owner: Any = detail
    for step in owners:
        owner = owner[step]
    owner[last] = value
    return detail


FORGED = {
    "id": [
        "tasks#next_run",
        "hour#2026-11-20T10",
        "object#1",
        "version#1",
        "lease#1",
        "claim#1",
        "digest#d#2026-11-20T10",
        "limit#all",
        "restored#1",
        "a b",
        "a\n",
        "a/b",
        "ä",
        "a" * 129,
    ],
    "account": ["12345678901", "1234567890123", "12345678901x", "\u0661" * 12, "123456789012\n"],
    "region": [
        "us-east-1.evil.example",
        "us-east-1\n",
        "evil",
        "us-gov-west-1",
        "cn-north-1",
        "aws-global",
        "us-east-\u0661",
        "us-e_st-1",
        "US-EAST-1",
        f"us-{'a' * 60}-1",
        "us-east-1/..",
        "@evil-1-1",
    ],
    "partition": ["aws-evil", "AWS", "evil.example", "aws-cn", "aws-us-gov"],
    "bucket": [
        "ab",
        "a/b",
        "a b c",
        "arn:aws:s3:::abc",
        "abc\n",
        "abc?",
        "a" * 256,
        "bücket",
        "metadata-s3alias",
        "name--ol-s3",
        "point.mrap",
        "name--use1-az4--x-s3",
        "name--table-s3",
        "abc@evil",
    ],
    "key": ["a" * 1025, "ä" * 513, "\ud800"],
    "etag": ["a b", "a\r\nx-evil: 1", "ä", "a" * 1025],
    "version": ["a b", "a\nb", "ü", "v" * 1025],
}
FORGERIES = [(name, value) for name, values in FORGED.items() for value in values]


@pytest.mark.parametrize(("name", "value"), FORGERIES)
def test_what_cannot_be_real_is_malformed(name: str, value: str) -> None:
    with pytest.raises(MalformedFindingError):
        parse_finding(changed(name, value))


NOT_IN_EU = ["Old.Name", "old_name", "-old", "a" * 64, "a..b", "192.168.5.4", "abc-", ".abc"]


@pytest.mark.parametrize("bucket", NOT_IN_EU)
def test_old_bucket_names_are_real_in_us_east_1_only(bucket: str) -> None:
    old = changed("bucket", bucket, region="us-east-1")
    assert parse_finding(old).object.bucket == bucket
    with pytest.raises(MalformedFindingError):
        parse_finding(changed("bucket", bucket, region="eu-west-1"))


@pytest.mark.parametrize("bucket", ["abc", "a.b.c", "a" * 63, "4u", "1-2"])
@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
def test_every_bucket_name_of_today_is_accepted(bucket: str, region: str) -> None:
    name = bucket.ljust(3, "0")
    assert parse_finding(changed("bucket", name, region=region)).object.bucket == name


@pytest.mark.parametrize("key", ["a", "a" * 1024, "😀" * 256, "../..", "a\x00b", " ", "/", "%2e"])
def test_every_key_of_up_to_1024_bytes_is_accepted(key: str) -> None:
    assert parse_finding(changed("key", key)).object.key == key


@pytest.mark.parametrize("name", CLASSIFICATION_FINDINGS)
def test_every_finding_of_macie_is_accepted(name: str) -> None:
    assert parse_finding(finding_detail(name)).id == finding_detail(name)["id"]


@pytest.mark.parametrize("partition", PARTITIONS["partitions"], ids=lambda found: found["id"])
def test_every_region_that_botocore_knows_is_accepted(partition: dict[str, Any]) -> None:
    regions = [name for name in partition["regions"] if not name.endswith("global")]
    assert regions
    for region in regions:
        read = parse_finding(finding_detail(partition=partition["id"], region=region))
        assert (read.partition, read.region) == (partition["id"], region)


def test_the_patterns_of_regions_are_those_of_botocore() -> None:
    patterns = {found["id"]: found["regionRegex"] for found in PARTITIONS["partitions"]}
    ours = identifiers._REGIONS.items()  # noqa: SLF001 - a constant that is compared
    assert {partition: f"^{pattern.pattern}$" for partition, pattern in ours} == patterns


def test_a_new_region_needs_no_new_release() -> None:
    assert parse_finding(finding_detail(region="eu-northwest-7")).region == "eu-northwest-7"


# Rules that are written again, and differently, to be compared with those of the code.


def _is_real(name: str, value: str) -> bool:
    if not value.isascii():
        return name == "key" and 0 < len(value.encode(errors="replace")) <= 1024
    match name:
        case "id":
            return 0 < len(value) <= 128 and all(c.isalnum() or c == "-" for c in value)
        case "account":
            return len(value) == 12 and value.isdigit()
        case "region":
            return re.fullmatch("(us|eu|ap|sa|ca|me|af|il|mx)-[a-z0-9]+-[0-9]+", value) is not None
        case "bucket":
            return 3 <= len(value) <= 255 and all(c.isalnum() or c in "._-" for c in value)
        case "key":
            return 0 < len(value) <= 1024
    return value.isprintable() and " " not in value


FORGED_VALUES = st.one_of(
    st.text(min_size=1, max_size=12),
    st.text("abc123-#./: \n", min_size=1, max_size=14),
    st.sampled_from([value for _, value in FORGERIES]),
    st.sampled_from(["hour#", "object#", "limit#", "digest#"]).flatmap(
        lambda prefix: st.text(max_size=10).map(lambda text: prefix + text)
    ),
)


@settings(max_examples=600, deadline=None)
@given(name=st.sampled_from(["id", "account", "region", "bucket"]), value=FORGED_VALUES)
@example(name="id", value="limit#all")
def test_no_forged_finding_is_accepted(name: str, value: str) -> None:
    detail = changed(name, value)
    try:
        parse_finding(detail)
    except MalformedFindingError:
        return
    assert _is_real(name, value)


def test_of_500_forged_findings_none_leads_to_a_request() -> None:
    """They end in the dead-letter queue, for which there is an alarm."""
    with start_harness() as harness:
        seen: list[str] = []

        @settings(
            max_examples=250,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        )
        @given(
            forgeries=st.lists(
                st.tuples(
                    st.sampled_from(["id", "account", "region", "bucket"]), FORGED_VALUES
                ).filter(lambda forgery: not _is_real(*forgery)),
                min_size=4,
                max_size=10,
            )
        )
        def deliver(forgeries: list[tuple[str, str]]) -> None:
            events = [finding_event(changed(name, value)) for name, value in forgeries]
            returned = harness.handle_batch(sqs_batch(*events))
            assert returned == [f"message-{number}" for number in range(len(events))]
            seen.extend(returned)

        harness.faults.reset()
        deliver()
        assert len(seen) >= 500
        assert harness.faults.calls == []
        assert harness.is_quiet


def test_no_item_of_the_ledger_but_a_record_has_an_id_that_a_finding_can_have() -> None:
    with start_harness(
        digest_threshold=1,
        auto_remediation_hourly_limit=9,
        auto_remediation_bucket_hourly_limit=9,
    ) as harness:
        _use_every_item(harness)
        items = harness.table.scan()["Items"]
    ids = {item["id"]: "history" in item for item in items}
    kinds = {item_id.split("#")[0] for item_id, is_record in ids.items() if not is_record}
    assert {"digest", "hour", "limit", "object", "restored", "tasks"} <= kinds
    assert all(is_finding_id(item_id) is is_record for item_id, is_record in ids.items())


def _use_every_item(harness: Harness) -> None:
    detail = harness.report_object(AUTO)
    harness.deliver(detail)
    harness.run_remediator()
    harness.click("restore")
    harness.run_remediator()
    harness.deliver(*(harness.report_object(body=b"%d" % number) for number in range(3)))
    harness.clock.ahead += timedelta(minutes=6)
    harness.slack.fail_next(429, "ratelimited", retry_after=9)
    harness.run_scheduled_tasks()
