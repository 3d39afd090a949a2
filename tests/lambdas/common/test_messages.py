"""Every record has a message: within Slack's limits, with every fact, and hostile to nobody."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambdas.common.actions import DISMISS, OPEN_IN_MACIE, REMEDIATE, REOPEN, RESTORE, RETRY
from lambdas.common.buttons import console_link
from lambdas.common.finding import Detection, Finding, Tag
from lambdas.common.messages import Message, render
from lambdas.common.record import (
    POLICY,
    REMEDIATOR,
    JoinedFinding,
    QuarantinedCopy,
    Record,
    Status,
)
from lambdas.remediator.refusals import undecryptable
from local.slack.block_kit import problems, texts
from tests.lambdas.events import CLASSIFICATION, finding
from tests.lambdas.strategies import record_at, records

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
# What our own markup may be: a mention of who decided, a date, in mrkdwn's angle brackets.
_OURS = re.compile(r"<@[UW][0-9A-Z]+>|<!date\^\d+\^\{date_short_pretty\} at \{time\}\|[^<>]+>")


def body(message: Message) -> dict[str, Any]:
    return {"text": message.text, "blocks": list(message.blocks)}


def shown(message: Message) -> str:
    """Everything the blocks say."""
    return "\n".join(text["text"] for text in texts(list(message.blocks)))


@settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
@given(record=records())
def test_every_message_keeps_within_slacks_limits_and_lets_no_finding_write_markup(
    record: Record,
) -> None:
    message = render(record)
    assert message.blocks
    assert problems(body(message)) == []
    for text in [message.text, *(one["text"] for one in texts(list(message.blocks)))]:
        rest = _OURS.sub("", text)
        assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", rest)
        assert not re.search("[\u202e\u2066\u200b\ufeff\x00\x1b]", text)


@pytest.mark.parametrize("status", Status)
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_status_keeps_within_slacks_limits(status: Status, data: st.DataObject) -> None:
    assert problems(body(render(data.draw(records(status))))) == []


def fullest(status: Status, char: str) -> Record:
    """Make a record in which everything is as long as it can be."""
    on = finding(title=char * 500, description=char * 5000)
    affected = replace(
        on.object,
        bucket="b" * 63,
        key=(char * 1024).encode()[:1024].decode(errors="ignore"),
        kms_key="k" * 300,
    )
    found = tuple(Detection(name=f"{char * 100}{number}", count=10**9) for number in range(200))
    tags = tuple(Tag(key=char * 50, value=f"{number}") for number in range(50))
    on = replace(on, object=affected, detections=found, bucket_tags=tags)
    copy = replace(COPY, bucket="q" * 63, key=affected.key)
    record = record_at(status, on)
    last = replace(record.history[-1], reason=char * 600, advice=char * 700)
    return replace(
        record,
        history=(*record.history[:-1], last),
        copies=(copy, copy),
        other_versions=10**6,
        joined=(JoinedFinding.of(on),) * 20,
    )


@pytest.mark.parametrize("char", ["x", "&", "漢", "👋", "*"])
@pytest.mark.parametrize("status", Status)
def test_where_everything_is_long_slack_takes_it_and_no_fact_is_left_out(
    status: Status, char: str
) -> None:
    record = fullest(status, char)
    message = render(record)
    assert problems(body(message)) == []
    for text in (shown(message), message.text):
        for fact in ("Severity", "Detected", "Encryption", "Bucket tags", "Also found", "s3://bbb"):
            assert fact in text


@pytest.mark.parametrize("status", Status)
def test_slack_finds_no_links_channels_and_mentions_by_itself(status: Status) -> None:
    """Bare addresses, #channels and @mentions become such, unless a text is verbatim.

    https://docs.slack.dev/reference/block-kit/composition-objects/text-object
    """
    for text in texts(list(render(record_at(status, finding())).blocks)):
        assert text["type"] == "plain_text" or text["verbatim"] is True


@pytest.mark.parametrize("name", CLASSIFICATION)
def test_the_message_tells_every_fact_in_blocks_and_in_the_fallback(name: str) -> None:
    on = finding(name)
    message = render(record_at(Status.AWAITING_REVIEW, on))
    for text in (shown(message), message.text):
        assert on.account in text
        assert on.region in text
        assert on.object.bucket in text
        assert on.type in text
        assert on.title in text
        assert on.description in text
        assert on.severity is not None
        assert on.severity.name in text
        assert on.object.encryption is not None
        assert on.object.encryption in text
        assert f"<!date^{int(on.created_at.timestamp())}^" in text
        for tag in on.bucket_tags:
            assert f"{tag.key}={tag.value}" in text
        for detection in on.detections:
            assert f"{detection.name} × {detection.count:,}" in text
    assert on.id in shown(message)


def test_the_object_is_named_so_that_it_can_be_found() -> None:
    on = finding("personal-medium-versioned-unicode.json")
    message = render(record_at(Status.AWAITING_REVIEW, on))
    assert f"`s3://{on.object.bucket}/{on.object.key}`" in shown(message)
    assert f"`s3://{on.object.bucket}/{on.object.key}`" in message.text


KMS_KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def test_a_key_is_no_emoji() -> None:
    """Many workspaces have an emoji of their own that is called aws."""
    on = finding()
    encrypted = replace(on, object=replace(on.object, encryption="aws:kms", kms_key=KMS_KEY))
    failed = record_at(Status.FAILED, encrypted)
    refusal = undecryptable("acme", KMS_KEY)
    last = replace(failed.history[-1], reason=str(refusal), advice=refusal.advice)
    message = render(replace(failed, history=(*failed.history[:-1], last)))
    for text in (shown(message), message.text):
        assert KMS_KEY in text
        assert not re.search(r":[a-z0-9]+:", re.sub("`[^`]*`", "", _OURS.sub("", text)))


def test_a_public_object_is_called_so() -> None:
    on = finding("multiple-high-public.json")
    assert on.object.is_public
    assert "anyone can read it" in shown(render(record_at(Status.AWAITING_REVIEW, on)))


@pytest.mark.parametrize("status", Status)
def test_a_sample_is_labelled_in_every_status(status: Status) -> None:
    message = render(record_at(status, finding("sample-financial.json")))
    assert "SAMPLE" in message.blocks[0]["text"]["text"]
    assert "SAMPLE" in message.text


def test_no_other_finding_is_labelled_as_a_sample() -> None:
    assert "SAMPLE" not in json.dumps(body(render(record_at(Status.FAILED, finding()))))


BUTTONS = {
    Status.AWAITING_REVIEW: [REMEDIATE, DISMISS],
    Status.DISMISSED: [REOPEN],
    Status.QUARANTINED: [RESTORE],
    Status.FAILED: [RETRY],
    Status.DRY_RUN: [REMEDIATE],
}


def buttons(record: Record) -> list[dict[str, Any]]:
    return [
        element
        for block in render(record).blocks
        if block["type"] == "actions"
        for element in block["elements"]
    ]


@pytest.mark.parametrize("status", Status)
def test_each_status_offers_what_can_be_done_and_always_the_console(status: Status) -> None:
    offered = [one["action_id"] for one in buttons(record_at(status, finding()))]
    assert offered == [*BUTTONS.get(status, []), OPEN_IN_MACIE]


@pytest.mark.parametrize("status", BUTTONS)
def test_what_acts_asks_first_and_names_the_object(status: Status) -> None:
    on = finding()
    for element in buttons(record_at(status, on))[:-1]:
        assert on.object.uri in element["confirm"]["text"]["text"]
        if element["type"] == "button":
            assert element["value"] == on.id
            style = None if status is Status.DISMISSED else "danger"
            assert element.get("style") == element["confirm"].get("style") == style


def test_a_finding_is_dismissed_for_one_of_three_reasons() -> None:
    (menu,) = (
        one
        for one in buttons(record_at(Status.AWAITING_REVIEW, finding()))
        if one["action_id"] == DISMISS
    )
    assert [one["text"]["text"] for one in menu["options"]] == [
        "False positive",
        "Accepted risk",
        "Handled elsewhere",
    ]
    assert all(one["value"].endswith(f" {finding().id}") for one in menu["options"])


def test_the_button_of_a_sample_says_that_nothing_will_be_moved() -> None:
    sample = record_at(Status.AWAITING_REVIEW, finding("sample-financial.json"))
    (remediate, _, _) = buttons(sample)
    assert "nothing will be moved" in remediate["confirm"]["text"]["text"]


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
    on = finding(partition=partition, region=region)
    assert console_link(on).startswith(start)
    assert console_link(on).endswith(f"#findings?itemId={on.id}")


def test_an_id_cannot_change_where_the_console_link_leads() -> None:
    link = console_link(finding(id="a b&c#d/../e", region="evil.example/"))
    assert link.startswith("https://evil.example%2F.console.aws.amazon.com/macie/home?")
    assert link.endswith("#findings?itemId=a%20b%26c%23d%2F..%2Fe")


def decided(on: Finding, *, by: str) -> Record:
    if by == POLICY:
        return Record.opened(on, Status.REMEDIATING, reason="configured", now=NOW)
    record = record_at(Status.AWAITING_REVIEW, on)
    return record.with_status(Status.REMEDIATING, by=by, reason="remediate in Slack", now=NOW)


WHO = [("U0APPROVER", "by <@U0APPROVER>"), (POLICY, "automatically")]


@pytest.mark.parametrize(("by", "expected"), WHO, ids=["a person", "the policy"])
@pytest.mark.parametrize(
    "status", [None, Status.QUARANTINED, Status.CHANGED, Status.NOT_FOUND, Status.FAILED]
)
def test_the_message_says_who_decided(by: str, expected: str, status: Status | None) -> None:
    record = decided(finding(), by=by)
    if status is not None:
        record = record.with_status(
            status, by=REMEDIATOR, reason="so it is", now=NOW, advice="Do it."
        )
    message = render(record)
    assert expected in shown(message)
    assert expected in message.text


def test_a_failure_says_why_and_what_to_do() -> None:
    record = decided(finding(), by="U1").with_status(
        Status.FAILED, by=REMEDIATOR, reason="S3 denied it.", advice="Ask <them>.", now=NOW
    )
    for text in (shown(render(record)), render(record).text):
        assert "S3 denied it." in text
        assert "Ask &lt;them&gt;." in text


def test_a_quarantined_object_is_said_to_lie_where_it_lies() -> None:
    record = decided(finding(), by="U1").with_status(
        Status.QUARANTINED,
        by=REMEDIATOR,
        reason="The object is in quarantine.",
        now=NOW,
        copies=(COPY,),
        other_versions=3,
    )
    for text in (shown(render(record)), render(record).text):
        assert "`s3://acme-quarantine/acme-payments/2026/ledger.csv`" in text
        assert "4.6 KiB" in text
        assert "3 other versions" in text


def test_a_refused_click_does_not_change_the_message() -> None:
    record = record_at(Status.AWAITING_REVIEW, finding())
    assert render(record.refused(by="U9", reason="may not", now=NOW)) == render(record)
