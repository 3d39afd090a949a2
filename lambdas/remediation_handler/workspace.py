"""Whose click it is: of our app, of our workspace, by one of its members or by somebody else."""

from dataclasses import dataclass

from lambdas.remediation_handler.interaction import Interaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """Where the Slack app is installed.

    Attributes:
        app_id: of the app, `A…`.
        team_id: of the workspace, `T…`, or of the organization, `E…`, that installed the app.
    """

    app_id: str
    team_id: str

    def __post_init__(self) -> None:
        """Check both ids.

        Raises:
            TypeError: a setting is missing or no string; then nobody may decide.
        """
        if not all(isinstance(name, str) and name for name in (self.app_id, self.team_id)):
            raise TypeError("slackAppId and slackTeamId must be ids")

    def includes(self, interaction: Interaction) -> bool:
        """Return whether Slack sent the click to our app as it is installed in our workspace."""
        return interaction.app_id == self.app_id and self.team_id in interaction.workspaces


def is_external(interaction: Interaction) -> bool:
    """Return whether the person belongs to another workspace, as in a shared channel.

    Source: https://docs.slack.dev/apis/slack-connect/
    """
    return interaction.user_team not in interaction.workspaces
