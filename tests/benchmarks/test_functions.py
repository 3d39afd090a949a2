"""The functions are measured as they ship, and the naive handlers as they are."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from benchmarks import functions

NAIVE = Path(functions.__file__).parent / "naive"


class _Lambda:
    def list_functions(self) -> dict[str, Any]:
        remediator = {
            "Handler": "lambdas.remediator.handler.lambda_handler",
            "MemorySize": 1_024,
            "Environment": {"Variables": {"LEDGER_TABLE": "ledger"}},
        }
        return {"Functions": [{"Handler": "index.handler"}, remediator]}


def _synthesise(folder: Path, assets: dict[str, str]) -> None:
    files = {name: {"source": {"path": f"asset.{name}"}} for name in assets}
    (folder / "Stack.assets.json").write_text(json.dumps({"files": files}))
    for name, content in assets.items():
        (folder / f"asset.{name}" / content).mkdir(parents=True)


@pytest.mark.parametrize("has_layer", [True, False])
def test_a_function_runs_from_its_asset_and_its_layers(tmp_path: Path, *, has_layer: bool) -> None:
    layer = {"1": "python/boto3"} if has_layer else {}
    _synthesise(tmp_path, {**layer, "2": "lambdas/remediator", "3": "lambdas/finding_handler"})
    function = _deployed(tmp_path)
    assert (function.name, function.memory_mb) == ("remediator", 1_024)
    folders = ["asset.2", "asset.1/python"] if has_layer else ["asset.2"]
    assert function.ours.path == [str(tmp_path / folder) for folder in folders]
    assert function.ours.module == "lambdas.remediator.handler"
    assert function.naive.path[0] == str(tmp_path)
    assert function.naive.environment == function.ours.environment
    assert function.ours.environment["LEDGER_TABLE"] == "ledger"
    assert function.ours.environment["AWS_LAMBDA_INITIALIZATION_TYPE"] == "on-demand"


def test_a_setting_differs_from_the_packaged_one_only_where_it_has_to(tmp_path: Path) -> None:
    _synthesise(tmp_path, {"2": "lambdas/remediator"})
    assert "SETTINGS_FILE" not in _deployed(tmp_path).ours.environment
    packaged = {"slackApiUrl": "http://slack", "mode": "LIVE"}
    (tmp_path / "asset.2" / "settings.json").write_text(json.dumps(packaged))
    settings = Path(_deployed(tmp_path).ours.environment["SETTINGS_FILE"])
    assert json.loads(settings.read_text()) == {"slackApiUrl": "https://slack", "mode": "LIVE"}


def _deployed(folder: Path) -> functions.Function:
    shutil.rmtree(folder / "benchmarks", ignore_errors=True)
    (function,) = functions.deployed_functions(
        _Lambda(),
        assets=folder,
        scratch=folder,
        environment={"AWS_REGION": "us-east-1"},
        settings={"slackApiUrl": "https://slack", "unknown": 1},
        event_makers={"remediator": dict},
    )
    return function


def test_the_naive_handlers_are_copied_unchanged_and_get_bytecode(tmp_path: Path) -> None:
    functions.copy_naive_handlers(tmp_path)
    copies = tmp_path / "benchmarks" / "naive"
    for source in NAIVE.glob("*.py"):
        assert (copies / source.name).read_bytes() == source.read_bytes()
        assert list((copies / "__pycache__").glob(f"{source.stem}.*.pyc"))


def test_the_size_is_that_of_the_zip_file(tmp_path: Path) -> None:
    (tmp_path / "zeros").write_bytes(bytes(1_000_000))
    assert functions.zipped_mb(tmp_path, tmp_path) < 0.01
    assert functions.zipped_mb() == 0
