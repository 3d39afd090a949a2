"""Step 7: who may read, write and delete in quarantine, and how long objects are kept."""

from typing import Any

import pytest
from aws_cdk.assertions import Template

from tests.stacks import permissions, synthesis
from tests.stacks.synthesis import only


def _bucket(template: Template) -> dict[str, Any]:
    return only(template, "AWS::S3::Bucket", {"VersioningConfiguration": {"Status": "Enabled"}})


def _denials(template: Template, action: str) -> list[str]:
    denial = f"everyone may not {action} on QuarantineBucket/*"
    return [line for line in permissions.lines(template.to_json()) if line.startswith(denial)]


def test_the_bucket_is_versioned_and_encrypted_with_its_own_key(
    template: Template,
) -> None:
    """AWS rotates the key every year."""
    encryption = _bucket(template)["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    default = encryption[0]["ServerSideEncryptionByDefault"]
    key = default["KMSMasterKeyID"]["Fn::GetAtt"][0]

    assert default["SSEAlgorithm"] == "aws:kms"
    assert template.to_json()["Resources"][key]["Properties"]["EnableKeyRotation"]


def test_no_bucket_can_be_made_public(template: Template) -> None:
    """This holds for the access log too."""
    settings = {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }

    template.all_resources_properties(
        "AWS::S3::Bucket", {"PublicAccessBlockConfiguration": settings}
    )


def test_every_access_to_the_quarantine_is_logged(template: Template) -> None:
    """After a leak, the first question is who read the object."""
    assert "DestinationBucketName" in _bucket(template)["LoggingConfiguration"]


def test_only_the_remediator_and_the_readers_may_read(template: Template) -> None:
    """A denial outweighs every permission of an administrator."""
    (denial,) = _denials(template, "s3:GetObject*")

    assert "ArnNotLike RemediatorRole or " in denial
    assert "role/security/Investigator" in denial


@pytest.mark.parametrize("action", ["s3:PutObject*", "s3:DeleteObject*"])
def test_only_the_remediator_may_write_and_delete(template: Template, action: str) -> None:
    """Readers may not: what they read is what Macie found."""
    (denial,) = _denials(template, action)

    assert "ArnNotLike RemediatorRole or " in denial
    assert "Investigator" not in denial


def test_the_bucket_itself_is_denied_to_nobody(template: Template) -> None:
    """An administrator can always repair its policy. Only TLS is enforced."""
    denials = [
        line
        for line in permissions.lines(template.to_json())
        if line.startswith("everyone may not s3:") and "SecureTransport" not in line
    ]

    assert all(" on QuarantineBucket/* " in line for line in denials)


def test_the_denials_stay_when_the_stack_is_deleted(template: Template) -> None:
    """The objects stay too."""
    template.all_resources("AWS::S3::BucketPolicy", {"DeletionPolicy": "RetainExceptOnCreate"})


def test_without_a_retention_nothing_in_quarantine_expires() -> None:
    """Only the parts of unfinished copies do."""
    rules = _bucket(synthesis.template(quarantineRetentionDays=None))["LifecycleConfiguration"]

    assert rules == {
        "Rules": [
            {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}, "Status": "Enabled"}
        ]
    }


def test_a_version_is_kept_for_the_retention_even_if_its_key_is_quarantined_again(
    template: Template,
) -> None:
    """With a shorter period for noncurrent versions, the second copy would end the first."""
    retention = _bucket(template)["LifecycleConfiguration"]["Rules"][1]

    assert retention["ExpirationInDays"] == 30
    assert retention["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
