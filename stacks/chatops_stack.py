"""The eight steps from a finding to a quarantined object, and what each function may do."""

from collections.abc import Mapping

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.finding_intake import FindingIntake
from stacks.functions import FindingHandler, RemediationHandler, Remediator
from stacks.handler_function import HandlerFunction
from stacks.ledger import Ledger
from stacks.monitoring import Monitoring
from stacks.quarantine import Quarantine
from stacks.settings import Settings
from stacks.slack_endpoint import SlackEndpoint
from stacks.slack_secret import SlackSecret

_COPY_THERE = (
    "s3:PutObject",
    "s3:PutObjectTagging",
    "s3:PutObjectAnnotation",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
)


class ChatOpsStack(Stack):
    """The constructs, wired as a finding travels; then the grants."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        super().__init__(scope, construct_id, description="Macie findings, decided in Slack")

        # What the steps share.
        ledger = Ledger(self, "Ledger")
        secret = SlackSecret(self, "SlackSecret")
        quarantine = Quarantine(
            self, "Quarantine", retention_days=settings.quarantine_retention_days
        )
        shared = {
            "LEDGER_TABLE": ledger.table.table_name,
            "SLACK_SECRET": secret.arn,
            "SLACK_CHANNEL": settings.slack_channel,
        }

        # Steps 7 and 8; here, for the functions of the other steps call the remediator.
        remediator = Remediator(
            self, "Remediator", settings=settings, shared=shared, quarantine=quarantine
        )

        # Steps 1 to 4: from Macie to Slack.
        intake = FindingIntake(
            self,
            "FindingIntake",
            longest_run=FindingHandler.LONGEST_RUN,
            reconcile_hours=settings.reconcile_hours,
        )
        finding_handler = FindingHandler(
            self,
            "FindingHandler",
            settings=settings,
            shared=shared,
            quarantine=quarantine,
            remediator=remediator,
            findings=intake.queue,
        )
        intake.feed(finding_handler)

        # Steps 5 and 6: from a click in Slack to the remediator.
        remediation_handler = RemediationHandler(
            self,
            "RemediationHandler",
            settings=settings,
            shared=shared,
            remediator=remediator,
            findings=intake.queue,
        )
        endpoint = SlackEndpoint(self, "SlackEndpoint", handler=remediation_handler)

        # Who may do what.
        functions = [finding_handler, remediation_handler, remediator]
        for function in functions:
            function.allow("dynamodb:GetItem", "dynamodb:PutItem", on=[ledger.table.table_arn])
            function.allow("secretsmanager:GetSecretValue", on=[secret.arn])
            function.allow("dynamodb:UpdateItem", on=[ledger.table.table_arn])
        indexes = [f"{ledger.table.table_arn}/index/{name}" for name in ("byDueTime", "byDigest")]
        finding_handler.allow("dynamodb:Query", on=indexes)
        finding_handler.allow("dynamodb:BatchGetItem", on=[ledger.table.table_arn])
        for sender in (finding_handler, remediation_handler):
            sender.allow("sqs:SendMessage", on=[intake.queue.queue_arn])
        if settings.reconcile_hours is not None:
            # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonmacie.html
            finding_handler.allow("macie2:ListFindings", "macie2:GetFindings", on=["*"])
            finding_handler.acknowledge_wildcards(["*"], reason="Macie's findings have no ARNs")
        remediator.allow("dynamodb:DeleteItem", on=[ledger.table.table_arn])
        remediator.allow("dynamodb:Query", on=[f"{ledger.table.table_arn}/index/byObject"])
        for caller in (finding_handler, remediation_handler):
            caller.allow("lambda:InvokeFunction", on=[remediator.function_arn])
        self._grant_looking(remediator, settings)
        if settings.mode == "LIVE":
            self._grant_moving(remediator, settings)
            _grant_putting(remediator, quarantine)
        _grant_reading(settings.quarantine_readers, quarantine)
        quarantine.keep_out_all_but(remediator.own_role, settings.quarantine_readers)

        Monitoring(
            self,
            "Monitoring",
            functions=functions,
            findings=intake.queue,
            dead_letters={
                "Findings": intake.dead_letters,
                "Remediations": remediator.dead_letters,
            },
            table=ledger.table,
            alarm_email=settings.alarm_email,
        )

        outputs = {
            "SlackRequestUrl": endpoint.request_url,
            "SlackSecretName": secret.arn,
            "QuarantineBucketName": quarantine.bucket.bucket_name,
            "LedgerTableName": ledger.table.table_name,
            "FindingQueueUrl": intake.queue.queue_url,
            "FindingDeadLettersUrl": intake.dead_letters.queue_url,
            "RemediationDeadLettersUrl": remediator.dead_letters.queue_url,
            "RemediatorName": remediator.function_name,
        }
        for name, value in outputs.items():
            CfnOutput(self, name, value=value)

    def _grant_looking(self, remediator: HandlerFunction, settings: Settings) -> None:
        """Let the remediator read what is in the monitored buckets of this account.

        Locks are hidden from who may not read them; annotations are part of a copy.
        https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
        """
        buckets, objects, ours = self._monitored(settings)
        remediator.allow("s3:ListBucket", "s3:ListBucketVersions", on=buckets, when=ours)
        remediator.allow("s3:ListBucketMultipartUploads", on=buckets, when=ours)
        remediator.allow("s3:GetBucketVersioning", on=buckets, when=ours)
        remediator.allow("s3:GetObject", "s3:GetObjectVersion", on=objects, when=ours)
        remediator.allow("s3:GetObjectTagging", "s3:GetObjectVersionTagging", on=objects, when=ours)
        remediator.allow(
            "s3:GetObjectAnnotation", "s3:ListObjectAnnotations", on=objects, when=ours
        )
        remediator.allow("s3:GetObjectAcl", "s3:GetObjectVersionAcl", on=objects, when=ours)
        remediator.allow("s3:GetObjectLegalHold", "s3:GetObjectRetention", on=objects, when=ours)
        if settings.source_kms_key_arns:
            keys = [*settings.source_kms_key_arns]
            remediator.allow("kms:Decrypt", "kms:GenerateDataKey", on=keys)
        remediator.acknowledge_wildcards(
            [*buckets, *objects], reason="The deployer names the buckets; any object may be found"
        )

    def _grant_moving(self, remediator: HandlerFunction, settings: Settings) -> None:
        """Let the remediator delete there, and put back; in a dry run nothing is granted."""
        _, objects, ours = self._monitored(settings)
        remediator.allow("s3:DeleteObject", "s3:DeleteObjectVersion", on=objects, when=ours)
        remediator.allow(*_COPY_THERE, on=objects, when=ours)

    def _monitored(
        self, settings: Settings
    ) -> tuple[list[str], list[str], Mapping[str, Mapping[str, str]]]:
        """Answer the monitored buckets, what is in them, and the condition that they are ours."""
        buckets = [self._bucket_arn(name) for name in settings.monitored_buckets]
        objects = [f"{bucket}/*" for bucket in buckets]
        return buckets, objects, {"StringEquals": {"aws:ResourceAccount": self.account}}

    def _bucket_arn(self, name: str) -> str:
        if name.startswith("arn:"):
            return name
        return self.format_arn(service="s3", region="", account="", resource=name)


def _grant_putting(remediator: HandlerFunction, quarantine: Quarantine) -> None:
    """Let the remediator write, verify, and take back what a restore has returned."""
    objects = [quarantine.bucket.arn_for_objects("*")]
    bucket = [quarantine.bucket.bucket_arn]
    remediator.allow("s3:ListBucket", "s3:ListBucketMultipartUploads", on=bucket)
    remediator.allow(*_COPY_THERE, on=objects)
    remediator.allow("s3:GetObject", "s3:GetObjectVersion", on=objects)
    remediator.allow("s3:GetObjectAnnotation", "s3:ListObjectAnnotations", on=objects)
    remediator.allow("s3:GetObjectVersionTagging", on=objects)
    remediator.allow("s3:DeleteObjectVersion", on=objects)
    remediator.allow("kms:Decrypt", "kms:GenerateDataKey", on=[quarantine.key.key_arn])
    remediator.acknowledge_wildcards(objects, reason="All of quarantine is the remediator's work")


def _grant_reading(readers: tuple[str, ...], quarantine: Quarantine) -> None:
    """Let the readers list and read, by the bucket's own policy and the key's."""
    for reader in readers:
        quarantine.bucket.grant_read(iam.ArnPrincipal(reader))
