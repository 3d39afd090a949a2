"""What people can do in Slack: the ids of buttons and menus, and what a menu's choice says."""

from collections.abc import Mapping

REMEDIATE = "remediate"
DISMISS = "dismiss"
REOPEN = "reopen"
RESTORE = "restore"
RETRY = "retry"
OPEN_IN_MACIE = "open_in_macie"

REMEDIATE_ALL = "remediate_all"
DISMISS_ALL = "dismiss_all"
REOPEN_ALL = "reopen_all"
RETRY_ALL = "retry_all"
RESTORE_ALL = "restore_all"
REVIEW_EACH = "review_each"
FOR_ALL = frozenset({REMEDIATE_ALL, DISMISS_ALL, REOPEN_ALL, RETRY_ALL, RESTORE_ALL, REVIEW_EACH})
"""What is offered by a digest, and done for each of its findings."""

MENUS = frozenset({DISMISS, DISMISS_ALL})
"""Where a reason is chosen."""

DISMISSALS: Mapping[str, str] = {
    "false_positive": "false positive",
    "accepted_risk": "accepted risk",
    "handled_elsewhere": "handled elsewhere",
}
"""Why a finding may be dismissed, by the choice's name."""


def option(choice: str, subject: str) -> str:
    """Write a menu option's value, which has to name its subject: a menu has no value of its own.

    Source: https://docs.slack.dev/reference/block-kit/composition-objects/option-object
    """
    return f"{choice} {subject}"


def read_option(value: str) -> tuple[str, str]:
    """Read back the choice and its subject."""
    choice, _, subject = value.partition(" ")
    return choice, subject
