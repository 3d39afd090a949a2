"""What the three functions have in common."""

import importlib
import sys

import pytest
from aws_cdk.assertions import Match, Template

from stacks.packaging import pip_arguments
from tests.stacks import synthesis
from tests.stacks.synthesis import PACKAGES


@pytest.mark.parametrize("package", PACKAGES)
def test_the_handler_exists(template: Template, package: str) -> None:
    """The template has its name as a string, which no type checker follows."""
    module, name = synthesis.function(template, package)["Handler"].rsplit(".", 1)

    assert callable(getattr(importlib.import_module(module), name))


@pytest.mark.parametrize("package", PACKAGES)
def test_a_function_runs_the_python_that_deploys_on_the_platform_of_its_libraries(
    template: Template, package: str
) -> None:
    """Compiled libraries for another platform would fail in AWS only."""
    function = synthesis.function(template, package)
    arguments = pip_arguments()

    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert function["Runtime"] == f"python{version}"
    assert arguments[arguments.index("--python-version") + 1] == version
    assert function["Architectures"] == ["arm64"]
    assert arguments[arguments.index("--platform") + 1].endswith("_aarch64")


def test_the_functions_share_one_layer(template: Template) -> None:
    """The libraries are uploaded once."""
    (layer,) = template.find_resources("AWS::Lambda::LayerVersion")

    for package in PACKAGES:
        assert synthesis.function(template, package)["Layers"] == [{"Ref": layer}]


def test_logs_expire(template: Template) -> None:
    """They are kept for half a year."""
    template.all_resources_properties("AWS::Logs::LogGroup", {"RetentionInDays": Match.any_value()})
