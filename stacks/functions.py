"""The three functions: how much of a machine each gets, and what its environment tells it."""

import json
from typing import Literal

from aws_cdk import Duration
from constructs import Construct

from stacks.dead_letters import DeadLetterQueue
from stacks.handler_function import HandlerFunction
from stacks.quarantine import Quarantine
from stacks.settings import Settings


class FindingHandler(HandlerFunction):
    """Step 3: decides about a finding, and starts the remediator or asks in Slack."""

    LONGEST_RUN = Duration.minutes(1)

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, quarantine: Quarantine
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            package="finding_handler",
            description="Decides about a Macie finding: remediate, ask in Slack, or ignore",
            memory_mb=512,
            timeout=self.LONGEST_RUN,
            # It has itself look again at what is due while Slack takes one message a second.
            may_call_itself=True,
            environment={
                "SLACK_CHANNEL": settings.slack_channel,
                "SLACK_API_URL": settings.slack_api_url,
                "QUARANTINE_BUCKET": quarantine.bucket.bucket_name,
                "AUTO_REMEDIATE_CONFIG": json.dumps(settings.auto_remediate_config),
                "AUTO_REMEDIATION_HOURLY_LIMIT": _number(settings.auto_remediation_hourly_limit),
                "MIN_SEVERITY_LEVEL": settings.min_severity_level,
                "DIGEST_THRESHOLD": _number(settings.digest_threshold),
                "PROTECTED_BUCKETS": json.dumps(settings.protected_buckets),
                "APPROVERS": json.dumps(settings.approvers),
                "RECONCILE_HOURS": _number(settings.reconcile_hours),
                "REMINDER_HOURS": _number(settings.reminder_hours),
            },
        )
        if settings.reconcile_hours is not None:
            # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonmacie.html
            self.allow("macie2:ListFindings", "macie2:GetFindings", on=["*"])
            self.acknowledge_wildcards(["*"], reason="Macie's findings have no ARNs")


class RemediationHandler(HandlerFunction):
    """Step 6: verifies a click, writes the decision down, and starts the remediator."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        super().__init__(
            scope,
            construct_id,
            package="remediation_handler",
            description="Answers a click in Slack",
            # Slack waits 3 s, and memory buys CPU: a cold start at 512 MB takes most of that.
            memory_mb=1024,
            timeout=Duration.seconds(10),
            environment={
                "SLACK_CHANNEL": settings.slack_channel,
                "APPROVERS": json.dumps(settings.approvers),
                "REMINDER_HOURS": _number(settings.reminder_hours),
            },
        )


class Remediator(HandlerFunction):
    """Steps 7 and 8: moves the object and tells Slack."""

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, quarantine: Quarantine
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            package="remediator",
            description="Moves an object into quarantine and tells Slack",
            memory_mb=1024,
            timeout=Duration.minutes(15),
            environment={
                "SLACK_CHANNEL": settings.slack_channel,
                "SLACK_API_URL": settings.slack_api_url,
                "SLACK_HOOKS_URL": settings.slack_hooks_url,
                "QUARANTINE_BUCKET": quarantine.bucket.bucket_name,
                "QUARANTINE_VERSIONS": settings.quarantine_versions,
                "MULTIPART_THRESHOLD": str(settings.multipart_threshold),
                "MODE": settings.mode,
            },
        )
        self.dead_letters = DeadLetterQueue(scope, f"{construct_id}DeadLetters")
        self.run_asynchronously(on_failure=self.dead_letters)

    def connect(self, caller: HandlerFunction) -> None:
        """Let `caller` start the remediator."""
        caller.add_environment("REMEDIATOR_FUNCTION", self.function_name)
        caller.allow("lambda:InvokeFunction", on=[self.function_arn])


def _number(value: int | Literal["OFF"] | None) -> str:
    return str(value) if isinstance(value, int) else ""
