"""Steps 2 and 3: what a batch from the queue brings about, in Slack, ledger and invocations."""

from datetime import timedelta
from typing import Any

import pytest

from lambdas.common.ledger import UnknownFindingError
from lambdas.common.record import POLICY, Status
from lambdas.finding_handler import handler
from lambdas.finding_handler.batch import NothingTakenError
from tests.lambdas.deployment import AUTO, BOT_TOKEN, CHANNEL, IGNORE, QUARANTINE, Deployment
from tests.lambdas.events import CLASSIFICATION, Context, detail, macie_event, sqs

LATER = timedelta(seconds=61)


class Died(BaseException):
    """The function dies here, as when Lambda stops it."""


def test_a_finding_to_be_reviewed_is_asked_about_in_the_channel(here: Deployment) -> None:
    found = here.put()
    assert here.deliver(found) == []
    record = here.record(found)
    assert record.status is Status.AWAITING_REVIEW
    assert record.message is not None
    assert (record.message.channel, record.message.ts) == (CHANNEL, here.message.ts)
    assert here.message.channel == CHANNEL
    assert "please decide" in here.message.text
    assert here.offered == ["remediate", "dismiss", "open_in_macie"]
    assert here.invocations == []


def test_a_finding_to_be_remediated_starts_the_remediator_and_posts_nothing_yet(
    here: Deployment,
) -> None:
    found = here.put(AUTO)
    assert here.deliver(found) == []
    (invocation,) = here.invocations
    assert invocation.kind == "Event"
    assert "/functions/remediator/invocations" in invocation.path
    assert invocation.payload == {"finding_id": found["id"], "response_url": None, "reply": None}
    assert here.record(found).status is Status.REMEDIATING
    assert here.record(found).decision.by == POLICY
    assert here.slack.messages == ()


def test_a_finding_to_be_ignored_is_written_down_and_nothing_else(here: Deployment) -> None:
    found = here.put(IGNORE)
    assert here.deliver(found) == []
    assert here.record(found).status is Status.IGNORED
    assert here.record(found).standing.reason
    assert here.is_quiet


def archived() -> dict[str, Any]:
    return detail(archived=True)


def own() -> dict[str, Any]:
    found = detail()
    found["resourcesAffected"]["s3Bucket"]["name"] = QUARANTINE
    return found


@pytest.mark.parametrize("make", [archived, own], ids=["archived", "in quarantine already"])
def test_what_must_not_be_acted_on_is_written_down_and_nothing_else(
    here: Deployment, make: Any
) -> None:
    assert here.deliver(make()) == []
    assert here.record(make()).status is Status.IGNORED
    assert here.is_quiet


def test_a_policy_finding_is_refused_for_good(here: Deployment) -> None:
    policy = detail("policy-bucket-public.json")
    assert here.deliver(policy) == []
    with pytest.raises(UnknownFindingError):
        here.record(policy)
    assert here.is_quiet


@pytest.mark.parametrize("name", CLASSIFICATION)
def test_every_finding_that_macie_may_send_is_taken(here: Deployment, name: str) -> None:
    found = detail(name, type="SensitiveData:S3Object/Unheard")
    assert here.deliver(found) == []
    assert found["title"] in here.message.text


def test_a_sample_is_labelled(here: Deployment) -> None:
    here.deliver(detail("sample-financial.json", type="unlisted"))
    assert "SAMPLE" in here.message.text
    assert here.strict.calls == []


def test_an_event_that_is_delivered_again_is_asked_about_once(here: Deployment) -> None:
    found = here.put()
    for _ in range(3):
        assert here.deliver(found) == []
    assert len(here.slack.messages) == 1
    assert len(here.record(found).history) == 1
    assert here.slack.requests == ["chat.postMessage"]


def test_an_event_that_is_delivered_twice_at_once_is_asked_about_once(here: Deployment) -> None:
    found = here.put()
    failures = here.deliver_at_once(4, found)
    assert failures.count([]) >= 1
    here.deliver(found)
    assert len(here.slack.messages) == 1
    assert here.record(found).message is not None


def test_an_event_that_is_delivered_after_the_decision_changes_nothing(here: Deployment) -> None:
    found = here.put()
    here.deliver(found)
    assert here.click() == 200
    here.remediate()
    before = here.record(found), here.slack.messages
    assert here.deliver(found) == []
    assert (here.record(found), here.slack.messages) == before
    assert here.invocations == []


def test_a_remediation_that_is_over_is_not_started_again(here: Deployment) -> None:
    found = here.put(AUTO)
    here.deliver(found)
    here.remediate()
    assert here.deliver(found) == []
    assert here.invocations == []


def test_a_start_that_may_have_been_lost_is_made_again(here: Deployment) -> None:
    found = here.put(AUTO)
    here.deliver(found)
    assert here.deliver(found) == []
    assert len(here.invocations) == 2
    here.remediate()
    assert len(here.slack.messages) == 1
    assert here.bodies(QUARANTINE) == [here.s3.get_object(**_copy(here, found))["Body"].read()]


def _copy(here: Deployment, found: Any) -> dict[str, str]:
    (copy,) = here.record(found).copies
    return {"Bucket": copy.bucket, "Key": copy.key, "VersionId": copy.version_id}


BAD = [
    ("no JSON", "{"),
    ("no object", "[]"),
    ("no detail", '{"source": "aws.macie"}'),
    ("a null detail", '{"detail": null}'),
    ("a detail of another kind", '{"detail": "text"}'),
    ("an empty detail", '{"detail": {}}'),
    ("a finding without an object", '{"detail": {"category": "CLASSIFICATION", "id": "a"}}'),
]


@pytest.mark.parametrize("bad", [row[1] for row in BAD], ids=[row[0] for row in BAD])
def test_one_bad_record_is_given_back_and_its_batch_mates_are_taken(
    here: Deployment, bad: str
) -> None:
    first, second = here.put(), here.put(AUTO, body=b"other")
    assert here.deliver(first, bad, second) == ["message-1"]
    assert here.record(first).message is not None
    assert here.record(second).status is Status.REMEDIATING
    assert len(here.invocations) == 1


def test_a_batch_of_bad_records_is_given_back_as_a_whole(here: Deployment) -> None:
    assert here.deliver("{", "}") == ["message-0", "message-1"]


def test_where_nothing_is_taken_lambda_counts_an_error_for_the_alarm(here: Deployment) -> None:
    """Of a batch that is given back in an answer, in part or as a whole, it counts none."""
    assert here.is_quiet
    with pytest.raises(NothingTakenError):
        handler.lambda_handler(sqs("{"), Context())


def test_what_another_invocation_has_in_hand_is_no_error(here: Deployment) -> None:
    found = here.put()
    here.slack.fail_next(504)
    here.deliver(found)
    here.restart()
    answer = handler.lambda_handler(sqs(macie_event(found)), Context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}


@pytest.mark.parametrize(("status", "error"), [(429, "ratelimited"), (500, "internal_error")])
def test_what_slack_does_not_take_is_told_again_later(
    here: Deployment, status: int, error: str
) -> None:
    found = here.put()
    here.slack.fail_next(status, error, retry_after=1)
    assert here.deliver(found) == []
    assert here.record(found).status is Status.AWAITING_REVIEW
    here.tick()
    assert here.slack.messages == ()
    here.clock.ahead = LATER
    here.tick()
    assert here.record(found).message is not None
    assert here.record(found).tell_at is None
    assert "please decide" in here.message.text


@pytest.mark.parametrize("error", ["channel_not_found", "not_in_channel", "invalid_auth"])
def test_what_slack_refuses_ends_in_the_dead_letter_queue(here: Deployment, error: str) -> None:
    here.slack.fail_next(200, error)
    assert here.deliver(here.put()) == ["message-0"]


def test_a_function_that_died_before_it_wrote_the_message_down_finds_it_again(
    here: Deployment,
) -> None:
    found = here.put()

    def die(**_: Any) -> None:
        if here.slack.messages:
            raise Died

    here.session.register("before-call.dynamodb.PutItem", die)
    with pytest.raises(Died):
        here.deliver(found)
    here.session.unregister("before-call.dynamodb.PutItem", die)
    here.restart()
    assert here.deliver(found) == ["message-0"]
    here.clock.ahead = LATER
    assert here.deliver(found) == []
    assert here.record(found).message is not None
    assert here.slack.requests.count("chat.postMessage") == 1
    assert here.message.ts == here.slack.messages[0].ts


def test_without_the_scope_to_read_the_channel_a_message_is_rather_told_twice_than_lost(
    here: Deployment,
) -> None:
    found = here.put()
    here.slack.fail_next(500)
    assert here.deliver(found) == []
    here.clock.ahead = LATER
    here.slack.fail_next(200, "missing_scope")
    here.tick()
    assert len(here.slack.messages) == 1


def test_a_start_that_lambda_refuses_is_made_when_the_event_is_delivered_again(
    here: Deployment,
) -> None:
    found = here.put(AUTO)
    here.refusal = 403
    assert here.deliver(found) == ["message-0"]
    here.refusal = None
    assert here.deliver(found) == []
    assert len(here.invocations) == 1


def test_findings_wait_in_the_queue_until_the_secret_is_set(here: Deployment) -> None:
    found = here.put()
    here.put_secret(botToken="")
    assert here.deliver(found) == ["message-0"]
    here.put_secret(botToken=BOT_TOKEN)
    here.clock.ahead = LATER
    assert here.deliver(found) == []
    assert here.record(found).message is not None
