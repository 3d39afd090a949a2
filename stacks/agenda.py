"""What is to be done without anybody's asking, by the finding handler: every minute, and now."""

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda_event_sources as event_sources
from constructs import Construct

from stacks.finding_intake import FindingIntake, event_queue
from stacks.handler_function import HandlerFunction


class Agenda(Construct):
    """A queue beside that of the findings, and the rules that fill it.

    What fails to the end lies with the findings that do: from their queue it works as well.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        intake: FindingIntake,
        longest_run: Duration,
        reconcile_hours: int | None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._dead_letters = intake.dead_letters
        self.queue = event_queue(self, longest_run=longest_run, dead_letters=self._dead_letters)
        events.Rule(
            self,
            "Rule",
            description="Has digests drawn, Slack told again, approvers reminded: what is due",
            schedule=events.Schedule.rate(Duration.minutes(1)),
            targets=[self._target()],
        )
        if reconcile_hours is not None:
            events.Rule(
                self,
                "Reconciliation",
                description="Has Macie asked for findings that were not delivered",
                schedule=events.Schedule.rate(Duration.hours(reconcile_hours)),
                targets=[self._target({"detail-type": "Reconciliation", "detail": {}})],
            )

    def feed(self, handler: HandlerFunction) -> None:
        """Have `handler` empty the queue, an event at a time."""
        handler.add_event_source(
            event_sources.SqsEventSource(
                self.queue, batch_size=1, report_batch_item_failures=True, max_concurrency=2
            )
        )

    def connect(self, sender: HandlerFunction) -> None:
        """Let `sender` have something looked at soon, by a message in the queue."""
        sender.add_environment("AGENDA_QUEUE", self.queue.queue_url)
        sender.allow("sqs:SendMessage", on=[self.queue.queue_arn])

    def _target(self, event: dict[str, object] | None = None) -> targets.SqsQueue:
        message = None if event is None else events.RuleTargetInput.from_object(event)
        return targets.SqsQueue(self.queue, dead_letter_queue=self._dead_letters, message=message)
