"""The infrastructure: one stack, one construct a file."""
