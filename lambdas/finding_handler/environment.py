"""What the finding handler is told by its environment."""

import json
from dataclasses import dataclass
from datetime import timedelta

from lambdas.common.approvers import Approvers
from lambdas.common.environment import hours, names, number
from lambdas.common.finding import Severity
from lambdas.finding_handler.policy import Action, RemediationPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One field a variable, all of them text."""

    ledger_table: str
    remediator_function: str
    quarantine_bucket: str
    slack_secret: str
    slack_channel: str
    slack_api_url: str
    auto_remediate_config: str
    auto_remediation_hourly_limit: str
    min_severity_level: str
    protected_buckets: str
    approvers: str
    reminder_hours: str
    digest_threshold: str
    reconcile_hours: str
    finding_queue: str
    agenda_queue: str

    @property
    def policy(self) -> RemediationPolicy:
        """The remediation policy that the variables spell out."""
        actions = json.loads(self.auto_remediate_config)
        return RemediationPolicy(
            actions={finding_type: Action(action) for finding_type, action in actions.items()},
            minimum_severity=Severity[self.min_severity_level],
            quarantine_bucket=self.quarantine_bucket,
            protected_buckets=names(self.protected_buckets),
        )

    @property
    def hourly_limit(self) -> int | None:
        """How many objects may be moved in an hour without a person's decision.

        Raises:
            ValueError: fewer than one.
        """
        limit = number(self.auto_remediation_hourly_limit)
        if limit is not None and limit < 1:
            raise ValueError(f"{limit} is no hourly limit")
        return limit

    @property
    def most_told(self) -> int | None:
        """How many findings of an hour are told one by one."""
        return number(self.digest_threshold)

    @property
    def reconciliation_window(self) -> timedelta:
        """How far back Macie is asked for findings: three runs may fail, and nothing is missed."""
        return 4 * (hours(self.reconcile_hours) or timedelta(hours=24))

    @property
    def who_may_decide(self) -> Approvers:
        """The approvers that the variables spell out."""
        return Approvers.from_setting(self.approvers, channel=self.slack_channel)

    @property
    def reminder_after(self) -> timedelta | None:
        """How long a finding may wait for a decision before the approvers are reminded."""
        return hours(self.reminder_hours)
