"""Step 5: the one address that Slack calls with a click."""

import json
from typing import cast

from aws_cdk import Acknowledgment, RemovalPolicy, Validations
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

_PATH = "/slack/interactivity"

# Who called and what came of it; a body, which holds people's names, is never among these.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
_LOGGED = {
    "requestId": "$context.requestId",
    "time": "$context.requestTime",
    "sourceIp": "$context.identity.sourceIp",
    "route": "$context.routeKey",
    "status": "$context.status",
    "latencyMs": "$context.responseLatency",
    "error": "$context.integrationErrorMessage",
}


class SlackEndpoint(Construct):
    """An HTTP API of one route, throttled and access-logged."""

    def __init__(self, scope: Construct, construct_id: str, *, handler: lambda_.IFunction) -> None:
        super().__init__(scope, construct_id)
        api = apigateway.HttpApi(self, "Api", create_default_stage=False)
        api.add_routes(
            path=_PATH,
            methods=[apigateway.HttpMethod.POST],
            integration=integrations.HttpLambdaIntegration("Integration", handler),
        )
        stage = apigateway.HttpStage(
            self,
            "Stage",
            http_api=api,
            stage_name="$default",
            auto_deploy=True,
            # People click a few times a minute; a flood shall not become a flood of invocations.
            throttle=apigateway.ThrottleSettings(rate_limit=10, burst_limit=20),
        )
        self._log_accesses(stage)
        self.request_url = f"{api.api_endpoint}{_PATH}"
        Validations.of(api).acknowledge(
            Acknowledgment(
                id="AwsSolutions-APIG4",
                reason="Slack signs its requests and can't do more; the handler verifies it first",
            )
        )

    def _log_accesses(self, stage: apigateway.HttpStage) -> None:
        log = logs.LogGroup(
            self,
            "AccessLog",
            retention=logs.RetentionDays.SIX_MONTHS,
            removal_policy=RemovalPolicy.DESTROY,
        )
        resource = cast("apigateway.CfnStage", stage.node.default_child)
        resource.access_log_settings = apigateway.CfnStage.AccessLogSettingsProperty(
            destination_arn=log.log_group_arn, format=json.dumps(_LOGGED)
        )
