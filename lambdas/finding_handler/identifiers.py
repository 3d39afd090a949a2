"""Which ids, accounts, Regions, bucket names and keys can be real; the others are forged. Pure.

What a finding says becomes a part of signed requests and of ids in the ledger, so each value is
checked by the rules of the service that assigns it.
"""

import re
from collections.abc import Mapping

_FINDING_ID = re.compile(r"[A-Za-z0-9-]{1,128}")
"""Macie's ids are UUIDs. No id of the ledger's other items matches, for those contain `#`."""

_ACCOUNT = re.compile(r"[0-9]{12}")

_REGIONS: Mapping[str, re.Pattern[str]] = {
    partition: re.compile(pattern, re.ASCII)
    for partition, pattern in {
        "aws": r"(us|eu|ap|sa|ca|me|af|il|mx)\-\w+\-\d+",
        "aws-cn": r"cn\-\w+\-\d+",
        "aws-eusc": r"eusc\-(de)\-\w+\-\d+",
        "aws-iso": r"us\-iso\-\w+\-\d+",
        "aws-iso-b": r"us\-isob\-\w+\-\d+",
        "aws-iso-e": r"eu\-isoe\-\w+\-\d+",
        "aws-iso-f": r"us\-isof\-\w+\-\d+",
        "aws-us-gov": r"us\-gov\-\w+\-\d+",
    }.items()
}
"""The `regionRegex` of each partition: a list of Regions would be outdated by the next new Region.

Source: https://github.com/boto/botocore/blob/develop/botocore/data/partitions.json
"""

_LABEL = re.compile(r"[a-z0-9-]{1,63}")
"""A Region is a part of a host name."""

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_OLD_BUCKET = re.compile(r"[A-Za-z0-9._-]{3,255}")
"""Names of buckets that were created in us-east-1 before March 2018."""

_IP_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+", re.ASCII)
_OTHER_ADDRESSES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
"""How the names end that lead S3 to something else than a bucket."""

_OPAQUE = re.compile(r"[!-~]{1,1024}")
"""Visible ASCII: ETags and version ids travel in headers and addresses."""

_LONGEST_KEY = 1024


def is_finding_id(text: str) -> bool:
    """Return whether `text` can be the id of a finding."""
    return _FINDING_ID.fullmatch(text) is not None


def is_account(text: str) -> bool:
    """Return whether `text` can be the id of an AWS account.

    Source: https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-identifiers.html
    """
    return _ACCOUNT.fullmatch(text) is not None


def is_region(text: str, *, partition: str) -> bool:
    """Return whether `text` can be a Region of `partition`; False for an unknown partition."""
    pattern = _REGIONS.get(partition)
    is_label = _LABEL.fullmatch(text) is not None
    return is_label and pattern is not None and pattern.fullmatch(text) is not None


def is_bucket(text: str, *, region: str) -> bool:
    """Return whether `text` can be the name of a general purpose bucket in `region`.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    """
    if text.endswith(_OTHER_ADDRESSES):
        return False
    if region == "us-east-1" and _OLD_BUCKET.fullmatch(text):
        return True
    is_address = ".." in text or _IP_ADDRESS.fullmatch(text) is not None
    return _BUCKET.fullmatch(text) is not None and not is_address


def is_key(text: str) -> bool:
    """Return whether `text`, which is valid Unicode, can be the key of an object.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
    """
    return 1 <= len(text.encode()) <= _LONGEST_KEY


def is_opaque(text: str) -> bool:
    """Return whether `text` can be an ETag or a version id, which have no other meaning.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/versioning-workflows.html
    """
    return _OPAQUE.fullmatch(text) is not None
