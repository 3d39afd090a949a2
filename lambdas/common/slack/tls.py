"""TLS to Slack: the certificate authorities are read once, for reading them takes 20 ms."""

import ssl
from functools import cache


@cache
def tls_context() -> ssl.SSLContext:
    """Return the context of Python's defaults, shared by all requests to Slack."""
    return ssl.create_default_context()
