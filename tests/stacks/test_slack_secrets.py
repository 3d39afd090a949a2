"""The secrets: empty until a person sets them, and one for each purpose."""

import json

import pytest
from aws_cdk.assertions import Template

from tests.stacks import permissions, synthesis
from tests.stacks.evaluation import logical_id

SIGNING, TOKEN = "SLACK_SIGNING_SECRET", "SLACK_BOT_TOKEN"


def test_no_secret_value_is_in_the_template(template: Template) -> None:
    """Secrets Manager generates a value that the functions refuse, until a person sets one."""
    secrets = template.find_resources("AWS::SecretsManager::Secret").values()
    generated = [
        json.loads(secret["Properties"]["GenerateSecretString"]["SecretStringTemplate"])
        for secret in secrets
    ]

    assert not [secret for secret in secrets if "SecretString" in secret["Properties"]]
    assert sorted(generated, key=str) == [{"botToken": ""}, {"signingSecret": ""}]


@pytest.mark.parametrize(
    ("package", "name", "secret"),
    [
        ("finding_handler", TOKEN, "SlackBotTokenSecret"),
        ("remediation_handler", SIGNING, "SlackSigningSecret"),
        ("remediator", TOKEN, "SlackBotTokenSecret"),
    ],
)
def test_a_function_has_the_arn_of_the_secret_that_it_uses(
    template: Template, package: str, name: str, secret: str
) -> None:
    """No value is in its environment, and not the ARN of the other secret."""
    variables = synthesis.variables(template, package)

    assert variables[name] == {"Fn::GetAtt": [logical_id(template, secret), "Id"]}
    assert {SIGNING, TOKEN} & variables.keys() == {name}


def test_nobody_but_the_remediation_handler_can_sign_as_slack(template: Template) -> None:
    """And the function that the internet reaches cannot post as the app."""
    lines = permissions.lines(template.to_json())
    readers = [line for line in lines if "secretsmanager:" in line]

    assert readers == [
        "FindingHandlerRole may secretsmanager:GetSecretValue on SlackBotTokenSecret",
        "RemediationHandlerRole may secretsmanager:GetSecretValue on SlackSigningSecret",
        "RemediatorRole may secretsmanager:GetSecretValue on SlackBotTokenSecret",
    ]
