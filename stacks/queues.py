"""The queues: what the finding handler has to do, and what failed for good."""

from aws_cdk import Acknowledgment, Duration, Validations
from aws_cdk import aws_lambda_event_sources as event_sources
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.handler_function import HandlerFunction

# The longest that SQS has. What it deletes for its age reaches no dead-letter queue.
_RETENTION = Duration.days(14)


class DeadLetterQueue(sqs.Queue):
    """A queue of messages that failed for good, kept for a person to look at."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(
            scope,
            construct_id,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=_RETENTION,
        )
        Validations.of(self).acknowledge(
            Acknowledgment(
                id="AwsSolutions-SQS3",
                reason="It is a dead-letter queue; the rule only sees those of another queue",
            )
        )


class EventQueue(sqs.Queue):
    """A queue of events for the finding handler. Five failures bring one to `dead_letters`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        handler_timeout: Duration,
        dead_letters: DeadLetterQueue,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=_RETENTION,
            # Six times the timeout: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
            visibility_timeout=Duration.seconds(6 * handler_timeout.to_seconds()),
            dead_letter_queue=sqs.DeadLetterQueue(queue=dead_letters, max_receive_count=5),
        )

    def add_consumer(self, handler: HandlerFunction, *, batch_size: int) -> None:
        """Invoke `handler` with up to `batch_size` events at a time."""
        handler.add_event_source(
            event_sources.SqsEventSource(
                self,
                batch_size=batch_size,
                report_batch_item_failures=True,
                # The least that Lambda allows: Slack takes about one message a second.
                max_concurrency=2,
            )
        )

    def grant_send(self, sender: HandlerFunction, *, variable: str) -> None:
        """Allow `sender` to send events, to the URL in its environment's `variable`."""
        sender.add_environment(variable, self.queue_url)
        sender.allow("sqs:SendMessage", on=[self.queue_arn])
