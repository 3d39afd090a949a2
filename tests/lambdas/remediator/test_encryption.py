"""Encrypted sources: each kind is moved; where a KMS key refuses, people read which one and why.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/serv-side-encryption.html
"""

from collections.abc import Iterator
from typing import Any

import pytest

from lambdas.common.finding import Finding
from lambdas.common.ledger.record import Status
from tests.harness.aws import CARD, MIB, QUARANTINE, SOURCE
from tests.harness.harness import Harness, start_harness

KEY_ARN = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
WITH_KEY: list[Any] = [
    {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": KEY_ARN},
    {"ServerSideEncryption": "aws:kms:dsse", "SSEKMSKeyId": KEY_ARN},
]
BODIES = [("at once", CARD), ("in parts", CARD * (2 * MIB // len(CARD)))]
REFUSALS = ["AccessDenied", "KMS.DisabledException", "KMS.KMSInvalidStateException"]


@pytest.fixture
def harness() -> Iterator[Harness]:
    with start_harness(multipart_threshold=MIB) as harness:
        yield harness


def _put(harness: Harness, encryption: Any) -> Finding:
    finding = harness.put_object(CARD, **encryption)
    if encryption["ServerSideEncryption"] == "aws:kms:dsse":
        harness.strict_s3.dsse_keys[SOURCE, finding.object.key] = KEY_ARN
    return finding


def _names(encryption: Any) -> str:
    return str(encryption["ServerSideEncryption"])


@pytest.mark.parametrize(
    "encryption",
    [{"ServerSideEncryption": "AES256"}, *WITH_KEY, {}],
    ids=["SSE-S3", "KMS", "DSSE", ""],
)
@pytest.mark.parametrize("body", [row[1] for row in BODIES], ids=[row[0] for row in BODIES])
def test_every_kind_of_encryption_goes_and_comes_back(
    harness: Harness, encryption: Any, body: bytes
) -> None:
    finding = harness.put_object(body, **encryption)
    record = harness.quarantine(finding)
    assert record.status is Status.QUARANTINED
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([], [body])
    assert harness.restore(finding).status is Status.RESTORED
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([body], [])


@pytest.mark.parametrize("encryption", WITH_KEY, ids=_names)
def test_the_key_that_a_copy_does_not_keep_is_in_the_ledger(
    harness: Harness, encryption: Any
) -> None:
    (copy,) = harness.quarantine(_put(harness, encryption)).copies
    assert copy.lost_in_copy == (
        f"{encryption['ServerSideEncryption']} encryption with the key {KEY_ARN}",
    )


@pytest.mark.parametrize("encryption", WITH_KEY, ids=_names)
@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_key_that_refuses_is_named_with_advice_and_retry_works(
    harness: Harness, encryption: Any, refusal: str
) -> None:
    finding = _put(harness, encryption)
    harness.strict_s3.refused_keys[KEY_ARN] = refusal
    record = harness.quarantine(finding)
    assert record.status is Status.FAILED
    assert f"cannot be decrypted: its KMS key `{KEY_ARN}` refuses" in harness.message.text
    assert "sourceKmsKeyArns" in harness.message.text
    assert "press Retry" in harness.message.text
    assert record.copies == ()
    assert "HeadObject" in record.latest_transition.evidence[0]
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([CARD], [])

    harness.strict_s3.refused_keys.clear()
    assert harness.retry(finding).status is Status.QUARANTINED
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([], [CARD])


@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("body", [row[1] for row in BODIES], ids=[row[0] for row in BODIES])
def test_a_key_that_refuses_only_the_copy_is_the_same_failure(
    harness: Harness, refusal: str, body: bytes
) -> None:
    finding = harness.put_object(body, **WITH_KEY[0])

    def refuse(**_: Any) -> None:
        harness.strict_s3.refused_keys[KEY_ARN] = refusal

    with harness.before("GetObjectAcl", refuse):
        record = harness.quarantine(finding)
    assert record.status is Status.FAILED
    assert f"its KMS key `{KEY_ARN}` refuses" in harness.message.text
    assert refusal in record.latest_transition.evidence[0]
    assert harness.s3.list_multipart_uploads(Bucket=QUARANTINE).get("Uploads", []) == []
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([body], [])
