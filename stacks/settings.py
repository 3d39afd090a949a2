"""The settings: `chatops` in cdk.json's context, validated before anything is synthesized.

A field's `description` names the values that it allows. The error about a wrong value quotes it.
"""

import json
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

SLACK_API_URL = "https://slack.com/api/"
SLACK_HOOKS_URL = "https://hooks.slack.com/"

_LOOPBACK = r"https?://(127\.0\.0\.1|localhost)(:\d+)?/(.*/)?"


def _matching(pattern: str) -> StringConstraints:
    return StringConstraints(pattern=f"^({pattern})$")


FindingType = Literal[
    "SensitiveData:S3Object/Credentials",
    "SensitiveData:S3Object/CustomIdentifier",
    "SensitiveData:S3Object/Financial",
    "SensitiveData:S3Object/Multiple",
    "SensitiveData:S3Object/Personal",
]
Action = Literal["AUTO", "REVIEW", "IGNORE"]
SlackUser = Annotated[str, _matching("[UW][A-Z0-9]+")]
# IAM's * matches slashes too: *-exports/* would match every bucket with a folder daily-exports.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
# Buckets that are older than today's rules may have upper case and underscores in their names.
# A bare * would let one wrong record reach every bucket of the account.
BucketPattern = Annotated[
    str,
    _matching(
        r"(arn:aws[a-z-]*:s3:::)?[A-Za-z0-9._-]([A-Za-z0-9._-]{0,254}|[A-Za-z0-9._-]{0,253}\*)"
    ),
]
BucketName = Annotated[str, _matching(r"[A-Za-z0-9._*?-]{1,255}")]
KmsKeyArn = Annotated[str, _matching(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+")]
RoleArn = Annotated[str, _matching(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+")]
Off = Literal["OFF"]
# Tags have brackets so that _path can leave them out, like pydantic's own "[key]".
_OFF_OR_NUMBER = Discriminator(lambda value: "[off]" if isinstance(value, str) else "[number]")
Approvers = Annotated[
    Annotated[Literal["ANYONE_IN_CHANNEL"], Tag("[anyone]")]
    | Annotated[tuple[SlackUser, ...], Field(min_length=1), Tag("[named]")],
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
ConcurrentRemediations = Annotated[int, Field(ge=2, le=1000)]
ReminderHours = Annotated[
    Annotated[Off, Tag("[off]")] | Annotated[int, Field(ge=1, le=8760), Tag("[number]")],
    _OFF_OR_NUMBER,
]


class SettingsError(Exception):
    """Settings are wrong: one line for each, with its name, its value and the allowed values."""


class EvidenceLock(BaseModel):
    """S3 Object Lock for copies in quarantine."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    mode: Literal["GOVERNANCE", "COMPLIANCE"]
    days: Annotated[int, Field(ge=1, le=36500)]


class Settings(BaseModel):
    """The deployer's decisions.

    CDK drops null values from its context, so null means the same as missing. Only a setting that
    is safe without a value has null as its default. A guard rail is removed by "OFF" only.
    """

    model_config = ConfigDict(
        alias_generator=to_camel, extra="forbid", frozen=True, strict=True, allow_inf_nan=False
    )

    slack_channel: Annotated[str, _matching("[CG][A-Z0-9]+")] = Field(
        description="the id of a Slack channel, such as C0123456789"
    )
    slack_app_id: Annotated[str, _matching("A[A-Z0-9]+")] = Field(
        description="the id of the Slack app, such as A0123456789"
    )
    slack_team_id: Annotated[str, _matching("[TE][A-Z0-9]+")] = Field(
        description="the id of the Slack workspace, such as T0123456789, or of the organization"
        " (E0123456789) if the app is installed in all of its workspaces"
    )
    approvers: Approvers = Field(
        description='the ids of the Slack users who may decide, such as ["U0123456789"],'
        ' or "ANYONE_IN_CHANNEL"'
    )
    # The quotas of a role's policies; quarantineReaders: of a bucket policy's 20 KB.
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    monitored_buckets: tuple[BucketPattern, ...] = Field(
        min_length=1,
        max_length=150,
        description="names or ARNs of the buckets that objects may be moved from, 150 at most;"
        " * after the beginning of a name matches any characters",
    )
    source_kms_key_arns: tuple[KmsKeyArn, ...] = Field(
        max_length=50,
        description="ARNs of the KMS keys that encrypt objects in the monitored buckets, 50 at"
        " most",
    )
    auto_remediate_config: dict[FindingType, Action] = Field(
        description='"AUTO", "REVIEW" or "IGNORE" for each of SensitiveData:S3Object/ Credentials,'
        " CustomIdentifier, Financial, Multiple and Personal; a type that is missing is reviewed",
    )
    min_severity_level: Literal["LOW", "MEDIUM", "HIGH"] = Field(
        description='"LOW", "MEDIUM" or "HIGH"'
    )
    mode: Literal["LIVE", "DRY_RUN"] = Field(
        description='"LIVE", or "DRY_RUN" to move nothing and only report what would be moved',
    )
    protected_buckets: tuple[BucketName, ...] = Field(
        default=(),
        description="names of the buckets from which nothing is moved without an approver's"
        " decision; * matches any characters, ? a single one",
    )
    auto_remediation_hourly_limit: HourlyLimit = Field(
        default=100,
        description="how many objects may be moved in an hour without an approver's decision, 1 to"
        ' 1000000, or "OFF" for no limit; the others are reviewed',
    )
    auto_remediation_bucket_hourly_limit: HourlyLimit = Field(
        default=50,
        description="how many objects of one bucket may be moved in an hour without an approver's"
        ' decision, 1 to 1000000, or "OFF" for no limit; the others are reviewed',
    )
    max_concurrent_remediations: ConcurrentRemediations = Field(
        default=10,
        description="how many remediations of the policy and of bulk actions run at a time, 2 to"
        " 1000",
    )
    digest_threshold: DigestThreshold = Field(
        default=30,
        description="how many findings in an hour get a message of their own, 0 to 100000, or"
        ' "OFF" for all; the others share the messages of digests',
    )
    reconcile_hours: Annotated[int, Field(ge=1, le=168)] | None = Field(
        default=None,
        description="interval in hours at which Macie is queried for findings that were not"
        " delivered, 1 to 168, or null for never",
    )
    reminder_hours: ReminderHours = Field(
        default=24,
        description="hours without a decision after which the approvers are reminded, 1 to 8760,"
        ' or "OFF" for never',
    )
    quarantine_readers: tuple[RoleArn, ...] = Field(
        max_length=50,
        description="ARNs of the IAM roles that may read quarantined objects, 50 at most",
    )
    quarantine_retention_days: Annotated[int, Field(ge=1, le=36500)] | None = Field(
        default=None,
        description="a whole number of days, 1 to 36500, or null to keep quarantined objects"
        " forever",
    )
    evidence_lock: EvidenceLock | None = Field(
        default=None,
        description='null, or {"mode": "GOVERNANCE" or "COMPLIANCE", "days": 1 to 36500}: S3 Object'
        " Lock for quarantined objects; no more days than quarantineRetentionDays",
    )
    restored_copy_days: Annotated[int, Field(ge=0, le=3650)] = Field(
        default=7,
        description="how many days the quarantined copy of a restored object is kept, 0 to 3650",
    )
    quarantine_versions: Literal["FINDING", "ALL"] = Field(
        default="FINDING",
        description='"FINDING" to move the version that Macie analyzed, or "ALL" to move every'
        " version of its key",
    )
    multipart_threshold: Annotated[int, Field(ge=5_242_880, le=5_000_000_000)] = Field(
        default=5_000_000_000,
        description="size in bytes from which an object is copied in parts, 5242880 to 5000000000",
    )
    operator_roles: tuple[RoleArn, ...] = Field(
        default=(),
        max_length=5,
        description="ARNs of the IAM roles that may send to the queues, as `make redrive` does, 5"
        " at most",
    )
    alarm_email: Annotated[str, _matching(r"[^@\s]+@[^@\s]+\.[^@\s]+")] | None = Field(
        default=None, description="the e-mail address that receives alarms, or null for none"
    )
    slack_api_url: Annotated[str, _matching(f"https://slack\\.com/api/|{_LOOPBACK}")] = Field(
        default=SLACK_API_URL,
        description=f"{SLACK_API_URL}, or in a sandbox a loopback URL that ends in /",
    )
    slack_hooks_url: Annotated[str, _matching(f"https://hooks\\.slack\\.com/|{_LOOPBACK}")] = Field(
        default=SLACK_HOOKS_URL,
        description=f"{SLACK_HOOKS_URL}, or in a sandbox a loopback URL that ends in /",
    )

    @field_validator("evidence_lock")
    @classmethod
    def _end_before_retention(
        cls, lock: EvidenceLock | None, info: ValidationInfo
    ) -> EvidenceLock | None:
        """Refuse a lock that outlasts the lifecycle, which would fail to delete what is locked."""
        retention = info.data.get("quarantine_retention_days")
        if lock is not None and retention is not None and lock.days > retention:
            raise ValueError("the lock is longer than the retention")
        return lock

    @classmethod
    def from_context(cls, context: Any) -> "Settings":
        """Validate the value of `chatops`: an object from cdk.json, or JSON text from `cdk -c`.

        Raises:
            SettingsError: values are wrong; the error has a line for each of them.
        """
        text = context if isinstance(context, str) else json.dumps(context)
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise SettingsError("\n".join(_lines(error.errors()))) from None

    def select(self, *names: str) -> dict[str, Any]:
        """Return some settings as JSON values, under the `names` that they have in cdk.json."""
        values = self.model_dump(mode="json", by_alias=True)
        return {name: values[name] for name in names}


_FIELDS = {to_camel(name): field for name, field in Settings.model_fields.items()}


def _lines(errors: list[ErrorDetails]) -> Iterator[str]:
    for error in errors:
        if error["type"] == "too_short" and error["input"]:
            continue  # its wrong elements have a line each
        got = "nothing" if error["type"] == "missing" else json.dumps(error["input"])
        yield f"chatops{_path(error['loc'])}: got {got}; allowed: {_allowed(error['loc'])}"


def _path(location: tuple[int | str, ...]) -> str:
    return "".join(_path_part(part) for part in location)


def _path_part(part: int | str) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    # JSON escapes line breaks: one wrong value is one line.
    return "" if part.startswith("[") else f".{json.dumps(part)[1:-1]}"


def _allowed(location: tuple[int | str, ...]) -> str:
    if not location:
        return f"an object of the settings {', '.join(_FIELDS)}"
    name = str(location[0])
    if name in _FIELDS:
        return _FIELDS[name].description or ""
    similar = get_close_matches(name, _FIELDS, n=1)
    return f"no setting of this name, but {', '.join(similar or _FIELDS)}"
