"""Forged items of the ledger, generated: none has anything read, copied or deleted in S3."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from lambdas.common.ledger.record import Record, RestoredObject, Status
from tests.harness.aws import ACCOUNT, CARD, KEY, QUARANTINE, SOURCE
from tests.harness.harness import Harness, start_harness
from tests.harness.strategies import keys, record_with_status

REFUSED = "The ledger's record does not match the finding"

_numbers = itertools.count()
_ACCOUNTS = st.from_regex(r"\A[0-9]{12}\Z").filter(lambda account: account != ACCOUNT)
_BUCKETS = st.sampled_from([SOURCE, "acme-other", f"{QUARANTINE}-2", ""])
_ETAGS = st.from_regex(r"\A[0-9a-f]{32}(-[1-9])?\Z")
_VERSIONS = st.text(min_size=1, max_size=40)
Change = Callable[[Record], Record]


def _of_copy(**values: Any) -> st.SearchStrategy[Change]:
    """Change attributes of the first copy."""

    def change(drawn: Any) -> Change:
        return lambda record: replace(
            record, copies=(replace(record.copies[0], **drawn), *record.copies[1:])
        )

    return st.fixed_dictionaries(values).map(change)


def _of_finding(**values: Any) -> st.SearchStrategy[Change]:
    """Change attributes of the finding, or of its object."""

    def change(drawn: Any) -> Change:
        account = drawn.pop("account", ACCOUNT)
        return lambda record: replace(
            record,
            finding=replace(
                record.finding, account=account, object=replace(record.finding.object, **drawn)
            ),
        )

    return st.fixed_dictionaries(values).map(change)


def _of_progress(version: str) -> Change:
    restored = RestoredObject(copy_version_id=version, version_id=None, etag="e" * 32)
    return lambda record: replace(record, restored=(restored,))


CHANGES = st.one_of(
    _of_copy(bucket=_BUCKETS),
    _of_copy(key=keys().filter(lambda key: key != f"{ACCOUNT}/{SOURCE}/{KEY}")),
    _of_copy(key=keys().map(lambda key: f"{ACCOUNT}/{SOURCE}/{key}/{KEY}")),
    _of_copy(source_etag=_ETAGS),
    _of_copy(source_version_id=_VERSIONS),
    _of_finding(account=_ACCOUNTS),
    _of_finding(bucket=_BUCKETS.filter(lambda bucket: bucket != SOURCE)),
    _of_finding(bucket=st.just(QUARANTINE)),
    _of_finding(key=keys().filter(lambda key: key != KEY)),
    _of_finding(etag=_ETAGS),
    _VERSIONS.map(_of_progress),
)


@pytest.fixture(scope="module")
def evidence() -> Iterator[tuple[Harness, Record]]:
    """Put an object into quarantine, beside innocent objects that a forged record may name."""
    with start_harness(versioning="Enabled") as harness:
        harness.put_object(b"innocent", key="innocent")
        yield harness, harness.quarantine(harness.put_object())
        assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([b"innocent"], [CARD])


@settings(
    max_examples=500,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(change=CHANGES, status=st.sampled_from([Status.REMEDIATING, Status.RESTORING]))
def test_no_forged_item_is_accepted(
    evidence: tuple[Harness, Record], change: Change, status: Status
) -> None:
    harness, honest = evidence
    found = replace(honest.finding, id=f"forged-{next(_numbers)}")
    # A digest shows it, so that no example needs Slack.
    plain = replace(record_with_status(status, found), copies=honest.copies, digest_id="digest#1")
    forged = change(plain)
    assume(forged != plain)
    harness.ledger.create(forged)
    harness.strict_s3.requests.clear()
    harness.remediate(forged.finding, request_id=found.id)
    record = harness.record(found)
    assert record.status is Status.FAILED
    assert record.latest_transition.reason.startswith(REFUSED)
    assert harness.strict_s3.requests == []
