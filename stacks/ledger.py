"""The ledger: one item a finding, which outlives the stack."""

from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from stacks.handler_function import HandlerFunction
from stacks.quarantine import EVIDENCE


class Ledger(Construct):
    """The table of findings and their decisions."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.table = dynamodb.TableV2(
            self,
            "Table",
            partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
            billing=dynamodb.Billing.on_demand(),
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            # Findings on the very same object: what one had quarantined, another must not miss.
            global_secondary_indexes=[
                dynamodb.GlobalSecondaryIndexPropsV2(
                    index_name="byObject",
                    partition_key=dynamodb.Attribute(
                        name="object_id", type=dynamodb.AttributeType.STRING
                    ),
                ),
                # What is to be told again or reminded of; only such findings are in it.
                dynamodb.GlobalSecondaryIndexPropsV2(
                    index_name="byDueTime",
                    partition_key=dynamodb.Attribute(
                        name="due_for", type=dynamodb.AttributeType.STRING
                    ),
                    sort_key=dynamodb.Attribute(name="due_at", type=dynamodb.AttributeType.NUMBER),
                    projection_type=dynamodb.ProjectionType.KEYS_ONLY,
                ),
                dynamodb.GlobalSecondaryIndexPropsV2(
                    index_name="byDigest",
                    partition_key=dynamodb.Attribute(
                        name="digest_id", type=dynamodb.AttributeType.STRING
                    ),
                    sort_key=dynamodb.Attribute(
                        name="digest_status", type=dynamodb.AttributeType.STRING
                    ),
                    projection_type=dynamodb.ProjectionType.INCLUDE,
                    non_key_attributes=["gist"],
                ),
            ],
            # Of the counters that make the hourly limit; findings have no such attribute.
            time_to_live_attribute="expires",
            removal_policy=EVIDENCE,
        )

    def connect(self, function: HandlerFunction) -> None:
        """Let `function` read and write items."""
        function.add_environment("LEDGER_TABLE", self.table.table_name)
        function.allow(
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            on=[self.table.table_arn],
        )

    def grant_agenda(self, finding_handler: HandlerFunction) -> None:
        """Let `finding_handler` look for what is due, for a digest's findings, and for unknowns."""
        finding_handler.allow("dynamodb:BatchGetItem", on=[self.table.table_arn])
        finding_handler.allow(
            "dynamodb:Query", on=[self._index("byDueTime"), self._index("byDigest")]
        )

    def grant_claims(self, remediator: HandlerFunction) -> None:
        """Let `remediator` give up its claims, and look for other findings on an object."""
        remediator.allow("dynamodb:DeleteItem", on=[self.table.table_arn])
        remediator.allow("dynamodb:Query", on=[self._index("byObject")])

    def _index(self, name: str) -> str:
        return f"{self.table.table_arn}/index/{name}"
