"""The remediation policy: what to do about a finding, and why (step 3). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

from lambdas.common.finding import Finding, Severity
from lambdas.finding_handler.macie import NO_TYPE


class Action(StrEnum):
    """What the remediation policy can decide about a finding."""

    AUTO = "AUTO"
    REVIEW = "REVIEW"
    IGNORE = "IGNORE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """An action with its reason, which people read in Slack and auditors in the ledger."""

    action: Action
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemediationPolicy:
    """The deployer's choices.

    Attributes:
        actions: the action for each finding type; a type that is not listed is reviewed.
        minimum_severity: findings below it are ignored.
        quarantine_bucket: with the quarantined copies, which Macie scans too.
        protected_buckets: names, in which * and ? are wildcards; objects in these buckets are never
            moved without a person's decision.
    """

    actions: Mapping[str, Action]
    minimum_severity: Severity
    quarantine_bucket: str
    protected_buckets: tuple[str, ...] = ()

    def decide(self, finding: Finding) -> Decision:
        """Return the decision about `finding`; whatever is in doubt goes to a person."""
        return self._ignored(finding) or self._by_type(finding)

    def _ignored(self, finding: Finding) -> Decision | None:
        if finding.object.bucket == self.quarantine_bucket:
            return Decision(action=Action.IGNORE, reason="the object is in quarantine already")
        if finding.is_archived:
            return Decision(action=Action.IGNORE, reason="archived in Macie")
        if finding.severity is not None and finding.severity < self.minimum_severity:
            reason = f"{finding.severity.name} is below the minimum {self.minimum_severity.name}"
            return Decision(action=Action.IGNORE, reason=reason)
        return None

    def _by_type(self, finding: Finding) -> Decision:
        if finding.type == NO_TYPE:
            return Decision(action=Action.REVIEW, reason="Macie gave no type")
        action = self.actions.get(finding.type)
        if action is None:
            return Decision(action=Action.REVIEW, reason=f"{finding.type} has no action configured")
        if action is Action.AUTO and finding.severity is None:
            return Decision(action=Action.REVIEW, reason="Macie gave no severity")
        if action is Action.AUTO and self._is_protected(finding.object.bucket):
            return Decision(action=Action.REVIEW, reason="the bucket is protected")
        return Decision(action=action, reason=f"{finding.type} is configured as {action}")

    def _is_protected(self, bucket: str) -> bool:
        return any(fnmatchcase(bucket, pattern) for pattern in self.protected_buckets)
