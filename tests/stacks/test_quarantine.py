"""Step 7: nothing leaves the quarantine, and nobody looks into it who should not."""

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


def test_the_bucket_keeps_every_version_encrypted_with_a_key_of_its_own(
    template: Template,
) -> None:
    """The key is changed by AWS every year."""
    encryption = _bucket(template)["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    default = encryption[0]["ServerSideEncryptionByDefault"]
    key = default["KMSMasterKeyID"]["Fn::GetAtt"][0]

    assert default["SSEAlgorithm"] == "aws:kms"
    assert template.to_json()["Resources"][key]["Properties"]["EnableKeyRotation"]


def test_no_bucket_can_be_made_public(template: Template) -> None:
    """Neither the quarantine nor its access log."""
    blocked = {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }

    template.all_resources_properties(
        "AWS::S3::Bucket", {"PublicAccessBlockConfiguration": blocked}
    )


def test_every_access_to_the_quarantine_is_logged(template: Template) -> None:
    """Who tried to read what is asked first when something has leaked."""
    assert "DestinationBucketName" in _bucket(template)["LoggingConfiguration"]


def test_only_the_remediator_and_the_readers_may_read(template: Template) -> None:
    """A denial outweighs whatever else an administrator was given."""
    (denial,) = _denials(template, "s3:GetObject*")

    assert "ArnNotLike RemediatorRole or " in denial
    assert "role/security/Investigator" in denial


@pytest.mark.parametrize("action", ["s3:PutObject*", "s3:DeleteObject*"])
def test_only_the_remediator_may_write_and_delete(template: Template, action: str) -> None:
    """The readers may not, so that what they read is what was found."""
    (denial,) = _denials(template, action)

    assert "ArnNotLike RemediatorRole or " in denial
    assert "Investigator" not in denial


def test_nobody_is_denied_the_bucket_itself(template: Template) -> None:
    """Who may change its policy can always open it again; TLS is all that is asked of them."""
    denials = [
        line
        for line in permissions.lines(template.to_json())
        if line.startswith("everyone may not s3:") and "SecureTransport" not in line
    ]

    assert all(" on QuarantineBucket/* " in line for line in denials)


def test_who_may_not_read_may_not_read_when_the_stack_is_gone(template: Template) -> None:
    """The objects stay, and so does what keeps everybody else from them."""
    template.all_resources("AWS::S3::BucketPolicy", {"DeletionPolicy": "RetainExceptOnCreate"})


def test_without_a_retention_nothing_in_quarantine_expires() -> None:
    """Only parts of copies that were never completed do."""
    rules = _bucket(synthesis.template(quarantineRetentionDays=None))["LifecycleConfiguration"]

    assert rules == {
        "Rules": [
            {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}, "Status": "Enabled"}
        ]
    }


def test_a_version_is_kept_for_the_retention_also_when_its_key_is_quarantined_again(
    template: Template,
) -> None:
    """A shorter time for noncurrent versions would let the second quarantine drop the first."""
    retention = _bucket(template)["LifecycleConfiguration"]["Rules"][1]

    assert retention["ExpirationInDays"] == 30
    assert retention["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
