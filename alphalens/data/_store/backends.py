"""Which module does what differs from one database to the other."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from alphalens.data._store import postgres, sqlite
from alphalens.data._store.rows import Backend

__all__ = ["backend_of"]

_BACKENDS: Mapping[str, Backend] = {"postgresql": postgres, "sqlite": sqlite}


def backend_of(dialect: sa.Dialect) -> Backend:
    """Return what knows the own ways of a database."""
    return _BACKENDS[dialect.name]
