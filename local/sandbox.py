"""The sandbox: the deployed stack on the emulator, with a fake Slack and a fake Macie."""

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

from local.aws.deployment import ROOT, Outputs, deploy, packaged_settings
from local.aws.emulator import ACCOUNT, Emulator, RunningEmulator, stop_abandoned
from local.aws.events import deliver, deliver_schedule
from local.macie.job import MacieJob
from local.panel import SandboxPanel
from local.slack.clicks import APP, TEAM
from local.slack.fake_slack import FakeSlack

APPROVER, COLLEAGUE, VISITOR = "U0APPROVER1", "U0APPROVER2", "U0VISITOR01"
CHANNEL = "C0SANDBOX01"
MONITORED = "acme-*"
SOURCE = "acme-finance-exports"

OPERATOR_ROLE = f"arn:aws:iam::{ACCOUNT}:role/sandbox-operator"

_OWNER_KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
_FOLDERS = ROOT / ".cache" / "sandbox"
_MAX_FOLDERS = 3


@dataclass(frozen=True, kw_only=True)
class Sandbox:
    """A running sandbox, as its administrator uses it.

    Attributes:
        outputs: of the deployed stack.
        slack: the fake Slack.
        emulator: the local AWS.
    """

    outputs: Outputs
    slack: FakeSlack
    emulator: RunningEmulator

    def client(self, service: str) -> Any:
        """Create a client of `service` with the rights of the account's owner.

        The queues take messages from operators only, so that clients of SQS have their role.
        """
        keys = self._operator_keys() if service == "sqs" else _OWNER_KEYS
        return _create_client(self.emulator, service, keys)

    def create_operator(self) -> None:
        """Create the role that may send to the queues, as `operatorRoles` names it."""
        iam = self.client("iam")
        name = OPERATOR_ROLE.rpartition("/")[2]
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ACCOUNT}}
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trust))
        rights = {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}
        iam.put_role_policy(RoleName=name, PolicyName="queues", PolicyDocument=_policy(rights))

    def _operator_keys(self) -> Mapping[str, str]:
        sts = _create_client(self.emulator, "sts", _OWNER_KEYS)
        keys = sts.assume_role(RoleArn=OPERATOR_ROLE, RoleSessionName="sandbox")["Credentials"]
        return {
            "aws_access_key_id": keys["AccessKeyId"],
            "aws_secret_access_key": keys["SecretAccessKey"],
            "aws_session_token": keys["SessionToken"],
        }

    def put_secret(self, name: str, value: Mapping[str, str]) -> None:
        """Set a secret, as its owner does after the deployment."""
        self.client("secretsmanager").put_secret_value(
            SecretId=name, SecretString=json.dumps(value)
        )

    def deliver(self, event: Mapping[str, Any], *, times: int = 1) -> str:
        """Deliver a Macie event as EventBridge does. Return the finding's id."""
        deliver(self.client("events"), self.client("sqs"), event, times=times)
        finding_id: str = event["detail"]["id"]
        return finding_id

    def tick(self) -> None:
        """Deliver the schedule's event, as EventBridge does every minute."""
        deliver_schedule(self.client("sqs"), self.outputs.task_queue_url)

    def make_due(self, finding_id: str) -> None:
        """Make a finding so old that its approvers are due for a reminder."""
        yesterday = (datetime.now(UTC) - timedelta(hours=25)).isoformat()
        self.client("dynamodb").update_item(
            TableName=self.outputs.ledger_table,
            Key={"id": {"S": finding_id}},
            UpdateExpression="SET due_at = :zero, check_at = :then, history[0].#at = :then",
            ExpressionAttributeNames={"#at": "at"},
            ExpressionAttributeValues={":zero": {"N": "0"}, ":then": {"S": yesterday}},
        )

    @contextmanager
    def setting(self, name: str, value: object) -> Iterator[None]:
        """Change a setting of the function that reads it, until the context ends.

        Args:
            name: of the setting, as in cdk.json; a single function may read it.
            value: as in cdk.json.
        """
        client = self.client("lambda")
        ((function, settings),) = (
            (function, settings)
            for function in client.list_functions()["Functions"]
            if name in (settings := packaged_settings(self.emulator, function["Handler"]))
        )
        file = self.emulator.folder / f"settings-{uuid.uuid4().hex}.json"
        file.write_text(json.dumps({**settings, name: value}))
        variables = function["Environment"]["Variables"]

        def update(changed: Mapping[str, str]) -> None:
            client.update_function_configuration(
                FunctionName=function["FunctionName"], Environment={"Variables": dict(changed)}
            )

        update({**variables, "SETTINGS_FILE": str(file)})
        try:
            yield
        finally:
            update(variables)

    def make_kept_copies_due(self, finding_id: str) -> None:
        """Make a restore so old that the copies that it has kept are due to be deleted."""
        last = len((self.record(finding_id) or {})["history"]["L"]) - 1
        last_year = (datetime.now(UTC) - timedelta(days=365)).isoformat()
        self.client("dynamodb").update_item(
            TableName=self.outputs.ledger_table,
            Key={"id": {"S": finding_id}},
            UpdateExpression=f"SET due_at = :zero, check_at = :then, history[{last}].#at = :then",
            ExpressionAttributeNames={"#at": "at"},
            ExpressionAttributeValues={":zero": {"N": "0"}, ":then": {"S": last_year}},
        )

    def secret(self, name: str) -> dict[str, str]:
        """Return the value of a secret."""
        response = self.client("secretsmanager").get_secret_value(SecretId=name)
        value: dict[str, str] = json.loads(response["SecretString"])
        return value

    def record(self, finding_id: str) -> dict[str, Any] | None:
        """Return the ledger's item for a finding in DynamoDB's JSON, None if there is none."""
        response = self.client("dynamodb").get_item(
            TableName=self.outputs.ledger_table, Key={"id": {"S": finding_id}}, ConsistentRead=True
        )
        item: dict[str, Any] | None = response.get("Item")
        return item

    def status(self, finding_id: str) -> str | None:
        """Return a finding's status, None if the ledger does not have the finding."""
        record = self.record(finding_id)
        return record["status"]["S"] if record else None

    def objects(self, bucket: str) -> list[str]:
        """Return every object version in `bucket`, as `key (size bytes)`."""
        response = self.client("s3").list_object_versions(Bucket=bucket)
        versions = response.get("Versions", [])
        return [f"{version['Key']} ({version['Size']} bytes)" for version in versions]

    def message_about(self, finding_id: str) -> Any | None:
        """Return the finding's message in the channel, None if there is none."""
        payload = {"finding_id": finding_id}
        for message in self.slack.messages:
            if (message.metadata or {}).get("event_payload") == payload:
                return message
        return None


def _create_client(emulator: RunningEmulator, service: str, keys: Mapping[str, str]) -> Any:
    environment = emulator.environment
    create_session: Any = boto3.Session
    session = create_session(region_name=environment["AWS_REGION"], **keys)
    return session.client(
        service, endpoint_url=emulator.endpoint, verify=environment["AWS_CA_BUNDLE"]
    )


def _policy(statement: Mapping[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def wait_for(condition: Callable[[], Any], *, seconds: float = 120) -> Any:
    """Wait until `condition()` is true. Return its value.

    Raises:
        TimeoutError: it was not true within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.1)
    raise TimeoutError(f"this did not happen in {seconds} seconds")


@contextmanager
def sandbox(
    settings: Mapping[str, Any] | None = None, *, report: Callable[[str], None] = lambda _: None
) -> Iterator[Sandbox]:
    """Start a sandbox; stop it when the context ends.

    Args:
        settings: overrides the sandbox's own settings, as in cdk.json.
        report: receives a line about each step of the start.
    """
    _clean_up()
    token, secret = f"xoxb-{uuid.uuid4().hex}", uuid.uuid4().hex
    with ExitStack() as stack:
        slack = stack.enter_context(FakeSlack(bot_token=token, signing_secret=secret))
        emulator = Emulator.create(_FOLDERS / uuid.uuid4().hex[:12])
        report(f"ministack starts on 127.0.0.1:{emulator.port}")
        outputs = _deploy(emulator, _settings(slack, settings or {}), report)
        report("ministack starts again, with IAM and TLS enforced")
        running = emulator.start(enforcing=True)
        stack.callback(running.stop)
        started = Sandbox(outputs=outputs, slack=slack, emulator=running)
        started.create_operator()
        started.put_secret(outputs.slack_bot_token, {"botToken": token})
        started.put_secret(outputs.slack_signing_secret, {"signingSecret": secret})
        slack.request_url = _request_url(running, outputs)
        slack.certificate = running.environment["AWS_CA_BUNDLE"]
        slack.panel = _create_panel(started)
        yield started


def _create_panel(started: Sandbox) -> SandboxPanel:
    """Create the source bucket with versioning and tags, and the panel that shows it."""
    s3 = started.client("s3")
    s3.create_bucket(Bucket=SOURCE)
    s3.put_bucket_versioning(Bucket=SOURCE, VersioningConfiguration={"Status": "Enabled"})
    tags = [{"Key": "Owner", "Value": "finance"}, {"Key": "Environment", "Value": "production"}]
    s3.put_bucket_tagging(Bucket=SOURCE, Tagging={"TagSet": tags})
    return SandboxPanel(
        s3,
        source=SOURCE,
        quarantine=started.outputs.quarantine_bucket,
        read_record=started.record,
        job=MacieJob(s3, monitored=MONITORED, deliver=started.deliver),
    )


def _deploy(
    emulator: Emulator, settings: Mapping[str, Any], report: Callable[[str], None]
) -> Outputs:
    running = emulator.start(enforcing=False)
    try:
        report("cdk bootstrap, cdk deploy")
        return deploy(running, settings)
    finally:
        running.stop()


def _settings(slack: FakeSlack, overrides: Mapping[str, Any]) -> dict[str, Any]:
    shipped = json.loads((ROOT / "cdk.json").read_text())["context"]["chatops"]
    sandbox_settings = {
        "slackChannel": CHANNEL,
        "slackAppId": APP,
        "slackTeamId": TEAM,
        "operatorRoles": [OPERATOR_ROLE],
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
    """Return the API's URL by path: not every machine resolves `<api>.execute-api.localhost`."""
    api = outputs.slack_request_url.split("//", 1)[1].split(".", 1)[0]
    return f"{running.endpoint}/_aws/execute-api/{api}/$default/slack/interactivity"


def _clean_up() -> None:
    """Stop what a killed sandbox left running, and remove all but the newest folders."""
    folders = sorted(_FOLDERS.glob("*"), key=lambda folder: folder.stat().st_mtime)
    unused = [folder for folder in folders if stop_abandoned(folder)]
    for folder in unused[:-_MAX_FOLDERS]:
        shutil.rmtree(folder, ignore_errors=True)
