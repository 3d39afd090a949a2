"""The ledger: one DynamoDB item for each finding. It is the truth; Slack shows it."""
