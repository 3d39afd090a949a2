"""Policies that constructs share: what outlives the stack, and what a copy needs in S3."""

from aws_cdk import RemovalPolicy

KEEP_EVIDENCE = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
"""Keep a resource for good, unless the very first deployment fails: then it is still empty."""

S3_WRITE_ACTIONS = (
    "s3:PutObject",
    "s3:PutObjectTagging",
    "s3:PutObjectAnnotation",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
)
"""The actions that a multipart copy needs where it writes, tags and annotations included."""
