"""Too many findings to tell one by one: told in a digest, decided together, none forgotten."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from lambdas.common.actions import option
from lambdas.common.record import Status
from lambdas.finding_handler import digesting
from local.slack.block_kit import problems
from local.slack.workspace import Message, Response
from tests.lambdas.deployment import (
    APPROVER,
    AUTO,
    OTHER,
    QUARANTINE,
    REVIEW,
    SOURCE,
    Deployment,
    deployed,
)

SETTLED = timedelta(seconds=6)
COUNT = 8


@pytest.fixture
def crowded() -> Iterator[Deployment]:
    """A deployment in which two findings an hour are told one by one."""
    with deployed(DIGEST_THRESHOLD="2") as here:
        yield here


def found(here: Deployment, kind: str = REVIEW, *, count: int = COUNT) -> list[dict[str, Any]]:
    """Put objects, and make a finding on each."""
    return [one(here, kind, number) for number in range(count)]


def one(here: Deployment, kind: str, number: int) -> dict[str, Any]:
    key, body = f"{kind[-4:]}/{number}.csv", f"card {number}".encode()
    etag = here.s3.put_object(Bucket=SOURCE, Key=key, Body=body)["ETag"].strip('"')
    detail = here.found(kind, etag, "", len(body))
    detail["resourcesAffected"]["s3Object"]["key"] = key
    return detail | {"id": f"{kind[-4:]} {number}"}


def digest(here: Deployment) -> Message:
    """Have the digest drawn; answer its message."""
    here.clock.ahead += SETTLED
    here.tick()
    (message,) = (one for one in here.slack.messages if one.text.startswith("📚"))
    return message


def click(here: Deployment, action_id: str, *, user: str = APPROVER, **more: str) -> None:
    """Click on the digest, and have done what follows at once."""
    message = digest(here)
    choices = [
        one["value"]
        for block in message.blocks
        for element in block.get("elements", ())
        for one in element.get("options", ())
        if more.get("choice", "") in one["value"]
    ]
    choice = choices[0] if "choice" in more else None
    assert here.slack.click(message.ts, action_id, user, choice=choice) == 200
    here.clock.ahead += SETTLED
    here.tick()


def statuses(here: Deployment, details: list[dict[str, Any]]) -> list[Status]:
    return [here.record(detail).status for detail in details]


def test_what_is_too_much_is_told_in_one_message_that_grows(crowded: Deployment) -> None:
    details = found(crowded)
    crowded.deliver(*details[:5])
    assert "📚 3 findings: 3 to be decided" in digest(crowded).text
    crowded.deliver(*details[5:])
    message = digest(crowded)
    assert "📚 6 findings: 6 to be decided" in message.text
    assert REVIEW in message.text
    assert SOURCE in message.text
    assert "HIGH × 6" in message.text
    assert "CREDIT_CARD_NUMBER" in message.text
    assert len(crowded.slack.messages) == 3
    assert problems({"text": message.text, "blocks": list(message.blocks)}) == []


def test_a_digest_in_which_nothing_happens_is_not_drawn_again(crowded: Deployment) -> None:
    crowded.deliver(*found(crowded))
    digest(crowded)
    digest(crowded)
    calls = len(crowded.slack.requests)
    for _ in range(5):
        digest(crowded)
    assert len(crowded.slack.requests) == calls


def test_a_large_digest_rests_between_two_drawings_and_shows_all_after(
    crowded: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A burst adds to it all the time, and Slack takes one message a second from everybody."""
    monkeypatch.setattr(digesting, "_FINDINGS_A_SECOND", 0.1)
    details = found(crowded)
    crowded.deliver(*details[:-1])
    digest(crowded)
    before = len(crowded.slack.requests)
    crowded.deliver(details[-1])
    for _ in range(3):
        assert "📚 5 findings" in digest(crowded).text
    assert len(crowded.slack.requests) == before
    crowded.clock.ahead += timedelta(seconds=30)
    assert "📚 6 findings" in digest(crowded).text


def test_what_is_decided_about_a_large_digest_is_shown_at_once(
    crowded: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digesting, "_FINDINGS_A_SECOND", 0.1)
    crowded.deliver(*found(crowded))
    message = digest(crowded)
    assert crowded.slack.click(message.ts, "remediate_all", APPROVER) == 200
    crowded.tick()
    assert "6 in progress" in crowded.slack.message(message.ts).text


def test_each_bucket_and_type_has_a_digest_of_its_own(crowded: Deployment) -> None:
    crowded.deliver(*found(crowded, REVIEW, count=4), *found(crowded, "another", count=3))
    crowded.clock.ahead += SETTLED
    crowded.tick()
    headlines = sorted(
        message.text.splitlines()[0]
        for message in crowded.slack.messages
        if message.text.startswith("📚")
    )
    assert headlines == ["📚 2 findings: 2 to be decided", "📚 3 findings: 3 to be decided"]


def test_all_are_remediated_by_one_click_and_the_progress_is_shown(crowded: Deployment) -> None:
    details = found(crowded)
    crowded.deliver(*details)
    click(crowded, "remediate_all")
    assert statuses(crowded, details[2:]) == [Status.REMEDIATING] * 6
    assert "6 in progress" in digest(crowded).text
    crowded.remediate()
    text = digest(crowded).text
    assert "6 of 6 quarantined" in text
    assert "▰" * 20 in text
    assert f"decided by <@{APPROVER}>" in text
    assert "Why" not in text
    assert len(crowded.bodies(QUARANTINE)) == 6
    for detail in details[2:]:
        assert crowded.record(detail).decision.by == APPROVER


def test_what_fails_is_counted_and_tried_again_by_a_click(crowded: Deployment) -> None:
    details = found(crowded)
    crowded.deliver(*details)
    click(crowded, "remediate_all")
    broken = details[2]["resourcesAffected"]["s3Object"]["key"]
    crowded.strict.deny = lambda name, asked: name == "CopyObject" and asked["Key"].endswith(broken)
    crowded.remediate()
    message = digest(crowded)
    assert "5 of 6 quarantined, 1 failed" in message.text
    assert "1 × S3 did not let the remediator copy" in message.text
    assert "Check that the bucket is in monitoredBuckets" in str(message.blocks)
    crowded.strict.deny = lambda *_: False
    click(crowded, "retry_all")
    crowded.remediate()
    assert "6 of 6 quarantined" in digest(crowded).text


def test_all_are_restored_by_one_click(crowded: Deployment) -> None:
    details = found(crowded, AUTO)
    crowded.deliver(*details)
    crowded.remediate()
    assert "6 of 6 quarantined" in digest(crowded).text
    click(crowded, "restore_all")
    crowded.remediate()
    assert "0 of 6 quarantined, 6 restored" in digest(crowded).text
    assert len(crowded.bodies(SOURCE)) == 6


def test_all_are_dismissed_for_a_reason(crowded: Deployment) -> None:
    details = found(crowded)
    crowded.deliver(*details)
    click(crowded, "dismiss_all", choice="accepted_risk")
    assert statuses(crowded, details[2:]) == [Status.DISMISSED] * 6
    text = digest(crowded).text
    assert "6 dismissed" in text
    assert "accepted risk" in text
    assert len(crowded.bodies(SOURCE)) == COUNT


def test_all_that_were_dismissed_are_reopened(crowded: Deployment) -> None:
    details = found(crowded)
    crowded.deliver(*details)
    click(crowded, "dismiss_all", choice="accepted_risk")
    click(crowded, "reopen_all", user="U0SECOND")
    assert statuses(crowded, details[2:]) == [Status.AWAITING_REVIEW] * 6
    assert crowded.record(details[2]).decision.by == "U0SECOND"
    assert "Reopening all that was dismissed, decided by <@U0SECOND>" in digest(crowded).text


def test_what_comes_after_the_click_is_not_decided_by_it(crowded: Deployment) -> None:
    details = found(crowded)
    crowded.deliver(*details[:5])
    message = digest(crowded)
    choice = option("false_positive", _digest_id(message))
    assert crowded.slack.click(message.ts, "dismiss_all", APPROVER, choice=choice) == 200
    crowded.deliver(*details[5:])
    text = digest(crowded).text
    assert statuses(crowded, details[2:5]) == [Status.DISMISSED] * 3
    assert statuses(crowded, details[5:]) == [Status.AWAITING_REVIEW] * 3
    assert "3 to be decided" in text
    click(crowded, "dismiss_all", choice="false_positive")
    assert statuses(crowded, details[5:]) == [Status.DISMISSED] * 3


def test_what_is_quarantined_after_the_click_is_not_restored_by_it(crowded: Deployment) -> None:
    details = found(crowded, AUTO)
    crowded.deliver(*details)
    first, rest = crowded.invocations[:5], crowded.invocations[5:]
    crowded.invocations = first
    crowded.remediate()
    message = digest(crowded)
    assert crowded.slack.click(message.ts, "restore_all", APPROVER) == 200
    crowded.invocations += rest
    crowded.remediate()
    assert "3 of 6 quarantined, 3 being restored" in digest(crowded).text


def test_an_order_is_drawn_again_once_the_index_has_followed(crowded: Deployment) -> None:
    crowded.deliver(*found(crowded))
    message = digest(crowded)
    click(crowded, "dismiss_all", choice="accepted_risk")
    soon = crowded.clock.now() + SETTLED
    assert list(crowded.digests.due(soon)) == [_digest_id(message)]


def test_they_are_reviewed_one_by_one_ten_at_a_time_in_the_thread(crowded: Deployment) -> None:
    details = found(crowded, count=15)
    crowded.deliver(*details[:8])
    crowded.deliver(*details[8:])
    click(crowded, "review_each")
    place = digest(crowded).ts
    shown = [message for message in crowded.slack.messages if message.thread_ts == place]
    assert len(shown) == 10
    crowded.clock.ahead = timedelta()
    assert crowded.slack.click(shown[0].ts, "remediate", APPROVER) == 200
    crowded.remediate()
    after = next(message for message in crowded.slack.messages if message.ts == shown[0].ts)
    assert "Object quarantined" in after.text
    assert "1 of 13 quarantined, 12 waiting for a decision" in digest(crowded).text
    click(crowded, "review_each")
    shown = [message for message in crowded.slack.messages if message.thread_ts == place]
    assert len(shown) == 13


def test_ten_are_reviewed_one_by_one_however_slowly_slack_takes_them(crowded: Deployment) -> None:
    details = found(crowded, count=20)
    crowded.deliver(*details)
    message = digest(crowded)
    crowded.slack.interceptor = one_message_a_run(crowded)
    crowded.clock.ahead = timedelta()
    assert crowded.slack.click(message.ts, "review_each", APPROVER) == 200
    for _ in range(20):
        crowded.clock.ahead += 2 * SETTLED
        crowded.tick()
    shown = [one for one in crowded.slack.messages if one.thread_ts == message.ts]
    assert len(shown) == 10
    assert "Posting some one by one, decided by" in digest(crowded).text


def one_message_a_run(here: Deployment) -> Callable[[str, Callable[[], Response]], Response]:
    """Make a mood in which Slack takes a message, and no other in the next ten seconds."""
    taken: list[datetime] = []

    def mood(method: str, proceed: Callable[[], Response]) -> Response:
        now = here.clock.now()
        if method == "chat.postMessage":
            if taken and now - taken[-1] < timedelta(seconds=10):
                return Response(
                    status=429, body={"ok": False, "error": "ratelimited"}, retry_after=1
                )
            taken.append(now)
        return proceed()

    return mood


def test_who_may_not_decide_about_one_may_not_about_all(crowded: Deployment) -> None:
    details = found(crowded)
    crowded.deliver(*details)
    click(crowded, "remediate_all", user=OTHER)
    crowded.remediate()
    (reply,) = crowded.slack.ephemerals
    assert (reply.user, f"<@{APPROVER}>" in reply.text) == (OTHER, True)
    assert statuses(crowded, details[2:]) == [Status.AWAITING_REVIEW] * 6
    assert "decided by" not in digest(crowded).text


def test_orders_and_refused_ones_are_in_the_ledger_and_in_the_audit_log(
    crowded: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    crowded.deliver(*found(crowded))
    with caplog.at_level("INFO"):
        click(crowded, "remediate_all", user=OTHER)
        click(crowded, "dismiss_all", choice="false_positive")
    lines = [line.__dict__["audit"] for line in caplog.records if line.msg == "order"]
    assert [(line["by"], line["action"], line["is_refused"]) for line in lines] == [
        (OTHER, "remediate_all", True),
        (APPROVER, "dismiss_all", False),
    ]
    assert lines[0]["subject"]["bucket"] == SOURCE
    kept = crowded.digests.get(lines[0]["digest"])
    assert [order.by for order in kept.refusals] == [OTHER]
    assert [order.by for order in kept.orders] == [APPROVER]


def test_the_first_order_stands_and_the_second_is_told_whose_it_was(crowded: Deployment) -> None:
    details = found(crowded)
    crowded.deliver(*details)
    message = digest(crowded)
    crowded.clock.ahead = timedelta()
    assert crowded.slack.click(message.ts, "remediate_all", APPROVER) == 200
    choice = option("accepted_risk", _digest_id(message))
    assert crowded.slack.click(message.ts, "dismiss_all", "U0SECOND", choice=choice) == 200
    crowded.remediate()
    assert f"<@{APPROVER}>" in crowded.slack.ephemerals[-1].text
    crowded.clock.ahead = SETTLED
    crowded.tick()
    crowded.remediate()
    assert statuses(crowded, details[2:]) == [Status.QUARANTINED] * 6


def _digest_id(message: Message) -> str:
    (value,) = {
        element["value"]
        for block in message.blocks
        for element in block.get("elements", ())
        if "value" in element
    }
    return str(value)


def test_a_click_has_it_done_without_waiting_for_the_minute(crowded: Deployment) -> None:
    crowded.deliver(*found(crowded))
    click(crowded, "remediate_all")
    assert crowded.queued() == ["Scheduled Event"]


def test_an_order_given_while_the_digest_is_drawn_is_carried_out(crowded: Deployment) -> None:
    details = found(crowded)
    crowded.deliver(*details[:-1])
    message, well = digest(crowded), crowded.slack.interceptor

    def clicked(_: str, proceed: Callable[[], Response]) -> Response:
        crowded.slack.interceptor = well
        assert crowded.slack.click(message.ts, "remediate_all", APPROVER) == 200
        return proceed()

    crowded.deliver(details[-1])
    crowded.slack.interceptor = clicked
    digest(crowded)
    digest(crowded)
    assert statuses(crowded, details[2:]) == [Status.REMEDIATING] * 6


def test_an_order_that_was_interrupted_is_carried_out_to_the_end(crowded: Deployment) -> None:
    details = found(crowded)
    crowded.deliver(*details)
    message = digest(crowded)
    crowded.clock.ahead = timedelta()
    crowded.slack.click(message.ts, "remediate_all", APPROVER)
    crowded.refusal = 429
    crowded.clock.ahead = SETTLED
    assert crowded.tick_fails()
    crowded.refusal = None
    crowded.clock.ahead += timedelta(minutes=25)
    crowded.tick()
    crowded.remediate()
    assert statuses(crowded, details[2:]) == [Status.QUARANTINED] * 6


def test_what_slack_does_not_take_is_drawn_later(crowded: Deployment) -> None:
    crowded.deliver(*found(crowded))
    crowded.slack.fail_next(429, "ratelimited", retry_after=90)
    crowded.clock.ahead += SETTLED
    crowded.tick()
    crowded.clock.ahead += timedelta(seconds=60)
    crowded.tick()
    assert len(crowded.slack.messages) == 2
    crowded.clock.ahead += timedelta(seconds=60)
    assert "📚 6 findings" in digest(crowded).text


def test_a_digest_that_slack_was_too_busy_for_is_posted_as_soon_as_slack_wants(
    crowded: Deployment,
) -> None:
    crowded.deliver(*found(crowded))
    crowded.slack.requests.clear()
    crowded.slack.fail_next(429, "ratelimited", retry_after=1)
    crowded.clock.ahead += SETTLED
    crowded.tick()
    crowded.clock.ahead += timedelta(seconds=2)
    crowded.tick()
    assert crowded.slack.requests == ["chat.postMessage", "chat.postMessage"]
    assert crowded.slack.messages[-1].text.startswith("📚")


def test_a_digest_that_slack_refuses_does_not_keep_the_others(crowded: Deployment) -> None:
    crowded.deliver(*found(crowded, REVIEW, count=4), *found(crowded, "another", count=3))
    crowded.slack.fail_next(200, "invalid_blocks")
    crowded.clock.ahead += SETTLED
    assert crowded.tick_fails()
    assert [one.text.startswith("📚") for one in crowded.slack.messages].count(True) == 1
    crowded.clock.ahead += timedelta(minutes=6)
    crowded.tick()
    assert [one.text.startswith("📚") for one in crowded.slack.messages].count(True) == 2


def test_a_digest_whose_post_was_not_answered_is_found_again(crowded: Deployment) -> None:
    crowded.deliver(*found(crowded))
    crowded.slack.lose_next_response()
    crowded.clock.ahead += SETTLED
    crowded.tick()
    crowded.clock.ahead += timedelta(minutes=3)
    assert "📚 6 findings" in digest(crowded).text


def test_the_approvers_are_reminded_of_a_digest_once(crowded: Deployment) -> None:
    crowded.deliver(*found(crowded))
    message = digest(crowded)
    for _ in range(3):
        crowded.clock.ahead += timedelta(hours=25)
        crowded.tick()
    replies = [one for one in crowded.slack.messages if one.thread_ts == message.ts]
    assert len(replies) == 1
    assert f"<@{APPROVER}>" in replies[0].text
    assert "6 findings waiting" in replies[0].text


def test_a_redelivered_finding_is_counted_once(crowded: Deployment) -> None:
    details = found(crowded)
    for _ in range(3):
        crowded.deliver(*details)
    assert "📚 6 findings" in digest(crowded).text
