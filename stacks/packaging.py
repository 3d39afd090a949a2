"""The assets that are uploaded, built without Docker: one dependency layer, one asset a function.

The functions share the layer, so a change of our own code uploads some 200 KB and not the SDKs.
An asset is the same on every machine, whatever its umask and its folder.
"""

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

import jsii
from aws_cdk import BundlingOptions, DockerImage, ILocalBundling
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

ARCHITECTURE = lambda_.Architecture.ARM_64

_ROOT = Path(__file__).parents[1]
_LAMBDAS = _ROOT / "lambdas"
_REQUIREMENTS = _LAMBDAS / "requirements.txt"

SERVICES = frozenset({"dynamodb", "lambda", "macie2", "s3", "secretsmanager", "sqs", "sts"})
"""The services that functions call. The layer has no other service's description by botocore."""

_Build = Callable[[Path], None]


class UnsupportedPythonError(Exception):
    """Lambda does not run the version of Python that deploys."""


def python_runtime() -> lambda_.Runtime:
    """Return the functions' runtime: the Python that deploys, so that its bytecode is valid.

    Raises:
        UnsupportedPythonError: Lambda does not run this version.
    """
    runtimes = {
        (3, 11): lambda_.Runtime.PYTHON_3_11,
        (3, 12): lambda_.Runtime.PYTHON_3_12,
        (3, 13): lambda_.Runtime.PYTHON_3_13,
        (3, 14): lambda_.Runtime.PYTHON_3_14,
    }
    if runtime := runtimes.get(sys.version_info[:2]):
        return runtime
    raise UnsupportedPythonError(
        "The functions run on the Python that deploys them: AWS Lambda runs 3.11, 3.12, 3.13 and"
        f" 3.14, but this is {_version()}. Create .venv with one of those."
    )


class DependencyLayer(lambda_.LayerVersion):
    """The libraries that lambdas/requirements.txt pins."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(
            scope,
            construct_id,
            description="boto3, Powertools and slack-sdk",
            code=_asset(_digest(_REQUIREMENTS.read_bytes()), _build_layer),
            compatible_runtimes=[python_runtime()],
            compatible_architectures=[ARCHITECTURE],
        )


def function_code(package: str, settings: Mapping[str, object]) -> lambda_.AssetCode:
    """Return the asset of the handler `lambdas.<package>`.

    It holds the package, `lambdas/common`, and `settings` as settings.json: no other handler and
    no dependency.
    """
    files = {"settings.json": json.dumps(settings, indent=2).encode(), **_modules(package)}
    digest = _digest(*(part for name in sorted(files) for part in (name.encode(), files[name])))
    return _asset(digest, lambda folder: _write(files, folder))


def _asset(digest: str, build: _Build) -> lambda_.AssetCode:
    return lambda_.Code.from_asset(
        str(_LAMBDAS),
        asset_hash=digest,
        bundling=BundlingOptions(
            image=DockerImage.from_registry("none"),
            # The stub leaves out what @jsii.implements adds.
            local=cast("ILocalBundling", _LocalBundling(build)),
        ),
    )


@jsii.implements(ILocalBundling)
class _LocalBundling:
    def __init__(self, build: _Build) -> None:
        self._build = build

    def try_bundle(self, output_dir: str, options: BundlingOptions) -> bool:  # noqa: ARG002 - CDK's
        """Fill `output_dir`. A failure raises, for there is no Docker to fall back on."""
        folder = Path(output_dir)
        self._build(folder)
        _compile(folder)
        _set_modes(folder)
        return True


def _build_layer(folder: Path) -> None:
    """Install the requirements where Lambda adds a layer to Python's path, before its own boto3.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/python-layers.html
    """
    packages = folder / "python"
    _run_python("pip", *pip_arguments(), "--target", str(packages))
    # Console scripts name the Python of this machine, and RECORD has their hashes.
    shutil.rmtree(packages / "bin", ignore_errors=True)
    for record in packages.glob("*.dist-info/RECORD"):
        record.unlink()
    for service in (packages / "botocore" / "data").iterdir():
        if service.is_dir() and service.name not in SERVICES:
            shutil.rmtree(service)


def pip_arguments() -> list[str]:
    """Return the arguments with which pip installs the requirements for the functions' platform.

    On every machine, a dependency with compiled parts is the right one or an error.
    """
    return [
        *("install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-compile"),
        *("--platform", "manylinux2014_aarch64", "--python-version", _version()),
        *("--only-binary", ":all:", "--requirement", str(_REQUIREMENTS)),
    ]


def _modules(package: str) -> dict[str, bytes]:
    folders = (_LAMBDAS / "common", _LAMBDAS / package)
    modules = [module for folder in folders for module in folder.rglob("*.py")]
    paths = [_LAMBDAS / "__init__.py", *modules]
    return {path.relative_to(_ROOT).as_posix(): path.read_bytes() for path in paths}


def _write(files: Mapping[str, bytes], folder: Path) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _compile(folder: Path) -> None:
    """Add bytecode, for a function has nowhere to write its own.

    It is valid whatever the files' times are, because a zip changes them. A new interpreter makes
    it: bytecode depends on which names its interpreter knows already.
    Source: https://peps.python.org/pep-0552/
    """
    options = ("-q", "-s", str(folder), "--invalidation-mode", "unchecked-hash")
    _run_python("compileall", *options, str(folder))


def _set_modes(folder: Path) -> None:
    """Let everybody read the files: the CDK CLI uploads modes as they are, umask included.

    A function runs as another user.
    Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-deploy-functions.html
    """
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _run_python(module: str, *arguments: str) -> None:
    # Standard output belongs to CDK.
    command = [sys.executable, "-I", "-m", module, *arguments]
    subprocess.run(command, check=True, stdout=sys.stderr)


def _version() -> str:
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


def _digest(*parts: bytes) -> str:
    """Return a hash of what makes an asset: its parts, this module, and the version of Python."""
    digest = hashlib.sha256()
    for part in (Path(__file__).read_bytes(), _version().encode(), *parts):
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()
