"""Any key goes into quarantine and comes back, byte for byte."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from lambdas.common import clock
from lambdas.common.ledger import Ledger
from lambdas.common.record import Record, Status
from lambdas.remediator.copying import Copying
from lambdas.remediator.objects import Objects
from lambdas.remediator.progress import Progress
from lambdas.remediator.quarantine import Quarantine, Versions
from lambdas.remediator.restoration import Restoration
from tests.lambdas.botocore_calls import s3_through
from tests.lambdas.remediator.world import ACCOUNT, QUARANTINE, SOURCE, World, world

THRESHOLD = 5_000_000_000
AWKWARD = st.sampled_from(
    [*"+%#?&=~ /.\\'\"<>|*`$@!:;,()[]{}^-_", "//", "..", "%2F", "é", "日本", "😀"]
)
# S3 takes any Unicode but what XML can not carry: its listings could not name such a key.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
NOT_IN_XML = "".join(map(chr, {*range(32)} - set(b"\t\n\r"))) + "\ufffe\uffff"
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=NOT_IN_XML))
KEYS = (
    st.lists(st.one_of(TEXT, AWKWARD), min_size=1, max_size=30)
    .map("".join)
    .map(lambda key: key.encode()[:1024].decode(errors="ignore"))
    .filter(bool)
)


@pytest.fixture(scope="module", params=[False, True], ids=["unversioned", "versioned"])
def here(request: pytest.FixtureRequest) -> Iterator[World]:
    with world(versioned=request.param) as one:
        yield one


@settings(
    max_examples=1000,
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
def test_every_key_goes_and_comes_back(here: World, key: str) -> None:
    body = key.encode()
    finding = here.put(body, key=key, Metadata={"of": "jane"}, Tagging="kind=card")
    notebook = Notebook(Record.opened(finding, Status.REMEDIATING, reason="auto", now=clock.now()))
    call = s3_through(here.guarded)
    own, theirs = Objects(call), Objects(call, owner=ACCOUNT)
    quarantine = Quarantine(
        bucket=QUARANTINE,
        copying=Copying(objects=own, threshold=THRESHOLD, may_cover=lambda _: True),
        sources=lambda _: theirs,
        wanted=Versions.FINDING,
        is_dry_run=False,
        ledger=notebook,
        clock=clock.now,
    )
    restoration = Restoration(
        own=own, sources=lambda _: theirs, threshold=THRESHOLD, is_dry_run=False
    )

    assert quarantine.take(Progress(notebook, notebook.record)).status is Status.QUARANTINED
    (copy,) = notebook.record.copies
    assert len(copy.key.encode()) <= 1024
    assert not _stands(here, SOURCE, key)
    assert _stands(here, QUARANTINE, copy.key)

    assert restoration.give_back(Progress(notebook, notebook.record)).status is Status.RESTORED
    restored = here.s3.get_object(Bucket=SOURCE, Key=key)
    assert restored["Body"].read() == body
    assert restored["Metadata"] == {"of": "jane"}
    assert restored["TagCount"] == 1
    assert not _stands(here, QUARANTINE, copy.key)
    _clean(here, key)


class Notebook(Ledger):
    """A ledger of one record, in memory, for the ledger is not what varies here."""

    def __init__(self, record: Record) -> None:
        self.record = record

    def get(self, finding_id: str) -> Record:
        """Answer the record."""
        assert finding_id == self.record.finding.id
        return self.record

    def change(
        self,
        finding_id: str,
        change: Callable[[Record], Record],
        *,
        known: Record | None = None,
    ) -> Record:
        """Change the record."""
        assert known in (None, self.record)
        self.record = change(self.get(finding_id))
        return self.record


def _stands(here: World, bucket: str, key: str) -> bool:
    listed = here.s3.list_objects_v2(Bucket=bucket, Prefix=key).get("Contents", [])
    return any(one["Key"] == key for one in listed)


def _clean(here: World, key: str) -> None:
    """Leave nothing behind, for moto lists slowly what is much."""
    listed = here.s3.list_object_versions(Bucket=SOURCE, Prefix=key)
    for one in [*listed.get("Versions", []), *listed.get("DeleteMarkers", [])]:
        here.s3.delete_object(Bucket=SOURCE, Key=one["Key"], VersionId=one["VersionId"])
