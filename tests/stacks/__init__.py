"""The stack: its resources, its permissions, and what it uploads."""
