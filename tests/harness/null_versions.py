"""A bucket with "null" versions and suspended versioning, of which moto knows too little.

In moto the bucket makes a version of everything; which version of a key is the "null" version is
kept here, and translated in every request and response.
Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/VersionSuspendedBehavior.html
"""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.harness.harness import Harness

_NULL = "null"
# The id of no version: moto has no word for a "null" version that is not there.
_NO_VERSION = "00000000-0000-0000-0000-000000000000"


class NullVersions:
    """The null versions of one bucket.

    Args:
        s3: a client without hooks.
        bucket: its name; moto's versioning is enabled there.

    Attributes:
        is_suspended: whether the bucket makes no versions now.
    """

    def __init__(self, s3: Any, bucket: str, *, is_suspended: bool) -> None:
        self.is_suspended = is_suspended
        self._s3, self._bucket = s3, bucket
        self._ids: dict[str, str] = {}

    def put(self, key: str, body: bytes) -> str:
        """Put an object as the null version of `key`; return its ETag."""
        created = self._s3.put_object(Bucket=self._bucket, Key=key, Body=body)
        self._replace(key, created["VersionId"])
        etag: str = created["ETag"].strip('"')
        return etag

    def register(self, harness: Harness) -> None:
        """Translate for the functions of `harness`, before other hooks see it."""
        harness.register("provide-client-params.s3", self._before, first=True)
        harness.register("after-call.s3", self._after, first=True)

    def _before(self, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["null_versions"] = dict(params)
        for named in (params, params.get("CopySource")):
            if isinstance(named, dict) and self._is_null(named):
                named["VersionId"] = self._ids.get(named["Key"], _NO_VERSION)

    def _is_null(self, named: Mapping[str, Any]) -> bool:
        return named["Bucket"] == self._bucket and named.get("VersionId") == _NULL

    def _after(self, model: Any, parsed: dict[str, Any], context: Any, **_: Any) -> None:
        params = context["null_versions"]
        if params["Bucket"] != self._bucket or "Error" in parsed:
            return
        if model.name == "DeleteObject":
            self._delete(params, parsed)
        if model.name == "GetBucketVersioning":
            parsed["Status"] = "Suspended" if self.is_suspended else "Enabled"
        for entry in _entries(parsed):
            if entry.get("VersionId") == self._ids.get(entry.get("Key", params.get("Key"))):
                entry["VersionId"] = _NULL

    def _delete(self, params: Mapping[str, Any], parsed: Mapping[str, Any]) -> None:
        if params.get("VersionId") == _NULL:
            self._ids.pop(params["Key"], None)
        elif "VersionId" not in params and self.is_suspended:
            self._replace(params["Key"], parsed["VersionId"])

    def _replace(self, key: str, version_id: str) -> None:
        if key in self._ids:
            old = self._ids[key]
            self._s3.delete_object(Bucket=self._bucket, Key=key, VersionId=old)
        self._ids[key] = version_id


def _entries(parsed: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield parsed
    yield from parsed.get("Versions", ())
    yield from parsed.get("DeleteMarkers", ())
