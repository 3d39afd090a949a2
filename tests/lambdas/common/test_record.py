"""A record goes where the table says, and nowhere else."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import assume, given

from lambdas.common.record import (
    POLICY,
    REMEDIATOR,
    TRANSITIONS,
    IllegalTransitionError,
    QuarantinedCopy,
    Record,
    Status,
)
from tests.lambdas.events import finding
from tests.lambdas.strategies import copies, path_to, record_at, records

NOW = datetime(2026, 11, 20, 22, 22, 5, tzinfo=UTC)
STEPS = [(start, end) for start in Status for end in Status]
LEGAL = {
    (Status.AWAITING_REVIEW, Status.REMEDIATING): "approved",
    (Status.AWAITING_REVIEW, Status.DISMISSED): "dismissed",
    (Status.DISMISSED, Status.AWAITING_REVIEW): "reopened",
    (Status.REMEDIATING, Status.QUARANTINED): "moved",
    (Status.REMEDIATING, Status.CHANGED): "another object by now",
    (Status.REMEDIATING, Status.NOT_FOUND): "gone by now",
    (Status.REMEDIATING, Status.FAILED): "refused by S3",
    (Status.REMEDIATING, Status.DRY_RUN): "would have been moved",
    (Status.DRY_RUN, Status.REMEDIATING): "moved for good now",
    (Status.QUARANTINED, Status.RESTORING): "wanted back",
    (Status.FAILED, Status.REMEDIATING): "tried again",
    (Status.FAILED, Status.RESTORING): "tried to give back again",
    (Status.RESTORING, Status.RESTORED): "given back",
    (Status.RESTORING, Status.FAILED): "something stands there",
}


def test_the_table_knows_every_status() -> None:
    assert set(TRANSITIONS) == set(Status)


@pytest.mark.parametrize(("start", "end"), STEPS, ids=[f"{a}-{b}" for a, b in STEPS])
def test_every_step_is_legal_by_name_or_refused(start: Status, end: Status) -> None:
    record = record_at(start, finding())
    if (start, end) in LEGAL:
        moved = record.with_status(end, by="U1", reason="because", now=NOW)
        assert moved.status is end
        assert moved.history[:-1] == record.history
    else:
        with pytest.raises(IllegalTransitionError) as refusal:
            record.with_status(end, by="U1", reason="because", now=NOW)
        assert refusal.value.record == record


@pytest.mark.parametrize("status", Status)
def test_every_status_is_reached_and_every_end_is_visible(status: Status) -> None:
    assert path_to(status)[-1] is status
    ends = {one for one in Status if not TRANSITIONS[one]}
    assert ends == {
        Status.IGNORED,
        Status.JOINED,
        Status.CHANGED,
        Status.NOT_FOUND,
        Status.RESTORED,
    }


def test_the_first_record_says_what_the_policy_decided() -> None:
    record = Record.opened(finding(), Status.AWAITING_REVIEW, reason="why", now=NOW)
    (entry,) = record.history
    assert (entry.by, entry.reason, entry.at) == (POLICY, "why", NOW)
    assert record.standing == record.decision == entry


def test_a_decision_is_the_latest_step_that_the_remediator_did_not_make() -> None:
    record = record_at(Status.AWAITING_REVIEW, finding())
    record = record.with_status(Status.REMEDIATING, by="U1", reason="remediate", now=NOW)
    record = record.with_status(Status.FAILED, by=REMEDIATOR, reason="denied", now=NOW)
    assert record.decision.by == "U1"
    assert record.standing.reason == "denied"


def test_a_refusal_is_noted_and_changes_nothing_else() -> None:
    record = record_at(Status.AWAITING_REVIEW, finding())
    refused = record.refused(by="U9", reason="may not", now=NOW)
    assert refused.history[-1].is_refused
    assert (refused.status, refused.standing, refused.decision) == (
        record.status,
        record.standing,
        record.decision,
    )
    assert (
        refused.with_status(Status.REMEDIATING, by="U1", reason="ok", now=NOW).decision.by == "U1"
    )


def test_refusals_without_end_do_not_grow_the_record_without_end() -> None:
    record = record_at(Status.AWAITING_REVIEW, finding())
    for number in range(1000):
        record = record.refused(by=f"U{number}", reason="may not", now=NOW)
    assert len(record.history) < 50


@given(record=records(), copy=copies())
def test_the_remediator_leaves_evidence_of_every_copy(
    record: Record, copy: QuarantinedCopy
) -> None:
    assume(TRANSITIONS[record.status])
    record = replace(record, copies=(copy,))
    for end in TRANSITIONS[record.status]:
        moved = record.with_status(end, by=REMEDIATOR, reason="done", now=NOW)
        assert moved.history[-1].evidence == (str(copy),)
        assert copy.key in str(copy)
        assert f"version {copy.version_id}" in str(copy)
        assert len(moved.history) == len(record.history) + 1
