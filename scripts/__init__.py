"""Tools for whoever operates a deployed stack."""
