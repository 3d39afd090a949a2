"""Step 2: a batch from the queue; each event is handled for what it is."""

import io
import json
import logging

import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError

from lambdas.common.ledger.record import Status
from lambdas.finding_handler import handler
from tests.harness.aws import AUTO
from tests.harness.events import LambdaContext, finding_event, sqs_batch
from tests.harness.harness import Harness


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Collect the lines of the function's log."""
    stream = io.StringIO()
    monkeypatch.setattr(handler.logger.registered_handler, "stream", stream)
    return stream


MALFORMED = [
    ("no JSON", "{"),
    ("a JSON list", "[]"),
    ("a JSON string", '"text"'),
    ("no detail-type", '{"source": "aws.macie", "detail": {}}'),
    ("no detail", '{"detail-type": "Macie Finding"}'),
    ("a null detail", '{"detail-type": "Macie Finding", "detail": null}'),
    ("a detail that is a string", '{"detail-type": "Macie Finding", "detail": "text"}'),
    ("an empty detail", '{"detail-type": "Macie Finding", "detail": {}}'),
    (
        "a finding without an object",
        '{"detail-type": "Macie Finding", "detail": {"category": "CLASSIFICATION", "id": "a"}}',
    ),
]


@pytest.mark.parametrize(
    "malformed", [row[1] for row in MALFORMED], ids=[row[0] for row in MALFORMED]
)
def test_a_malformed_event_fails_and_the_others_in_its_batch_are_handled(
    harness: Harness, malformed: str
) -> None:
    first, second = harness.report_object(), harness.report_object(AUTO, body=b"other")
    assert harness.deliver(first, malformed, second) == ["message-1"]
    assert harness.record(first).message is not None
    assert harness.record(second).status is Status.REMEDIATING
    assert len(harness.queued_remediations) == 1


@pytest.mark.parametrize("detail_type", ["Macie Alert", "macie finding", "", None])
def test_an_event_with_an_unknown_detail_type_is_refused(
    harness: Harness, caplog: pytest.LogCaptureFixture, detail_type: object
) -> None:
    unknown = finding_event(harness.report_object()) | {"detail-type": detail_type}
    known = finding_event(harness.report_object(AUTO, body=b"other"))
    with caplog.at_level(logging.ERROR):
        assert harness.deliver_events(unknown, known) == ["message-0"]
    assert f"the detail-type {detail_type!r} is not handled" in caplog.text
    assert len(harness.queued_remediations) == 1
    assert harness.slack.messages == ()


def test_a_batch_of_malformed_events_fails_as_a_whole(harness: Harness) -> None:
    assert harness.deliver("{", "}") == ["message-0", "message-1"]


@pytest.mark.usefixtures("harness")
def test_where_all_events_fail_the_function_fails_so_that_lambda_counts_an_error() -> None:
    with pytest.raises(BatchProcessingError):
        handler.lambda_handler(sqs_batch("{"), LambdaContext())


def test_a_conflict_with_another_invocation_is_not_an_error_of_the_function(
    harness: Harness,
) -> None:
    detail = harness.report_object()
    harness.slack.fail_next(504)
    harness.deliver(detail)
    harness.restart()
    result = handler.lambda_handler(sqs_batch(finding_event(detail)), LambdaContext())
    assert result == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}


def test_every_log_line_of_a_finding_has_its_id_and_no_line_has_the_id_of_another(
    harness: Harness, log: io.StringIO
) -> None:
    good, broken = harness.report_object(), harness.report_object(body=b"other")
    del broken["resourcesAffected"]
    assert harness.deliver(good, broken, "{") == ["message-1", "message-2"]
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [(line["level"], line.get("finding_id")) for line in lines] == [
        ("INFO", good["id"]),
        ("INFO", good["id"]),
        ("ERROR", broken["id"]),
        ("ERROR", None),
    ]
