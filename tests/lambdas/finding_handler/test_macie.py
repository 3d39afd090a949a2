"""Every event of Macie is read as it is meant, or refused."""

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.common.finding import Finding, Severity, Tag
from lambdas.finding_handler.macie import (
    NO_TYPE,
    MalformedFindingError,
    UnsupportedFindingError,
    parse_finding,
)
from tests.harness.events import (
    CLASSIFICATION_FINDINGS,
    MACIE_FINDINGS,
    finding,
    finding_detail,
    load_event,
)


@pytest.mark.parametrize("name", CLASSIFICATION_FINDINGS)
def test_a_finding_has_the_values_of_its_event(name: str) -> None:
    raw = load_event(MACIE_FINDINGS / name)["detail"]
    read = parse_finding(raw)
    bucket, s3_object = raw["resourcesAffected"]["s3Bucket"], raw["resourcesAffected"]["s3Object"]
    assert read.id == raw["id"]
    assert read.account == raw["accountId"]
    assert read.region == raw["region"]
    assert read.partition == raw["partition"]
    assert read.type == raw["type"]
    assert read.severity == raw["severity"]["score"]
    assert read.title == raw["title"]
    assert read.description == raw["description"]
    assert read.created_at == datetime.fromisoformat(raw["createdAt"])
    assert read.is_sample is raw["sample"]
    assert read.is_archived is raw["archived"]
    assert read.job == raw["classificationDetails"]["jobId"]
    assert read.object.bucket == bucket["name"]
    assert read.object.key == s3_object["key"]
    assert (read.object.version_id or "") == s3_object["versionId"]
    assert read.object.etag == s3_object["eTag"]
    assert read.object.size == s3_object["size"]
    assert read.object.storage_class == s3_object["storageClass"]
    assert read.object.encryption == s3_object["serverSideEncryption"]["encryptionType"]
    assert read.object.kms_key == s3_object["serverSideEncryption"]["kmsMasterKeyId"]
    assert read.object.is_public is s3_object["publicAccess"]
    assert [{"key": tag.key, "value": tag.value} for tag in read.bucket_tags] == bucket["tags"]
    assert {detection.name: detection.count for detection in read.detections} == _counts(raw)


def _counts(raw: Any) -> dict[str, int]:
    result = raw["classificationDetails"]["result"]
    groups = [group["detections"] for group in result["sensitiveData"]]
    managed = {found["type"]: found["count"] for group in groups for found in group}
    custom = result["customDataIdentifiers"]["detections"]
    return managed | {found["name"]: found["count"] for found in custom}


def test_the_most_frequent_detection_comes_first() -> None:
    counts = [detection.count for detection in finding("multiple-high-public.json").detections]
    assert len(counts) > 1
    assert counts == sorted(counts, reverse=True)


SEVERITIES = [
    ("both agree", {"score": 3, "description": "High"}, Severity.HIGH),
    ("a score with a decimal point is the same number", {"score": 3.0}, Severity.HIGH),
    ("the score alone is enough", {"score": 1}, Severity.LOW),
    ("the description alone is enough", {"description": "Medium"}, Severity.MEDIUM),
    ("in any case", {"description": "hIGH"}, Severity.HIGH),
    ("the higher counts: score", {"score": 3, "description": "Low"}, Severity.HIGH),
    ("the higher counts: description", {"score": 1, "description": "High"}, Severity.HIGH),
    ("an unknown score leaves the description", {"score": 8, "description": "Low"}, Severity.LOW),
    ("an unknown description leaves the score", {"score": 2, "description": "?"}, Severity.MEDIUM),
    ("neither is known", {"score": 0, "description": "Critical"}, None),
    ("both are null", {"score": None, "description": None}, None),
    ("nothing is given", {}, None),
    ("the severity is null", None, None),
]


@pytest.mark.parametrize(
    ("severity", "expected"), [row[1:] for row in SEVERITIES], ids=[row[0] for row in SEVERITIES]
)
def test_severity_is_the_higher_of_score_and_description(
    severity: dict[str, object] | None, expected: Severity | None
) -> None:
    assert finding(severity=severity).severity is expected


def test_a_missing_severity_is_none() -> None:
    raw = finding_detail()
    del raw["severity"]
    assert parse_finding(raw).severity is None


@pytest.mark.parametrize("name", ["eTag", "etag"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_the_etag_is_read_in_either_spelling_with_or_without_quotes(name: str, quote: str) -> None:
    raw = finding_detail()
    s3_object = raw["resourcesAffected"]["s3Object"]
    etag = s3_object.pop("eTag")
    s3_object[name] = f"{quote}{etag}{quote}"
    assert parse_finding(raw).object.etag == etag


@pytest.mark.parametrize("version_id", ["", None])
def test_no_version_id_is_none(version_id: str | None) -> None:
    raw = finding_detail()
    raw["resourcesAffected"]["s3Object"]["versionId"] = version_id
    assert parse_finding(raw).object.version_id is None
    del raw["resourcesAffected"]["s3Object"]["versionId"]
    assert parse_finding(raw).object.version_id is None


TIMES = [
    ("2026-11-20T18:19:08.031Z", datetime(2026, 11, 20, 18, 19, 8, 31000, tzinfo=UTC)),
    ("2026-11-20T18:19:08Z", datetime(2026, 11, 20, 18, 19, 8, tzinfo=UTC)),
    (
        "2026-11-20T20:19:08+02:00",
        datetime(2026, 11, 20, 20, 19, 8, tzinfo=timezone(timedelta(hours=2))),
    ),
    ("2026-11-20T18:19:08", datetime(2026, 11, 20, 18, 19, 8, tzinfo=UTC)),
]


@pytest.mark.parametrize(("text", "expected"), TIMES, ids=[row[0] for row in TIMES])
def test_times_are_read_with_and_without_milliseconds_and_zone(
    text: str, expected: datetime
) -> None:
    assert finding(createdAt=text).created_at == expected


@pytest.mark.parametrize(("partition", "region"), [(None, "us-east-1"), ("aws-cn", "cn-north-1")])
def test_the_partition_is_aws_if_macie_names_none(partition: str | None, region: str) -> None:
    assert finding(partition=partition, region=region).partition == (partition or "aws")


@pytest.mark.parametrize("value", [None, "", "absent"])
def test_a_finding_without_a_type_is_read(value: str | None) -> None:
    raw = finding_detail(type=value)
    if value == "absent":
        del raw["type"]
    assert parse_finding(raw).type == NO_TYPE


def test_only_true_makes_a_sample_or_an_archived_finding() -> None:
    assert finding(sample=True, archived=True).is_sample
    assert finding(sample=True, archived=True).is_archived
    assert not finding(sample=None, archived=None).is_sample
    assert not finding(sample=None, archived=None).is_archived


def test_a_tag_without_a_value_is_kept() -> None:
    raw = finding_detail()
    raw["resourcesAffected"]["s3Bucket"]["tags"] = [{"key": "team", "value": None}]
    assert parse_finding(raw).bucket_tags == (Tag(key="team", value=""),)


def test_a_policy_finding_is_not_supported() -> None:
    with pytest.raises(UnsupportedFindingError, match="POLICY"):
        finding("policy-bucket-public.json")


MISSING = [
    ("category",),
    ("id",),
    ("accountId",),
    ("region",),
    ("createdAt",),
    ("resourcesAffected",),
    ("resourcesAffected", "s3Bucket"),
    ("resourcesAffected", "s3Bucket", "name"),
    ("resourcesAffected", "s3Object"),
    ("resourcesAffected", "s3Object", "key"),
    ("resourcesAffected", "s3Object", "eTag"),
]


@pytest.mark.parametrize("path", MISSING, ids=[".".join(path) for path in MISSING])
@pytest.mark.parametrize("value", [None, "", "absent"])
def test_fields_that_identify_the_finding_and_its_object_are_required(
    path: tuple[str, ...], value: str | None
) -> None:
    raw = finding_detail()
    owner = raw
    for name in path[:-1]:
        owner = owner[name]
    owner[path[-1]] = value
    if value == "absent":
        del owner[path[-1]]
    with pytest.raises(MalformedFindingError):
        parse_finding(raw)


@pytest.mark.parametrize("name", ["sample", "archived"])
def test_a_finding_whose_sample_or_archived_is_not_a_boolean_is_malformed(
    name: str,
) -> None:
    with pytest.raises(MalformedFindingError, match=name):
        parse_finding(finding_detail(**{name: "true"}))


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every field in `value`, at every depth."""
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for name, inner in items:
        yield (*path, name)
        yield from _paths(inner, (*path, name))


EVERYTHING = {name: finding_detail(name) for name in CLASSIFICATION_FINDINGS}
PATHS = [(name, path) for name, raw in EVERYTHING.items() for path in _paths(raw)]
ESSENTIAL = set(MISSING)


def _changed(raw: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(raw)
    owner = changed
    for name in path[:-1]:
        owner = owner[name]
    owner[path[-1]] = value
    return changed


@pytest.mark.parametrize("name", CLASSIFICATION_FINDINGS)
def test_any_other_field_may_be_null(name: str) -> None:
    for path in _paths(EVERYTHING[name]):
        if path in ESSENTIAL or not isinstance(path[-1], str):
            continue
        changed = _changed(EVERYTHING[name], path, None)
        assert parse_finding(changed).id == changed["id"], path


@pytest.mark.parametrize("name", CLASSIFICATION_FINDINGS)
def test_any_other_field_may_be_missing(name: str) -> None:
    for path in _paths(EVERYTHING[name]):
        if path in ESSENTIAL or not isinstance(path[-1], str):
            continue
        changed = copy.deepcopy(EVERYTHING[name])
        owner = changed
        for step in path[:-1]:
            owner = owner[step]
        del owner[path[-1]]
        assert parse_finding(changed).id == changed["id"], path


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=10)
    | st.sampled_from(["", "aws", "High", "2026-11-20", "CLASSIFICATION"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(place=st.sampled_from(PATHS), value=JSON)
def test_whatever_a_field_holds_is_read_as_its_type_or_refused(
    place: tuple[str, tuple[Any, ...]], value: Any
) -> None:
    name, path = place
    try:
        read = parse_finding(_changed(EVERYTHING[name], path, value))
    except (MalformedFindingError, UnsupportedFindingError):
        return
    assert _is_well_typed(read)


@given(raw=JSON)
def test_everything_that_is_not_a_finding_is_refused(raw: Any) -> None:
    with pytest.raises((MalformedFindingError, UnsupportedFindingError)):
        parse_finding(raw)


@given(raw=st.dictionaries(st.sampled_from(sorted(finding_detail())), JSON))
def test_everything_that_looks_like_a_finding_is_read_or_refused(raw: Any) -> None:
    try:
        parse_finding(json.loads(json.dumps(raw)))
    except (MalformedFindingError, UnsupportedFindingError):
        return


def _is_well_typed(read: Finding) -> bool:
    affected = read.object
    texts = [read.id, read.account, read.region, read.partition, read.type, read.title]
    texts += [read.description, affected.bucket, affected.key, affected.etag]
    texts += [detection.name for detection in read.detections]
    texts += [text for tag in read.bucket_tags for text in (tag.key, tag.value)]
    optional = [read.job, affected.version_id, affected.storage_class]
    optional += [affected.encryption, affected.kms_key]
    return (
        all(isinstance(text, str) for text in texts)
        and all(text is None or isinstance(text, str) for text in optional)
        and read.created_at.tzinfo is not None
        and isinstance(affected.size, int | None)
        and isinstance(affected.is_public, bool | None)
        and isinstance(read.severity, Severity | None)
        and all(isinstance(detection.count, int) for detection in read.detections)
    )


def test_the_uri_of_an_object_is_an_s3_uri() -> None:
    affected = finding("credentials-high-awkward-key.json").object
    assert affected.uri == f"s3://{affected.bucket}/{affected.key}"


def test_findings_on_one_version_share_an_identity_and_another_version_has_another() -> None:
    raw = finding_detail("personal-medium-versioned-unicode.json")
    same = parse_finding(raw | {"id": "another", "type": "SensitiveData:S3Object/Multiple"})
    assert same.object.identity == parse_finding(raw).object.identity
    other = copy.deepcopy(raw)
    other["resourcesAffected"]["s3Object"]["versionId"] = "other"
    assert parse_finding(other).object.identity != same.object.identity
