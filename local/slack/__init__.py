"""Slack in the sandbox: a fake of the parts that we use, and the page of its channel."""
