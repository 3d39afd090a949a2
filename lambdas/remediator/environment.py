"""What the remediator is told by its environment."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One field a variable, all of them text."""

    ledger_table: str
    quarantine_bucket: str
    slack_secret: str
    slack_channel: str
    slack_api_url: str
    slack_hooks_url: str
    quarantine_versions: str
    multipart_threshold: str
