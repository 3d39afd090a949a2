"""Any key goes into quarantine and comes back, byte for byte."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from lambdas.common import clock
from lambdas.common.ledger.record import Record, Status
from lambdas.common.ledger.store import Ledger
from lambdas.remediator.checkpoint import Checkpoint
from lambdas.remediator.quarantine import quarantine_object
from lambdas.remediator.restoration import restore_object
from lambdas.remediator.services import services
from tests.harness.aws import QUARANTINE, SOURCE
from tests.harness.harness import Harness, start_harness

AWKWARD = st.sampled_from(
    [*"+%#?&=~ /.\\'\"<>|*`$@!:;,()[]{}^-_", "//", "..", "%2F", "é", "日本", "😀"]
)
# S3 takes any Unicode but what XML cannot carry: its listings could not name such a key.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
NOT_IN_XML = "".join(map(chr, {*range(32)} - set(b"\t\n\r"))) + "\ufffe\uffff"
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=NOT_IN_XML))
KEYS = (
    st.lists(st.one_of(TEXT, AWKWARD), min_size=1, max_size=30)
    .map("".join)
    .map(lambda key: key.encode()[:1024].decode(errors="ignore"))
    .filter(bool)
)


@pytest.fixture(scope="module", params=[None, "Enabled"], ids=["unversioned", "versioned"])
def harness(request: pytest.FixtureRequest) -> Iterator[Harness]:
    """Deploy the functions once for all keys."""
    with start_harness(versioning=request.param) as harness:
        services()  # in the Region of the harness; each test has another one
        yield harness


@settings(
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(key=KEYS)
@example(key="/")
@example(key="//a//")
@example(key="../../etc/passwd")
@example(key="./a")
@example(key="a\tb\nc\r\nd\x7fe\x85f")
@example(key="a?versionId=null")
@example(key="100% sure + more")
@example(key="é" * 512)
@example(key="😀" * 256)
@example(key="k" * 1024)
def test_every_key_goes_and_comes_back(harness: Harness, key: str) -> None:
    body = key.encode()
    finding = harness.put_object(body, key=key, Metadata={"of": "jane"}, Tagging="kind=card")
    record = Record.create(finding, Status.REMEDIATING, reason="auto", now=clock.now())
    ledger = MemoryLedger(harness.table)
    checkpoint, working = Checkpoint(ledger, record), replace(services(), ledger=ledger)

    assert quarantine_object(checkpoint, working).status is Status.QUARANTINED
    (copy,) = checkpoint.record.copies
    assert len(copy.key.encode()) <= 1024
    assert not is_listed(harness, SOURCE, key)
    assert is_listed(harness, QUARANTINE, copy.key)

    assert restore_object(checkpoint, working).status is Status.RESTORED
    restored = harness.s3.get_object(Bucket=SOURCE, Key=key)
    assert restored["Body"].read() == body
    assert restored["Metadata"] == {"of": "jane"}
    assert restored["TagCount"] == 1
    assert not is_listed(harness, QUARANTINE, copy.key)
    delete_all(harness, key)


class MemoryLedger(Ledger):
    """A ledger that writes no record, for the ledger is not what varies here."""

    def update(self, record: Record, change: Callable[[Record], Record]) -> Record:
        """Return the changed record."""
        return change(record)


def is_listed(harness: Harness, bucket: str, key: str) -> bool:
    """Return whether an object is current under a key."""
    listed = harness.s3.list_objects_v2(Bucket=bucket, Prefix=key).get("Contents", [])
    return any(entry["Key"] == key for entry in listed)


def delete_all(harness: Harness, key: str) -> None:
    """Leave nothing behind, for moto is slow to list many objects."""
    listed = harness.s3.list_object_versions(Bucket=SOURCE, Prefix=key)
    for entry in [*listed.get("Versions", []), *listed.get("DeleteMarkers", [])]:
        harness.s3.delete_object(Bucket=SOURCE, Key=entry["Key"], VersionId=entry["VersionId"])
