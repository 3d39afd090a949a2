"""What the remediation handler is told by its environment."""

from dataclasses import dataclass
from datetime import timedelta

from lambdas.common.approvers import Approvers
from lambdas.common.environment import hours


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One field a variable, all of them text."""

    ledger_table: str
    remediator_function: str
    slack_secret: str
    slack_channel: str
    approvers: str
    reminder_hours: str
    agenda_queue: str

    @property
    def who_may_decide(self) -> Approvers:
        """The approvers that the variables spell out."""
        return Approvers.from_setting(self.approvers, channel=self.slack_channel)

    @property
    def reminder_after(self) -> timedelta | None:
        """How long a finding may wait for a decision before the approvers are reminded."""
        return hours(self.reminder_hours)
