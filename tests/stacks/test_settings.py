"""The settings: allowed values, and the line about each wrong one."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacks.settings import Settings, SettingsError
from tests.stacks.synthesis import CHATOPS, shipped_context

REQUIRED = (
    "slackChannel",
    "slackAppId",
    "slackTeamId",
    "approvers",
    "monitoredBuckets",
    "sourceKmsKeyArns",
    "autoRemediateConfig",
    "minSeverityLevel",
    "mode",
    "quarantineReaders",
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def _error(**changed: Any) -> str:
    with pytest.raises(SettingsError) as raised:
        Settings.from_context({**CHATOPS, **changed})
    return str(raised.value)


def test_an_object_and_its_json_text_are_the_same_settings() -> None:
    """cdk.json has an object, `cdk -c chatops=...` passes text."""
    assert Settings.from_context(CHATOPS) == Settings.from_context(json.dumps(CHATOPS))


def test_anyone_in_the_channel_has_to_be_chosen_by_name() -> None:
    """An empty list does not mean everybody."""
    settings = Settings.from_context({**CHATOPS, "approvers": "ANYONE_IN_CHANNEL"})

    assert settings.approvers == "ANYONE_IN_CHANNEL"


def test_optional_settings_default_to_the_safest_value() -> None:
    """Nothing expires, guard rails are on, and messages go to Slack itself."""
    required = {name: CHATOPS[name] for name in REQUIRED}
    settings = Settings.from_context(required)

    assert settings.quarantine_retention_days is None
    assert settings.alarm_email is None
    assert settings.quarantine_versions == "FINDING"
    assert settings.auto_remediation_hourly_limit == 100
    assert settings.auto_remediation_bucket_hourly_limit == 50
    assert settings.max_concurrent_remediations == 10
    assert settings.evidence_lock is None
    assert settings.restored_copy_days == 7
    assert settings.operator_roles == ()
    assert settings.digest_threshold == 30
    assert settings.reminder_hours == 24
    assert settings.slack_api_url == "https://slack.com/api/"
    assert settings.slack_hooks_url == "https://hooks.slack.com/"


@pytest.mark.parametrize(
    "name",
    [
        "autoRemediationHourlyLimit",
        "autoRemediationBucketHourlyLimit",
        "digestThreshold",
        "reminderHours",
    ],
)
def test_only_a_word_removes_a_guard_rail(name: str) -> None:
    """CDK drops null values, so null means the same as an omission."""
    assert Settings.from_context({**CHATOPS, name: "OFF"}).model_dump(by_alias=True)[name] == "OFF"
    assert _error(**{name: None}).startswith(f"chatops.{name}: got null; allowed: ")


def test_a_sandbox_may_replace_slack_on_loopback() -> None:
    """The sandbox changes nothing but the two URLs."""
    url = "http://127.0.0.1:5000/api/"

    assert Settings.from_context({**CHATOPS, "slackApiUrl": url}).slack_api_url == url


def test_settings_are_immutable() -> None:
    """They are validated once."""
    settings = Settings.from_context(CHATOPS)

    with pytest.raises(ValueError, match="frozen"):
        settings.slack_channel = "C9"


@pytest.mark.parametrize(
    ("setting", "value", "name", "got"),
    [
        ("slackChannel", "", "slackChannel", '""'),
        ("slackChannel", "#security", "slackChannel", '"#security"'),
        ("slackAppId", "", "slackAppId", '""'),
        ("slackAppId", "T0123456789", "slackAppId", '"T0123456789"'),
        ("slackTeamId", "", "slackTeamId", '""'),
        ("slackTeamId", "C0123456789", "slackTeamId", '"C0123456789"'),
        ("slackChannel", "C0123456789\n", "slackChannel", r'"C0123456789\n"'),
        ("approvers", [], "approvers", "[]"),
        ("approvers", "anyone", "approvers", '"anyone"'),
        ("approvers", ["U1", "jane"], "approvers[1]", '"jane"'),
        ("monitoredBuckets", [], "monitoredBuckets", "[]"),
        ("monitoredBuckets", "hr", "monitoredBuckets", '"hr"'),
        ("monitoredBuckets", ["hr/2026"], "monitoredBuckets[0]", '"hr/2026"'),
        ("monitoredBuckets", ["*-exports"], "monitoredBuckets[0]", '"*-exports"'),
        ("monitoredBuckets", ["arn:aws:s3:::hr*x*"], "monitoredBuckets[0]", '"arn:aws:s3:::hr*x*"'),
        ("monitoredBuckets", ["*"], "monitoredBuckets[0]", '"*"'),
        ("monitoredBuckets", ["arn:aws:s3:::*"], "monitoredBuckets[0]", '"arn:aws:s3:::*"'),
        ("monitoredBuckets", ["hr-202?"], "monitoredBuckets[0]", '"hr-202?"'),
        ("sourceKmsKeyArns", ["alias/hr"], "sourceKmsKeyArns[0]", '"alias/hr"'),
        ("autoRemediateConfig", {"Financial": "AUTO"}, "autoRemediateConfig.Financial", '"Fin'),
        (
            "autoRemediateConfig",
            {"SensitiveData:S3Object/Financial": "auto"},
            "autoRemediateConfig.SensitiveData:S3Object/Financial",
            '"auto"',
        ),
        ("minSeverityLevel", "low", "minSeverityLevel", '"low"'),
        ("quarantineReaders", ["*"], "quarantineReaders[0]", '"*"'),
        ("operatorRoles", ["*"], "operatorRoles[0]", '"*"'),
        ("evidenceLock", 30, "evidenceLock", "30"),
        ("evidenceLock", {"mode": "LEGAL", "days": 1}, "evidenceLock.mode", '"LEGAL"'),
        ("evidenceLock", {"mode": "COMPLIANCE", "days": 0}, "evidenceLock.days", "0"),
        ("evidenceLock", {"mode": "COMPLIANCE"}, "evidenceLock.days", "nothing"),
        ("restoredCopyDays", -1, "restoredCopyDays", "-1"),
        ("restoredCopyDays", None, "restoredCopyDays", "null"),
        ("maxConcurrentRemediations", 1, "maxConcurrentRemediations", "1"),
        ("maxConcurrentRemediations", "OFF", "maxConcurrentRemediations", '"OFF"'),
        ("autoRemediationBucketHourlyLimit", 0, "autoRemediationBucketHourlyLimit", "0"),
        ("quarantineRetentionDays", True, "quarantineRetentionDays", "true"),
        ("quarantineRetentionDays", 0, "quarantineRetentionDays", "0"),
        ("quarantineRetentionDays", "30", "quarantineRetentionDays", '"30"'),
        ("reminderHours", "off", "reminderHours", '"off"'),
        ("reminderHours", 0, "reminderHours", "0"),
        ("digestThreshold", 0.5, "digestThreshold", "0.5"),
        ("autoRemediationHourlyLimit", 0, "autoRemediationHourlyLimit", "0"),
        ("mode", "DRY", "mode", '"DRY"'),
        ("alarmEmail", "security", "alarmEmail", '"security"'),
        ("monitoredBuckets", [f"{n:03}" for n in range(151)], "monitoredBuckets", '["000"'),
        ("slackApiUrl", "https://example.com/", "slackApiUrl", '"https://example.com/"'),
        ("slackApiUrl", "http://localhost@evil.com/", "slackApiUrl", '"http://localhost@'),
        ("slackHooksUrl", "http://127.0.0.1:80", "slackHooksUrl", '"http://127.0.0.1:80"'),
        ("minSeverity", "LOW", "minSeverity", '"LOW"'),
    ],
)
def test_a_wrong_value_has_one_line_with_its_name_and_the_value(
    setting: str, value: Any, name: str, got: str
) -> None:
    """Correct settings are not mentioned."""
    assert _error(**{setting: value}).startswith(f"chatops.{name}: got {got}")
    assert _error(**{setting: value}).count("\n") == 0


def test_a_lifecycle_that_is_shorter_than_the_lock_stops_synthesis() -> None:
    """It would fail to delete what is locked, and the bucket would grow for ever."""
    lock = {"mode": "COMPLIANCE", "days": 31}

    line = _error(evidenceLock=lock, quarantineRetentionDays=30)
    assert line.startswith('chatops.evidenceLock: got {"mode": "COMPLIANCE", "days": 31}; allowed:')
    assert line.endswith("no more days than quarantineRetentionDays")
    for retention in (31, None):
        changed = {**CHATOPS, "evidenceLock": lock, "quarantineRetentionDays": retention}
        assert Settings.from_context(changed).evidence_lock is not None


@pytest.mark.parametrize("team", ["T0123456789", "E0123456789"])
def test_a_slack_team_is_a_workspace_or_an_organization(team: str) -> None:
    """In an app that is installed organization-wide, clicks can come without a workspace."""
    assert Settings.from_context({**CHATOPS, "slackTeamId": team}).slack_team_id == team


@pytest.mark.parametrize("name", ["a*", "hr-*", "hr", "Old_Bucket.1", "arn:aws-cn:s3:::hr-*"])
def test_a_monitored_bucket_is_a_name_or_a_prefix(name: str) -> None:
    """IAM's * matches a slash too: *-exports/* would match every bucket with such a folder.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    """
    settings = Settings.from_context({**CHATOPS, "monitoredBuckets": [name]})

    assert settings.monitored_buckets == (name,)


def test_the_line_has_the_allowed_values() -> None:
    """Nobody has to look them up."""
    assert _error(minSeverityLevel="low").endswith('allowed: "LOW", "MEDIUM" or "HIGH"')


def test_the_line_about_a_misspelt_setting_has_the_correct_name() -> None:
    """Otherwise its value would be ignored."""
    line = _error(alarmMail="security@example.com")

    assert line.endswith("allowed: no setting of this name, but alarmEmail")


def test_all_wrong_values_are_reported_at_once() -> None:
    """Nobody has to synthesize five times to correct five values."""
    lines = _error(slackChannel="", approvers=[], minSeverityLevel=3).splitlines()

    assert [line.split(":")[0] for line in lines] == [
        "chatops.slackChannel",
        "chatops.approvers",
        "chatops.minSeverityLevel",
    ]


@pytest.mark.parametrize("missing", REQUIRED)
def test_a_required_setting_cannot_be_omitted(missing: str) -> None:
    """There is no silent default for who decides and what may be moved."""
    with pytest.raises(SettingsError, match=f"chatops.{missing}: got nothing; allowed: "):
        Settings.from_context({k: v for k, v in CHATOPS.items() if k != missing})


@given(setting=st.sampled_from([*CHATOPS, "slackApiUrl", "slackHooksUrl"]), value=_JSON)
def test_any_json_is_accepted_or_rejected_by_name(setting: str, value: Any) -> None:
    """Whatever cdk.json has, a deployer never reads a traceback."""
    try:
        Settings.from_context({**CHATOPS, setting: value})
    except SettingsError as error:
        lines = str(error).split("\n")
        assert all(line.startswith(f"chatops.{setting}") for line in lines)


@given(_JSON | st.text())
def test_any_other_context_is_rejected_in_lines(context: Any) -> None:
    """The context may be missing, a list, or text that is not JSON."""
    with pytest.raises(SettingsError, match=r"^chatops"):
        Settings.from_context(context)


def test_cdk_json_as_shipped_stops_synthesis_and_names_what_is_missing() -> None:
    """Five settings depend on the deployer. The others are correct."""
    with pytest.raises(SettingsError) as raised:
        Settings.from_context(shipped_context()["chatops"])

    lines = str(raised.value).splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "chatops.slackChannel",
        "chatops.slackAppId",
        "chatops.slackTeamId",
        "chatops.approvers",
        "chatops.monitoredBuckets",
    ]


def test_a_selection_has_json_values_under_the_names_of_cdk_json() -> None:
    """Functions read them from settings.json."""
    settings = Settings.from_context({**CHATOPS, "reminderHours": "OFF"})

    assert settings.select("approvers", "reminderHours", "reconcileHours") == {
        "approvers": ["U0123456789", "W0123456789"],
        "reminderHours": "OFF",
        "reconcileHours": None,
    }


def test_the_functions_read_the_evidence_lock_as_it_is_in_cdk_json() -> None:
    """It is the only setting that is an object of its own."""
    settings = Settings.from_context(CHATOPS)

    assert settings.select("evidenceLock") == {"evidenceLock": {"mode": "GOVERNANCE", "days": 1}}
