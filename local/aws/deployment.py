"""The real stack, deployed into the sandbox by the pinned CDK CLI."""

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
    """The CDK CLI failed; its own words are in the text."""


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What the stack tells a person who deployed it; `told` is all of it, by its own names."""

    slack_request_url: str
    slack_secret: str
    quarantine_bucket: str
    ledger_table: str
    finding_queue_url: str
    agenda_queue_url: str
    told: Mapping[str, str]


def deploy(emulator: RunningEmulator, settings: Mapping[str, Any]) -> Outputs:
    """Bootstrap and deploy with `settings`, the whole of `chatops`.

    Raises:
        DeploymentError: the CLI failed.
    """
    folder = emulator.emulator.folder
    outputs = folder / "outputs.json"
    context = ["--context", f"chatops={json.dumps(settings)}", "--output", str(folder / "cdk.out")]
    _cdk(emulator, "bootstrap", f"aws://{ACCOUNT}/{REGION}", *context)
    _cdk(
        emulator,
        *("deploy", "--require-approval", "never", "--outputs-file", str(outputs)),
        *("--progress", "events", *context),
    )
    (told,) = json.loads(outputs.read_text()).values()
    return Outputs(
        slack_request_url=told["SlackRequestUrl"],
        slack_secret=told["SlackSecretName"],
        quarantine_bucket=told["QuarantineBucketName"],
        ledger_table=told["LedgerTableName"],
        finding_queue_url=told["FindingQueueUrl"],
        agenda_queue_url=told["AgendaQueueUrl"],
        told=told,
    )


def _cdk(emulator: RunningEmulator, *arguments: str) -> None:
    folder = emulator.emulator.folder
    environment = {
        **os.environ,
        **emulator.environment,
        # The CLI remembers which account an access key belongs to: not from one sandbox to another.
        "CDK_HOME": str(folder / "cdk-home"),
        "CDK_DISABLE_VERSION_CHECK": "1",
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        environment.pop(name, None)
    done = subprocess.run(
        [_CDK, *arguments],
        cwd=ROOT,
        env=environment,
        check=False,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    (folder / f"cdk-{arguments[0]}.log").write_text(done.stdout)
    if done.returncode != 0:
        raise DeploymentError(f"cdk {arguments[0]} failed:\n{done.stdout[-4000:]}")
