"""Macie's findings, asked for."""

import json
from typing import Any

from lambdas.common import aws

_PATHS = {"GetFindings": "/findings/describe", "ListFindings": "/findings"}


def call(operation: str, **request: Any) -> dict[str, Any]:
    """Ask Macie, in its API's words, and answer or raise as `aws.send` does.

    Source: https://docs.aws.amazon.com/macie/latest/APIReference/operations.html
    """
    headers = {"Content-Type": "application/json"}
    answer = aws.send("macie2", _PATHS[operation], headers, json.dumps(request).encode())
    told: dict[str, Any] = json.loads(answer.body)
    return told
