"""A remediation that failed is not forgotten: another finding on its object is announced."""

from dataclasses import replace

from lambdas.common import clock
from lambdas.common.finding import Finding
from lambdas.common.ledger.record import MessageRef, Record, Status
from lambdas.common.slack.mrkdwn import escape, format_time, inline_code
from lambdas.finding_handler.services import Services


def announce_finding_on_failed(record: Record, finding: Finding, services: Services) -> None:
    """Announce in the channel that `finding` is about the object of `record`, which has failed.

    Where Slack does not accept it, the approvers are reminded of the failure as soon as it does.
    """
    thread = record.message or _digest_message(record, services)
    if thread is None:
        return  # whoever posts the message shows the finding in it
    shown = replace(record, message=thread)
    if not services.notifications.announce_in_channel(shown, _text(record, finding, services)):
        services.ledger.update(record, _remind_now)


def _digest_message(record: Record, services: Services) -> MessageRef | None:
    return services.digests.get(record.digest_id).message if record.digest_id else None


def _text(record: Record, finding: Finding, services: Services) -> str:
    step = "restore" if record.decision.status is Status.RESTORING else "remediation"
    since = format_time(record.latest_transition.at)
    return (
        f"⚠️ {services.approvers.mention()}: Macie has another finding,"
        f" {escape(finding.type, 200)}, on {inline_code(record.finding.object.uri, 500)}."
        f" The {step} of this object failed {since}."
    )


def _remind_now(latest: Record) -> Record:
    is_failed = latest.status is Status.FAILED
    return replace(latest, check_at=clock.now()) if is_failed else latest
