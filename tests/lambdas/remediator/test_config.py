"""Settings that are ill typed stop the function, and never weaken a guard rail."""

from datetime import timedelta
from typing import Any

import pytest

from lambdas.remediator.config import EvidenceLock, Settings
from tests.lambdas.remediator.metadata import NOW

PLAIN: dict[str, Any] = {
    "slack_channel": "C1",
    "slack_api_url": "https://slack.com/api/",
    "slack_hooks_url": "https://hooks.slack.com/",
    "quarantine_versions": "FINDING",
    "multipart_threshold": 1,
    "evidence_lock": None,
    "restored_copy_days": 7,
    "reminder_hours": 24,
    "mode": "LIVE",
}


def settings(**changes: Any) -> Settings:
    """Return settings, plain but for some."""
    return Settings(**(PLAIN | changes))


INVALID = [
    {"evidence_lock": {"mode": "NONE", "days": 1}},
    {"evidence_lock": {"mode": "COMPLIANCE", "days": 0}},
    {"evidence_lock": {"mode": "COMPLIANCE", "days": "1"}},
    {"evidence_lock": {"mode": "COMPLIANCE"}},
    {"evidence_lock": "COMPLIANCE"},
    {"evidence_lock": {}},
    {"restored_copy_days": -1},
    {"restored_copy_days": "7"},
    {"reminder_hours": "24"},
    {"multipart_threshold": 0},
    {"quarantine_versions": "SOME"},
]


@pytest.mark.parametrize("changes", INVALID, ids=str)
def test_an_invalid_setting_stops_the_function(changes: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        settings(**changes)


def test_settings_are_read_as_what_they_mean() -> None:
    plain = settings()
    assert plain.lock is None
    assert plain.restored_copies_kept == timedelta(days=7)
    assert plain.remind_after == timedelta(hours=24)
    assert settings(reminder_hours="OFF").remind_after is None
    assert settings(restored_copy_days=0).restored_copies_kept == timedelta()


def test_a_lock_ends_after_its_days_on_a_whole_second() -> None:
    lock = settings(evidence_lock={"mode": "GOVERNANCE", "days": 2}).lock
    assert lock == EvidenceLock(mode="GOVERNANCE", days=2)
    until = lock.until(NOW.replace(microsecond=5))
    assert until == NOW + timedelta(days=2, seconds=1)
    assert until.microsecond == 0
