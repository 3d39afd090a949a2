"""The settings: `chatops` in cdk.json's context, checked before anything is synthesized.

A setting's `description` is what it allows, as the refusal of a wrong value says.
"""

import json
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    ValidationError,
)
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

SLACK_API_URL = "https://slack.com/api/"
SLACK_HOOKS_URL = "https://hooks.slack.com/"

_LOOPBACK = r"https?://(127\.0\.0\.1|localhost)(:\d+)?/(.*/)?"


def _text(pattern: str) -> StringConstraints:
    return StringConstraints(pattern=f"^({pattern})$")


def _short(characters: int) -> AfterValidator:
    """Refuse a list that would not fit into a function's environment with all that stands there.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    """

    def check(texts: tuple[str, ...]) -> tuple[str, ...]:
        if len(json.dumps(texts)) > characters:
            raise ValueError
        return texts

    return AfterValidator(check)


FindingType = Literal[
    "SensitiveData:S3Object/Credentials",
    "SensitiveData:S3Object/CustomIdentifier",
    "SensitiveData:S3Object/Financial",
    "SensitiveData:S3Object/Multiple",
    "SensitiveData:S3Object/Personal",
]
Action = Literal["AUTO", "REVIEW", "IGNORE"]
SlackUser = Annotated[str, _text("[UW][A-Z0-9]+")]
# IAM's * matches slashes too: *-exports/* would be every bucket with a folder daily-exports.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
# Upper case and underscores are in the names of buckets older than today's rules.
BucketPattern = Annotated[
    str, _text(r"(arn:aws[a-z-]*:s3:::)?([A-Za-z0-9._-]{1,255}|[A-Za-z0-9._-]{0,254}\*)")
]
BucketName = Annotated[str, _text(r"[A-Za-z0-9._*?-]{1,255}")]
KmsKeyArn = Annotated[str, _text(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+")]
RoleArn = Annotated[str, _text(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+")]
Off = Literal["OFF"]
# A tag in brackets is left out of the name of a wrong value, as pydantic's own "[key]" is.
_OFF_OR_NUMBER = Discriminator(lambda value: "[off]" if isinstance(value, str) else "[number]")
Approvers = Annotated[
    Annotated[Literal["ANYONE_IN_CHANNEL"], Tag("[anyone]")]
    | Annotated[tuple[SlackUser, ...], Field(min_length=1), _short(800), Tag("[named]")],
    Discriminator(lambda value: "[anyone]" if isinstance(value, str) else "[named]"),
]

HourlyLimit = Annotated[
    Annotated[Off, Tag("[off]")] | Annotated[int, Field(ge=1, le=1_000_000), Tag("[number]")],
    _OFF_OR_NUMBER,
]
DigestThreshold = Annotated[
    Annotated[Off, Tag("[off]")] | Annotated[int, Field(ge=0, le=100_000), Tag("[number]")],
    _OFF_OR_NUMBER,
]
ReminderHours = Annotated[
    Annotated[Off, Tag("[off]")] | Annotated[int, Field(ge=1, le=8760), Tag("[number]")],
    _OFF_OR_NUMBER,
]


class SettingsError(Exception):
    """The settings are wrong; one line a wrong value says which, what it is and what it may be."""


class Settings(BaseModel):
    """What a deployer decides.

    CDK drops a null from its context, so null is the same as missing. Only what is safe that way
    has null for a default; a guard rail is taken away by "OFF", never by an omission.
    """

    model_config = ConfigDict(
        alias_generator=to_camel, extra="forbid", frozen=True, strict=True, allow_inf_nan=False
    )

    slack_channel: Annotated[str, _text("[CG][A-Z0-9]+")] = Field(
        description="the id of a Slack channel, such as C0123456789"
    )
    approvers: Approvers = Field(
        description='the ids of the Slack users who may decide, such as ["U0123456789"],'
        ' or "ANYONE_IN_CHANNEL"; the list is 800 characters long at most'
    )
    # As many as IAM takes in a role's policies; a bucket policy takes 20 KB of readers.
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    monitored_buckets: tuple[BucketPattern, ...] = Field(
        min_length=1,
        max_length=150,
        description="names or ARNs of the buckets that objects may be taken from, 150 at most,"
        " * at the end standing for any characters",
    )
    source_kms_key_arns: tuple[KmsKeyArn, ...] = Field(
        max_length=50,
        description="ARNs of the KMS keys that objects in the monitored buckets are encrypted"
        " with, 50 at most",
    )
    auto_remediate_config: dict[FindingType, Action] = Field(
        description="for SensitiveData:S3Object/ Credentials, CustomIdentifier, Financial, Multiple"
        ' and Personal each "AUTO", "REVIEW" or "IGNORE"; one that is not listed is reviewed',
    )
    min_severity_level: Literal["LOW", "MEDIUM", "HIGH"] = Field(
        description='"LOW", "MEDIUM" or "HIGH"'
    )
    mode: Literal["LIVE", "DRY_RUN"] = Field(
        description='"LIVE", or "DRY_RUN" to move nothing and tell what would have been moved',
    )
    protected_buckets: Annotated[tuple[BucketName, ...], _short(1200)] = Field(
        default=(),
        description="names of the buckets from which nothing is taken without an approver's"
        " decision, * and ? standing for any characters and any one; the list is 1200 characters"
        " long at most",
    )
    auto_remediation_hourly_limit: HourlyLimit = Field(
        default=100,
        description="how many objects are moved in an hour without an approver's decision, 1 to"
        ' 1000000, or "OFF" for any number; the others are reviewed',
    )
    digest_threshold: DigestThreshold = Field(
        default=30,
        description="how many findings of an hour are told one by one, 0 to 100000, or"
        ' "OFF" for all; the others are told in digests',
    )
    reconcile_hours: Annotated[int, Field(ge=1, le=168)] | None = Field(
        default=None,
        description="every how many hours Macie is asked for findings that were not delivered, 1"
        " to 168, or null for never",
    )
    reminder_hours: ReminderHours = Field(
        default=24,
        description="after how many hours without a decision the approvers are reminded, 1 to"
        ' 8760, or "OFF" for never',
    )
    quarantine_readers: tuple[RoleArn, ...] = Field(
        max_length=50,
        description="ARNs of the IAM roles that may read quarantined objects, 50 at most",
    )
    quarantine_retention_days: Annotated[int, Field(ge=1, le=36500)] | None = Field(
        default=None,
        description="a whole number of days, 1 to 36500, or null to keep quarantined objects"
        " for ever",
    )
    quarantine_versions: Literal["FINDING", "ALL"] = Field(
        default="FINDING",
        description='"FINDING" to move the version that Macie saw, or "ALL" to move every version'
        " of its key",
    )
    multipart_threshold: Annotated[int, Field(ge=5_242_880, le=5_000_000_000)] = Field(
        default=5_000_000_000,
        description="bytes from which on an object is copied in parts, 5242880 to 5000000000",
    )
    alarm_email: Annotated[str, _text(r"[^@\s]+@[^@\s]+\.[^@\s]+")] | None = Field(
        default=None, description="the e-mail address that alarms go to, or null for none"
    )
    slack_api_url: Annotated[str, _text(f"https://slack\\.com/api/|{_LOOPBACK}")] = Field(
        default=SLACK_API_URL,
        description=f"{SLACK_API_URL}, or in a sandbox a loopback URL that ends in /",
    )
    slack_hooks_url: Annotated[str, _text(f"https://hooks\\.slack\\.com/|{_LOOPBACK}")] = Field(
        default=SLACK_HOOKS_URL,
        description=f"{SLACK_HOOKS_URL}, or in a sandbox a loopback URL that ends in /",
    )

    @classmethod
    def from_context(cls, context: Any) -> "Settings":
        """Read the value of `chatops`: an object from cdk.json, or JSON text from `cdk -c`.

        Raises:
            SettingsError: something is wrong, all of which it tells.
        """
        text = context if isinstance(context, str) else json.dumps(context)
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise SettingsError("\n".join(_lines(error.errors()))) from None


_FIELDS = {to_camel(name): field for name, field in Settings.model_fields.items()}


def _lines(errors: list[ErrorDetails]) -> Iterator[str]:
    for error in errors:
        if error["type"] == "too_short" and error["input"]:
            continue  # each of its wrong elements has a line
        got = "nothing" if error["type"] == "missing" else json.dumps(error["input"])
        yield f"chatops{_path(error['loc'])}: got {got}; allowed: {_allowed(error['loc'])}"


def _path(location: tuple[int | str, ...]) -> str:
    return "".join(_step(part) for part in location)


def _step(part: int | str) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    # Without the quotes that JSON puts around it; a line stays a line.
    return "" if part.startswith("[") else f".{json.dumps(part)[1:-1]}"


def _allowed(location: tuple[int | str, ...]) -> str:
    if not location:
        return f"an object of the settings {', '.join(_FIELDS)}"
    name = str(location[0])
    if name in _FIELDS:
        return _FIELDS[name].description or ""
    near = get_close_matches(name, _FIELDS, n=1)
    return f"no setting of this name, but {', '.join(near or _FIELDS)}"
