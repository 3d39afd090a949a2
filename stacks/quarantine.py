"""Step 7: the quarantine bucket, and who may read, write and delete in it."""

from collections.abc import Sequence
from typing import cast

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.handler_function import HandlerFunction
from stacks.policies import (
    KEEP_EVIDENCE,
    S3_WRITE_ACTIONS,
    in_own_account,
    principal_arns,
    via_service,
)
from stacks.settings import Settings


class Quarantine(Construct):
    """A versioned bucket with its own key. Both are evidence and outlive the stack."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        super().__init__(scope, construct_id)
        self._lock = settings.evidence_lock
        self.key = kms.Key(
            self,
            "Key",
            description="Quarantined objects",
            enable_key_rotation=True,
            removal_policy=KEEP_EVIDENCE,
        )
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            versioned=True,
            # Only a new bucket can get it from CloudFormation. The remediator locks each version
            # that it has verified: a default retention would keep copies that failed, too.
            object_lock_enabled=True,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self.key,
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            server_access_logs_bucket=_access_logs(self),
            lifecycle_rules=_lifecycle(settings.quarantine_retention_days),
            removal_policy=KEEP_EVIDENCE,
        )
        _retain_policy(self.bucket)
        # Keys begin with the account of the bucket that an object came from.
        self._objects = [self.bucket.arn_for_objects(f"{Stack.of(self).account}/*")]
        self._own_account = in_own_account(self)
        self._via_s3 = via_service(self, "s3")

    def grant_read(self, remediator: HandlerFunction) -> None:
        """Allow the remediator to read what is in quarantine."""
        self._allow(remediator, "s3:ListBucket", on=[self.bucket.bucket_arn])
        self._allow(remediator, "s3:GetObject", "s3:GetObjectVersion", on=self._objects)
        remediator.allow("kms:Decrypt", on=[self.key.key_arn], when=self._via_s3)
        remediator.acknowledge_wildcards(
            self._objects, reason="Every object in quarantine is the remediator's"
        )

    def grant_write(self, remediator: HandlerFunction) -> None:
        """Allow the remediator to write copies, verify, lock and delete them."""
        self._allow(remediator, "s3:ListBucketMultipartUploads", on=[self.bucket.bucket_arn])
        self._allow(
            remediator,
            "s3:GetObjectAnnotation",
            "s3:GetObjectVersionTagging",
            "s3:ListObjectAnnotations",
            "s3:DeleteObjectVersion",
            *S3_WRITE_ACTIONS,
            on=self._objects,
        )
        remediator.allow("kms:GenerateDataKey", on=[self.key.key_arn], when=self._via_s3)
        if self._lock is not None:
            self._grant_locks(remediator, days=self._lock.days)

    def _grant_locks(self, remediator: HandlerFunction, *, days: int) -> None:
        """Allow the remediator to lock objects, not much longer than the settings say.

        Requests always have this key, the sandbox's do not. The clocks of Lambda and S3 differ.
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html
        """
        longest = {"s3:object-lock-remaining-retention-days": str(days + 1)}
        remediator.allow(
            "s3:PutObjectRetention",
            on=self._objects,
            when={**self._own_account, "NumericLessThanEqualsIfExists": longest},
        )

    def _allow(self, remediator: HandlerFunction, *actions: str, on: list[str]) -> None:
        remediator.allow(*actions, on=on, when=self._own_account)

    def restrict_to(self, remediator: iam.IRole, *, readers: Sequence[str]) -> None:
        """Let only `remediator` write and delete, and only it and `readers`, ARNs of roles, read.

        Everybody else in the account is denied, administrators and Macie's role included: Macie
        would report everything again. The denial covers objects only. An administrator who changes
        the bucket's policy can still open it, which CloudTrail records. Lifecycle rules still
        work: https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-and-other-bucket-config.html
        """
        for reader in readers:
            self._grant_reader(iam.ArnPrincipal(reader))
        own = principal_arns(remediator)
        self._deny("ReadersOnly", "s3:GetObject*", but=[*own, *readers])
        self._deny("RemediatorOnly", "s3:PutObject*", "s3:DeleteObject*", but=own)

    def _grant_reader(self, reader: iam.IPrincipal) -> None:
        self.bucket.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[reader],
                actions=["s3:GetObject*", "s3:GetBucket*", "s3:List*"],
                resources=[self.bucket.bucket_arn, self.bucket.arn_for_objects("*")],
            )
        )
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[reader],
                actions=["kms:Decrypt"],
                resources=["*"],
                conditions=self._via_s3,
            )
        )

    def _deny(self, sid: str, *actions: str, but: list[str]) -> None:
        self.bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid=sid,
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=list(actions),
                resources=[self.bucket.arn_for_objects("*")],
                # An AWS service has no such ARN, so it is denied.
                conditions={"ArnNotLike": {"aws:PrincipalArn": but}},
            )
        )


def _access_logs(scope: Construct) -> s3.Bucket:
    """Create the bucket of the quarantine's access log: who read what, also when denied."""
    logs = s3.Bucket(
        scope,
        "AccessLogs",
        encryption=s3.BucketEncryption.S3_MANAGED,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        enforce_ssl=True,
        lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(365))],
        removal_policy=KEEP_EVIDENCE,
    )
    _retain_policy(logs)
    return logs


def _retain_policy(bucket: s3.Bucket) -> None:
    """Keep the policy of a bucket that outlives the stack.

    The policy is a resource of its own: CloudFormation would delete it, and with it every denial.
    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html
    """
    cast("s3.BucketPolicy", bucket.policy).apply_removal_policy(KEEP_EVIDENCE)


def _lifecycle(retention_days: int | None) -> list[s3.LifecycleRule]:
    # The parts of an unfinished copy are in no listing, but cost the same.
    unfinished = s3.LifecycleRule(abort_incomplete_multipart_upload_after=Duration.days(7))
    if retention_days is None:
        return [unfinished]
    retention = Duration.days(retention_days)
    # An object becomes noncurrent when it expires or when its key is quarantined again. Only then
    # the second period starts: everything is kept for the retention, and at most for twice as long.
    return [
        unfinished,
        s3.LifecycleRule(expiration=retention, noncurrent_version_expiration=retention),
    ]
