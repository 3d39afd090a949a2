"""Macie in the sandbox: example findings, and a job that finds sensitive data in real objects."""
