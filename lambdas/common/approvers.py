"""Who may decide about a finding (steps 4 to 6)."""

from dataclasses import dataclass

ANYONE_IN_CHANNEL = "ANYONE_IN_CHANNEL"
_MOST_MENTIONS = 200
"""More mentions than this make a message longer than Slack recommends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approvers:
    """The people who may decide: `users`, by Slack user id, or None for anyone in `channel`.

    People of other workspaces, with whom a channel can be shared, may decide only if they are among
    `users`.
    """

    channel: str
    users: frozenset[str] | None

    @classmethod
    def from_setting(cls, value: object, *, channel: str) -> "Approvers":
        """Read the setting `approvers`: a list of Slack user ids, or `ANYONE_IN_CHANNEL`.

        Raises:
            TypeError: it is neither, or the list is empty; nobody is let in by mistake.
        """
        if value == ANYONE_IN_CHANNEL:
            return cls(channel=channel, users=None)
        if not isinstance(value, list) or not value or not all(isinstance(u, str) for u in value):
            raise TypeError("approvers must be a list of Slack user ids or ANYONE_IN_CHANNEL")
        return cls(channel=channel, users=frozenset(value))

    def include(self, user: str, *, channel: str, is_external: bool) -> bool:
        """Return whether `user`, who clicked in `channel`, may decide.

        `is_external` says whether the person belongs to another workspace.
        """
        is_approver = not is_external if self.users is None else user in self.users
        return channel == self.channel and is_approver

    def refusal(self, *, channel: str, is_external: bool) -> str:
        """Return what a person reads who clicked in `channel` and may not decide there."""
        is_elsewhere = channel != self.channel and self.users is not None
        where = f", and only in <#{self.channel}>" if is_elsewhere else ""
        is_guest = is_external and self.users is None
        who = " of this workspace; people of others only if they are listed" if is_guest else ""
        return f"Only approvers may decide: {self.mention()}{who}{where}."

    def mention(self) -> str:
        """Return the approvers as mentions, in Slack's mrkdwn."""
        if self.users is None:
            return f"anyone in <#{self.channel}>"
        users = sorted(self.users)
        mentions = ", ".join(f"<@{user}>" for user in users[:_MOST_MENTIONS])
        others = len(users) - _MOST_MENTIONS
        return f"{mentions} and {others:,} more" if others > 0 else mentions
