"""What the naive handlers share."""

import json
import os
from datetime import UTC, datetime
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from slack_sdk import WebClient
from slack_sdk.signature import SignatureVerifier
from slack_sdk.webhook import WebhookClient

logger = Logger()
metrics = Metrics(namespace="Naive")
dynamodb = boto3.resource("dynamodb")
lambda_client = boto3.client("lambda")
s3 = boto3.client("s3")
secrets = boto3.client("secretsmanager")


def ledger() -> Any:
    """Answer the table."""
    return dynamodb.Table(os.environ["LEDGER_TABLE"])


def secret() -> Any:
    """Read the Slack secret."""
    text = secrets.get_secret_value(SecretId=os.environ["SLACK_SECRET"])["SecretString"]
    return json.loads(text)


def slack() -> WebClient:
    """Make a client of Slack."""
    return WebClient(secret()["botToken"], base_url=os.environ["SLACK_API_URL"])


def blocks(text: str) -> list[dict[str, Any]]:
    """Make the message's blocks."""
    return [{"type": "section", "text": {"type": "mrkdwn", "text": text}}]


def now() -> str:
    """Answer the time."""
    return datetime.now(UTC).isoformat()


__all__ = ["SignatureVerifier", "WebhookClient", "lambda_client", "logger", "metrics", "s3"]
