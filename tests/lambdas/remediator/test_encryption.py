"""Encrypted sources: each kind is moved, and where its key refuses, people are told which and why.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/serv-side-encryption.html
"""

from collections.abc import Iterator
from typing import Any

import pytest

from lambdas.common.finding import Finding
from lambdas.common.record import Status
from tests.lambdas.remediator.world import QUARANTINE, SOURCE, World, world

CARD = b"name,card\nJane,4111111111111111\n"
MIB = 1024 * 1024
KEY_ARN = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
WITH_KEY: list[Any] = [
    {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": KEY_ARN},
    {"ServerSideEncryption": "aws:kms:dsse", "SSEKMSKeyId": KEY_ARN},
]
SIZES = [("at once", CARD), ("in parts", CARD * (2 * MIB // len(CARD)))]
REFUSALS = ["AccessDenied", "KMS.DisabledException", "KMS.KMSInvalidStateException"]


@pytest.fixture
def here() -> Iterator[World]:
    with world(versioned=False, threshold=MIB) as one:
        yield one


def _put(here: World, kind: Any) -> Finding:
    finding = here.put(CARD, **kind)
    if kind["ServerSideEncryption"] == "aws:kms:dsse":
        here.strict.dsse_keys[SOURCE, finding.object.key] = KEY_ARN
    return finding


def _names(kind: Any) -> str:
    return str(kind["ServerSideEncryption"])


@pytest.mark.parametrize(
    "kind", [{"ServerSideEncryption": "AES256"}, *WITH_KEY, {}], ids=["SSE-S3", "KMS", "DSSE", ""]
)
@pytest.mark.parametrize("body", [row[1] for row in SIZES], ids=[row[0] for row in SIZES])
def test_every_kind_of_encryption_goes_and_comes_back(here: World, kind: Any, body: bytes) -> None:
    finding = here.put(body, **kind)
    record = here.remediated(finding)
    assert record.status is Status.QUARANTINED
    assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == ([], [body])
    assert here.restored(finding).status is Status.RESTORED
    assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == ([body], [])


@pytest.mark.parametrize("kind", WITH_KEY, ids=_names)
def test_the_key_that_a_copy_does_not_keep_is_in_the_ledger(here: World, kind: Any) -> None:
    (copy,) = here.remediated(_put(here, kind)).copies
    assert copy.not_kept == (f"{kind['ServerSideEncryption']} encryption with the key {KEY_ARN}",)


@pytest.mark.parametrize("kind", WITH_KEY, ids=_names)
@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_key_that_refuses_is_named_with_what_to_do_and_retry_works(
    here: World, kind: Any, refusal: str
) -> None:
    finding = _put(here, kind)
    here.strict.refused_keys[KEY_ARN] = refusal
    record = here.remediated(finding)
    assert record.status is Status.FAILED
    assert f"can not be decrypted: its KMS key `{KEY_ARN}` refuses" in here.shown
    assert "sourceKmsKeyArns" in here.shown
    assert "press Retry" in here.shown
    assert record.copies == ()
    assert "HeadObject" in record.standing.evidence[0]
    assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == ([CARD], [])

    here.strict.refused_keys.clear()
    assert here.retried(finding).status is Status.QUARANTINED
    assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == ([], [CARD])


@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("body", [row[1] for row in SIZES], ids=[row[0] for row in SIZES])
def test_a_key_that_refuses_the_copy_only_is_told_the_same(
    here: World, refusal: str, body: bytes
) -> None:
    finding = here.put(body, **WITH_KEY[0])

    def refuse(**_: Any) -> None:
        here.strict.refused_keys[KEY_ARN] = refusal

    with here.before("GetObjectAcl", refuse):
        record = here.remediated(finding)
    assert record.status is Status.FAILED
    assert f"its KMS key `{KEY_ARN}` refuses" in here.shown
    assert refusal in record.standing.evidence[0]
    assert here.s3.list_multipart_uploads(Bucket=QUARANTINE).get("Uploads", []) == []
    assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == ([body], [])
