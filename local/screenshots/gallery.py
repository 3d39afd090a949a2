"""Makes every message that people may see appear in a sandbox, one after the other."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from local.macie.fixtures import event_about, sample_event
from local.macie.job import MacieJob
from local.sandbox import APPROVER, COLLEAGUE, SOURCE, VISITOR, Sandbox, wait_for
from local.slack.workspace import Message

_MAILS = "".join(f"{name}@example.com\n" for name in ("jane.doe", "john.roe", "ada", "grace"))
_HIRES = "name,ssn,mail\nJane Doe,219-09-9998,jane.doe@example.com\n"
_CARDS = "name,card\nJane Doe,4111111111111111\nJohn Roe,5500005555555559\n"
_KEY = "export AWS_ACCESS_KEY_ID=AKIAQ7XMPLK2N3RSTUVW\n"
_HOSTILE = "<!channel> <https://evil.example|Click here> *now* `rm -rf` \u202egpj.txt"
_DIGEST_SIZE = 45


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A picture to take: its name, the `ts` of the message or reply, and the user who sees it."""

    name: str
    ts: str
    viewer: str = APPROVER


def scenes(sandbox: Sandbox) -> Iterator[Scene]:
    """Yield the scenes. Each one is visible until the next one is requested.

    Raises:
        TimeoutError: something did not happen.
    """
    stage = _Stage(sandbox)
    yield from stage.decisions()
    yield from stage.dismissal()
    yield from stage.automatic()
    yield from stage.unmoved()
    yield from stage.failure()
    yield from stage.dry_run()
    yield from stage.hostile_name()
    yield from stage.private_replies()
    yield from stage.reminder()
    yield from stage.digest()


class _Stage:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._slack = sandbox.slack
        self._s3 = sandbox.client("s3")
        self._job = MacieJob(self._s3, monitored="*-exports", deliver=self._deliver)
        self._ids: dict[str, str] = {}

    def decisions(self) -> Iterator[Scene]:
        """Review a finding, add a duplicate to it, remediate and restore."""
        for name in ("2026/10/totals.csv", "onboarding/checklist.txt"):
            self._s3.put_object(Bucket=SOURCE, Key=name, Body=b"nothing to find\n")
        key = "onboarding/new hires 2026.csv"
        finding = self._find(key, _HIRES * 77)
        yield self._scene("review", finding, "please decide")
        fixture = "custom-identifier-low-kms"
        self._sandbox.deliver(event_about(self._s3, fixture=fixture, bucket=SOURCE, key=key))
        yield self._scene("duplicate", finding, "Also found")
        self._click(finding, "remediate")
        quarantined = self._wait_for_text(finding, "Object quarantined")
        self._slack.replace(self._previous(quarantined, "in progress"))
        yield Scene(name="in-progress", ts=quarantined.ts)
        self._slack.replace(quarantined)
        yield Scene(name="quarantined", ts=quarantined.ts)
        self._click(finding, "restore", user=COLLEAGUE)
        yield self._scene("restored", finding, "Object restored")

    def dismissal(self) -> Iterator[Scene]:
        """Dismiss a finding, and reopen it."""
        finding = self._find("newsletter/recipients.txt", _MAILS)
        self._click(finding, "dismiss", choice="accepted_risk")
        yield self._scene("dismissed", finding, "Finding dismissed")
        self._click(finding, "reopen", user=COLLEAGUE)
        yield self._scene("reopened", finding, "Reopened by")

    def automatic(self) -> Iterator[Scene]:
        """Remediate a finding of an AUTO type, and a sample finding."""
        finding = self._find("2026/11/card settlements.csv", _CARDS)
        yield self._scene("automatic", finding, "Quarantined automatically")
        sample = self._sandbox.deliver(sample_event())
        yield self._scene("sample", sample, "SAMPLE")

    def unmoved(self) -> Iterator[Scene]:
        """Change an object between finding and decision, and delete another."""
        bucket = "acme-hr-exports"
        self._s3.create_bucket(Bucket=bucket)
        finding = self._find("candidates.csv", _HIRES, bucket=bucket)
        self._s3.put_object(Bucket=bucket, Key="candidates.csv", Body=b"name\n")
        self._click(finding, "remediate")
        yield self._scene("changed", finding, "Object changed")
        finding = self._find("leavers.csv", _HIRES, bucket=bucket)
        self._s3.delete_object(Bucket=bucket, Key="leavers.csv")
        self._click(finding, "remediate")
        yield self._scene("not-found", finding, "Nothing to move")

    def failure(self) -> Iterator[Scene]:
        """Remediate in a bucket that the remediator has no access to."""
        self._s3.create_bucket(Bucket="partner-exports")
        finding = self._find("reports/q3.csv", _HIRES, bucket="partner-exports")
        self._click(finding, "remediate")
        yield self._scene("failed", finding, "Remediation failed")

    def dry_run(self) -> Iterator[Scene]:
        """Remediate in the mode DRY_RUN."""
        with self._sandbox.setting("mode", "DRY_RUN"):
            finding = self._find("backup/deploy.log", _KEY)
            self._click(finding, "remediate")
            yield self._scene("dry-run", finding, "Dry run")

    def hostile_name(self) -> Iterator[Scene]:
        """Review an object whose name contains markup."""
        finding = self._find(_HOSTILE, _MAILS)
        yield self._scene("hostile", finding, "please decide")

    def private_replies(self) -> Iterator[Scene]:
        """Click without being an approver, and click after somebody else."""
        finding = self._find("crm/leads.csv", _HIRES)
        message = self._wait_for_text(finding, "please decide")
        self._click(finding, "remediate", user=VISITOR)
        reply = self._wait_for_ephemeral("Only approvers may decide")
        yield Scene(name="approvers-only", ts=reply, viewer=VISITOR)
        self._click(finding, "remediate")
        self._wait_for_text(finding, "Object quarantined")
        self._slack.click(message.ts, "remediate", COLLEAGUE, shown=message)
        reply = self._wait_for_ephemeral("decided by")
        yield Scene(name="already-decided", ts=reply, viewer=COLLEAGUE)

    def reminder(self) -> Iterator[Scene]:
        """Make a finding due for a reminder of its approvers."""
        finding = self._find("support/tickets.txt", _MAILS)
        message = self._wait_for_text(finding, "please decide")
        wait_for(lambda: "message" in (self._sandbox.record(finding) or {}))
        self._sandbox.make_due(finding)
        self._sandbox.tick()
        reply = self._wait_for_message(lambda reply: reply.thread_ts == message.ts)
        yield Scene(name="reminder", ts=reply.ts)

    def digest(self) -> Iterator[Scene]:
        """Find more in an hour than gets a message of its own."""
        for number in range(_DIGEST_SIZE):
            body = f"{_KEY}# {number}\n".encode()
            self._s3.put_object(Bucket=SOURCE, Key=f"logs/deploy-{number}.log", Body=body)
        self._job.run()
        digest = self._wait_for_message(lambda message: "📚" in message.text)
        yield Scene(name="digest", ts=digest.ts)
        self._slack.click(digest.ts, "remediate_all", APPROVER)
        self._wait_for_message(
            lambda message: message.ts == digest.ts and "Restore all" in str(message.blocks)
        )
        yield Scene(name="digest-decided", ts=digest.ts)

    def _find(self, key: str, body: str, *, bucket: str = SOURCE) -> str:
        """Put an object, run the Macie job, and wait for the message. Return the finding's id."""
        self._s3.put_object(Bucket=bucket, Key=key, Body=body.encode())
        self._job.run()
        self._wait_for_text(self._ids[key], "")
        return self._ids[key]

    def _deliver(self, event: Mapping[str, Any]) -> str:
        """Deliver the first finding of each key: restored objects must not be found again."""
        key = event["detail"]["resourcesAffected"]["s3Object"]["key"]
        if key not in self._ids:
            self._ids[key] = self._sandbox.deliver(event)
        return self._ids[key]

    def _click(
        self, finding: str, action: str, *, user: str = APPROVER, choice: str | None = None
    ) -> None:
        message = self._wait_for_text(finding, "")
        self._slack.click(message.ts, action, user, choice=choice)

    def _scene(self, name: str, finding: str, words: str) -> Scene:
        return Scene(name=name, ts=self._wait_for_text(finding, words).ts)

    def _wait_for_text(self, finding: str, words: str) -> Message:
        """Wait until the finding's message contains `words`."""

        def find() -> Message | None:
            message: Message | None = self._sandbox.message_about(finding)
            return message if message and words in f"{message.text} {message.blocks}" else None

        message: Message = wait_for(find)
        return message

    def _wait_for_message(self, condition: Callable[[Message], bool]) -> Message:
        """Run the scheduled tasks until the channel has a message of that kind."""

        def find() -> Message | None:
            self._sandbox.tick()
            return next(filter(condition, self._slack.messages), None)

        message: Message = wait_for(find)
        return message

    def _wait_for_ephemeral(self, words: str) -> str:
        """Wait for an ephemeral reply that contains `words`. Return its `ts`."""

        def find() -> str | None:
            replies = (reply for reply in self._slack.ephemerals if words in reply.text)
            return next((reply.ts for reply in replies), None)

        ts: str = wait_for(find)
        return ts

    def _previous(self, message: Message, words: str) -> Message:
        """Return an earlier form of the message that contains `words`."""
        versions = (self._slack.message(message.ts, edits=edits) for edits in range(message.edits))
        return next(version for version in versions if words in version.text)
