"""Every minute: start the remediator again, update digests, notify people and remind them."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from lambdas.common import clock
from lambdas.common.dispatch import RemediationRequest, enqueue_remediation, enqueue_task_run
from lambdas.common.ledger.record import IN_PROGRESS, REMEDIATOR, Record, Status
from lambdas.common.ledger.table import ConflictError, query, update, write
from lambdas.common.slack.channel import SlackUnavailableError
from lambdas.common.slack.messages import reminder
from lambdas.finding_handler.digest_queries import due_digests
from lambdas.finding_handler.digest_updates import update_digest
from lambdas.finding_handler.services import Services

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

logger = Logger()

_RETRY_AFTER = timedelta(minutes=5)
_RESTART_AFTER = timedelta(minutes=20)
_LONGEST_REMEDIATION = timedelta(hours=2)
_SCHEDULE_INTERVAL = timedelta(minutes=1)
_MOST_FAILURES = 10
_NEXT_RUN_ID = "tasks#next_run"
_UNFINISHED = "The remediator did not finish, however often it was started."
_ADVICE = "See its log and its dead-letter queue, as docs/runbook.md says; then press Retry."

_FOR_REMEDIATOR = IN_PROGRESS | {Status.RESTORED}
_FOR_APPROVERS = frozenset({Status.AWAITING_REVIEW, Status.FAILED})

_Task = Callable[[str, Services, datetime], bool]
"""Does what is due about the finding or digest with an id; returns False to end the run."""


class _NotDueError(Exception):
    """Another run was faster."""


def run_due_tasks(services: Services, *, until: datetime) -> int:
    """Do what is due, the most urgent first, until `until` or until Slack asks for a pause.

    Returns:
        How many findings and digests were processed; the next run processes the others.

    Raises:
        ExceptionGroup: some failed; those behind them were processed all the same.
    """
    processed, failures = 0, list[Exception]()
    for task, subject_id in _due_tasks(services, clock.now()):
        if not _run(task, subject_id, services, until, failures):
            if not failures:
                _schedule_next_run(services)
            break
        processed += 1
    if failures:
        raise ExceptionGroup("not all due tasks succeeded", failures)
    return processed


def due_remediations(table: "Table", now: datetime) -> Iterator[str]:
    """Yield the ids of the findings for which the remediator has work to do, the oldest first.

    They have been in progress for too long, or the copies that their restore has kept expire.
    """
    return _due(table, "REMEDIATION", now)


def due_notifications(table: "Table", now: datetime) -> Iterator[str]:
    """Yield the ids of the findings of which people are to be notified, the oldest first."""
    return _due(table, "NOTIFICATION", now)


def reserve_next_run(table: "Table", now: datetime, wait: timedelta) -> bool:
    """Reserve the run after `wait`; return False if another run has done so already."""
    at = math.ceil((now + wait).timestamp())
    reservation = update(
        _NEXT_RUN_ID,
        "SET next_run_at = :at",
        only_if="attribute_not_exists(next_run_at) OR next_run_at <= :now",
        at=at,
        now=int(now.timestamp()),
    )
    return not write(table, reservation)


def _due(table: "Table", due_for: str, now: datetime) -> Iterator[str]:
    condition = "due_for = :due_for AND due_at <= :now"
    moment = int(now.timestamp())
    items = query(table, "byDueTime", condition, due_for=due_for, now=moment)
    return (item["id"] for item in items)


def _due_tasks(services: Services, now: datetime) -> Iterator[tuple[_Task, str]]:
    table = services.ledger.table
    # Remediations come first: they do not need Slack, which may be unavailable for a day.
    yield from ((_process_finding, finding_id) for finding_id in due_remediations(table, now))
    yield from ((_process_digest, digest_id) for digest_id in due_digests(table, now))
    yield from ((_process_finding, finding_id) for finding_id in due_notifications(table, now))


def _run(
    task: _Task,
    subject_id: str,
    services: Services,
    until: datetime,
    failures: list[Exception],
) -> bool:
    """Run a task, add its error to `failures`, and return whether the next task may run."""
    try:
        with logger.append_context_keys(finding_id=subject_id):
            return clock.now() < until and task(subject_id, services, until)
    except Exception as error:  # noqa: BLE001 - run_due_tasks raises it
        error.add_note(f"while processing {subject_id}")
        failures.append(error)
        return len(failures) < _MOST_FAILURES


def _schedule_next_run(services: Services) -> None:
    """Queue a run for when Slack allows it, if that is before the next scheduled run."""
    wait = services.channel.retry_after
    is_soon = wait < _SCHEDULE_INTERVAL
    if is_soon and reserve_next_run(services.ledger.table, clock.now(), wait):
        enqueue_task_run(services.task_queue, delay=wait)


def _process_digest(digest_id: str, services: Services, until: datetime) -> bool:
    # It is postponed first, so that a digest that fails does not keep the others waiting.
    services.digests.postpone(digest_id, until=clock.now() + _RETRY_AFTER)
    return update_digest(digest_id, services, until=until)


def _process_finding(finding_id: str, services: Services, _: datetime) -> bool:
    """Do what is due about the finding; return whether Slack accepted it."""
    try:
        before = services.ledger.get(finding_id)
        record = services.ledger.update(before, lambda latest: _reserve(latest, services))
        if record.notify_at is not None:
            return services.notifications.notify(record)
        if record.status is not before.status:
            return _show_failure(record, services)
        if record.status not in _FOR_REMEDIATOR:
            return _remind(record, services)
        request = RemediationRequest(finding_id=finding_id)
        enqueue_remediation(services.remediation_queue, request)
    except (_NotDueError, ConflictError):
        pass  # another invocation does it
    return True


def _reserve(record: Record, services: Services) -> Record:
    """Postpone what is due, so that two runs do it once, and a run that dies has it done again."""
    now = clock.now()
    if record.due_at is None or record.due_at > now:
        raise _NotDueError
    if record.notify_at is not None:
        return replace(record, notify_at=now + _RETRY_AFTER)
    if record.status not in _FOR_REMEDIATOR:
        return replace(record, check_at=now + _RETRY_AFTER)
    is_in_progress = record.status in IN_PROGRESS
    if is_in_progress and now - record.latest_transition.at > _LONGEST_REMEDIATION:
        return record.transition_to(
            Status.FAILED,
            by=REMEDIATOR,
            reason=_UNFINISHED,
            advice=_ADVICE,
            now=now,
            check_at=services.remind_at(now),
        )
    return replace(record, check_at=now + _RESTART_AFTER)


def _show_failure(record: Record, services: Services) -> bool:
    """Show that a remediation did not finish; return whether Slack accepted it."""
    is_notified = services.notifications.notify(record)
    if is_notified:
        services.notifications.announce_failure(services.ledger.get(record.finding.id))
    return is_notified


def _remind(record: Record, services: Services) -> bool:
    """Remind the approvers in the thread of the message; return whether Slack accepted it."""
    # A message that was deleted is posted again first: the reminder needs its thread.
    if not services.notifications.notify(record):
        return False
    record = services.ledger.get(record.finding.id)
    if record.status not in _FOR_APPROVERS:
        return True
    if record.message is None:  # the digest reminds the approvers
        services.ledger.update(record, lambda latest: _plan_reminder(latest, record, at=None))
        return True
    try:
        services.channel.reply(record.message, reminder(record, services.approvers.mention()))
    except SlackUnavailableError:
        return False
    # Nobody moved what failed, so the approvers are reminded of it again and again.
    is_exposed = record.status is Status.FAILED and record.decision.status is Status.REMEDIATING
    remind_at = services.remind_at(clock.now()) if is_exposed else None
    services.ledger.update(record, lambda latest: _plan_reminder(latest, record, at=remind_at))
    return True


def _plan_reminder(latest: Record, reminded: Record, *, at: datetime | None) -> Record:
    """Plan the next reminder of the same wait; what was decided meanwhile has its own check."""
    if latest.latest_transition != reminded.latest_transition:
        return latest
    return replace(latest, check_at=at)
