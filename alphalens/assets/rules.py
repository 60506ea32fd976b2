"""What an order for an asset may violate: one code per rule, all of them told at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from alphalens.assets.grid import MAX_DIGITS, on_grid, trouble
from alphalens.assets.venues import ORDER_TYPES, TIMES_IN_FORCE, Capability

__all__ = ["Violation", "ViolationCode", "broken_words", "number", "off_grid", "violation"]


class ViolationCode(StrEnum):
    """Why an asset cannot be ordered like that, one code per rule."""

    WRONG_TYPE = "wrong_type"
    NOT_FINITE = "not_finite"
    TOO_LONG = "too_long"
    NOT_POSITIVE = "not_positive"
    LOT = "lot"
    MIN_QUANTITY = "min_quantity"
    TICK = "tick"
    MIN_NOTIONAL = "min_notional"
    NOT_TRADABLE = "not_tradable"
    NOT_SHORTABLE = "not_shortable"
    EXPIRED = "expired"
    ORDER_TYPE = "order_type"
    TIME_IN_FORCE = "time_in_force"


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One rule of an asset or of its venue that an order violates.

    Attributes
    ----------
    code : ViolationCode
        The rule.
    value, limit : str
        What was asked, and what the rule allows.
    message : str
        Rule, symbol, value, limit and remedy, for a person.
    """

    code: ViolationCode
    value: str
    limit: str
    message: str


def violation(
    code: ViolationCode, what: str, value: object, limit: object, remedy: str
) -> Violation:
    """Return a violation whose message has every part in its place."""
    return Violation(
        code=code,
        value=str(value),
        limit=str(limit),
        message=f"{code}: {what} is {value}, must be {limit}; {remedy}",
    )


def number(what: str, value: object, *, must_be_positive: bool = True) -> Violation | None:
    """Return what is wrong with a number, nothing if it can be traded with."""
    reason = trouble(value)
    if reason == "wrong_type":
        remedy = "write Decimal('...'), a float is rounded before it arrives"
        shown = f"{value!r} of type {type(value).__name__}"
        return violation(ViolationCode.WRONG_TYPE, what, shown, "a Decimal", remedy)
    if reason == "not_finite":
        remedy = "a price or a quantity is missing upstream"
        return violation(ViolationCode.NOT_FINITE, what, value, "a finite number", remedy)
    if reason == "too_long":
        limit = f"at most {MAX_DIGITS} digits before the point"
        return violation(ViolationCode.TOO_LONG, what, value, limit, "that is a mistake")
    if must_be_positive and isinstance(value, Decimal) and value <= 0:
        remedy = "the side of an order says the direction"
        return violation(ViolationCode.NOT_POSITIVE, what, f"{value:f}", "above 0", remedy)
    return None


def off_grid(code: ViolationCode, what: str, value: Decimal, step: Decimal) -> Violation | None:
    """Return that a value is no multiple of a step, nothing if it is one."""
    if on_grid(value, step):
        return None
    limit = f"a multiple of {step:f}"
    return violation(code, what, f"{value:f}", limit, "round it as the asset does")


def broken_words(
    symbol: str,
    order_type: str | None,
    time_in_force: str | None,
    *,
    venue: Capability | None,
    is_fractional: bool,
) -> Iterator[Violation]:
    """Yield what a venue does not take; without one, what is no order at all."""
    types: tuple[str, ...] = ORDER_TYPES
    times: tuple[str, ...] = TIMES_IN_FORCE
    where = ""
    if venue is not None:
        types, where = venue.order_types, f" at {venue.venue}"
        if is_fractional:
            types = tuple(t for t in types if venue.allowed(t, is_fractional=True))
            where += " for a part of a unit"
        times = venue.times_in_force
    if order_type is not None and order_type not in types:
        yield _not_among(
            ViolationCode.ORDER_TYPE, f"{symbol}: order type{where}", order_type, types
        )
    elif order_type is not None and venue is not None:
        times = venue.allowed(order_type, is_fractional=is_fractional)
        where += f" of a {order_type} order"
    if time_in_force is not None and time_in_force not in times:
        what = f"{symbol}: time in force{where}"
        yield _not_among(ViolationCode.TIME_IN_FORCE, what, time_in_force, times)


def _not_among(code: ViolationCode, what: str, value: str, known: tuple[str, ...]) -> Violation:
    return violation(code, what, value, f"one of {', '.join(known)}", "choose one of them")
