"""The sandbox: the deployed stack on the emulator, a Slack stand-in, and Macie's part played."""

import json
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3

from local.aws.deployment import ROOT, Outputs, deploy
from local.aws.emulator import Emulator, RunningEmulator, end_leftover
from local.aws.events import deliver, tick
from local.macie.job import MacieJob
from local.panel import SandboxPanel
from local.slack.fake_slack import SlackStandIn

APPROVER, COLLEAGUE, VISITOR = "U0APPROVER1", "U0APPROVER2", "U0VISITOR01"
CHANNEL = "C0SANDBOX01"
MONITORED = "acme-*"
SOURCE = "acme-finance-exports"

_FOLDERS = ROOT / ".cache" / "sandbox"
_KEPT = 3


@dataclass(frozen=True, kw_only=True)
class Sandbox:
    """A running sandbox, seen by its administrator.

    Attributes:
        outputs: of the deployed stack.
        slack: the Slack stand-in.
        emulator: the local AWS.
    """

    outputs: Outputs
    slack: SlackStandIn
    emulator: RunningEmulator

    def client(self, service: str) -> Any:
        """Make a client of `service` with the rights of the account's owner."""
        environment = self.emulator.environment
        session = boto3.Session(
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - the emulator's own
            region_name=environment["AWS_REGION"],
        )
        make: Any = session.client
        return make(
            service,
            endpoint_url=self.emulator.endpoint,
            verify=environment["AWS_CA_BUNDLE"],
        )

    def deliver(self, event: Mapping[str, Any], *, times: int = 1) -> str:
        """Deliver a Macie event as EventBridge does; answer the finding's id."""
        deliver(self.client("events"), self.client("sqs"), event, times=times)
        finding_id: str = event["detail"]["id"]
        return finding_id

    def tick(self) -> None:
        """Have what is due done, as the schedule does every minute."""
        tick(self.client("sqs"), self.outputs.agenda_queue_url)

    def make_due(self, finding_id: str) -> None:
        """Let a finding have waited so long that its approvers are to be reminded."""
        yesterday = (datetime.now(UTC) - timedelta(hours=25)).isoformat()
        self.client("dynamodb").update_item(
            TableName=self.outputs.ledger_table,
            Key={"id": {"S": finding_id}},
            UpdateExpression="SET due_at = :zero, look_at = :then, history[0].#at = :then",
            ExpressionAttributeNames={"#at": "at"},
            ExpressionAttributeValues={":zero": {"N": "0"}, ":then": {"S": yesterday}},
        )

    @contextmanager
    def variable(self, name: str, value: str) -> Iterator[None]:
        """Have the function that knows the environment variable run with another for a while."""
        functions = self.client("lambda")
        every = functions.list_functions()["Functions"]
        (function,) = (one for one in every if name in one["Environment"]["Variables"])
        variables = function["Environment"]["Variables"]

        def put(changed: Mapping[str, str]) -> None:
            functions.update_function_configuration(
                FunctionName=function["FunctionName"], Environment={"Variables": dict(changed)}
            )

        put({**variables, name: value})
        try:
            yield
        finally:
            put(variables)

    def record(self, finding_id: str) -> dict[str, Any] | None:
        """Read the ledger's item of a finding, in DynamoDB's JSON, or None."""
        answer = self.client("dynamodb").get_item(
            TableName=self.outputs.ledger_table, Key={"id": {"S": finding_id}}, ConsistentRead=True
        )
        item: dict[str, Any] | None = answer.get("Item")
        return item

    def status(self, finding_id: str) -> str | None:
        """Tell where a finding stands, or None if the ledger does not know it yet."""
        record = self.record(finding_id)
        return record["status"]["S"] if record else None

    def objects(self, bucket: str) -> list[str]:
        """List what is in `bucket`, every version, as `key (size bytes)`."""
        answer = self.client("s3").list_object_versions(Bucket=bucket)
        return [f"{one['Key']} ({one['Size']} bytes)" for one in answer.get("Versions", [])]

    def message_about(self, finding_id: str) -> Any | None:
        """Find the finding's message in the channel."""
        wanted = {"finding_id": finding_id}
        for message in self.slack.messages:
            if (message.metadata or {}).get("event_payload") == wanted:
                return message
        return None


def wait_for(what: Callable[[], Any], *, seconds: float = 120) -> Any:
    """Wait until `what()` is true, and answer it.

    Raises:
        TimeoutError: it was not true in `seconds`.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := what():
            return answer
        time.sleep(0.1)
    raise TimeoutError(f"this did not happen in {seconds} seconds")


@contextmanager
def sandbox(
    settings: Mapping[str, Any] | None = None, *, tell: Callable[[str], None] = lambda _: None
) -> Iterator[Sandbox]:
    """Start a sandbox, and end it.

    Args:
        settings: overrides of the sandbox's own settings, as in cdk.json.
        tell: is told what is being done.
    """
    _end_earlier_ones()
    token, secret = f"xoxb-{uuid.uuid4().hex}", uuid.uuid4().hex
    with ExitStack() as stack:
        slack = stack.enter_context(SlackStandIn(bot_token=token, signing_secret=secret))
        emulator = Emulator.in_folder(_FOLDERS / uuid.uuid4().hex[:12])
        tell(f"ministack starts on 127.0.0.1:{emulator.port}")
        outputs = _deployed(emulator, _settings(slack, settings or {}), tell)
        tell("ministack starts again, with IAM and TLS enforced")
        running = emulator.start(enforcing=True)
        stack.callback(running.stop)
        one = Sandbox(outputs=outputs, slack=slack, emulator=running)
        text = json.dumps({"botToken": token, "signingSecret": secret})
        one.client("secretsmanager").put_secret_value(
            SecretId=outputs.slack_secret, SecretString=text
        )
        slack.request_url = _request_url(running, outputs)
        slack.certificate = running.environment["AWS_CA_BUNDLE"]
        slack.panel = _panel(one)
        yield one


def _panel(one: Sandbox) -> SandboxPanel:
    """Make the bucket that files are dropped into, versioned, and what shows it."""
    s3 = one.client("s3")
    s3.create_bucket(Bucket=SOURCE)
    s3.put_bucket_versioning(Bucket=SOURCE, VersioningConfiguration={"Status": "Enabled"})
    tags = [{"Key": "Owner", "Value": "finance"}, {"Key": "Environment", "Value": "production"}]
    s3.put_bucket_tagging(Bucket=SOURCE, Tagging={"TagSet": tags})
    return SandboxPanel(
        s3,
        source=SOURCE,
        quarantine=one.outputs.quarantine_bucket,
        read_record=one.record,
        job=MacieJob(s3, monitored=MONITORED, deliver=one.deliver),
    )


def _deployed(
    emulator: Emulator, settings: Mapping[str, Any], tell: Callable[[str], None]
) -> Outputs:
    running = emulator.start(enforcing=False)
    try:
        tell("cdk bootstrap, cdk deploy")
        return deploy(running, settings)
    finally:
        running.stop()


def _settings(slack: SlackStandIn, overrides: Mapping[str, Any]) -> dict[str, Any]:
    shipped = json.loads((ROOT / "cdk.json").read_text())["context"]["chatops"]
    sandbox_settings = {
        "slackChannel": CHANNEL,
        "approvers": [APPROVER, COLLEAGUE],
        "monitoredBuckets": [MONITORED],
        "autoRemediateConfig": {
            **shipped["autoRemediateConfig"],
            "SensitiveData:S3Object/Financial": "AUTO",
        },
        "slackApiUrl": slack.api_url,
        "slackHooksUrl": slack.hooks_url,
    }
    settings = {**shipped, **sandbox_settings, **overrides}
    return {name: value for name, value in settings.items() if value is not None}


def _request_url(running: RunningEmulator, outputs: Outputs) -> str:
    """Name the API by path: not every machine resolves `<api>.execute-api.localhost`."""
    api = outputs.slack_request_url.split("//", 1)[1].split(".", 1)[0]
    return f"{running.endpoint}/_aws/execute-api/{api}/$default/slack/interactivity"


def _end_earlier_ones() -> None:
    """End what a killed sandbox left running, and keep the folders of the last few."""
    folders = sorted(_FOLDERS.glob("*"), key=lambda folder: folder.stat().st_mtime)
    ended = [folder for folder in folders if end_leftover(folder)]
    for folder in ended[:-_KEPT]:
        shutil.rmtree(folder, ignore_errors=True)


__all__ = [
    "APPROVER",
    "CHANNEL",
    "COLLEAGUE",
    "SOURCE",
    "VISITOR",
    "Sandbox",
    "sandbox",
    "wait_for",
]
