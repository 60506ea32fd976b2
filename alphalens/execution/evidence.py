"""What an execution that is reported tells about an order, given those booked before.

A venue reports an execution up to three times: in its stream, in its list of executions, and
in the cumulative figure of the order. Reports may come twice, late, out of order, or not at
all. The cumulative quantity of an order puts them in their place: each execution covers the
units from the cumulative figure before it to the one after it, and no unit is covered twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum, auto

from alphalens.trading.orders import Fill

__all__ = ["Correction", "Evidence", "Finding", "inferred_fill"]

_ZERO = Decimal(0)
_SYNTHETIC = "~"


class Finding(Enum):
    """What a report of an execution is."""

    NEW = auto()
    DUPLICATE = auto()  # booked before, or older than what was booked
    GAP = auto()  # new, and executions before it were missed
    CORRECTION = auto()  # the truth about units whose execution was inferred
    CONFLICT = auto()  # it contradicts what was booked


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """True executions in the place of an inferred one.

    Attributes
    ----------
    removed : Fill
        The inferred execution.
    fills : tuple of Fill
        The true one, and what of the inferred one is still inferred before and after it; the
        units are those of `removed`.
    """

    removed: Fill
    fills: tuple[Fill, ...]


class Evidence:
    """The executions of one order in one symbol, as far as they are known.

    Parameters
    ----------
    fills : iterable of Fill
        Those booked, in order.
    base : Decimal
        Units that were executed before the order was known to us: they are in the opening
        position already.
    """

    def __init__(self, fills: Iterable[Fill] = (), base: Decimal = _ZERO) -> None:
        self.base = base
        self._fills: dict[str, Fill] = {fill.fill_id: fill for fill in fills}
        self.total = base + sum((fill.quantity for fill in self._fills.values()), _ZERO)

    @property
    def value(self) -> Decimal:
        """Return the sum of quantity times price of the executions booked."""
        return sum((fill.quantity * fill.price for fill in self._fills.values()), _ZERO)

    def known(self, fill_id: str) -> Fill | None:
        """Return the execution of that id, if it was booked."""
        return self._fills.get(fill_id)

    def judge(self, fill: Fill) -> Finding:
        """Return what a reported execution is; nothing is changed.

        Without a cumulative figure only its id tells whether it was booked before.
        """
        known = self._fills.get(fill.fill_id)
        if known is not None:
            return Finding.DUPLICATE if _agree(known, fill) else Finding.CONFLICT
        if fill.cumulative is None:
            return Finding.NEW
        begin, end = fill.cumulative - fill.quantity, fill.cumulative
        if begin >= self.total:
            return Finding.NEW if begin == self.total else Finding.GAP
        if end <= self.base:
            return Finding.DUPLICATE
        if self._inferred_over(begin, end) is not None:
            return Finding.CORRECTION
        return Finding.DUPLICATE if self._is_covered(begin, end, fill) else Finding.CONFLICT

    def add(self, fill: Fill) -> None:
        """Count an execution that was booked."""
        self._fills[fill.fill_id] = fill
        self.total += fill.quantity

    def correct(self, fill: Fill) -> Correction:
        """Put a true execution in the place of an inferred one, and return what changed.

        What is left of the inferred one keeps its whole value: together the parts are worth
        what it was worth, until the truth about them is known too.
        """
        end = fill.cumulative or _ZERO
        begin = end - fill.quantity
        whole = self._inferred_over(begin, end)
        if whole is None:
            raise ValueError(f"{fill.fill_id} corrects no inferred execution")
        first, last = _span(whole)
        left = whole.quantity - fill.quantity
        parts = [fill]
        if left:
            price = (whole.quantity * whole.price - fill.quantity * fill.price) / left
            if begin > first:
                parts.insert(0, _part(whole, first, begin, price))
            if last > end:
                parts.append(_part(whole, end, last, price))
        del self._fills[whole.fill_id]
        self._fills.update((part.fill_id, part) for part in parts)
        return Correction(removed=whole, fills=tuple(parts))

    def _inferred_over(self, begin: Decimal, end: Decimal) -> Fill | None:
        for known in self._fills.values():
            if known.is_synthetic and known.cumulative is not None:
                first, last = _span(known)
                if first <= begin and end <= last:
                    return known
        return None

    def _is_covered(self, begin: Decimal, end: Decimal, fill: Fill) -> bool:
        """Whether true executions that do not contradict it cover the same units."""
        spans = [
            (_span(k), k)
            for k in self._fills.values()
            if k.cumulative is not None and not k.is_synthetic
        ]
        same = [k for (first, last), k in spans if (first, last) == (begin, end)]
        return bool(same) and _agree(same[0], fill)


def inferred_fill(
    *, like: Fill, begin: Decimal, end: Decimal, price: Decimal, execution_id: str = ""
) -> Fill:
    """Return the execution that must have happened between two cumulative figures.

    Parameters
    ----------
    like : Fill
        An execution of the same order: side, symbol, currency and instant are taken from it.
    begin, end : Decimal
        Units executed before and after it.
    price : Decimal
        Average price of these units.
    execution_id : str
        The venue's id, if it is known.
    """
    return replace(
        like,
        fill_id=f"{like.venue_order_id or like.client_order_id}/{end.normalize():f}{_SYNTHETIC}",
        quantity=end - begin,
        cumulative=end,
        price=price,
        fee=_ZERO,
        execution_id=execution_id,
        is_synthetic=True,
    )


def _part(whole: Fill, begin: Decimal, end: Decimal, price: Decimal) -> Fill:
    return inferred_fill(like=whole, begin=begin, end=end, price=price)


def _span(fill: Fill) -> tuple[Decimal, Decimal]:
    end = fill.cumulative or _ZERO
    return end - fill.quantity, end


def _agree(one: Fill, other: Fill) -> bool:
    return (one.symbol, one.side, one.quantity, one.price) == (
        other.symbol,
        other.side,
        other.quantity,
        other.price,
    )
