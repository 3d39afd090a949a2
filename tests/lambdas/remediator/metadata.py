"""Metadata of a small object, plain but for what a test says."""

from datetime import UTC, datetime
from typing import Any

from lambdas.remediator.s3.metadata import ObjectMetadata, Version

NOW = datetime(2026, 11, 20, 22, 22, 5, tzinfo=UTC)


def metadata(**changes: Any) -> ObjectMetadata:
    """Return the metadata of a small unencrypted object in a bucket without versions."""
    plain: dict[str, Any] = {
        "etag": "e4d909c290d0fb1ca068ffaddf22cbd0",
        "version_id": None,
        "size": 10,
        "checksums": {},
        "has_checksum": False,
        "headers": {},
        "invalid_expires": None,
        "storage_class": "STANDARD",
        "archive": None,
        "retained_until": None,
        "holds": (),
        "redirect": None,
        "lost_metadata": 0,
        "encryption": None,
        "kms_key": None,
    }
    return ObjectMetadata(**(plain | changes))


def version(version_id: str, *, is_latest: bool = False, is_marker: bool = False) -> Version:
    """Return an entry of a list of versions."""
    return Version(version_id=version_id, is_latest=is_latest, is_marker=is_marker)
