"""Every digest has a message: within Slack's limits, whatever its findings are called."""

from collections import Counter
from datetime import UTC, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambdas.common.digest import Digest, Member, Order, Subject, Tally
from lambdas.common.record import Status
from lambdas.finding_handler.digest_message import _DOING, render_digest
from local.slack.block_kit import problems, texts
from tests.lambdas.strategies import TYPES, buckets, hostile_text, moments

_SUBJECTS = st.builds(
    Subject,
    bucket=buckets(),
    type=st.sampled_from(TYPES) | hostile_text(most=200),
    account=st.just("111122223333"),
    region=st.just("eu-west-1"),
    partition=st.just("aws"),
    opened_at=moments(),
)
_ORDERS = st.builds(
    Order,
    action=st.sampled_from(sorted(_DOING)),
    by=st.just("U02ABCDEF"),
    at=moments(),
    reason=hostile_text(most=300),
    is_done=st.booleans(),
)
_DIGESTS = st.builds(
    Digest, id=st.just("digest#1"), subject=_SUBJECTS, orders=st.lists(_ORDERS).map(tuple)
)
_MEMBERS = st.builds(
    Member,
    id=st.just("f"),
    status=st.sampled_from(Status),
    severity=st.sampled_from(["LOW", "MEDIUM", "HIGH", "none"]),
    detections=st.lists(hostile_text(most=128), max_size=5).map(tuple),
    problem=hostile_text(most=1600),
)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(digest=_DIGESTS, members=st.lists(_MEMBERS, max_size=12), times=st.sampled_from([1, 999]))
def test_every_digest_keeps_within_slacks_limits(
    digest: Digest, members: list[Member], times: int
) -> None:
    message = render_digest(digest, Tally.of(members * times))
    assert problems({"text": message.text, "blocks": list(message.blocks)}) == []
    assert all(
        text["type"] == "plain_text" or text["verbatim"] for text in texts(list(message.blocks))
    )


def test_names_in_many_bytes_are_cut_shorter_in_the_fallback() -> None:
    """What Slack limits may be characters or bytes; some letters are three."""
    members = [
        Member(
            id="f",
            status=Status.FAILED,
            severity="HIGH",
            detections=tuple(f"{name}{'漢' * 127}" for name in "abcde"),
            problem=f"{number} {'字' * 1600}",
        )
        for number in range(3)
    ]
    message = render_digest(Digest(id="digest#1", subject=_subject()), Tally.of(members))
    assert problems({"text": message.text, "blocks": list(message.blocks)}) == []
    assert "字" in message.text


def test_the_reasons_that_most_have_in_common_are_told_with_what_to_do() -> None:
    tally = Tally.of([])
    failed = {"S3 denied it. Ask S3.": 7, "It is locked. Wait.": 1, "Two. Two.": 2, "Three.": 3}
    tally.problems.update(Counter(failed))
    digest = Digest(id="digest#1", subject=_subject())
    text = render_digest(digest, tally).text
    assert "❌ 7 × S3 denied it. Ask S3.\n❌ 3 × Three.\n❌ 2 × Two. Two." in text
    assert "locked" not in text


def test_one_is_not_told_as_if_it_were_many() -> None:
    member = Member(id="f", status=Status.AWAITING_REVIEW, severity="LOW", detections=())
    digest = Digest(id="digest#1", subject=_subject())
    message = render_digest(digest, Tally.of([member]))
    assert message.text.startswith("📚 1 finding: 1 to be decided")
    assert "1 object will be moved" in str(message.blocks)


def _subject() -> Subject:
    return Subject(
        bucket="acme",
        type=TYPES[0],
        account="111122223333",
        region="eu-west-1",
        partition="aws",
        opened_at=datetime(2026, 11, 20, tzinfo=UTC),
    )
