"""The stack: what is deployed, and what it lets whom do."""
