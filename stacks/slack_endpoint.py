"""Step 5: the URL that Slack calls when somebody clicks."""

import json
from typing import cast

from aws_cdk import Acknowledgment, Validations
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.policies import KEEP_EVIDENCE

_PATH = "/slack/interactivity"

# The caller and the result. A body is never logged: it holds people's names.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
_LOG_FIELDS = {
    "requestId": "$context.requestId",
    "time": "$context.requestTime",
    "sourceIp": "$context.identity.sourceIp",
    "route": "$context.routeKey",
    "status": "$context.status",
    "latencyMs": "$context.responseLatency",
    "error": "$context.integrationErrorMessage",
}


class SlackEndpoint(Construct):
    """An HTTP API with one route, throttled, with an access log."""

    def __init__(self, scope: Construct, construct_id: str, *, handler: lambda_.IFunction) -> None:
        super().__init__(scope, construct_id)
        self.api = apigateway.HttpApi(self, "Api", create_default_stage=False)
        self.api.add_routes(
            path=_PATH,
            methods=[apigateway.HttpMethod.POST],
            integration=integrations.HttpLambdaIntegration("Integration", handler),
        )
        stage = apigateway.HttpStage(
            self,
            "Stage",
            http_api=self.api,
            stage_name="$default",
            auto_deploy=True,
            # People click a few times a minute. More requests do not become invocations.
            throttle=apigateway.ThrottleSettings(rate_limit=10, burst_limit=20),
        )
        self._log_accesses(stage)
        self.request_url = f"{self.api.api_endpoint}{_PATH}"
        Validations.of(self.api).acknowledge(
            Acknowledgment(
                id="AwsSolutions-APIG4",
                reason="Slack only signs its requests; the handler verifies the signature first",
            )
        )

    def _log_accesses(self, stage: apigateway.HttpStage) -> None:
        log = logs.LogGroup(
            self,
            "AccessLog",
            retention=logs.RetentionDays.SIX_MONTHS,
            removal_policy=KEEP_EVIDENCE,
        )
        resource = cast("apigateway.CfnStage", stage.node.default_child)
        resource.access_log_settings = apigateway.CfnStage.AccessLogSettingsProperty(
            destination_arn=log.log_group_arn, format=json.dumps(_LOG_FIELDS)
        )
