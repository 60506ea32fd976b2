"""Checks of states of options: contracts that cannot be, figures that cannot be, old strikes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from alphalens.assets.contracts import OccSymbol
from alphalens.assets.kinds import OptionKind
from alphalens.data._checks.calendar import day_number, local_days
from alphalens.data._checks.marks import Marked
from alphalens.data._checks.quotes import check_sides, mids
from alphalens.data.bars import micros
from alphalens.data.port import CorporateAction, OptionSnapshot
from alphalens.data.reasons import Reason
from alphalens.errors import InputError

__all__ = ["OptionLimits", "OptionRows", "check_options"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

_ZONE = "America/New_York"
_FIGURES = (
    "bid",
    "ask",
    "last",
    "underlying_price",
    "open_interest",
    "implied_volatility",
    "delta",
)
_CENT = 0.01
_MOVED = 0.1  # part by which a share may have moved since the prices of before a split
_FAR = 1 / 3  # of the way from the new level to the old one, in logarithms


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionLimits:
    """Limits of the checks.

    Attributes
    ----------
    widest : float
        A spread above this part of the mid is flagged.
    most_volatility : float
        More, a year, cannot be implied by a price.
    slack, rounding : float
        By how much, in dollars and as a part of the underlying's price, a price may be below
        what the option is worth if exercised: the two prices are not of one instant.

    Raises
    ------
    InputError
        If a limit is not above 0.
    """

    widest: float = 0.5
    most_volatility: float = 5.0
    slack: float = 0.05
    rounding: float = 0.01

    def __post_init__(self) -> None:
        """Refuse limits that would mark every row."""
        for name in self.__slots__:
            if not getattr(self, name) > 0:
                raise InputError(f"{name} is {getattr(self, name)}, it must be above 0")


@dataclass(eq=False, kw_only=True)
class OptionRows(Marked):
    """States of options as columns.

    Attributes
    ----------
    symbols, underlyings : tuple of str
        Contract and share of each row.
    time, day, expiry : int64 arrays of shape (n,)
        Instant in microseconds, its day in New York and the day of expiry since 1970; what
        could not be read of a symbol is the least int64.
    strike : float64 array of shape (n,)
        NaN where the symbol could not be read.
    is_call : bool array of shape (n,)
        Whether it is a call.
    is_standard : bool array of shape (n,)
        Whether it delivers shares of the underlying and nothing else.
    figures : dict of str to float64 array
        What the vendor tells, by the names of `OptionSnapshot`.
    """

    symbols: tuple[str, ...]
    underlyings: tuple[str, ...]
    time: Ints
    day: Ints
    expiry: Ints
    strike: Floats
    is_call: Flags
    is_standard: Flags
    figures: dict[str, Floats]

    @classmethod
    def of(cls, snapshots: Sequence[OptionSnapshot]) -> OptionRows:
        """Return the columns of states, without marks."""
        n = len(snapshots)
        time = np.array([micros(one.at) for one in snapshots], np.int64)
        read = [_contract(one.symbol) for one in snapshots]
        unread = np.iinfo(np.int64).min
        return cls(
            marks=np.zeros(n, np.uint64),
            fatal=np.zeros(n, np.uint64),
            symbols=tuple(one.symbol for one in snapshots),
            underlyings=tuple(one.underlying for one in snapshots),
            time=time,
            day=local_days(time, _ZONE)[0],
            expiry=np.array([day_number(c.expiry) if c else unread for c in read], np.int64),
            strike=np.array([float(c.strike) if c else np.nan for c in read], np.float64),
            is_call=np.array([c is not None and c.kind is OptionKind.CALL for c in read], np.bool_),
            is_standard=np.array(
                [
                    c is not None and c.root == one.underlying.replace(".", "")
                    for c, one in zip(read, snapshots, strict=True)
                ],
                np.bool_,
            ),
            figures={
                name: np.array([getattr(one, name) for one in snapshots], np.float64)
                for name in _FIGURES
            },
        )

    @property
    def level(self) -> Floats:
        """The price of what a contract delivers, a unit; NaN where it is not known.

        Roots with a digit, as ``AAPL1``, are of contracts that deliver something else.
        """
        told = self.figures["underlying_price"]
        return np.where((told > 0.0) & self.is_standard, told, np.nan)

    @property
    def has_price(self) -> Flags:
        """Of which rows anything is told that could be paid."""
        found = np.zeros(len(self.symbols), np.bool_)
        for name in ("bid", "ask", "last"):
            found |= self.figures[name] > 0.0
        return found

    @property
    def price(self) -> Floats:
        """The mid, or else the last trade, of each; NaN where neither is known."""
        mid = mids(self.figures["bid"], self.figures["ask"])
        return np.where(np.isnan(mid), self.figures["last"], mid)


def check_options(
    rows: OptionRows,
    *,
    actions: Sequence[CorporateAction],
    now: datetime,
    skew_s: float,
    limits: OptionLimits,
) -> None:
    """Mark contracts, prices and figures that cannot be."""
    figures = rows.figures
    nothing = np.ones(len(rows.symbols), np.bool_)
    check_sides(rows, figures["bid"], figures["ask"], may_be_zero=nothing, widest=limits.widest)
    rows.mark(rows.time > micros(now) + int(skew_s * 1e6), Reason.IN_THE_FUTURE)
    rows.mark(~(rows.strike > 0.0) | (rows.expiry < rows.day), Reason.IMPOSSIBLE_OPTION)
    rows.mark(figures["open_interest"] < 0.0, Reason.OPEN_INTEREST)
    _figures(rows, limits)
    for action in actions:
        if action.kind == "split" and action.ratio > 1:  # others leave strikes as they are
            _old_strikes(rows, action, limits)
    _twins(rows)


def _figures(rows: OptionRows, limits: OptionLimits) -> None:
    """Flag figures that contradict the price; the contract itself may be real."""
    volatility = rows.figures["implied_volatility"]
    odd = (volatility <= 0.0) | (volatility > limits.most_volatility)
    odd |= np.abs(rows.figures["delta"]) > 1.0
    odd |= _beats(rows, rows.level, limits)[0]
    rows.mark(odd, Reason.IMPOSSIBLE_OPTION, is_fatal=False)


def _beats(rows: OptionRows, level: Floats, limits: OptionLimits) -> tuple[Flags, Flags]:
    """Return which prices are below what exercise gives, and which above what can be, at a level.

    A call is worth no more than the share, a put no more than the strike.
    """
    offer = np.where(rows.figures["ask"] > 0.0, rows.figures["ask"], rows.figures["last"])
    slack = limits.slack + limits.rounding * level
    worth = np.where(rows.is_call, level - rows.strike, rows.strike - level)
    most = np.where(rows.is_call, level, rows.strike)
    return offer < worth - slack, rows.price > most + slack


def _old_strikes(rows: OptionRows, split: CorporateAction, limits: OptionLimits) -> None:
    """Reject contracts from before a split: another one with a divided strike took their place.

    Such a strike is far above the price of the share. It is an old one if nobody tells a price
    for it and the one of the divided strike is in the chain, or if its price fits the share's
    price before the split alone: a call that costs more than the one of the lower strike cannot
    be (the adjustment of contracts is that of the Options Clearing Corporation).
    """
    ratio, level = float(split.ratio), rows.level
    own = np.array([name == split.symbol for name in rows.underlyings], np.bool_)
    own &= rows.day >= day_number(split.ex_date)
    own &= rows.strike > level * ratio**_FAR
    if not own.any():
        return
    before = replace(limits, rounding=_MOVED)
    now, then = _beats(rows, level, limits), _beats(rows, level * ratio, before)
    is_old = (now[0] | now[1]) & ~(then[0] | then[1])
    place = _replaced_by(rows, ratio)
    beside, price = place >= 0, rows.price
    is_old |= beside & ~rows.has_price
    is_old |= beside & rows.is_call & (price > price[place] + limits.slack)
    rows.mark(own & is_old, Reason.PRE_SPLIT_STRIKE)


def _replaced_by(rows: OptionRows, ratio: float) -> NDArray[np.intp]:
    """Return where the contract of the divided strike is, -1 where there is none."""
    kinds = list(zip(rows.expiry.tolist(), rows.is_call.tolist(), strict=True))
    cents = np.rint(rows.strike / _CENT).tolist()
    wanted = np.rint(rows.strike / ratio / _CENT).tolist()
    places = {
        (*kind, strike): at for at, (kind, strike) in enumerate(zip(kinds, cents, strict=True))
    }
    found = [places.get((*kind, strike), -1) for kind, strike in zip(kinds, wanted, strict=True)]
    return np.array(found, np.intp)


def _twins(rows: OptionRows) -> None:
    """Keep of each contract and instant the last good row."""
    seen: set[tuple[str, int]] = set()
    twice = []
    good = np.flatnonzero(rows.is_good)
    for place in good[::-1].tolist():
        key = rows.symbols[place], int(rows.time[place])
        if key in seen:
            twice.append(place)
        seen.add(key)
    rows.mark(np.array(twice, np.intp), Reason.DUPLICATE, is_fatal=True)


def _contract(symbol: str) -> OccSymbol | None:
    try:
        return OccSymbol.parse(symbol)
    except InputError:
        return None
