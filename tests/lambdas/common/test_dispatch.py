"""How one function starts another: what is sent, and that the receiver reads the same."""

import os
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.exceptions import ClientError

from lambdas.common.dispatch import (
    SCHEDULED_EVENT,
    EventQueue,
    RemediationRequest,
    RemediatorFunction,
    Reply,
    enqueue,
    enqueue_remediation,
    enqueue_task_run,
    start_remediation,
)
from tests.harness.harness import Harness, Invocation

REQUESTS = [
    RemediationRequest(finding_id="f1"),
    RemediationRequest(finding_id="f1", response_url="https://hooks.slack.com/actions/1"),
    RemediationRequest(finding_id=None, reply=Reply(user="U1", text="Only approvers may decide.")),
]


@pytest.mark.parametrize("request_", REQUESTS)
def test_the_remediator_receives_the_request_as_it_was_sent(
    harness: Harness, request_: RemediationRequest
) -> None:
    remediator = RemediatorFunction(client=boto3.client("lambda"), name="remediator")
    start_remediation(remediator, request_)
    (invocation,) = harness.invocations
    expected = Invocation(function="remediator", kind="Event", payload=request_.to_payload())
    assert invocation == expected
    assert RemediationRequest.from_payload(invocation.payload) == request_


@pytest.mark.parametrize("request_", REQUESTS)
def test_the_queue_holds_the_request_as_it_was_sent(
    harness: Harness, request_: RemediationRequest
) -> None:
    queue = EventQueue(client=boto3.client("sqs"), url=os.environ["REMEDIATION_QUEUE"])
    enqueue_remediation(queue, request_)
    (payload,) = harness.queued_remediations
    assert RemediationRequest.from_payload(payload) == request_
    assert harness.invocations == []


def test_an_invocation_that_lambda_refuses_is_an_error(harness: Harness) -> None:
    harness.invocation_refusal = 403
    remediator = RemediatorFunction(client=boto3.client("lambda"), name="remediator")
    with pytest.raises(ClientError, match="AccessDeniedException"):
        start_remediation(remediator, REQUESTS[0])
    assert harness.invocations == []


def test_events_are_put_into_the_queue(harness: Harness) -> None:
    queue = EventQueue(client=boto3.client("sqs"), url=os.environ["TASK_QUEUE"])
    enqueue(queue, {"detail-type": "Other", "time": datetime(2026, 11, 20, tzinfo=UTC)})
    enqueue_task_run(queue)
    assert harness.take_queued_events() == [
        {"detail-type": "Other", "time": "2026-11-20T00:00:00+00:00"},
        {"detail-type": SCHEDULED_EVENT},
    ]


def test_a_delayed_event_waits_in_the_queue(harness: Harness) -> None:
    queue = EventQueue(client=boto3.client("sqs"), url=os.environ["TASK_QUEUE"])
    enqueue_task_run(queue, delay=timedelta(seconds=1.2))
    assert harness.count_queued_tasks() == 1
    assert harness.take_queued_events() == []
