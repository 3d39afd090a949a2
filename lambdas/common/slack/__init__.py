"""Everything that knows Slack: the channel, the messages, the buttons, the secrets."""
