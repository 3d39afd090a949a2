"""Who may decide about a finding (step 6)."""

from dataclasses import dataclass

from lambdas.remediation_handler.interaction import Interaction

ANYONE_IN_CHANNEL = "ANYONE_IN_CHANNEL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approvers:
    """The people who may decide: `users`, by Slack user id, or None for anyone in `channel`."""

    channel: str
    users: frozenset[str] | None

    def include(self, interaction: Interaction) -> bool:
        """Answer whether the person who clicked may decide, and did so in the channel."""
        is_here = interaction.channel == self.channel
        return is_here and (self.users is None or interaction.user in self.users)

    def named(self) -> str:
        """Name those who may decide, in mrkdwn."""
        if self.users is None:
            return f"anyone in <#{self.channel}>"
        return ", ".join(f"<@{user}>" for user in sorted(self.users))
