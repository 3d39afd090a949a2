"""The eight steps: make each one happen in a sandbox, and watch for it."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass

from local.aws.emulator import ACCOUNT
from local.macie.fixtures import event_about
from local.sandbox import APPROVER, SOURCE, Sandbox, wait_for
from local.slack.workspace import Message

_CARDS = b"name,card\nJane Doe,4111111111111111\nJohn Roe,5500005555555559\n"
_PEOPLE = b"name,email\nJane Doe,jane.doe@example.com\nJohn Roe,john.roe@example.com\n"
_HARMLESS = b"month,total\n2026-10,1834\n"


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step that happened: its number of the eight, and a description of what happened."""

    number: int
    text: str


def put_files(sandbox: Sandbox) -> None:
    """Put a few files into the source bucket, as a team might have them."""
    s3 = sandbox.client("s3")
    files = {
        "2026/11/card settlements.csv": _CARDS,
        "onboarding/new hires.csv": _PEOPLE,
        "2026/10/totals.csv": _HARMLESS,
    }
    for key, body in files.items():
        s3.put_object(Bucket=SOURCE, Key=key, Body=body, ContentType="text/csv")


def automatic_remediation(sandbox: Sandbox) -> Iterator[Step]:
    """Follow a finding whose type is configured as AUTO.

    Raises:
        TimeoutError: a step did not happen.
    """
    key = "2026/11/card settlements.csv"
    finding_id = yield from _deliver(sandbox, "financial-high", key)
    yield _decision(sandbox, finding_id)
    yield from _move(sandbox, finding_id, key)
    message = wait_for(lambda: sandbox.message_about(finding_id))
    yield Step(number=8, text=f"the channel shows: {_headline(message)}")


def reviewed_remediation(sandbox: Sandbox) -> Iterator[Step]:
    """Follow a finding that a person has to approve.

    Raises:
        TimeoutError: a step did not happen.
    """
    key = "onboarding/new hires.csv"
    finding_id = yield from _deliver(sandbox, "personal-automated-discovery", key)
    yield _decision(sandbox, finding_id)
    message = wait_for(lambda: sandbox.message_about(finding_id))
    yield Step(number=4, text=f"the channel shows: {_headline(message)}")
    status = sandbox.slack.click(message.ts, "remediate", APPROVER)
    yield Step(number=5, text=f"{APPROVER} clicked Remediate; API Gateway returned {status}")
    transition = wait_for(lambda: _transition(sandbox, finding_id, "REMEDIATING"))
    yield Step(number=6, text=f"the signature is valid; decided by {transition['by']['S']}")
    yield from _move(sandbox, finding_id, key)
    headline = wait_for(lambda: _headline_with(sandbox, finding_id, "Object quarantined"))
    yield Step(number=8, text=f"the message now shows: {headline}")


def _deliver(sandbox: Sandbox, fixture: str, key: str) -> Generator[Step, None, str]:
    event = event_about(sandbox.client("s3"), fixture=fixture, bucket=SOURCE, key=key)
    yield Step(number=1, text=f"Macie: {event['detail']['type']} in s3://{SOURCE}/{key}")
    finding_id = sandbox.deliver(event)
    yield Step(number=2, text="the EventBridge rule matched; the event is in the queue")
    return finding_id


def _decision(sandbox: Sandbox, finding_id: str) -> Step:
    record = wait_for(lambda: sandbox.record(finding_id))
    first = record["history"]["L"][0]["M"]
    return Step(
        number=3, text=f"the finding handler: {first['status']['S']}, {first['reason']['S']}"
    )


def _move(sandbox: Sandbox, finding_id: str, key: str) -> Iterator[Step]:
    wait_for(lambda: sandbox.status(finding_id) == "QUARANTINED")
    wait_for(lambda: not any(name.startswith(key) for name in sandbox.objects(SOURCE)))
    copy = f"{ACCOUNT}/{SOURCE}/{key}"
    quarantine = sandbox.outputs.quarantine_bucket
    wait_for(lambda: any(name.startswith(copy) for name in sandbox.objects(quarantine)))
    yield Step(number=7, text=f"the remediator moved the object\n{_list_buckets(sandbox)}")


def _list_buckets(sandbox: Sandbox) -> str:
    lines = []
    for title, bucket in (("source", SOURCE), ("quarantine", sandbox.outputs.quarantine_bucket)):
        lines += [f"     {title} bucket {bucket}:"]
        lines += [f"       {name}" for name in sandbox.objects(bucket)]
    return "\n".join(lines)


def _transition(sandbox: Sandbox, finding_id: str, status: str) -> dict[str, dict[str, str]] | None:
    record = sandbox.record(finding_id)
    history = [item["M"] for item in record["history"]["L"]] if record else []
    return next((item for item in history if item["status"]["S"] == status), None)


def _headline_with(sandbox: Sandbox, finding_id: str, words: str) -> str | None:
    message = sandbox.message_about(finding_id)
    headline = _headline(message) if message else ""
    return headline if words in headline else None


def _headline(message: Message) -> str:
    return message.text.splitlines()[0]
