"""Where AWS's services are."""

import os


def region() -> str:
    """Answer the function's own region."""
    return os.environ.get("AWS_REGION") or os.environ["AWS_DEFAULT_REGION"]


def named(service: str) -> str | None:
    """Answer the address that the environment names for a service, with AWS's own variables.

    Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
    """
    own = {"secretsmanager": "SECRETS_MANAGER"}.get(service, service.upper())
    told = os.environ.get(f"AWS_ENDPOINT_URL_{own}") or os.environ.get("AWS_ENDPOINT_URL")
    return told.rstrip("/") if told else None


def host(service: str, region: str) -> str:
    """Answer the service's host in `region`."""
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"{service}.{region}.{suffix}"
