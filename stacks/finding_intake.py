"""Steps 1 and 2: what Macie tells EventBridge reaches the finding handler through a queue."""

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda_event_sources as event_sources
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.dead_letters import DeadLetterQueue
from stacks.handler_function import HandlerFunction


class FindingIntake(Construct):
    """The rule, the queue it fills, and the queue of what nobody could handle.

    An event that EventBridge can't deliver and one that the handler can't handle look the same, and
    lie in the same dead-letter queue: either can be sent to the queue again from there.
    """

    def __init__(self, scope: Construct, construct_id: str, *, longest_run: Duration) -> None:
        super().__init__(scope, construct_id)
        self.dead_letters = DeadLetterQueue(self, "DeadLetters")
        self.queue = event_queue(self, longest_run=longest_run, dead_letters=self.dead_letters)
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

    def feed(self, handler: HandlerFunction) -> None:
        """Have `handler` empty the queue, a batch at a time."""
        handler.add_event_source(
            event_sources.SqsEventSource(
                self.queue,
                batch_size=10,
                report_batch_item_failures=True,
                # The least there can be: Slack takes about one message a second.
                max_concurrency=2,
            )
        )

    def connect(self, sender: HandlerFunction) -> None:
        """Let `sender` queue a finding that EventBridge did not deliver."""
        sender.add_environment("FINDING_QUEUE", self.queue.queue_url)
        sender.allow("sqs:SendMessage", on=[self.queue.queue_arn])


def event_queue(
    scope: Construct, *, longest_run: Duration, dead_letters: DeadLetterQueue
) -> sqs.Queue:
    """Make a queue for the finding handler, which takes `longest_run` at most."""
    return sqs.Queue(
        scope,
        "Queue",
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        # As long as SQS can: what it deletes for its age reaches no dead-letter queue.
        retention_period=Duration.days(14),
        # Six times, says https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
        visibility_timeout=Duration.seconds(6 * longest_run.to_seconds()),
        dead_letter_queue=sqs.DeadLetterQueue(queue=dead_letters, max_receive_count=5),
    )
