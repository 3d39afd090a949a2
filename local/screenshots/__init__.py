"""The pictures of every message in docs/images."""
