"""The CDK app: it turns the settings in cdk.json into one stack."""

import sys

from aws_cdk import App

from stacks.chatops_stack import ChatOpsStack
from stacks.packaging import UnsupportedPythonError
from stacks.settings import Settings, SettingsError

app = App()
try:
    settings = Settings.from_context(app.node.try_get_context("chatops"))
    ChatOpsStack(app, "MacieChatOps", settings=settings)
except (SettingsError, UnsupportedPythonError) as error:
    sys.exit(str(error))
app.synth()
