"""The tests, laid out as what they test."""
