"""The books as the gate sees them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from alphalens.assets.base import Asset
from alphalens.execution.books import Books
from alphalens.execution.orderbook import reserved
from alphalens.execution.records import OrderRecord
from alphalens.risk import BookView, SentOrder
from alphalens.trading.orders import Side

__all__ = ["gate_view"]

_ZERO = Decimal(0)


def gate_view(
    books: Books,
    *,
    now: datetime,
    assets: Mapping[str, Asset],
    cycle_id: str,
    without: str = "",
    asked_at: datetime | None = None,
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
        When the venue told the buying power: what was sent before is taken off it already.

    Raises
    ------
    InputError
        If a held asset never had a price.
    """
    equity = books.equity()
    others = [o for o in books.orders.open if o.client_order_id != without]
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
        open_buys=reserved(others, Side.BUY),
        open_sells=reserved(others, Side.SELL),
        unresolved=frozenset(_blocked(others)),
        sent=frozenset(books.sent_in(cycle_id) - {without}),
        planned=frozenset(i.client_order_id for i in books.plans.get(cycle_id, ())),
        frozen=frozenset(books.frozen),
        external=frozenset(books.external),
        orders=tuple(_sent(books, others, now, without, asked_at)),
        traded_today=books.traded_on(now),
    )


def _sent(
    books: Books,
    others: Sequence[OrderRecord],
    now: datetime,
    without: str,
    asked_at: datetime | None,
) -> Iterator[SentOrder]:
    """Give the orders that are open, and those sent a moment ago that are not."""
    recent = books.recent(now)
    ended = {key for key in recent if key != without}
    for order in others:
        ended.discard(order.client_order_id)
        at = order.attempted_at or order.intent.created_at
        yield SentOrder(
            intent=order.intent,
            at=at,
            remaining=order.remaining,
            is_reserved=asked_at is not None and at < asked_at,
        )
    for key in sorted(ended):
        yield SentOrder(intent=books.orders[key].intent, at=recent[key], remaining=_ZERO)


def _blocked(orders: Iterable[OrderRecord]) -> Iterator[str]:
    """Give the symbols of orders of which nobody knows how they will end."""
    for order in orders:
        if order.is_unresolved or order.is_pending:
            yield from order.intent.traded
