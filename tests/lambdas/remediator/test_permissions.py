"""The remediator is granted what it uses in S3, and uses what it is granted.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path as File
from typing import Any

from tests.lambdas.remediator.stand_ins import Killed
from tests.lambdas.remediator.test_crashes import MIB, PATHS, Path
from tests.lambdas.remediator.world import QUARANTINE, SOURCE, World, world

GRANTED = File(__file__).parents[2] / "stacks" / "permissions.txt"

Grant = tuple[str, str]
"""An IAM action, and the bucket it is about: the source or the quarantine."""


def _granted() -> set[Grant]:
    """Read the golden file of the stack's permissions."""
    lines = re.findall(r"RemediatorRole may s3:(\w+) on (\S+)", GRANTED.read_text())
    return {
        (action, QUARANTINE if place.startswith("QuarantineBucket") else SOURCE)
        for action, place in lines
    }


def _used(operation: str, asked: Mapping[str, Any]) -> Iterator[Grant]:
    """Name what IAM asks for before S3 does `operation`."""
    here, version = asked["Bucket"], "Version" if asked.get("VersionId") else ""
    match operation:
        case "HeadObject":
            yield f"GetObject{version}", here
            # Without this, a missing object looks denied.
            yield "ListBucket", here
            if here == SOURCE:
                # Without these, a lock is not shown.
                yield "GetObjectRetention", here
                yield "GetObjectLegalHold", here
        case "CopyObject" | "UploadPartCopy":
            yield from _of_copy(operation, asked)
        case "CreateMultipartUpload":
            yield "PutObject", here
            yield "PutObjectTagging", here
        case "GetObjectTagging" | "GetObjectAcl" | "DeleteObject":
            yield operation.replace("Object", f"Object{version}"), here
        case _:
            yield _NAMES.get(operation, operation), here


_NAMES = {
    "CompleteMultipartUpload": "PutObject",
    "ListObjectVersions": "ListBucketVersions",
    "ListParts": "ListMultipartUploadParts",
    "ListMultipartUploads": "ListBucketMultipartUploads",
}


def _of_copy(operation: str, asked: Mapping[str, Any]) -> Iterator[Grant]:
    source, there = asked["CopySource"], asked["Bucket"]
    version = "Version" if source.get("VersionId") else ""
    yield f"GetObject{version}", source["Bucket"]
    yield "PutObject", there
    if operation == "CopyObject":
        yield f"GetObject{version}Tagging", source["Bucket"]
        yield "PutObjectTagging", there
        yield "GetObjectAnnotation", source["Bucket"]
        yield "PutObjectAnnotation", there


def _seen(one: World) -> set[Grant]:
    return {grant for operation, asked in one.strict.asked for grant in _used(operation, asked)}


def _run(path: Path, *, kill_after: str | None = None, deny: str | None = None) -> set[Grant]:
    """Go along `path`, dying once after an operation or being denied one; answer what was used."""
    with world(versioned=path.versioned, threshold=path.threshold, wanted=path.wanted) as one:
        finding = path.begin(one)
        if deny is not None:
            one.strict.deny = lambda name, _: name == deny
        if kill_after is not None:
            one.killer.calls.clear()
            one.killer.stop_after = kill_after
            try:
                one.run(finding)
            except Killed:
                one.killer.stop_after = None
        one.run(finding)
        return _seen(one)


def test_what_is_granted_is_used_and_what_is_used_is_granted() -> None:
    used = set[Grant]().union(*(_run(path) for path in PATHS))
    for path in (path for path in PATHS if path.threshold == MIB):
        used |= _run(path, kill_after="UploadPartCopy") | _run(path, deny="UploadPartCopy")
    assert used == _granted()
