"""What ships: each asset imports its handler from itself alone, and holds no other handler."""

import importlib.util
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.stacks import synthesis

UNCHECKED_HASH = 1
_PACKAGES = ("finding_handler", "remediation_handler", "remediator")


@pytest.fixture(scope="module")
def assets(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The folders that are zipped and deployed, by handler package."""
    app = synthesis.app(outdir=tmp_path_factory.mktemp("cdk.out"), with_assets=True)
    synthesis.stack(app)
    folder = Path(app.synth().directory)
    return {_package(path): path for path in folder.glob("asset.*") if path.is_dir()}


def _package(asset: Path) -> str:
    (package,) = {path.name for path in (asset / "lambdas").iterdir()} & set(_PACKAGES)
    return package


def _import_from(asset: Path, module: str) -> "subprocess.CompletedProcess[str]":
    # -I and -S leave out this folder and what is installed: only the standard library is beside it.
    script = f"import sys; sys.path.insert(0, {str(asset)!r}); import {module}"
    command = [sys.executable, "-I", "-S", "-B", "-c", script]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("package", _PACKAGES)
def test_a_handler_needs_nothing_but_its_asset(assets: Mapping[str, Path], package: str) -> None:
    """Nor does importing it need an environment, a Region or credentials."""
    imported = _import_from(assets[package], f"lambdas.{package}.handler")

    assert imported.returncode == 0, imported.stderr


@pytest.mark.parametrize("package", _PACKAGES)
def test_a_handler_cannot_import_another(assets: Mapping[str, Path], package: str) -> None:
    """So none can come to depend on another by accident."""
    for other in set(_PACKAGES) - {package}:
        assert "ModuleNotFoundError" in _import_from(assets[package], f"lambdas.{other}").stderr


def test_nothing_ships_that_is_of_this_machine(assets: Mapping[str, Path]) -> None:
    """No scripts with a path in them, no hashes of those, and no path in the bytecode."""
    for asset in assets.values():
        assert not [*asset.glob("bin"), *asset.rglob("RECORD")]
        for compiled in asset.rglob("*.pyc"):
            assert str(synthesis.ROOT).encode() not in compiled.read_bytes()


def test_every_module_ships_with_bytecode_that_does_not_hang_on_file_times(
    assets: Mapping[str, Path],
) -> None:
    """A function has nowhere to keep it, and a zip changes the times; PEP 552 tells the flags."""
    for asset in assets.values():
        for module in asset.rglob("*.py"):
            compiled = Path(importlib.util.cache_from_source(str(module)))
            flags = int.from_bytes(compiled.read_bytes()[4:8], "little")
            assert flags == UNCHECKED_HASH, module


@pytest.mark.parametrize("package", _PACKAGES)
def test_no_function_ships_with_an_sdk(assets: Mapping[str, Path], package: str) -> None:
    """Nor takes the one that Lambda's runtime has, whose version nobody pins."""
    script = f"lambdas.{package}.handler; assert not {{'boto3', 'botocore'}} & set(sys.modules)"
    imported = _import_from(assets[package], script)

    assert imported.returncode == 0, imported.stderr
    assert not [*assets[package].glob("boto*")]


def test_an_asset_is_small_enough_to_start_fast(assets: Mapping[str, Path]) -> None:
    """Botocore alone would be 33 MB, most of it services that are never called."""
    for asset in assets.values():
        assert sum(path.stat().st_size for path in asset.rglob("*") if path.is_file()) < 3e6
