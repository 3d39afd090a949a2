"""Wherever the remediator dies, running it again brings the same one outcome, and loses nothing."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from lambdas.common.errors import BusyError
from lambdas.common.finding import Finding
from lambdas.common.record import Status
from lambdas.remediator import copying
from tests.lambdas.remediator.stand_ins import Killed, Killer
from tests.lambdas.remediator.world import QUARANTINE, SOURCE, World, world

LATER = timedelta(minutes=2)
MIB = 1024 * 1024
CARD = b"name,card\nJane,4111111111111111\n"


@dataclass(frozen=True, kw_only=True)
class Path:
    """One way through the remediator: how the world is before, and how it must be after."""

    name: str
    versioned: bool
    outcome: Status
    begin: Callable[[World], Finding]
    threshold: int = 5_000_000_000
    wanted: str = "FINDING"
    click: bool = False


def _auto(world: World) -> Finding:
    finding = world.put(CARD, Metadata={"owner": "jane"}, ContentType="text/csv")
    world.open(finding)
    return finding


def _clicked(world: World) -> Finding:
    finding = world.put(CARD, Metadata={"owner": "jane"}, ContentType="text/csv")
    world.open(finding, Status.AWAITING_REVIEW)
    world.decide(finding, Status.REMEDIATING)
    return finding


def _not_current(world: World) -> Finding:
    finding = _auto(world)
    world.put(b"newer and innocent")
    return finding


def _with_older(world: World) -> Finding:
    world.put(b"older")
    return _auto(world)


def _between_others(world: World) -> Finding:
    world.put(b"older")
    finding = _auto(world)
    world.put(b"newer")
    return finding


def _quarantined_between_others(world: World) -> Finding:
    finding = _between_others(world)
    world.run(finding, request_id="first")
    world.decide(finding, Status.RESTORING)
    return finding


def _large(world: World) -> Finding:
    finding = world.put(CARD * (3 * MIB // len(CARD)), Metadata={"owner": "jane"})
    world.open(finding)
    return finding


def _changed(world: World) -> Finding:
    finding = _auto(world)
    world.put(b"another")
    return finding


def _quarantined(world: World) -> Finding:
    finding = _auto(world)
    world.run(finding, request_id="first")
    world.decide(finding, Status.RESTORING)
    return finding


def _quarantined_large(world: World) -> Finding:
    finding = _large(world)
    world.run(finding, request_id="first")
    world.decide(finding, Status.RESTORING)
    return finding


def _restore_blocked(world: World) -> Finding:
    finding = _quarantined(world)
    world.put(b"moved in meanwhile")
    return finding


def _denied_delete(world: World) -> Finding:
    finding = _auto(world)
    world.strict.deny = lambda name, asked: name == "DeleteObject" and asked["Bucket"] == SOURCE
    return finding


def _sample(world: World) -> Finding:
    finding = world.put(CARD)
    sample = replace(finding, is_sample=True)
    world.open(sample)
    return sample


PATHS = [
    Path(name="automatic", versioned=False, outcome=Status.QUARANTINED, begin=_auto),
    Path(name="clicked", versioned=False, outcome=Status.QUARANTINED, begin=_clicked, click=True),
    Path(name="versioned", versioned=True, outcome=Status.QUARANTINED, begin=_auto),
    Path(name="older versions", versioned=True, outcome=Status.QUARANTINED, begin=_with_older),
    Path(name="not current", versioned=True, outcome=Status.QUARANTINED, begin=_not_current),
    Path(
        name="every version",
        versioned=True,
        outcome=Status.QUARANTINED,
        begin=_between_others,
        wanted="ALL",
    ),
    Path(
        name="every version restored",
        versioned=True,
        outcome=Status.RESTORED,
        begin=_quarantined_between_others,
        wanted="ALL",
    ),
    Path(
        name="in parts",
        versioned=True,
        outcome=Status.QUARANTINED,
        begin=_large,
        threshold=MIB,
    ),
    Path(name="changed", versioned=False, outcome=Status.CHANGED, begin=_changed),
    Path(name="deletion denied", versioned=True, outcome=Status.FAILED, begin=_denied_delete),
    Path(name="sample", versioned=False, outcome=Status.NOT_FOUND, begin=_sample),
    Path(name="restored", versioned=False, outcome=Status.RESTORED, begin=_quarantined),
    Path(name="restored, versioned", versioned=True, outcome=Status.RESTORED, begin=_quarantined),
    Path(
        name="restored in parts",
        versioned=True,
        outcome=Status.RESTORED,
        begin=_quarantined_large,
        threshold=MIB,
    ),
    Path(name="restore blocked", versioned=False, outcome=Status.FAILED, begin=_restore_blocked),
]


def _contents(world: World, bucket: str) -> list[bytes]:
    return [
        world.s3.get_object(Bucket=bucket, Key=key, VersionId=version)["Body"].read()
        for key, version in world.versions(bucket)
    ]


def _is_safe(world: World, content: bytes) -> bool:
    """Whether the object is whole somewhere: the invariant."""
    return content in _contents(world, SOURCE) + _contents(world, QUARANTINE)


def _killed(world: World, finding: Finding, path: Path, killer: Killer) -> bool:
    world.killer.at, world.killer.after = killer.at, killer.after
    world.killer.calls.clear()
    try:
        world.run(finding, click=path.click)
    except Killed:
        return True
    finally:
        world.killer.at = None
    return False


def _points(path: Path) -> Iterator[Killer]:
    """Find every call of the path by running it once, unharmed."""
    with world(versioned=path.versioned, threshold=path.threshold, wanted=path.wanted) as unharmed:
        finding = path.begin(unharmed)
        unharmed.killer.calls.clear()
        unharmed.run(finding, click=path.click)
        calls = len(unharmed.killer.calls)
    for number in range(calls):
        yield Killer(at=number)
        yield Killer(at=number, after=True)


def _end(world: World, finding: Finding) -> dict[str, Any]:
    """What is left when all is over, without what differs from one run to the next."""
    record = world.record(finding)
    return {
        "status": record.status,
        "steps": [entry.status for entry in record.history],
        "source": sorted(_contents(world, SOURCE)),
        "quarantine": sorted(_contents(world, QUARANTINE)),
        "uploads": [
            *world.s3.list_multipart_uploads(Bucket=QUARANTINE).get("Uploads", []),
            *world.s3.list_multipart_uploads(Bucket=SOURCE).get("Uploads", []),
        ],
        "messages": len(world.slack.posted),
    }


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_death_at_any_call_changes_nothing_in_the_end(
    path: Path, record_property: Callable[[str, object], None]
) -> None:
    with world(versioned=path.versioned, threshold=path.threshold, wanted=path.wanted) as unharmed:
        finding = path.begin(unharmed)
        content = _contents(unharmed, SOURCE) + _contents(unharmed, QUARANTINE)
        unharmed.run(finding, click=path.click)
        expected = _end(unharmed, finding)
    assert expected["status"] is path.outcome

    tried = 0
    for killer in _points(path):
        with world(versioned=path.versioned, threshold=path.threshold, wanted=path.wanted) as one:
            finding = path.begin(one)
            was_killed = _killed(one, finding, path, killer)
            point = f"{'after' if killer.after else 'before'} call {killer.at}: {one.killer.calls}"
            assert was_killed, point
            assert all(_is_safe(one, body) for body in content), point
            one.clock.ahead = LATER
            one.run(finding, click=path.click)
            assert _end(one, finding) == expected, point
            tried += 1
    record_property("kill_points", tried)
    assert tried > 0


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_an_answer_lost_on_its_way_changes_nothing_in_the_end(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What S3 did and could not say is found, and neither done again nor taken for a failure."""
    monkeypatch.setattr(copying, "_PAUSES", (0, 0))
    with world(versioned=path.versioned, threshold=path.threshold, wanted=path.wanted) as unharmed:
        finding = path.begin(unharmed)
        unharmed.killer.sent = 0
        unharmed.run(finding, click=path.click)
        answers, expected = unharmed.killer.sent, _end(unharmed, finding)

    for number in range(answers):
        with world(versioned=path.versioned, threshold=path.threshold, wanted=path.wanted) as one:
            finding = path.begin(one)
            one.killer.sent, one.killer.lose = 0, number
            one.run(finding, click=path.click)
            assert one.killer.sent > number
            assert _end(one, finding) == expected, (number, one.strict.asked)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_two_remediators_at_once_bring_one_outcome(path: Path) -> None:
    with world(versioned=path.versioned, threshold=path.threshold, wanted=path.wanted) as alone:
        finding = path.begin(alone)
        alone.run(finding, click=path.click)
        expected = _end(alone, finding)

    with world(versioned=path.versioned, threshold=path.threshold, wanted=path.wanted) as shared:
        finding = path.begin(shared)
        with ThreadPoolExecutor() as threads:
            runs = [
                threads.submit(shared.run, finding, request_id=name, click=path.click)
                for name in ("one", "two")
            ]
        shared.clock.ahead = LATER
        for name, run in zip(("one", "two"), runs, strict=True):
            if run.exception() is not None:
                # Lambda tries again what was told to wait; anything else is a failure here.
                assert isinstance(run.exception(), BusyError)
                shared.run(finding, request_id=name, click=path.click)
        assert _end(shared, finding) == expected
