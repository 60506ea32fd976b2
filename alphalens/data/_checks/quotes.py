"""Checks of the two sides of quotes, and the price between them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alphalens.data._checks.marks import Marked
from alphalens.data.reasons import Reason

__all__ = ["check_sides", "mids"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def check_sides(
    rows: Marked, bid: Floats, ask: Floats, *, may_be_zero: Flags, widest: float
) -> None:
    """Check bid and ask against each other; NaN is a side that nobody told.

    A bid above the ask is fatal; equal ones are legal, and without a mark. A bid of 0 is legal
    where nobody has to bid, as for an option, and flagged; elsewhere it is no price.

    Parameters
    ----------
    rows : Marked
        Gets the marks.
    bid, ask : float64 arrays of shape (n,)
        Prices.
    may_be_zero : bool array of shape (n,)
        Where a bid of 0 is legal.
    widest : float
        A spread above this part of the mid is flagged.
    """
    rows.mark(np.isinf(bid) | np.isinf(ask), Reason.INFINITE)
    rows.mark((bid < 0.0) | (ask < 0.0), Reason.PRICE_NOT_POSITIVE)
    is_zero = bid == 0.0
    rows.mark(is_zero & may_be_zero, Reason.ZERO_BID)
    rows.mark(is_zero & ~may_be_zero, Reason.PRICE_NOT_POSITIVE)
    rows.mark(bid > ask, Reason.CROSSED_QUOTE)
    is_wide = (bid > 0.0) & (ask - bid > widest * (ask + bid) / 2.0)
    rows.mark(is_wide, Reason.CROSSED_QUOTE, is_fatal=False)


def mids(bid: Floats, ask: Floats, *, takes_zero_bid: bool = False) -> Floats:
    """Return the mean of bid and ask, NaN where one of them is not known or nobody bids.

    Parameters
    ----------
    bid, ask : float64 arrays of shape (n,)
        Prices of one unit.
    takes_zero_bid : bool
        Whether half the ask is a price where the bid is 0. It is not by default: nobody would
        buy there.

    Examples
    --------
    >>> mids(np.array([1.0, 0.0]), np.array([1.5, 0.1])).tolist()
    [1.25, nan]
    >>> mids(np.array([0.0]), np.array([0.1]), takes_zero_bid=True).tolist()
    [0.05]
    """
    is_bid = (bid >= 0.0) if takes_zero_bid else (bid > 0.0)
    return np.where(is_bid, (bid + ask) / 2.0, np.nan)
