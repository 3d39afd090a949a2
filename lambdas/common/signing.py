"""Signature version 4, with which AWS knows who is asking.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote, urlsplit

_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Who is asking; `token` is of temporary credentials."""

    key_id: str
    secret: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


def signed(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    credentials: Credentials,
    service: str,
    region: str,
    now: datetime,
) -> dict[str, str]:
    """Answer `headers` and those that sign a POST of `body` to `url`, which has no query."""
    place = urlsplit(url)
    moment = now.strftime("%Y%m%dT%H%M%SZ")
    named = {**headers, "X-Amz-Date": moment}
    if credentials.token:
        named["X-Amz-Security-Token"] = credentials.token
    lowered = {
        name.lower(): value.strip() for name, value in {**named, "Host": place.netloc}.items()
    }
    names = ";".join(sorted(lowered))
    canonical = "\n".join(
        (
            "POST",
            quote(place.path or "/"),
            "",
            *(f"{name}:{lowered[name]}" for name in sorted(lowered)),
            "",
            names,
            hashlib.sha256(body).hexdigest(),
        )
    )
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = f"AWS4{credentials.secret}".encode()
    for part in (*scope.split("/"), f"{_ALGORITHM}\n{moment}\n{scope}\n{digest}"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = key.hex()
    authorization = (
        f"{_ALGORITHM} Credential={credentials.key_id}/{scope}, SignedHeaders={names},"
        f" Signature={signature}"
    )
    return {**named, "Authorization": authorization}
