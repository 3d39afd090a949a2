"""A record changes its status as the table of transitions allows, and in no other way."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import assume, given

from lambdas.common.ledger.record import (
    POLICY,
    REMEDIATOR,
    TRANSITIONS,
    IllegalTransitionError,
    QuarantinedCopy,
    Record,
    Status,
)
from tests.harness.events import finding
from tests.harness.strategies import copies, path_to, record_with_status, records

NOW = datetime(2026, 11, 20, 22, 22, 5, tzinfo=UTC)
PAIRS = [(start, end) for start in Status for end in Status]
LEGAL = {
    (Status.AWAITING_REVIEW, Status.REMEDIATING): "approved",
    (Status.AWAITING_REVIEW, Status.DISMISSED): "dismissed",
    (Status.DISMISSED, Status.AWAITING_REVIEW): "reopened",
    (Status.REMEDIATING, Status.QUARANTINED): "moved",
    (Status.REMEDIATING, Status.CHANGED): "another object now",
    (Status.REMEDIATING, Status.NOT_FOUND): "gone now",
    (Status.REMEDIATING, Status.FAILED): "refused by S3",
    (Status.REMEDIATING, Status.DRY_RUN): "would have been moved",
    (Status.DRY_RUN, Status.REMEDIATING): "moved now",
    (Status.QUARANTINED, Status.RESTORING): "to be restored",
    (Status.FAILED, Status.REMEDIATING): "tried again",
    (Status.FAILED, Status.RESTORING): "restored again",
    (Status.FAILED, Status.DISMISSED): "left where it is",
    (Status.RESTORING, Status.RESTORED): "restored",
    (Status.RESTORING, Status.FAILED): "another object is there",
}


def test_the_table_of_transitions_has_every_status() -> None:
    assert set(TRANSITIONS) == set(Status)


@pytest.mark.parametrize(("start", "end"), PAIRS, ids=[f"{a}-{b}" for a, b in PAIRS])
def test_a_transition_is_in_the_list_of_legal_ones_or_refused(start: Status, end: Status) -> None:
    record = record_with_status(start, finding())
    if (start, end) in LEGAL:
        moved = record.transition_to(end, by="U1", reason="why", now=NOW)
        assert moved.status is end
        assert moved.history[:-1] == record.history
    else:
        with pytest.raises(IllegalTransitionError) as refusal:
            record.transition_to(end, by="U1", reason="why", now=NOW)
        assert refusal.value.record == record


@pytest.mark.parametrize("status", Status)
def test_every_status_can_be_reached_and_the_final_ones_are_known(status: Status) -> None:
    assert path_to(status)[-1] is status
    final = {status for status in Status if not TRANSITIONS[status]}
    assert final == {
        Status.IGNORED,
        Status.DUPLICATE,
        Status.CHANGED,
        Status.NOT_FOUND,
        Status.RESTORED,
    }


def test_the_first_transition_is_the_decision_of_the_policy() -> None:
    record = Record.create(finding(), Status.AWAITING_REVIEW, reason="why", now=NOW)
    (transition,) = record.history
    assert (transition.by, transition.reason, transition.at) == (POLICY, "why", NOW)
    assert record.latest_transition == record.decision == transition


def test_the_decision_is_the_latest_transition_that_is_not_an_outcome() -> None:
    record = record_with_status(Status.AWAITING_REVIEW, finding())
    record = record.transition_to(Status.REMEDIATING, by="U1", reason="remediate", now=NOW)
    record = record.transition_to(Status.FAILED, by=REMEDIATOR, reason="denied", now=NOW)
    assert record.decision.by == "U1"
    assert record.latest_transition.reason == "denied"


def test_a_refusal_is_in_the_history_and_changes_nothing_else() -> None:
    record = record_with_status(Status.AWAITING_REVIEW, finding())
    refused = record.add_refusal(by="U9", reason="may not", now=NOW)
    assert refused.history[-1].is_refused
    assert (refused.status, refused.latest_transition, refused.decision) == (
        record.status,
        record.latest_transition,
        record.decision,
    )
    assert (
        refused.transition_to(Status.REMEDIATING, by="U1", reason="ok", now=NOW).decision.by == "U1"
    )


def test_a_record_keeps_a_limited_number_of_refusals() -> None:
    record = record_with_status(Status.AWAITING_REVIEW, finding())
    for number in range(1000):
        record = record.add_refusal(by=f"U{number}", reason="may not", now=NOW)
    assert len(record.history) < 50


@given(record=records(), copy=copies())
def test_an_outcome_has_evidence_of_every_copy(record: Record, copy: QuarantinedCopy) -> None:
    assume(TRANSITIONS[record.status])
    record = replace(record, copies=(copy,))
    for outcome in TRANSITIONS[record.status]:
        moved = record.transition_to(outcome, by=REMEDIATOR, reason="done", now=NOW)
        assert moved.history[-1].evidence == (str(copy),)
        assert copy.key in str(copy)
        assert f"version {copy.version_id}" in str(copy)
        assert len(moved.history) == len(record.history) + 1
