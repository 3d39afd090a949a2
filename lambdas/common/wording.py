"""What a message says of where a record stands, by whom it was brought there, and why."""

from datetime import datetime
from typing import assert_never

from slack_sdk.models.blocks import MarkdownTextObject

from lambdas.common.record import POLICY, Entry, Record, Status
from lambdas.common.text import code, escaped, human_size, prose


def mrkdwn(text: str) -> MarkdownTextObject:
    """Make a text in which Slack finds no links, channels or mentions by itself.

    Source: https://docs.slack.dev/reference/block-kit/composition-objects/text-object
    """
    return MarkdownTextObject(text=text, verbatim=True)


def headline(record: Record) -> str:
    """Say in a line where the record stands."""
    sample = "SAMPLE · " if record.finding.is_sample else ""
    is_failed_restore = (
        record.status is Status.FAILED and record.decision.status is Status.RESTORING
    )
    title = "Restore failed" if is_failed_restore else _TITLES[record.status]
    return f"{_EMOJI[record.status]} {sample}{title}"


_EMOJI = {
    Status.IGNORED: "⚪",
    Status.AWAITING_REVIEW: "🔎",
    Status.DISMISSED: "⚪",
    Status.JOINED: "🔗",
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
    Status.IGNORED: "Sensitive data found: nothing to be done",
    Status.AWAITING_REVIEW: "Sensitive data found: please decide",
    Status.DISMISSED: "Finding dismissed",
    Status.JOINED: "Told with another finding",
    Status.REMEDIATING: "Remediation in progress",
    Status.QUARANTINED: "Object quarantined",
    Status.CHANGED: "Object changed since the finding: left alone",
    Status.NOT_FOUND: "Nothing to move",
    Status.FAILED: "Remediation failed",
    Status.DRY_RUN: "Dry run: nothing was moved",
    Status.RESTORING: "Restore in progress",
    Status.RESTORED: "Object restored",
}


def when(moment: datetime) -> str:
    """Let Slack show `moment` in the reader's own time zone."""
    fallback = moment.strftime("%Y-%m-%d %H:%M %Z").strip()
    return f"<!date^{int(moment.timestamp())}^{{date_short_pretty}} at {{time}}|{fallback}>"


def _who(entry: Entry) -> str:
    return "automatically" if entry.by == POLICY else f"by <@{escaped(entry.by, 50)}>"


def standing(record: Record, limit: int = 1200) -> str:
    """Say where the record stands, by whom and why; no piece of it is longer than `limit`."""
    last, who = record.standing, _who(record.decision)
    reason = prose(last.reason, min(500, limit))
    match record.status:
        case Status.AWAITING_REVIEW:
            again = "" if last is record.history[0] else f" Reopened {who} {when(last.at)}."
            # The reason of who pressed Reopen is that they did.
            why = f" Why: {reason}." if last.by == POLICY else ""
            return f"*Waiting for an approver's decision.*{again}{why}"
        case Status.IGNORED | Status.JOINED:
            return f"*Nothing is done about this one.* Why: {reason}."
        case Status.DISMISSED:
            return f"*Dismissed {who}* {when(last.at)}. Why: {reason}."
        case Status.REMEDIATING | Status.RESTORING:
            return f"*In progress*, decided {who} {when(last.at)}."
        case Status.QUARANTINED:
            return _quarantined(record, limit)
        case Status.CHANGED | Status.NOT_FOUND:
            return f"*{reason}* Nothing was moved or deleted. Decided {who}."
        case Status.FAILED | Status.DRY_RUN:
            return f"*{reason}*\n{prose(last.advice, min(600, limit))}\nDecided {who}."
        case Status.RESTORED:
            rest = f" {escaped(last.advice, 600)}" if last.advice else ""
            return f"*Back in its bucket*, decided {who} {when(last.at)}.{rest}"
        case _:
            assert_never(record.status)


def _quarantined(record: Record, limit: int) -> str:
    last, who = record.standing, _who(record.decision)
    lines = [f"*Quarantined {who}* {when(last.at)}."]
    for copy in record.copies[:1]:
        place = code(f"s3://{copy.bucket}/{copy.key}", limit)
        count = f"{len(record.copies):,} versions, " if len(record.copies) > 1 else ""
        lines.append(
            f"Now in {place}, {count}{human_size(sum(one.size for one in record.copies))}."
        )
    if record.other_versions:
        remain = "version remains" if record.other_versions == 1 else "versions remain"
        lines.append(f"{record.other_versions:,} other {remain} in the bucket under this key.")
    return "\n".join(lines)


def reminder(record: Record, approvers: str) -> str:
    """Remind `approvers`, named in mrkdwn, of a finding that waits for them."""
    return f"⏰ {approvers}: this has waited for a decision since {when(record.standing.at)}."
