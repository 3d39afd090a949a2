"""The three functions: memory, timeout, settings and environment of each."""

from aws_cdk import Duration, Stack
from aws_cdk import aws_lambda_destinations as destinations
from constructs import Construct

from stacks.handler_function import HandlerFunction
from stacks.packaging import DependencyLayer
from stacks.quarantine import Quarantine
from stacks.queues import DeadLetterQueue, EventQueue
from stacks.settings import Settings


class FindingHandler(HandlerFunction):
    """Steps 3 and 4: decide about a finding, then start the remediator or ask in Slack."""

    TIMEOUT = Duration.minutes(1)

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        dependencies: DependencyLayer,
        settings: Settings,
        quarantine: Quarantine,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            package="finding_handler",
            description="Decides about a Macie finding: remediate, ask in Slack, or ignore",
            dependencies=dependencies,
            memory_mb=512,
            timeout=self.TIMEOUT,
            # It queues its own next run while Slack takes one message a second.
            may_invoke_itself=True,
            settings=settings.select(
                "slackChannel",
                "slackApiUrl",
                "approvers",
                "autoRemediateConfig",
                "autoRemediationHourlyLimit",
                "autoRemediationBucketHourlyLimit",
                "minSeverityLevel",
                "digestThreshold",
                "protectedBuckets",
                "reconcileHours",
                "reminderHours",
            ),
            environment={"QUARANTINE_BUCKET": quarantine.bucket.bucket_name},
        )
        if settings.reconcile_hours is not None:
            # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonmacie.html
            self.allow("macie2:ListFindings", "macie2:GetFindings", on=["*"])
            self.acknowledge_wildcards(["*"], reason="Macie's findings have no ARNs")


class RemediationHandler(HandlerFunction):
    """Step 6: verify a click, record the decision, and start the remediator."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        dependencies: DependencyLayer,
        settings: Settings,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            package="remediation_handler",
            description="Verifies a click in Slack and records the decision",
            dependencies=dependencies,
            # Slack waits 3 s, and memory buys CPU: a cold start at 512 MB takes most of that.
            memory_mb=1024,
            timeout=Duration.seconds(10),
            settings=settings.select(
                "slackChannel",
                "slackHooksUrl",
                "slackAppId",
                "slackTeamId",
                "approvers",
                "reminderHours",
            ),
            environment={},
        )


class Remediator(HandlerFunction):
    """Steps 7 and 8: move the object, then update the message in Slack.

    A click starts it at once. What the policy and bulk actions start goes through its queue, so
    that a bounded number runs at a time and other functions of the account keep their capacity.
    """

    TIMEOUT = Duration.minutes(15)

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        dependencies: DependencyLayer,
        settings: Settings,
        quarantine: Quarantine,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            package="remediator",
            description="Moves an object into quarantine or back, and updates Slack",
            dependencies=dependencies,
            memory_mb=1024,
            timeout=self.TIMEOUT,
            settings=settings.select(
                "slackChannel",
                "slackApiUrl",
                "slackHooksUrl",
                "quarantineVersions",
                "evidenceLock",
                "restoredCopyDays",
                "reminderHours",
                "multipartThreshold",
                "mode",
            ),
            environment={
                "QUARANTINE_BUCKET": quarantine.bucket.bucket_name,
                "QUARANTINE_KEY": quarantine.key.key_arn,
                "ACCOUNT_ID": Stack.of(scope).account,
            },
        )
        self.dead_letters = DeadLetterQueue(scope, f"{construct_id}DeadLetters")
        self.configure_async_invoke(
            retry_attempts=2, on_failure=destinations.SqsDestination(self.dead_letters)
        )
        self.dead_letters.add_sender(self)
        self.queue = EventQueue(
            scope,
            "RemediationQueue",
            # Longer than a run: Lambda hides an event whose invocation failed until then.
            visibility_timeout=self.TIMEOUT.plus(Duration.minutes(1)),
            max_receive_count=3,
            dead_letters=self.dead_letters,
        )
        self.queue.add_consumer(
            self, batch_size=1, max_concurrency=settings.max_concurrent_remediations
        )

    def add_caller(self, caller: HandlerFunction) -> None:
        """Allow `caller` to start a single remediation at once."""
        caller.add_environment("REMEDIATOR_FUNCTION", self.function_name)
        caller.allow("lambda:InvokeFunction", on=[self.function_arn])

    def grant_send(self, sender: HandlerFunction) -> None:
        """Allow `sender` to queue any number of remediations."""
        self.queue.grant_send(sender, variable="REMEDIATION_QUEUE")
