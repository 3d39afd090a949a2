"""What the wheels bring and no function uses: left out, for a function that starts reads the rest.

A test makes every call of ours with what is left.
"""

import gzip
import json
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

# The operations that are called through botocore. HeadBucket is its own, to find a bucket's region.
_OPERATIONS = {
    "macie2": {"GetFindings", "ListFindings"},
    "s3": {
        "AbortMultipartUpload",
        "CompleteMultipartUpload",
        "CopyObject",
        "CreateMultipartUpload",
        "DeleteObject",
        "GetBucketVersioning",
        "GetObjectAcl",
        "GetObjectAnnotation",
        "GetObjectTagging",
        "HeadBucket",
        "HeadObject",
        "ListMultipartUploads",
        "ListObjectAnnotations",
        "ListObjectVersions",
        "ListParts",
        "PutObjectAnnotation",
        "UploadPartCopy",
    },
}

# Of these packages' folders those that are imported; the others are for clients and frameworks.
_IMPORTED = {
    "aws_lambda_powertools": {
        *("exceptions", "logging", "metrics", "shared", "tracing", "utilities", "warnings"),
    },
    "aws_lambda_powertools/utilities": {"jmespath_utils"},
    "slack_sdk": {"errors", "models", "signature"},
}

# botocore writes its documentation lazily, and importing what could write it takes 30 ms.
_NO_DOCUMENTATION = '''"""Documentation is not written in a function."""


class _Nothing(str):
    def __new__(cls, *_, **__):
        return super().__new__(cls)


ClientMethodDocstring = PaginatorDocstring = WaiterDocstring = _Nothing
'''


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
    _trim_botocore(installed / "botocore")


def _trim_botocore(botocore: Path) -> None:
    (botocore / "docs" / "docstring.py").write_text(_NO_DOCUMENTATION)
    _keep_folders(botocore / "data", _OPERATIONS)
    for service, operations in _OPERATIONS.items():
        for model in (botocore / "data" / service).glob("*/service-2.json.gz"):
            _trim_model(model, operations)
        for examples in (botocore / "data" / service).glob("*/examples-1.json"):
            examples.unlink()
    _trim_endpoints(botocore / "data" / "endpoints.json")


def _keep_folders(parent: Path, names: Collection[str]) -> None:
    for folder in parent.iterdir():
        if folder.is_dir() and folder.name not in names:
            shutil.rmtree(folder)


def _trim_model(path: Path, operations: set[str]) -> None:
    """Keep of a service's model these operations, and the shapes that they speak of."""
    model = json.loads(gzip.decompress(path.read_bytes()))
    kept = {name: model["operations"][name] for name in operations}
    shapes: dict[str, Any] = {}
    wanted = [*_named(kept)]
    while wanted:
        name = wanted.pop()
        if name not in shapes:
            shapes[name] = model["shapes"][name]
            wanted += _named(shapes[name])
    smaller = {**model, "operations": kept, "shapes": shapes}
    path.with_suffix("").write_text(json.dumps(smaller))
    path.unlink()


def _named(value: Any) -> Iterator[str]:
    """Name the shapes that a part of a model refers to."""
    match value:
        case dict():
            for name, each in value.items():
                if name == "shape" and isinstance(each, str):
                    yield each
                else:
                    yield from _named(each)
        case list():
            for each in value:
                yield from _named(each)
        case _:
            return


def _trim_endpoints(path: Path) -> None:
    known = json.loads(path.read_text())
    for partition in known["partitions"]:
        services = partition["services"]
        partition["services"] = {name: services[name] for name in _OPERATIONS if name in services}
    path.write_text(json.dumps(known))
