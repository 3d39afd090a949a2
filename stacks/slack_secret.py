"""What Slack gives the app, in Secrets Manager; a person puts it there after the deployment."""

import json
from typing import cast

from aws_cdk import Acknowledgment, Validations
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from stacks.handler_function import HandlerFunction


class SlackSecret(secretsmanager.Secret):
    """The bot token and the signing secret, empty at first, which the functions refuse."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(
            scope,
            construct_id,
            description="The Slack app's bot token and signing secret",
            # Secrets Manager makes the first value, so that none is in the template; what a person
            # puts in stays, unless these lines change.
            generate_secret_string=secretsmanager.SecretStringGenerator(
                secret_string_template=json.dumps({"botToken": "", "signingSecret": ""}),
                generate_string_key="placeholder",
            ),
        )
        # Every call takes it for a name. On AWS a Ref is the ARN too, in the sandbox it is not.
        self.arn = cast("secretsmanager.CfnSecret", self.node.default_child).attr_id
        Validations.of(self).acknowledge(
            Acknowledgment(
                id="AwsSolutions-SMG4",
                reason="Slack issues both values, and only a person can have it issue new ones",
            )
        )

    def connect(self, function: HandlerFunction) -> None:
        """Let `function` read the secret."""
        function.add_environment("SLACK_SECRET", self.arn)
        function.allow("secretsmanager:GetSecretValue", on=[self.arn])
