"""What the finding handler is told by its environment."""

import json
from dataclasses import dataclass

from lambdas.common.finding import Severity
from lambdas.common.policy import Action, RemediationPolicy


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
    min_severity_level: str

    @property
    def policy(self) -> RemediationPolicy:
        """The remediation policy that the variables spell out."""
        actions = json.loads(self.auto_remediate_config)
        return RemediationPolicy(
            actions={finding_type: Action(action) for finding_type, action in actions.items()},
            minimum_severity=Severity[self.min_severity_level],
            quarantine_bucket=self.quarantine_bucket,
        )
