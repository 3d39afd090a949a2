"""What constructs share about policies: what outlives the stack, ARNs of roles, actions in S3."""

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

KEEP_EVIDENCE = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
"""Keep a resource for good, unless the very first deployment fails: then it is still empty."""

S3_WRITE_ACTIONS = (
    "s3:PutObject",
    "s3:PutObjectTagging",
    "s3:PutObjectVersionTagging",
    "s3:PutObjectAnnotation",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
)
"""The actions that a copy needs where it writes: in parts, then tagged, then annotated."""


def via_service(scope: Construct, service: str) -> dict[str, dict[str, str]]:
    """Return the condition that a key is used through `service` of the stack's Region only.

    Source: https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
    """
    stack = Stack.of(scope)
    return {"StringEquals": {"kms:ViaService": f"{service}.{stack.region}.{stack.url_suffix}"}}


def in_own_account(scope: Construct) -> dict[str, dict[str, str]]:
    """Return the condition that a resource still belongs to the stack's account.

    A deleted bucket's name may be taken by another account.
    """
    return {"StringEquals": {"aws:ResourceAccount": Stack.of(scope).account}}


def principal_arns(role: iam.IRole) -> list[str]:
    """Return the patterns that match `aws:PrincipalArn` in a request of `role`.

    AWS compares the role of a session, the sandbox's ministack the session itself. On AWS no
    principal has the session's ARN:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
    """
    session = Stack.of(role).format_arn(
        service="sts", region="", resource="assumed-role", resource_name=f"{role.role_name}/*"
    )
    return [role.role_arn, session]


def named_principal_arns(role_arn: str) -> list[str]:
    """Return the same patterns for the ARN of a role in the settings."""
    account, path = role_arn.split(":role/")
    name = path.rsplit("/", 1)[-1]
    return [role_arn, f"{account.replace(':iam:', ':sts:')}:assumed-role/{name}/*"]
