"""The remediator is granted what it uses in S3, and uses what it is granted.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any

from tests.harness.aws import MIB, QUARANTINE, SOURCE
from tests.harness.faults import Killed
from tests.harness.harness import Harness
from tests.lambdas.remediator.test_crashes import PATHS, Path

GRANTED = FilePath(__file__).parents[2] / "stacks" / "permissions.txt"

Grant = tuple[str, str]
"""An IAM action, and the bucket it is about: the source or the quarantine."""


def _granted() -> set[Grant]:
    """Read the golden file of the stack's permissions."""
    lines = re.findall(r"RemediatorRole may s3:(\w+) on (\S+)", GRANTED.read_text())
    return {
        (action, QUARANTINE if bucket.startswith("QuarantineBucket") else SOURCE)
        for action, bucket in lines
    }


def _needed(operation: str, parameters: Mapping[str, Any]) -> Iterator[Grant]:
    """Yield what IAM requires before S3 carries out `operation`."""
    bucket, version = parameters["Bucket"], "Version" if parameters.get("VersionId") else ""
    match operation:
        case "HeadObject":
            yield f"GetObject{version}", bucket
            # Without this, a missing object looks denied.
            yield "ListBucket", bucket
            if bucket == SOURCE:
                # Without these, a lock is not shown.
                yield "GetObjectRetention", bucket
                yield "GetObjectLegalHold", bucket
        case "CopyObject" | "UploadPartCopy":
            yield from _needed_to_copy(operation, parameters)
        case "GetObjectTagging" | "PutObjectTagging" | "GetObjectAcl" | "DeleteObject":
            yield operation.replace("Object", f"Object{version}"), bucket
        case _:
            yield _NAMES.get(operation, operation), bucket


_NAMES = {
    "CreateMultipartUpload": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "ListObjectVersions": "ListBucketVersions",
    "ListParts": "ListMultipartUploadParts",
    "ListMultipartUploads": "ListBucketMultipartUploads",
}


def _needed_to_copy(operation: str, parameters: Mapping[str, Any]) -> Iterator[Grant]:
    source, destination = parameters["CopySource"], parameters["Bucket"]
    version = "Version" if source.get("VersionId") else ""
    yield f"GetObject{version}", source["Bucket"]
    yield "PutObject", destination
    if operation == "CopyObject":
        yield f"GetObject{version}Tagging", source["Bucket"]
        yield "PutObjectTagging", destination
        yield "GetObjectAnnotation", source["Bucket"]
        yield "PutObjectAnnotation", destination


def _used(harness: Harness) -> set[Grant]:
    return {
        grant
        for operation, parameters in harness.strict_s3.requests
        for grant in _needed(operation, parameters)
    }


def _run(path: Path, *, kill_after: str | None = None, deny: str | None = None) -> set[Grant]:
    """Take `path`, die once after an operation, or be denied one; return what was used."""
    with path.start() as harness:
        finding = path.begin(harness)
        if deny is not None:
            harness.strict_s3.deny = lambda operation, _: operation == deny
        if kill_after is not None:
            harness.faults.reset()
            harness.faults.kill_after = kill_after
            try:
                path.run(harness, finding)
            except Killed:
                harness.faults.reset()
        path.run(harness, finding)
        return _used(harness)


def test_what_is_granted_is_used_and_what_is_used_is_granted() -> None:
    used = set[Grant]().union(*(_run(path) for path in PATHS))
    for path in (path for path in PATHS if path.threshold == MIB):
        used |= _run(path, kill_after="UploadPartCopy") | _run(path, deny="UploadPartCopy")
    assert used == _granted()
