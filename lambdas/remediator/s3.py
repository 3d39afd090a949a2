"""S3 over HTTP, in the words of its API: an operation with its parameters in, its answer out.

It speaks XML, and only what the move needs of it. That requests are made and answers read as
botocore does is tested, operation by operation.
Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
"""

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, tostring

from lambdas.common import aws, endpoints
from lambdas.common.aws import Call, Request
from lambdas.remediator.s3_answers import read, refusal
from lambdas.remediator.s3_headers import HEADERS, METADATA

_SECONDS = 60
"""S3 sends something every now and then while it copies."""

_OPERATIONS = {
    "AbortMultipartUpload": ("DELETE", ""),
    "CompleteMultipartUpload": ("POST", ""),
    "CopyObject": ("PUT", ""),
    "CreateMultipartUpload": ("POST", "uploads"),
    "DeleteObject": ("DELETE", ""),
    "GetBucketVersioning": ("GET", "versioning"),
    "GetObjectAcl": ("GET", "acl"),
    "GetObjectAnnotation": ("GET", "annotation"),
    "GetObjectTagging": ("GET", "tagging"),
    "HeadObject": ("HEAD", ""),
    "ListMultipartUploads": ("GET", "uploads"),
    "ListObjectAnnotations": ("GET", "annotation"),
    "ListObjectVersions": ("GET", "versions"),
    "ListParts": ("GET", ""),
    "PutObjectAnnotation": ("PUT", "annotation"),
    "UploadPartCopy": ("PUT", ""),
}
"""Each operation's method, and the part of the query that names it."""

_ONCE = frozenset({"CompleteMultipartUpload", "CopyObject"})
"""What makes a copy: done twice, it would make a second version."""

_QUERY = {
    "AnnotationName": "annotationName",
    "ContinuationToken": "continuation-token",
    "EncodingType": "encoding-type",
    "KeyMarker": "key-marker",
    "PartNumber": "partNumber",
    "PartNumberMarker": "part-number-marker",
    "Prefix": "prefix",
    "UploadId": "uploadId",
    "UploadIdMarker": "upload-id-marker",
    "VersionId": "versionId",
    "VersionIdMarker": "version-id-marker",
}
_PAGES = {
    "ListMultipartUploads": {"KeyMarker": "NextKeyMarker", "UploadIdMarker": "NextUploadIdMarker"},
    "ListObjectAnnotations": {"ContinuationToken": "NextContinuationToken"},
    "ListObjectVersions": {"KeyMarker": "NextKeyMarker", "VersionIdMarker": "NextVersionIdMarker"},
    "ListParts": {"PartNumberMarker": "NextPartNumberMarker"},
}
"""What a listing is asked for to go on, and where the page before it says so."""

_HOST = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
"""The names of buckets that can be part of a host's name, as today's are, those with dots aside."""


def service(region: str) -> Call:
    """Answer what asks S3 in `region`, as `call("HeadObject", Bucket=..., Key=...)`."""

    def call(operation: str, **asked: Any) -> dict[str, Any]:
        answer = aws.ask(_request(region, operation, asked), partial(refusal, operation))
        return read(operation, answer)

    return call


def pages(call: Call, operation: str, **asked: Any) -> Iterator[dict[str, Any]]:
    """Answer a listing page by page."""
    more: dict[str, Any] = {}
    while True:
        page = call(operation, **asked, **more)
        yield page
        names = _PAGES[operation]
        more = {name: page[told] for name, told in names.items() if page.get(told)}
        if not more or page.get("IsTruncated") is False:
            return


def _request(region: str, operation: str, asked: Mapping[str, Any]) -> Request:
    method, named = _OPERATIONS[operation]
    query: dict[str, Any] = {named: ""} if named else {}
    headers: dict[str, str] = {}
    body = b""
    for name, value in asked.items():
        match name:
            case "Bucket" | "Key":
                pass
            case "Metadata":
                headers |= {f"{METADATA}{word}": text for word, text in value.items()}
            case "CopySource":
                headers["x-amz-copy-source"] = _copy_source(value)
            case "MultipartUpload":
                body = _parts(value["Parts"])
            case "AnnotationPayload":
                body = value
            case _ if name in _QUERY:
                query[_QUERY[name]] = value
            case _:
                headers[HEADERS[name]] = str(value)
    if "Prefix" in asked:
        # A key may have characters in it that XML can not tell.
        query["encoding-type"] = "url"
    return Request(
        service="s3",
        region=region,
        url=_url(region, query, asked["Bucket"], asked.get("Key")),
        method=method,
        headers=headers,
        body=body,
        seconds=_SECONDS,
        is_repeatable=operation not in _ONCE,
    )


def _url(region: str, query: Mapping[str, Any], bucket: str, key: str | None) -> str:
    """Name the place; a bucket with a dot in its name is none of the hosts of S3's certificate.

    Old ones in us-east-1 may have upper case, underscores and 255 characters, which no host has.
    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
    """
    own, host = endpoints.named("s3"), endpoints.host("s3", region)
    is_host = own is None and _HOST.fullmatch(bucket) is not None
    base = f"https://{bucket}.{host}" if is_host else f"{own or f'https://{host}'}/{bucket}"
    path = f"/{quote(key)}" if key is not None else "/" if is_host else ""
    pairs = sorted((name, quote(str(value), safe="")) for name, value in query.items())
    text = "&".join(f"{name}={value}" for name, value in pairs)
    return f"{base}{path}?{text}" if text else f"{base}{path}"


def _copy_source(named: Mapping[str, str]) -> str:
    version = f"?versionId={quote(named['VersionId'], safe='')}" if "VersionId" in named else ""
    return quote(f"{named['Bucket']}/{named['Key']}") + version


def _parts(parts: list[Mapping[str, Any]]) -> bytes:
    root = Element("CompleteMultipartUpload", xmlns="http://s3.amazonaws.com/doc/2006-03-01/")
    for part in parts:
        element = SubElement(root, "Part")
        for name, value in part.items():
            SubElement(element, name).text = str(value)
    return tostring(root)
