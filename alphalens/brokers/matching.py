"""How the price moves through an order: triggers, limits and gaps, as pure functions.

A path is the sequence of prices that a bar or a quote shows. Its first point is a jump: what
lies between it and the price before was never traded, so a stop that is jumped over is
executed at the point itself, and so is a limit that the point is better than. From each point
to the next the price passes everything between, so that triggers and limits are executed at
their own price.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from alphalens.trading.market import Quote
from alphalens.trading.orders import OrderIntent, OrderType, Side

__all__ = ["SizedQuote", "Terms", "Touch", "is_within", "terms_of", "touch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SizedQuote(Quote):
    """A quote that says how many units stand at the bid and at the offer.

    Attributes
    ----------
    bid_size, ask_size : Decimal or None
        Units, zero or positive; None where it is not known, which limits nothing.
    """

    bid_size: Decimal | None = None
    ask_size: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """At what price an order may be executed, and how far its trigger has come.

    Attributes
    ----------
    side : Side
        Buy or sell.
    order_type : OrderType
        How the price is found.
    limit_price, stop_price, trail_amount, trail_fraction : Decimal or None
        As of an `OrderIntent`.
    is_triggered : bool
        Whether the stop was reached.
    best : Decimal or None
        Best price seen since the order came: where a trailing stop hangs from.
    """

    side: Side
    order_type: OrderType
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_fraction: Decimal | None = None
    is_triggered: bool = False
    best: Decimal | None = None

    @property
    def waits(self) -> bool:
        """Return whether the order still has to be woken by the price."""
        return self.order_type in _TRIGGERED and not self.is_triggered

    @property
    def level(self) -> Decimal | None:
        """Return the price that wakes it; None if nothing has to, or nothing was seen yet."""
        if self.order_type is not OrderType.TRAILING_STOP:
            return self.stop_price
        if self.best is None:
            return None
        trail = self.trail_amount
        if trail is None:
            trail = self.best * (self.trail_fraction or Decimal(0))
        return self.best + self.side.sign * trail

    def repriced(self, change: Callable[[Decimal], Decimal], *names: str) -> Terms:
        """Return the terms with the prices of those names changed, absent ones left out."""

        def of(name: str) -> Decimal | None:
            price: Decimal | None = getattr(self, name)
            return price if price is None or name not in names else change(price)

        return replace(
            self,
            limit_price=of("limit_price"),
            stop_price=of("stop_price"),
            trail_amount=of("trail_amount"),
            best=of("best"),
        )


_TRIGGERED = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP})
_LIMITED = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """What a path did to an order.

    Attributes
    ----------
    terms : Terms
        The terms afterwards.
    price : Decimal or None
        Price of the execution before costs; None if there was none.
    index : int
        Number of the point that the price was at or on its way to; that of the end without
        an execution.
    """

    terms: Terms
    price: Decimal | None
    index: int


def terms_of(intent: OrderIntent, *, best: Decimal | None = None) -> Terms:
    """Return the terms of an order as it was sent.

    Parameters
    ----------
    intent : OrderIntent
        The order.
    best : Decimal or None
        Price of the market as it came, for a trailing stop.
    """
    return Terms(
        side=intent.side,
        order_type=intent.order_type,
        limit_price=intent.limit_price,
        stop_price=intent.stop_price,
        trail_amount=intent.trail_amount,
        trail_fraction=intent.trail_fraction,
        best=best if intent.order_type is OrderType.TRAILING_STOP else None,
    )


def is_within(side: Side, limit: Decimal | None, price: Decimal) -> bool:
    """Return whether a limit allows a price."""
    return limit is None or side.sign * (limit - price) >= 0


def touch(terms: Terms, path: Sequence[Decimal]) -> Touch:
    """Move the price along a path and return what becomes of an order.

    Parameters
    ----------
    terms : Terms
        The order.
    path : sequence of Decimal
        Prices in their order; the first is jumped to.

    Examples
    --------
    A stop at 95 is executed at 95 where the price passes it, and at 90 where it opens there:

    >>> stop = Terms(side=Side.SELL, order_type=OrderType.STOP, stop_price=Decimal(95))
    >>> touch(stop, [Decimal(100), Decimal(94)]).price, touch(stop, [Decimal(90)]).price
    (Decimal('95'), Decimal('90'))
    """
    start: Decimal | None = None
    for index, end in enumerate(path):
        terms, price = _advance(terms, end if start is None else start, end)
        if price is not None:
            return Touch(terms=terms, price=price, index=index)
        start = end
    return Touch(terms=terms, price=None, index=len(path))


def _advance(terms: Terms, start: Decimal, end: Decimal) -> tuple[Terms, Decimal | None]:
    """Move from `start` straight to `end`; return the terms and the price of an execution."""
    sign = terms.side.sign
    if terms.waits:
        terms = _trailed(terms, start)
        level = terms.level
        reached = None if level is None else _first(start, end, level, up=sign > 0)
        if reached is None:
            return _trailed(terms, end), None
        terms, start = replace(terms, is_triggered=True), reached
    if terms.order_type not in _LIMITED or terms.limit_price is None:
        return terms, start
    return terms, _first(start, end, terms.limit_price, up=sign < 0)


def _first(start: Decimal, end: Decimal, level: Decimal, *, up: bool) -> Decimal | None:
    """Return where the way from `start` to `end` first is at or beyond `level`."""
    sign = 1 if up else -1
    if sign * (start - level) >= 0:
        return start
    return level if sign * (end - level) >= 0 else None


def _trailed(terms: Terms, price: Decimal) -> Terms:
    """Return the terms once `price` was seen: a trailing stop follows what is good."""
    if terms.order_type is not OrderType.TRAILING_STOP:
        return terms
    if terms.best is not None and terms.side.sign * (terms.best - price) <= 0:
        return terms
    return replace(terms, best=price)
