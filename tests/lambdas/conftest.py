"""The three functions, deployed in the process, for whoever asks."""

from collections.abc import Iterator

import pytest

from tests.lambdas.deployment import Deployment, deployed


@pytest.fixture
def here() -> Iterator[Deployment]:
    """Deploy with a source bucket that makes no versions."""
    with deployed() as one:
        yield one
