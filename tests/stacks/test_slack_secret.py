"""The secret: empty until a person sets it."""

import json

from aws_cdk.assertions import Template

from tests.stacks import synthesis
from tests.stacks.synthesis import only


def test_no_secret_value_is_in_the_template(template: Template) -> None:
    """Secrets Manager generates a value that the functions refuse, until a person sets one."""
    secret = only(template, "AWS::SecretsManager::Secret", {})

    assert "SecretString" not in secret
    generated = json.loads(secret["GenerateSecretString"]["SecretStringTemplate"])
    assert generated == {"botToken": "", "signingSecret": ""}


def test_no_function_has_a_secret_in_its_environment(template: Template) -> None:
    """Each has the ARN of the secret, which its role may read."""
    arns = [synthesis.variables(template, name)["SLACK_SECRET"] for name in synthesis.PACKAGES]

    (secret,) = template.find_resources("AWS::SecretsManager::Secret")
    assert arns == [{"Fn::GetAtt": [secret, "Id"]}] * 3
