"""Which numbers the gate computes with, and how it writes them."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from math import inf

from alphalens.assets.grid import MAX_DIGITS
from alphalens.trading.market import Quote
from alphalens.trading.orders import OrderIntent

__all__ = [
    "CONTEXT",
    "absurd_figure",
    "age_s",
    "exact",
    "is_price",
    "is_sound",
    "is_sound_quote",
    "text",
]

#: The gate computes in it whatever the caller's context is: 18 digits on both sides, and more.
CONTEXT = Context(prec=60, traps=[InvalidOperation, DivisionByZero, Overflow])

_STEP = Decimal("0.000001")
_LEAST, _MOST = Decimal(1).scaleb(-MAX_DIGITS), Decimal(1).scaleb(MAX_DIGITS)
_NAMES = tuple(field.name for field in fields(OrderIntent) if "Decimal" in str(field.type))


def is_sound(value: Decimal) -> bool:
    """Return whether sums and products of a number can neither fail nor overflow."""
    return value.is_finite() and (_LEAST <= abs(value) < _MOST or not value)


def is_price(price: Decimal | None) -> bool:
    """Return whether something can be valued at a price."""
    return price is not None and price.is_finite() and _LEAST <= price < _MOST


def is_sound_quote(quote: Quote) -> bool:
    """Return whether both sides of a quote are prices and they do not cross."""
    return is_price(quote.bid) and is_price(quote.ask) and quote.bid <= quote.ask


def absurd_figure(intent: OrderIntent) -> Decimal | None:
    """Return a number of an order that nothing can be computed with, None if there is none."""
    own = (getattr(intent, name) for name in _NAMES)
    figures = [figure for figure in own if isinstance(figure, Decimal)]
    if intent.legs:
        figures += [Decimal(leg.ratio) for leg in intent.legs]
        figures += intent.traded.values() if all(map(is_sound, figures)) else ()
    return next((figure for figure in figures if not is_sound(figure)), None)


def age_s(now: datetime, at: datetime, skew: Decimal | None) -> float:
    """Return the seconds since an instant, by the venue's clock; infinite if it has no zone.

    Parameters
    ----------
    now, at : datetime
        The present by our clock, and an instant by the venue's.
    skew : Decimal or None
        Seconds that our clock is ahead; None counts as 0.
    """
    if at.tzinfo is None:
        return inf
    ahead = float(skew) if skew is not None and skew.is_finite() else 0.0
    return (now - at).total_seconds() - ahead


def text(value: Decimal) -> str:
    """Return a number with at most six decimals, without an exponent or trailing zeros."""
    if not value.is_finite() or value.adjusted() >= MAX_DIGITS:
        return str(value)
    rounded = value.quantize(_STEP)
    return format(rounded.normalize(), "f") if rounded else "0"


def exact(value: Decimal) -> str:
    """Return a sound number with all its decimals, without an exponent or trailing zeros."""
    return format(value.normalize(), "f") if value else "0"
