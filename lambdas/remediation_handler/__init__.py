"""Steps 5 and 6: from a click to a decision."""
