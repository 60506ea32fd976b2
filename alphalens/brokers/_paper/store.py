"""The paper venue's own file: a venue is not our journal, and outlives our process."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from alphalens.brokers._paper.orders import PaperOrder
from alphalens.errors import ConfigError, StorageError
from alphalens.storage.sqlite import make_sqlite
from alphalens.storage.transactions import name_of, reading, writing
from alphalens.trading.activities import Activity, CashFlow, PositionChange, Split
from alphalens.trading.codec import canonical_json, from_jsonable
from alphalens.trading.orders import Fill

__all__ = ["Changes", "Mark", "Move", "Opening", "PaperStore", "Record"]

Move = Fill | Activity

_VERSION = 1
_SCHEMA = sa.MetaData()
_VENUE = sa.Table(
    "venue",
    _SCHEMA,
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("opening", sa.Text, nullable=False),
    sa.Column("times", sa.Text, nullable=False),
)


def _table(name: str) -> sa.Table:
    return sa.Table(
        name,
        _SCHEMA,
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )


_ORDERS, _MOVES = _table("orders"), _table("moves")
_MARKS = sa.Table(
    "marks",
    _SCHEMA,
    sa.Column("symbol", sa.Text, primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
)
_KINDS: dict[str, type[Move]] = {
    kind.__name__: kind for kind in (Fill, CashFlow, Split, PositionChange)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """The last price of an asset, when it was seen, and whether it came as a quote."""

    price: Decimal
    at: datetime
    is_quoted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What an account began as; a file belongs to one."""

    account_id: str
    cash: Decimal
    currency: str


@dataclass(slots=True, kw_only=True)
class Changes:
    """What one call changed: all of it is kept, or nothing.

    Attributes
    ----------
    orders, marks : dict
        New and changed ones, by client order id and by symbol.
    moves : dict of int
        New executions and activities, by their number from 1 in one sequence: a split and an
        execution may not change places.
    last : datetime or None
        Instant of the last prices.
    accrued : date or None
        Day up to which borrowing was charged.
    is_touched : bool
        Whether `last` or `accrued` changed.
    """

    orders: dict[str, PaperOrder] = field(default_factory=dict)
    marks: dict[str, Mark] = field(default_factory=dict)
    moves: dict[int, Move] = field(default_factory=dict)
    last: datetime | None = None
    accrued: date | None = None
    is_touched: bool = False

    def __bool__(self) -> bool:
        """Return whether there is anything to keep."""
        return bool(self.orders or self.marks or self.moves or self.is_touched)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """All that a file holds, in the order in which it happened."""

    orders: tuple[PaperOrder, ...] = ()
    moves: tuple[Move, ...] = ()
    marks: dict[str, Mark] = field(default_factory=dict)
    last: datetime | None = None
    accrued: date | None = None


class PaperStore:
    """One SQLite file per account, written in one transaction per call of the venue.

    A second process that opens the file takes it over: the first one's next write is
    refused, so that two venues never keep one book.

    Parameters
    ----------
    path : Path
        The file; made, for its owner only, if it is not there.
    opening : Opening
        The account.

    Raises
    ------
    ConfigError
        If the file belongs to another account, or to this one with another opening balance.
    StorageError
        If it cannot be opened, or was written by a newer version.
    """

    def __init__(self, path: Path, opening: Opening) -> None:
        self._engine = make_sqlite(sa.make_url(f"sqlite:///{path}"), is_read_only=False)
        with writing(self._engine) as connection:
            _SCHEMA.create_all(connection)
            row = connection.execute(sa.select(_VENUE)).one_or_none()
            if row is None:
                self._epoch = 1
                connection.execute(_VENUE.insert().values(_first(opening)))
                return
            self._check(row, opening)
            self._epoch = int(row.epoch) + 1
            connection.execute(_VENUE.update().values(epoch=self._epoch))

    def load(self) -> Record:
        """Return all that the file holds."""
        with reading(self._engine) as connection:
            times = json.loads(connection.execute(sa.select(_VENUE.c.times)).scalar_one())
            return Record(
                orders=tuple(
                    from_jsonable(PaperOrder, json.loads(row.body))
                    for row in _rows(connection, _ORDERS)
                ),
                moves=tuple(
                    from_jsonable(_KINDS[row.kind], json.loads(row.body))
                    for row in _rows(connection, _MOVES)
                ),
                marks={
                    row.symbol: from_jsonable(Mark, json.loads(row.body))
                    for row in connection.execute(sa.select(_MARKS))
                },
                last=None if times["last"] is None else datetime.fromisoformat(times["last"]),
                accrued=None if times["accrued"] is None else date.fromisoformat(times["accrued"]),
            )

    def write(self, changes: Changes) -> None:
        """Keep what a call changed, durably, or nothing of it.

        Raises
        ------
        StorageError
            If it cannot be written, or another process has taken the file over.
        """
        with writing(self._engine) as connection:
            times = {"times": _times(changes.last, changes.accrued)}
            ours = _VENUE.c.epoch == self._epoch
            if not connection.execute(_VENUE.update().where(ours).values(times)).rowcount:
                raise StorageError(
                    f"{name_of(self._engine)} was taken over by another process: this paper "
                    f"venue may no longer write; stop one of the two"
                )
            orders = ((o.number, o.id, o) for o in changes.orders.values())
            _put(connection, _ORDERS, orders)
            _put(connection, _MOVES, ((n, _id_of(m), m) for n, m in changes.moves.items()))
            marks = [{"symbol": s, "body": canonical_json(m)} for s, m in changes.marks.items()]
            if marks:
                connection.execute(_MARKS.insert().prefix_with("OR REPLACE"), marks)

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    def _check(self, row: sa.Row[Any], opening: Opening) -> None:
        if row.version > _VERSION:
            raise StorageError(
                f"{name_of(self._engine)} has version {row.version} of the paper venue, this "
                f"program knows {_VERSION}: update the program"
            )
        known = from_jsonable(Opening, json.loads(row.opening))
        if known != opening:
            raise ConfigError(
                f"{name_of(self._engine)} belongs to paper account {known.account_id}, opened "
                f"with {known.cash} {known.currency}; asked for was {opening.account_id} with "
                f"{opening.cash} {opening.currency}: give another file, or the same account"
            )


def _first(opening: Opening) -> dict[str, object]:
    return {
        "version": _VERSION,
        "epoch": 1,
        "opening": canonical_json(opening),
        "times": _times(None, None),
    }


def _times(last: datetime | None, accrued: date | None) -> str:
    return canonical_json(
        {"last": last, "accrued": None if accrued is None else accrued.isoformat()}
    )


def _put(
    connection: sa.Connection, table: sa.Table, rows: Iterable[tuple[int, str, object]]
) -> None:
    values = [
        {"number": n, "id": i, "kind": type(v).__name__, "body": canonical_json(v)}
        for n, i, v in rows
    ]
    if values:
        connection.execute(table.insert().prefix_with("OR REPLACE"), values)


def _rows(connection: sa.Connection, table: sa.Table) -> Iterable[sa.Row[Any]]:
    return connection.execute(sa.select(table).order_by(table.c.number))


def _id_of(move: Move) -> str:
    if isinstance(move, Fill):
        return f"fill {move.fill_id}"
    return f"activity {move.activity_id}"
