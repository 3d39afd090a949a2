"""S3 is asked, signed for and understood as botocore does it, operation by operation."""

import io
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from unittest import mock
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree as ET

import boto3
import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from hypothesis import given as given_that
from hypothesis import strategies as st

from lambdas.common import clock, http
from lambdas.common.http import Answer, NoAnswerError
from lambdas.remediator import s3
from lambdas.remediator.s3_answers import S3Error
from tests.lambdas.remediator.s3_samples import (
    ANSWERS,
    ERRORS,
    LATE,
    NOW,
    PLACE,
    REGION,
    REQUESTS,
    XML,
)


class Sent(Exception):  # noqa: N818 - it is no error
    """What was about to be sent."""

    def __init__(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> None:
        self.method, self.url, self.body = method, url, body
        self.headers = {name.lower(): value for name, value in headers.items()}


@pytest.fixture(autouse=True)
def _at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(clock, "now", lambda: NOW)
    monkeypatch.setattr("time.sleep", lambda _: None)


def ours(operation: str, asked: Mapping[str, Any], answer: Callable[..., Answer]) -> Any:
    """Ask S3 by our own means; `answer` is given what is sent."""
    with mock.patch.object(http, "request", answer):
        return s3.service(REGION)(operation, **asked)


@pytest.fixture(scope="module")
def client() -> Any:
    """Botocore's S3, which never asks again."""
    return boto3.Session("testing", "testing", "testing", region_name=REGION).client(
        "s3", config=Config(retries={"total_max_attempts": 1})
    )


def theirs(client: Any, operation: str, asked: Mapping[str, Any], answer: Any) -> Any:
    """Ask S3 by botocore's means; `answer` is given what is sent."""
    event = f"before-send.s3.{operation}"
    client.meta.events.register(event, answer)
    try:
        return client._make_api_call(operation, dict(asked))
    finally:
        client.meta.events.unregister(event, answer)


def sent_by_us(operation: str, asked: Mapping[str, Any]) -> Sent:
    def stop(method: str, url: str, *, headers: Any, body: bytes, **_: Any) -> Answer:
        raise Sent(method, url, headers, body)

    with pytest.raises(Sent) as sent:
        ours(operation, asked, stop)
    return sent.value


def sent_by_botocore(client: Any, operation: str, asked: Mapping[str, Any]) -> Sent:
    def stop(request: Any, **_: Any) -> None:
        headers = {
            name: value if isinstance(value, str) else value.decode()
            for name, value in request.headers.items()
        }
        raise Sent(request.method, request.url, headers, request.body or b"")

    with pytest.raises(Sent) as sent:
        theirs(client, operation, asked, stop)
    return sent.value


_OF_BOTOCORE = {
    *("amz-sdk-invocation-id", "amz-sdk-request", "authorization", "content-length", "user-agent"),
    *("x-amz-content-sha256", "x-amz-date", "x-amz-security-token"),
    # Of what is uploaded, the signature holds a hash already.
    *("content-encoding", "content-md5", "expect", "transfer-encoding", "x-amz-checksum-crc32"),
    *("x-amz-decoded-content-length", "x-amz-sdk-checksum-algorithm", "x-amz-trailer"),
}


def told(sent: Sent, asked: Mapping[str, Any]) -> dict[str, str]:
    left_out = _OF_BOTOCORE - ({"content-encoding"} if "ContentEncoding" in asked else set())
    if "AnnotationName" in asked:
        # botocore checks what it reads; over TLS, nothing is lost on the way.
        left_out |= {"x-amz-checksum-mode"}
    return {name: value for name, value in sent.headers.items() if name not in left_out}


def meant(url: str) -> tuple[str, str, list[tuple[str, str]]]:
    parts = urlsplit(url)
    return parts.netloc, parts.path, sorted(parse_qsl(parts.query, keep_blank_values=True))


@pytest.mark.parametrize(("operation", "asked"), REQUESTS)
def test_s3_is_asked_as_botocore_asks(client: Any, operation: str, asked: dict[str, Any]) -> None:
    if "Expires" in asked:
        # Ours is handed on as it came, in a header.
        mine = sent_by_us(operation, asked | {"Expires": "Wed, 25 Nov 2026 09:30:00 GMT"})
    else:
        mine = sent_by_us(operation, asked)
    other = sent_by_botocore(client, operation, _plainly(operation, asked))
    assert mine.method == other.method
    assert meant(mine.url) == meant(other.url)
    assert told(mine, asked) == told(other, asked)
    if operation == "CompleteMultipartUpload":
        assert ET.canonicalize(mine.body.decode()) == ET.canonicalize(bytes(other.body).decode())
    elif operation == "PutObjectAnnotation":
        assert mine.body == asked["AnnotationPayload"]
    else:
        assert (mine.body, bytes(other.body)) == (b"", b"")


def _plainly(operation: str, asked: dict[str, Any]) -> dict[str, Any]:
    """Ask botocore for what it does by itself for one listing only."""
    return asked | ({"EncodingType": "url"} if operation == "ListMultipartUploads" else {})


@pytest.mark.parametrize(("operation", "asked"), REQUESTS)
def test_what_s3_is_asked_is_signed_as_botocore_signs(
    operation: str, asked: dict[str, Any]
) -> None:
    check_signature(sent_by_us(operation, asked))


@given_that(
    key=st.text(st.characters(codec="utf-8"), min_size=1),
    version=st.text("abcXYZ019._-+/= ", min_size=1),
    value=st.text(
        # botocore takes U+00A0 for white space, which is the half of an "à" in UTF-8.
        st.sampled_from(" \t")
        | st.characters(codec="latin-1", exclude_categories=["Cc"], exclude_characters="\xa0")
    ),
)
def test_whatever_is_named_is_asked_for_and_signed(key: str, version: str, value: str) -> None:
    with mock.patch.object(clock, "now", return_value=NOW):
        sent = sent_by_us(
            "CreateMultipartUpload",
            {"Bucket": "acme", "Key": key, "Metadata": {"a": value}, "UploadId": version},
        )
    check_signature(sent)
    assert ("uploadId", version) in parse_qsl(urlsplit(sent.url).query)


def check_signature(sent: Sent) -> None:
    """Sign again what was sent, with botocore, and compare."""
    names = sent.headers["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    signed = {name: sent.headers[name] for name in names if name != "host"}
    request = AWSRequest(sent.method, sent.url, dict(signed), sent.body)
    request.context["payload_signing_enabled"] = True
    with mock.patch.object(auth, "get_current_datetime", return_value=NOW.replace(tzinfo=None)):
        auth.S3SigV4Auth(Credentials("testing", "testing", "testing"), "s3", REGION).add_auth(
            request
        )
    assert sent.headers["authorization"] == request.headers["Authorization"]


@pytest.mark.parametrize(("operation", "headers", "text"), ANSWERS)
def test_what_s3_answers_is_read_as_botocore_reads_it(
    client: Any, operation: str, headers: Mapping[str, str], text: str
) -> None:
    asked = next(asked for name, asked in REQUESTS if name == operation)

    def answer(*_: Any, **__: Any) -> Answer:
        lowered = {name.lower(): value for name, value in headers.items()}
        return Answer(status=200, headers=lowered, body=text.encode())

    def raw(request: Any, **_: Any) -> AWSResponse:
        return AWSResponse(request.url, 200, _headers(headers), _Raw(text.strip().encode()))

    mine, other = ours(operation, asked, answer), theirs(client, operation, asked, raw)
    if operation == "GetObjectAnnotation":
        other["AnnotationPayload"] = other["AnnotationPayload"].read()
    wanted = {name for name, value in other.items() if value not in ({}, [])} - _UNREAD
    assert wanted <= mine.keys()
    assert {name: _without_types(mine[name]) for name in wanted} == {
        name: _without_types(other[name]) for name in wanted
    }


_UNREAD = {"ResponseMetadata", "KeyMarker", "VersionIdMarker", "UploadIdMarker", "Prefix"} | {
    # Read as texts, for nobody looks at them or they are handed on as they came.
    *("MaxKeys", "MaxParts", "MaxUploads", "PartNumberMarker", "NextPartNumberMarker"),
}


def _without_types(value: Any) -> Any:
    """Leave out the kind of a grantee, which is an attribute and not asked for."""
    match value:
        case dict():
            return {name: _without_types(one) for name, one in value.items() if name != "Type"}
        case list():
            return [_without_types(one) for one in value]
        case _:
            return value


def _headers(headers: Mapping[str, str]) -> HTTPHeaders:
    made = HTTPHeaders()
    for name, value in headers.items():
        made[name] = value
    return made


class _Raw(io.BytesIO):
    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        """Answer all, as urllib3's answers do."""
        yield self.read()


@pytest.mark.parametrize(("operation", "status", "text"), ERRORS)
def test_what_s3_refuses_has_the_code_that_botocore_tells(
    client: Any, operation: str, status: int, text: str
) -> None:
    asked = next(asked for name, asked in REQUESTS if name == operation)

    def answer(*_: Any, **__: Any) -> Answer:
        return Answer(status=status, headers={}, body=text.encode())

    def raw(request: Any, **_: Any) -> AWSResponse:
        return AWSResponse(request.url, status, HTTPHeaders(), _Raw(text.encode()))

    with pytest.raises(S3Error) as mine:
        ours(operation, asked, answer)
    with pytest.raises(ClientError) as other:
        theirs(client, operation, asked, raw)
    error: Any = other.value.response["Error"]
    assert mine.value.code == error["Code"]
    for name in ("Message", "BucketName"):
        if error.get(name) and text:
            assert mine.value.details[name] == error[name]


BEGUN = {
    "an error": LATE,
    "white space": " \n ",
    "half an answer": f"{XML}<CopyPartResult><ETag>&quot;p",
}


@pytest.mark.parametrize("text", BEGUN.values(), ids=BEGUN)
@pytest.mark.parametrize("operation", ["CopyObject", "CompleteMultipartUpload"])
def test_a_copy_that_fails_after_s3_began_to_answer_is_not_made_again(
    operation: str, text: str
) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html."""
    answers = iter([text])
    asked = next(asked for name, asked in REQUESTS if name == operation)
    with pytest.raises(NoAnswerError):
        ours(operation, asked, lambda *_, **__: _ok(next(answers)))


@pytest.mark.parametrize("text", BEGUN.values(), ids=BEGUN)
def test_a_part_that_fails_so_is_copied_again(text: str) -> None:
    answers = iter([text, "<CopyPartResult><ETag>p</ETag></CopyPartResult>"])
    asked = next(asked for name, asked in REQUESTS if name == "UploadPartCopy")
    answer = ours("UploadPartCopy", asked, lambda *_, **__: _ok(next(answers)))
    assert answer["CopyPartResult"] == {"ETag": "p"}


def test_an_answer_of_someone_else_is_told_by_its_status() -> None:
    def answer(*_: Any, **__: Any) -> Answer:
        return Answer(status=407, headers={}, body=b"<html><p>Who are you?</html>")

    with pytest.raises(S3Error) as refused:
        ours("GetObjectAcl", PLACE, answer)
    assert refused.value.code == "407"


def _ok(text: str) -> Answer:
    return Answer(status=200, headers={}, body=text.encode())


def test_pages_are_asked_for_until_there_are_no_more() -> None:
    pages = [
        {"Parts": [1], "IsTruncated": True, "NextPartNumberMarker": "1"},
        {"Parts": [2], "IsTruncated": False, "NextPartNumberMarker": "2"},
    ]
    asked: list[Any] = []

    def call(operation: str, **more: Any) -> Any:
        asked.append((operation, more))
        return pages[len(asked) - 1]

    assert list(s3.pages(call, "ListParts", UploadId="u")) == pages
    assert asked == [
        ("ListParts", {"UploadId": "u"}),
        ("ListParts", {"UploadId": "u", "PartNumberMarker": "1"}),
    ]


def test_a_listing_without_a_word_on_its_end_goes_on_by_its_token() -> None:
    pages: list[dict[str, Any]] = [{"NextContinuationToken": "t"}, {}]
    asked: list[Any] = []

    def call(_: str, **more: Any) -> Any:
        asked.append(more)
        return pages[len(asked) - 1]

    assert list(s3.pages(call, "ListObjectAnnotations")) == pages
    assert asked == [{}, {"ContinuationToken": "t"}]


def test_an_emulator_is_asked_by_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566/")
    sent = sent_by_us("HeadObject", {"Bucket": "acme", "Key": "/a"})
    assert sent.url == "http://127.0.0.1:4566/acme//a"


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-west-1", "acme.s3.eu-west-1.amazonaws.com"),
        ("us-east-1", "acme.s3.us-east-1.amazonaws.com"),
        ("us-gov-west-1", "acme.s3.us-gov-west-1.amazonaws.com"),
        ("cn-north-1", "acme.s3.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_a_bucket_has_a_host_in_its_region(region: str, host: str) -> None:
    def stop(method: str, url: str, *, headers: Any, body: bytes, **_: Any) -> Answer:
        raise Sent(method, url, headers, body)

    with mock.patch.object(http, "request", stop), pytest.raises(Sent) as sent:
        s3.service(region)("HeadObject", Bucket="acme", Key="a")
    assert urlsplit(sent.value.url).netloc == host
