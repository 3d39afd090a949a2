"""What EventBridge did not deliver is asked of Macie, and handled like any other finding."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from lambdas.common.record import Status
from lambdas.finding_handler import handler
from tests.lambdas.deployment import Deployment
from tests.lambdas.events import Context, sqs


class Macie:
    """The two operations of Macie's API that are used.

    https://docs.aws.amazon.com/macie/latest/APIReference/findings.html
    """

    def __init__(self) -> None:
        self.findings: dict[str, dict[str, Any]] = {}
        self.asked: list[Any] = []

    def answer(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Answer as Macie does; times are text in its JSON, and datetimes to boto3."""
        if path == "/findings":
            self.asked.append(body["findingCriteria"]["criterion"])
            start = int(body.get("nextToken", 0))
            ids = list(self.findings)[start : start + body["maxResults"]]
            more = start + len(ids) < len(self.findings)
            return {"findingIds": ids} | ({"nextToken": str(start + len(ids))} if more else {})
        assert len(body["findingIds"]) <= 50
        return {"findings": [self.findings[one] for one in body["findingIds"]]}


@pytest.fixture
def macie(here: Deployment, monkeypatch: pytest.MonkeyPatch) -> Iterator[Macie]:
    """Serve Macie's API to the functions."""
    one = Macie()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            text = json.dumps(one.answer(self.path, body)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL_MACIE2", f"http://127.0.0.1:{server.server_port}")
        here.restart()
        yield one
        server.shutdown()


def reconcile(detail: dict[str, Any] | None = None, *, milliseconds: int = 60_000) -> None:
    event = sqs({"detail-type": "Reconciliation", "detail": detail or {}})
    answer = handler.lambda_handler(event, _Hurried(milliseconds))
    assert answer["batchItemFailures"] == []


class _Hurried(Context):
    def __init__(self, milliseconds: int) -> None:
        super().__init__()
        object.__setattr__(self, "milliseconds", milliseconds)

    def get_remaining_time_in_millis(self) -> int:
        """Answer how long the function may go on."""
        milliseconds: int = getattr(self, "milliseconds")  # noqa: B009 - set above
        return milliseconds


def some(here: Deployment, count: int) -> list[dict[str, Any]]:
    found = here.put()
    affected = found["resourcesAffected"]
    return [
        found
        | {
            "id": f"finding {number}",
            "resourcesAffected": affected
            | {"s3Object": affected["s3Object"] | {"key": f"{number}.csv"}},
        }
        for number in range(count)
    ]


def test_a_finding_that_was_not_delivered_is_handled(here: Deployment, macie: Macie) -> None:
    known, missed = some(here, 2)
    here.deliver(known)
    macie.findings = {one["id"]: one for one in (known, missed)}
    reconcile()
    (event,) = here.taken()
    assert event["detail"]["id"] == missed["id"]
    assert here.deliver_event(event) == []
    assert here.record(missed).status is Status.AWAITING_REVIEW
    assert here.record(missed).finding == here.record(known).finding.__class__.from_macie(missed)
    reconcile()
    assert here.taken() == []


def test_macie_is_asked_for_recent_findings_of_sensitive_data(
    here: Deployment, macie: Macie
) -> None:
    reconcile()
    (criterion,) = macie.asked
    assert criterion["category"] == {"eq": ["CLASSIFICATION"]}
    assert criterion["archived"] == {"eq": ["false"]}
    since = datetime.fromtimestamp(criterion["updatedAt"]["gte"] / 1000, UTC)
    assert timedelta(hours=23) < here.clock.now() - since < timedelta(hours=25)


def test_where_macie_has_nothing_nothing_is_missing(
    here: Deployment, macie: Macie, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(macie, "answer", lambda *_: {})
    reconcile()
    assert here.taken() == []


def test_any_number_of_findings_is_gone_through(here: Deployment, macie: Macie) -> None:
    details = some(here, 120)
    macie.findings = {one["id"]: one for one in details}
    here.deliver(*details[:60])
    reconcile()
    assert sorted(event["detail"]["id"] for event in here.taken()) == sorted(
        one["id"] for one in details[60:]
    )


def test_who_runs_out_of_time_goes_on_in_another_run(here: Deployment, macie: Macie) -> None:
    details = some(here, 120)
    macie.findings = {one["id"]: one for one in details}
    reconcile(milliseconds=1)
    seen, events = [], here.taken()
    while events:
        seen += [
            event["detail"]["id"] for event in events if event["detail-type"] != "Reconciliation"
        ]
        rest = [event["detail"] for event in events if event["detail-type"] == "Reconciliation"]
        events = []
        for detail in rest:
            reconcile(detail, milliseconds=1)
            events += here.taken()
    assert sorted(seen) == sorted(one["id"] for one in details)
    assert len({json.dumps(asked) for asked in macie.asked}) == 1
