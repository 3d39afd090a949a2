"""A record as people see it: one function draws every status, first post and update alike."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never
from urllib.parse import quote

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ConfirmObject,
    ContextBlock,
    HeaderBlock,
    MarkdownTextObject,
    SectionBlock,
)

from lambdas.common.finding import Finding
from lambdas.common.record import POLICY, Entry, Record, Status
from lambdas.common.text import code, escaped, human_size, listed

REMEDIATE = "remediate"
RESTORE = "restore"
RETRY = "retry"
OPEN_IN_MACIE = "open_in_macie"

_CONSOLES = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What Slack shows: Block Kit `blocks`, and the same facts as `text` where those do not go."""

    text: str
    blocks: tuple[dict[str, Any], ...]


def render(record: Record) -> Message:
    """Draw `record` as it stands.

    Source: https://docs.slack.dev/reference/block-kit/blocks
    """
    blocks = [block.to_dict() for block in _blocks(record)]
    return Message(text=_fallback(record), blocks=tuple(blocks))


def console_link(finding: Finding) -> str:
    """Answer the address of `finding` in the Macie console of its region and partition.

    Source: https://docs.aws.amazon.com/general/latest/gr/aws-arns-and-namespaces.html (partitions)
    """
    console = _CONSOLES.get(finding.partition, _CONSOLES["aws"])
    finding_id, region = quote(finding.id, safe=""), quote(finding.region, safe="")
    return f"https://{region}.{console}/macie/home?region={region}#findings?itemId={finding_id}"


def _blocks(record: Record) -> Iterator[Block]:
    finding = record.finding
    yield HeaderBlock(text=_headline(record))
    yield SectionBlock(text=_mrkdwn(f"{code(finding.object.uri, 1400)}\n{_what(finding)}"))
    yield SectionBlock(
        fields=[_mrkdwn(f"*{name}*\n{value}") for name, value in _facts(finding).items()]
    )
    yield SectionBlock(text=_mrkdwn(_standing(record)))
    yield ActionsBlock(elements=[*_buttons(record)])
    yield ContextBlock(elements=[_mrkdwn(f"Finding {code(finding.id, 300)} · {_origin(finding)}")])


def _mrkdwn(text: str) -> MarkdownTextObject:
    """Make a text in which Slack finds no links, channels or mentions by itself.

    Source: https://docs.slack.dev/reference/block-kit/composition-objects/text-object
    """
    return MarkdownTextObject(text=text, verbatim=True)


def _fallback(record: Record) -> str:
    """Tell the same in the 4,000 characters that Slack recommends at most.

    Source: https://docs.slack.dev/reference/methods/chat.postMessage#truncating
    """
    finding = record.finding
    facts = [f"{name}: {value}" for name, value in _facts(finding, limit=200).items()]
    lines = [
        _headline(record),
        code(finding.object.uri, 700),
        _what(finding, limit=500),
        *facts,
        _standing(record),
    ]
    return "\n".join(lines)


def _headline(record: Record) -> str:
    sample = "SAMPLE · " if record.finding.is_sample else ""
    return f"{_EMOJI[record.status]} {sample}{_TITLES[record.status]}"


_EMOJI = {
    Status.IGNORED: "⚪",
    Status.AWAITING_REVIEW: "🔎",
    Status.DISMISSED: "⚪",
    Status.REMEDIATING: "⏳",
    Status.QUARANTINED: "🔒",
    Status.CHANGED: "✋",
    Status.NOT_FOUND: "❔",
    Status.FAILED: "❌",
    Status.RESTORING: "⏳",
    Status.RESTORED: "🔓",
}

_TITLES = {
    Status.IGNORED: "Sensitive data found: nothing to be done",
    Status.AWAITING_REVIEW: "Sensitive data found: please decide",
    Status.DISMISSED: "Finding dismissed",
    Status.REMEDIATING: "Remediation in progress",
    Status.QUARANTINED: "Object quarantined",
    Status.CHANGED: "Object changed since the finding: left alone",
    Status.NOT_FOUND: "Nothing to move",
    Status.FAILED: "Remediation failed",
    Status.RESTORING: "Restore in progress",
    Status.RESTORED: "Object restored",
}


def _what(finding: Finding, limit: int = 1200) -> str:
    title, description = escaped(finding.title, 200), escaped(finding.description, limit)
    return f"*{title or 'Sensitive data'}*\n{description}"


def _facts(finding: Finding, limit: int = 1900) -> dict[str, str]:
    tags = (escaped(f"{tag.key}={tag.value}", 400) for tag in finding.bucket_tags)
    found = (f"{escaped(one.name, 200)} × {one.count:,}" for one in finding.detections)
    affected = finding.object
    return {
        "Severity": finding.severity.name if finding.severity else "not given",
        "Type": escaped(finding.type, 200),
        "Account": escaped(finding.account, 50),
        "Region": escaped(finding.region, 50),
        "Detected": listed(found, limit),
        "When": _when(finding.created_at),
        "Size": human_size(affected.size),
        "Public": {True: "*yes, anyone can read it*", False: "no", None: "unknown"}[
            affected.is_public
        ],
        "Encryption": _encryption(finding, limit),
        "Bucket tags": listed(tags, limit),
    }


def _encryption(finding: Finding, limit: int) -> str:
    affected = finding.object
    kind = escaped(affected.encryption or "unknown", 50)
    return f"{kind} {escaped(affected.kms_key, limit - 60)}" if affected.kms_key else kind


def _origin(finding: Finding) -> str:
    if finding.job is None:
        return "automated sensitive data discovery"
    return f"sensitive data discovery job {code(finding.job, 300)}"


def _when(moment: datetime) -> str:
    """Let Slack show `moment` in the reader's own time zone."""
    fallback = moment.strftime("%Y-%m-%d %H:%M %Z").strip()
    return f"<!date^{int(moment.timestamp())}^{{date_short_pretty}} at {{time}}|{fallback}>"


def _who(entry: Entry) -> str:
    return "automatically" if entry.by == POLICY else f"by <@{escaped(entry.by, 50)}>"


def _standing(record: Record) -> str:
    """Say where the record stands, by whom and why."""
    last, who = record.standing, _who(record.decision)
    reason = escaped(last.reason, 500)
    match record.status:
        case Status.AWAITING_REVIEW:
            return f"*Waiting for an approver's decision.* Why: {reason}."
        case Status.IGNORED:
            return f"*Ignored {who}.* Why: {reason}."
        case Status.DISMISSED:
            return f"*Dismissed {who}* {_when(last.at)}. Why: {reason}."
        case Status.REMEDIATING | Status.RESTORING:
            return f"*In progress*, decided {who} {_when(last.at)}."
        case Status.QUARANTINED:
            return _quarantined(record)
        case Status.CHANGED | Status.NOT_FOUND:
            return f"*{reason}* Nothing was moved or deleted. Decided {who}."
        case Status.FAILED:
            return f"*{reason}*\n{escaped(last.advice, 600)}\nDecided {who}."
        case Status.RESTORED:
            return f"*Back in its bucket*, decided {who} {_when(last.at)}."
        case _:
            assert_never(record.status)


def _quarantined(record: Record) -> str:
    last, who = record.standing, _who(record.decision)
    lines = [f"*Quarantined {who}* {_when(last.at)}."]
    for copy in record.copies[:1]:
        place = code(f"s3://{copy.bucket}/{copy.key}", 1200)
        lines.append(f"Now in {place}, {human_size(copy.size)}.")
    if record.other_versions:
        lines.append(f"{record.other_versions:,} other versions of the key remain in the bucket.")
    return "\n".join(lines)


def _buttons(record: Record) -> Iterator[ButtonElement]:
    match record.status:
        case Status.AWAITING_REVIEW:
            text = _consequence(record.finding)
            yield _button(record, REMEDIATE, "Quarantine this object?", text)
        case Status.QUARANTINED:
            text = f"{_name(record)} goes back into its bucket, where it can be read as before."
            yield _button(record, RESTORE, "Restore this object?", text)
        case Status.FAILED:
            text = f"What failed is tried once more with {_name(record)}."
            yield _button(record, RETRY, "Try again?", text)
        case _:
            pass
    yield ButtonElement(
        text="Open in Macie", action_id=OPEN_IN_MACIE, url=console_link(record.finding)
    )


def _button(record: Record, action_id: str, question: str, text: str) -> ButtonElement:
    """Make a button that asks before it acts."""
    label = action_id.capitalize()
    return ButtonElement(
        text=label,
        action_id=action_id,
        value=record.finding.id,
        style="danger",
        confirm=ConfirmObject(
            title=question, text=_mrkdwn(text), confirm=label, deny="Cancel", style="danger"
        ),
    )


def _name(record: Record) -> str:
    return code(record.finding.object.uri, 120)


def _consequence(finding: Finding) -> str:
    if finding.is_sample:
        return "This is a sample finding: there is no object, nothing will be moved."
    name = code(finding.object.uri, 120)
    return (
        f"{name} is moved to the quarantine bucket and deleted from its own. "
        "Whoever reads it there now will no longer find it."
    )
