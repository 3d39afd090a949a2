"""What people can do in Slack: the ids of buttons and menus, and what a menu's choice says."""

from collections.abc import Mapping

REMEDIATE = "remediate"
DISMISS = "dismiss"
REOPEN = "reopen"
RESTORE = "restore"
RETRY = "retry"
OPEN_IN_MACIE = "open_in_macie"

DISMISSALS: Mapping[str, str] = {
    "false_positive": "false positive",
    "accepted_risk": "accepted risk",
    "handled_elsewhere": "handled elsewhere",
}
"""Why a finding may be dismissed, by the choice's name."""


def option(choice: str, finding_id: str) -> str:
    """Write a menu option's value, which has to name the finding: a menu has no value of its own.

    Source: https://docs.slack.dev/reference/block-kit/composition-objects/option-object
    """
    return f"{choice} {finding_id}"


def read_option(value: str) -> tuple[str, str]:
    """Read back choice and finding id."""
    choice, _, finding_id = value.partition(" ")
    return choice, finding_id
