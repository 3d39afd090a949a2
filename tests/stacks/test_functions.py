"""The three functions: the environment, the memory and the time that each gets."""

import dataclasses
import importlib

import pytest
from aws_cdk.assertions import Template

from tests.stacks import permissions, synthesis
from tests.stacks.synthesis import PACKAGES, only

# Where a package defines `Resources`, what it reads from its environment.
RESOURCES = {
    "finding_handler": "lambdas.finding_handler.config",
    "remediation_handler": "lambdas.remediation_handler.services",
    "remediator": "lambdas.remediator.config",
}
# What Powertools itself reads.
POWERTOOLS = {
    "POWERTOOLS_LOG_LEVEL",
    "POWERTOOLS_METRICS_NAMESPACE",
    "POWERTOOLS_SERVICE_NAME",
}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_function_gets_the_variables_that_it_reads(template: Template, package: str) -> None:
    """None is missing, misspelt or unused."""
    resources = importlib.import_module(RESOURCES[package]).Resources
    fields = {field.name.upper() for field in dataclasses.fields(resources)}

    assert set(synthesis.variables(template, package)) - POWERTOOLS == fields


def test_lambda_does_not_stop_the_function_that_invokes_itself(template: Template) -> None:
    """It would after sixteen messages to its own queue, during a burst. No emulator does.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
    """
    loops = {name: synthesis.function(template, name).get("RecursiveLoop") for name in PACKAGES}

    assert loops == {"finding_handler": "Allow", "remediation_handler": None, "remediator": None}


def test_a_click_has_enough_cpu_for_a_cold_start_in_three_seconds(template: Template) -> None:
    """Slack does not wait longer."""
    assert synthesis.function(template, "remediation_handler")["MemorySize"] >= 1024


def test_the_remediator_may_run_as_long_as_lambda_allows(template: Template) -> None:
    """A large object takes long to copy."""
    assert synthesis.function(template, "remediator")["Timeout"] == 900


def test_only_a_click_starts_the_remediator_at_once(template: Template) -> None:
    """What the policy and bulk actions start waits in the queue."""
    callers = [name for name in PACKAGES if _calls_remediator(template, name)]
    lines = permissions.lines(template.to_json())

    assert callers == ["remediation_handler"]
    assert [line.split()[0] for line in lines if "Role may lambda:" in line] == [
        "RemediationHandlerRole"
    ]
    assert "REMEDIATION_QUEUE" in synthesis.variables(template, "finding_handler")


def _calls_remediator(template: Template, package: str) -> bool:
    return "REMEDIATOR_FUNCTION" in synthesis.variables(template, package)


def test_a_remediation_is_tried_three_times_and_then_kept(template: Template) -> None:
    """Lambda tries it again twice, then sends it to the dead-letter queue."""
    invocation = only(template, "AWS::Lambda::EventInvokeConfig", {})

    assert invocation["MaximumRetryAttempts"] == 2
    assert "RemediatorDeadLetters" in str(invocation["DestinationConfig"]["OnFailure"])
