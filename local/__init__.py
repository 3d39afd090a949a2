"""The sandbox: the real stack on a local AWS, with a Slack and a Macie played."""
