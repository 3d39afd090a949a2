"""Step 7: the quarantine bucket, and who may read, write and delete in it."""

from collections.abc import Sequence
from typing import cast

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.handler_function import HandlerFunction
from stacks.policies import KEEP_EVIDENCE, S3_WRITE_ACTIONS


class Quarantine(Construct):
    """A versioned bucket with its own key. Both are evidence and outlive the stack."""

    def __init__(self, scope: Construct, construct_id: str, *, retention_days: int | None) -> None:
        super().__init__(scope, construct_id)
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
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self.key,
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            server_access_logs_bucket=_access_logs(self),
            lifecycle_rules=_lifecycle(retention_days),
            removal_policy=KEEP_EVIDENCE,
        )
        _retain_policy(self.bucket)

    def grant_read(self, remediator: HandlerFunction) -> None:
        """Allow the remediator to read what is in quarantine."""
        objects = [self.bucket.arn_for_objects("*")]
        remediator.allow("s3:ListBucket", on=[self.bucket.bucket_arn])
        remediator.allow("s3:GetObject", "s3:GetObjectVersion", on=objects)
        remediator.allow("kms:Decrypt", on=[self.key.key_arn])
        remediator.acknowledge_wildcards(
            objects, reason="Every object in quarantine is the remediator's"
        )

    def grant_write(self, remediator: HandlerFunction) -> None:
        """Allow the remediator to write copies, verify them, and delete what it has restored."""
        objects = [self.bucket.arn_for_objects("*")]
        remediator.allow("s3:ListBucketMultipartUploads", on=[self.bucket.bucket_arn])
        remediator.allow(
            "s3:GetObjectAnnotation",
            "s3:GetObjectVersionTagging",
            "s3:ListObjectAnnotations",
            "s3:DeleteObjectVersion",
            *S3_WRITE_ACTIONS,
            on=objects,
        )
        remediator.allow("kms:GenerateDataKey", on=[self.key.key_arn])

    def restrict_to(self, remediator: iam.IRole, *, readers: Sequence[str]) -> None:
        """Let only `remediator` write and delete, and only it and `readers`, ARNs of roles, read.

        Everybody else in the account is denied, administrators and Macie's role included: Macie
        would report everything again. The denial covers objects only. An administrator who changes
        the bucket's policy can still open it, which CloudTrail records. Lifecycle rules still
        work: https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-and-other-bucket-config.html
        """
        for reader in readers:
            self.bucket.grant_read(iam.ArnPrincipal(reader))
        own = [remediator.role_arn, self._session_arn(remediator)]
        self._deny("ReadersOnly", "s3:GetObject*", but=[*own, *readers])
        self._deny("RemediatorOnly", "s3:PutObject*", "s3:DeleteObject*", but=own)

    def _session_arn(self, role: iam.IRole) -> str:
        # AWS compares the role of a session, the sandbox's ministack the session itself. On AWS no
        # principal has this ARN:
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
        return Stack.of(self).format_arn(
            service="sts", region="", resource="assumed-role", resource_name=f"{role.role_name}/*"
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
