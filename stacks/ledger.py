"""The ledger: a table with one item a finding, kept when the stack is deleted."""

from collections.abc import Sequence

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.handler_function import HandlerFunction

_TABLE_ALONE = "*"
"""The resource in the table's own policy: its ARN would make the table depend on itself."""


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
            deletion_protection=True,
            # A protected table cannot be deleted when the very first deployment fails either.
            removal_policy=RemovalPolicy.RETAIN,
        )

    def grant_read_write(self, function: HandlerFunction, *, but: Sequence[str]) -> None:
        """Allow `function` to read single items, and to write those whose id is not like `but`."""
        function.add_environment("LEDGER_TABLE", self.table.table_name)
        function.allow("dynamodb:GetItem", on=[self.table.table_arn])
        function.allow(
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            on=[self.table.table_arn],
            when={"ForAllValues:StringNotLike": {"dynamodb:LeadingKeys": [*but]}},
        )

    def grant_queries(self, finding_handler: HandlerFunction) -> None:
        """Allow `finding_handler` to find what is due, a digest's findings, and unknown ones."""
        finding_handler.allow("dynamodb:BatchGetItem", on=[self.table.table_arn])
        finding_handler.allow(
            "dynamodb:Query", on=[self._index("byDueTime"), self._index("byDigest")]
        )

    def grant_leases(self, remediator: HandlerFunction) -> None:
        """Allow `remediator` to delete its leases and to find other findings on an object."""
        remediator.allow(
            "dynamodb:DeleteItem",
            on=[self.table.table_arn],
            when={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["lease#*"]}},
        )
        remediator.allow("dynamodb:Query", on=[self._index("byObject")])

    def restrict_to(
        self, writers: Sequence[HandlerFunction], *, remediator: HandlerFunction
    ) -> None:
        """Deny writes to everybody but `writers`, administrators included.

        Only `remediator` deletes items. Nobody writes in batches or with PartiQL. CloudFormation
        can still manage the table. The service-linked role of replication is denied too, so that no
        replica can write into this table.
        Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/rbac-considerations.html
        """
        self._deny("WritersOnly", "PutItem", "UpdateItem", but=writers)
        self._deny("RemediatorOnly", "DeleteItem", but=[remediator])
        self._deny("Nobody", "BatchWriteItem", "PartiQLInsert", "PartiQLUpdate", "PartiQLDelete")

    def _deny(self, sid: str, *actions: str, but: Sequence[HandlerFunction] = ()) -> None:
        roles = [function.execution_role.role_arn for function in but]
        self.table.add_to_resource_policy(
            iam.PolicyStatement(
                sid=sid,
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=[f"dynamodb:{action}" for action in actions],
                resources=[_TABLE_ALONE],
                conditions={"ArnNotEquals": {"aws:PrincipalArn": roles}} if roles else None,
            )
        )

    def _index(self, name: str) -> str:
        return f"{self.table.table_arn}/index/{name}"
