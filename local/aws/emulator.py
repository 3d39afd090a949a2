"""ministack, the AWS of the sandbox: our own process on loopback, with its state in a folder."""

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
    """ministack, not yet running.

    Attributes:
        folder: holds its state, its log and its certificate.
        port: on loopback.
    """

    folder: Path
    port: int

    @classmethod
    def create(cls, folder: Path) -> "Emulator":
        """Create a new `folder` with a certificate, and choose a port that is free now."""
        folder.mkdir(parents=True)
        _create_certificate(folder)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return cls(folder=folder, port=probe.getsockname()[1])

    def start(self, *, enforcing: bool) -> "RunningEmulator":
        """Start ministack, with IAM enforced or not.

        Publishing assets works only without IAM. TLS is always on: bucket policies require it, and
        ministack knows each queue by its URL, which includes the scheme.

        Raises:
            TimeoutError: it was not ready within a minute; its log has the reason.
        """
        running = RunningEmulator(
            folder=self.folder,
            endpoint=f"https://127.0.0.1:{self.port}",
            process=self._spawn(enforcing=enforcing),
        )
        (self.folder / "pids").write_text(f"{os.getpid()} {running.process.pid}")
        running.wait_until_ready()
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
            # Lambda sets it: functions create their clients while they are initialized.
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AUTH": str(enforcing).lower(),
            "USE_SSL": "1",
            "MINISTACK_SSL_CERT": certificate,
            "MINISTACK_SSL_KEY": str(self.folder / "key.pem"),
            "AWS_CA_BUNDLE": certificate,
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
        }
        # The functions must use the sandbox's AWS, whatever the user's shell is set to.
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

    folder: Path
    endpoint: str
    process: "subprocess.Popen[bytes]"

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that its clients need: AWS SDKs and the CDK CLI."""
        certificate = str(self.folder / "certificate.pem")
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CA_BUNDLE": certificate,
            "NODE_EXTRA_CA_CERTS": certificate,
        }

    def wait_until_ready(self) -> None:
        """Wait until it is ready; stop it if it does not get ready.

        Raises:
            TimeoutError: it did not get ready.
        """
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def _wait(self) -> None:
        trust = ssl.create_default_context(cafile=self.folder / "certificate.pem")
        deadline = time.monotonic() + _START_SECONDS
        while not _is_ready(f"{self.endpoint}/_ministack/health", trust):
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise TimeoutError(f"ministack is not ready, see {self.folder}/ministack.log")
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop it, so that its state is saved."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        (self.folder / "pids").unlink(missing_ok=True)


def _is_ready(url: str, trust: ssl.SSLContext) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2, context=trust):  # noqa: S310 - ours
            return True
    except (URLError, ConnectionError, TimeoutError):
        return False


def stop_abandoned(folder: Path) -> bool:
    """Stop the ministack of a sandbox that was killed.

    Returns:
        Whether `folder` is not in use: False while its sandbox still runs.
    """
    file = folder / "pids"
    if not file.exists():
        return True
    owner, emulator = map(int, file.read_text().split())
    if psutil.pid_exists(owner):
        return False
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        process = psutil.Process(emulator)
        # Another process may have this number by now.
        if process.environ().get("STATE_DIR") == str(folder / "state"):
            process.terminate()
    file.unlink()
    return True


def _create_certificate(folder: Path) -> None:
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
