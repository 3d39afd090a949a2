"""The ledger: one item a finding, which outlives the stack."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct


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
                )
            ],
            removal_policy=RemovalPolicy.RETAIN,
        )
