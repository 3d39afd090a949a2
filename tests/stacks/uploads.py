"""What is uploaded: assets built as the CDK CLI has them built, zipped, unpacked and run alone."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from tests.stacks import synthesis
from tests.stacks.synthesis import CHATOPS, PACKAGES

LAYER = "dependencies"

Assets = Mapping[str, Path]
"""The folder of each package, and of the layer."""

_NOBODY = 65534


def copy_checkout(checkout: Path, folder: Path) -> Path:
    """Copy what an asset is made of into `folder`."""
    for name in ("stacks", "lambdas"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(checkout / name, folder / name, ignore=ignore)
    shutil.copy(checkout / "app.py", folder)
    return folder


def build(checkout: Path, outdir: Path, *, umask: int) -> Assets:
    """Build the assets in `outdir`: run the app as the CDK CLI does, under this umask."""
    context = {**synthesis.shipped_context(), "chatops": CHATOPS}
    subprocess.run(
        [sys.executable, "app.py"],
        cwd=checkout,
        env={**os.environ, "CDK_OUTDIR": str(outdir), "CDK_CONTEXT_JSON": json.dumps(context)},
        umask=umask,
        check=True,
    )
    return {_asset_name(path): path for path in outdir.glob("asset.*")}


def _asset_name(asset: Path) -> str:
    if (asset / "python").exists():
        return LAYER
    (package,) = {path.name for path in (asset / "lambdas").iterdir()} & set(PACKAGES)
    return package


def files(folder: Path) -> list[Path]:
    """Return all files in `folder`, sorted."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def pack(asset: Path, archive: Path) -> Path:
    """Zip a folder as the CDK CLI does: only the files, with the modes that they have."""
    with ZipFile(archive, "w", ZIP_DEFLATED) as target:
        for path in files(asset):
            target.write(path, path.relative_to(asset))
    return archive


def unpack(archive: Path, folder: Path) -> None:
    """Unpack with everybody's permissions for the owner too: the test may be the owner.

    Lambda creates the folders, which the archive does not have.
    """
    with ZipFile(archive) as source:
        for info in source.infolist():
            path = Path(source.extract(info, folder))
            path.chmod(0o111 * (info.external_attr >> 16 & 0o7))
    for path in (folder, *folder.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)


def run(
    unpacked: Assets, package: str, script: str, **environment: str
) -> "subprocess.CompletedProcess[str]":
    """Run `script` as nobody, with nothing but the function, the layer and Python itself."""
    paths = [str(unpacked[package]), str(unpacked[LAYER] / "python")]
    return _run_as_nobody(
        f"import sys; sys.path[:0] = {paths}\n{script}", unpacked[package], environment
    )


def _run_as_nobody(
    script: str, folder: Path, environment: Mapping[str, str]
) -> "subprocess.CompletedProcess[str]":
    nobody = _NOBODY if os.geteuid() == 0 else None
    for python in _pythons():
        try:
            return subprocess.run(
                [python, "-I", "-S", "-B", "-c", script],
                cwd=folder,
                env=environment,
                user=nobody,
                group=nobody,
                extra_groups=None if nobody is None else [],
                capture_output=True,
                text=True,
                check=False,
            )
        except PermissionError:
            continue  # such as pyenv's Python, in the home folder of root
    pytest.skip("there is no Python of this version that another user may run")


def _pythons() -> list[str]:
    path = f"/usr/local/bin{os.pathsep}{os.defpath}"
    system = shutil.which(f"python3.{sys.version_info[1]}", path=path)
    return [str(Path(sys.executable).resolve()), *([system] if system else [])]
