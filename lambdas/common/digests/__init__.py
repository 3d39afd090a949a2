"""Digests: one message for many findings of one bucket and type."""
