"""What the finding handler does without a finding: reminders, retries, digests, reconciliation."""

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from stacks.handler_function import HandlerFunction
from stacks.queues import DeadLetterQueue, EventQueue


class ScheduledTasks(Construct):
    """A queue of its own, so that tasks do not wait behind findings, and the rules that fill it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        handler_timeout: Duration,
        dead_letters: DeadLetterQueue,
        reconcile_hours: int | None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._dead_letters = dead_letters
        self.queue = EventQueue.for_short_runs(
            self, "Queue", handler_timeout=handler_timeout, dead_letters=dead_letters
        )
        events.Rule(
            self,
            "EveryMinute",
            description="Update digests, retry Slack, remind approvers: whatever is due",
            schedule=events.Schedule.rate(Duration.minutes(1)),
            targets=[self._target()],
        )
        if reconcile_hours is not None:
            events.Rule(
                self,
                "Reconciliation",
                description="Ask Macie for findings that EventBridge did not deliver",
                schedule=events.Schedule.rate(Duration.hours(reconcile_hours)),
                targets=[self._target({"detail-type": "Reconciliation", "detail": {}})],
            )

    def add_consumer(self, handler: HandlerFunction) -> None:
        """Invoke `handler` with the tasks, one at a time."""
        self.queue.add_consumer(handler, batch_size=1)

    def grant_send(self, sender: HandlerFunction) -> None:
        """Allow `sender` to have due tasks run before the next minute."""
        self.queue.grant_send(sender, variable="TASK_QUEUE")

    def _target(self, event: dict[str, object] | None = None) -> targets.SqsQueue:
        message = None if event is None else events.RuleTargetInput.from_object(event)
        return targets.SqsQueue(self.queue, dead_letter_queue=self._dead_letters, message=message)
