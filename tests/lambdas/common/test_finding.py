"""A finding names its object, and two findings on the same content have the same identity."""

from dataclasses import replace
from datetime import timedelta

from tests.harness.events import finding


def test_the_uri_of_an_object_has_its_bucket_and_its_key_as_it_is() -> None:
    affected = finding("credentials-high-awkward-key.json").object
    assert affected.uri == f"s3://{affected.bucket}/{affected.key}"


def test_two_findings_on_the_same_content_have_the_same_identity() -> None:
    name = "personal-medium-versioned-unicode.json"
    other = finding(name, id="another", type="SensitiveData:S3Object/Multiple")
    assert other.object.identity == finding(name).object.identity


def test_another_version_content_or_time_is_another_identity() -> None:
    affected = finding("personal-medium-versioned-unicode.json").object
    assert affected.last_modified is not None
    others = [
        replace(affected, version_id="other"),
        replace(affected, etag="other"),
        replace(affected, last_modified=affected.last_modified + timedelta(seconds=1)),
    ]
    assert len({affected.identity, *(other.identity for other in others)}) == 4
