"""Step 7: who may read, write and delete in quarantine, and how long objects are kept."""

from typing import Any

import pytest
from aws_cdk.assertions import Template

from tests.stacks import permissions, synthesis
from tests.stacks.evaluation import role_allows
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


def test_object_lock_is_always_enabled_and_locks_nothing_by_default() -> None:
    """CloudFormation can enable it for a new bucket only. A bad copy must not be locked."""
    bucket = _bucket(synthesis.template(evidenceLock=None))

    assert bucket["ObjectLockEnabled"] is True
    assert "ObjectLockConfiguration" not in bucket


def test_only_with_an_evidence_lock_may_the_remediator_lock_objects() -> None:
    """And not for much longer than the setting says: nobody can undo COMPLIANCE."""

    def may_lock(template: Template, days: int) -> bool:
        keys = {"s3:object-lock-remaining-retention-days": str(days)}
        return role_allows(template, "Remediator", "s3:PutObjectRetention", keys)

    locking = synthesis.template(
        evidenceLock={"mode": "COMPLIANCE", "days": 30}, quarantineRetentionDays=None
    )
    assert may_lock(locking, 30)
    assert not may_lock(locking, 36500)
    assert not may_lock(synthesis.template(evidenceLock=None), 1)
    dry_run = synthesis.template(mode="DRY_RUN", evidenceLock={"mode": "COMPLIANCE", "days": 1})
    assert not may_lock(dry_run, 1)


def test_nobody_may_shorten_or_bypass_a_lock(template: Template) -> None:
    """The roles of the functions have no such right in any bucket."""
    lines = permissions.lines(template.to_json())

    assert not [line for line in lines if "Bypass" in line or "s3:PutObjectLegalHold" in line]


def test_a_quarantine_that_changed_hands_receives_nothing(template: Template) -> None:
    """Whoever takes the name of a deleted bucket owns an account of their own."""
    allowed = [
        line
        for line in permissions.lines(template.to_json())
        if line.startswith("RemediatorRole may s3:")
    ]

    assert any("QuarantineBucket" in line for line in allowed)
    assert all("aws:ResourceAccount StringEquals AccountId" in line for line in allowed)


def test_keys_are_used_through_s3_only(template: Template) -> None:
    """Whoever takes over a role cannot decrypt what they have from elsewhere."""
    allowed = [
        line
        for line in permissions.lines(template.to_json())
        if " may kms:" in line and " may kms:* " not in line and "MonitoringTopicKey" not in line
    ]

    assert len(allowed) == 3
    assert all("if kms:ViaService StringEquals s3.Region.URLSuffix" in line for line in allowed)


def test_the_remediator_may_touch_objects_of_its_own_account_only(template: Template) -> None:
    """Quarantine keys begin with the account that an object came from."""
    lines = permissions.lines(template.to_json())
    allowed = [line for line in lines if line.startswith("RemediatorRole may s3:")]

    assert [line for line in allowed if " on QuarantineBucket/AccountId/* " in line]
    assert not [line for line in allowed if " on QuarantineBucket/* " in line]


@pytest.mark.parametrize("place", ["QuarantineBucket/AccountId/*", "arn:Partition:s3:::hr-*/*"])
def test_tags_that_fit_no_header_can_be_added_after_the_copy(
    template: Template, place: str
) -> None:
    """To a version, and to an object of a bucket without versions, in both directions."""
    lines = permissions.lines(template.to_json())

    for action in ("s3:PutObjectTagging", "s3:PutObjectVersionTagging"):
        assert any(line.startswith(f"RemediatorRole may {action} on {place}") for line in lines)
