"""Clients of AWS services: made late, with time limits that suit a function."""

from typing import Any

import boto3
from botocore.config import Config

_CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 4}, connect_timeout=3, read_timeout=20
)


def client(service: Any, *, region: str | None = None) -> Any:
    """Make a client of `service`, in the function's own region if none is named."""
    return boto3.client(service, region_name=region, config=_CONFIG)
