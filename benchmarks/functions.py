"""The functions that are measured: each as it ships, and a naive handler that does the same job."""

import compileall
import io
import json
import os
import py_compile
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.runs import Program

_BENCHMARKS = Path(__file__).parent
_BYTES_IN_MB = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A deployed function.

    Attributes:
        name: of its package below `lambdas`.
        memory_mb: as deployed.
        asset: the folder that ships as its code.
        layers: the folders that ship as its layers.
        ours: its handler, from these folders alone.
        naive: the naive handler, from what is installed.
        make_event: makes an event that no handler has handled yet.
    """

    name: str
    memory_mb: int
    asset: Path
    layers: Sequence[Path]
    ours: Program
    naive: Program
    make_event: Callable[[], Any]


def deployed_functions(
    client: Any,
    *,
    assets: Path,
    scratch: Path,
    environment: Mapping[str, str],
    settings: Mapping[str, Any],
    event_makers: Mapping[str, Callable[[], Any]],
) -> list[Function]:
    """Return the stack's functions, by name.

    Args:
        client: a Lambda client.
        assets: the folder of the synthesised stack, cdk.out.
        scratch: an empty folder for what the benchmark needs besides.
        environment: variables that every function gets besides its own.
        settings: settings that differ from those in a function's asset.
        event_makers: by the functions' names.
    """
    copy_naive_handlers(scratch)
    folders = list(_asset_folders(assets))
    layers = [folder for folder in folders if (folder / "python").is_dir()]
    installed = [folder for folder in sys.path if folder.endswith("site-packages")]
    found = []
    for configuration in client.list_functions()["Functions"]:
        package, _, name = configuration["Handler"].partition(".handler.")[0].partition(".")
        if package != "lambdas":
            continue
        asset = next(folder for folder in folders if (folder / "lambdas" / name).is_dir())
        variables = {
            **configuration["Environment"]["Variables"],
            **environment,
            **_change_settings(asset, settings, scratch / f"{name}.json"),
            # As Lambda sets it: a handler may make its clients during init.
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "PATH": os.environ["PATH"],
        }
        ours = [asset, *(layer / "python" for layer in layers)]
        found.append(
            Function(
                name=name,
                memory_mb=configuration["MemorySize"],
                asset=asset,
                layers=layers,
                ours=_program(f"lambdas.{name}.handler", ours, variables),
                naive=_program(f"benchmarks.naive.{name}", [scratch, *installed], variables),
                make_event=event_makers[name],
            )
        )
    return sorted(found, key=lambda function: function.name)


def _change_settings(asset: Path, changes: Mapping[str, Any], target: Path) -> dict[str, str]:
    """Write the settings that are in the asset to `target`, with changes; return its variable."""
    packaged = asset / "settings.json"
    if not packaged.exists():
        return {}
    settings = json.loads(packaged.read_text())
    target.write_text(
        json.dumps(settings | {name: changes[name] for name in changes if name in settings})
    )
    return {"SETTINGS_FILE": str(target)}


def _program(module: str, path: Iterable[Path | str], variables: Mapping[str, str]) -> Program:
    return Program(module=module, path=[*map(str, path)], environment=variables)


def _asset_folders(assets: Path) -> Iterator[Path]:
    for manifest in assets.glob("*.assets.json"):
        for file in json.loads(manifest.read_text())["files"].values():
            folder = assets / file["source"]["path"]
            if folder.is_dir():
                yield folder


def copy_naive_handlers(target: Path) -> None:
    """Copy the naive handlers to `target`, with bytecode, as the functions have it."""
    shutil.copytree(
        _BENCHMARKS / "naive",
        target / "benchmarks" / "naive",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    shutil.copy(_BENCHMARKS / "__init__.py", target / "benchmarks")
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(target, quiet=1, invalidation_mode=mode)


def create_idle_function(client: Any) -> str:
    """Create a function that does nothing; return its name.

    A measured click invokes it and not the remediator, whose work would take time from the click:
    on AWS it runs on another machine.
    """
    deployed = client.list_functions()["Functions"][0]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("idle.py", "def handler(event, context): pass")
    name: str = client.create_function(
        FunctionName="idle",
        Runtime=deployed["Runtime"],
        Handler="idle.handler",
        Role=deployed["Role"],
        Code={"ZipFile": packed.getvalue()},
    )["FunctionName"]
    return name


def zipped_mb(*folders: Path) -> float:
    """Return how large the folders are once zipped, in MB."""
    return sum(map(_zipped_bytes, folders)) / _BYTES_IN_MB


def _zipped_bytes(folder: Path) -> int:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in folder.rglob("*"):
            archive.write(path, path.relative_to(folder))
    return len(packed.getvalue())
