"""Hypothesis strategies for what Macie may report and the ledger may hold.

Each strategy is made once: hypothesis validates a new one whenever it is drawn from.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from hypothesis import strategies as st

from lambdas.common.finding import AffectedObject, Detection, Finding, Severity, Tag
from lambdas.common.ledger.record import (
    IN_PROGRESS,
    POLICY,
    REMEDIATOR,
    TRANSITIONS,
    CopyAttempt,
    DuplicateFinding,
    MessageRef,
    QuarantinedCopy,
    Record,
    RestoredObject,
    Status,
    Transition,
)

# https://docs.aws.amazon.com/macie/latest/user/findings-types.html
TYPES = [
    f"SensitiveData:S3Object/{kind}"
    for kind in ("Multiple", "Financial", "Personal", "Credentials", "CustomIdentifier")
]
PARTITIONS = ["aws", "aws-cn", "aws-us-gov"]
REGIONS = ["eu-west-1", "us-east-1", "cn-north-1", "us-gov-west-1"]

NASTY = [
    "<!channel>",
    "<!here|here>",
    "<@U0123456789>",
    "<https://evil.example|Open in Macie>",
    "&lt;!channel&gt;",
    "`code` ```block```",
    "*bold* _it_ ~gone~",
    "line\nfeed\r\ttab",
    "\u202egnp.exe\u202c",
    "\u2066isolate\u2069",
    "\u200bzero\ufeffwidth",
    "\u0000\u0007\u001b[31m",
    "👩‍👩‍👧‍👦" * 10,
    "@channel #general https://evil.example",
    "&" * 300,
]


PLAIN = ["", "payroll", "2026/Q3/Ü.csv", "The S3 object contains financial information."]


@cache
def hostile_text(*, longest: int = 1024) -> st.SearchStrategy[str]:
    """Text that an attacker would choose, and plain text."""
    pool = sorted({(text * times)[:longest] for text in NASTY for times in (1, 3, longest)})
    return st.one_of(st.sampled_from(pool), st.sampled_from(PLAIN), st.text(max_size=10))


@cache
def keys() -> st.SearchStrategy[str]:
    """Object keys: any Unicode, 1 to 1,024 bytes in UTF-8.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
    """
    texts = st.one_of(hostile_text(), st.sampled_from(["😀" * 256, "`" * 1024, "&" * 1024, "/"]))
    return texts.map(lambda text: text.encode()[:1024].decode(errors="ignore") or "empty")


@cache
def buckets() -> st.SearchStrategy[str]:
    """Bucket names.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    """
    return st.sampled_from(["abc", "acme-payments", "a.b.c", "a" * 63])


@cache
def moments() -> st.SearchStrategy[datetime]:
    """Times in UTC."""
    return st.datetimes(datetime(2017, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis requires bounds without a zone


@cache
def affected_objects() -> st.SearchStrategy[AffectedObject]:
    """Objects as Macie reports them."""
    return st.builds(
        AffectedObject,
        bucket=buckets(),
        key=keys(),
        version_id=st.sampled_from([None, "null", "3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY", "v" * 1024]),
        etag=st.sampled_from(["e4d909c290d0fb1ca068ffaddf22cbd0", f"{'0' * 32}-10000"]),
        size=st.none() | st.integers(0, 50 * 10**12),
        storage_class=st.none() | st.sampled_from(["STANDARD", "GLACIER_IR"]),
        encryption=st.none() | st.sampled_from(["NONE", "AES256", "aws:kms", "aws:kms:dsse"]),
        kms_key=st.none() | hostile_text(longest=2048).filter(bool),
        is_public=st.none() | st.booleans(),
        last_modified=st.none() | moments(),
    )


@cache
def findings() -> st.SearchStrategy[Finding]:
    """Findings, from plain to hostile: 50 tags, 200 detections, long texts, strange names."""
    tags = st.builds(Tag, key=hostile_text(longest=128), value=hostile_text(longest=256))
    detection = st.builds(Detection, name=hostile_text(longest=128), count=st.integers(0, 10**12))
    return st.builds(
        Finding,
        id=st.sampled_from(["4ed45d06c9b94506ab7f18a57f00aa11", "1" * 64]),
        account=st.sampled_from(["111122223333", "000000000000"]),
        region=st.sampled_from(REGIONS),
        partition=st.sampled_from(PARTITIONS),
        type=st.sampled_from(TYPES) | hostile_text(longest=200),
        severity=st.none() | st.sampled_from(Severity),
        title=hostile_text(longest=3000),
        description=hostile_text(longest=5000),
        created_at=moments(),
        is_sample=st.booleans(),
        is_archived=st.booleans(),
        job=st.none() | hostile_text(longest=400),
        object=affected_objects(),
        bucket_tags=_repeated(tags, 50),
        detections=_repeated(detection, 200),
    )


def _repeated(items: st.SearchStrategy[Any], most: int) -> st.SearchStrategy[tuple[Any, ...]]:
    """None of `items`, one, or as many as there can be, by repeating two."""
    counts = st.sampled_from([0, 1, 1, most])
    pairs = st.tuples(items, items)
    return st.builds(lambda pair, count: (pair * most)[:count], pairs, counts)


@cache
def copies() -> st.SearchStrategy[QuarantinedCopy]:
    """Quarantined copies."""
    version = st.sampled_from(["null", "3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY"])
    return st.builds(
        QuarantinedCopy,
        bucket=buckets(),
        key=keys(),
        version_id=version,
        source_version_id=st.none() | version,
        source_etag=st.just("e4d909c290d0fb1ca068ffaddf22cbd0"),
        size=st.integers(0, 50 * 10**12),
        checksum=st.none() | st.just("CRC64NVME:Yw3yZDGp0qk="),
        storage_class=st.sampled_from(["STANDARD", "GLACIER_IR"]),
        lost_in_copy=st.lists(hostile_text(longest=200), max_size=3).map(tuple),
    )


@cache
def transitions(status: Status, *, is_refused: bool = False) -> st.SearchStrategy[Transition]:
    """Entries of a history after which a record has `status`."""
    return st.builds(
        Transition,
        at=moments(),
        status=st.just(status),
        by=st.sampled_from([POLICY, REMEDIATOR, "U02ABCDEF", "W02ABCDEF"]),
        reason=hostile_text(longest=2000),
        advice=hostile_text(longest=2000),
        evidence=st.lists(hostile_text(longest=300), max_size=2).map(tuple),
        is_refused=st.just(is_refused),
    )


@st.composite
def records(draw: st.DrawFn, status: Status | None = None) -> Record:
    """Records with `status`, which they reached by legal transitions."""
    last = status or draw(st.sampled_from(Status))
    history = [draw(transitions(step)) for step in path_to(last)]
    first = replace(history[0], by=POLICY)
    refusals = draw(st.lists(transitions(last, is_refused=True), max_size=2))
    return Record(
        finding=draw(findings()),
        history=(first, *history[1:], *refusals),
        revision=draw(st.integers(0, 10**6)),
        message=draw(st.none() | st.builds(MessageRef, channel=st.just("C1"), id=st.text())),
        posting_until=draw(st.none() | moments()),
        copies=draw(st.lists(copies(), max_size=2).map(tuple)),
        attempt=draw(st.none() | st.builds(CopyAttempt, source=st.text(), replaced=st.text())),
        restored=draw(_repeated(st.builds(RestoredObject), 2)),
        other_versions=draw(st.none() | st.integers(0, 10**6)),
        primary=draw(st.none() | st.just("f0")),
        duplicates=draw(_repeated(findings().map(DuplicateFinding.from_finding), 20)),
        check_at=draw(st.none() | moments()),
        notify_at=draw(st.none() | moments()),
        digest_id=draw(st.none() | st.just("digest#d0")),
    )


_OUTCOMES = frozenset().union(*(TRANSITIONS[status] for status in IN_PROGRESS))

FIRST_STATUSES = (
    Status.IGNORED,
    Status.DUPLICATE,
    Status.AWAITING_REVIEW,
    Status.REMEDIATING,
)


def path_to(status: Status) -> list[Status]:
    """Return a shortest legal path from a first status to `status`."""
    paths = [[first] for first in FIRST_STATUSES]
    while paths:
        path = paths.pop(0)
        if path[-1] is status:
            return path
        paths += [[*path, after] for after in sorted(TRANSITIONS[path[-1]]) if after not in path]
    raise AssertionError(f"no path leads to {status}")


def record_with_status(status: Status, finding: Finding) -> Record:
    """Return a plain record of `finding` with `status`."""
    now = datetime(2026, 11, 20, 22, 22, 5, tzinfo=UTC)
    history = [
        Transition(
            at=now + timedelta(minutes=minute),
            status=step,
            by=REMEDIATOR if step in _OUTCOMES else POLICY,
            reason="as configured",
        )
        for minute, step in enumerate(path_to(status))
    ]
    return Record(finding=finding, history=tuple(history))
