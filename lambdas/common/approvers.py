"""Who may decide about a finding (steps 4 to 6)."""

import json
from dataclasses import dataclass

ANYONE_IN_CHANNEL = "ANYONE_IN_CHANNEL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approvers:
    """The people who may decide: `users`, by Slack user id, or None for anyone in `channel`."""

    channel: str
    users: frozenset[str] | None

    @classmethod
    def from_setting(cls, value: str, *, channel: str) -> "Approvers":
        """Read the setting `approvers`, as JSON."""
        setting = json.loads(value)
        users = None if setting == ANYONE_IN_CHANNEL else frozenset(setting)
        return cls(channel=channel, users=users)

    def include(self, user: str, *, channel: str) -> bool:
        """Answer whether `user`, who clicked in `channel`, may decide."""
        return channel == self.channel and (self.users is None or user in self.users)

    def refusal(self, *, channel: str) -> str:
        """Tell somebody who clicked in `channel`, and may not decide there, who may and where."""
        is_elsewhere = channel != self.channel and self.users is not None
        where = f", and only in <#{self.channel}>" if is_elsewhere else ""
        return f"Only approvers may decide: {self.named()}{where}."

    def named(self) -> str:
        """Name those who may decide, in mrkdwn."""
        if self.users is None:
            return f"anyone in <#{self.channel}>"
        return ", ".join(f"<@{user}>" for user in sorted(self.users))
