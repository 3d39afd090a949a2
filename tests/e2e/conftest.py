"""The sandbox that the end-to-end tests share: deployed once, IAM and TLS enforced."""

from collections.abc import Iterator

import pytest

from local.sandbox import Sandbox, sandbox

MIB = 1024 * 1024


@pytest.fixture(scope="session")
def deployed() -> Iterator[Sandbox]:
    """Answer the deployed stack with its Slack; large means 8 MiB here, and nothing is digested."""
    settings = {"multipartThreshold": 8 * MIB, "digestThreshold": 100_000}
    with sandbox(settings) as one:
        yield one
