"""Findings that EventBridge did not deliver are read from Macie, and handled like any other."""

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from lambdas.common.ledger.record import Status
from lambdas.finding_handler import handler
from lambdas.finding_handler.macie import parse_finding
from tests.harness.events import LambdaContext, sqs_batch
from tests.harness.harness import Harness


class FakeMacie:
    """The two operations of Macie's API that the function uses, by HTTP.

    https://docs.aws.amazon.com/macie/latest/APIReference/findings.html
    """

    def __init__(self) -> None:
        self.findings: dict[str, dict[str, Any]] = {}
        self.criteria: list[Any] = []

    def handle(self, request: Any, **_: Any) -> AWSResponse:
        """Respond to a request of boto3, in the place of AWS."""
        path = request.url.split(".amazonaws.com")[1]
        content = json.dumps(self.respond(path, json.loads(request.body))).encode()
        headers = HTTPHeaders.from_dict({"Content-Type": "application/json"})
        return AWSResponse(request.url, 200, headers, _RawBody(content))

    def respond(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return what Macie would; times are strings here, and datetimes for boto3's callers."""
        if path == "/findings":
            self.criteria.append(body["findingCriteria"]["criterion"])
            start = int(body.get("nextToken", 0))
            end = start + body["maxResults"]
            finding_ids = list(self.findings)[start:end]
            # No member of a response is required.
            page: dict[str, Any] = {"findingIds": finding_ids} if finding_ids else {}
            return page | ({"nextToken": str(end)} if end < len(self.findings) else {})
        assert len(body["findingIds"]) <= 50
        return {"findings": [self.findings[finding_id] for finding_id in body["findingIds"]]}


class _RawBody(io.BytesIO):
    def stream(self, **_: Any) -> Any:
        """Yield the body, as urllib3 does."""
        yield self.read()


@pytest.fixture
def macie(harness: Harness) -> FakeMacie:
    """Let the functions use a fake Macie."""
    macie = FakeMacie()
    harness.register("before-send.macie2", macie.handle, first=True)
    return macie


class HurriedContext(LambdaContext):
    """The context of a run whose time is up."""

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        """Return how long the function may go on."""
        return 1


def reconcile(detail: dict[str, Any] | None = None, *, is_hurried: bool = False) -> None:
    event = sqs_batch({"detail-type": "Reconciliation", "detail": detail or {}})
    context = HurriedContext() if is_hurried else LambdaContext()
    result = handler.lambda_handler(event, context)
    assert result["batchItemFailures"] == []


def report_findings(harness: Harness, count: int) -> list[dict[str, Any]]:
    detail = harness.report_object()
    affected = detail["resourcesAffected"]
    return [
        detail
        | {
            "id": f"finding-{number}",
            "resourcesAffected": affected
            | {"s3Object": affected["s3Object"] | {"key": f"{number}.csv"}},
        }
        for number in range(count)
    ]


def test_a_finding_that_was_not_delivered_is_handled(harness: Harness, macie: FakeMacie) -> None:
    known, missed = report_findings(harness, 2)
    harness.deliver(known)
    macie.findings = {detail["id"]: detail for detail in (known, missed)}
    reconcile()
    (event,) = harness.take_queued_events()
    assert event["detail"]["id"] == missed["id"]
    assert harness.deliver_events(event) == []
    assert harness.record(missed).status is Status.AWAITING_REVIEW
    assert harness.record(missed).finding == parse_finding(missed)
    reconcile()
    assert harness.take_queued_events() == []


def test_the_request_to_macie_selects_recent_findings_of_sensitive_data(
    harness: Harness, macie: FakeMacie
) -> None:
    reconcile()
    (criterion,) = macie.criteria
    assert criterion["category"] == {"eq": ["CLASSIFICATION"]}
    assert criterion["archived"] == {"eq": ["false"]}
    since = datetime.fromtimestamp(criterion["updatedAt"]["gte"] / 1000, UTC)
    assert timedelta(hours=23) < harness.clock.now() - since < timedelta(hours=25)


def test_an_id_that_cannot_be_a_findings_is_not_looked_up_in_the_ledger(
    harness: Harness, macie: FakeMacie
) -> None:
    """The ledger has other items, with ids of another form."""
    (detail,) = report_findings(harness, 1)
    harness.deliver(detail)
    (other,) = (item["id"] for item in harness.table.scan()["Items"] if "#" in item["id"])
    macie.findings = {other: detail | {"id": other}}
    reconcile()
    (event,) = harness.take_queued_events()
    assert harness.deliver_events(event) == ["message-0"]


@pytest.mark.usefixtures("macie")
def test_nothing_is_queued_if_macie_has_no_findings(harness: Harness) -> None:
    reconcile()
    assert harness.take_queued_events() == []


def test_every_page_of_findings_is_compared(harness: Harness, macie: FakeMacie) -> None:
    details = report_findings(harness, 120)
    macie.findings = {detail["id"]: detail for detail in details}
    harness.deliver(*details[:60])
    reconcile()
    assert sorted(event["detail"]["id"] for event in harness.take_queued_events()) == sorted(
        detail["id"] for detail in details[60:]
    )


def test_a_run_without_time_for_all_findings_continues_in_another_run(
    harness: Harness, macie: FakeMacie
) -> None:
    details = report_findings(harness, 120)
    macie.findings = {detail["id"]: detail for detail in details}
    reconcile(is_hurried=True)
    seen, events = [], harness.take_queued_events()
    while events:
        seen += [
            event["detail"]["id"] for event in events if event["detail-type"] != "Reconciliation"
        ]
        rest = [event["detail"] for event in events if event["detail-type"] == "Reconciliation"]
        events = []
        for detail in rest:
            reconcile(detail, is_hurried=True)
            events += harness.take_queued_events()
    assert sorted(seen) == sorted(detail["id"] for detail in details)
    assert len({json.dumps(criterion) for criterion in macie.criteria}) == 1
