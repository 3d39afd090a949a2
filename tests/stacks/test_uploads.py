"""The uploads: they run alone, for any user, and are the same on every machine."""

import dataclasses
import hashlib
import importlib
import importlib.util
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from pydantic.alias_generators import to_camel

from stacks.packaging import SERVICES
from tests.stacks.synthesis import CHATOPS, PACKAGES, ROOT
from tests.stacks.test_functions import RESOURCES
from tests.stacks.uploads import LAYER, Assets, build, copy_checkout, files, pack, run, unpack

_UNCHECKED_HASH = 1


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the assets are made of."""
    return copy_checkout(ROOT, tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="module")
def assets(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Assets:
    """The folders that the CDK CLI uploads, built under a umask that lets nobody else read."""
    return build(checkout, tmp_path_factory.mktemp("cdk.out"), umask=0o077)


@pytest.fixture(scope="module")
def unpacked(assets: Assets, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assets]:
    """The uploads unpacked, for a user who owns nothing, in a folder that everybody may enter."""
    archives = tmp_path_factory.mktemp("uploads")
    with tempfile.TemporaryDirectory() as temporary:
        folders = {name: Path(temporary) / name for name in assets}
        Path(temporary).chmod(0o755)
        for name, asset in assets.items():
            unpack(pack(asset, archives / name), folders[name])
        yield folders


@pytest.mark.parametrize("name", [LAYER, *PACKAGES])
def test_every_user_may_read_an_asset_whatever_the_umask_was(assets: Assets, name: str) -> None:
    """The CDK CLI uploads the modes as they are, and a function runs as another user."""
    paths = [assets[name], *assets[name].rglob("*")]
    modes = {(path.is_dir(), path.stat().st_mode & 0o7777) for path in paths}

    assert modes == {(True, 0o755), (False, 0o644)}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_handler_needs_only_its_asset_and_the_layer(unpacked: Assets, package: str) -> None:
    """Its import needs no environment, no Region and no credentials either."""
    imported = run(unpacked, package, f"import lambdas.{package}.handler")

    assert imported.returncode == 0, imported.stderr


@pytest.mark.parametrize("package", PACKAGES)
def test_a_function_initializes_with_its_variables_and_the_settings_in_its_asset(
    unpacked: Assets, package: str
) -> None:
    """It creates its clients, with the libraries of the layer."""
    resources = importlib.import_module(RESOURCES[package]).Resources
    script = f"""
import lambdas.{package}.handler, lambdas.{package}.services
lambdas.{package}.services.services()
print(*(sys.modules[name].__file__ for name in ("boto3", "botocore", "slack_sdk")), sep="\\n")
"""

    initialized = run(
        unpacked,
        package,
        script,
        **{field.name.upper(): "created" for field in dataclasses.fields(resources)},
        AWS_LAMBDA_INITIALIZATION_TYPE="on-demand",
        AWS_DEFAULT_REGION="eu-west-1",
        AWS_ACCESS_KEY_ID="testing",
        AWS_SECRET_ACCESS_KEY="testing",
        POWERTOOLS_METRICS_NAMESPACE="MacieChatOps",
        POWERTOOLS_SERVICE_NAME=package,
    )

    assert initialized.returncode == 0, initialized.stderr
    for library in initialized.stdout.splitlines():
        assert library.startswith(str(unpacked[LAYER]))


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_the_layer_can_create_the_client_of_a_service(unpacked: Assets, service: str) -> None:
    """Its description is among those that were kept, as are the files that all services share."""
    session = "boto3.Session('a', 'b', region_name='eu-west-1')"
    script = f"import boto3; {session}.client({service!r}); {session}.resource('dynamodb')"

    created = run(unpacked, "remediator", script)

    assert created.returncode == 0, created.stderr


@pytest.mark.parametrize("package", PACKAGES)
def test_a_function_has_no_other_handler(assets: Assets, package: str) -> None:
    """No handler can depend on another by accident."""
    folders = {path.name for path in (assets[package] / "lambdas").iterdir() if path.is_dir()}

    assert folders - {"__pycache__"} == {"common", package}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_function_gets_the_settings_that_it_reads(assets: Assets, package: str) -> None:
    """None is missing, misspelt or unused, and the values are the deployer's."""
    settings = json.loads((assets[package] / "settings.json").read_text())
    fields = dataclasses.fields(importlib.import_module(RESOURCES[package]).Settings)

    assert set(settings) == {to_camel(field.name) for field in fields}
    assert all(settings[name] == CHATOPS[name] for name in settings.keys() & CHATOPS.keys())


def test_an_asset_is_the_same_on_every_machine(
    checkout: Path, assets: Assets, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Another folder and another umask change neither its name nor a byte of it."""
    elsewhere = copy_checkout(checkout, tmp_path_factory.mktemp("another folder"))
    rebuilt = build(elsewhere, tmp_path_factory.mktemp("another.out"), umask=0o022)

    for name in (LAYER, *PACKAGES):
        assert rebuilt[name].name == assets[name].name
        assert _digests(rebuilt[name]) == _digests(assets[name])


def _digests(asset: Path) -> dict[str, str]:
    return {
        str(path.relative_to(asset)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files(asset)
    }


@pytest.mark.parametrize("name", [LAYER, *PACKAGES])
def test_every_module_has_bytecode_that_is_valid_whatever_the_times_of_files_are(
    assets: Assets, name: str
) -> None:
    """A function has nowhere to write its own, and a zip changes the times.

    Source: https://peps.python.org/pep-0552/
    """
    for module in assets[name].rglob("*.py"):
        bytecode = Path(importlib.util.cache_from_source(str(module))).read_bytes()
        assert bytecode[:4] == importlib.util.MAGIC_NUMBER
        assert int.from_bytes(bytecode[4:8], "little") == _UNCHECKED_HASH
        assert str(assets[name].parent).encode() not in bytecode


def test_the_libraries_ship_as_they_are(assets: Assets) -> None:
    """Nothing third-party is edited. Only whole services of botocore are left out."""
    layer, installed = assets[LAYER] / "python", Path(boto3.__file__).parents[1]
    paths = [path.relative_to(layer) for path in files(layer) if path.suffix != ".pyc"]
    code = [path for path in paths if not path.parts[0].endswith(".dist-info")]

    assert len(code) > 500
    for path in code:
        assert (layer / path).read_bytes() == (installed / path).read_bytes(), path


def test_the_layer_has_nothing_of_the_machine_that_built_it(assets: Assets) -> None:
    """Console scripts name its Python, and RECORD has their hashes."""
    layer = assets[LAYER] / "python"

    assert not (layer / "bin").exists()
    assert not [*layer.rglob("RECORD"), *layer.rglob("direct_url.json")]


def test_every_library_is_pure_python(assets: Assets) -> None:
    """The functions run on arm64, the sandbox on any machine."""
    wheels = [path.read_text() for path in (assets[LAYER] / "python").glob("*.dist-info/WHEEL")]

    assert wheels
    assert all("-none-any" in wheel for wheel in wheels)


def test_a_change_of_our_code_uploads_kilobytes(assets: Assets, tmp_path: Path) -> None:
    """The layer, which has the megabytes, changes with the libraries only."""
    sizes = {name: pack(asset, tmp_path / name).stat().st_size for name, asset in assets.items()}

    assert all(sizes[name] < 300_000 for name in PACKAGES)
    assert sizes[LAYER] < 8_000_000
