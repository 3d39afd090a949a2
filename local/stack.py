"""The stack's name, for whoever looks for what was deployed."""

STACK = "MacieChatOps"
