"""HTTP POST, which is all that the functions need of it.

Only Python's own modules: the libraries take longer to import than a click may take to be answered.
"""

import os
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class NoAnswerError(Exception):
    """Nobody answered, or not with HTTP: whether the request was carried out is unknown."""


_open = threading.local()


def post(
    url: str, *, body: bytes, headers: Mapping[str, str], seconds: float, keep: bool = False
) -> Answer:
    """Post `body` to `url`.

    Args:
        url: http or https.
        body: what is posted.
        headers: of the request, besides Host and Content-Length.
        seconds: how long each step of it may take.
        keep: whether the connection is kept for the next request to the same host.

    Raises:
        NoAnswerError: there was no answer.
    """
    place = urlsplit(url)
    path = f"{place.path or '/'}?{place.query}" if place.query else place.path or "/"
    kept: dict[str, HTTPConnection] = _open.__dict__.setdefault("kept", {})
    origin = f"{place.scheme}://{place.netloc}"
    connection = kept.pop(origin, None) or _connect(place.scheme, place.netloc, seconds)
    try:
        connection.request("POST", path, body, dict(headers))
        answer = connection.getresponse()
        content = answer.read()
    except (OSError, HTTPException, ValueError) as error:
        connection.close()
        raise NoAnswerError(f"{place.hostname} does not answer: {type(error).__name__}") from error
    if keep and not answer.will_close:
        kept[origin] = connection
    else:
        connection.close()
    told = {name.lower(): value for name, value in answer.getheaders()}
    return Answer(status=answer.status, headers=told, body=content)


def _connect(scheme: str, place: str, seconds: float) -> HTTPConnection:
    if scheme == "https":
        return HTTPSConnection(place, timeout=seconds, context=_trusted())
    return HTTPConnection(place, timeout=seconds)


@cache
def _trusted() -> ssl.SSLContext:
    """Trust whom the system trusts, or the bundle that AWS's own tools would trust.

    Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-gen-config.html (AWS_CA_BUNDLE)
    """
    return ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE"))
