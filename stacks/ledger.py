"""The ledger: a table with one item a finding, kept when the stack is deleted."""

from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from stacks.handler_function import HandlerFunction
from stacks.policies import KEEP_EVIDENCE


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
            global_secondary_indexes=[
                # All findings on one object: what one of them had quarantined concerns the others.
                dynamodb.GlobalSecondaryIndexPropsV2(
                    index_name="byObject",
                    partition_key=dynamodb.Attribute(
                        name="object_id", type=dynamodb.AttributeType.STRING
                    ),
                ),
                # Items with something due; an item leaves the index when nothing is.
                dynamodb.GlobalSecondaryIndexPropsV2(
                    index_name="byDueTime",
                    partition_key=dynamodb.Attribute(
                        name="due_for", type=dynamodb.AttributeType.STRING
                    ),
                    sort_key=dynamodb.Attribute(name="due_at", type=dynamodb.AttributeType.NUMBER),
                    projection_type=dynamodb.ProjectionType.KEYS_ONLY,
                ),
                # The findings of a digest, with what its message shows of each.
                dynamodb.GlobalSecondaryIndexPropsV2(
                    index_name="byDigest",
                    partition_key=dynamodb.Attribute(
                        name="digest_id", type=dynamodb.AttributeType.STRING
                    ),
                    sort_key=dynamodb.Attribute(
                        name="digest_status", type=dynamodb.AttributeType.STRING
                    ),
                    projection_type=dynamodb.ProjectionType.INCLUDE,
                    non_key_attributes=["summary"],
                ),
            ],
            # Only the hourly counters have this attribute, findings do not.
            time_to_live_attribute="expires",
            removal_policy=KEEP_EVIDENCE,
        )

    def grant_read_write(self, function: HandlerFunction) -> None:
        """Allow `function` to read and write single items."""
        function.add_environment("LEDGER_TABLE", self.table.table_name)
        function.allow(
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            on=[self.table.table_arn],
        )

    def grant_queries(self, finding_handler: HandlerFunction) -> None:
        """Allow `finding_handler` to find what is due, a digest's findings, and unknown ones."""
        finding_handler.allow("dynamodb:BatchGetItem", on=[self.table.table_arn])
        finding_handler.allow(
            "dynamodb:Query", on=[self._index("byDueTime"), self._index("byDigest")]
        )

    def grant_leases(self, remediator: HandlerFunction) -> None:
        """Allow `remediator` to delete its leases and to find other findings on an object."""
        remediator.allow("dynamodb:DeleteItem", on=[self.table.table_arn])
        remediator.allow("dynamodb:Query", on=[self._index("byObject")])

    def _index(self, name: str) -> str:
        return f"{self.table.table_arn}/index/{name}"
