"""The template, synthesized once."""

import pytest
from aws_cdk.assertions import Template

from tests.stacks import synthesis


@pytest.fixture(scope="session")
def template() -> Template:
    """The template with every setting that adds a resource."""
    return synthesis.template()
