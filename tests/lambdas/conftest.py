"""The three functions, deployed in this process."""

import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from lambdas.common.ledger import audit
from tests.harness.harness import Harness, start_harness


@pytest.fixture
def harness() -> Iterator[Harness]:
    """Deploy the functions, with a source bucket without versioning."""
    with start_harness() as harness:
        yield harness


@pytest.fixture
def versioned_harness() -> Iterator[Harness]:
    """Deploy the functions, with a source bucket with versioning."""
    with start_harness(versioning="Enabled") as harness:
        yield harness


@pytest.fixture
def log() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Return the lines that the functions' loggers wrote since the last call."""
    stream = io.StringIO()
    # Every Logger of the functions writes to the same handler.
    handler = cast("logging.StreamHandler[Any]", audit.logger.registered_handler)
    before = handler.setStream(stream)

    def take_lines() -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in stream.getvalue().splitlines()]
        stream.seek(0)
        stream.truncate()
        return lines

    yield take_lines
    handler.setStream(before or sys.stdout)
