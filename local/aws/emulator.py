"""ministack, the AWS of the sandbox: a process of ours on loopback, with its state in a folder."""

import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from urllib.error import URLError

import psutil
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ACCOUNT = "000000000000"
REGION = "us-east-1"

_START_SECONDS = 60
_STOP_SECONDS = 5


@dataclass(frozen=True, kw_only=True)
class Emulator:
    """ministack's process-to-be.

    Attributes:
        folder: where its state, its log and its certificate are.
        port: of loopback.
    """

    folder: Path
    port: int

    @classmethod
    def in_folder(cls, folder: Path) -> "Emulator":
        """Prepare one in a new `folder`, on a port that is free now."""
        folder.mkdir(parents=True)
        _make_certificate(folder)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return cls(folder=folder, port=probe.getsockname()[1])

    def start(self, *, enforcing: bool) -> "RunningEmulator":
        """Start it: open to everything, to deploy into; or enforcing IAM.

        Publishing assets works only without enforcing. TLS is on both times: bucket policies demand
        it, and the queues' URLs, by which ministack knows them, begin with the scheme.

        Raises:
            TimeoutError: it did not answer within a minute; its log says why.
        """
        running = RunningEmulator(
            emulator=self,
            endpoint=f"https://127.0.0.1:{self.port}",
            process=self._spawn(enforcing=enforcing),
        )
        (self.folder / "pids").write_text(f"{os.getpid()} {running.process.pid}")
        running.wait()
        return running

    def _spawn(self, *, enforcing: bool) -> "subprocess.Popen[bytes]":
        state = {"STATE_DIR": "state", "S3_DATA_DIR": "objects"}
        for name in state.values():
            (self.folder / name).mkdir(exist_ok=True)
        certificate = str(self.folder / "certificate.pem")
        environment = {
            **os.environ,
            **{name: str(self.folder / path) for name, path in state.items()},
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": "127.0.0.1",
            "PERSIST_STATE": "1",
            "S3_PERSIST": "1",
            "MINISTACK_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "LAMBDA_EXECUTOR": "local",
            "AUTH": str(enforcing).lower(),
            "USE_SSL": "1",
            "MINISTACK_SSL_CERT": certificate,
            "MINISTACK_SSL_KEY": str(self.folder / "key.pem"),
            "AWS_CA_BUNDLE": certificate,
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
        }
        # The functions must meet the sandbox's AWS, whatever the user's shell says.
        for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN", "PYTHONPATH"):
            environment.pop(name, None)
        ministack = Path(sys.executable).with_name("ministack")
        with (self.folder / "ministack.log").open("ab") as log:
            return subprocess.Popen(
                [ministack], env=environment, cwd=self.folder, stdout=log, stderr=log
            )


@dataclass(frozen=True, kw_only=True)
class RunningEmulator:
    """ministack while it runs, at `endpoint`."""

    emulator: Emulator
    endpoint: str
    process: "subprocess.Popen[bytes]"

    @property
    def environment(self) -> dict[str, str]:
        """What the environment of a client of it, an AWS SDK or the CDK CLI, must say."""
        certificate = str(self.emulator.folder / "certificate.pem")
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CA_BUNDLE": certificate,
            "NODE_EXTRA_CA_CERTS": certificate,
        }

    def wait(self) -> None:
        """Wait until it answers; end it if it does not.

        Raises:
            TimeoutError: it does not.
        """
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def _wait(self) -> None:
        folder = self.emulator.folder
        trust = ssl.create_default_context(cafile=folder / "certificate.pem")
        deadline = time.monotonic() + _START_SECONDS
        while not _answers(f"{self.endpoint}/_ministack/health", trust):
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise TimeoutError(f"ministack does not answer, see {folder}/ministack.log")
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop it, so that its state is saved."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        (self.emulator.folder / "pids").unlink(missing_ok=True)


def _answers(url: str, trust: ssl.SSLContext) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2, context=trust):  # noqa: S310 - ours
            return True
    except (URLError, ConnectionError, TimeoutError):
        return False


def end_leftover(folder: Path) -> bool:
    """End the ministack of a sandbox that was killed; answer whether nobody needs `folder` now."""
    file = folder / "pids"
    if not file.exists():
        return True
    owner, emulator = map(int, file.read_text().split())
    if psutil.pid_exists(owner):
        return False
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        process = psutil.Process(emulator)
        # By now the number may be another process's.
        if process.environ().get("STATE_DIR") == str(folder / "state"):
            process.terminate()
    file.unlink()
    return True


def _make_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "the sandbox")])
    names = [x509.DNSName("localhost"), x509.IPAddress(IPv4Address("127.0.0.1"))]
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, unencrypted = serialization.Encoding.PEM, serialization.NoEncryption()
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, unencrypted)
    )
