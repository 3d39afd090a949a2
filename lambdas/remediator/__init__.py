"""Steps 7 and 8: from a decision to a moved object and an updated message."""
