"""The settings file of the functions, in the place of the one that is packaged with them."""

import json
from pathlib import Path
from typing import Any

from local.slack.clicks import APP as SLACK_APP
from local.slack.clicks import TEAM as SLACK_TEAM
from local.slack.fake_slack import FakeSlack
from tests.harness.aws import APPROVER, AUTO, CHANNEL, IGNORE, REVIEW


class SettingsFile:
    """Settings of a test, by their names in snake_case.

    Attributes:
        path: the file.
    """

    def __init__(self, path: Path, slack: FakeSlack) -> None:
        self.path = path
        self._values: dict[str, Any] = {
            "approvers": [APPROVER, "U0SECOND"],
            "auto_remediate_config": {AUTO: "AUTO", REVIEW: "REVIEW", IGNORE: "IGNORE"},
            "auto_remediation_bucket_hourly_limit": "OFF",
            "auto_remediation_hourly_limit": "OFF",
            "digest_threshold": "OFF",
            "evidence_lock": None,
            "min_severity_level": "LOW",
            "mode": "LIVE",
            "multipart_threshold": 5_000_000_000,
            "protected_buckets": [],
            "quarantine_versions": "FINDING",
            "reconcile_hours": 6,
            "reminder_hours": 24,
            "restored_copy_days": 0,
            "slack_api_url": slack.api_url,
            "slack_app_id": SLACK_APP,
            "slack_channel": CHANNEL,
            "slack_hooks_url": slack.hooks_url,
            "slack_team_id": SLACK_TEAM,
        }

    def change(self, **settings: Any) -> None:
        """Change some settings, and write all.

        Raises:
            TypeError: there is no such setting.
        """
        unknown = settings.keys() - self._values.keys()
        if unknown:
            raise TypeError(f"unknown settings: {unknown}")
        self._values |= settings
        packaged = {camel_case(name): value for name, value in self._values.items()}
        self.path.write_text(json.dumps(packaged))


def camel_case(name: str) -> str:
    """Return the name that a setting has in cdk.json."""
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
