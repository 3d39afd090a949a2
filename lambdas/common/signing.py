"""Signature version 4, with which AWS knows who is asking.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote, urlsplit

_ALGORITHM = "AWS4-HMAC-SHA256"
_SPACE = re.compile(r"\s+", re.ASCII)
"""Tabs as well; beyond ASCII, what looks like a space may be half of another character."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Who is asking; `token` is of temporary credentials."""

    key_id: str
    secret: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


def signed(
    method: str,
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    credentials: Credentials,
    service: str,
    region: str,
    now: datetime,
) -> dict[str, str]:
    """Answer `headers` and those that sign the request.

    Args:
        method: of the request.
        url: its path and query quoted, the query's names in order and each with a `=`.
        body: what is sent, empty for nothing.
        headers: those that are to be signed besides Host.
        credentials: who is asking.
        service: as signatures name it.
        region: of the service.
        now: the time of the request.
    """
    place = urlsplit(url)
    moment = now.strftime("%Y%m%dT%H%M%SZ")
    digest = hashlib.sha256(body).hexdigest()
    named = {**headers, "X-Amz-Date": moment}
    if credentials.token:
        named["X-Amz-Security-Token"] = credentials.token
    if service == "s3":
        named["X-Amz-Content-SHA256"] = digest
    lowered = {
        name.lower(): _in_one_line(value) for name, value in {**named, "Host": place.netloc}.items()
    }
    names = ";".join(sorted(lowered))
    canonical = "\n".join(
        (
            method,
            # S3 alone takes the path as it is sent.
            place.path if service == "s3" else quote(place.path or "/"),
            place.query,
            *(f"{name}:{lowered[name]}" for name in sorted(lowered)),
            "",
            names,
            digest,
        )
    )
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    # Headers go out in ISO 8859-1; S3 reads them so, and writes what it signs in UTF-8.
    summary = hashlib.sha256(canonical.encode()).hexdigest()
    key = f"AWS4{credentials.secret}".encode()
    for part in (*scope.split("/"), f"{_ALGORITHM}\n{moment}\n{scope}\n{summary}"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = key.hex()
    authorization = (
        f"{_ALGORITHM} Credential={credentials.key_id}/{scope}, SignedHeaders={names},"
        f" Signature={signature}"
    )
    return {**named, "Authorization": authorization}


def _in_one_line(value: str) -> str:
    return _SPACE.sub(" ", value).strip(" ")
