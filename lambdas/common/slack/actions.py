"""What people can do in Slack: buttons and menus of a message, and their ids (steps 4 and 5)."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from slack_sdk.models.blocks import (
    ButtonElement,
    ConfirmObject,
    InteractiveElement,
    Option,
    StaticSelectElement,
)

from lambdas.common.digests.digest import DigestScope
from lambdas.common.finding import Finding
from lambdas.common.ledger.record import Record, Status
from lambdas.common.slack.mrkdwn import inline_code, mrkdwn

REMEDIATE = "remediate"
DISMISS = "dismiss"
REOPEN = "reopen"
RESTORE = "restore"
RETRY = "retry"
OPEN_IN_MACIE = "open_in_macie"

REMEDIATE_ALL = "remediate_all"
DISMISS_ALL = "dismiss_all"
REOPEN_ALL = "reopen_all"
RETRY_ALL = "retry_all"
RESTORE_ALL = "restore_all"
REVIEW_EACH = "review_each"
BULK_ACTIONS = frozenset(
    {REMEDIATE_ALL, DISMISS_ALL, REOPEN_ALL, RETRY_ALL, RESTORE_ALL, REVIEW_EACH}
)
"""What a digest offers, for each of its findings."""

MENUS = frozenset({DISMISS, DISMISS_ALL})
"""Where a person chooses a reason."""

DISMISSALS: Mapping[str, str] = {
    "false_positive": "false positive",
    "accepted_risk": "accepted risk",
    "handled_elsewhere": "handled elsewhere",
}
"""Why a finding may be dismissed, by the option's name."""

_EPOCH, _MILLISECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)
_DIGEST_SEEN = re.compile(r"(?P<milliseconds>[0-9]{1,13})\.(?P<count>[0-9]{1,9})")

_CONSOLES = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}


def action_value(subject_id: str, seen: str) -> str:
    """Return the value of a button: the finding or digest, and what the message shows of it.

    Args:
        subject_id: the id of the finding or digest.
        seen: what the message shows, without spaces: a record's `seen_state`, or what
            `digest_seen` returns.

    Source: https://docs.slack.dev/reference/block-kit/block-elements/button-element
    """
    return f"{subject_id} {seen}"


def parse_action_value(value: str) -> tuple[str, str]:
    """Return the subject's id and what was seen, as `action_value` put them together.

    A value of an earlier version names the subject only; then what was seen is empty.
    """
    subject_id, separator, seen = value.rpartition(" ")
    return (subject_id, seen) if separator else (value, "")


def option_value(choice: str, subject_id: str, seen: str) -> str:
    """Return the value of a menu option: a menu has no value of its own.

    Source: https://docs.slack.dev/reference/block-kit/composition-objects/option-object
    """
    return f"{choice} {action_value(subject_id, seen)}"


def parse_option(value: str) -> tuple[str, str, str]:
    """Return the choice, the subject's id and what was seen, as `option_value` joined them."""
    choice, _, action = value.partition(" ")
    return choice, *parse_action_value(action)


def digest_seen(count: int, *, until: datetime) -> str:
    """Return what a digest shows, for `action_value`: the number of findings in a dialog.

    Args:
        count: how many findings the dialog counts.
        until: when the latest of them reached its status; it is rounded up to a millisecond.
    """
    milliseconds = -((_EPOCH - until) // _MILLISECOND)
    return f"{milliseconds}.{count}"


def parse_digest_seen(seen: str) -> tuple[int, datetime]:
    """Return the count and the time that `digest_seen` put together.

    Raises:
        ValueError: it did not.
    """
    match = _DIGEST_SEEN.fullmatch(seen)
    if match is None:
        raise ValueError("not what a digest shows")
    return int(match["count"]), _EPOCH + int(match["milliseconds"]) * _MILLISECOND


def console_link(finding: Finding) -> str:
    """Return the address of `finding` in the Macie console of its Region and partition.

    Source: https://docs.aws.amazon.com/general/latest/gr/aws-arns-and-namespaces.html (partitions)
    """
    finding_id = quote(finding.id, safe="")
    return f"{_console(finding.partition, finding.region)}#findings?itemId={finding_id}"


def bucket_link(scope: DigestScope) -> str:
    """Return the address of the findings on a digest's bucket in the Macie console."""
    search = quote(f"resourcesAffected.s3Bucket.name={scope.bucket}", safe="")
    console = _console(scope.partition, scope.region)
    return f"{console}#findings?search={search}&macros=current"


def _console(partition: str, region: str) -> str:
    host, name = _CONSOLES.get(partition, _CONSOLES["aws"]), quote(region, safe="")
    return f"https://{name}.{host}/macie/home?region={name}"


def buttons(record: Record) -> Iterator[InteractiveElement]:
    """Yield the actions that the record's status allows, and the link to Macie."""
    match record.status:
        case Status.AWAITING_REVIEW | Status.DRY_RUN:
            text = _consequence(record.finding)
            yield _button(record, REMEDIATE, "Quarantine this object?", text)
            if record.status is Status.AWAITING_REVIEW:
                yield _dismissal(record)
        case Status.DISMISSED:
            text = f"{_name(record)} waits for a decision again."
            yield _button(record, REOPEN, "Reopen this finding?", text)
        case Status.QUARANTINED:
            text = f"{_name(record)} goes back into its bucket, where it can be read as before."
            yield _button(record, RESTORE, "Restore this object?", text)
        case Status.FAILED:
            text = f"The step that failed is tried again with {_name(record)}."
            yield _button(record, RETRY, "Try again?", text)
            if record.decision.status is Status.REMEDIATING:
                yield _dismissal(record)
        case _:
            pass
    yield ButtonElement(
        text="Open in Macie", action_id=OPEN_IN_MACIE, url=console_link(record.finding)
    )


def confirmed_button(
    action_id: str,
    subject_id: str,
    *,
    seen: str,
    label: str,
    question: str,
    text: str,
    style: str | None,
) -> ButtonElement:
    """Create a button about a finding or a digest that asks before it acts.

    `seen` is what the message shows of it, see `action_value`.
    """
    confirm = ConfirmObject(
        title=question, text=mrkdwn(text), confirm=label, deny="Cancel", style=style
    )
    value = action_value(subject_id, seen)
    return ButtonElement(text=label, action_id=action_id, value=value, style=style, confirm=confirm)


def dismissal_menu(
    action_id: str, subject_id: str, *, seen: str, label: str, question: str, text: str
) -> StaticSelectElement:
    """Create a menu of reasons to dismiss a finding or a digest, which asks before it acts.

    `seen` is what the message shows of it, see `action_value`.
    """
    options = [
        Option(text=reason.capitalize(), value=option_value(choice, subject_id, seen))
        for choice, reason in DISMISSALS.items()
    ]
    confirm = ConfirmObject(title=question, text=mrkdwn(text), confirm=label, deny="Cancel")
    return StaticSelectElement(
        placeholder=f"{label} …", action_id=action_id, options=options, confirm=confirm
    )


def _button(record: Record, action_id: str, question: str, text: str) -> ButtonElement:
    return confirmed_button(
        action_id,
        record.finding.id,
        seen=record.seen_state,
        label=action_id.capitalize(),
        question=question,
        text=text,
        style=None if action_id == REOPEN else "danger",
    )


def _dismissal(record: Record) -> StaticSelectElement:
    return dismissal_menu(
        DISMISS,
        record.finding.id,
        seen=record.seen_state,
        label="Dismiss",
        question="Dismiss this finding?",
        text=f"{_name(record)} stays where it is, and can be read as before.",
    )


def _name(record: Record) -> str:
    return inline_code(record.finding.object.uri, 120)


def _consequence(finding: Finding) -> str:
    if finding.is_sample:
        return "This is a sample finding: there is no object, and nothing is moved."
    name = inline_code(finding.object.uri, 120)
    return (
        f"{name} is moved to the quarantine bucket and deleted from its own bucket. "
        "Whoever reads it there now will no longer find it."
    )
