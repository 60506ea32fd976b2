"""Under which name a cache keeps what is in a database, and how often that was left as old."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import sqlalchemy as sa

from alphalens.storage.schema import meta

__all__ = ["Space", "leave", "space_of"]

_KEY = "cache_space"
_NOW = sa.select(meta.c.value).where(meta.c.key == _KEY)


@dataclass(frozen=True, slots=True)
class Space:
    """A space of keys.

    Attributes
    ----------
    name : str
        Of the database; no two have one in common.
    number : int
        How many spaces of it were left before this one.
    """

    name: str
    number: int

    def __str__(self) -> str:
        return f"{self.name}.{self.number}"


def space_of(connection: sa.Connection) -> Space | None:
    """Return the space of the database; None before the first one was made."""
    found: str | None = connection.execute(_NOW).scalar()
    if found is None:
        return None
    name, _, number = found.rpartition(".")
    return Space(name, int(number))


def leave(connection: sa.Connection) -> Space:
    """Make the next space, for all who look from now on, and return it."""
    known = space_of(connection)
    if known is None:
        made = Space(secrets.token_hex(6), 0)
        connection.execute(meta.insert(), {"key": _KEY, "value": str(made)})
        return made
    made = Space(known.name, known.number + 1)
    connection.execute(meta.update().where(meta.c.key == _KEY).values(value=str(made)))
    return made
