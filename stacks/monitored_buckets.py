"""Step 7: the buckets that objects are moved from, and what the remediator may do there."""

from aws_cdk import Stack
from constructs import Construct

from stacks.handler_function import HandlerFunction
from stacks.policies import S3_WRITE_ACTIONS, in_own_account, via_service
from stacks.settings import Settings

# A managed policy has at most 6,144 characters, and CDK never splits a statement.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
_RESOURCES_PER_STATEMENT = 50


class MonitoredBuckets(Construct):
    """The buckets that the settings name, if they belong to this account."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        super().__init__(scope, construct_id)
        self._buckets = [self._arn(name) for name in settings.monitored_buckets]
        self._objects = [f"{bucket}/*" for bucket in self._buckets]
        self._keys = list(settings.source_kms_key_arns)
        self._own_account = in_own_account(self)
        self._via_s3 = via_service(self, "s3")

    def grant_read(self, remediator: HandlerFunction) -> None:
        """Allow the remediator to read the objects, with their locks, ACLs and annotations.

        S3 hides a lock from a caller that may not read it.
        https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
        """
        self._allow(
            remediator,
            "s3:ListBucket",
            "s3:ListBucketVersions",
            "s3:ListBucketMultipartUploads",
            "s3:GetBucketVersioning",
            on=self._buckets,
        )
        self._allow(
            remediator,
            "s3:GetObject",
            "s3:GetObjectVersion",
            "s3:GetObjectTagging",
            "s3:GetObjectVersionTagging",
            "s3:GetObjectAnnotation",
            "s3:ListObjectAnnotations",
            "s3:GetObjectAcl",
            "s3:GetObjectVersionAcl",
            "s3:GetObjectLegalHold",
            "s3:GetObjectRetention",
            on=self._objects,
        )
        if self._keys:
            remediator.allow("kms:Decrypt", on=self._keys, when=self._via_s3)
        remediator.acknowledge_wildcards(
            [*self._buckets, *self._objects],
            reason="The deployer names the buckets; Macie may find any object in them",
        )

    def grant_write(self, remediator: HandlerFunction) -> None:
        """Allow the remediator to delete what it has copied, and to write what it restores."""
        self._allow(
            remediator,
            "s3:DeleteObject",
            "s3:DeleteObjectVersion",
            *S3_WRITE_ACTIONS,
            on=self._objects,
        )
        if self._keys:
            remediator.allow("kms:GenerateDataKey", on=self._keys, when=self._via_s3)

    def _allow(self, remediator: HandlerFunction, *actions: str, on: list[str]) -> None:
        for first in range(0, len(on), _RESOURCES_PER_STATEMENT):
            resources = on[first : first + _RESOURCES_PER_STATEMENT]
            remediator.allow(*actions, on=resources, when=self._own_account)

    def _arn(self, name: str) -> str:
        if name.startswith("arn:"):
            return name
        return Stack.of(self).format_arn(service="s3", region="", account="", resource=name)
