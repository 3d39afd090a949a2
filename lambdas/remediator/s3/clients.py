"""S3 clients: one place decides as whom the remediator acts, and how often a request is sent."""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_MAX_ATTEMPTS = 5
_CONNECT_SECONDS = 3
_READ_SECONDS = 60
"""Time without a single byte. While S3 copies it sends white space, so a copy may take longer.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Access:
    """Access to S3 as one account in one Region.

    Attributes:
        client: sends a request again if that can help.
        single_attempt_client: for CopyObject and CompleteMultipartUpload only. A second request
            would create a second version, so the copy is looked for instead.
    """

    client: "S3Client"
    single_attempt_client: "S3Client"


@cache
def s3_access(account: str, region: str) -> S3Access:  # noqa: ARG001 - the seam for members' roles
    """Return access to the buckets of `account` in `region`, by the function's own role."""
    return S3Access(
        client=_client(region, max_attempts=_MAX_ATTEMPTS),
        single_attempt_client=_client(region, max_attempts=1),
    )


def _client(region: str, *, max_attempts: int) -> "S3Client":
    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": max_attempts},
    )
    client: S3Client = boto3.client("s3", region_name=region, config=config)
    return client
