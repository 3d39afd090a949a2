"""The queues: what the functions have to do, and what failed for good."""

from collections.abc import Sequence

from aws_cdk import Acknowledgment, Duration, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda_event_sources as event_sources
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.handler_function import HandlerFunction
from stacks.policies import named_principal_arns, principal_arns

# The longest that SQS has. What it deletes for its age reaches no dead-letter queue.
_RETENTION = Duration.days(14)


class PrivateQueue(sqs.Queue):
    """A queue that takes messages from the stack's own rules and functions, and from operators."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        visibility_timeout: Duration | None = None,
        dead_letter_queue: sqs.DeadLetterQueue | None = None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=_RETENTION,
            visibility_timeout=visibility_timeout,
            dead_letter_queue=dead_letter_queue,
        )
        self._senders: list[str] = []

    def add_sender(self, sender: HandlerFunction) -> None:
        """Allow the role of `sender` to send messages."""
        self._senders += principal_arns(sender.execution_role)
        sender.allow("sqs:SendMessage", on=[self.queue_arn])

    def deny_other_senders(self, *, operators: Sequence[str] = ()) -> None:
        """Deny sending to everybody else in the account, except `operators`, ARNs of roles.

        The denial is for IAM principals. A service, such as EventBridge, has no ARN of a principal
        and needs an Allow, which names the rule. SQS itself moves messages to a dead-letter queue.
        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn
        """
        named = [pattern for arn in operators for pattern in named_principal_arns(arn)]
        senders = [*self._senders, *named]
        others = {"ArnNotLike": {"aws:PrincipalArn": senders}} if senders else {}
        self.add_to_resource_policy(
            iam.PolicyStatement(
                sid="SendersOnly",
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=["sqs:SendMessage"],
                resources=[self.queue_arn],
                conditions={"Null": {"aws:PrincipalArn": "false"}, **others},
            )
        )


class DeadLetterQueue(PrivateQueue):
    """A queue of messages that failed for good, kept for a person to look at."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        Validations.of(self).acknowledge(
            Acknowledgment(
                id="AwsSolutions-SQS3",
                reason="It is a dead-letter queue; the rule only sees those of another queue",
            )
        )


class EventQueue(PrivateQueue):
    """A queue of events for a function. Failures bring an event to `dead_letters`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        visibility_timeout: Duration,
        max_receive_count: int,
        dead_letters: DeadLetterQueue,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            visibility_timeout=visibility_timeout,
            dead_letter_queue=sqs.DeadLetterQueue(
                queue=dead_letters, max_receive_count=max_receive_count
            ),
        )

    @classmethod
    def for_short_runs(
        cls,
        scope: Construct,
        construct_id: str,
        *,
        handler_timeout: Duration,
        dead_letters: DeadLetterQueue,
    ) -> "EventQueue":
        """Create a queue whose events are tried five times."""
        return cls(
            scope,
            construct_id,
            # Six times the timeout: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
            visibility_timeout=Duration.seconds(6 * handler_timeout.to_seconds()),
            max_receive_count=5,
            dead_letters=dead_letters,
        )

    def add_consumer(
        self, handler: HandlerFunction, *, batch_size: int, max_concurrency: int = 2
    ) -> None:
        """Invoke `handler` with up to `batch_size` events at a time.

        The default of `max_concurrency` is the least that Lambda allows: Slack takes about one
        message a second.
        """
        handler.add_event_source(
            event_sources.SqsEventSource(
                self,
                batch_size=batch_size,
                report_batch_item_failures=True,
                max_concurrency=max_concurrency,
            )
        )

    def grant_send(self, sender: HandlerFunction, *, variable: str) -> None:
        """Allow `sender` to send events, to the URL in its environment's `variable`."""
        sender.add_environment(variable, self.queue_url)
        self.add_sender(sender)
