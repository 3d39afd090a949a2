"""Measured, never tested: how fast the functions start, and what a finding costs."""
