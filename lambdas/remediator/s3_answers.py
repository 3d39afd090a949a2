"""S3's answers, read: headers and XML in the words of its API."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_plus
from xml.etree.ElementTree import Element, ParseError, fromstring

from lambdas.common.aws import AwsError
from lambdas.common.http import Answer
from lambdas.remediator.s3_headers import HEADERS, METADATA

_LISTS = {
    "DeleteMarker": "DeleteMarkers",
    "Part": "Parts",
    "Upload": "Uploads",
    "Version": "Versions",
}
_WRAPPED_LISTS = {
    "AccessControlList": "Grants",
    "Annotations": "Annotations",
    "TagSet": "TagSet",
}
_RESULTS = frozenset({"CopyObjectResult", "CopyPartResult"})
_TYPES: Mapping[str, Any] = {
    "ContentLength": int,
    "DeleteMarker": "true".__eq__,
    "IsLatest": "true".__eq__,
    "IsTruncated": "true".__eq__,
    "MissingMeta": int,
    "ObjectLockRetainUntilDate": datetime.fromisoformat,
    "PartNumber": int,
    "Size": int,
}


class S3Error(AwsError):
    """S3 refuses an operation; to a HEAD request it tells no code but the HTTP status."""

    def __init__(self, operation: str, code: str, details: Mapping[str, Any]) -> None:
        super().__init__(code, details)
        self.operation = operation

    def __str__(self) -> str:
        """Name the operation as well, for whoever reads it in the ledger."""
        return f"S3 refuses {self.operation}: {super().__str__()}"


def refusal(operation: str, answer: Answer) -> S3Error | None:
    """Read an error; one that S3 meets while it copies comes after it answered 200.

    So does an answer that breaks off, as when no more than white space came before the end.
    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
    """
    is_begun = answer.status < HTTPStatus.MULTIPLE_CHOICES
    if is_begun and (not answer.body or operation == "GetObjectAnnotation"):
        return None
    details: dict[str, Any] = {}
    with suppress(ParseError):
        root = _root(answer)
        if is_begun and _name(root) != "Error":
            return None
        details = _told(root)
    return S3Error(operation, details.get("Code") or str(answer.status), details)


def read(operation: str, answer: Answer) -> dict[str, Any]:
    """Read what S3 answers to `operation`."""
    headers = answer.headers
    told = {
        name: _typed(name, headers[header]) for name, header in HEADERS.items() if header in headers
    }
    told["Metadata"] = {
        name.removeprefix(METADATA): value
        for name, value in headers.items()
        if name.startswith(METADATA)
    }
    if operation == "GetObjectAnnotation":
        return told | {"AnnotationPayload": answer.body}
    if not answer.body:
        return told
    root = _root(answer)
    name = _name(root)
    content = _told(root)
    if content.get("EncodingType") == "url":
        content = _unquoted(content)
    return told | ({name: content} if name in _RESULTS else content)


def _root(answer: Answer) -> Element:
    # While S3 copies, it sends white space, and XML may not begin with any.
    return fromstring(answer.body.strip())  # noqa: S314 - it is S3 that wrote it


def _told(element: Element) -> dict[str, Any]:
    """Read an element's children, lists of S3's by the names that its API gives them."""
    told: dict[str, Any] = {}
    for child in element:
        name = _name(child)
        if name in _WRAPPED_LISTS:
            told[_WRAPPED_LISTS[name]] = [_told(one) for one in child]
        elif name in _LISTS:
            told.setdefault(_LISTS[name], []).append(_told(child))
        else:
            told[name] = _told(child) if len(child) else _typed(name, child.text or "")
    return told


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _typed(name: str, text: str) -> Any:
    return _TYPES[name](text) if name in _TYPES else text


def _unquoted(content: Any) -> Any:
    """Read the keys of a listing that was asked for in URL encoding."""
    match content:
        case dict():
            return {
                name: unquote_plus(value) if name in ("Key", "NextKeyMarker") else _unquoted(value)
                for name, value in content.items()
            }
        case list():
            return [_unquoted(one) for one in content]
        case _:
            return content
