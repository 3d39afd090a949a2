"""Changes of what holds evidence: each one is sent to the people who receive alarms."""

from collections.abc import Mapping, Sequence

from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.ledger import Ledger
from stacks.quarantine import Quarantine

_KEY_CHANGES = ("ScheduleKeyDeletion", "DisableKey", "PutKeyPolicy", "DisableKeyRotation")
_TABLE_CHANGES = (
    "DeleteResourcePolicy",
    "DeleteTable",
    "PutResourcePolicy",
    "UpdateContinuousBackups",
    "UpdateTable",
    "UpdateTimeToLive",
)


class EvidenceChanges(Construct):
    """Rules for CloudTrail's management events about the quarantine and the ledger.

    EventBridge receives them only in an account that has a trail. A deployment that changes the
    evidence's resources is reported too.
    Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        quarantine: Quarantine,
        ledger: Ledger,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id)
        self._topic = topic
        bucket, key, table = quarantine.bucket, quarantine.key, ledger.table
        self._report(
            "Bucket",
            source="aws.s3",
            # Lifecycle, versioning, replication, encryption, policy, Object Lock, all of it.
            # https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html
            names=[
                {"prefix": "PutBucket"},
                {"prefix": "DeleteBucket"},
                "PutObjectLockConfiguration",
            ],
            parameters={"bucketName": [bucket.bucket_name]},
        )
        self._report(
            "Key",
            source="aws.kms",
            names=_KEY_CHANGES,
            parameters={"keyId": [key.key_id, key.key_arn]},
        )
        names = [table.table_name, table.table_arn]
        self._report(
            "Table",
            source="aws.dynamodb",
            names=_TABLE_CHANGES,
            parameters={"$or": [{"tableName": names}, {"resourceArn": names}]},
        )

    def _report(
        self, name: str, *, source: str, names: Sequence[object], parameters: Mapping[str, object]
    ) -> None:
        detail = {"eventName": list(names), "requestParameters": parameters}
        rule = events.Rule(
            self,
            name,
            description=f"Changes of what holds evidence: the {name.lower()}",
            event_pattern=events.EventPattern(
                source=[source], detail_type=["AWS API Call via CloudTrail"], detail=detail
            ),
        )
        rule.add_target(targets.SnsTopic(self._topic, message=_summary(name)))


def _summary(name: str) -> events.RuleTargetInput:
    """Return the text of the e-mail: who called what, when."""
    field = events.EventField.from_path
    who = f"{field('$.detail.userIdentity.arn')} from {field('$.detail.sourceIPAddress')}"
    call = f"{field('$.detail.eventName')} at {field('$.detail.eventTime')}"
    return events.RuleTargetInput.from_text(
        f"The {name.lower()} of MacieChatOps was changed, or somebody tried: {call} by {who}."
        f" CloudTrail's event is {field('$.detail.eventID')}."
    )
