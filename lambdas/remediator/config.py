"""What the remediator reads from its environment and its settings file."""

from dataclasses import dataclass
from enum import StrEnum


class QuarantineVersions(StrEnum):
    """Which versions of an object's key go into quarantine."""

    FINDING = "FINDING"
    ALL = "ALL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What the deployment created; `account_id` is our own account."""

    ledger_table: str
    quarantine_bucket: str
    slack_secret: str
    account_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the deployer decided, as in cdk.json.

    Raises:
        ValueError: `quarantine_versions` has no such value, or `multipart_threshold`, in bytes, is
            no positive whole number.
    """

    slack_channel: str
    slack_api_url: str
    slack_hooks_url: str
    quarantine_versions: str
    multipart_threshold: int
    mode: str

    def __post_init__(self) -> None:
        QuarantineVersions(self.quarantine_versions)
        if type(self.multipart_threshold) is not int or self.multipart_threshold < 1:
            raise ValueError(f"multipartThreshold is {self.multipart_threshold!r}")

    @property
    def is_dry_run(self) -> bool:
        """Whether nothing may be moved: always, unless the mode surely is LIVE."""
        return self.mode != "LIVE"

    @property
    def is_every_version(self) -> bool:
        """Whether every version of an object's key goes into quarantine."""
        return self.quarantine_versions == QuarantineVersions.ALL
