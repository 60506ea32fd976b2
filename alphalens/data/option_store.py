"""The store of states of options, and of rows that are no bars and were refused.

What counts for a point in time is when a state was received: nobody knew it earlier.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from alphalens.data._store.aside import chunks
from alphalens.data._store.states import keep_refused
from alphalens.data.bars import micros
from alphalens.data.port import OptionSnapshot
from alphalens.data.validation_states import RefusedRow
from alphalens.errors import InputError
from alphalens.storage import reading, writing
from alphalens.storage.schema import OPTION_FIGURES, option_quotes

__all__ = ["OptionStore"]

Row = dict[str, Any]  # Any: of each column its own type

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class OptionStore:
    """States of options in the database, each as it was told.

    A state that changed although its instant did not, as open interest does without a new
    quote, is kept under the instant at which it was received: what was known before stays.

    Parameters
    ----------
    engine : Engine
        From `alphalens.storage.open_engine`.

    Examples
    --------
    >>> from alphalens.storage import open_engine
    >>> nothing = dict.fromkeys(OPTION_FIGURES, math.nan)
    >>> at = datetime(2024, 1, 2, 20, tzinfo=UTC)
    >>> call = OptionSnapshot(
    ...     symbol="AAPL250117C00190000", underlying="AAPL", at=at, **{**nothing, "bid": 9.5}
    ... )
    >>> store = OptionStore(open_engine("sqlite://"))
    >>> store.write([call], source="desk", received_at=at)
    1
    >>> [one.bid for one in store.read("AAPL", as_of=at)]
    [9.5]
    >>> store.read("AAPL", as_of=at - timedelta(seconds=1))
    ()
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def write(
        self,
        snapshots: Sequence[OptionSnapshot],
        *,
        source: str,
        received_at: datetime,
        marks: NDArray[np.uint64] | None = None,
    ) -> int:
        """Bring states into the store; the same ones again change nothing.

        Parameters
        ----------
        snapshots : sequence of OptionSnapshot
            Judged ones, each contract and instant once.
        source : str
            The vendor.
        received_at : datetime
            When they came (aware).
        marks : uint64 array of shape (n,), optional
            `alphalens.data.reasons.Reason` bits of each.

        Returns
        -------
        int
            How many were new.

        Raises
        ------
        InputError
            If marks and states differ in number.
        StorageError
            If the database fails; nothing was written then.
        """
        found = np.zeros(len(snapshots), np.uint64) if marks is None else marks
        if len(found) != len(snapshots):
            raise InputError(
                f"each state has its marks, got {len(snapshots)} states and {len(found)} marks"
            )
        rows = [
            _row(one, source, micros(received_at), int(mark))
            for one, mark in zip(snapshots, found, strict=True)
        ]
        with writing(self._engine, turn="bars") as connection:
            new = _new(rows, _stored(connection, rows, source))
            if new:
                connection.execute(option_quotes.insert(), new)
        return len(new)

    def read(self, underlying: str, *, as_of: datetime) -> tuple[OptionSnapshot, ...]:
        """Return the last state of each contract on a share that had been received, by symbol.

        Parameters
        ----------
        underlying : str
            Canonical symbol of the share.
        as_of : datetime
            Aware; contracts that had expired by then are there too.

        Raises
        ------
        StorageError
            If the database fails.
        """
        return tuple(state for state, _ in self.read_marked(underlying, as_of=as_of))

    def read_marked(
        self, underlying: str, *, as_of: datetime
    ) -> tuple[tuple[OptionSnapshot, int], ...]:
        """Return what `read` returns, each with its marks."""
        table = option_quotes.c
        query = (
            sa.select(option_quotes)
            .where(table.underlying == underlying, table.received <= micros(as_of))
            .order_by(table.symbol, table.time, table.received)
        )
        with reading(self._engine) as connection:
            last = {row["symbol"]: row for row in connection.execute(query).mappings()}
        return tuple((_state(row), int(row["marks"])) for row in last.values())

    def refuse(
        self, rows: Sequence[RefusedRow], *, source: str, received_at: datetime, at: datetime
    ) -> int:
        """Keep refused rows beside the bars that were refused, their timeframe empty.

        Parameters
        ----------
        rows : sequence of RefusedRow
            The same ones again change nothing.
        source : str
            The vendor.
        received_at, at : datetime
            When they came, and now (aware).

        Returns
        -------
        int
            How many were not there yet.

        Raises
        ------
        StorageError
            If the database fails; nothing was written then.
        """
        with writing(self._engine, turn="bars") as connection:
            return keep_refused(connection, rows, source=source, received_at=received_at, at=at)


def _row(one: OptionSnapshot, source: str, received: int, marks: int) -> Row:
    figures = {name: getattr(one, name) for name in OPTION_FIGURES}
    return {
        "symbol": one.symbol,
        "time": micros(one.at),
        "source": source,
        "underlying": one.underlying,
        **{name: None if math.isnan(figure) else figure for name, figure in figures.items()},
        "received": received,
        "marks": marks,
    }


def _stored(
    connection: sa.Connection, rows: Sequence[Row], source: str
) -> dict[str, dict[int, Row]]:
    """Return by contract what a vendor told of it, by time, from the first of the rows on."""
    table, found = option_quotes.c, dict[str, dict[int, Row]]()
    first = min((row["time"] for row in rows), default=0)
    for some in chunks(sorted({row["symbol"] for row in rows})):
        query = sa.select(option_quotes).where(
            table.symbol.in_(some), table.source == source, table.time >= first
        )
        for row in connection.execute(query).mappings():
            found.setdefault(row["symbol"], {})[row["time"]] = dict(row)
    return found


def _new(rows: Sequence[Row], stored: dict[str, dict[int, Row]]) -> list[Row]:
    """Return the rows that are not stored yet, each under an instant of its own."""
    new = []
    for row in rows:
        known = stored.get(row["symbol"], {})
        if row["time"] in known:
            last = known[max(known)]
            if _is_same(known[row["time"]], row) or _is_same(last, row):
                continue
            row["time"] = max(row["received"], last["time"] + 1)
        new.append(row)
    return new


def _is_same(one: Row, other: Row) -> bool:
    return all(one[name] == other[name] for name in OPTION_FIGURES)


def _state(row: sa.RowMapping) -> OptionSnapshot:
    figures = {name: math.nan if row[name] is None else row[name] for name in OPTION_FIGURES}
    return OptionSnapshot(
        symbol=row["symbol"],
        underlying=row["underlying"],
        at=_EPOCH + timedelta(microseconds=row["time"]),
        **figures,
    )
