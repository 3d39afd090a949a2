"""A handler package's asset, made without Docker: pinned wheels, `lambdas/common`, the package."""

import compileall
import hashlib
import py_compile
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import cast

import jsii
from aws_cdk import BundlingOptions, DockerImage, ILocalBundling
from aws_cdk.aws_lambda import AssetCode, Code

from stacks import trimming
from stacks.trimming import trim

_ROOT = Path(__file__).parent.parent
_SOURCE = _ROOT / "lambdas"
_CACHE = _ROOT / ".cache" / "wheels"
_OURS = (Path(__file__), Path(trimming.__file__))
_PYTHON = sys.implementation.cache_tag
_PACKAGES = ("finding_handler", "remediation_handler", "remediator")

# The flags name the runtime's platform: a dependency with compiled parts is the right one, or fails
# here, whatever machine builds.
_PIP_INSTALL = [
    *("install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-compile"),
    *("--platform", "manylinux2014_aarch64", "--python-version", "3.14"),
    *("--only-binary", ":all:", "--requirement", "requirements.txt"),
]


def handler_code(package: str) -> AssetCode:
    """Answer the asset that holds `lambdas.<package>` and all it imports, and no other handler.

    CDK hashes the source and these options, but not what a local bundler does: so pip's flags are
    the `command`, and this file's own hash is among the options.
    """
    others = [name for name in _PACKAGES if name != package]
    return Code.from_asset(
        str(_SOURCE),
        exclude=["**/__pycache__", *others],
        bundling=BundlingOptions(
            image=DockerImage.from_registry("none"),
            command=_PIP_INSTALL,
            environment={"BUNDLER": _digest(*_OURS), "BYTECODE": str(_PYTHON)},
            # The stub leaves out what @jsii.implements adds.
            local=cast("ILocalBundling", _HandlerBundling(package)),
        ),
    )


@jsii.implements(ILocalBundling)
class _HandlerBundling:
    def __init__(self, package: str) -> None:
        self._package = package

    def try_bundle(self, output_dir: str, options: BundlingOptions) -> bool:
        """Fill `output_dir`; a failure is raised, for there is no Docker to fall back on."""
        output = Path(output_dir)
        shutil.copytree(_wheels(options.command or []), output, dirs_exist_ok=True)
        for name in ("common", self._package):
            shutil.copytree(
                _SOURCE / name,
                output / "lambdas" / name,
                ignore=shutil.ignore_patterns("__pycache__"),
            )
        shutil.copy(_SOURCE / "__init__.py", output / "lambdas")
        _compile(output / "lambdas")
        return True


def _wheels(pip_install: list[str]) -> Path:
    """Answer a folder of the installed requirements, the same one for the three functions."""
    digest = _digest(_SOURCE / "requirements.txt", *_OURS)
    wheels = _CACHE / f"{digest}-{_PYTHON}"
    if not wheels.exists():
        _CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_CACHE) as folder:
            installed = Path(folder) / "installed"
            _install(pip_install, installed)
            trim(installed)
            _compile(installed)
            _keep(installed, wheels)
    return wheels


def _install(pip_install: list[str], target: Path) -> None:
    pip = [sys.executable, "-m", "pip", *pip_install, "--target", str(target)]
    # pip's words go to standard error, as CDK's do.
    subprocess.run(pip, cwd=_SOURCE, check=True, stdout=sys.stderr)


def _compile(folder: Path) -> None:
    """Add bytecode, for a function can not keep its own; only the runtime's Python uses it.

    Its validity does not hang on file times, which CDK makes alike in what it zips.
    Source: https://peps.python.org/pep-0552/
    """
    compileall.compile_dir(
        folder,
        quiet=1,
        stripdir=str(folder),
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )


def _keep(installed: Path, wheels: Path) -> None:
    try:
        installed.rename(wheels)
    except OSError:
        if not wheels.exists():  # else another synthesis was faster
            raise


def _digest(*files: Path) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
