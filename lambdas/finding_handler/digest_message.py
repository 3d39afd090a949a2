"""A digest as people see it: how many findings, their progress, and what can be done. Pure."""

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

from lambdas.common.digests.digest import BulkAction, Digest
from lambdas.common.ledger.record import IN_PROGRESS, Status
from lambdas.common.slack.actions import (
    DISMISS_ALL,
    OPEN_IN_MACIE,
    REMEDIATE_ALL,
    REOPEN_ALL,
    RESTORE_ALL,
    RETRY_ALL,
    REVIEW_EACH,
    bucket_link,
    confirmed_button,
    digest_seen,
    dismissal_menu,
)
from lambdas.common.slack.messages import Message
from lambdas.common.slack.mrkdwn import (
    escape,
    escape_or_code,
    escape_words,
    format_time,
    inline_code,
    join_within,
    mrkdwn,
    pluralize,
)
from lambdas.finding_handler.digest_counts import DigestCounts

_BAR_LENGTH = 20
_MOST_ACTIONS = 3
_MOST_PROBLEMS = 3
_MOST_NAMES = 10
_STATUSES = {
    Status.AWAITING_REVIEW: "waiting for a decision",
    Status.REMEDIATING: "in progress",
    Status.QUARANTINED: "quarantined",
    Status.FAILED: "failed",
    Status.CHANGED: "changed since the finding",
    Status.NOT_FOUND: "not found",
    Status.DISMISSED: "dismissed",
    Status.DRY_RUN: "would have been moved",
    Status.RESTORING: "being restored",
    Status.RESTORED: "restored",
}
_ACTIONS = {
    REMEDIATE_ALL: "Remediating all waiting findings",
    DISMISS_ALL: "Dismissing all waiting findings",
    REOPEN_ALL: "Reopening all dismissed findings",
    RETRY_ALL: "Retrying all failed findings",
    RESTORE_ALL: "Restoring all quarantined objects",
    REVIEW_EACH: "Posting findings one by one",
}


def render_digest(digest: Digest, counts: DigestCounts) -> Message:
    """Return the message that shows `digest`, whose findings `counts` counts.

    Source: https://docs.slack.dev/reference/block-kit/blocks
    """
    blocks = tuple(block.to_dict() for block in _blocks(digest, counts))
    return Message(text=_text(digest, counts), blocks=blocks)


def _text(digest: Digest, counts: DigestCounts) -> str:
    """Return the message without blocks; names are cut so that 4,000 bytes always hold it."""
    lines = (
        _headline(counts),
        _scope(digest, limit=100),
        f"Severity: {_most_frequent(counts.severities, 100)}",
        f"Most often: {_most_frequent(counts.detections, 200)}",
        _progress(counts),
        *_bulk_actions(digest, limit=60),
        *_problems(counts, limit=100),
    )
    return "\n".join(lines)


def _blocks(digest: Digest, counts: DigestCounts) -> Iterator[Block]:
    yield HeaderBlock(text=_headline(counts))
    yield SectionBlock(text=mrkdwn("\n".join(_facts(digest, counts))))
    if counts.problems:
        yield SectionBlock(text=mrkdwn("\n".join(_problems(counts, limit=900))))
    yield ActionsBlock(elements=[*_elements(digest, counts)])
    since = format_time(digest.scope.opened_at)
    reason = f"Too many findings to post one by one, since {since}. Each has a record of its own."
    yield ContextBlock(elements=[mrkdwn(reason)])


def _headline(counts: DigestCounts) -> str:
    waiting = f": {counts.waiting:,} to be decided" if counts.waiting else ""
    return f"📚 {pluralize(counts.total, 'finding')}{waiting}"


def _facts(digest: Digest, counts: DigestCounts) -> Iterator[str]:
    yield _scope(digest, limit=200)
    yield f"Account {escape(digest.scope.account, 50)}, {escape(digest.scope.region, 50)}"
    yield f"Severity: {_most_frequent(counts.severities, 200)}"
    yield f"Most often: {_most_frequent(counts.detections, 600)}"
    yield _progress(counts)
    yield from _bulk_actions(digest, limit=100)


def _scope(digest: Digest, *, limit: int) -> str:
    bucket = inline_code(f"s3://{digest.scope.bucket}", 100)
    return f"*{escape(digest.scope.type, limit)}* in {bucket}"


def _most_frequent(counter: Counter[str], limit: int) -> str:
    names = counter.most_common(_MOST_NAMES)
    return join_within((f"{escape_or_code(name, 100)} × {count:,}" for name, count in names), limit)


def _progress(counts: DigestCounts) -> str:
    """Return a bar of the findings that need nothing more, and the number of each status."""
    unfinished = sum(counts.statuses[status] for status in {Status.AWAITING_REVIEW, *IN_PROGRESS})
    finished = counts.total - unfinished
    full = _BAR_LENGTH * finished // counts.total if counts.total else 0
    quarantined = counts.statuses[Status.QUARANTINED]
    others = (
        f"{count:,} {name}"
        for status, name in _STATUSES.items()
        if (count := counts.statuses[status]) and status is not Status.QUARANTINED
    )
    numbers = ", ".join((f"{quarantined:,} of {counts.total:,} quarantined", *others))
    return f"{'▰' * full}{'▱' * (_BAR_LENGTH - full)} {numbers}"


def _bulk_actions(digest: Digest, *, limit: int) -> Iterator[str]:
    for action in digest.bulk_actions[-_MOST_ACTIONS:]:
        yield _bulk_action(action, limit)


def _bulk_action(action: BulkAction, limit: int) -> str:
    if action.is_stale:
        state = ": nothing was done, because the findings had changed"
    else:
        state = "" if action.is_done else " …"
    who = f"decided by <@{escape(action.by, 50)}> {format_time(action.at)}"
    # Only a dismissal has a reason that a person gave.
    why = f" Why: {escape(action.reason, limit)}." if action.action == DISMISS_ALL else ""
    return f"{_ACTIONS[action.action]}{state}, {who}.{why}"


def _problems(counts: DigestCounts, *, limit: int) -> Iterator[str]:
    """Yield the most frequent problems, each with what to do about it."""
    for problem, count in counts.problems.most_common(_MOST_PROBLEMS):
        yield f"❌ {count:,} × {escape_words(problem, limit)}"


def _elements(digest: Digest, counts: DigestCounts) -> Iterator[InteractiveElement]:
    if digest.pending is None:
        yield from _decisions(digest, counts)
    yield ButtonElement(
        text="Open in Macie", action_id=OPEN_IN_MACIE, url=bucket_link(digest.scope)
    )


def _decisions(digest: Digest, counts: DigestCounts) -> Iterator[InteractiveElement]:
    if waiting := counts.waiting:
        text = f"{pluralize(waiting, 'object')} will be moved into quarantine, out of the bucket."
        seen = _seen(counts, Status.AWAITING_REVIEW)
        yield _button(digest, REMEDIATE_ALL, "Remediate all", text, seen)
        text = "The next ten are posted here."
        yield _button(digest, REVIEW_EACH, "Review one by one", text, seen)
        yield _dismissal(digest, counts)
    if failed := counts.statuses[Status.FAILED]:
        text = f"The step that failed will be tried again with {pluralize(failed, 'object')}."
        yield _button(digest, RETRY_ALL, "Retry all", text, _seen(counts, Status.FAILED))
    if quarantined := counts.statuses[Status.QUARANTINED]:
        text = f"{pluralize(quarantined, 'object')} will go back, to be read as before."
        seen = _seen(counts, Status.QUARANTINED)
        yield _button(digest, RESTORE_ALL, "Restore all", text, seen)
    if dismissed := counts.statuses[Status.DISMISSED]:
        text = f"{pluralize(dismissed, 'finding')} will wait for a decision again."
        yield _button(digest, REOPEN_ALL, "Reopen all", text, _seen(counts, Status.DISMISSED))


def _seen(counts: DigestCounts, status: Status) -> str:
    return digest_seen(counts.statuses[status], until=counts.latest[status])


def _button(digest: Digest, action_id: str, label: str, text: str, seen: str) -> ButtonElement:
    return confirmed_button(
        action_id,
        digest.id,
        seen=seen,
        label=label,
        question=f"{label}?",
        text=text,
        style=None if action_id in (REVIEW_EACH, REOPEN_ALL) else "danger",
    )


def _dismissal(digest: Digest, counts: DigestCounts) -> StaticSelectElement:
    objects = pluralize(counts.waiting, "object")
    return dismissal_menu(
        DISMISS_ALL,
        digest.id,
        seen=_seen(counts, Status.AWAITING_REVIEW),
        label="Dismiss all",
        question="Dismiss all?",
        text=f"{objects} will stay in the bucket, to be read as before.",
    )
