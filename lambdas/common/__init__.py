"""What the three functions share: the finding, the ledger, the digests and the Slack channel."""
