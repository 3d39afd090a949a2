"""What a message offers: each status has its actions, and each asks before it acts."""

from collections.abc import Iterator
from urllib.parse import quote

from slack_sdk.models.blocks import (
    ButtonElement,
    ConfirmObject,
    InteractiveElement,
    Option,
    StaticSelectElement,
)

from lambdas.common.actions import (
    DISMISS,
    DISMISSALS,
    OPEN_IN_MACIE,
    REMEDIATE,
    REOPEN,
    RESTORE,
    RETRY,
    option,
)
from lambdas.common.digest import Subject
from lambdas.common.finding import Finding
from lambdas.common.record import Record, Status
from lambdas.common.text import code
from lambdas.common.wording import mrkdwn

_CONSOLES = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}


def console_link(finding: Finding) -> str:
    """Answer the address of `finding` in the Macie console of its region and partition.

    Source: https://docs.aws.amazon.com/general/latest/gr/aws-arns-and-namespaces.html (partitions)
    """
    finding_id = quote(finding.id, safe="")
    return f"{_console(finding.partition, finding.region)}#findings?itemId={finding_id}"


def bucket_link(subject: Subject) -> str:
    """Answer the address of the findings on the bucket of `subject` in the Macie console."""
    search = quote(f"resourcesAffected.s3Bucket.name={subject.bucket}", safe="")
    console = _console(subject.partition, subject.region)
    return f"{console}#findings?search={search}&macros=current"


def _console(partition: str, region: str) -> str:
    host, name = _CONSOLES.get(partition, _CONSOLES["aws"]), quote(region, safe="")
    return f"https://{name}.{host}/macie/home?region={name}"


def buttons(record: Record) -> Iterator[InteractiveElement]:
    """Offer what can be done where the record stands, and the finding in Macie."""
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
            text = f"What failed is tried once more with {_name(record)}."
            yield _button(record, RETRY, "Try again?", text)
        case _:
            pass
    yield ButtonElement(
        text="Open in Macie", action_id=OPEN_IN_MACIE, url=console_link(record.finding)
    )


def confirmed_button(
    action_id: str, subject_id: str, *, label: str, question: str, text: str, style: str | None
) -> ButtonElement:
    """Make a button about a finding or a digest that asks before it acts."""
    confirm = ConfirmObject(
        title=question, text=mrkdwn(text), confirm=label, deny="Cancel", style=style
    )
    return ButtonElement(
        text=label, action_id=action_id, value=subject_id, style=style, confirm=confirm
    )


def dismissal_menu(
    action_id: str, subject_id: str, *, label: str, question: str, text: str
) -> StaticSelectElement:
    """Make a menu of reasons to dismiss a finding or a digest, which asks before it acts."""
    options = [
        Option(text=reason.capitalize(), value=option(choice, subject_id))
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
        label=action_id.capitalize(),
        question=question,
        text=text,
        style=None if action_id == REOPEN else "danger",
    )


def _dismissal(record: Record) -> StaticSelectElement:
    return dismissal_menu(
        DISMISS,
        record.finding.id,
        label="Dismiss",
        question="Dismiss this finding?",
        text=f"{_name(record)} stays where it is, and can be read as before.",
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
