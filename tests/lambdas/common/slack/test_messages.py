"""Every record has a message: within Slack's limits, with every fact, and safe to read."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambdas.common.finding import Detection, Finding, Tag
from lambdas.common.ledger.record import (
    POLICY,
    REMEDIATOR,
    DuplicateFinding,
    QuarantinedCopy,
    Record,
    Status,
)
from lambdas.common.slack.actions import (
    DISMISS,
    OPEN_IN_MACIE,
    REMEDIATE,
    REOPEN,
    RESTORE,
    RETRY,
    console_link,
    parse_action_value,
    parse_option,
)
from lambdas.common.slack.messages import Message, failure, reminder, render
from lambdas.common.slack.mrkdwn import format_time
from lambdas.remediator.s3.parameters import ObjectKey
from lambdas.remediator.s3.refusals import undecryptable
from local.slack.block_kit import problems, texts
from tests.harness.events import CLASSIFICATION_FINDINGS, finding
from tests.harness.strategies import record_with_status, records

NOW = datetime(2026, 11, 20, 22, 22, 5, tzinfo=UTC)
COPY = QuarantinedCopy(
    bucket="acme-quarantine",
    key="acme-payments/2026/ledger.csv",
    version_id="v1",
    source_version_id="s1",
    source_etag="e1",
    size=4750,
    checksum=None,
    storage_class="STANDARD",
)
# The only markup of a message: a mention of the person who decided, and a date.
_MARKUP = re.compile(r"<@[UW][0-9A-Z]+>|<!date\^\d+\^\{date_short_pretty\} at \{time\}\|[^<>]+>")


def body(message: Message) -> dict[str, Any]:
    """Return the arguments of chat.postMessage."""
    return {"text": message.text, "blocks": list(message.blocks)}


def shown(message: Message) -> str:
    """Return all text of the blocks."""
    return "\n".join(text["text"] for text in texts(list(message.blocks)))


@settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
@given(record=records())
def test_every_message_is_within_slacks_limits_and_has_no_markup_of_a_finding(
    record: Record,
) -> None:
    message = render(record)
    assert message.blocks
    assert problems(body(message)) == []
    contents = [content["text"] for content in texts(list(message.blocks))]
    for text in [message.text, *contents]:
        rest = _MARKUP.sub("", text)
        assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", rest)
        assert not re.search("[\u202e\u2066\u200b\ufeff\x00\x1b]", text)


@pytest.mark.parametrize("status", Status)
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_status_is_within_slacks_limits(status: Status, data: st.DataObject) -> None:
    assert problems(body(render(data.draw(records(status))))) == []


def longest(status: Status, char: str) -> Record:
    """Return a record in which everything is as long as it can be."""
    reported = finding(title=char * 500, description=char * 5000)
    affected = replace(
        reported.object,
        bucket="b" * 63,
        key=(char * 1024).encode()[:1024].decode(errors="ignore"),
        kms_key="k" * 300,
    )
    detections = tuple(
        Detection(name=f"{char * 100}{number}", count=10**9) for number in range(200)
    )
    tags = tuple(Tag(key=char * 50, value=f"{number}") for number in range(50))
    reported = replace(reported, object=affected, detections=detections, bucket_tags=tags)
    copy = replace(COPY, bucket="q" * 63, key=affected.key)
    record = record_with_status(status, reported)
    last = replace(record.history[-1], reason=char * 600, advice=char * 2000)
    return replace(
        record,
        history=(*record.history[:-1], last),
        copies=(copy, copy),
        other_versions=10**6,
        duplicates=(DuplicateFinding.from_finding(reported),) * 20,
    )


@pytest.mark.parametrize("char", ["x", "&", "漢", "👋", "*"])
@pytest.mark.parametrize("status", Status)
def test_a_message_in_which_everything_is_long_has_all_facts_and_fits(
    status: Status, char: str
) -> None:
    message = render(longest(status, char))
    assert problems(body(message)) == []
    for fact in ("Severity", "Detected", "Encryption", "Bucket tags", "Also found", "s3://bbb"):
        assert fact in shown(message)
    assert "s3://bbb" in message.text


@pytest.mark.parametrize("status", Status)
def test_slack_makes_no_links_channels_and_mentions_by_itself(status: Status) -> None:
    """Slack links bare addresses, #channels and @mentions, unless a text is verbatim.

    https://docs.slack.dev/reference/block-kit/composition-objects/text-object
    """
    for text in texts(list(render(record_with_status(status, finding())).blocks)):
        assert text["type"] == "plain_text" or text["verbatim"] is True


@pytest.mark.parametrize("name", CLASSIFICATION_FINDINGS)
def test_the_message_has_every_fact(name: str) -> None:
    reported = finding(name)
    text = shown(render(record_with_status(Status.AWAITING_REVIEW, reported)))
    assert reported.id in text
    assert reported.account in text
    assert reported.region in text
    assert reported.object.bucket in text
    assert reported.type in text
    assert reported.title in text
    assert reported.description in text
    assert reported.severity is not None
    assert reported.severity.name in text
    assert reported.object.encryption is not None
    assert reported.object.encryption in text
    assert f"<!date^{int(reported.created_at.timestamp())}^" in text
    for tag in reported.bucket_tags:
        assert f"{tag.key}={tag.value}" in text
    for detection in reported.detections:
        assert f"{detection.name} × {detection.count:,}" in text


@pytest.mark.parametrize("status", Status)
def test_the_text_of_a_notification_has_the_headline_the_object_and_the_status(
    status: Status,
) -> None:
    message = render(record_with_status(status, finding()))
    headline, uri, *rest = message.text.split("\n")
    assert headline == message.blocks[0]["text"]["text"]
    assert uri == f"`{finding().object.uri}`"
    assert "\n".join(rest) in shown(message)
    assert rest


def test_the_message_has_the_objects_uri() -> None:
    reported = finding("personal-medium-versioned-unicode.json")
    message = render(record_with_status(Status.AWAITING_REVIEW, reported))
    assert f"`s3://{reported.object.bucket}/{reported.object.key}`" in shown(message)
    assert f"`s3://{reported.object.bucket}/{reported.object.key}`" in message.text


KMS_KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def test_a_kms_key_is_no_emoji() -> None:
    """Many workspaces have a custom emoji with the name aws."""
    affected = replace(finding().object, encryption="aws:kms", kms_key=KMS_KEY)
    failed = record_with_status(Status.FAILED, replace(finding(), object=affected))
    key = ObjectKey(bucket="acme", key="ledger.csv", owner="111122223333")
    error = undecryptable(key, KMS_KEY)
    last = replace(failed.history[-1], reason=str(error), advice=error.advice)
    message = render(replace(failed, history=(*failed.history[:-1], last)))
    assert KMS_KEY in shown(message)
    for text in (shown(message), message.text):
        plain = re.sub("`[^`]*`", "", _MARKUP.sub("", text))
        assert not re.search(r":[a-z0-9]+:", plain)


def test_a_public_object_is_marked_as_public() -> None:
    reported = finding("multiple-high-public.json")
    assert reported.object.is_public
    assert "anyone can read it" in shown(
        render(record_with_status(Status.AWAITING_REVIEW, reported))
    )


@pytest.mark.parametrize("status", Status)
def test_a_sample_is_labelled_in_every_status(status: Status) -> None:
    message = render(record_with_status(status, finding("sample-financial.json")))
    assert "SAMPLE" in message.blocks[0]["text"]["text"]
    assert "SAMPLE" in message.text


def test_no_other_finding_is_labelled_as_a_sample() -> None:
    assert "SAMPLE" not in json.dumps(body(render(record_with_status(Status.FAILED, finding()))))


BUTTONS = {
    Status.AWAITING_REVIEW: [REMEDIATE, DISMISS],
    Status.DISMISSED: [REOPEN],
    Status.QUARANTINED: [RESTORE],
    Status.FAILED: [RETRY, DISMISS],
    Status.DRY_RUN: [REMEDIATE],
}


def buttons(record: Record) -> list[dict[str, Any]]:
    """Return the buttons and menus of the message."""
    return [
        element
        for block in render(record).blocks
        if block["type"] == "actions"
        for element in block["elements"]
    ]


@pytest.mark.parametrize("status", Status)
def test_a_status_has_the_buttons_of_its_transitions_and_always_the_console(status: Status) -> None:
    elements = buttons(record_with_status(status, finding()))
    assert [element["action_id"] for element in elements] == [
        *BUTTONS.get(status, []),
        OPEN_IN_MACIE,
    ]


@pytest.mark.parametrize("status", BUTTONS)
def test_a_button_asks_for_confirmation_and_names_the_object(status: Status) -> None:
    reported = finding()
    record = record_with_status(status, reported)
    for element in buttons(record)[:-1]:
        assert reported.object.uri in element["confirm"]["text"]["text"]
        if element["type"] == "button":
            assert parse_action_value(element["value"]) == (reported.id, record.seen_state)
            style = None if status is Status.DISMISSED else "danger"
            assert element.get("style") == element["confirm"].get("style") == style


def test_a_finding_can_be_dismissed_for_three_reasons() -> None:
    record = record_with_status(Status.AWAITING_REVIEW, finding())
    (menu,) = (element for element in buttons(record) if element["action_id"] == DISMISS)
    assert [option["text"]["text"] for option in menu["options"]] == [
        "False positive",
        "Accepted risk",
        "Handled elsewhere",
    ]
    seen = {parse_option(option["value"])[1:] for option in menu["options"]}
    assert seen == {(finding().id, record.seen_state)}


def test_the_button_of_a_sample_says_that_nothing_is_moved() -> None:
    sample = record_with_status(Status.AWAITING_REVIEW, finding("sample-financial.json"))
    (remediate, _, _) = buttons(sample)
    assert "nothing is moved" in remediate["confirm"]["text"]["text"]


CONSOLES = [
    ("aws", "eu-west-1", "https://eu-west-1.console.aws.amazon.com/macie/home?region=eu-west-1#"),
    ("aws-cn", "cn-north-1", "https://cn-north-1.console.amazonaws.cn/macie/home?region=cn-north-"),
    ("aws-us-gov", "us-gov-west-1", "https://us-gov-west-1.console.amazonaws-us-gov.com/macie/"),
    ("aws-iso", "us-iso-east-1", "https://us-iso-east-1.console.aws.amazon.com/"),
]


@pytest.mark.parametrize(
    ("partition", "region", "start"), CONSOLES, ids=[row[0] for row in CONSOLES]
)
def test_the_console_link_is_right_for_region_and_partition(
    partition: str, region: str, start: str
) -> None:
    reported = finding(partition=partition, region=region)
    assert console_link(reported).startswith(start)
    assert console_link(reported).endswith(f"#findings?itemId={reported.id}")


def test_an_id_cannot_change_the_address_of_the_console_link() -> None:
    link = console_link(replace(finding(), id="a b&c#d/../e", region="evil.example/"))
    assert link.startswith("https://evil.example%2F.console.aws.amazon.com/macie/home?")
    assert link.endswith("#findings?itemId=a%20b%26c%23d%2F..%2Fe")


def decide(reported: Finding, *, by: str) -> Record:
    """Return a record that is to be remediated."""
    if by == POLICY:
        return Record.create(reported, Status.REMEDIATING, reason="configured", now=NOW)
    record = record_with_status(Status.AWAITING_REVIEW, reported)
    return record.transition_to(Status.REMEDIATING, by=by, reason="remediate in Slack", now=NOW)


WHO = [("U0APPROVER", "by <@U0APPROVER>"), (POLICY, "automatically")]


@pytest.mark.parametrize(("by", "expected"), WHO, ids=["a person", "the policy"])
@pytest.mark.parametrize(
    "status", [None, Status.QUARANTINED, Status.CHANGED, Status.NOT_FOUND, Status.FAILED]
)
def test_the_message_shows_who_decided(by: str, expected: str, status: Status | None) -> None:
    record = decide(finding(), by=by)
    if status is not None:
        record = record.transition_to(
            status, by=REMEDIATOR, reason="it is so", now=NOW, advice="Do it."
        )
    message = render(record)
    assert expected in shown(message)
    assert expected in message.text


def test_a_failure_has_its_reason_and_advice() -> None:
    record = decide(finding(), by="U1").transition_to(
        Status.FAILED, by=REMEDIATOR, reason="S3 denied it.", advice="Ask <them>.", now=NOW
    )
    for text in (shown(render(record)), render(record).text):
        assert "S3 denied it." in text
        assert "Ask &lt;them&gt;." in text


def fail(record: Record, *, at: datetime = NOW) -> Record:
    """Return the record with another failure."""
    return record.transition_to(
        Status.FAILED, by=REMEDIATOR, reason="S3 denied it.", advice="Ask them.", now=at
    )


def test_a_failure_has_its_time_and_the_number_of_attempts() -> None:
    record, later = fail(decide(finding(), by="U1")), NOW + timedelta(hours=1)
    assert "after 1 attempt." in render(record).text
    record = record.transition_to(Status.REMEDIATING, by="U2", reason="retry", now=NOW)
    record = fail(record.add_refusal(by="U9", reason="may not", now=NOW), at=later)
    for text in (shown(render(record)), render(record).text):
        assert "after 2 attempts." in text
        assert format_time(later) in text
        assert "by <@U2>" in text


def failed_restore() -> Record:
    """Return a record whose restore failed."""
    record = decide(finding(), by="U1")
    record = replace(record, copies=(COPY,))
    record = record.transition_to(Status.QUARANTINED, by=REMEDIATOR, reason="done", now=NOW)
    return fail(record.transition_to(Status.RESTORING, by="U1", reason="restore", now=NOW))


def test_only_a_failed_remediation_can_be_dismissed() -> None:
    ids = [element["action_id"] for element in buttons(fail(decide(finding(), by="U1")))]
    assert ids == [RETRY, DISMISS, OPEN_IN_MACIE]
    assert [element["action_id"] for element in buttons(failed_restore())] == [
        RETRY,
        OPEN_IN_MACIE,
    ]


def test_a_reminder_of_a_failure_says_what_failed_and_what_to_do() -> None:
    text = reminder(fail(decide(finding(), by="U1")), "<@U7>")
    assert text.startswith("⏰ <@U7>: the remediation failed")
    assert "dismiss" in text
    text = reminder(failed_restore(), "<@U7>")
    assert "the restore failed" in text
    assert "dismiss" not in text


def test_the_message_of_a_restored_object_says_until_when_the_copy_is_kept() -> None:
    restoring = failed_restore().transition_to(Status.RESTORING, by="U1", reason="retry", now=NOW)
    kept_until = NOW + timedelta(days=7)
    record = restoring.transition_to(
        Status.RESTORED, by=REMEDIATOR, reason="done", now=NOW, check_at=kept_until
    )
    for text in (shown(render(record)), render(record).text):
        assert f"The copy is kept in quarantine until {format_time(kept_until)}." in text
    deleted = replace(record, copies=(), check_at=None)
    assert "quarantine" not in shown(render(deleted))


def test_the_message_of_a_dismissed_failure_names_what_stays_in_quarantine() -> None:
    record = fail(replace(decide(finding(), by="U1"), copies=(COPY, COPY)))
    record = record.transition_to(Status.DISMISSED, by="U1", reason="accepted risk", now=NOW)
    assert "2 copies are kept in quarantine." in render(record).text


@pytest.mark.parametrize("status", [Status.FAILED, Status.RESTORED])
def test_what_is_said_of_a_failure_fits_a_reply(status: Status) -> None:
    record = longest(status, "👋")
    assert problems({"text": reminder(record, "<@U1>")}) == []
    assert problems({"text": failure(record)}) == []


def test_the_message_of_a_quarantined_object_has_the_address_of_the_copy() -> None:
    copied = replace(decide(finding(), by="U1"), copies=(COPY,), other_versions=3)
    record = copied.transition_to(
        Status.QUARANTINED, by=REMEDIATOR, reason="The object is in quarantine.", now=NOW
    )
    for text in (shown(render(record)), render(record).text):
        assert "`s3://acme-quarantine/acme-payments/2026/ledger.csv`" in text
        assert "4.6 KiB" in text
        assert "3 other versions" in text


def test_a_refused_click_does_not_change_the_message() -> None:
    record = record_with_status(Status.AWAITING_REVIEW, finding())
    assert render(record.add_refusal(by="U9", reason="may not", now=NOW)) == render(record)
