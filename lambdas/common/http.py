"""HTTP, as much of it as the functions need.

Only Python's own modules: the libraries take longer to import than a click may take to be answered.
"""

import os
import select
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
_MOST_KEPT = 16
_SECONDS_TO_CONNECT = 3
"""Who answers at all does so at once, and a host can have eight addresses to be tried in turn."""


def request(
    method: str,
    url: str,
    *,
    body: bytes,
    headers: Mapping[str, str],
    seconds: float,
    keep: bool = False,
) -> Answer:
    """Send a request.

    Args:
        method: GET, HEAD, POST, PUT or DELETE.
        url: http or https.
        body: empty for none.
        headers: of the request, besides Host and Content-Length.
        seconds: how long each step of it may take; to connect, three at most.
        keep: whether the connection is kept for the next request to the same host.

    Raises:
        NoAnswerError: there was no answer.
    """
    place = urlsplit(url)
    path = f"{place.path or '/'}?{place.query}" if place.query else place.path or "/"
    kept: dict[str, HTTPConnection] = _open.__dict__.setdefault("kept", {})
    origin = f"{place.scheme}://{place.netloc}"
    connection = _reused(kept, origin) or _new(place.scheme, place.netloc, seconds)
    try:
        if connection.sock is None:
            connection.connect()
        connection.sock.settimeout(seconds)
        connection.request(method, path, body or None, dict(headers))
        answer = connection.getresponse()
        content = answer.read()
    except (OSError, HTTPException, ValueError) as error:
        connection.close()
        raise NoAnswerError(f"{place.hostname} does not answer: {type(error).__name__}") from error
    if keep and not answer.will_close:
        kept[origin] = connection
        # S3 has a host for each bucket.
        if len(kept) > _MOST_KEPT:
            kept.pop(next(iter(kept))).close()
    else:
        connection.close()
    told = {name.lower(): value for name, value in answer.getheaders()}
    return Answer(status=answer.status, headers=told, body=content)


def _reused(kept: dict[str, HTTPConnection], origin: str) -> HTTPConnection | None:
    connection = kept.pop(origin, None)
    if connection is None:
        return None
    # Nothing was asked: what there is to be read can only be the connection's end.
    if select.select([connection.sock], [], [], 0)[0]:
        connection.close()
        return None
    return connection


def _new(scheme: str, place: str, seconds: float) -> HTTPConnection:
    patience = min(seconds, _SECONDS_TO_CONNECT)
    if scheme == "https":
        return HTTPSConnection(place, timeout=patience, context=_trusted())
    return HTTPConnection(place, timeout=patience)


@cache
def _trusted() -> ssl.SSLContext:
    """Trust whom the system trusts, or the bundle that AWS's own tools would trust.

    Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-gen-config.html (AWS_CA_BUNDLE)
    """
    return ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE"))
