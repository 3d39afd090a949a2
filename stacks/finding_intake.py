"""Steps 1 and 2: EventBridge sends Macie's findings to a queue."""

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from stacks.handler_function import HandlerFunction
from stacks.queues import DeadLetterQueue, EventQueue


class FindingIntake(Construct):
    """The rule, the queue that it fills, and the dead-letter queue.

    An event that EventBridge cannot deliver and one that the handler cannot handle reach the same
    dead-letter queue. Both can be sent to the queue again from there.
    """

    def __init__(self, scope: Construct, construct_id: str, *, handler_timeout: Duration) -> None:
        super().__init__(scope, construct_id)
        self.dead_letters = DeadLetterQueue(self, "DeadLetters")
        self.queue = EventQueue.for_short_runs(
            self, "Queue", handler_timeout=handler_timeout, dead_letters=self.dead_letters
        )
        events.Rule(
            self,
            "Rule",
            description="Macie's findings of sensitive data, not those about buckets",
            event_pattern=events.EventPattern(
                source=["aws.macie"],
                detail_type=["Macie Finding"],
                detail={"type": events.Match.prefix("SensitiveData")},
            ),
            targets=[targets.SqsQueue(self.queue, dead_letter_queue=self.dead_letters)],
        )

    def add_consumer(self, handler: HandlerFunction) -> None:
        """Invoke `handler` with the findings, ten at a time."""
        self.queue.add_consumer(handler, batch_size=10)

    def grant_send(self, sender: HandlerFunction) -> None:
        """Allow `sender` to queue a finding that EventBridge did not deliver."""
        self.queue.grant_send(sender, variable="FINDING_QUEUE")
