"""What is left of a day: our journal and the venue's own file, in names that every run shares."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, fields
from decimal import Decimal
from pathlib import Path

from alphalens.execution import JournalReader
from alphalens.execution.bookkeeping import ledger_of
from alphalens.execution.records import OrderRecord, Origin
from alphalens.storage import open_engine
from alphalens.trading.events import EventKind
from tests.crash.day import NAMES
from tests.crash.desk import is_unborn

__all__ = ["Outcome", "differences", "outcome_of"]

#: Where an order stands, and how many units were executed.
Standing = tuple[str, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A day that is over.

    Attributes
    ----------
    orders, venue_orders : Mapping
        Status and executed units by name, in our journal and at the venue.
    executions, venue_executions : Mapping
        Units by name, side and price, in our journal and at the venue.
    positions, venue_positions : Mapping
        Signed units by symbol.
    money, venue_money : Mapping
        Cash and realised profit of our ledger; cash of the venue.
    again : Mapping
        Names of orders that were sent again after the venue had them, and how often.
    trouble : tuple of str
        Frozen symbols, a state other than active, a cycle planned twice, orders that are open.
    """

    orders: Mapping[str, Standing]
    venue_orders: Mapping[str, Standing]
    executions: Mapping[tuple[str, str, Decimal], Decimal]
    venue_executions: Mapping[tuple[str, str, Decimal], Decimal]
    positions: Mapping[str, Decimal]
    venue_positions: Mapping[str, Decimal]
    money: Mapping[str, Decimal]
    venue_money: Mapping[str, Decimal]
    again: Mapping[str, int]
    trouble: tuple[str, ...]


def outcome_of(database: str, venue_file: Path) -> Outcome:
    """Read a day from the journal's database and the venue's file.

    Raises
    ------
    AuditError
        If the journal does not verify, or its tables are not what its records give.
    """
    engine = open_engine(database)
    try:
        with closing(sqlite3.connect(f"file:{venue_file}?mode=ro", uri=True)) as venue:
            venue.row_factory = sqlite3.Row
            return _read(JournalReader(engine), _Venue(venue))
    finally:
        engine.dispose()


def differences(expected: Outcome, found: Outcome) -> Iterator[tuple[str, str]]:
    """Give what a day lost, what it doubled, and in what else it differs from another."""
    for where in ("orders", "venue_orders"):
        yield from _in_orders(where, getattr(expected, where), getattr(found, where))
    for name, times in found.again.items():
        yield "doubled", f"{name} was sent {times} times more although the venue had it"
    for field in fields(Outcome):
        one, other = getattr(expected, field.name), getattr(found, field.name)
        if field.name != "again" and one != other:
            yield "differs", f"{field.name}: {_told(one, other)}"


def _in_orders(
    where: str, expected: Mapping[str, Standing], found: Mapping[str, Standing]
) -> Iterator[tuple[str, str]]:
    for name in sorted({*expected, *found}):
        had, has = expected.get(name), found.get(name)
        if has is None or (had is not None and has[1] < had[1]):
            yield "lost", f"{where}: {name} is {has}, undisturbed {had}"
        elif had is None or has[1] > had[1]:
            yield "doubled", f"{where}: {name} is {has}, undisturbed {had}"


def _told(one: object, other: object) -> str:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        changed = [k for k in {**one, **other} if one.get(k) != other.get(k)]
        return ", ".join(f"{k}: {other.get(k)}, undisturbed {one.get(k)}" for k in changed)
    return f"{other}, undisturbed {one}"


class _Venue:
    """The venue's file, read without the venue."""

    def __init__(self, file: sqlite3.Connection) -> None:
        self._file = file
        self._orders = {row["id"]: row for row in file.execute("SELECT * FROM orders")}
        self.names = {row["client_order_id"]: self._name(row) for row in self._orders.values()}

    def orders(self) -> dict[str, Standing]:
        return {
            self.names[row["client_order_id"]]: (row["status"], _units(row["filled_qty"]))
            for row in self._orders.values()
        }

    def executions(self) -> Iterator[tuple[str, str, Decimal, Decimal]]:
        for row in self._file.execute("SELECT * FROM executions ORDER BY seq"):
            order = self._orders[row["order_id"]]
            if _is_leg(order):  # what a leg executes belongs to its order
                order = self._orders[order["parent_id"]]
            name = self.names[order["client_order_id"]]
            yield name, row["side"], _units(row["price"]), _units(row["qty"])

    def positions(self) -> dict[str, Decimal]:
        rows = self._file.execute("SELECT symbol, qty FROM positions")
        return {row["symbol"]: _units(row["qty"]) for row in rows if _units(row["qty"])}

    def cash(self) -> Decimal:
        query = "SELECT value FROM account WHERE key = 'cash'"
        return _units(str(self._file.execute(query).fetchone()["value"]).strip('"'))

    def sent_again(self) -> dict[str, int]:
        """Count the requests that reached the venue with an id which it had already."""
        query = (
            "SELECT client_order_id FROM requests WHERE reached = 1 AND method IN ('POST', 'PATCH')"
            " AND path LIKE '/v2/orders%'"
        )
        sent = Counter(row["client_order_id"] for row in self._file.execute(query))
        return {name: sent[key] - 1 for key, name in self.names.items() if sent[key] > 1}

    def _name(self, row: sqlite3.Row) -> str:
        known = NAMES.get(row["client_order_id"])
        if known is not None:
            return known
        if row["replaces"]:
            return f"{self._name(self._orders[row['replaces']])}+"
        parent = self._orders[row["parent_id"]] if row["parent_id"] else None
        if parent is None:
            return str(row["client_order_id"])
        kind = row["symbol"] if _is_leg(row) else json.loads(row["state"])["type"]
        return f"{self._name(parent)}/{kind}"


def _is_leg(row: sqlite3.Row) -> bool:
    return row["parent_id"] is not None and json.loads(row["state"])["order_class"] == "mleg"


def _read(journal: JournalReader, venue: _Venue) -> Outcome:
    ledger, orders = ledger_of(journal.records()), journal.orders()
    names = {**venue.names, **NAMES}
    return Outcome(
        orders={
            names[order.client_order_id]: (str(order.status), _units(order.filled_quantity))
            for order in orders
            if not _was_asked_again(orders, order)
        },
        venue_orders=venue.orders(),
        executions=_summed(
            (names[f.client_order_id], str(f.side), _units(f.price), _units(f.quantity))
            for f in journal.fills()
        ),
        venue_executions=_summed(venue.executions()),
        positions={s: _units(p.quantity) for s, p in ledger.positions.items()},
        venue_positions=venue.positions(),
        money={"cash": _units(ledger.cash), "realised": _units(ledger.realised)},
        venue_money={"cash": venue.cash()},
        again=venue.sent_again(),
        trouble=tuple(_trouble(journal)),
    )


def _trouble(journal: JournalReader) -> Iterator[str]:
    journal.verify()
    journal.verify_tables()
    kinds = (EventKind.SYMBOL_FROZEN, EventKind.STATE_CHANGED)
    for record in sorted((r for k in kinds for r in journal.records(kind=k)), key=lambda r: r.seq):
        yield f"{record.kind}: {record.payload.get('symbol') or record.payload.get('to')}"
    plans = Counter(record.cycle_id for record in journal.records(kind=EventKind.CYCLE_PLANNED))
    yield from (f"{cycle} was planned {n} times" for cycle, n in plans.items() if n > 1)
    for order in journal.orders():
        if not order.status.is_final:
            yield f"{_described(order)} is {order.status}"


def _was_asked_again(orders: Sequence[OrderRecord], order: OrderRecord) -> bool:
    """Whether a replacement never reached the venue, and another one came in its place."""
    if not (order.intent.replaces and is_unborn(order)):
        return False
    others = (one for one in orders if one.intent.replaces == order.intent.replaces)
    return any(not is_unborn(one) for one in others)


def _described(order: OrderRecord) -> str:
    ours = order.origin is Origin.OURS
    return f"{order.intent.symbol} {NAMES.get(order.client_order_id) if ours else order.origin}"


def _summed(
    rows: Iterator[tuple[str, str, Decimal, Decimal]],
) -> dict[tuple[str, str, Decimal], Decimal]:
    total: Counter[tuple[str, str, Decimal]] = Counter()
    for name, side, price, units in rows:
        total[name, side, price] += units  # type: ignore[assignment]  # Decimals add up as well
    return dict(total)  # type: ignore[arg-type]  # as above


def _units(value: Decimal | str) -> Decimal:
    return Decimal(value).normalize()
