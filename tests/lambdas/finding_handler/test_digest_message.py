"""The message of every digest keeps to Slack's limits, whatever the names in its findings."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambdas.common.digests.digest import BulkAction, Digest, DigestScope
from lambdas.common.ledger.record import Status
from lambdas.common.slack.actions import BULK_ACTIONS, DISMISS_ALL
from lambdas.finding_handler.digest_counts import DigestCounts, FindingSummary
from lambdas.finding_handler.digest_message import render_digest
from local.slack.block_kit import problems, texts
from tests.harness.strategies import TYPES, buckets, hostile_text, moments

_NOW = datetime(2026, 11, 20, tzinfo=UTC)
_SCOPES = st.builds(
    DigestScope,
    bucket=buckets(),
    type=st.sampled_from(TYPES) | hostile_text(longest=200),
    account=st.just("111122223333"),
    region=st.just("eu-west-1"),
    partition=st.just("aws"),
    opened_at=moments(),
)
_ACTIONS = st.builds(
    BulkAction,
    action=st.sampled_from(sorted(BULK_ACTIONS)),
    by=st.just("U02ABCDEF"),
    at=moments(),
    reason=hostile_text(longest=300),
    seen_count=st.integers(0, 10**6),
    seen_until=moments(),
    is_done=st.booleans(),
    is_stale=st.booleans(),
)
_DIGESTS = st.builds(
    Digest, id=st.just("digest#1"), scope=_SCOPES, bulk_actions=st.lists(_ACTIONS).map(tuple)
)
_SUMMARIES = st.builds(
    FindingSummary,
    id=st.just("f"),
    status=st.sampled_from(Status),
    severity=st.sampled_from(["LOW", "MEDIUM", "HIGH", "none"]),
    detections=st.lists(hostile_text(longest=128), max_size=5).map(tuple),
    at=moments(),
    problem=hostile_text(longest=1600),
)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    digest=_DIGESTS, summaries=st.lists(_SUMMARIES, max_size=12), times=st.sampled_from([1, 999])
)
def test_every_digest_keeps_to_slacks_limits(
    digest: Digest, summaries: list[FindingSummary], times: int
) -> None:
    message = render_digest(digest, DigestCounts.from_summaries(summaries * times))
    assert problems({"text": message.text, "blocks": list(message.blocks)}) == []
    assert all(
        text["type"] == "plain_text" or text["verbatim"] for text in texts(list(message.blocks))
    )


def test_the_text_of_a_digest_is_short_however_many_bytes_its_names_have() -> None:
    """Slack may limit characters or bytes, and some characters have three bytes."""
    summaries = [
        FindingSummary(
            id="f",
            status=Status.FAILED,
            severity="HIGH",
            at=_NOW,
            detections=tuple(f"{name}{'漢' * 127}" for name in "abcde"),
            problem=f"{number} {'字' * 1600}",
        )
        for number in range(3)
    ]
    action = BulkAction(
        action=DISMISS_ALL,
        by="字" * 60,
        at=_NOW,
        reason="字" * 300,
        seen_count=3,
        seen_until=_NOW,
        is_done=True,
        is_stale=True,
    )
    digest = Digest(
        id="digest#1", scope=replace(_scope(), type="字" * 300), bulk_actions=(action,) * 4
    )
    message = render_digest(digest, DigestCounts.from_summaries(summaries))
    assert problems({"text": message.text, "blocks": list(message.blocks)}) == []
    assert len(message.text.encode()) <= 4000


def test_the_most_frequent_problems_are_shown_with_what_to_do() -> None:
    counts = DigestCounts.from_summaries([])
    failed = {"S3 denied it. Ask S3.": 7, "It is locked. Wait.": 1, "Two. Two.": 2, "Three.": 3}
    counts.problems.update(Counter(failed))
    digest = Digest(id="digest#1", scope=_scope())
    text = render_digest(digest, counts).text
    assert "❌ 7 × S3 denied it. Ask S3.\n❌ 3 × Three.\n❌ 2 × Two. Two." in text
    assert "locked" not in text


def test_a_single_finding_is_not_shown_in_the_plural() -> None:
    summary = _summary(Status.AWAITING_REVIEW, _NOW)
    digest = Digest(id="digest#1", scope=_scope())
    message = render_digest(digest, DigestCounts.from_summaries([summary]))
    assert message.text.startswith("📚 1 finding: 1 to be decided")
    assert "1 object will be moved" in str(message.blocks)


def test_each_button_names_what_its_dialog_counts_and_until_when() -> None:
    summaries = [
        _summary(Status.AWAITING_REVIEW, _NOW),
        _summary(Status.AWAITING_REVIEW, _NOW + timedelta(microseconds=1)),
        _summary(Status.FAILED, _NOW - timedelta(hours=1)),
    ]
    message = render_digest(
        Digest(id="digest#1", scope=_scope()), DigestCounts.from_summaries(summaries)
    )
    elements = [element for block in message.blocks for element in block.get("elements", ())]
    values = {
        element["action_id"]: element.get("value") or element["options"][0]["value"]
        for element in elements
        if "value" in element or "options" in element
    }
    milliseconds = int(_NOW.timestamp() * 1000)
    assert values == {
        "remediate_all": f"digest#1 {milliseconds + 1}.2",
        "review_each": f"digest#1 {milliseconds + 1}.2",
        "dismiss_all": f"false_positive digest#1 {milliseconds + 1}.2",
        "retry_all": f"digest#1 {milliseconds - 3_600_000}.1",
    }


def test_a_bulk_action_that_was_not_carried_out_is_shown_as_such() -> None:
    action = BulkAction(
        action="remediate_all",
        by="U1",
        at=_NOW,
        reason="clicked",
        seen_count=3,
        seen_until=_NOW,
        is_done=True,
        is_stale=True,
    )
    digest = Digest(id="digest#1", scope=_scope(), bulk_actions=(action,))
    text = render_digest(digest, DigestCounts.from_summaries([])).text
    assert "Remediating all waiting findings: nothing was done, because the findings" in text


def _summary(status: Status, at: datetime) -> FindingSummary:
    return FindingSummary(id="f", status=status, severity="LOW", detections=(), at=at)


def _scope() -> DigestScope:
    return DigestScope(
        bucket="acme",
        type=TYPES[0],
        account="111122223333",
        region="eu-west-1",
        partition="aws",
        opened_at=datetime(2026, 11, 20, tzinfo=UTC),
    )
