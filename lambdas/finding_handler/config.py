"""The finding handler's configuration."""

from dataclasses import dataclass
from datetime import timedelta

from lambdas.common.config import hours, whole_number
from lambdas.common.finding import Severity
from lambdas.common.ledger.brakes import AutomaticLimits
from lambdas.finding_handler.policy import Action, RemediationPolicy

_DEFAULT_RECONCILIATION_INTERVAL = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What the deployment created, by name, ARN or URL."""

    ledger_table: str
    quarantine_bucket: str
    slack_bot_token: str
    finding_queue: str
    remediation_queue: str
    task_queue: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the deployer decided; whoever reads an `object` checks its type."""

    slack_channel: str
    slack_api_url: str
    approvers: object
    auto_remediate_config: object
    auto_remediation_hourly_limit: object
    auto_remediation_bucket_hourly_limit: object
    min_severity_level: object
    digest_threshold: object
    protected_buckets: object
    reconcile_hours: object
    reminder_hours: object

    def policy(self, *, quarantine_bucket: str) -> RemediationPolicy:
        """Return the remediation policy, which never acts on objects in `quarantine_bucket`.

        Raises:
            KeyError, TypeError, ValueError: a setting has a value that the policy does not know.
        """
        return RemediationPolicy(
            actions=_actions(self.auto_remediate_config),
            minimum_severity=Severity[_text(self.min_severity_level)],
            quarantine_bucket=quarantine_bucket,
            protected_buckets=_names(self.protected_buckets),
        )

    @property
    def limits(self) -> AutomaticLimits:
        """How many objects may be moved within an hour without a person's decision.

        Raises:
            TypeError, ValueError: a setting is neither "OFF" nor a number from 1.
        """
        return AutomaticLimits(
            total=_limit(self.auto_remediation_hourly_limit),
            per_bucket=_limit(self.auto_remediation_bucket_hourly_limit),
        )

    @property
    def reconciliation_window(self) -> timedelta:
        """How far back reconciliation looks: so far that three runs in a row may fail."""
        return 4 * (hours(self.reconcile_hours) or _DEFAULT_RECONCILIATION_INTERVAL)


def _limit(setting: object) -> int | None:
    if setting == "OFF":
        return None
    limit = whole_number(setting)
    if limit is None or limit < 1:
        raise ValueError(f"{limit} is not an hourly limit")
    return limit


def _actions(setting: object) -> dict[str, Action]:
    if not isinstance(setting, dict):
        raise TypeError(f"{setting!r} does not map finding types to actions")
    return {_text(finding_type): Action(action) for finding_type, action in setting.items()}


def _names(setting: object) -> tuple[str, ...]:
    if not isinstance(setting, list):
        raise TypeError(f"{setting!r} is not a list of names")
    return tuple(_text(name) for name in setting)


def _text(setting: object) -> str:
    if not isinstance(setting, str):
        raise TypeError(f"{setting!r} is not a string")
    return setting
