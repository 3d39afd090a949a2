"""Uploads that a crash left are found among many, whatever characters their keys have."""

from dataclasses import replace
from urllib.parse import quote_plus
from xml.sax.saxutils import escape

import pytest

from lambdas.remediator.s3.multipart import copy_in_parts
from lambdas.remediator.s3.parameters import CopyRequest, CopyResult, SourceObject
from tests.lambdas.remediator.metadata import metadata
from tests.lambdas.remediator.s3.loopback import KEY, Loopback, Request, Response, loopback

PARTS = Response(
    body=b'<ListPartsResult><Part><PartNumber>1</PartNumber><ETag>"p1"</ETag><Size>10</Size>'
    b"</Part></ListPartsResult>"
)
COMPLETED = Response(
    body=b'<CompleteMultipartUploadResult><ETag>"e-1"</ETag></CompleteMultipartUploadResult>'
)


def upload(key: str, upload_id: str, initiator: str = "us") -> str:
    """Return an upload as S3 lists it."""
    return (
        f"<Upload><Key>{escape(quote_plus(key))}</Key><UploadId>{upload_id}</UploadId>"
        f"<Initiator><ID>{initiator}</ID></Initiator></Upload>"
    )


def page(*uploads: str, after: tuple[str, str] | None = None) -> Response:
    """Return a page of uploads; `after` is the marker of the next page."""
    markers = ""
    if after:
        markers = (
            f"<NextKeyMarker>{escape(quote_plus(after[0]))}</NextKeyMarker>"
            f"<NextUploadIdMarker>{after[1]}</NextUploadIdMarker>"
        )
    body = (
        f"<ListMultipartUploadsResult><EncodingType>url</EncodingType>{''.join(uploads)}{markers}"
        f"<IsTruncated>{str(after is not None).lower()}</IsTruncated></ListMultipartUploadsResult>"
    )
    return Response(body=body.encode())


def copy_request(server: Loopback, key: str) -> CopyRequest:
    """Return a request for a copy to `key`."""
    return CopyRequest(
        s3=server.s3,
        source=SourceObject(s3=server.s3, key=KEY, metadata=metadata()),
        destination=replace(KEY, key=key),
        threshold=1,
        encryption={},
        may_overwrite=lambda _: True,
        save_attempt=lambda _: None,
    )


@pytest.mark.parametrize("key", ["plain", "a b+c%2F?&=", "tab\tform\x0cfeed", "日本"])
def test_only_our_forgotten_uploads_to_the_very_key_are_aborted(key: str) -> None:
    pages = {
        (None, None): page(
            upload(key, "forgotten-1"),
            upload(key, "theirs", "somebody else"),
            after=(key, "theirs"),
        ),
        (key, "theirs"): page(
            upload(key, "ours"), upload(key, "forgotten-2"), upload(f"{key}-longer", "other")
        ),
    }

    def respond(request: Request) -> Response:
        match request.method:
            case "DELETE":
                return Response(status=204)
            case "POST":
                return COMPLETED
        if "uploadId" in request.query:
            return PARTS
        assert request.query["prefix"] == key
        marker = request.query.get("key-marker"), request.query.get("upload-id-marker")
        return pages[marker]

    with loopback() as server:
        server.respond = respond
        request = copy_request(server, key)
        result = copy_in_parts(request, {"IfNoneMatch": "*"}, "ours", lambda _: None)
    assert result == CopyResult(version_id=None, etag="e-1")
    assert [
        request.query["uploadId"] for request in server.requests if request.method == "DELETE"
    ] == ["forgotten-1", "forgotten-2"]
