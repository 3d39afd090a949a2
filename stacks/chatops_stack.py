"""The eight steps from a finding to a quarantined object."""

from collections.abc import Sequence

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from stacks.agenda import Agenda
from stacks.finding_intake import FindingIntake
from stacks.functions import FindingHandler, RemediationHandler, Remediator
from stacks.handler_function import HandlerFunction
from stacks.ledger import Ledger
from stacks.monitored_buckets import MonitoredBuckets
from stacks.monitoring import Monitoring
from stacks.quarantine import Quarantine
from stacks.settings import Settings
from stacks.slack_endpoint import SlackEndpoint
from stacks.slack_secret import SlackSecret


class ChatOpsStack(Stack):
    """What the steps share, the steps as a finding takes them, and how they are connected."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        super().__init__(scope, construct_id, description="Macie findings, decided in Slack")
        ledger = Ledger(self, "Ledger")
        secret = SlackSecret(self, "SlackSecret")
        quarantine = Quarantine(
            self, "Quarantine", retention_days=settings.quarantine_retention_days
        )
        monitored = MonitoredBuckets(self, "MonitoredBuckets", settings=settings)

        # Steps 1 to 4: from Macie through the queue to Slack.
        intake = FindingIntake(self, "FindingIntake", longest_run=FindingHandler.LONGEST_RUN)
        agenda = Agenda(
            self,
            "Agenda",
            intake=intake,
            longest_run=FindingHandler.LONGEST_RUN,
            reconcile_hours=settings.reconcile_hours,
        )
        finding_handler = FindingHandler(
            self, "FindingHandler", settings=settings, quarantine=quarantine
        )
        intake.feed(finding_handler)
        agenda.feed(finding_handler)

        # Steps 5 and 6: from a click in Slack to a decision.
        remediation_handler = RemediationHandler(self, "RemediationHandler", settings=settings)
        endpoint = SlackEndpoint(self, "SlackEndpoint", handler=remediation_handler)

        # Steps 7 and 8: from a decision to the object in quarantine, and back to Slack.
        remediator = Remediator(self, "Remediator", settings=settings, quarantine=quarantine)
        monitored.grant_read(remediator)
        quarantine.grant_look(remediator)
        if settings.mode == "LIVE":
            monitored.grant_move(remediator)
            quarantine.grant_move(remediator)
        quarantine.open_to(remediator.own_role, settings.quarantine_readers)

        functions = [finding_handler, remediation_handler, remediator]
        for function in functions:
            ledger.connect(function)
            secret.connect(function)
        intake.connect(finding_handler)
        for decider in (finding_handler, remediation_handler):
            agenda.connect(decider)
            remediator.connect(decider)
        ledger.grant_agenda(finding_handler)
        ledger.grant_claims(remediator)

        self._watch(functions, intake, agenda, remediator, ledger, email=settings.alarm_email)
        self._tell(
            SlackRequestUrl=endpoint.request_url,
            SlackSecretName=secret.arn,
            QuarantineBucketName=quarantine.bucket.bucket_name,
            LedgerTableName=ledger.table.table_name,
            FindingQueueUrl=intake.queue.queue_url,
            AgendaQueueUrl=agenda.queue.queue_url,
            FindingDeadLettersUrl=intake.dead_letters.queue_url,
            RemediationDeadLettersUrl=remediator.dead_letters.queue_url,
            RemediatorName=remediator.function_name,
        )

    def _watch(
        self,
        functions: Sequence[HandlerFunction],
        intake: FindingIntake,
        agenda: Agenda,
        remediator: Remediator,
        ledger: Ledger,
        *,
        email: str | None,
    ) -> None:
        Monitoring(
            self,
            "Monitoring",
            functions=functions,
            findings=intake.queue,
            agenda=agenda.queue,
            dead_letters={
                "Findings": intake.dead_letters,
                "Remediations": remediator.dead_letters,
            },
            table=ledger.table,
            alarm_email=email,
        )

    def _tell(self, **outputs: str) -> None:
        for name, value in outputs.items():
            CfnOutput(self, name, value=value)
