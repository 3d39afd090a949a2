"""One message a finding, whoever posts it, however often, and whatever happens in between."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from lambdas.common import clock
from lambdas.common.announcer import Announcer
from lambdas.common.callback import Callback
from lambdas.common.digests import Digests
from lambdas.common.errors import BusyError
from lambdas.common.record import Record, SlackMessage, Status
from lambdas.common.secret import SecretReader
from lambdas.common.slack import SlackChannel
from lambdas.common.table import Table
from local.slack.workspace import Response
from tests.lambdas.botocore_calls import through
from tests.lambdas.deployment import CHANNEL, SECRET, TABLE, Deployment, plain
from tests.lambdas.events import finding

SOON = timedelta(seconds=61)


@pytest.fixture
def announcer(here: Deployment) -> Announcer:
    """An announcer to the deployment's channel."""
    secret = SecretReader(through(plain("secretsmanager")), SECRET, here.clock.now)
    channel = SlackChannel(CHANNEL, secret=secret, api_url=here.slack.api_url, clock=here.clock.now)
    digests = Digests(Table(through(plain("dynamodb")), TABLE))
    return Announcer(here.ledger, digests, channel, here.clock.now)


@pytest.fixture
def record(here: Deployment) -> Record:
    """A record that nobody was told of."""
    opened = Record.opened(finding(), Status.AWAITING_REVIEW, reason="why", now=clock.now())
    return here.ledger.open(opened)


def test_what_nobody_was_told_of_is_posted_and_its_place_written_down(
    here: Deployment, announcer: Announcer, record: Record
) -> None:
    announcer.tell(record)
    assert here.ledger.get(record.finding.id).message == SlackMessage(
        channel=CHANNEL, ts=here.message.ts
    )


def test_what_was_told_is_updated(here: Deployment, announcer: Announcer, record: Record) -> None:
    announcer.tell(record)
    told = here.ledger.get(record.finding.id)
    announcer.tell(told.with_status(Status.REMEDIATING, by="U1", reason="ok", now=clock.now()))
    assert "in progress" in here.message.text
    assert here.message.edits == 1


def test_of_many_who_tell_at_once_one_posts(
    here: Deployment, announcer: Announcer, record: Record
) -> None:
    def tell(_: int) -> bool:
        try:
            announcer.tell(record)
        except BusyError:
            return False
        return True

    with ThreadPoolExecutor() as threads:
        assert sum(threads.map(tell, range(6))) == 1
    assert len(here.slack.messages) == 1


def test_who_comes_with_an_outdated_record_posts_nothing(
    here: Deployment, announcer: Announcer, record: Record
) -> None:
    announcer.tell(record)
    here.clock.ahead = SOON
    with pytest.raises(BusyError):
        announcer.tell(record)
    assert len(here.slack.messages) == 1


def test_a_post_that_slack_refused_is_made_a_minute_later(
    here: Deployment, announcer: Announcer, record: Record
) -> None:
    here.slack.fail_next(504)
    assert not announcer.tell(record)
    assert not announcer.tell(here.ledger.get(record.finding.id))
    here.clock.ahead = SOON
    assert announcer.tell(here.ledger.get(record.finding.id))
    assert len(here.slack.messages) == 1


def test_a_post_of_which_slack_does_not_know_is_looked_for_before_it_is_made_again(
    here: Deployment, announcer: Announcer, record: Record
) -> None:
    """Of internal_error Slack says: some aspect of the operation may have succeeded."""

    def unsure(_: str, proceed: Callable[[], Response]) -> Response:
        proceed()
        return Response(status=200, body={"ok": False, "error": "internal_error"})

    here.slack.interceptor, well = unsure, here.slack.interceptor
    assert not announcer.tell(record)
    here.slack.interceptor = well
    here.clock.ahead = SOON
    assert announcer.tell(here.ledger.get(record.finding.id))
    assert len(here.slack.messages) == 1


def test_a_search_that_slack_refused_forgets_nothing(
    here: Deployment, announcer: Announcer, record: Record
) -> None:
    """The message may stand there: only a search that succeeds may say that it does not."""
    here.slack.lose_next_response()
    assert not announcer.tell(record)
    here.clock.ahead = SOON
    here.slack.fail_next(429, "ratelimited", retry_after=1)
    assert not announcer.tell(here.ledger.get(record.finding.id))
    here.clock.ahead = 3 * SOON
    assert announcer.tell(here.ledger.get(record.finding.id))
    assert len(here.slack.messages) == 1


def test_slack_is_left_alone_for_as_long_as_it_wants(
    here: Deployment, announcer: Announcer, record: Record
) -> None:
    here.slack.fail_next(429, "ratelimited", retry_after=7)
    before = here.clock.now()
    assert not announcer.tell(record)
    put_off = here.ledger.get(record.finding.id)
    assert put_off.tell_at is not None
    assert timedelta(seconds=7) <= put_off.tell_at - before < timedelta(seconds=30)
    assert not announcer.tell(put_off)
    assert here.slack.requests == ["chat.postMessage"]
    here.clock.ahead = timedelta(seconds=8)
    assert announcer.tell(here.ledger.get(record.finding.id))
    assert here.ledger.get(record.finding.id).tell_at is None
    assert here.slack.requests == ["chat.postMessage", "chat.postMessage"]


def test_what_slack_refused_while_older_news_was_told_is_told_as_well(
    here: Deployment, announcer: Announcer, record: Record
) -> None:
    announcer.tell(record)
    here.slack.fail_next(429, "ratelimited", retry_after=1)
    announcer.tell(here.ledger.get(record.finding.id))
    outdated = here.ledger.get(record.finding.id)
    later, well = clock.now() + timedelta(minutes=2), here.slack.interceptor

    def overtaken(_: str, proceed: Callable[[], Response]) -> Response:
        here.slack.interceptor = well
        here.ledger.change(record.finding.id, lambda now: replace(now, tell_at=later))
        return proceed()

    here.clock.ahead, here.slack.interceptor = SOON, overtaken
    assert announcer.tell(outdated)
    assert here.ledger.get(record.finding.id).tell_at == later


def test_a_post_whose_place_was_not_written_down_is_found_and_brought_up_to_date(
    here: Deployment, announcer: Announcer, record: Record
) -> None:
    announcer.tell(record)
    place = here.ledger.get(record.finding.id).message

    def forget(now: Record) -> Record:
        forgetful = replace(now, message=None)
        return forgetful.with_status(Status.DISMISSED, by="U1", reason="no", now=clock.now())

    lost = here.ledger.change(record.finding.id, forget)
    here.clock.ahead = SOON
    announcer.tell(lost)
    assert here.ledger.get(record.finding.id).message == place
    assert "dismissed" in here.message.text


def test_a_callback_that_slack_takes_is_enough(
    here: Deployment, announcer: Announcer, record: Record
) -> None:
    announcer.tell(record)
    callback = Callback(url=f"{here.slack.hooks_url}actions/unknown")
    announcer.tell(here.ledger.get(record.finding.id), callback)
    assert here.slack.requests == ["chat.postMessage", "chat.update"]
