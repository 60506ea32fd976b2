"""The one changeable thing of the paper venue: its book, and what the present call changed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

from alphalens.assets import BaseAsset
from alphalens.assets.kinds import AssetClass
from alphalens.brokers._paper.orders import PaperOrder
from alphalens.brokers._paper.store import Changes, Mark, Opening, Record
from alphalens.brokers.base import VenueOrder, VenueUpdate
from alphalens.trading.activities import Activity, CashFlow, CashKind
from alphalens.trading.ledger import Ledger
from alphalens.trading.orders import Fill, OrderStatus

__all__ = ["PaperState"]

_ZERO, _ONE = Decimal(0), Decimal(1)
_UNTOLD = 10_000  # messages that wait for `updates` before the stream counts as lost
_MARGINED = frozenset({AssetClass.FUTURE, AssetClass.PERPETUAL})


class PaperState:
    """Orders, executions, activities, prices and the book they make.

    Parameters
    ----------
    opening : Opening
        The account.
    assets : Mapping of str to BaseAsset
        Multipliers; an asset that is not in it has 1.
    record : Record
        What happened before.

    Attributes
    ----------
    version : int
        Rises with every change but a new order.
    fresh : list of PaperOrder
        The orders that came since it last rose.
    """

    def __init__(self, opening: Opening, assets: Mapping[str, BaseAsset], record: Record) -> None:
        self.opening, self._assets = opening, assets
        self._untold: deque[VenueUpdate] = deque()
        self.gaps = self.version = 0
        self.fresh: list[PaperOrder] = []
        self.reset(record)

    def reset(self, record: Record) -> None:
        """Become what a record tells of; what the stream had not told yet is lost."""
        self.book = Ledger(self.opening.cash, self.opening.currency)
        self.orders: dict[str, PaperOrder] = {}
        self._open: dict[str, None] = {}
        self.fills: list[Fill] = []
        self.fill_numbers: dict[str, int] = {}
        self.activities: list[Activity] = []
        self.activity_numbers: dict[str, int] = {}
        self._traded: dict[tuple[int, int, str], Decimal] = {}
        self._changes = Changes()
        self.marks = dict(record.marks)
        self.last, self.accrued = record.last, record.accrued
        self._untold.clear()
        self._turn()
        for order in record.orders:
            self._keep(order)
        for move in record.moves:
            if isinstance(move, Fill):
                self._book_fill(move)
            else:
                self._book_activity(move)

    def take_changes(self) -> Changes:
        """Return what changed since the last time this was asked."""
        changes, self._changes = self._changes, Changes()
        changes.last, changes.accrued = self.last, self.accrued
        return changes

    @property
    def has_moved(self) -> bool:
        """Return whether an order, an execution or an activity changed since then."""
        return bool(self._changes.orders or self._changes.moves)

    def multiplier(self, symbol: str) -> Decimal:
        """Return the currency that one unit moves per point of its price."""
        asset = self._assets.get(symbol)
        return _ONE if asset is None else asset.multiplier

    def is_margined(self, symbol: str) -> bool:
        """Return whether the value of the asset is not paid for when it is bought."""
        asset = self._assets.get(symbol)
        return asset is not None and asset.asset_class in _MARGINED

    def is_quoted(self, symbol: str) -> bool:
        """Return whether the asset is traded on quotes."""
        mark = self.marks.get(symbol)
        return mark is not None and mark.is_quoted

    def value(self, symbol: str) -> Decimal:
        """Return the value of one unit at the last price, in currency, never negative."""
        return abs(self.marks[symbol].price) * self.multiplier(symbol)

    def held(self) -> dict[str, Decimal]:
        """Return signed units by symbol, flat ones left out."""
        return {symbol: p.quantity for symbol, p in self.book.positions.items()}

    def equity(self) -> Decimal:
        """Return cash and positions at the last prices."""
        return self.book.equity({symbol: mark.price for symbol, mark in self.marks.items()})

    def exposure(self) -> Decimal:
        """Return the value of all positions, long and short, in currency."""
        return sum((abs(q) * self.value(s) for s, q in self.held().items()), _ZERO)

    def open_orders(self) -> list[PaperOrder]:
        """Return the orders that are not final, oldest first."""
        return sorted((self.orders[i] for i in self._open), key=lambda order: order.number)

    def siblings(self, order: PaperOrder) -> Iterator[PaperOrder]:
        """Yield the open orders that are to be canceled if this exit is executed."""
        family = order.children
        if order.is_exit:
            parent = self.orders[order.parent]
            family = parent.children
            if parent.is_working:  # an oco: its own order is the other exit
                yield parent
        for name in family:
            other = self.orders[name]
            if name != order.id and other.is_working and not other.is_leg:
                yield other

    def put(self, order: PaperOrder, event: str = "") -> PaperOrder:
        """Keep an order as it is now, and tell of it if there is something to tell."""
        if not event and self.orders.get(order.id) == order:
            return order
        if order.id in self.orders:
            self._turn()
        else:
            self.fresh.append(order)
        self._keep(order)
        self._changes.orders[order.id] = order
        if event:
            self._tell(VenueUpdate(event=event, order=self.view(order)))
        return order

    def close(self, order: PaperOrder, status: OrderStatus, reason: str) -> PaperOrder:
        """End an order."""
        event = status.value
        return self.put(replace(order, status=status, reason=reason, is_held=False), event)

    def add_fill(self, order: PaperOrder, fill: Fill) -> None:
        """Book an execution and tell of it."""
        self._book_fill(fill)
        self._changes.moves[self._moved] = fill
        event = "fill" if order.status is OrderStatus.FILLED else "partial_fill"
        self._tell(VenueUpdate(event=event, order=self.view(order), fill=fill))

    def add_activity(self, activity: Activity) -> None:
        """Book what moved without an order."""
        self._book_activity(activity)
        self._changes.moves[self._moved] = activity

    def add_cash(
        self, kind: CashKind, amount: Decimal, at: datetime, *, symbol: str = "", note: str = ""
    ) -> CashFlow:
        """Book money that the venue itself takes or gives, under an id of its own."""
        flow = CashFlow(
            activity_id=f"{self.opening.account_id}-a{len(self.activities) + 1:06d}",
            kind=kind,
            amount=amount,
            at=at,
            currency=self.opening.currency,
            symbol=symbol,
            note=note,
        )
        self.add_activity(flow)
        return flow

    def set_marks(self, marks: Mapping[str, Mark]) -> None:
        """Keep the last prices."""
        self._turn()
        self.marks.update(marks)
        self._changes.marks.update(marks)

    def set_time(self, *, last: datetime, accrued: date) -> None:
        """Keep how far the venue has come."""
        self.last, self.accrued = last, accrued
        self._changes.is_touched = True

    def traded_in_month(self, symbol: str, at: datetime) -> Decimal:
        """Return the units of an asset executed so far in the calendar month of `at` (UTC)."""
        return self._traded.get((at.year, at.month, symbol), _ZERO)

    def view(self, order: PaperOrder) -> VenueOrder:
        """Return an order as the port tells of it, with its exits or legs."""
        parent = self.orders[order.parent].venue_order_id if order.parent else ""
        children = tuple(
            self.orders[name].view(parent=order.venue_order_id)
            for name in order.children
            if name in self.orders
        )
        return order.view(children, parent)

    def tell(self) -> tuple[VenueUpdate, ...]:
        """Return what the stream has not told yet."""
        told = tuple(self._untold)
        self._untold.clear()
        return told

    def _tell(self, update: VenueUpdate) -> None:
        if len(self._untold) >= _UNTOLD:
            self._untold.clear()
            self.gaps += 1
        self._untold.append(update)

    @property
    def _moved(self) -> int:
        return len(self.fills) + len(self.activities)

    def _keep(self, order: PaperOrder) -> None:
        self.orders[order.id] = order
        if order.is_open:
            self._open[order.id] = None
        else:
            self._open.pop(order.id, None)

    def _turn(self) -> None:
        """Say that more has changed than that orders came: `fresh` begins anew."""
        self.version += 1
        self.fresh.clear()

    def _book_fill(self, fill: Fill) -> None:
        self._turn()
        self.book.apply(fill)
        self.fills.append(fill)
        self.fill_numbers[fill.fill_id] = len(self.fills)
        month = (fill.at.year, fill.at.month, fill.symbol)
        self._traded[month] = self._traded.get(month, _ZERO) + fill.quantity

    def _book_activity(self, activity: Activity) -> None:
        self._turn()
        self.book.book(activity)
        self.activities.append(activity)
        self.activity_numbers[activity.activity_id] = len(self.activities)
