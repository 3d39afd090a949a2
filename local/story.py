"""The eight steps, made to happen in a sandbox and each one watched for."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass

from local.macie.fixtures import event_about
from local.sandbox import APPROVER, SOURCE, Sandbox, wait_for

_CARDS = b"name,card\nJane Doe,4111111111111111\nJohn Roe,5500005555555559\n"
_PEOPLE = b"name,email\nJane Doe,jane.doe@example.com\nJohn Roe,john.roe@example.com\n"
_HARMLESS = b"month,total\n2026-10,1834\n"


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step that was seen to happen: its number of the eight, and what was seen."""

    number: int
    seen: str


def prepare(sandbox: Sandbox) -> None:
    """Put a few files into the bucket, as a team might have them."""
    s3 = sandbox.client("s3")
    files = {
        "2026/11/card settlements.csv": _CARDS,
        "onboarding/new hires.csv": _PEOPLE,
        "2026/10/totals.csv": _HARMLESS,
    }
    for key, body in files.items():
        s3.put_object(Bucket=SOURCE, Key=key, Body=body, ContentType="text/csv")


def automatic(sandbox: Sandbox) -> Iterator[Step]:
    """Carry a finding through whose type is configured as AUTO.

    Raises:
        TimeoutError: a step did not happen.
    """
    key = "2026/11/card settlements.csv"
    finding_id = yield from _found(sandbox, "financial-high", key)
    yield _decided(sandbox, finding_id)
    yield from _moved(sandbox, finding_id, key)
    message = wait_for(lambda: sandbox.message_about(finding_id))
    yield Step(number=8, seen=f"the channel shows: {_headline(message)}")


def reviewed(sandbox: Sandbox) -> Iterator[Step]:
    """Carry a finding through that a person has to approve.

    Raises:
        TimeoutError: a step did not happen.
    """
    key = "onboarding/new hires.csv"
    finding_id = yield from _found(sandbox, "personal-automated-discovery", key)
    yield _decided(sandbox, finding_id)
    message = wait_for(lambda: sandbox.message_about(finding_id))
    yield Step(number=4, seen=f"the channel shows: {_headline(message)}")
    status = sandbox.slack.click(message.ts, "remediate", APPROVER)
    yield Step(number=5, seen=f"{APPROVER} clicked Remediate; API Gateway answered {status}")
    decision = wait_for(lambda: _step(sandbox, finding_id, "REMEDIATING"))
    yield Step(number=6, seen=f"the signature was good; decided by {decision['by']['S']}")
    yield from _moved(sandbox, finding_id, key)
    shown = wait_for(lambda: _shows(sandbox, finding_id, "Object quarantined"))
    yield Step(number=8, seen=f"the message now shows: {shown}")


def _found(sandbox: Sandbox, fixture: str, key: str) -> Generator[Step, None, str]:
    event = event_about(sandbox.client("s3"), fixture=fixture, bucket=SOURCE, key=key)
    detail = event["detail"]
    yield Step(number=1, seen=f"Macie: {detail['type']} in s3://{SOURCE}/{key}")
    finding_id = sandbox.deliver(event)
    yield Step(number=2, seen="the EventBridge rule matched; the event is in the queue")
    return finding_id


def _decided(sandbox: Sandbox, finding_id: str) -> Step:
    record = wait_for(lambda: sandbox.record(finding_id))
    opened = record["history"]["L"][0]["M"]
    return Step(
        number=3, seen=f"the finding handler: {opened['status']['S']}, {opened['reason']['S']}"
    )


def _moved(sandbox: Sandbox, finding_id: str, key: str) -> Iterator[Step]:
    wait_for(lambda: sandbox.status(finding_id) == "QUARANTINED")
    wait_for(lambda: not any(name.startswith(key) for name in sandbox.objects(SOURCE)))
    copied = f"{SOURCE}/{key}"
    quarantine = sandbox.outputs.quarantine_bucket
    wait_for(lambda: any(name.startswith(copied) for name in sandbox.objects(quarantine)))
    yield Step(number=7, seen=f"the remediator moved it\n{_buckets(sandbox)}")


def _buckets(sandbox: Sandbox) -> str:
    lines = []
    for title, bucket in (("source", SOURCE), ("quarantine", sandbox.outputs.quarantine_bucket)):
        lines += [f"     {title} bucket {bucket}:"]
        lines += [f"       {name}" for name in sandbox.objects(bucket)]
    return "\n".join(lines)


def _step(sandbox: Sandbox, finding_id: str, status: str) -> dict[str, dict[str, str]] | None:
    record = sandbox.record(finding_id)
    history = [entry["M"] for entry in record["history"]["L"]] if record else []
    return next((entry for entry in history if entry["status"]["S"] == status), None)


def _shows(sandbox: Sandbox, finding_id: str, wanted: str) -> str | None:
    message = sandbox.message_about(finding_id)
    headline = _headline(message) if message else ""
    return headline if wanted in headline else None


def _headline(message: object) -> str:
    text: str = getattr(message, "text", "")
    return text.splitlines()[0]
