"""The three functions, and that what the stack says of them is what their code reads."""

import dataclasses
import importlib
import json
from itertools import pairwise
from typing import Any

import pytest
from aws_cdk.assertions import Match, Template

from stacks import bundling
from tests.stacks import synthesis
from tests.stacks.synthesis import only

_PACKAGES = ("finding_handler", "remediation_handler", "remediator")
# What Powertools itself reads.
_POWERTOOLS = {
    "POWERTOOLS_LOG_LEVEL",
    "POWERTOOLS_METRICS_NAMESPACE",
    "POWERTOOLS_SERVICE_NAME",
}
# What CloudFormation calls a resource; the secret's ARN and the queues' URLs are the longest.
_LONGEST_NAME = 128


def _function(template: Template, package: str) -> dict[str, Any]:
    handler = f"lambdas.{package}.handler.lambda_handler"
    return only(template, "AWS::Lambda::Function", {"Handler": handler})


def _variables(template: Template, package: str) -> dict[str, Any]:
    variables: dict[str, Any] = _function(template, package)["Environment"]["Variables"]
    return variables


@pytest.mark.parametrize("package", _PACKAGES)
def test_the_handler_is_there(template: Template, package: str) -> None:
    """Its name is a text in the template, which no type checker follows."""
    module, name = _function(template, package)["Handler"].rsplit(".", 1)

    assert callable(getattr(importlib.import_module(module), name))


@pytest.mark.parametrize("package", _PACKAGES)
def test_the_environment_given_is_the_environment_read(template: Template, package: str) -> None:
    """No variable is missing, misspelt or forgotten there."""
    environment = importlib.import_module(f"lambdas.{package}.environment").Environment
    fields = {field.name.upper() for field in dataclasses.fields(environment)}

    assert set(_variables(template, package)) - _POWERTOOLS == fields


def test_the_settings_arrive_as_the_handlers_read_them(template: Template) -> None:
    """What is JSON in the environment is read back as what the deployer wrote."""
    finding_handler = _variables(template, "finding_handler")
    remediation_handler = _variables(template, "remediation_handler")

    assert json.loads(finding_handler["AUTO_REMEDIATE_CONFIG"]) == {
        "SensitiveData:S3Object/Credentials": "AUTO"
    }
    assert json.loads(remediation_handler["APPROVERS"]) == ["U0123456789", "W0123456789"]


@pytest.mark.parametrize("package", _PACKAGES)
def test_the_longest_settings_fit_into_an_environment(package: str) -> None:
    """Lambda measures the variables as JSON, in which a quote is two characters, and takes 4 KB.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    """
    template = synthesis.template(
        approvers=[f"U0{number:09}" for number in range(53)],
        protectedBuckets=[f"{number:03}" for number in range(171)],
        autoRemediateConfig={
            f"SensitiveData:S3Object/{kind}": "REVIEW"
            for kind in ("Credentials", "CustomIdentifier", "Financial", "Multiple", "Personal")
        },
    )
    told = {
        name: value if isinstance(value, str) else "n" * _LONGEST_NAME
        for name, value in _variables(template, package).items()
    }

    assert len(json.dumps(told, separators=(",", ":"))) <= 4096


@pytest.mark.parametrize("package", _PACKAGES)
def test_what_is_packaged_is_for_the_runtime(template: Template, package: str) -> None:
    """Wheels with compiled parts would otherwise not load, which nothing but AWS would tell."""
    function = _function(template, package)
    flags = dict(pairwise(bundling._PIP_INSTALL))

    assert function["Runtime"] == f"python{flags['--python-version']}"
    assert function["Architectures"] == ["arm64"]
    assert flags["--platform"].endswith("_aarch64")


def test_lambda_does_not_stop_the_one_function_that_calls_itself(template: Template) -> None:
    """After sixteen messages to its own queue it would, in the middle of a burst; no emulator does.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
    """
    loops = {package: _function(template, package).get("RecursiveLoop") for package in _PACKAGES}

    assert loops == {"finding_handler": "Allow", "remediation_handler": None, "remediator": None}


def test_a_click_has_the_cpu_that_a_cold_start_in_three_seconds_takes(template: Template) -> None:
    """Slack waits no longer."""
    assert _function(template, "remediation_handler")["MemorySize"] >= 1024


def test_the_remediator_may_run_as_long_as_lambda_lets_it(template: Template) -> None:
    """A large object takes its time."""
    assert _function(template, "remediator")["Timeout"] == 900


def test_a_remediation_is_tried_three_times_and_then_kept(template: Template) -> None:
    """Lambda's two retries, then the dead-letter queue."""
    invocation = only(template, "AWS::Lambda::EventInvokeConfig", {})

    assert invocation["MaximumRetryAttempts"] == 2
    assert "RemediatorDeadLetters" in str(invocation["DestinationConfig"]["OnFailure"])


def test_logs_do_not_grow_for_ever(template: Template) -> None:
    """Half a year of them is kept."""
    template.all_resources_properties("AWS::Logs::LogGroup", {"RetentionInDays": Match.any_value()})


def test_no_function_has_a_secret_in_its_environment(template: Template) -> None:
    """Only the secret's ARN, which its role may read."""
    for package in _PACKAGES:
        assert _variables(template, package)["SLACK_SECRET"] == {
            "Fn::GetAtt": ["SlackSecretEA96F13F", "Id"]
        }
