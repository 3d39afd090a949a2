"""Packaging: the Python that functions run, and what gives an asset another name."""

import json
import re
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from stacks.packaging import SERVICES, UnsupportedPythonError, pip_arguments, python_runtime
from tests.stacks import synthesis
from tests.stacks.synthesis import PACKAGES, ROOT
from tests.stacks.uploads import LAYER


def _asset_names(**changed: object) -> dict[str, str]:
    template = synthesis.template(**changed)
    (layer,) = template.find_resources("AWS::Lambda::LayerVersion").values()
    functions = {name: synthesis.function(template, name)["Code"] for name in PACKAGES}
    assets = {**functions, LAYER: layer["Properties"]["Content"]}
    return {name: asset["S3Key"] for name, asset in assets.items()}


def _deploy_with(monkeypatch: pytest.MonkeyPatch, *, minor: int) -> None:
    monkeypatch.setattr(sys, "version_info", (3, minor, 0, "final", 0))


@pytest.mark.parametrize("minor", [11, 12, 13, 14])
def test_the_functions_run_the_python_that_deploys(
    monkeypatch: pytest.MonkeyPatch, minor: int
) -> None:
    """Its bytecode is valid there, and pip chooses libraries for it."""
    _deploy_with(monkeypatch, minor=minor)
    template = synthesis.template()

    assert {synthesis.function(template, name)["Runtime"] for name in PACKAGES} == {
        f"python3.{minor}"
    }
    template.has_resource_properties(
        "AWS::Lambda::LayerVersion", {"CompatibleRuntimes": [f"python3.{minor}"]}
    )
    assert f"3.{minor}" in pip_arguments()


@pytest.mark.parametrize("minor", [10, 15])
def test_a_python_that_lambda_does_not_run_deploys_nothing(
    monkeypatch: pytest.MonkeyPatch, minor: int
) -> None:
    """One sentence names the versions that do."""
    _deploy_with(monkeypatch, minor=minor)

    with pytest.raises(UnsupportedPythonError, match=rf"this is 3\.{minor}\. Create \.venv"):
        python_runtime()


def test_every_python_names_its_assets_differently(monkeypatch: pytest.MonkeyPatch) -> None:
    """The assets of another version have bytecode that is not valid."""
    _deploy_with(monkeypatch, minor=13)
    before = _asset_names()
    _deploy_with(monkeypatch, minor=14)

    assert not {*before.values()} & {*_asset_names().values()}


@pytest.mark.parametrize(
    ("setting", "value", "changed"),
    [
        ("mode", "DRY_RUN", {"remediator"}),
        ("digestThreshold", 7, {"finding_handler"}),
        ("approvers", ["U1"], {"finding_handler", "remediation_handler"}),
        ("alarmEmail", None, set()),
    ],
)
def test_a_setting_renames_the_assets_of_the_functions_that_read_it(
    setting: str, value: object, changed: set[str]
) -> None:
    """CloudFormation does not update a function whose asset has the same name."""
    before, after = _asset_names(), _asset_names(**{setting: value})

    assert {name for name in before if before[name] != after[name]} == changed


def test_settings_may_be_longer_than_an_environment() -> None:
    """The variables of a function take 4 KB, its settings file as much as people write.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    """
    template = synthesis.template(
        approvers=[f"U0{number:09}" for number in range(1000)],
        protectedBuckets=[f"{number:063}" for number in range(1000)],
    )

    for package in PACKAGES:
        assert len(json.dumps(synthesis.variables(template, package))) < 2000


def test_the_layer_describes_every_service_that_the_functions_name() -> None:
    """A new client would otherwise fail in AWS only."""
    sources = "\n".join(path.read_text() for path in (ROOT / "lambdas").rglob("*.py"))
    services = set(re.findall(r"\b(?:client|resource)\(\s*\"([a-z0-9]+)\"", sources))

    assert {"dynamodb", "s3"} <= services <= SERVICES


def test_the_requirements_pin_every_library_and_agree_with_the_constraints() -> None:
    """Installation adds no others, so a missing one would be noticed in AWS only."""
    pins = _pins(ROOT / "lambdas" / "requirements.txt")
    required = {
        canonicalize_name(requirement.name)
        for name in pins
        for requirement in map(Requirement, metadata.requires(name) or [])
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""})
    }

    assert required <= pins.keys()
    assert pins.items() <= _pins(ROOT / "constraints.txt").items()


def _pins(file: Path) -> dict[str, str]:
    lines = re.findall(r"^([A-Za-z0-9._-]+)==(\S+)$", file.read_text(), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in lines}
