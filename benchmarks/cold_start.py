"""How long a function takes from nothing to its first event handled, as packaged.

Prints medians; each run is a new Python process against the sandbox, ours and a naive handler by
turns. `python -m benchmarks.cold_start [--runs N]`.
"""

import argparse
import base64
import io
import json
import os
import shlex
import subprocess
import sys
import time
import uuid
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from statistics import median
from typing import Any

from local.aws.deployment import ROOT
from local.macie.fixtures import event_about
from local.sandbox import APPROVER, CHANNEL, Sandbox, sandbox, wait_for
from local.slack.clicks import form, sign
from scripts.redrive import STACK

FUNCTIONS = ("finding_handler", "remediation_handler", "remediator")

_BUCKET = "acme-benchmark"


@dataclass(frozen=True, kw_only=True)
class Run:
    """One cold start, in milliseconds, and the AWS and Slack requests it made, if counted."""

    cold: float
    imported: float
    warm: float
    aws: int
    slack: int


@dataclass(frozen=True, kw_only=True)
class Function:
    """A function as packaged: its asset, its environment, and how to make an event for it."""

    name: str
    asset: Path
    environment: dict[str, str]
    make_event: Callable[[], Any]


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20, help="runs a median is taken of")
    parser.add_argument("--vs", help="a command whose time is measured as well, by turns with ours")
    parser.add_argument("--json", action="store_true", help="print JSON, not a table")
    arguments = parser.parse_args()
    with sandbox({"digestThreshold": "OFF"}) as one:
        one.client("s3").create_bucket(Bucket=_BUCKET)
        rows = [_row(one, function, arguments) for function in _functions(one)]
    print(json.dumps(rows) if arguments.json else _table(rows, arguments.runs))


def _row(one: Sandbox, function: Function, arguments: argparse.Namespace) -> dict[str, Any]:
    ours, naive, others = [], [], []
    for _ in range(arguments.runs):
        ours.append(_run(one, function, is_naive=False))
        naive.append(_run(one, function, is_naive=True))
        if arguments.vs:
            others.append(_timed(arguments.vs))
    counted = _run(one, function, is_naive=False, count=True)
    cold, naive_cold = (median(run.cold for run in group) for group in (ours, naive))
    packed, unpacked = _sizes(function.asset)
    return {
        "function": function.name,
        "cold ms": cold,
        "import ms": median(run.imported for run in ours),
        "warm ms": median(run.warm for run in ours),
        "naive cold ms": naive_cold,
        "naive import ms": median(run.imported for run in naive),
        "ratio": cold / naive_cold,
        **({"--vs ms": median(others)} if others else {}),
        "zip MB": packed,
        "unpacked MB": unpacked,
        "AWS requests": counted.aws,
        "Slack requests": counted.slack,
    }


def _timed(command: str) -> float:
    """Run a command to its end; answer how long it took, in milliseconds."""
    began = time.perf_counter()
    subprocess.run(shlex.split(command), check=True, capture_output=True)
    return 1000 * (time.perf_counter() - began)


def _run(one: Sandbox, function: Function, *, is_naive: bool, count: bool = False) -> Run:
    event, again = function.make_event(), None if count else function.make_event()
    before = len(one.slack.requests)
    module, path = f"lambdas.{function.name}.handler", [str(function.asset)]
    if is_naive:
        module, path = f"benchmarks.naive.{function.name}", [str(ROOT), *_installed()]
    run = {"path": path, "module": module, "event": event, "again": again, "count": count}
    began = time.perf_counter()
    done = subprocess.run(
        # Without a look at what is installed, as in Lambda; and no bytecode can be written there.
        [sys.executable, "-I", "-S", "-B", Path(__file__).with_name("one_run.py")],
        input=json.dumps(run),
        env=function.environment,
        check=True,
        capture_output=True,
        text=True,
    )
    took = 1000 * (time.perf_counter() - began)
    told = json.loads(done.stdout.splitlines()[-1])
    status = (told["answer"] or {}).get("statusCode", 200)
    assert status == HTTPStatus.OK, told  # noqa: S101 - a refusal is no measurement
    return Run(
        cold=took - told["warm"],
        imported=told["import"],
        warm=told["warm"],
        aws=len(told["calls"]),
        slack=len(one.slack.requests) - before,
    )


def _installed() -> list[str]:
    """Name where what the naive handlers import is installed, bytecode included."""
    return [path for path in sys.path if path.endswith("site-packages")]


def _functions(one: Sandbox) -> list[Function]:
    makers = {
        "finding_handler": lambda: _queued(one),
        "remediation_handler": lambda: _click(one),
        "remediator": lambda: _decided(one),
    }
    client = one.client("lambda")
    found = []
    for configuration in client.list_functions()["Functions"]:
        name = configuration["Handler"].split(".")[1]
        environment = {
            **one.emulator.environment,
            **configuration["Environment"]["Variables"],
            "PATH": os.environ["PATH"],
        }
        found.append(
            Function(
                name=name,
                asset=_asset(one, name),
                environment=environment,
                make_event=makers[name],
            )
        )
    return sorted(found, key=lambda function: function.name)


def _asset(one: Sandbox, name: str) -> Path:
    """Find what was packaged for a function."""
    folder = one.emulator.folder / "cdk.out"
    assets = json.loads((folder / f"{STACK}.assets.json").read_text())["files"].values()
    paths: list[Path] = [folder / asset["source"]["path"] for asset in assets]
    return next(path for path in paths if (path / "lambdas" / name).is_dir())


def _sizes(asset: Path) -> tuple[float, float]:
    """Answer the package's size in MB, zipped and not."""
    files = [path for path in asset.rglob("*") if path.is_file()]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.write(path, path.relative_to(asset))
    return len(packed.getvalue()) / 1e6, sum(path.stat().st_size for path in files) / 1e6


def _event(one: Sandbox, fixture: str) -> dict[str, Any]:
    key = f"{uuid.uuid4().hex}.csv"
    one.client("s3").put_object(Bucket=_BUCKET, Key=key, Body=b"name,card\n")
    return event_about(one.client("s3"), fixture=fixture, bucket=_BUCKET, key=key)


def _queued(one: Sandbox) -> dict[str, Any]:
    """Make the queue's event for a finding to be reviewed."""
    body = json.dumps(_event(one, "personal-automated-discovery"))
    record = {
        "messageId": uuid.uuid4().hex,
        "receiptHandle": "none",
        "body": body,
        "attributes": {},
        "messageAttributes": {},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:findings",
        "awsRegion": "us-east-1",
    }
    return {"Records": [record]}


def _waiting(one: Sandbox) -> str:
    """Have the deployed finding handler post a finding; answer its id."""
    finding_id = one.deliver(_event(one, "personal-automated-discovery"))
    wait_for(lambda: (one.record(finding_id) or {}).get("message", {}).get("M"))
    return finding_id


def _click(one: Sandbox) -> dict[str, Any]:
    """Make API Gateway's event for a click on such a finding."""
    message = one.message_about(_waiting(one))
    assert message is not None  # noqa: S101 - it was waited for
    secret = one.client("secretsmanager").get_secret_value(SecretId=one.outputs.slack_secret)
    finding_id = message.metadata["event_payload"]["finding_id"]
    body = form(
        message={"ts": message.ts},
        channel=CHANNEL,
        action={"type": "button", "action_id": "remediate", "value": finding_id},
        user=APPROVER,
        response_url=f"{one.slack.hooks_url}actions/none",
    )
    headers = sign(body, signing_secret=json.loads(secret["SecretString"])["signingSecret"])
    return {
        "version": "2.0",
        "headers": {name.lower(): value for name, value in headers.items()},
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }


def _decided(one: Sandbox) -> dict[str, Any]:
    """Write down that a finding is to be remediated; answer the remediator's event."""
    finding_id = _waiting(one)
    item: dict[str, Any] = one.record(finding_id) or {}
    item["status"] = {"S": "REMEDIATING"}
    item["history"]["L"][-1]["M"]["status"] = {"S": "REMEDIATING"}
    one.client("dynamodb").put_item(TableName=one.outputs.ledger_table, Item=item)
    return {"finding_id": finding_id, "response_url": None, "reply": None}


def _table(rows: list[dict[str, Any]], runs: int) -> str:
    names = list(rows[0])
    lines = [f"medians of {runs} runs", "", " | ".join(names), " | ".join("---" for _ in names)]
    lines += [" | ".join(_cell(row[name]) for name in names) for row in rows]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    is_small = isinstance(value, float) and value < 10  # noqa: PLR2004 - three digits tell enough
    return f"{value:.2f}" if is_small else _whole(value)


def _whole(value: Any) -> str:
    return f"{value:.0f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
