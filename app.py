"""The composition root: cdk.json's settings in, one stack out."""

import sys

from aws_cdk import App

from stacks.chatops_stack import ChatOpsStack
from stacks.settings import Settings, SettingsError

app = App()
try:
    settings = Settings.from_context(app.node.try_get_context("chatops"))
except SettingsError as error:
    sys.exit(str(error))
ChatOpsStack(app, "MacieChatOps", settings=settings)
app.synth()
