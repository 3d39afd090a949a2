"""The Slack app's secrets, in Secrets Manager. A person sets them after the deployment."""

import json
from typing import cast

from aws_cdk import Acknowledgment, Validations
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from stacks.handler_function import HandlerFunction


class SlackSecret(Construct):
    """The bot token and the signing secret. They are empty at first, which the functions refuse."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        secret = secretsmanager.Secret(
            self,
            "Secret",
            description="The Slack app's bot token and signing secret",
            # Secrets Manager generates the first value, so that none is in the template. A value
            # that a person sets stays, unless these lines change.
            generate_secret_string=secretsmanager.SecretStringGenerator(
                secret_string_template=json.dumps({"botToken": "", "signingSecret": ""}),
                generate_string_key="placeholder",
            ),
        )
        # Every API accepts the ARN. On AWS a Ref is the ARN too, in the sandbox it is not.
        self.arn = cast("secretsmanager.CfnSecret", secret.node.default_child).attr_id
        Validations.of(self).acknowledge(
            Acknowledgment(
                id="AwsSolutions-SMG4",
                reason="Slack issues both values, and only a person can have it issue new ones",
            )
        )

    def grant_read(self, function: HandlerFunction) -> None:
        """Allow `function` to read the secret."""
        function.add_environment("SLACK_SECRET", self.arn)
        function.allow("secretsmanager:GetSecretValue", on=[self.arn])
