"""Every message that people may see, made to happen in a sandbox, one after the other."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lambdas.common.actions import option
from local.macie.fixtures import event_about, sample_event
from local.macie.job import MacieJob
from local.sandbox import APPROVER, COLLEAGUE, SOURCE, VISITOR, Sandbox, wait_for
from local.slack.workspace import Message

_MAILS = "".join(f"{name}@example.com\n" for name in ("jane.doe", "john.roe", "ada", "grace"))
_HIRES = "name,ssn,mail\nJane Doe,219-09-9998,jane.doe@example.com\n"
_CARDS = "name,card\nJane Doe,4111111111111111\nJohn Roe,5500005555555559\n"
_KEY = "export AWS_ACCESS_KEY_ID=AKIAQ7XMPLK2N3RSTUVW\n"
_HOSTILE = "<!channel> <https://evil.example|Click here> *now* `rm -rf` \u202egpj.txt"
_TOO_MANY = 45


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A state to be shown: its name, the message or reply that shows it, and to whom."""

    name: str
    ts: str
    viewer: str = APPROVER


def scenes(one: Sandbox) -> Iterator[Scene]:
    """Bring about one state after the other; each lasts until the next one is asked for.

    Raises:
        TimeoutError: something did not happen.
    """
    stage = _Stage(one)
    yield from stage.decided()
    yield from stage.dismissed()
    yield from stage.moved_at_once()
    yield from stage.left_alone()
    yield from stage.failed()
    yield from stage.rehearsed()
    yield from stage.hostile()
    yield from stage.told_privately()
    yield from stage.reminded()
    yield from stage.digested()


class _Stage:
    def __init__(self, one: Sandbox) -> None:
        self._one = one
        self._slack = one.slack
        self._s3 = one.client("s3")
        self._job = MacieJob(self._s3, monitored="*-exports", deliver=self._delivered)
        self._ids: dict[str, str] = {}

    def decided(self) -> Iterator[Scene]:
        """Ask, have another finding join, remediate, restore."""
        for name in ("2026/10/totals.csv", "onboarding/checklist.txt"):
            self._s3.put_object(Bucket=SOURCE, Key=name, Body=b"nothing to find\n")
        key = "onboarding/new hires 2026.csv"
        finding = self._found(key, _HIRES * 77)
        yield self._scene("review", finding, "please decide")
        fixture = "custom-identifier-low-kms"
        self._one.deliver(event_about(self._s3, fixture=fixture, bucket=SOURCE, key=key))
        yield self._scene("joined", finding, "Also found")
        self._click(finding, "remediate")
        quarantined = self._shows(finding, "Object quarantined")
        self._slack.alter(self._earlier(quarantined, "in progress"))
        yield Scene(name="in-progress", ts=quarantined.ts)
        self._slack.alter(quarantined)
        yield Scene(name="quarantined", ts=quarantined.ts)
        self._click(finding, "restore", by=COLLEAGUE)
        yield self._scene("restored", finding, "Object restored")

    def dismissed(self) -> Iterator[Scene]:
        """Dismiss, and reopen."""
        finding = self._found("newsletter/recipients.txt", _MAILS)
        self._click(finding, "dismiss", choice=option("accepted_risk", finding))
        yield self._scene("dismissed", finding, "Finding dismissed")
        self._click(finding, "reopen", by=COLLEAGUE)
        yield self._scene("reopened", finding, "Reopened by")

    def moved_at_once(self) -> Iterator[Scene]:
        """Move what is configured as AUTO; a sample finding walks the same way."""
        finding = self._found("2026/11/card settlements.csv", _CARDS)
        yield self._scene("automatic", finding, "Quarantined automatically")
        sample = self._one.deliver(sample_event())
        yield self._scene("sample", sample, "SAMPLE")

    def left_alone(self) -> Iterator[Scene]:
        """Change an object between finding and decision, and delete one."""
        bucket = "acme-hr-exports"
        self._s3.create_bucket(Bucket=bucket)
        finding = self._found("candidates.csv", _HIRES, bucket=bucket)
        self._s3.put_object(Bucket=bucket, Key="candidates.csv", Body=b"name\n")
        self._click(finding, "remediate")
        yield self._scene("changed", finding, "Object changed")
        finding = self._found("leavers.csv", _HIRES, bucket=bucket)
        self._s3.delete_object(Bucket=bucket, Key="leavers.csv")
        self._click(finding, "remediate")
        yield self._scene("not-found", finding, "Nothing to move")

    def failed(self) -> Iterator[Scene]:
        """Remediate in a bucket that the remediator may not touch."""
        self._s3.create_bucket(Bucket="partner-exports")
        finding = self._found("reports/q3.csv", _HIRES, bucket="partner-exports")
        self._click(finding, "remediate")
        yield self._scene("failed", finding, "Remediation failed")

    def rehearsed(self) -> Iterator[Scene]:
        """Remediate in the mode DRY_RUN."""
        with self._one.variable("MODE", "DRY_RUN"):
            finding = self._found("backup/deploy.log", _KEY)
            self._click(finding, "remediate")
            yield self._scene("dry-run", finding, "Dry run")

    def hostile(self) -> Iterator[Scene]:
        """Find something in an object whose name wants to be more than a name."""
        finding = self._found(_HOSTILE, _MAILS)
        yield self._scene("hostile", finding, "please decide")

    def told_privately(self) -> Iterator[Scene]:
        """Click as one who may not, and after somebody else has."""
        finding = self._found("crm/leads.csv", _HIRES)
        message = self._shows(finding, "please decide")
        self._click(finding, "remediate", by=VISITOR)
        refusal = self._private("Only approvers may decide")
        yield Scene(name="refused", ts=refusal, viewer=VISITOR)
        self._click(finding, "remediate")
        self._shows(finding, "Object quarantined")
        self._slack.click(message.ts, "remediate", COLLEAGUE, shown=message)
        yield Scene(name="taken", ts=self._private("decided by"), viewer=COLLEAGUE)

    def reminded(self) -> Iterator[Scene]:
        """Let a finding wait until its approvers are reminded."""
        finding = self._found("support/tickets.txt", _MAILS)
        message = self._shows(finding, "please decide")
        wait_for(lambda: "message" in (self._one.record(finding) or {}))
        self._one.make_due(finding)

        def reminder() -> Message | None:
            replies = (one for one in self._slack.messages if one.thread_ts == message.ts)
            return next(replies, None)

        self._one.tick()
        yield Scene(name="reminder", ts=wait_for(reminder).ts)

    def digested(self) -> Iterator[Scene]:
        """Find more in an hour than can be told one by one."""
        known = {message.ts for message in self._slack.messages}
        for number in range(_TOO_MANY):
            body = f"{_KEY}# {number}\n".encode()
            self._s3.put_object(Bucket=SOURCE, Key=f"logs/deploy-{number}.log", Body=body)
        self._job.run()

        def digest() -> Message | None:
            self._one.tick()
            news = (one for one in self._slack.messages if one.ts not in known)
            return next((one for one in news if "📚" in one.text), None)

        message = wait_for(digest)
        yield Scene(name="digest", ts=message.ts)
        self._slack.click(message.ts, "remediate_all", APPROVER)

        def is_decided() -> bool:
            self._one.tick()
            return "Restore all" in str(self._slack.message(message.ts).blocks)

        wait_for(is_decided)
        yield Scene(name="digest-decided", ts=message.ts)

    def _found(self, key: str, body: str, *, bucket: str = SOURCE) -> str:
        """Put an object and have it found; answer the finding's id."""
        self._s3.put_object(Bucket=bucket, Key=key, Body=body.encode())
        self._job.run()
        self._shows(self._ids[key], "")
        return self._ids[key]

    def _delivered(self, event: Mapping[str, Any]) -> str:
        """Deliver what is found for the first time; what was restored is not told of again."""
        key = event["detail"]["resourcesAffected"]["s3Object"]["key"]
        if key not in self._ids:
            self._ids[key] = self._one.deliver(event)
        return self._ids[key]

    def _click(self, finding: str, action: str, *, by: str = APPROVER, **more: Any) -> None:
        message = self._shows(finding, "")
        self._slack.click(message.ts, action, by, **more)

    def _scene(self, name: str, finding: str, wanted: str) -> Scene:
        return Scene(name=name, ts=self._shows(finding, wanted).ts)

    def _shows(self, finding: str, wanted: str) -> Message:
        """Wait until the finding's message says what is wanted."""

        def shown() -> Message | None:
            message: Message | None = self._one.message_about(finding)
            return message if message and wanted in message.text else None

        message: Message = wait_for(shown)
        return message

    def _earlier(self, message: Message, wanted: str) -> Message:
        """Find what a message said before."""
        versions = (self._slack.message(message.ts, edits=one) for one in range(message.edits))
        return next(one for one in versions if wanted in one.text)

    def _private(self, wanted: str) -> str:
        def told() -> str | None:
            replies = (one for one in self._slack.ephemerals if wanted in one.text)
            return next((one.ts for one in replies), None)

        ts: str = wait_for(told)
        return ts
