"""The books as the gate sees them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from alphalens.assets.base import Asset
from alphalens.execution.books import Books
from alphalens.execution.orderbook import reserved
from alphalens.execution.records import OrderRecord, Origin
from alphalens.risk import BookView, SentOrder
from alphalens.trading.orders import OrderIntent, Side

__all__ = ["Memory", "gate_view"]

_ZERO = Decimal(0)
_Sums = dict[str, Decimal]


def gate_view(
    books: Books,
    *,
    now: datetime,
    assets: Mapping[str, Asset],
    cycle_id: str,
    without: str = "",
    asked_at: datetime | None = None,
    memory: Memory | None = None,
) -> BookView:
    """Return what the gate sees of the books.

    Parameters
    ----------
    books : Books
        Positions, orders, prices, state.
    now : datetime
        The present, timezone-aware.
    assets : Mapping of str to Asset
        What may be traded.
    cycle_id : str
        The cycle whose orders are counted.
    without : str
        Client order id of an order that is left out, because it is the one to be judged.
    asked_at : datetime or None
        When the venue told the buying power: what was sent before is taken off it already,
        but for an order of which nobody knows whether the venue had it. What was executed of
        the others is told with them, also of those that ended.
    memory : Memory or None
        What the last view of the same books left; the view is the same without it, slower.

    Raises
    ------
    InputError
        If a held asset never had a price.

    Notes
    -----
    With a memory, the work is O(k) in the orders that changed since the last view, beside a
    look at each of the open ones and of those of the last minutes.
    """
    memory = Memory() if memory is None else memory
    equity = books.equity()
    working = {order.intent.client_order_id: order for order in books.orders.open}
    working.pop(without, None)
    ended = _ended(books, working, now, without, asked_at)
    seen = memory.look(books, {**working, **ended}, asked_at)
    buys, sells = memory.claims(working)
    return BookView(
        now=now,
        equity=equity,
        cash=books.ledger.cash,
        day_open_equity=books.day_open(now),
        peak_equity=books.peak_with(equity),
        quantities={s: p.quantity for s, p in books.ledger.positions.items()},
        prices=dict(books.prices),
        price_times=dict(books.price_times),
        assets=assets,
        open_buys=buys,
        open_sells=sells,
        unresolved=frozenset(symbol for one in seen for symbol in one.blocked),
        sent=frozenset(books.sent_in(cycle_id) - {without}),
        planned=memory.planned(books, cycle_id),
        frozen=frozenset(books.frozen),
        external=frozenset(books.external),
        orders=tuple(one.sent for one in seen),
        traded_today=books.traded_on(now),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What follows from one order as it stands."""

    order: OrderRecord
    sent: SentOrder
    is_unresolved: bool
    blocked: tuple[str, ...]  # symbols that wait until it is known what became of it
    buys: tuple[tuple[str, Decimal], ...]  # what it reserves, alone
    sells: tuple[tuple[str, Decimal], ...]


@dataclass(frozen=True, slots=True)
class _Knot:
    """What orders reserve together of which not all can be executed."""

    orders: tuple[OrderRecord, ...]
    buys: _Sums
    sells: _Sums


class Memory:
    """What was computed of each order for the last view, so that the next computes what is new.

    A record of an order never changes: with each execution, and each other word of the venue, a
    new one takes its place. What is kept is looked up by the record itself, and all of it
    forgotten when executions were corrected, so nothing can be out of date.
    """

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}
        self._corrections = 0
        self._knots: dict[str, _Knot] = {}
        self._plan: tuple[OrderIntent, ...] = ()
        self._planned = frozenset[str]()
        self._unplanned: set[str] = set()  # cycles of which the journal has no plan

    def look(
        self, books: Books, orders: Mapping[str, OrderRecord], asked_at: datetime | None
    ) -> tuple[_Seen, ...]:
        """Return what follows from each order, and forget all others."""
        known, kept = self._seen, dict[str, _Seen]()
        if books.orders.corrections != self._corrections:  # executions changed, not the order
            known, self._corrections = {}, books.orders.corrections
        for key, order in orders.items():
            seen = known.get(key)
            if seen is None or seen.order is not order or not _is_valid(seen, asked_at):
                seen = _see(books, order, asked_at)
            kept[key] = seen
        self._seen = kept
        return tuple(kept.values())

    def claims(self, working: Mapping[str, OrderRecord]) -> tuple[_Sums, _Sums]:
        """Return by symbol the units that orders looked at still want to buy, and to sell."""
        buys: _Sums = {}
        sells: _Sums = {}
        knots = self._tie(working)
        tied = {order.intent.client_order_id for knot in knots for order in knot.orders}
        for key, seen in self._seen.items():
            if key not in tied:
                for symbol, units in seen.buys:
                    buys[symbol] = buys.get(symbol, _ZERO) + units
                for symbol, units in seen.sells:
                    sells[symbol] = sells.get(symbol, _ZERO) + units
        for knot in knots:
            for sums, more in ((buys, knot.buys), (sells, knot.sells)):
                for symbol, units in more.items():
                    sums[symbol] = sums.get(symbol, _ZERO) + units
        return buys, sells

    def planned(self, books: Books, cycle_id: str) -> frozenset[str]:
        """Return the ids of the stored plan of a cycle; none if it was never planned."""
        plan = books.plans.get(cycle_id)
        if plan is None and cycle_id not in self._unplanned:
            plan = books.plan_of(cycle_id)
        if plan is None:
            self._unplanned.add(cycle_id)
            return frozenset()
        if plan is not self._plan:
            self._plan, self._planned = plan, frozenset(one.client_order_id for one in plan)
        return self._planned

    def _tie(self, working: Mapping[str, OrderRecord]) -> tuple[_Knot, ...]:
        """Return the orders whose reservations touch, by what they have in common."""
        groups: dict[str, list[OrderRecord]] = {}
        replaced = Counter(o.intent.replaces for o in working.values() if o.intent.replaces)
        for key, order in working.items():
            old = order.intent.replaces
            if order.origin is Origin.EXIT:
                groups.setdefault(f"exits of {order.parent_id}", []).append(order)
            elif key in replaced or (old and (old in working or replaced[old] > 1)):
                groups.setdefault("changes", []).append(order)
        known, self._knots = self._knots, {}
        for key, orders in groups.items():
            knot = known.get(key)
            if knot is None or not _are_same(knot.orders, orders):
                knot = _Knot(tuple(orders), reserved(orders, Side.BUY), reserved(orders, Side.SELL))
            self._knots[key] = knot
        return tuple(self._knots.values())


def _see(books: Books, order: OrderRecord, asked_at: datetime | None) -> _Seen:
    """Tell what follows from an order, by what the venue's buying power may know of it."""
    at, is_unresolved = order.attempted_at or order.intent.created_at, order.is_unresolved
    is_reserved = asked_at is not None and at < asked_at and not is_unresolved
    executed, price = (_ZERO, _ZERO) if is_reserved else _executed(books, order)
    alone = (order,) if order.is_open else ()
    return _Seen(
        order=order,
        sent=SentOrder(
            intent=order.intent,
            at=at,
            remaining=order.remaining if order.is_open else _ZERO,
            is_reserved=is_reserved,
            executed=executed,
            price=price,
        ),
        is_unresolved=is_unresolved,
        blocked=tuple(order.intent.traded) if is_unresolved or order.is_pending else (),
        buys=tuple(reserved(alone, Side.BUY).items()),
        sells=tuple(reserved(alone, Side.SELL).items()),
    )


def _is_valid(seen: _Seen, asked_at: datetime | None) -> bool:
    """Return whether what was told of an order is still so beside a new figure of the venue."""
    sent = seen.sent
    is_reserved = asked_at is not None and sent.at < asked_at and not seen.is_unresolved
    return sent.is_reserved is is_reserved


def _executed(books: Books, order: OrderRecord) -> tuple[Decimal, Decimal]:
    """Return the units executed, and the average price of one, fees counted in."""
    intent = order.intent
    if intent.legs:
        wanted = intent.traded.items()
        shares = [order.leg_fills.get(symbol, _ZERO) / units for symbol, units in wanted if units]
        return max(shares, default=_ZERO) * intent.quantity, _ZERO
    if not order.filled_quantity:
        return _ZERO, _ZERO
    fills = books.orders.fills_of(order.client_order_id).values()
    units = sum((fill.quantity for fill in fills), _ZERO)
    if not units:
        return _ZERO, _ZERO
    fees = sum((fill.fee / fill.multiplier for fill in fills), _ZERO)
    value = sum((fill.quantity * fill.price for fill in fills), _ZERO)
    return units, (value + intent.side.sign * fees) / units


def _ended(
    books: Books,
    working: Mapping[str, OrderRecord],
    now: datetime,
    without: str,
    asked_at: datetime | None,
) -> dict[str, OrderRecord]:
    """Return the orders sent a moment ago, or since the venue was asked, that work no longer."""
    since = now if asked_at is None else min(now, asked_at)
    names = books.recent(since).keys() - working.keys() - {without}
    return {name: books.orders[name] for name in sorted(names)}


def _are_same(some: Sequence[OrderRecord], others: Sequence[OrderRecord]) -> bool:
    return len(some) == len(others) and all(a is b for a, b in zip(some, others, strict=True))
