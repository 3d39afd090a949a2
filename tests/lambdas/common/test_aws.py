"""Our own requests to AWS: signed as botocore signs, tried again where that helps."""

import json
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from unittest import mock
from urllib.parse import quote

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import given as given_that
from hypothesis import strategies as st

from lambdas.common import aws, endpoints, http
from lambdas.common.aws import AwsError, Request
from lambdas.common.http import NoAnswerError
from lambdas.common.signing import Credentials, signed

NOW = datetime(2026, 11, 23, 22, 22, 5, tzinfo=UTC)
WORD = st.text("abcXYZ019-_.~", min_size=1, max_size=20)
SECRET = st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1, max_size=40)


@given_that(
    path=st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="./"), min_size=1), max_size=4
    ),
    body=st.binary(max_size=200),
    credentials=st.builds(Credentials, key_id=WORD, secret=SECRET, token=st.none() | WORD),
    service=st.sampled_from(["dynamodb", "lambda", "macie2", "secretsmanager", "sqs"]),
    target=WORD,
)
def test_what_we_sign_is_signed_as_botocore_does(
    path: list[str], body: bytes, credentials: Credentials, service: str, target: str
) -> None:
    url = f"https://{service}.eu-west-1.amazonaws.com/{quote(chr(47).join(path))}"
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": target}
    ours = signed(
        "POST",
        url,
        body,
        headers,
        credentials=credentials,
        service=service,
        region="eu-west-1",
        now=NOW,
    )
    request = AWSRequest("POST", url, dict(headers), body)
    with mock.patch.object(auth, "get_current_datetime", return_value=NOW.replace(tzinfo=None)):
        given = BotocoreCredentials(credentials.key_id, credentials.secret, credentials.token)
        theirs = auth.SigV4Auth(given, service, "eu-west-1")
        theirs.add_auth(request)
    assert ours["Authorization"] == request.headers["Authorization"]


class Server:
    """Answers with what it is told to, then with an empty object."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, Mapping[str, str], bytes] | None] = []
        self.asked: list[tuple[str, Mapping[str, str], Any]] = []
        self.is_closing = False

    def next(self) -> tuple[int, Mapping[str, str], bytes] | None:
        """Take the next answer, None for a connection that breaks."""
        return self.answers.pop(0) if self.answers else (200, {}, b"{}")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Serve in the place of AWS."""
    one = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            one.asked.append((self.path, dict(self.headers.items()), body))
            answer = one.next()
            if answer is None:
                self.close_connection = True
                return
            status, headers, content = answer
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)
            self.close_connection = self.close_connection or one.is_closing

        def log_message(self, *_: Any) -> None:
            """Keep quiet."""

    variables = {
        "AWS_ACCESS_KEY_ID": "AKID",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "token",
        "AWS_REGION": "eu-west-1",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("time.sleep", lambda _: None)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as serving:
        threading.Thread(target=serving.serve_forever, args=(0.05,), daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{serving.server_port}/")
        yield one
        serving.shutdown()


def refusal(code: str, status: int = 400, **more: Any) -> tuple[int, dict[str, str], bytes]:
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "no", **more}
    return status, {}, json.dumps(body).encode()


def test_an_operation_is_asked_for_in_the_services_words(server: Server) -> None:
    server.answers = [(200, {}, b'{"Item": {"id": {"S": "f1"}}}')]
    answer = aws.service("dynamodb")("GetItem", TableName="ledger", Key={"id": {"S": "f1"}})
    assert answer == {"Item": {"id": {"S": "f1"}}}
    ((path, headers, body),) = server.asked
    assert path == "/"
    assert headers["X-Amz-Target"] == "DynamoDB_20120810.GetItem"
    assert headers["Content-Type"] == "application/x-amz-json-1.0"
    assert headers["X-Amz-Security-Token"] == "token"
    assert json.loads(body) == {"TableName": "ledger", "Key": {"id": {"S": "f1"}}}


def test_a_refusal_is_raised_by_its_code(server: Server) -> None:
    server.answers = [refusal("ConditionalCheckFailedException")]
    with pytest.raises(AwsError, match="no") as refused:
        aws.service("dynamodb")("PutItem", TableName="ledger")
    assert refused.value.code == "ConditionalCheckFailedException"
    assert len(server.asked) == 1


UNSURE: list[tuple[str, Any]] = [
    ("an internal error", (500, {}, b"")),
    ("a bad gateway", (502, {}, b"")),
    ("a gateway that waited in vain", (504, {}, b"")),
    ("an error after it began to answer", (200, {}, b"late")),
    ("a broken connection", None),
]


def once(answer: http.Answer) -> AwsError | None:
    """Tell what is refused, as S3 does: after it answered 200, maybe."""
    is_done = answer.status == 200 and answer.body != b"late"
    return None if is_done else AwsError(str(answer.status), {})


@pytest.fixture
def copy(server: Server) -> Request:  # noqa: ARG001 - it names the endpoint
    """A request that must not be made twice."""
    url = f"{endpoints.named('s3')}/bucket/key"
    return Request(service="s3", region="eu-west-1", url=url, is_repeatable=False)


@pytest.mark.parametrize("answer", [row[1] for row in UNSURE], ids=[row[0] for row in UNSURE])
def test_what_must_not_be_done_twice_is_not_asked_for_twice(
    server: Server, copy: Request, answer: Any
) -> None:
    server.answers = [answer]
    with pytest.raises(NoAnswerError):
        aws.ask(copy, once)
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [400, 403, 404, 409, 412])
def test_what_is_refused_was_surely_not_done(server: Server, copy: Request, status: int) -> None:
    server.answers = [(status, {}, b"")]
    with pytest.raises(AwsError, match=str(status)):
        aws.ask(copy, once)
    assert len(server.asked) == 1


def test_who_is_asked_to_slow_down_asks_again(server: Server, copy: Request) -> None:
    server.answers = [(503, {}, b""), (429, {}, b"")]
    assert aws.ask(copy, once).status == 200
    assert len(server.asked) == 3


def test_a_connection_that_was_closed_meanwhile_is_not_used(server: Server, copy: Request) -> None:
    """A function sleeps between two events for longer than a service keeps a connection."""
    server.is_closing = True
    for _ in range(3):
        assert aws.ask(copy, once).status == 200
        threading.Event().wait(0.1)


PASSING: list[tuple[str, Any]] = [
    ("throttled", refusal("ThrottlingException")),
    ("too much", refusal("ProvisionedThroughputExceededException")),
    ("a transaction on the same item", refusal("TransactionConflictException")),
    ("an internal error", (500, {}, b"<html>")),
    ("unavailable", (503, {}, b"")),
    ("too many requests", (429, {"x-amzn-ErrorType": "TooManyRequestsException"}, b"")),
    ("a broken connection", None),
]


@pytest.mark.parametrize("answer", [row[1] for row in PASSING], ids=[row[0] for row in PASSING])
def test_what_passes_is_tried_again(server: Server, answer: Any) -> None:
    server.answers = [answer, answer]
    assert aws.service("dynamodb")("GetItem", TableName="ledger") == {}
    assert len(server.asked) == 3


def test_what_does_not_pass_in_five_tries_is_raised(server: Server) -> None:
    server.answers = [(500, {}, b"")] * 10
    with pytest.raises(AwsError) as refused:
        aws.service("sqs")("SendMessage", QueueUrl="q")
    assert refused.value.code == "500"
    server.answers, server.asked = [None] * 10, []
    with pytest.raises(NoAnswerError):
        aws.service("sqs")("SendMessage", QueueUrl="q")
    assert len(server.asked) == 5


def test_the_tries_of_one_transaction_have_one_token(server: Server) -> None:
    server.answers = [None]
    call = aws.service("dynamodb")
    call("TransactWriteItems", TransactItems=[])
    call("TransactWriteItems", TransactItems=[])
    first, again, other = (json.loads(body)["ClientRequestToken"] for _, _, body in server.asked)
    assert first == again != other


def test_a_service_has_an_address_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SQS"):
        monkeypatch.delenv(name, raising=False)
    asked: list[str] = []
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")

    def request(_: str, url: str, **__: Any) -> http.Answer:
        asked.append(url)
        return http.Answer(status=200, headers={}, body=b"{}")

    monkeypatch.setattr(http, "request", request)
    for region in ("eu-west-1", "us-gov-west-1", "cn-north-1"):
        monkeypatch.setenv("AWS_REGION", region)
        aws.service("sqs")("SendMessage")
    assert asked == [
        "https://sqs.eu-west-1.amazonaws.com/",
        "https://sqs.us-gov-west-1.amazonaws.com/",
        "https://sqs.cn-north-1.amazonaws.com.cn/",
    ]
