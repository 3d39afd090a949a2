"""What the wheels bring and no function uses: left out, for all that ships has to be trusted."""

import shutil
from collections.abc import Collection
from pathlib import Path

# Of these packages' folders those that are imported; the others are for clients and frameworks.
_IMPORTED = {
    "aws_lambda_powertools": {
        *("exceptions", "logging", "metrics", "shared", "tracing", "utilities", "warnings"),
    },
    "aws_lambda_powertools/utilities": {"jmespath_utils"},
    "slack_sdk": {"errors", "models", "signature"},
}


def trim(installed: Path) -> None:
    """Leave out of `installed`, a folder that pip filled, what no function uses."""
    # Console scripts name the builder's Python, and RECORD has their hashes: two machines' assets
    # would differ by what is of no use.
    shutil.rmtree(installed / "bin", ignore_errors=True)
    for record in installed.glob("*.dist-info/RECORD"):
        record.unlink()
    # Its __init__ imports every client it has, 60 ms; what is used is imported by its own name.
    (installed / "slack_sdk" / "__init__.py").write_text("")
    # The name that the SDK had once.
    shutil.rmtree(installed / "slack")
    for package, imported in _IMPORTED.items():
        _keep_folders(installed / package, imported)


def _keep_folders(parent: Path, names: Collection[str]) -> None:
    for folder in parent.iterdir():
        if folder.is_dir() and folder.name not in names:
            shutil.rmtree(folder)
