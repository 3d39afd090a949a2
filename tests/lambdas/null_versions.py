"""A bucket with "null" versions and suspended versioning, of which moto knows too little.

Underneath, moto's bucket makes a version of everything; which of a key's versions is the "null" one
is kept here, and translated in every request and answer.
Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/VersionSuspendedBehavior.html
"""

from collections.abc import Iterator
from typing import Any

_NULL = "null"
# The id of no version: moto has no word for a "null" version that is not there.
_NONE = "00000000-0000-0000-0000-000000000000"


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
        """Put an object as the null version of `key`; answer its ETag."""
        put = self._s3.put_object(Bucket=self._bucket, Key=key, Body=body)
        self._replace(key, put["VersionId"])
        etag: str = put["ETag"].strip('"')
        return etag

    def guard(self, session: Any) -> None:
        """Translate for every client that `session` will make, before other hooks see it."""
        emitter = session.get_component("event_emitter")
        emitter.register_first("provide-client-params.s3", self._asked)
        emitter.register_first("after-call.s3", self._answered)

    def _asked(self, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["null_versions"] = dict(params)
        for named in (params, params.get("CopySource")):
            if isinstance(named, dict) and self._is_null(named):
                named["VersionId"] = self._ids.get(named["Key"], _NONE)

    def _is_null(self, named: dict[str, Any]) -> bool:
        return named["Bucket"] == self._bucket and named.get("VersionId") == _NULL

    def _answered(self, model: Any, parsed: dict[str, Any], context: Any, **_: Any) -> None:
        asked = context["null_versions"]
        if asked["Bucket"] != self._bucket or "Error" in parsed:
            return
        if model.name == "DeleteObject":
            self._deleted(asked, parsed)
        if model.name == "GetBucketVersioning":
            parsed["Status"] = "Suspended" if self.is_suspended else "Enabled"
        for entry in _entries(parsed):
            if entry.get("VersionId") == self._ids.get(entry.get("Key", asked.get("Key"))):
                entry["VersionId"] = _NULL

    def _deleted(self, asked: dict[str, Any], parsed: dict[str, Any]) -> None:
        if asked.get("VersionId") == _NULL:
            self._ids.pop(asked["Key"], None)
        elif "VersionId" not in asked and self.is_suspended:
            self._replace(asked["Key"], parsed["VersionId"])

    def _replace(self, key: str, version_id: str) -> None:
        if key in self._ids:
            old = self._ids[key]
            self._s3.delete_object(Bucket=self._bucket, Key=key, VersionId=old)
        self._ids[key] = version_id


def _entries(parsed: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield parsed
    yield from parsed.get("Versions", ())
    yield from parsed.get("DeleteMarkers", ())
