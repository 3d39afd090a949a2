"""A digest as people see it: how many findings, how far they have come, and what can be done."""

from collections import Counter
from collections.abc import Iterator

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ContextBlock,
    HeaderBlock,
    InteractiveElement,
    SectionBlock,
    StaticSelectElement,
)

from lambdas.common.actions import (
    DISMISS_ALL,
    OPEN_IN_MACIE,
    REMEDIATE_ALL,
    REOPEN_ALL,
    RESTORE_ALL,
    RETRY_ALL,
    REVIEW_EACH,
)
from lambdas.common.buttons import bucket_link, confirmed_button, dismissal_menu
from lambdas.common.digest import Digest, Tally
from lambdas.common.messages import LONGEST_FALLBACK, Message
from lambdas.common.record import Status
from lambdas.common.text import (
    code,
    counted,
    escaped,
    listed,
    literal,
    prose,
    shortest_needed,
)
from lambdas.common.wording import mrkdwn, when

_BAR = 20
_MOST_PROBLEMS = 3
_STANDINGS = {
    Status.AWAITING_REVIEW: "waiting for a decision",
    Status.REMEDIATING: "in progress",
    Status.QUARANTINED: "quarantined",
    Status.FAILED: "failed",
    Status.CHANGED: "changed since",
    Status.NOT_FOUND: "not found",
    Status.DISMISSED: "dismissed",
    Status.DRY_RUN: "would have been moved",
    Status.RESTORING: "being restored",
    Status.RESTORED: "restored",
}
_DOING = {
    REMEDIATE_ALL: "Remediating all that waited",
    DISMISS_ALL: "Dismissing all that waited",
    REOPEN_ALL: "Reopening all that was dismissed",
    RETRY_ALL: "Trying all that failed again",
    RESTORE_ALL: "Restoring all that was quarantined",
    REVIEW_EACH: "Posting some one by one",
}


def render_digest(digest: Digest, tally: Tally) -> Message:
    """Draw `digest`, whose findings `tally` counts.

    Source: https://docs.slack.dev/reference/block-kit/blocks
    """
    blocks = tuple(block.to_dict() for block in _blocks(digest, tally))
    text = shortest_needed(lambda share: _fallback(digest, tally, share), LONGEST_FALLBACK)
    return Message(text=text, blocks=blocks)


def _fallback(digest: Digest, tally: Tally, share: int) -> str:
    lines = (_headline(tally), *_lines(digest, tally, share), *_problems(tally, 400 // share))
    return "\n".join(lines)


def _blocks(digest: Digest, tally: Tally) -> Iterator[Block]:
    yield HeaderBlock(text=_headline(tally))
    yield SectionBlock(text=mrkdwn("\n".join(_lines(digest, tally))))
    if tally.problems:
        yield SectionBlock(text=mrkdwn("\n".join(_problems(tally, 900))))
    yield ActionsBlock(elements=[*_elements(digest, tally)])
    since = when(digest.subject.opened_at)
    yield ContextBlock(
        elements=[mrkdwn(f"Too many to post one by one, since {since}; each has its own record.")]
    )


def _headline(tally: Tally) -> str:
    wait = f": {tally.waiting:,} to be decided" if tally.waiting else ""
    return f"📚 {counted(tally.total, 'finding')}{wait}"


def _lines(digest: Digest, tally: Tally, share: int = 1) -> Iterator[str]:
    subject = digest.subject
    yield f"*{escaped(subject.type, 200 // share)}* in {code(f's3://{subject.bucket}', 100)}"
    yield f"Account {escaped(subject.account, 50)}, {escaped(subject.region, 50)}"
    yield f"Severity: {_most(tally.severities, 200)}"
    yield f"Most often: {_most(tally.detections, 600 // share)}"
    yield f"{_bar(tally)} {_progress(tally)}"
    for order in digest.orders[-3:]:
        state = "" if order.is_done else " …"
        what = f"{_DOING[order.action]}{state}, decided by <@{escaped(order.by, 50)}>"
        # Why somebody pressed a button is not asked, only why they dismiss.
        why = f" Why: {escaped(order.reason, 100)}." if order.action == DISMISS_ALL else ""
        yield f"{what} {when(order.at)}.{why}"


def _problems(tally: Tally, limit: int) -> Iterator[str]:
    """Say why it failed, and what to do about it, for the reasons that most have in common."""
    for problem, count in tally.problems.most_common(_MOST_PROBLEMS):
        yield f"❌ {count:,} × {prose(problem, limit)}"


def _most(counter: Counter[str], limit: int) -> str:
    return listed((f"{literal(name, 100)} × {n:,}" for name, n in counter.most_common(10)), limit)


def _bar(tally: Tally) -> str:
    """Draw how many have come to an end, whichever."""
    open_ones = {Status.AWAITING_REVIEW, Status.REMEDIATING, Status.RESTORING}
    left = sum(tally.statuses[status] for status in open_ones)
    full = _BAR * (tally.total - left) // tally.total if tally.total else 0
    return "▰" * full + "▱" * (_BAR - full)


def _progress(tally: Tally) -> str:
    quarantined = f"{tally.statuses[Status.QUARANTINED]:,} of {tally.total:,} quarantined"
    others = (
        f"{count:,} {_STANDINGS[status]}"
        for status in _STANDINGS
        if (count := tally.statuses[status]) and status is not Status.QUARANTINED
    )
    return ", ".join((quarantined, *others))


def _elements(digest: Digest, tally: Tally) -> Iterator[InteractiveElement]:
    if digest.pending is None:
        yield from _decisions(digest, tally)
    yield ButtonElement(
        text="Open in Macie", action_id=OPEN_IN_MACIE, url=bucket_link(digest.subject)
    )


def _decisions(digest: Digest, tally: Tally) -> Iterator[InteractiveElement]:
    if waiting := tally.waiting:
        text = f"{counted(waiting, 'object')} will be moved into quarantine, out of the bucket."
        yield _button(digest, REMEDIATE_ALL, "Remediate all", text)
        yield _button(digest, REVIEW_EACH, "Review one by one", "The next ten are posted here.")
        yield _dismissal(digest, tally)
    if failed := tally.statuses[Status.FAILED]:
        text = f"What failed will be tried once more with {counted(failed, 'object')}."
        yield _button(digest, RETRY_ALL, "Retry all", text)
    if quarantined := tally.statuses[Status.QUARANTINED]:
        text = f"{counted(quarantined, 'object')} will go back, to be read as before."
        yield _button(digest, RESTORE_ALL, "Restore all", text)
    if dismissed := tally.statuses[Status.DISMISSED]:
        text = f"{counted(dismissed, 'finding')} will wait for a decision again."
        yield _button(digest, REOPEN_ALL, "Reopen all", text)


def _button(digest: Digest, action_id: str, label: str, text: str) -> ButtonElement:
    return confirmed_button(
        action_id,
        digest.id,
        label=label,
        question=f"{label}?",
        text=text,
        style=None if action_id in (REVIEW_EACH, REOPEN_ALL) else "danger",
    )


def _dismissal(digest: Digest, tally: Tally) -> StaticSelectElement:
    return dismissal_menu(
        DISMISS_ALL,
        digest.id,
        label="Dismiss all",
        question="Dismiss all?",
        text=f"{counted(tally.waiting, 'object')} will stay in the bucket, to be read as before.",
    )
