"""A second ledger, for comparison: in fractions, and fed from the venue's own file only."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from alphalens.execution import TradingSession

ENDED = frozenset({"filled", "canceled", "expired", "rejected", "replaced"})
WAITING = frozenset({"held"})  # exits that the venue keeps back until their entry is executed
EXACTLY_ENOUGH = Fraction(1, 10**12)  # our books round the cost of a part to 18 decimals


@dataclass(slots=True)
class Holding:
    """Units of one asset and what they cost."""

    units: Fraction = Fraction(0)
    cost: Fraction = Fraction(0)
    realised: Fraction = Fraction(0)
    executions: list[tuple[str, Fraction]] = field(default_factory=list)
    is_traded_only: bool = True

    def trade(self, units: Fraction, price: Fraction) -> None:
        """Close what is held at its average cost first, then open the rest."""
        if self.units * units < 0:
            closed = min(abs(units), abs(self.units)) * (1 if units > 0 else -1)
            average = self.cost / self.units
            self.realised -= closed * (price - average)
            self.units += closed
            self.cost += closed * average
            units -= closed
        self.units += units
        self.cost += units * price


@dataclass(slots=True)
class Reference:
    """What an account must hold after everything that its venue did."""

    cash: Fraction
    holdings: dict[str, Holding] = field(default_factory=dict)
    executed: dict[str, Fraction] = field(default_factory=dict)
    working: dict[str, str] = field(default_factory=dict)
    income: Fraction = Fraction(0)
    fees: Fraction = Fraction(0)

    @classmethod
    def of(cls, venue_file: Path, opening_cash: Decimal) -> Reference:
        """Read the venue's file."""
        told = cls(Fraction(opening_cash))
        with closing(sqlite3.connect(f"file:{venue_file}?mode=ro", uri=True)) as venue:
            orders = venue.execute("SELECT id, client_order_id, status, symbol FROM orders")
            rows = orders.fetchall()
            for (body,) in venue.execute("SELECT body FROM activities ORDER BY seq"):
                told.book(json.loads(body), {name: ours for name, ours, _, _ in rows})
            executions = venue.execute("SELECT qty FROM executions").fetchall()
        assert sum(told.executed.values()) == sum(Fraction(qty) for (qty,) in executions)
        told.working = {ours: status for _, ours, status, _ in rows if status not in ENDED}
        return told

    def book(self, row: dict[str, str], ours: dict[str, str]) -> None:
        """Book one activity of the venue."""
        held = self.holdings.setdefault(_pair(row.get("symbol", "")), Holding())
        match row["activity_type"]:
            case "FILL":
                units, price = Fraction(row["qty"]), Fraction(row["price"])
                order = ours[row["order_id"]]
                self.executed[order] = self.executed.get(order, Fraction(0)) + units
                signed = units if row["side"] == "buy" else -units
                self.cash -= signed * price
                held.trade(signed, price)
                held.executions.append((order, Fraction(row["cum_qty"])))
            case "SPLIT":  # two rows: all old units go, all new ones come, at the same cost
                held.units += Fraction(row["qty"])
                held.is_traded_only = False
            case "CFEE":
                held.is_traded_only = False
                units, price = Fraction(row["qty"]), Fraction(row["price"])
                self.cash += Fraction(row["net_amount"])
                self.fees -= Fraction(row["net_amount"]) + units * price
                if units:
                    held.trade(units, price)
            case "DIV":
                self.cash += Fraction(row["net_amount"])
                self.income += Fraction(row["net_amount"])
            case other:
                raise AssertionError(f"the reference does not know the activity {other}")

    def compare(self, session: TradingSession) -> None:
        """Fail if the books of a session say anything else."""
        ledger = session.ledger
        assert Fraction(ledger.cash) == self.cash
        held = {symbol: one for symbol, one in self.holdings.items() if one.units}
        positions = ledger.positions
        assert {s: Fraction(p.quantity) for s, p in positions.items()} == {
            s: one.units for s, one in held.items()
        }
        self._compare_profit(session)
        income = sum(flow.get("USD", Decimal(0)) for flow in ledger.flows.values())
        assert Fraction(income) - Fraction(ledger.fees) == self.income - self.fees
        orders = {order.client_order_id: order for order in session.journal.orders()}
        booked = {k: Fraction(o.filled_quantity) for k, o in orders.items() if o.filled_quantity}
        assert booked == self.executed
        ours = {order.client_order_id for order in session.open_orders}
        wanted = {name for name, status in self.working.items() if status not in WAITING}
        assert not wanted - ours, f"work at the venue and not in the books: {wanted - ours}"
        assert ours <= self.working.keys(), f"ended at the venue: {ours - self.working.keys()}"

    def _compare_profit(self, session: TradingSession) -> None:
        """Compare what was earned and what the units cost.

        What a part of a position cost, and so the profit of its sale, depends on the order in
        which things are booked; their difference does not.
        """
        booked: dict[str, list[tuple[str, Fraction]]] = {}
        for fill in session.journal.fills():
            told = (fill.client_order_id, Fraction(fill.cumulative or 0))
            booked.setdefault(fill.symbol, []).append(told)
        for symbol, position in session.ledger.all_positions.items():
            one = self.holdings[symbol]
            cost, realised = Fraction(position.cost), Fraction(position.realised)
            assert abs((realised - cost) - (one.realised - one.cost)) < EXACTLY_ENOUGH, symbol
            if one.is_traded_only and one.executions == booked[symbol]:
                assert abs(realised - one.realised) < EXACTLY_ENOUGH, symbol


def posts(venue_file: Path) -> dict[str, list[tuple[datetime, bool, int | None]]]:
    """Return each try to place an order: when, whether the venue acted on it, what it said."""
    query = (
        "SELECT client_order_id, time, reached, status FROM requests"
        " WHERE method = 'POST' AND path = '/v2/orders' ORDER BY seq"
    )
    found: dict[str, list[tuple[datetime, bool, int | None]]] = {}
    with closing(sqlite3.connect(f"file:{venue_file}?mode=ro", uri=True)) as venue:
        for order, time, reached, status in venue.execute(query):
            tried = (datetime.fromisoformat(time), bool(reached), status)
            found.setdefault(order, []).append(tried)
    return found


def _pair(symbol: str) -> str:
    """Return our symbol of a coin's pair, which the venue also writes without the slash."""
    return f"{symbol[:-3]}/USD" if symbol.endswith("USD") and "/" not in symbol else symbol
