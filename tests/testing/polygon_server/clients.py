"""The vendor's own client: `massive`, or `polygon`, as it was called before.

The older one wants certificates from before 2026, so that it is not installed beside ours:
`test_older_client.py` runs these tests with it.
"""

from __future__ import annotations

import os
from importlib import import_module

__all__ = ["NAME", "AuthError", "BadResponse", "RESTClient", "WebSocketClient"]

NAME = os.environ.get("POLYGON_CLIENT", "massive")
_client, _errors = import_module(NAME), import_module(f"{NAME}.exceptions")

RESTClient, WebSocketClient = _client.RESTClient, _client.WebSocketClient
AuthError, BadResponse = _errors.AuthError, _errors.BadResponse
