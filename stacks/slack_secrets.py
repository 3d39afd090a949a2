"""The Slack app's secrets, in Secrets Manager. A person sets them after the deployment."""

import json
from typing import cast

from aws_cdk import Acknowledgment, Validations
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from stacks.handler_function import HandlerFunction


class SlackSecret(Construct):
    """One secret for one purpose. It is empty at first, which the functions refuse."""

    def __init__(
        self, scope: Construct, construct_id: str, *, value: str, variable: str, description: str
    ) -> None:
        super().__init__(scope, construct_id)
        self._variable = variable
        secret = secretsmanager.Secret(
            self,
            "Secret",
            description=description,
            # Secrets Manager generates the first value, so that none is in the template. A value
            # that a person sets stays, unless these lines change.
            generate_secret_string=secretsmanager.SecretStringGenerator(
                secret_string_template=json.dumps({value: ""}),
                generate_string_key="placeholder",
            ),
        )
        # Every API accepts the ARN. On AWS a Ref is the ARN too, in the sandbox it is not.
        self.arn = cast("secretsmanager.CfnSecret", secret.node.default_child).attr_id
        Validations.of(self).acknowledge(
            Acknowledgment(
                id="AwsSolutions-SMG4",
                reason="Slack issues the value, and only a person can have it issue a new one",
            )
        )

    def grant_read(self, function: HandlerFunction) -> None:
        """Allow `function` to read the secret."""
        function.add_environment(self._variable, self.arn)
        function.allow("secretsmanager:GetSecretValue", on=[self.arn])


class SlackSecrets(Construct):
    """Two secrets: whoever can sign as Slack cannot post as the app, and the other way round."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.signing_secret = SlackSecret(
            self,
            "SigningSecret",
            value="signingSecret",
            variable="SLACK_SIGNING_SECRET",
            description="The Slack app's signing secret, which proves that a click is Slack's",
        )
        self.bot_token = SlackSecret(
            self,
            "BotToken",
            value="botToken",
            variable="SLACK_BOT_TOKEN",
            description="The Slack app's bot token, with which messages are posted",
        )
