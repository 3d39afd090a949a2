"""What comes over the wire and no error code describes, with the clients that ship."""

from collections.abc import Iterator

import pytest

from lambdas.common.ledger.record import CopyAttempt
from lambdas.remediator.rules import MoveError
from lambdas.remediator.s3 import copy, objects
from lambdas.remediator.s3.copy import copy_object
from lambdas.remediator.s3.errors import UnknownOutcomeError
from lambdas.remediator.s3.parameters import CopyRequest, SourceObject
from tests.lambdas.remediator.metadata import metadata
from tests.lambdas.remediator.s3.loopback import KEY, Loopback, Request, Response, loopback

ETAG = metadata().etag
PRESENT = Response(headers=(("ETag", f'"{ETAG}"'), ("Content-Length", "10")))
COPIED = Response(
    body=f'<CopyObjectResult><ETag>"{ETAG}"</ETag></CopyObjectResult>'.encode(),
)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """Start S3 on loopback."""
    monkeypatch.setattr(copy, "_PAUSES", (0, 0))
    with loopback() as server:
        yield server


def make_copy(server: Loopback) -> str | None:
    """Copy an object to a place where nothing is; return the copy's ETag."""
    attempts: list[CopyAttempt | None] = []
    source = SourceObject(s3=server.s3, key=KEY, metadata=metadata())
    request = CopyRequest(
        s3=server.s3,
        source=source,
        destination=KEY,
        threshold=100,
        encryption={},
        may_overwrite=lambda _: False,
        save_attempt=attempts.append,
    )
    made = copy_object(request, None)
    assert attempts[0] == CopyAttempt(source=ETAG, replaced="")
    return None if made is None else made.etag


@pytest.mark.parametrize("count", [99, 250])
def test_an_object_with_more_headers_than_python_reads_is_a_failure(
    server: Loopback, count: int
) -> None:
    """https://docs.python.org/3/library/http.client.html."""
    headers = tuple((f"x-amz-meta-{number}", "x") for number in range(count))
    server.respond = lambda _: Response(headers=(*PRESENT.headers, *headers))
    with pytest.raises(MoveError, match="bucket acme has more metadata entries") as failure:
        objects.head(server.s3, KEY)
    assert str(failure.value.__cause__) == "got more than 100 headers"
    assert "less metadata" in failure.value.advice


def test_an_object_with_as_many_headers_as_python_reads_is_read(server: Loopback) -> None:
    headers = tuple((f"x-amz-meta-{number}", "x") for number in range(95))
    server.respond = lambda _: Response(headers=(*PRESENT.headers, *headers))
    found = objects.head(server.s3, KEY)
    assert found is not None
    assert len(found.headers["Metadata"]) == 95


def test_an_object_encrypted_with_sse_c_is_a_failure(server: Loopback) -> None:
    def respond(request: Request) -> Response:
        is_object = request.path.endswith(KEY.key)
        return Response(status=400 if is_object else 200)

    server.respond = respond
    with pytest.raises(MoveError, match="SSE-C"):
        objects.head(server.s3, KEY)


LOST = {
    "no response": Response(status=None),
    "an internal error": Response(status=500),
    "a gateway's timeout": Response(status=504),
    "an error after 200": Response(body=b"<Error><Code>InternalError</Code></Error>"),
    "a body that breaks off": Response(body=b"<CopyObjectResult><ETag>", missing=20),
    "a body that ends too soon": Response(body=b"<CopyObjectResult><ETag>"),
    "nothing but white space": Response(body=b"  \n  "),
    "too much to do": Response(status=503, body=b"<Error><Code>SlowDown</Code></Error>"),
    "a conflict": Response(
        status=409, body=b"<Error><Code>ConditionalRequestConflict</Code></Error>"
    ),
}


@pytest.mark.parametrize("lost", LOST.values(), ids=LOST)
def test_a_copy_without_a_clear_response_is_looked_for_before_each_request(
    server: Loopback, lost: Response
) -> None:
    server.respond = lambda request: lost if request.method == "PUT" else Response(status=404)
    with pytest.raises(UnknownOutcomeError):
        make_copy(server)
    assert server.methods() == ["HEAD", "PUT"] * 3


@pytest.mark.parametrize("lost", LOST.values(), ids=LOST)
def test_a_copy_that_was_made_without_a_clear_response_is_found(
    server: Loopback, lost: Response
) -> None:
    def respond(request: Request) -> Response:
        if request.method == "PUT":
            return lost
        return PRESENT if "PUT" in server.methods() else Response(status=404)

    server.respond = respond
    assert make_copy(server) == ETAG
    assert server.methods() == ["HEAD", "PUT", "HEAD", "HEAD"]


def test_a_copy_that_s3_could_not_make_at_first_is_made_by_the_next_request(
    server: Loopback,
) -> None:
    def respond(request: Request) -> Response:
        if request.method == "PUT":
            return LOST["too much to do"] if server.methods().count("PUT") == 1 else COPIED
        return PRESENT if server.methods().count("PUT") == 2 else Response(status=404)

    server.respond = respond
    assert make_copy(server) == ETAG
    assert server.methods().count("PUT") == 2


@pytest.mark.parametrize("code", ["InvalidRequest", "EntityTooLarge"])
def test_a_copy_that_no_retry_can_make_is_requested_once(server: Loopback, code: str) -> None:
    refusal = Response(status=400, body=f"<Error><Code>{code}</Code></Error>".encode())
    server.respond = lambda request: refusal if request.method == "PUT" else Response(status=404)
    with pytest.raises(MoveError, match=f"S3 refused to copy .* bucket acme: {code}") as failure:
        make_copy(server)
    assert "CopyObject" in str(failure.value.__cause__)
    assert server.methods() == ["HEAD", "PUT"]
