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
    mode: str

    @property
    def is_dry_run(self) -> bool:
        """Whether nothing may be moved: always, unless the mode surely is LIVE."""
        return self.mode != "LIVE"
