"""Deploys the real stack into the sandbox with the pinned CDK CLI."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.aws.emulator import ACCOUNT, REGION, RunningEmulator

ROOT = Path(__file__).parents[2]

_CDK = ROOT / "node_modules" / ".bin" / "cdk"


class DeploymentError(Exception):
    """The CDK CLI failed; the text has the end of its output."""


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """The stack's outputs; `by_name` has all of them, by their names in CloudFormation."""

    slack_request_url: str
    slack_signing_secret: str
    slack_bot_token: str
    quarantine_bucket: str
    ledger_table: str
    finding_queue_url: str
    task_queue_url: str
    by_name: Mapping[str, str]


def deploy(emulator: RunningEmulator, settings: Mapping[str, Any]) -> Outputs:
    """Bootstrap the account, and deploy the stack with `settings`, the whole of `chatops`.

    Raises:
        DeploymentError: the CLI failed.
    """
    outputs = emulator.folder / "outputs.json"
    context = [
        *("--context", f"chatops={json.dumps(settings)}"),
        *("--output", str(emulator.folder / "cdk.out")),
    ]
    _run_cdk(emulator, "bootstrap", f"aws://{ACCOUNT}/{REGION}", *context)
    _run_cdk(
        emulator,
        *("deploy", "--require-approval", "never", "--outputs-file", str(outputs)),
        *("--progress", "events", *context),
    )
    (by_name,) = json.loads(outputs.read_text()).values()
    return Outputs(
        slack_request_url=by_name["SlackRequestUrl"],
        slack_signing_secret=by_name["SlackSigningSecretName"],
        slack_bot_token=by_name["SlackBotTokenSecretName"],
        quarantine_bucket=by_name["QuarantineBucketName"],
        ledger_table=by_name["LedgerTableName"],
        finding_queue_url=by_name["FindingQueueUrl"],
        task_queue_url=by_name["TaskQueueUrl"],
        by_name=by_name,
    )


def packaged_settings(emulator: RunningEmulator, handler: str) -> dict[str, Any]:
    """Return the settings in the package of the function whose entry point is `handler`."""
    package = handler.split(".")[1]
    (folder,) = emulator.folder.glob(f"cdk.out/asset.*/lambdas/{package}")
    settings: dict[str, Any] = json.loads((folder.parents[1] / "settings.json").read_text())
    return settings


def _run_cdk(emulator: RunningEmulator, *arguments: str) -> None:
    environment = {
        **os.environ,
        **emulator.environment,
        # The CLI caches which account an access key belongs to. Sandboxes must not share that.
        "CDK_HOME": str(emulator.folder / "cdk-home"),
        "CDK_DISABLE_VERSION_CHECK": "1",
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        environment.pop(name, None)
    run = subprocess.run(
        [_CDK, *arguments],
        cwd=ROOT,
        env=environment,
        check=False,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    (emulator.folder / f"cdk-{arguments[0]}.log").write_text(run.stdout)
    if run.returncode != 0:
        raise DeploymentError(f"cdk {arguments[0]} failed:\n{run.stdout[-4000:]}")
