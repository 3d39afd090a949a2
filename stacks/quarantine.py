"""Step 7: where quarantined objects lie, and who may come near them."""

from collections.abc import Sequence
from typing import cast

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.handler_function import HandlerFunction

EVIDENCE = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
"""What is kept for good, unless the very first deployment fails, which leaves nothing in it."""

WRITING = (
    "s3:PutObject",
    "s3:PutObjectTagging",
    "s3:PutObjectAnnotation",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
)
"""What a copy in parts, with all that belongs to the object, needs where it is written."""


class Quarantine(Construct):
    """A versioned bucket with a key of its own; both outlive the stack, being evidence."""

    def __init__(self, scope: Construct, construct_id: str, *, retention_days: int | None) -> None:
        super().__init__(scope, construct_id)
        self.key = kms.Key(
            self,
            "Key",
            description="Quarantined objects",
            enable_key_rotation=True,
            removal_policy=EVIDENCE,
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
            removal_policy=EVIDENCE,
        )
        _retain_policy(self.bucket)

    def grant_look(self, remediator: HandlerFunction) -> None:
        """Let the remediator see what is in quarantine already."""
        objects = [self.bucket.arn_for_objects("*")]
        remediator.allow("s3:ListBucket", on=[self.bucket.bucket_arn])
        remediator.allow("s3:GetObject", "s3:GetObjectVersion", on=objects)
        remediator.allow("kms:Decrypt", on=[self.key.key_arn])
        remediator.acknowledge_wildcards(
            objects, reason="All of quarantine is the remediator's work"
        )

    def grant_move(self, remediator: HandlerFunction) -> None:
        """Let the remediator write there, verify, and delete what it has restored."""
        objects = [self.bucket.arn_for_objects("*")]
        remediator.allow("s3:ListBucketMultipartUploads", on=[self.bucket.bucket_arn])
        remediator.allow(
            "s3:GetObjectAnnotation",
            "s3:GetObjectVersionTagging",
            "s3:ListObjectAnnotations",
            "s3:DeleteObjectVersion",
            *WRITING,
            on=objects,
        )
        remediator.allow("kms:GenerateDataKey", on=[self.key.key_arn])

    def open_to(self, remediator: iam.IRole, readers: Sequence[str]) -> None:
        """Let `readers` read, and deny everybody else in the account what is in the bucket.

        Its administrators are denied too. `readers` are ARNs of roles; only `remediator` may write
        and delete. Only objects are denied: who may change the bucket's policy can still open it,
        which CloudTrail then shows. Macie's own role is kept out as well: it would find everything
        again. A lifecycle rule is not kept out:
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-and-other-bucket-config.html
        """
        for reader in readers:
            self.bucket.grant_read(iam.ArnPrincipal(reader))
        itself = [remediator.role_arn, self._session_arn(remediator)]
        self._deny("ReadersOnly", "s3:GetObject*", but=[*itself, *readers])
        self._deny("RemediatorOnly", "s3:PutObject*", "s3:DeleteObject*", but=itself)

    def _session_arn(self, role: iam.IRole) -> str:
        # AWS compares a session's role, the sandbox's ministack the session itself; on AWS this is
        # the principal's ARN of nobody:
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
                # An AWS service has no such ARN, and is denied.
                conditions={"ArnNotLike": {"aws:PrincipalArn": but}},
            )
        )


def _access_logs(scope: Construct) -> s3.Bucket:
    """Answer the bucket of the quarantine's access log: who read what, also when denied."""
    logs = s3.Bucket(
        scope,
        "AccessLogs",
        encryption=s3.BucketEncryption.S3_MANAGED,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        enforce_ssl=True,
        lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(365))],
        removal_policy=EVIDENCE,
    )
    _retain_policy(logs)
    return logs


def _retain_policy(bucket: s3.Bucket) -> None:
    """Keep a bucket's policy as well when the bucket outlives the stack.

    CloudFormation would delete it, being a resource of its own, and with it every denial.
    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html
    """
    cast("s3.BucketPolicy", bucket.policy).apply_removal_policy(EVIDENCE)


def _lifecycle(retention_days: int | None) -> list[s3.LifecycleRule]:
    # The parts of a copy that was never completed are in no listing, and cost as much.
    unfinished = s3.LifecycleRule(abort_incomplete_multipart_upload_after=Duration.days(7))
    if retention_days is None:
        return [unfinished]
    retention = Duration.days(retention_days)
    # An object that expires turns noncurrent, as one does whose key is quarantined again, and only
    # then does the second count start: so all is kept for the retention, and at most twice as long.
    return [
        unfinished,
        s3.LifecycleRule(expiration=retention, noncurrent_version_expiration=retention),
    ]
