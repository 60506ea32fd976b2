"""The whole venue without a wire: book, tape, desk and time, kept in a file."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from alphalens.testing.loopback.clock import VenueClock, parse_instant

from .assets import Catalogue, stock
from .book import Book
from .core import Core
from .desk import Desk
from .matcher import Matcher
from .records import Execution, Order, Position
from .rules import Permissions
from .store import Store
from .tape import Tape
from .timekeeper import Timekeeper

_NANO_FIELDS = ("qty", "price", "cum_qty", "leaves_qty", "position_qty")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a venue starts; a file that exists keeps its own cash and identifiers.

    `now` makes the clock virtual, `ticking` lets it run; `seed` makes identifiers repeatable;
    `always_open` lets stocks trade at any hour.
    """

    cash: Decimal = Decimal(100_000)
    multiplier: Decimal = Decimal(2)
    seed: int | None = None
    now: datetime | None = None
    ticking: bool = False
    always_open: bool = False
    coin_fee_bps: Decimal = Decimal(0)
    account_number: str = "PA3TEST00001"


class Venue:
    """The parts of the venue, wired together and loaded from its file."""

    def __init__(self, path: Path, terms: Terms) -> None:
        self.store = Store(path)
        known = self.store.account()
        self.starts = int(known.get("starts", "0")) + 1
        seed = known.get("seed", str(terms.seed))
        rng = random.Random(None if seed == "None" else f"{seed}/{self.starts}")  # noqa: S311
        self.seed = seed
        self.clock = VenueClock(_start(terms, known), ticking=terms.ticking)
        cash = Decimal(known.get("cash", str(terms.cash)))
        self.book = Book(
            catalogue=Catalogue(),
            tape=Tape(),
            cash=cash,
            multiplier=Decimal(known.get("multiplier", str(terms.multiplier))),
            last_equity=Decimal(known.get("last_equity", str(cash))),
            coin_fee_bps=Decimal(terms.coin_fee_bps),
        )
        self.created_at = parse_instant(known.get("created_at", self.clock.now().isoformat()))
        self.core = Core(
            clock=self.clock,
            book=self.book,
            may=Permissions(always_open=terms.always_open),
            rng=rng,
            on_commit=self._commit,
            swept_to=parse_instant(known.get("swept_to", self.clock.now().isoformat())),
        )
        self.account_id = known.get("account_id") or self.core.new_id()
        self.account_number = known.get("account_number", terms.account_number)
        self._load(known)
        self.matcher = Matcher(self.core)
        self.desk = Desk(self.core, self.matcher)
        self.time = Timekeeper(self.core, self.matcher)
        with self.core.transaction():
            pass

    def _commit(self) -> None:
        account = {
            "cash": self.book.cash,
            "multiplier": self.book.multiplier,
            "last_equity": self.book.last_equity,
            "seed": self.seed,
            "starts": self.starts,
            "created_at": self.created_at.isoformat(),
            "swept_to": self.core.swept_to.isoformat(),
            "account_id": self.account_id,
            "account_number": self.account_number,
            "last_stamp": self.clock.stamp().isoformat(),
            "now": self.clock.now().isoformat() if self.clock.is_virtual else "",
        }
        self.store.write(self.book, self.book.take_changes(), account)

    def _load(self, known: dict[str, str]) -> None:
        for row in self.store.rows("SELECT state FROM orders ORDER BY seq"):
            order = Order.from_state(json.loads(row["state"]))
            self.book.add(order)
        for row in self.store.rows("SELECT * FROM executions ORDER BY seq"):
            numbers = {name: Decimal(row[name]) for name in _NANO_FIELDS}
            time = datetime.fromisoformat(row["time"])
            self.book.executions.append(Execution(**(row | numbers | {"time": time})))
        for row in self.store.rows("SELECT * FROM positions"):
            self.book.positions[row["symbol"]] = Position(
                symbol=row["symbol"], qty=Decimal(row["qty"]), avg_entry=Decimal(row["avg_entry"])
            )
        for row in self.store.rows("SELECT body FROM activities ORDER BY seq"):
            self.book.activities.append(json.loads(row["body"]))
        for symbol in {order.symbol for order in self.book.orders.values()} | {
            *self.book.positions
        }:
            if symbol and self.book.catalogue.find(symbol) is None:
                self.book.catalogue.add(stock(symbol))
        if "last_stamp" in known:
            self.clock.resume_after(parse_instant(known["last_stamp"]))

    def close(self) -> None:
        """Close the file."""
        self.store.close()


def _start(terms: Terms, known: dict[str, str]) -> datetime | None:
    if terms.now is not None:
        return terms.now.astimezone(UTC)
    return parse_instant(known["now"]) if known.get("now") else None
