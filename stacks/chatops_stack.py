"""The eight steps from a finding to a quarantined object."""

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from stacks.evidence_changes import EvidenceChanges
from stacks.finding_intake import FindingIntake
from stacks.functions import FindingHandler, RemediationHandler, Remediator
from stacks.ledger import Ledger
from stacks.monitored_buckets import MonitoredBuckets
from stacks.monitoring import Monitoring
from stacks.packaging import DependencyLayer
from stacks.quarantine import Quarantine
from stacks.scheduled_tasks import ScheduledTasks
from stacks.settings import Settings
from stacks.slack_endpoint import SlackEndpoint
from stacks.slack_secrets import SlackSecrets


class ChatOpsStack(Stack):
    """What the steps share, the steps in a finding's order, and the permissions between them."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        super().__init__(scope, construct_id, description="Macie findings, decided in Slack")
        self._settings = settings
        self._ledger = Ledger(self, "Ledger")
        self._slack = SlackSecrets(self, "Slack")
        self._monitored_buckets = MonitoredBuckets(self, "MonitoredBuckets", settings=settings)
        self._quarantine = Quarantine(self, "Quarantine", settings=settings)
        self._dependencies = DependencyLayer(self, "Dependencies")

        self._receive_findings()
        self._receive_clicks()
        self._move_objects()
        self._share_ledger()
        self._share_secrets()
        self._connect_steps()
        self._open_buckets()
        self._restrict_senders()
        self._monitor()
        self._outputs()

    def _receive_findings(self) -> None:
        """Create steps 1 to 4: a finding goes through a queue to the handler, which asks Slack."""
        self._finding_handler = FindingHandler(
            self,
            "FindingHandler",
            dependencies=self._dependencies,
            settings=self._settings,
            quarantine=self._quarantine,
        )
        self._intake = FindingIntake(self, "FindingIntake", handler_timeout=FindingHandler.TIMEOUT)
        self._intake.add_consumer(self._finding_handler)
        self._tasks = ScheduledTasks(
            self,
            "ScheduledTasks",
            handler_timeout=FindingHandler.TIMEOUT,
            dead_letters=self._intake.dead_letters,
            reconcile_hours=self._settings.reconcile_hours,
        )
        self._tasks.add_consumer(self._finding_handler)

    def _receive_clicks(self) -> None:
        """Create steps 5 and 6: a click reaches the remediation handler, which records it."""
        self._remediation_handler = RemediationHandler(
            self, "RemediationHandler", dependencies=self._dependencies, settings=self._settings
        )
        self._endpoint = SlackEndpoint(self, "SlackEndpoint", handler=self._remediation_handler)

    def _move_objects(self) -> None:
        """Create steps 7 and 8: the remediator moves the object, and updates the message."""
        self._remediator = Remediator(
            self,
            "Remediator",
            dependencies=self._dependencies,
            settings=self._settings,
            quarantine=self._quarantine,
        )

    def _share_ledger(self) -> None:
        """Keep what guards a decision from those who move, and the other way round."""
        deciding = ("object#*", "hour#*", "limit#*", "tasks#*")
        moving = ("lease#*", "version#*", "restored#*")
        self._ledger.grant_read_write(self._finding_handler, but=moving)
        self._ledger.grant_read_write(self._remediation_handler, but=(*deciding, *moving))
        self._ledger.grant_read_write(self._remediator, but=deciding)
        self._ledger.grant_queries(self._finding_handler)
        self._ledger.grant_leases(self._remediator)
        self._ledger.restrict_to(
            [self._finding_handler, self._remediation_handler, self._remediator],
            remediator=self._remediator,
        )

    def _share_secrets(self) -> None:
        """Let only the remediation handler sign as Slack, and only the others post messages."""
        self._slack.signing_secret.grant_read(self._remediation_handler)
        self._slack.bot_token.grant_read(self._finding_handler)
        self._slack.bot_token.grant_read(self._remediator)

    def _connect_steps(self) -> None:
        self._intake.grant_send(self._finding_handler)
        for function in (self._finding_handler, self._remediation_handler):
            self._tasks.grant_send(function)
        self._remediator.grant_send(self._finding_handler)
        self._remediator.add_caller(self._remediation_handler)

    def _open_buckets(self) -> None:
        """Let the remediator read, and move objects unless this is a dry run.

        The longest policies come last. CDK divides them, and puts what comes first together.
        """
        is_live = self._settings.mode == "LIVE"
        for place in (self._quarantine, self._monitored_buckets):
            place.grant_read(self._remediator)
            if is_live:
                place.grant_write(self._remediator)
        self._quarantine.restrict_to(
            self._remediator.execution_role, readers=self._settings.quarantine_readers
        )

    def _restrict_senders(self) -> None:
        for queue in (self._intake.queue, self._tasks.queue, self._remediator.queue):
            queue.deny_other_senders(operators=self._settings.operator_roles)
        for dead_letters in (self._intake.dead_letters, self._remediator.dead_letters):
            dead_letters.deny_other_senders()

    def _monitor(self) -> None:
        monitoring = Monitoring(
            self,
            "Monitoring",
            functions=(self._finding_handler, self._remediation_handler, self._remediator),
            findings=self._intake.queue,
            tasks=self._tasks.queue,
            remediations=self._remediator.queue,
            dead_letters={
                "Findings": self._intake.dead_letters,
                "Remediations": self._remediator.dead_letters,
            },
            api=self._endpoint.api,
            table=self._ledger.table,
            alarm_email=self._settings.alarm_email,
        )
        EvidenceChanges(
            self,
            "EvidenceChanges",
            quarantine=self._quarantine,
            ledger=self._ledger,
            topic=monitoring.topic,
        )

    def _outputs(self) -> None:
        outputs = {
            "SlackRequestUrl": self._endpoint.request_url,
            "SlackSigningSecretName": self._slack.signing_secret.arn,
            "SlackBotTokenSecretName": self._slack.bot_token.arn,
            "QuarantineBucketName": self._quarantine.bucket.bucket_name,
            "LedgerTableName": self._ledger.table.table_name,
            "FindingQueueUrl": self._intake.queue.queue_url,
            "TaskQueueUrl": self._tasks.queue.queue_url,
            "RemediationQueueUrl": self._remediator.queue.queue_url,
            "FindingDeadLetterQueueUrl": self._intake.dead_letters.queue_url,
            "RemediationDeadLetterQueueUrl": self._remediator.dead_letters.queue_url,
            "RemediatorFunctionName": self._remediator.function_name,
        }
        for name, value in outputs.items():
            CfnOutput(self, name, value=value)
