"""One series out of the contracts of a chain, and the rolls between them as what can be traded.

A roll at an instant sells one contract and buys another at their prices of that instant. The
stitched series shows the old contract up to then and the new one after. Adjusted by difference,
all prices before a roll are moved by the gap, so that changes are what a holder earned per unit;
adjusted by ratio they are multiplied, so that returns are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alphalens.data._checks.context import ZONES
from alphalens.data.futures_chain import FuturesChain, Places, RollRule
from alphalens.data.point_in_time import usable
from alphalens.data.sessions import closing_instants
from alphalens.data.store import BarStore
from alphalens.errors import DataError, InputError

__all__ = ["Chained", "Roll", "Splice", "chain_closes", "chained"]

Floats = NDArray[np.float64]

_ALL_CLOSED = time(17, 0)  # in the zone of each market of futures


class Splice(StrEnum):
    """What is done to the prices before a roll."""

    NONE = "none"
    DIFFERENCE = "difference"
    RATIO = "ratio"


@dataclass(frozen=True, slots=True, kw_only=True)
class Roll:
    """One change of contracts.

    Attributes
    ----------
    at : datetime
        Instant of both prices (UTC); the new contract is held after it.
    sold, bought : str
        Symbols, for somebody who holds the front.
    sold_at, bought_at : float
        Prices of one unit at that instant.
    """

    at: datetime
    sold: str
    bought: str
    sold_at: float
    bought_at: float

    @property
    def gap(self) -> float:
        """Return by how much the new contract is dearer, in currency."""
        return self.bought_at - self.sold_at


@dataclass(frozen=True, eq=False, kw_only=True)
class Chained:
    """The front of a chain over time, by what was known at each instant.

    Attributes
    ----------
    root : str
        The product.
    prices : Series of shape (n,)
        Price of the contract that was held up to each instant; NaN where it had none.
    fronts : Series of shape (n,)
        Its symbol.
    rolls : tuple of Roll
        In order.
    """

    root: str
    prices: pd.Series[float]
    fronts: pd.Series[str]
    rolls: tuple[Roll, ...]

    def series(self, splice: Splice = Splice.NONE) -> pd.Series[float]:
        """Return the continuous series, float64 of shape (n,), the last prices as they are.

        Raises
        ------
        InputError
            If it is to be adjusted by ratio, and a price is not above 0: the return on a price
            of 0 or less means nothing.
        """
        found = self.prices.to_numpy(float).copy()
        index = pd.DatetimeIndex(self.prices.index)
        if splice is Splice.RATIO:
            self._check_positive()
        for roll in self.rolls:
            until = int(index.searchsorted(pd.Timestamp(roll.at), side="right"))
            if splice is Splice.DIFFERENCE:
                found[:until] += roll.gap
            elif splice is Splice.RATIO:
                found[:until] *= roll.bought_at / roll.sold_at
        return pd.Series(found, index=index, name=self.root)

    def table(self) -> pd.DataFrame:
        """Return the rolls, a row each: the columns of `Roll`, and ``gap``."""
        names = ("at", "sold", "bought", "sold_at", "bought_at", "gap")
        rows = [[getattr(roll, name) for name in names] for roll in self.rolls]
        return pd.DataFrame(rows, columns=list(names))

    def _check_positive(self) -> None:
        told = [(at, price) for at, price in self.prices.items() if price <= 0]
        told += [(r.at, min(r.sold_at, r.bought_at)) for r in self.rolls]
        for at, price in told:
            if not price > 0:
                raise InputError(
                    f"{self.root}: the price at {at} is {price:g}, and a ratio needs prices above "
                    f"0: adjust by difference, or roll earlier"
                )


def chained(
    chain: FuturesChain, closes: pd.DataFrame, rule: RollRule, *, as_of: datetime
) -> Chained:
    """Return the front of a chain and its rolls, as they were known at an instant.

    Parameters
    ----------
    chain : FuturesChain
        The contracts.
    closes : DataFrame of shape (n, m)
        Prices of contracts, columns their symbols, rows the aware instants at which they became
        known, ascending. NaN where a contract has none.
    rule : RollRule
        When a contract is left.
    as_of : datetime
        Aware. Later prices do not count.

    Raises
    ------
    InputError
        If the instants have no zone or do not ascend, or a column is no contract of the chain.
    DataError
        If nothing was known by then, a contract ended before both had a price at one instant, or
        one is wanted that the chain or the prices lack.

    Examples
    --------
    >>> from datetime import date
    >>> from decimal import Decimal
    >>> from alphalens.assets import Future
    >>> from alphalens.data.futures_chain import RollBefore
    >>> chain = FuturesChain([
    ...     Future(symbol=symbol, tick=Decimal("0.01"), multiplier=Decimal(1000),
    ...            last_trade=day, calendar="NYMEX")
    ...     for symbol, day in (("CLK20", date(2020, 4, 21)), ("CLM20", date(2020, 5, 19)))
    ... ])
    >>> days = pd.DatetimeIndex(["2020-04-16", "2020-04-17", "2020-04-20"]) + pd.Timedelta("19h")
    >>> closes = pd.DataFrame({"CLK20": [19.87, 18.27, -37.63], "CLM20": [25.53, 25.03, 20.43]})
    >>> closes.index = days.tz_localize("UTC")
    >>> found = chained(chain, closes, RollBefore(sessions=2), as_of=closes.index[-1])
    >>> found.prices.tolist(), found.series(Splice.DIFFERENCE).round(2).tolist()
    ([19.87, 18.27, 20.43], [26.63, 25.03, 20.43])
    >>> (found.rolls[0].sold, found.rolls[0].bought, round(found.rolls[0].gap, 2))
    ('CLK20', 'CLM20', 6.76)
    """
    index = pd.DatetimeIndex(closes.index)
    if index.tz is None or not (index.is_monotonic_increasing and index.is_unique):
        raise InputError(f"{chain.root}: closes need timezone-aware instants that ascend")
    unknown = set(closes.columns) - set(chain.symbols)
    if unknown:
        raise InputError(f"{chain.root} has no contract {', '.join(sorted(map(str, unknown)))}")
    known = closes[usable(index, as_of)]
    if not len(known):
        raise DataError(f"{chain.root}: no price was known at {as_of}")
    prices = known.reindex(columns=list(chain.symbols)).to_numpy(float)
    instants = pd.DatetimeIndex(known.index)
    held, rolls = _walk(chain, prices, instants, chain.wanted(instants, rule))
    return Chained(
        root=chain.root,
        prices=pd.Series(prices[np.arange(len(held)), held], index=instants, name=chain.root),
        fronts=pd.Series(np.array(chain.symbols, object)[held], index=instants, name=chain.root),
        rolls=rolls,
    )


def chain_closes(
    store: BarStore, chain: FuturesChain, start: datetime, end: datetime, *, as_of: datetime
) -> pd.DataFrame:
    """Return the stored daily closes of a chain, by the instants at which they became known.

    Parameters
    ----------
    store : BarStore
        Where they are, under the symbols of the contracts.
    chain : FuturesChain
        The contracts.
    start, end : datetime
        Bars that begin at or after `start` and before `end`; aware.
    as_of : datetime
        Aware. Bars that were received later do not count.

    Raises
    ------
    InputError
        If an instant has no time zone.
    StorageError
        If the database fails.
    """
    found = store.panel(chain.symbols, start, end, "close", as_of=as_of)
    zone = ZONES[chain.calendar]
    days = pd.DatetimeIndex(found.index).tz_convert(zone).tz_localize(None).normalize()
    found.index = closing_instants(days, close_time=_ALL_CLOSED, timezone=zone)
    return found


def _walk(
    chain: FuturesChain, prices: Floats, instants: pd.DatetimeIndex, wanted: Places
) -> tuple[Places, tuple[Roll, ...]]:
    """Hold the first contract until another is wanted and both have a price, and so on."""
    held, now, rolls = np.empty(len(wanted), np.intp), int(wanted[0]), []
    days = chain.days(instants)
    for row, target in enumerate(wanted):
        held[row] = now
        if target <= now:
            continue
        sold_at, bought_at = prices[row, now], prices[row, target]
        if np.isfinite(sold_at) and np.isfinite(bought_at):
            at = instants[row].to_pydatetime()
            sold, bought = chain.symbols[now], chain.symbols[target]
            rolls.append(
                Roll(
                    at=at,
                    sold=sold,
                    bought=bought,
                    sold_at=float(sold_at),
                    bought_at=float(bought_at),
                )
            )
            now = int(target)
        elif days[row] > np.datetime64(chain.contracts[now].last_trade, "D"):
            raise DataError(
                f"{chain.symbols[now]} ended without an instant at which it and "
                f"{chain.symbols[target]} both have a price: fetch what is missing"
            )
    return held, tuple(rolls)
