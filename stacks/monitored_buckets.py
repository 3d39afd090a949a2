"""Step 7: the buckets that objects are taken from, and what the remediator may do there."""

from aws_cdk import Stack
from constructs import Construct

from stacks.handler_function import HandlerFunction
from stacks.quarantine import WRITING
from stacks.settings import Settings

# A managed policy takes 6,144 characters, and CDK never divides a statement between two.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
_IN_A_STATEMENT = 50


class MonitoredBuckets(Construct):
    """The buckets that the settings name, as far as they are this account's."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        super().__init__(scope, construct_id)
        self._buckets = [self._arn(name) for name in settings.monitored_buckets]
        self._objects = [f"{bucket}/*" for bucket in self._buckets]
        self._keys = list(settings.source_kms_key_arns)
        self._ours = {"StringEquals": {"aws:ResourceAccount": Stack.of(self).account}}

    def grant_read(self, remediator: HandlerFunction) -> None:
        """Let the remediator read what is in the buckets.

        Locks are hidden from who may not read them; annotations are part of a copy.
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
            remediator.allow("kms:Decrypt", on=self._keys)
        remediator.acknowledge_wildcards(
            [*self._buckets, *self._objects],
            reason="The deployer names the buckets; any object may be found",
        )

    def grant_move(self, remediator: HandlerFunction) -> None:
        """Let the remediator delete what it has copied, and write what it restores."""
        self._allow(
            remediator, "s3:DeleteObject", "s3:DeleteObjectVersion", *WRITING, on=self._objects
        )
        if self._keys:
            remediator.allow("kms:GenerateDataKey", on=self._keys)

    def _allow(self, remediator: HandlerFunction, *actions: str, on: list[str]) -> None:
        for first in range(0, len(on), _IN_A_STATEMENT):
            some = on[first : first + _IN_A_STATEMENT]
            remediator.allow(*actions, on=some, when=self._ours)

    def _arn(self, name: str) -> str:
        if name.startswith("arn:"):
            return name
        return Stack.of(self).format_arn(service="s3", region="", account="", resource=name)
