"""Settings: what is accepted, and the one line that each wrong value gets."""

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacks.settings import Settings, SettingsError
from tests.stacks.synthesis import CHATOPS, ROOT, shipped_context

REQUIRED = (
    "slackChannel",
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


def _refusal(**changed: Any) -> str:
    with pytest.raises(SettingsError) as refused:
        Settings.from_context({**CHATOPS, **changed})
    return str(refused.value)


def test_settings_are_read_from_an_object_and_from_its_json_text_alike() -> None:
    """cdk.json gives an object, `cdk -c chatops=...` a text."""
    assert Settings.from_context(CHATOPS) == Settings.from_context(json.dumps(CHATOPS))


def test_anyone_in_the_channel_may_be_chosen_by_name() -> None:
    """It takes the word; no empty list means it."""
    settings = Settings.from_context({**CHATOPS, "approvers": "ANYONE_IN_CHANNEL"})

    assert settings.approvers == "ANYONE_IN_CHANNEL"


def test_what_is_optional_has_the_value_that_is_safest() -> None:
    """Nothing expires, guard rails stand, and it is Slack itself that is called."""
    required = {name: CHATOPS[name] for name in REQUIRED}
    settings = Settings.from_context(required)

    assert settings.quarantine_retention_days is None
    assert settings.alarm_email is None
    assert settings.quarantine_versions == "FINDING"
    assert settings.auto_remediation_hourly_limit == 100
    assert settings.digest_threshold == 30
    assert settings.reminder_hours == 24
    assert settings.slack_api_url == "https://slack.com/api/"
    assert settings.slack_hooks_url == "https://hooks.slack.com/"


@pytest.mark.parametrize("name", ["autoRemediationHourlyLimit", "digestThreshold", "reminderHours"])
def test_a_guard_rail_is_taken_away_by_a_word_only(name: str) -> None:
    """CDK drops a null, which would then be the same as an omission."""
    assert Settings.from_context({**CHATOPS, name: "OFF"}).model_dump(by_alias=True)[name] == "OFF"
    assert _refusal(**{name: None}).startswith(f"chatops.{name}: got null; allowed: ")


def test_a_sandbox_may_stand_in_for_slack_on_loopback() -> None:
    """The two addresses are the only thing that the sandbox changes."""
    url = "http://127.0.0.1:5000/api/"

    assert Settings.from_context({**CHATOPS, "slackApiUrl": url}).slack_api_url == url


def test_settings_cannot_be_changed() -> None:
    """Whoever is handed them may count on them."""
    settings = Settings.from_context(CHATOPS)

    with pytest.raises(ValueError, match="frozen"):
        settings.slack_channel = "C9"


@pytest.mark.parametrize(
    ("setting", "value", "named", "got"),
    [
        ("slackChannel", "", "slackChannel", '""'),
        ("slackChannel", "#security", "slackChannel", '"#security"'),
        ("slackChannel", "C0123456789\n", "slackChannel", r'"C0123456789\n"'),
        ("approvers", [], "approvers", "[]"),
        ("approvers", "anyone", "approvers", '"anyone"'),
        ("approvers", ["U1", "jane"], "approvers[1]", '"jane"'),
        ("monitoredBuckets", [], "monitoredBuckets", "[]"),
        ("monitoredBuckets", "hr", "monitoredBuckets", '"hr"'),
        ("monitoredBuckets", ["hr/2026"], "monitoredBuckets[0]", '"hr/2026"'),
        ("monitoredBuckets", ["*-exports"], "monitoredBuckets[0]", '"*-exports"'),
        ("monitoredBuckets", ["arn:aws:s3:::hr*x*"], "monitoredBuckets[0]", '"arn:aws:s3:::hr*x*"'),
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
        ("quarantineRetentionDays", True, "quarantineRetentionDays", "true"),
        ("quarantineRetentionDays", 0, "quarantineRetentionDays", "0"),
        ("quarantineRetentionDays", "30", "quarantineRetentionDays", '"30"'),
        ("reminderHours", "off", "reminderHours", '"off"'),
        ("reminderHours", 0, "reminderHours", "0"),
        ("digestThreshold", 0.5, "digestThreshold", "0.5"),
        ("autoRemediationHourlyLimit", 0, "autoRemediationHourlyLimit", "0"),
        ("mode", "DRY", "mode", '"DRY"'),
        ("alarmEmail", "security", "alarmEmail", '"security"'),
        ("approvers", [f"U0{n:09}" for n in range(54)], "approvers", '["U0000000000"'),
        ("protectedBuckets", [f"{n:063}" for n in range(20)], "protectedBuckets", '["000'),
        ("monitoredBuckets", [f"{n:03}" for n in range(151)], "monitoredBuckets", '["000"'),
        ("slackApiUrl", "https://example.com/", "slackApiUrl", '"https://example.com/"'),
        ("slackApiUrl", "http://localhost@evil.com/", "slackApiUrl", '"http://localhost@'),
        ("slackHooksUrl", "http://127.0.0.1:80", "slackHooksUrl", '"http://127.0.0.1:80"'),
        ("minSeverity", "LOW", "minSeverity", '"LOW"'),
    ],
)
def test_a_wrong_value_gets_one_line_with_its_name_and_what_it_is(
    setting: str, value: Any, named: str, got: str
) -> None:
    """And nothing that is right is mentioned."""
    assert _refusal(**{setting: value}).startswith(f"chatops.{named}: got {got}")
    assert _refusal(**{setting: value}).count("\n") == 0


@pytest.mark.parametrize("name", ["*", "hr-*", "hr", "Old_Bucket.1", "arn:aws-cn:s3:::hr-*"])
def test_a_bucket_has_its_name_or_all_that_begin_alike_have(name: str) -> None:
    """IAM's * matches a slash too: *-exports/* would be every bucket with a folder daily-exports.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    """
    settings = Settings.from_context({**CHATOPS, "monitoredBuckets": [name]})

    assert settings.monitored_buckets == (name,)


def test_the_line_says_what_is_allowed() -> None:
    """Whoever reads it need not look it up."""
    assert _refusal(minSeverityLevel="low").endswith('allowed: "LOW", "MEDIUM" or "HIGH"')


def test_a_misspelt_setting_is_answered_with_the_one_that_was_meant() -> None:
    """Its value would have been ignored otherwise."""
    line = _refusal(alarmMail="security@example.com")

    assert line.endswith("allowed: no setting of this name, but alarmEmail")


def test_all_wrong_values_are_told_at_once() -> None:
    """Nobody has to synthesize five times to fix five values."""
    lines = _refusal(slackChannel="", approvers=[], minSeverityLevel=3).splitlines()

    assert [line.split(":")[0] for line in lines] == [
        "chatops.slackChannel",
        "chatops.approvers",
        "chatops.minSeverityLevel",
    ]


@pytest.mark.parametrize("missing", REQUIRED)
def test_a_setting_that_must_be_chosen_cannot_be_left_out(missing: str) -> None:
    """There is no silent default for whom to ask and what to touch."""
    with pytest.raises(SettingsError, match=f"chatops.{missing}: got nothing; allowed: "):
        Settings.from_context({k: v for k, v in CHATOPS.items() if k != missing})


@given(setting=st.sampled_from([*CHATOPS, "slackApiUrl", "slackHooksUrl"]), value=_JSON)
def test_any_other_json_is_accepted_or_refused_by_name(setting: str, value: Any) -> None:
    """Whatever stands in cdk.json, the answer is a line and never a traceback."""
    try:
        Settings.from_context({**CHATOPS, setting: value})
    except SettingsError as error:
        lines = str(error).split("\n")
        assert all(line.startswith(f"chatops.{setting}") for line in lines)


@given(_JSON | st.text())
def test_any_other_context_is_refused_in_lines(context: Any) -> None:
    """Nothing at all, a list, or text that is not JSON."""
    with pytest.raises(SettingsError, match=r"^chatops"):
        Settings.from_context(context)


def test_cdk_json_as_shipped_stops_synthesis_and_names_what_to_fill_in() -> None:
    """The three that only the deployer knows; and nothing else is wrong with it."""
    with pytest.raises(SettingsError) as refused:
        Settings.from_context(shipped_context()["chatops"])

    lines = str(refused.value).splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "chatops.slackChannel",
        "chatops.approvers",
        "chatops.monitoredBuckets",
    ]


def test_app_ends_with_the_lines_and_no_traceback() -> None:
    """A deployer reads what is wrong, and nothing of Python."""
    ended = subprocess.run(
        [sys.executable, "app.py"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert ended.returncode == 1
    assert "chatops: got null; allowed: an object of the settings slackChannel" in ended.stderr
    assert "Traceback" not in ended.stderr
