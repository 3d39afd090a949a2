"""What the remediation handler is told by its environment."""

import json
from dataclasses import dataclass

from lambdas.remediation_handler.approvers import ANYONE_IN_CHANNEL, Approvers


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One field a variable, all of them text."""

    ledger_table: str
    remediator_function: str
    slack_secret: str
    slack_channel: str
    slack_hooks_url: str
    approvers: str

    @property
    def who_may_decide(self) -> Approvers:
        """The approvers that the variables spell out."""
        value = json.loads(self.approvers)
        users = None if value == ANYONE_IN_CHANNEL else frozenset(value)
        return Approvers(channel=self.slack_channel, users=users)
