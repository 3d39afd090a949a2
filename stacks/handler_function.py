"""What the three functions have in common."""

from collections.abc import Iterable, Mapping
from typing import Any

from aws_cdk import Acknowledgment, Duration, RemovalPolicy, Stack, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.bundling import handler_code


class HandlerFunction(lambda_.Function):
    """A handler package as a Lambda function, which may write its own log and no more."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        package: str,
        description: str,
        memory_mb: int,
        timeout: Duration,
        environment: Mapping[str, str],
        may_call_itself: bool = False,
    ) -> None:
        log_group = logs.LogGroup(
            scope,
            f"{construct_id}Log",
            retention=logs.RetentionDays.SIX_MONTHS,
            removal_policy=RemovalPolicy.DESTROY,
        )
        # A role of our own: the policy that CDK would give it may write every log there is.
        self.own_role = iam.Role(
            scope, f"{construct_id}Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com")
        )
        super().__init__(
            scope,
            construct_id,
            description=description,
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            code=handler_code(package),
            handler=f"lambdas.{package}.handler.lambda_handler",
            role=self.own_role,
            log_group=log_group,
            memory_size=memory_mb,
            timeout=timeout,
            # Lambda would stop a chain of calls through a queue after 16.
            # https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
            recursive_loop=lambda_.RecursiveLoop.ALLOW if may_call_itself else None,
            environment={
                **environment,
                "POWERTOOLS_METRICS_NAMESPACE": Stack.of(scope).stack_name,
                "POWERTOOLS_SERVICE_NAME": package,
                "POWERTOOLS_LOG_LEVEL": "INFO",
            },
        )
        log_group.grant_write(self)

    def run_asynchronously(self, *, on_failure: sqs.IQueue) -> None:
        """Retry a failed asynchronous call twice, then leave it in `on_failure`."""
        self.configure_async_invoke(
            retry_attempts=2, on_failure=destinations.SqsDestination(on_failure)
        )

    def allow(
        self, *actions: str, on: list[str], when: Mapping[str, Mapping[str, str]] | None = None
    ) -> None:
        """Let the function's role do `actions` to the resources with these ARNs."""
        self.add_to_role_policy(
            iam.PolicyStatement(actions=list(actions), resources=on, conditions=when)
        )

    def acknowledge_wildcards(self, resources: Iterable[str], *, reason: str) -> None:
        """Tell cdk-nag why being allowed `resources`, ARNs with wildcards, is not too much."""
        for resource in resources:
            spelt = _as_nag_spells_it(self.stack.resolve(resource))
            Validations.of(self.own_role).acknowledge(
                Acknowledgment(id=f"AwsSolutions-IAM5[Resource::{spelt}]", reason=reason)
            )


def _as_nag_spells_it(value: Any) -> str:
    match value:
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
        case {"Fn::Join": ["", parts]}:
            return "".join(_as_nag_spells_it(part) for part in parts)
        case _:
            return str(value)
