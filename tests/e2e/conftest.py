"""The sandbox that the end-to-end tests share: deployed once, IAM and TLS enforced."""

from collections.abc import Iterator

import pytest

from local.sandbox import Sandbox
from local.sandbox import sandbox as start_sandbox

MIB = 1024 * 1024


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """Start a sandbox in which objects are large from 8 MiB, and no finding is digested."""
    settings = {"multipartThreshold": 8 * MIB, "digestThreshold": 100_000}
    with start_sandbox(settings) as running:
        yield running
