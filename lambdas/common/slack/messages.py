"""A record as people see it: one function renders every status, for the first post and updates."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, assert_never

from slack_sdk.models.blocks import ActionsBlock, Block, ContextBlock, HeaderBlock, SectionBlock

from lambdas.common.finding import Detection, Finding
from lambdas.common.ledger.record import POLICY, DuplicateFinding, Record, Status, Transition
from lambdas.common.slack.actions import buttons
from lambdas.common.slack.mrkdwn import (
    escape,
    escape_or_code,
    escape_words,
    format_time,
    human_size,
    inline_code,
    join_within,
    mrkdwn,
    pluralize,
)

MOST_TEXT_BYTES = 4000
"""The longest `text` that chat.update accepts, in bytes to be safe.

Source: https://docs.slack.dev/reference/methods/chat.update
"""

_EMOJI = {
    Status.IGNORED: "⚪",
    Status.AWAITING_REVIEW: "🔎",
    Status.DISMISSED: "⚪",
    Status.DUPLICATE: "🔗",
    Status.REMEDIATING: "⏳",
    Status.QUARANTINED: "🔒",
    Status.CHANGED: "✋",
    Status.NOT_FOUND: "❔",
    Status.FAILED: "❌",
    Status.DRY_RUN: "🧪",
    Status.RESTORING: "⏳",
    Status.RESTORED: "🔓",
}

_TITLES = {
    Status.IGNORED: "Sensitive data found: nothing to do",
    Status.AWAITING_REVIEW: "Sensitive data found: please decide",
    Status.DISMISSED: "Finding dismissed",
    Status.DUPLICATE: "Shown with another finding",
    Status.REMEDIATING: "Remediation in progress",
    Status.QUARANTINED: "Object quarantined",
    Status.CHANGED: "Object changed since the finding: not moved",
    Status.NOT_FOUND: "Nothing to move",
    Status.FAILED: "Remediation failed",
    Status.DRY_RUN: "Dry run: nothing was moved",
    Status.RESTORING: "Restore in progress",
    Status.RESTORED: "Object restored",
}


_CHOICES = {
    Status.REMEDIATING: "Please press Retry, or dismiss the finding.",
    Status.RESTORING: "Please press Retry.",
}
"""What to do about a step that failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What Slack shows: Block Kit `blocks`, and `text` for notifications and screen readers."""

    text: str
    blocks: tuple[dict[str, Any], ...]


def render(record: Record) -> Message:
    """Return the message that shows `record` in its current status.

    Source: https://docs.slack.dev/reference/block-kit/blocks
    """
    blocks = tuple(block.to_dict() for block in _blocks(record))
    return Message(text=_text(record), blocks=blocks)


def reminder(record: Record, approvers: str) -> str:
    """Return a reminder of a finding that waits; `approvers` are mentions, in mrkdwn."""
    since = format_time(record.latest_transition.at)
    if record.status is Status.FAILED:
        return f"⏰ {approvers}: {_failed_step(record)} failed {since}. {_CHOICES[_failed(record)]}"
    return f"⏰ {approvers}: this finding has waited for a decision since {since}."


def failure(record: Record) -> str:
    """Return what to say in the thread about a step that failed, in mrkdwn."""
    reason = escape_words(record.latest_transition.reason, 500)
    return f"{_failed_step(record)} failed: {reason} {_CHOICES[_failed(record)]}"


def _text(record: Record) -> str:
    lines = (
        _headline(record),
        inline_code(record.finding.object.uri, 500),
        _status(record, limit=250),
    )
    return "\n".join(lines)


def _blocks(record: Record) -> Iterator[Block]:
    finding = record.finding
    yield HeaderBlock(text=_headline(record))
    yield SectionBlock(text=mrkdwn(f"{inline_code(finding.object.uri, 1400)}\n{_title(finding)}"))
    yield SectionBlock(
        fields=[mrkdwn(f"*{name}*\n{value}") for name, value in _facts(finding).items()]
    )
    if record.duplicates:
        yield SectionBlock(text=mrkdwn(_also_found(record.duplicates)))
    yield SectionBlock(text=mrkdwn(_status(record)))
    yield ActionsBlock(elements=[*buttons(record)])
    source = f"Finding {inline_code(finding.id, 300)} · {_origin(finding)}"
    yield ContextBlock(elements=[mrkdwn(source)])


def _headline(record: Record) -> str:
    sample = "SAMPLE · " if record.finding.is_sample else ""
    is_failed_restore = record.status is Status.FAILED and _failed(record) is Status.RESTORING
    title = "Restore failed" if is_failed_restore else _TITLES[record.status]
    return f"{_EMOJI[record.status]} {sample}{title}"


def _title(finding: Finding) -> str:
    title = escape_or_code(finding.title, 200) or "Sensitive data"
    return f"*{title}*\n{escape_or_code(finding.description, 1200)}"


def _facts(finding: Finding) -> dict[str, str]:
    tags = (escape_or_code(f"{tag.key}={tag.value}", 400) for tag in finding.bucket_tags)
    affected = finding.object
    return {
        "Severity": finding.severity.name if finding.severity else "not given",
        "Type": escape(finding.type, 200),
        "Account": escape(finding.account, 50),
        "Region": escape(finding.region, 50),
        "Detected": _detected(finding.detections, 800),
        "When": format_time(finding.created_at),
        "Size": human_size(affected.size),
        "Public": {True: "*yes, anyone can read it*", False: "no", None: "unknown"}[
            affected.is_public
        ],
        "Encryption": _encryption(finding),
        "Bucket tags": join_within(tags, 800),
    }


def _detected(detections: Iterable[Detection], limit: int) -> str:
    texts = (
        f"{escape_or_code(detection.name, 200)} × {detection.count:,}" for detection in detections
    )
    return join_within(texts, limit)


def _also_found(duplicates: tuple[DuplicateFinding, ...]) -> str:
    """Describe what else Macie found in the object; one decision covers all of it."""
    findings = (
        f"{escape(finding.type, 100)} ({finding.severity.name if finding.severity else 'no severity'}):"  # noqa: E501 - the line is one sentence
        f" {_detected(finding.detections, 300)}"
        for finding in reversed(duplicates)
    )
    return f"*Also found in this object:* {join_within(findings, 1200)}"


def _encryption(finding: Finding) -> str:
    affected = finding.object
    kind = escape(affected.encryption or "unknown", 50)
    return f"{kind} {escape_or_code(affected.kms_key, 800)}" if affected.kms_key else kind


def _origin(finding: Finding) -> str:
    if finding.job is None:
        return "automated sensitive data discovery"
    return f"sensitive data discovery job {inline_code(finding.job, 300)}"


def _status(record: Record, limit: int = 1200) -> str:
    """Describe the status, by whom and why; no part of it is longer than `limit` characters."""
    latest, who = record.latest_transition, _who(record.decision)
    reason = escape_words(latest.reason, min(500, limit))
    when = format_time(latest.at)
    match record.status:
        case Status.AWAITING_REVIEW:
            return f"*Waiting for an approver's decision.*{_history(record, reason)}"
        case Status.IGNORED | Status.DUPLICATE:
            return f"*Nothing is done about this finding.* Why: {reason}."
        case Status.DISMISSED:
            return f"*Dismissed {who}* {when}. Why: {reason}.{_kept(record)}"
        case Status.REMEDIATING | Status.RESTORING:
            return f"*In progress*, decided {who} {when}."
        case Status.QUARANTINED:
            return _quarantined(record, limit)
        case Status.CHANGED | Status.NOT_FOUND:
            return f"*{reason}* Nothing was moved or deleted. Decided {who}."
        case Status.DRY_RUN:
            return f"*{reason}*\n{_advice(record, limit)}\nDecided {who}."
        case Status.FAILED:
            attempts = pluralize(record.attempts, "attempt")
            result = f"Failed {when}, after {attempts}. Decided {who}."
            return f"*{reason}*\n{_advice(record, limit)}\n{result}"
        case Status.RESTORED:
            missing = f" {escape(latest.advice, min(600, limit))}" if latest.advice else ""
            return f"*Back in its bucket*, decided {who} {when}.{missing}{_kept(record)}"
        case _:
            assert_never(record.status)


def _advice(record: Record, limit: int) -> str:
    return escape_words(record.latest_transition.advice, min(900, limit))


def _failed(record: Record) -> Status:
    """Return the status whose step failed."""
    is_restore = record.decision.status is Status.RESTORING
    return Status.RESTORING if is_restore else Status.REMEDIATING


def _failed_step(record: Record) -> str:
    is_restore = _failed(record) is Status.RESTORING
    return "the restore" if is_restore else "the remediation"


def _kept(record: Record) -> str:
    """Describe what stays in quarantine of an object that is in its bucket, and until when."""
    if not record.copies:
        return ""
    copies = "copy is" if len(record.copies) == 1 else f"{len(record.copies):,} copies are"
    until = format_time(record.check_at) if record.check_at else None
    is_deleted = record.status is Status.RESTORED and until
    return f" The {copies} kept in quarantine{f' until {until}' if is_deleted else ''}."


def _history(record: Record, reason: str) -> str:
    """Describe why a finding waits: who reopened it, or what the remediation policy says."""
    latest = record.latest_transition
    is_first = latest is record.history[0]
    reopened = "" if is_first else f" Reopened {_who(latest)} {format_time(latest.at)}."
    # A person who presses Reopen gives no reason.
    why = f" Why: {reason}." if latest.by == POLICY else ""
    return f"{reopened}{why}"


def _quarantined(record: Record, limit: int) -> str:
    latest = record.latest_transition
    lines = [f"*Quarantined {_who(record.decision)}* {format_time(latest.at)}."]
    for copy in record.copies[:1]:
        uri = inline_code(f"s3://{copy.bucket}/{copy.key}", limit)
        count = f"{len(record.copies):,} versions, " if len(record.copies) > 1 else ""
        size = human_size(sum(copy.size for copy in record.copies))
        lines.append(f"Now in {uri}, {count}{size}.")
    if record.other_versions:
        remain = "version remains" if record.other_versions == 1 else "versions remain"
        lines.append(f"{record.other_versions:,} other {remain} in the bucket under this key.")
    return "\n".join(lines)


def _who(transition: Transition) -> str:
    return "automatically" if transition.by == POLICY else f"by <@{escape(transition.by, 50)}>"
