"""Wherever the remediator dies, running it again has the same single outcome, and loses nothing."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from lambdas.common.finding import Finding
from lambdas.common.ledger.record import Status
from lambdas.common.ledger.table import ConflictError
from lambdas.remediator.s3 import copy
from tests.harness.aws import CARD, MIB, QUARANTINE, REVIEW, SOURCE
from tests.harness.faults import Killed, KillPoint
from tests.harness.harness import Harness, start_harness

LATER = timedelta(minutes=2)
LOCK = {"mode": "GOVERNANCE", "days": 30}


@dataclass(frozen=True, kw_only=True)
class Path:
    """A way through the remediator: what there is before, and what there must be after."""

    name: str
    versioning: str | None
    outcome: Status
    begin: Callable[[Harness], Finding]
    threshold: int = 5_000_000_000
    quarantine_versions: str = "FINDING"
    settings: Mapping[str, Any] = field(default_factory=dict)

    def start(self) -> AbstractContextManager[Harness]:
        """Deploy the functions as the path needs them."""
        return start_harness(
            versioning=self.versioning,
            multipart_threshold=self.threshold,
            quarantine_versions=self.quarantine_versions,
            **self.settings,
        )

    def run(self, harness: Harness, finding: Finding, *, request_id: str = "request-1") -> None:
        """Run the remediator, with the response URL of the click if there was one."""
        urls = [invocation.payload["response_url"] for invocation in harness.invocations]
        url = next(iter(urls), None)
        harness.remediate(finding, request_id=request_id, response_url=url)


def _automatic(harness: Harness) -> Finding:
    finding = harness.put_object(Metadata={"owner": "jane"}, ContentType="text/csv")
    harness.create_record(finding)
    return finding


def _clicked(harness: Harness) -> Finding:
    detail = harness.report_object(REVIEW, Metadata={"owner": "jane"}, ContentType="text/csv")
    harness.deliver(detail)
    assert harness.click("remediate") == 200
    return harness.record(detail).finding


def _not_current(harness: Harness) -> Finding:
    finding = _automatic(harness)
    harness.put_object(b"newer and innocent")
    return finding


def _with_older(harness: Harness) -> Finding:
    harness.put_object(b"older")
    return _automatic(harness)


def _between_others(harness: Harness) -> Finding:
    harness.put_object(b"older")
    finding = _automatic(harness)
    harness.put_object(b"newer")
    return finding


def _quarantined_between_others(harness: Harness) -> Finding:
    return _to_be_restored(harness, _between_others(harness))


def _large(harness: Harness) -> Finding:
    finding = harness.put_object(
        CARD * (3 * MIB // len(CARD)), Metadata={"owner": "jane"}, Tagging="kind=card"
    )
    harness.create_record(finding)
    return finding


def _changed(harness: Harness) -> Finding:
    finding = _automatic(harness)
    harness.put_object(b"another")
    return finding


def _quarantined(harness: Harness) -> Finding:
    return _to_be_restored(harness, _automatic(harness))


def _quarantined_large(harness: Harness) -> Finding:
    return _to_be_restored(harness, _large(harness))


def _to_be_restored(harness: Harness, finding: Finding) -> Finding:
    harness.remediate(finding, request_id="first")
    harness.decide(finding, Status.RESTORING)
    return finding


def _restore_blocked(harness: Harness) -> Finding:
    finding = _quarantined(harness)
    harness.put_object(b"moved in meanwhile")
    return finding


def _denied_delete(harness: Harness) -> Finding:
    finding = _automatic(harness)
    harness.strict_s3.deny = lambda operation, parameters: (
        operation == "DeleteObject" and parameters["Bucket"] == SOURCE
    )
    return finding


def _denied_lock(harness: Harness) -> Finding:
    finding = _automatic(harness)
    harness.strict_s3.deny = lambda operation, _: operation == "PutObjectRetention"
    return finding


def _denied_tags(harness: Harness) -> Finding:
    finding = _large(harness)
    harness.strict_s3.deny = lambda operation, _: operation == "PutObjectTagging"
    return finding


def _copies_due(harness: Harness) -> Finding:
    """Keep the copies of every version of what was restored, until they are due."""
    finding = _quarantined_between_others(harness)
    harness.remediate(finding, request_id="second")
    harness.clock.ahead = timedelta(days=8)
    return finding


def _forged(harness: Harness) -> Finding:
    evidence = harness.quarantine(harness.put_object(key="payroll.csv"))
    finding = _automatic(harness)
    harness.ledger.update(
        harness.record(finding), lambda record: replace(record, copies=evidence.copies)
    )
    return finding


def _sample(harness: Harness) -> Finding:
    sample = replace(harness.put_object(), is_sample=True)
    harness.create_record(sample)
    return sample


PATHS = [
    Path(name="automatic", versioning=None, outcome=Status.QUARANTINED, begin=_automatic),
    Path(name="clicked", versioning=None, outcome=Status.QUARANTINED, begin=_clicked),
    Path(name="versioned", versioning="Enabled", outcome=Status.QUARANTINED, begin=_automatic),
    Path(
        name="older versions",
        versioning="Enabled",
        outcome=Status.QUARANTINED,
        begin=_with_older,
    ),
    Path(
        name="not current",
        versioning="Enabled",
        outcome=Status.QUARANTINED,
        begin=_not_current,
    ),
    Path(
        name="every version",
        versioning="Enabled",
        outcome=Status.QUARANTINED,
        begin=_between_others,
        quarantine_versions="ALL",
    ),
    Path(
        name="every version restored",
        versioning="Enabled",
        outcome=Status.RESTORED,
        begin=_quarantined_between_others,
        quarantine_versions="ALL",
    ),
    Path(
        name="in parts",
        versioning="Enabled",
        outcome=Status.QUARANTINED,
        begin=_large,
        threshold=MIB,
    ),
    Path(name="changed", versioning=None, outcome=Status.CHANGED, begin=_changed),
    Path(
        name="deletion denied",
        versioning="Enabled",
        outcome=Status.FAILED,
        begin=_denied_delete,
    ),
    Path(name="sample", versioning=None, outcome=Status.NOT_FOUND, begin=_sample),
    Path(name="restored", versioning=None, outcome=Status.RESTORED, begin=_quarantined),
    Path(
        name="restored, versioned",
        versioning="Enabled",
        outcome=Status.RESTORED,
        begin=_quarantined,
    ),
    Path(
        name="restored in parts",
        versioning="Enabled",
        outcome=Status.RESTORED,
        begin=_quarantined_large,
        threshold=MIB,
    ),
    Path(
        name="locked",
        versioning="Enabled",
        outcome=Status.QUARANTINED,
        begin=_automatic,
        settings={"evidence_lock": LOCK},
    ),
    Path(
        name="every version locked",
        versioning="Enabled",
        outcome=Status.QUARANTINED,
        begin=_between_others,
        quarantine_versions="ALL",
        settings={"evidence_lock": LOCK},
    ),
    Path(
        name="lock denied",
        versioning="Enabled",
        outcome=Status.FAILED,
        begin=_denied_lock,
        settings={"evidence_lock": LOCK},
    ),
    Path(
        name="tags denied",
        versioning="Enabled",
        outcome=Status.FAILED,
        begin=_denied_tags,
        threshold=MIB,
    ),
    Path(
        name="restored, copy locked",
        versioning="Enabled",
        outcome=Status.RESTORED,
        begin=_quarantined,
        settings={"evidence_lock": LOCK},
    ),
    Path(
        name="restored, copy kept",
        versioning="Enabled",
        outcome=Status.RESTORED,
        begin=_quarantined,
        settings={"restored_copy_days": 7},
    ),
    Path(
        name="kept copies deleted",
        versioning="Enabled",
        outcome=Status.RESTORED,
        begin=_copies_due,
        quarantine_versions="ALL",
        settings={"restored_copy_days": 7},
    ),
    Path(name="forged", versioning="Enabled", outcome=Status.FAILED, begin=_forged),
    Path(name="restore blocked", versioning=None, outcome=Status.FAILED, begin=_restore_blocked),
]


def _tags(harness: Harness) -> list[Any]:
    """Return the tags of every version in either bucket."""
    return sorted(
        str(harness.s3.get_object_tagging(Bucket=bucket, Key=key, VersionId=version)["TagSet"])
        for bucket in (SOURCE, QUARANTINE)
        for key, version in harness.versions(bucket)
    )


def _contents(harness: Harness) -> list[bytes]:
    return harness.bodies(SOURCE) + harness.bodies(QUARANTINE)


def _is_killed(harness: Harness, path: Path, finding: Finding, kill_point: KillPoint) -> bool:
    harness.faults.reset()
    harness.faults.kill_point = kill_point
    try:
        path.run(harness, finding)
    except Killed:
        return True
    finally:
        harness.faults.kill_point = None
    return False


def _kill_points(path: Path) -> Iterator[KillPoint]:
    """Find every request of the path by running it once, unharmed."""
    with path.start() as unharmed:
        finding = path.begin(unharmed)
        unharmed.faults.reset()
        path.run(unharmed, finding)
        calls = len(unharmed.faults.calls)
    for number in range(calls):
        yield KillPoint(call=number)
        yield KillPoint(call=number, is_after=True)


def _end(harness: Harness, finding: Finding) -> dict[str, Any]:
    """Return what there is when all is over, without what differs from one run to the next."""
    record = harness.record(finding)
    return {
        "status": record.status,
        "history": [transition.status for transition in record.history],
        "source": sorted(harness.bodies(SOURCE)),
        "quarantine": sorted(harness.bodies(QUARANTINE)),
        "copies": [(copy.size, copy.locked_until is not None) for copy in record.copies],
        "is due": record.check_at is not None,
        "tags": _tags(harness),
        "uploads": [
            *harness.s3.list_multipart_uploads(Bucket=QUARANTINE).get("Uploads", []),
            *harness.s3.list_multipart_uploads(Bucket=SOURCE).get("Uploads", []),
        ],
        # A reply about a failure is posted at most once: reminders follow.
        "messages": sum(not message.thread_ts for message in harness.slack.messages),
    }


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_death_at_any_request_changes_nothing_in_the_end(
    path: Path, record_property: Callable[[str, object], None]
) -> None:
    with path.start() as unharmed:
        finding = path.begin(unharmed)
        contents = _contents(unharmed)
        path.run(unharmed, finding)
        expected = _end(unharmed, finding)
    assert expected["status"] is path.outcome

    tried = 0
    for kill_point in _kill_points(path):
        with path.start() as harness:
            finding = path.begin(harness)
            was_killed = _is_killed(harness, path, finding, kill_point)
            point = f"{kill_point} of {harness.faults.calls}"
            assert was_killed, point
            # The object is whole somewhere at every instant.
            assert set(contents) <= set(_contents(harness)), point
            harness.clock.ahead += LATER
            path.run(harness, finding)
            assert _end(harness, finding) == expected, point
            tried += 1
    record_property("kill_points", tried)
    assert tried > 0


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_a_response_lost_on_its_way_changes_nothing_in_the_end(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What S3 did and could not say is found, and neither done again nor taken for a failure."""
    monkeypatch.setattr(copy, "_PAUSES", (0, 0))
    with path.start() as unharmed:
        finding = path.begin(unharmed)
        unharmed.faults.reset()
        path.run(unharmed, finding)
        responses, expected = unharmed.faults.s3_responses, _end(unharmed, finding)

    for number in range(responses):
        with path.start() as harness:
            finding = path.begin(harness)
            harness.faults.reset()
            harness.faults.lost_response = number
            path.run(harness, finding)
            assert harness.faults.s3_responses > number
            assert _end(harness, finding) == expected, (number, harness.strict_s3.requests)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_two_remediators_at_once_have_one_outcome(path: Path) -> None:
    with path.start() as alone:
        finding = path.begin(alone)
        path.run(alone, finding)
        expected = _end(alone, finding)

    with path.start() as shared:
        finding = path.begin(shared)
        with ThreadPoolExecutor() as threads:
            runs = [
                threads.submit(path.run, shared, finding, request_id=name)
                for name in ("first", "second")
            ]
        shared.clock.ahead += LATER
        for name, run in zip(("first", "second"), runs, strict=True):
            if run.exception() is not None:
                # Lambda tries again later after a conflict; anything else is a failure here.
                assert isinstance(run.exception(), ConflictError)
                path.run(shared, finding, request_id=name)
        assert _end(shared, finding) == expected
