"""What the three functions have in common."""

from collections.abc import Iterable, Mapping
from typing import Any

from aws_cdk import Acknowledgment, Duration, Stack, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.packaging import ARCHITECTURE, DependencyLayer, function_code, python_runtime
from stacks.policies import KEEP_EVIDENCE


class HandlerFunction(lambda_.Function):
    """A package of lambdas/ as a Lambda function that may write its own log, and no more yet.

    `settings` ship as settings.json in its asset. `environment` names what the deployment created.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        package: str,
        description: str,
        dependencies: DependencyLayer,
        memory_mb: int,
        timeout: Duration,
        settings: Mapping[str, object],
        environment: Mapping[str, str],
        may_invoke_itself: bool = False,
    ) -> None:
        # The log has the audit trail.
        log_group = logs.LogGroup(
            scope,
            f"{construct_id}Log",
            retention=logs.RetentionDays.SIX_MONTHS,
            removal_policy=KEEP_EVIDENCE,
        )
        # A role of our own: the policy that CDK would attach allows writing to every log.
        self.execution_role = iam.Role(
            scope, f"{construct_id}Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com")
        )
        super().__init__(
            scope,
            construct_id,
            description=description,
            runtime=python_runtime(),
            architecture=ARCHITECTURE,
            code=function_code(package, settings),
            layers=[dependencies],
            handler=f"lambdas.{package}.handler.lambda_handler",
            role=self.execution_role,
            log_group=log_group,
            memory_size=memory_mb,
            timeout=timeout,
            # Lambda would stop a chain of invocations through a queue after 16.
            # https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
            recursive_loop=lambda_.RecursiveLoop.ALLOW if may_invoke_itself else None,
            environment={
                **environment,
                "POWERTOOLS_METRICS_NAMESPACE": Stack.of(scope).stack_name,
                "POWERTOOLS_SERVICE_NAME": package,
                "POWERTOOLS_LOG_LEVEL": "INFO",
            },
        )
        log_group.grant_write(self)
        Validations.of(self).acknowledge(
            Acknowledgment(
                id="AwsSolutions-L1",
                reason="The functions run the Python that deploys; .python-version is the latest",
            )
        )

    def allow(
        self, *actions: str, on: list[str], when: Mapping[str, Mapping[str, object]] | None = None
    ) -> None:
        """Allow the function's role `actions` on the resources with the ARNs `on`."""
        self.add_to_role_policy(
            iam.PolicyStatement(actions=list(actions), resources=on, conditions=when)
        )

    def acknowledge_wildcards(self, resources: Iterable[str], *, reason: str) -> None:
        """Acknowledge cdk-nag's rule on `resources`, ARNs with wildcards, for `reason`."""
        for resource in resources:
            name = _name_in_nag(self.stack.resolve(resource))
            Validations.of(self.execution_role).acknowledge(
                Acknowledgment(id=f"AwsSolutions-IAM5[Resource::{name}]", reason=reason)
            )


def _name_in_nag(value: Any) -> str:
    """Return a resolved ARN as cdk-nag writes it: a reference in angle brackets."""
    match value:
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
        case {"Fn::Join": ["", parts]}:
            return "".join(_name_in_nag(part) for part in parts)
        case _:
            return str(value)
