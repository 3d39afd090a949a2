"""What the remediator reads from its environment and its settings file."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from lambdas.common.config import hours, whole_number


class QuarantineVersions(StrEnum):
    """Which versions of an object's key go into quarantine."""

    FINDING = "FINDING"
    ALL = "ALL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What the deployment created.

    Attributes:
        ledger_table: the ledger's name.
        quarantine_bucket: the quarantine's name.
        quarantine_key: the ARN of the KMS key that encrypts what is in quarantine.
        slack_bot_token: the name of the secret with the Slack app's token.
        account_id: our own account.
    """

    ledger_table: str
    quarantine_bucket: str
    quarantine_key: str
    slack_bot_token: str
    account_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceLock:
    """The Object Lock retention of what is in quarantine.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html
    """

    mode: Literal["GOVERNANCE", "COMPLIANCE"]
    days: int

    def until(self, now: datetime) -> datetime:
        """Return when the lock of a copy that is made `now` ends, to the second."""
        return now.replace(microsecond=0) + timedelta(days=self.days, seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the deployer decided, as in cdk.json.

    Raises:
        ValueError: `quarantine_versions` or `evidence_lock` has no such value; or
            `multipart_threshold`, in bytes, is no positive whole number, or `restored_copy_days` a
            negative one.
        TypeError: `restored_copy_days` or `reminder_hours` is no whole number.
    """

    slack_channel: str
    slack_api_url: str
    slack_hooks_url: str
    quarantine_versions: str
    multipart_threshold: int
    evidence_lock: Mapping[str, object] | None
    restored_copy_days: int
    reminder_hours: object
    mode: str

    def __post_init__(self) -> None:
        QuarantineVersions(self.quarantine_versions)
        if type(self.multipart_threshold) is not int or self.multipart_threshold < 1:
            raise ValueError(f"multipartThreshold is {self.multipart_threshold!r}")
        if (whole_number(self.restored_copy_days) or 0) < 0:
            raise ValueError(f"restoredCopyDays is {self.restored_copy_days!r}")
        hours(self.reminder_hours)
        _evidence_lock(self.evidence_lock)

    @property
    def is_dry_run(self) -> bool:
        """Whether nothing may be moved: always, unless the mode surely is LIVE."""
        return self.mode != "LIVE"

    @property
    def is_every_version(self) -> bool:
        """Whether every version of an object's key goes into quarantine."""
        return self.quarantine_versions == QuarantineVersions.ALL

    @property
    def lock(self) -> EvidenceLock | None:
        """How copies in quarantine are locked; None if they are not."""
        return _evidence_lock(self.evidence_lock)

    @property
    def restored_copies_kept(self) -> timedelta:
        """How long a restore keeps the copies in quarantine."""
        return timedelta(days=whole_number(self.restored_copy_days) or 0)

    @property
    def remind_after(self) -> timedelta | None:
        """After what time the approvers are reminded of a failure; None for never."""
        return hours(self.reminder_hours)


def _evidence_lock(setting: Mapping[str, object] | None) -> EvidenceLock | None:
    if setting is None:
        return None
    match setting:
        case {"mode": "GOVERNANCE" | "COMPLIANCE" as mode, "days": int(days)} if days > 0:
            return EvidenceLock(mode=mode, days=days)
    raise ValueError(f"evidenceLock is {setting!r}")
