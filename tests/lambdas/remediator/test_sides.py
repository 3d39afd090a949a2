"""A refusal names the side, the bucket or key, and the missing grant; there and back.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lambdas.common.finding import Finding
from lambdas.common.ledger.record import Record, Status
from tests.harness.aws import (
    CARD,
    KEY,
    MIB,
    QUARANTINE,
    QUARANTINE_KEY,
    SOURCE,
    error_response,
)
from tests.harness.harness import Harness, start_harness

LARGE = CARD * (2 * MIB // len(CARD))
SOURCE_KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ROLE = "User: arn:aws:sts::123456789012:assumed-role/Remediator/r"
ENCRYPTED = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": SOURCE_KEY}
HOME, OWN = "monitoredBuckets", "quarantine bucket's policy"
HOME_KEY, OWN_KEY = "sourceKmsKeyArns", "the quarantine's own KMS key"
ADVICE = (HOME, OWN, HOME_KEY, OWN_KEY)


@pytest.fixture
def harness() -> Iterator[Harness]:
    with start_harness(versioning="Enabled", multipart_threshold=MIB) as harness:
        yield harness


def denial(action: str, resource: str) -> str:
    """Return S3's message about an action that is denied."""
    return (
        f"{ROLE} is not authorized to perform: {action} on resource:"
        f' "{resource}" with an explicit deny in a resource-based policy'
    )


def refuse(harness: Harness, operation: str, code: str, message: str = "Access Denied") -> None:
    """Refuse an operation from now on."""
    status = 403 if code == "AccessDenied" else 400
    harness.register(
        f"before-call.s3.{operation}", lambda **_: error_response(status, code, message)
    )


def assert_says(record: Record, *texts: str, advice: tuple[str, ...]) -> None:
    """Check what people read: these texts, this advice, and none about another side."""
    assert record.status is Status.FAILED
    for text in texts:
        assert text in record.latest_transition.reason, record.latest_transition.reason
    given = record.latest_transition.advice
    assert tuple(words for words in ADVICE if words in given) == advice, given
    assert "press Retry" in given


KINDS = pytest.mark.parametrize(
    ("body", "operation"), [(CARD, "CopyObject"), (LARGE, "UploadPartCopy")]
)
Move = Callable[[Harness, Finding], Record]


def _quarantine(harness: Harness, finding: Finding) -> Record:
    return harness.quarantine(finding)


def _restore(harness: Harness, finding: Finding) -> Record:
    return harness.restore(finding)


def to_restore(harness: Harness, body: bytes, **encryption: str) -> Finding:
    """Put an object into quarantine."""
    finding = harness.put_object(body, **encryption)
    assert harness.quarantine(finding).status is Status.QUARANTINED
    return finding


@KINDS
def test_a_destination_that_s3_names_is_blamed_on_the_way_into_quarantine(
    harness: Harness, body: bytes, operation: str
) -> None:
    refuse(
        harness, operation, "AccessDenied", denial("s3:PutObject", f"arn:aws:s3:::{QUARANTINE}/k")
    )
    record = harness.quarantine(harness.put_object(body))
    assert_says(
        record,
        f"to the bucket {QUARANTINE}, the destination: s3:PutObject is denied",
        advice=(OWN,),
    )


@KINDS
def test_a_source_that_s3_names_is_blamed_on_the_way_into_quarantine(
    harness: Harness, body: bytes, operation: str
) -> None:
    message = denial("s3:GetObjectVersionTagging", f"arn:aws:s3:::{SOURCE}/{KEY}")
    refuse(harness, operation, "AccessDenied", message)
    record = harness.quarantine(harness.put_object(body))
    assert_says(
        record,
        f"from the bucket {SOURCE}, the source: s3:GetObjectVersionTagging is denied",
        advice=(HOME,),
    )


@KINDS
def test_a_home_bucket_whose_policy_denies_a_restore_is_blamed(
    harness: Harness, body: bytes, operation: str
) -> None:
    finding = to_restore(harness, body)
    refuse(
        harness, operation, "AccessDenied", denial("s3:PutObject", f"arn:aws:s3:::{SOURCE}/{KEY}")
    )
    record = harness.restore(finding)
    assert_says(
        record, f"to the bucket {SOURCE}, the destination: s3:PutObject is denied", advice=(HOME,)
    )


@KINDS
def test_a_quarantine_whose_policy_denies_a_restore_is_blamed(
    harness: Harness, body: bytes, operation: str
) -> None:
    finding = to_restore(harness, body)
    message = denial("s3:GetObjectVersion", f"arn:aws:s3:::{QUARANTINE}/k")
    refuse(harness, operation, "AccessDenied", message)
    assert_says(
        harness.restore(finding),
        f"from the bucket {QUARANTINE}, the source: s3:GetObjectVersion is denied",
        advice=(OWN,),
    )


KEY_REFUSALS = [
    ("KMS.DisabledException", "{key} is disabled."),
    ("KMS.KMSInvalidStateException", "{key} is pending deletion."),
    (
        "AccessDenied",
        f"{ROLE} is not authorized to perform: kms:GenerateDataKey on resource: {{key}}",
    ),
]


@KINDS
@pytest.mark.parametrize("encryption", [{}, ENCRYPTED], ids=["plain", "KMS"])
@pytest.mark.parametrize("refusal", KEY_REFUSALS, ids=lambda refusal: refusal[0])
def test_a_quarantine_key_that_refuses_is_not_taken_for_the_key_of_the_object(
    harness: Harness, body: bytes, operation: str, encryption: Any, refusal: tuple[str, str]
) -> None:
    code, message = refusal
    operation = "CreateMultipartUpload" if body is LARGE else operation
    refuse(harness, operation, code, message.format(key=QUARANTINE_KEY))
    record = harness.quarantine(harness.put_object(body, **encryption))
    assert_says(
        record,
        f"A copy in the bucket {QUARANTINE} cannot be encrypted: its KMS key {QUARANTINE_KEY}",
        "refuses (kms:GenerateDataKey)" if code == "AccessDenied" else f"refuses ({code})",
        advice=(OWN_KEY,),
    )
    assert SOURCE_KEY not in record.latest_transition.reason
    assert "kms:GenerateDataKey" in record.latest_transition.advice
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([body], [])


@KINDS
@pytest.mark.parametrize("code", ["KMS.DisabledException", "KMS.NotFoundException"])
def test_a_key_that_s3_does_not_name_is_the_quarantines_where_the_object_has_none(
    harness: Harness, body: bytes, operation: str, code: str
) -> None:
    refuse(harness, operation, code, "Key is not usable")
    record = harness.quarantine(harness.put_object(body))
    assert_says(record, f"its KMS key {QUARANTINE_KEY} refuses ({code})", advice=(OWN_KEY,))


@KINDS
def test_a_key_that_s3_does_not_name_is_the_objects_where_that_cannot_be_read(
    harness: Harness, body: bytes, operation: str
) -> None:
    finding = harness.put_object(body, **ENCRYPTED)

    def disable(**_: Any) -> None:
        harness.strict_s3.refused_keys[SOURCE_KEY] = "KMS.DisabledException"

    with harness.before(operation, disable):
        record = harness.quarantine(finding)
    assert_says(
        record, f"cannot be decrypted: its KMS key {SOURCE_KEY} refuses", advice=(HOME_KEY,)
    )
    assert "KMS.DisabledException" in record.latest_transition.evidence[0]


@KINDS
def test_a_key_that_s3_does_not_name_is_the_quarantines_where_the_object_can_be_read(
    harness: Harness, body: bytes, operation: str
) -> None:
    refuse(harness, operation, "KMS.DisabledException", "Key is not usable")
    record = harness.quarantine(harness.put_object(body, **ENCRYPTED))
    assert_says(record, f"its KMS key {QUARANTINE_KEY} refuses", advice=(OWN_KEY,))


@KINDS
def test_the_key_of_the_home_bucket_is_blamed_where_it_refuses_a_restore(
    harness: Harness, body: bytes, operation: str
) -> None:
    finding = to_restore(harness, body, **ENCRYPTED)
    operation = "CreateMultipartUpload" if body is LARGE else operation
    refuse(harness, operation, "AccessDenied", denial("kms:GenerateDataKey", SOURCE_KEY))
    record = harness.restore(finding)
    assert_says(
        record,
        f"A copy in the bucket {SOURCE} cannot be encrypted: its KMS key {SOURCE_KEY}",
        "(kms:GenerateDataKey)",
        advice=(HOME_KEY,),
    )


@KINDS
def test_the_quarantine_key_is_blamed_where_it_lets_nobody_read_the_copy(
    harness: Harness, body: bytes, operation: str
) -> None:
    finding = to_restore(harness, body, **ENCRYPTED)

    def disable(**_: Any) -> None:
        harness.strict_s3.refused_keys[QUARANTINE_KEY] = "KMS.DisabledException"

    with harness.before(operation, disable):
        record = harness.restore(finding)
    assert_says(
        record,
        f"An object in the bucket {QUARANTINE} cannot be decrypted: its KMS key {QUARANTINE_KEY}",
        advice=(OWN_KEY,),
    )


@KINDS
def test_a_denial_without_a_word_is_of_the_destination_where_the_source_can_be_read(
    harness: Harness, body: bytes, operation: str
) -> None:
    """S3 says no more to another account."""
    refuse(harness, operation, "AccessDenied")
    finding = harness.put_object(body)
    record = harness.quarantine(finding)
    assert_says(
        record,
        f"to the bucket {QUARANTINE}, the destination: s3:PutObject",
        "kms:GenerateDataKey is denied",
        advice=(OWN,),
    )


@pytest.mark.parametrize(
    ("probe", "grant"),
    [("HeadObject", "s3:GetObjectVersion"), ("GetObjectTagging", "s3:GetObjectVersionTagging")],
)
def test_a_denial_without_a_word_is_of_the_source_where_that_cannot_be_read(
    harness: Harness, probe: str, grant: str
) -> None:
    finding = harness.put_object()
    is_copied: list[bool] = []

    def deny(operation: str, parameters: Any) -> bool:
        is_copied.extend([True] * (operation == "CopyObject"))
        is_probe = operation == probe and parameters["Bucket"] == SOURCE
        return operation == "CopyObject" or (is_probe and bool(is_copied))

    harness.strict_s3.deny = deny
    record = harness.quarantine(finding)
    assert_says(record, f"in the bucket {SOURCE}: {grant} is denied", advice=(HOME, HOME_KEY))


PARTS = [
    ("CreateMultipartUpload", QUARANTINE, "s3:PutObject or kms:GenerateDataKey", (OWN,)),
    ("ListMultipartUploads", QUARANTINE, "s3:ListBucketMultipartUploads", (OWN,)),
    ("CompleteMultipartUpload", QUARANTINE, "s3:PutObject or kms:Decrypt", (OWN,)),
    ("GetObjectTagging", SOURCE, "s3:GetObjectVersionTagging", (HOME, HOME_KEY)),
    ("ListObjectAnnotations", SOURCE, "s3:ListObjectAnnotations", (HOME, HOME_KEY)),
    ("PutObjectTagging", QUARANTINE, "s3:PutObjectTagging or s3:PutObjectVersionTagging", (OWN,)),
]


@pytest.mark.parametrize(("operation", "bucket", "grant", "advice"), PARTS)
def test_each_request_of_a_copy_in_parts_is_denied_by_one_side(
    harness: Harness, operation: str, bucket: str, grant: str, advice: tuple[str, ...]
) -> None:
    harness.strict_s3.deny = lambda name, _: name == operation
    finding = harness.put_object(LARGE, Tagging="kind=card")
    record = harness.quarantine(finding)
    assert_says(record, f"bucket {bucket}, the", f"{grant} is denied", advice=advice)
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([LARGE], [])
    assert harness.s3.list_multipart_uploads(Bucket=QUARANTINE).get("Uploads", []) == []


def test_an_upload_that_cannot_be_aborted_either_does_not_hide_the_refusal(
    harness: Harness,
) -> None:
    harness.strict_s3.deny = lambda name, _: name in {"UploadPartCopy", "AbortMultipartUpload"}
    record = harness.quarantine(harness.put_object(LARGE))
    assert "UploadPartCopy" in record.latest_transition.evidence[0]


def test_any_other_refusal_names_both_buckets(harness: Harness) -> None:
    refuse(harness, "CopyObject", "InvalidRequest")
    record = harness.quarantine(harness.put_object())
    assert_says(
        record, f"from the bucket {SOURCE} to the bucket {QUARANTINE}: InvalidRequest.", advice=()
    )


@pytest.mark.parametrize(
    ("bucket", "advice"), [(SOURCE, (HOME,)), (QUARANTINE, (OWN,))], ids=["home", "quarantine"]
)
def test_a_denied_deletion_is_of_its_bucket(
    harness: Harness, bucket: str, advice: tuple[str, ...]
) -> None:
    finding = to_restore(harness, CARD) if bucket == QUARANTINE else harness.put_object()
    message = denial("s3:DeleteObjectVersion", f"arn:aws:s3:::{bucket}/k")
    refuse(harness, "DeleteObject", "AccessDenied", message)
    move = _restore if bucket == QUARANTINE else _quarantine
    assert_says(move(harness, finding), f"in the bucket {bucket}: s3:Delete", advice=advice)
