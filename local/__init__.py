"""The sandbox: the real stack on a local AWS, with a fake Slack and a fake Macie."""
