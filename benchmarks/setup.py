"""The sandbox, prepared to measure functions in processes of their own."""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import botocore

from benchmarks.events import BUCKET, event_makers
from benchmarks.functions import Function, create_idle_function, deployed_functions
from benchmarks.pass_through import pass_throughs
from local.sandbox import CHANNEL, Sandbox, sandbox

SERVICES = ("DYNAMODB", "LAMBDA", "MACIE2", "S3", "SECRETS_MANAGER", "SQS", "STS")
"""The AWS services that functions use, as in the environment variables of their endpoints.

Source: https://docs.aws.amazon.com/sdkref/latest/guide/ss-endpoints-table.html
"""

SLACK = "SLACK"

_PUBLIC_AUTHORITIES = Path(botocore.__file__).with_name("cacert.pem")


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """What is measured.

    Attributes:
        functions: all that are deployed.
        services: each of SERVICES, and Slack, by its port.
    """

    functions: Sequence[Function]
    services: Mapping[int, str]


@contextmanager
def prepare() -> Iterator[Benchmark]:
    """Start a sandbox in which every AWS service, and Slack, has TLS and a port of its own."""
    with sandbox({"digestThreshold": "OFF"}) as running:
        folder = running.emulator.folder
        certificate = (folder / "certificate.pem", folder / "key.pem")
        with (
            pass_throughs(_port(running.emulator.endpoint), len(SERVICES)) as ports,
            pass_throughs(_port(running.slack.url), 1, *certificate) as (slack_port,),
            tempfile.TemporaryDirectory() as scratch,
        ):
            running.client("s3").create_bucket(Bucket=BUCKET)
            services = {**dict(zip(ports, SERVICES, strict=True)), slack_port: SLACK}
            functions = _functions(running, services, Path(scratch))
            yield Benchmark(functions=functions, services=services)


def _functions(running: Sandbox, services: Mapping[int, str], scratch: Path) -> list[Function]:
    client, emulator = running.client("lambda"), running.emulator
    urls = {service: f"https://127.0.0.1:{port}" for port, service in services.items()}
    slack_api_url = f"{urls.pop(SLACK)}/api/"
    return deployed_functions(
        client,
        assets=emulator.folder / "cdk.out",
        scratch=scratch,
        environment={
            **emulator.environment,
            **_trust(Path(emulator.environment["AWS_CA_BUNDLE"]), scratch),
            **{f"AWS_ENDPOINT_URL_{service}": url for service, url in urls.items()},
            "REMEDIATOR_FUNCTION": create_idle_function(client),
            # The naive handlers have no settings file, and one secret.
            "SLACK_SECRET": _create_naive_secret(running),
            "SLACK_CHANNEL": CHANNEL,
            "SLACK_API_URL": slack_api_url,
        },
        settings={"slackApiUrl": slack_api_url},
        event_makers=event_makers(running),
    )


def _create_naive_secret(running: Sandbox) -> str:
    outputs = running.outputs
    names = (outputs.slack_signing_secret, outputs.slack_bot_token)
    value = {name: text for secret in names for name, text in running.secret(secret).items()}
    client = running.client("secretsmanager")
    secret: str = client.create_secret(Name="naive", SecretString=json.dumps(value))["ARN"]
    return secret


def _trust(certificate: Path, scratch: Path) -> dict[str, str]:
    """Return variables with which a function trusts the sandbox, besides the public authorities.

    On AWS it trusts these, and loading more than a hundred certificates takes a while.
    """
    bundle = scratch / "trusted.pem"
    bundle.write_text(_PUBLIC_AUTHORITIES.read_text() + certificate.read_text())
    return {"AWS_CA_BUNDLE": str(bundle), "SSL_CERT_FILE": str(bundle)}


def _port(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None  # noqa: S101 - on loopback every server has a port of its own
    return port
