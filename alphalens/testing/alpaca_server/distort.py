"""Bodies that are legal JSON and still not what a client of fixed enums and clocks expects."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from .sessions import new_york

_INSTANT = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")


def exotic_status(body: Any) -> Any:
    """Return an order, or a list of orders, with a status that no documentation names."""
    if isinstance(body, list):
        return [exotic_status(item) for item in body]
    return body | {"status": "under_observation"} if "status" in body else body


def exotic_times(body: Any) -> Any:
    """Return the body with every instant in nine decimals and the offset of New York."""
    if isinstance(body, dict):
        return {key: exotic_times(value) for key, value in body.items()}
    if isinstance(body, list):
        return [exotic_times(item) for item in body]
    if isinstance(body, str) and _INSTANT.match(body):
        local = new_york(datetime.fromisoformat(body)).isoformat(timespec="microseconds")
        return f"{local[:26]}123{local[26:]}"
    return body
