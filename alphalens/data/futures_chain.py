"""The contracts of a futures product in their order: which is in front, and when it is left.

A rule says from which session on the next contract is wanted. The roll itself is done at the
first price of that session that both have, with daily prices its close, and is told with both
prices, so that a backtest can trade it. Nothing that was not known at the instant of a price
decides what is held after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Protocol
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alphalens.assets import Future
from alphalens.assets.calendars import require_aware, sessions
from alphalens.data import point_in_time
from alphalens.data._checks.context import ZONES
from alphalens.errors import DataError, InputError

__all__ = ["FuturesChain", "RollBefore", "RollEvent", "RollOnActivity", "RollRule"]

Places = NDArray[np.intp]

_MONTHS = timedelta(days=62)
_MOST_SESSIONS = 40


class FuturesChain:
    """The contracts of one product, by their last day of trading.

    Parameters
    ----------
    contracts : sequence of Future
        Of one root and one calendar, in any order. Those that nobody trades may be left out.

    Attributes
    ----------
    contracts : tuple of Future
        In order.
    root, calendar : str
        Of all of them.

    Raises
    ------
    InputError
        If there is none, they differ in root or calendar, or two end on one day.

    Examples
    --------
    >>> from decimal import Decimal
    >>> may, june = (
    ...     Future(symbol=symbol, tick=Decimal("0.01"), multiplier=Decimal(1000),
    ...            last_trade=day, calendar="NYMEX")
    ...     for symbol, day in (("CLK20", date(2020, 4, 21)), ("CLM20", date(2020, 5, 19)))
    ... )
    >>> chain, rule = FuturesChain([june, may]), RollBefore(sessions=2)
    >>> chain.front(datetime.fromisoformat("2020-04-16T18:30+00:00"), rule).symbol
    'CLK20'
    >>> chain.front(datetime.fromisoformat("2020-04-17T18:30+00:00"), rule).symbol
    'CLM20'
    """

    def __init__(self, contracts: Sequence[Future]) -> None:
        self.contracts = tuple(sorted(contracts, key=lambda one: (one.last_trade, one.symbol)))
        kinds = sorted({(one.root, one.calendar) for one in self.contracts})
        if len(kinds) != 1:
            told = ", ".join("/".join(kind) for kind in kinds) or "none"
            raise InputError(f"a chain has the contracts of one product and calendar, got {told}")
        ((self.root, self.calendar),) = kinds
        for this, after in zip(self.contracts, self.contracts[1:], strict=False):
            if this.last_trade == after.last_trade:
                raise InputError(
                    f"{this.symbol} and {after.symbol} both end on {this.last_trade}: a chain has "
                    f"one contract for each rank; correct the date, or leave one out"
                )

    @property
    def symbols(self) -> tuple[str, ...]:
        """Return the symbols of the contracts, in order."""
        return tuple(one.symbol for one in self.contracts)

    def days(self, instants: pd.DatetimeIndex) -> NDArray[np.datetime64]:
        """Return the days of the market on which instants lie, datetime64[D] of shape (n,).

        Raises
        ------
        InputError
            If they have no time zone.
        """
        if instants.tz is None:
            raise InputError("the instants of futures prices must be timezone-aware")
        local = instants.tz_convert(ZoneInfo(ZONES[self.calendar])).tz_localize(None)
        return local.to_numpy().astype("M8[D]")

    def listed(self, instant: datetime) -> tuple[Future, ...]:
        """Return the contracts that can still be traded at an instant, the nearest first.

        Raises
        ------
        InputError
            If it has no time zone.
        """
        now = require_aware(instant)
        return tuple(one for one in self.contracts if now < one.last_trading_instant())

    def front(self, instant: datetime, rule: RollRule) -> Future:
        """Return the contract that a rule wants at an instant.

        Raises
        ------
        InputError
            If the instant has no time zone.
        DataError
            If all of them are over by then.
        """
        asked = pd.DatetimeIndex([require_aware(instant)])
        return self.contracts[int(self.wanted(asked, rule)[0])]

    def wanted(self, instants: pd.DatetimeIndex, rule: RollRule) -> Places:
        """Return which contracts a rule wants at instants, as places in the chain, shape (n,).

        Raises
        ------
        InputError, DataError
            As `front`.
        """
        places = rule.wanted(self, instants)
        if len(places) and places.max() >= len(self.contracts):
            late = instants[int(np.argmax(places >= len(self.contracts)))]
            raise DataError(
                f"{self.root}: the chain ends with {self.symbols[-1]}, and a later contract is "
                f"wanted at {late}: add it"
            )
        return places


class RollRule(Protocol):
    """Which contract is wanted when."""

    def wanted(self, chain: FuturesChain, instants: pd.DatetimeIndex) -> Places:
        """Return places in the chain, never falling, of shape (n,).

        Parameters
        ----------
        chain : FuturesChain
            The contracts.
        instants : DatetimeIndex of shape (n,)
            Aware, ascending. Of each only what was known by then may count.
        """
        ...


class RollEvent(StrEnum):
    """The day that a contract has to be left before."""

    LAST_TRADE = "last_trade"
    #: The first day on which delivery may be announced, or the last of trading if that is earlier.
    FIRST_NOTICE = "first_notice"


@dataclass(frozen=True, slots=True, kw_only=True)
class RollBefore:
    """Leave a contract some sessions before an event that its terms tell in advance.

    Attributes
    ----------
    sessions : int
        How many sessions of the calendar before it; 0 leaves it on the day itself.
    event : RollEvent
        Which.

    Raises
    ------
    InputError
        If `sessions` is not 0 to 40.
    """

    sessions: int = 1
    event: RollEvent = RollEvent.LAST_TRADE

    def __post_init__(self) -> None:
        """Refuse what lies in the future of the event, or months before it."""
        if not 0 <= self.sessions <= _MOST_SESSIONS:
            raise InputError(f"sessions is {self.sessions}, it must be 0 to {_MOST_SESSIONS}")

    def wanted(self, chain: FuturesChain, instants: pd.DatetimeIndex) -> Places:
        """Return how many contracts have been left on the day of each instant."""
        left = [self.day(contract) for contract in chain.contracts]
        days = np.maximum.accumulate(np.array(left, "M8[D]"))
        return np.searchsorted(days, chain.days(instants), side="right")

    def day(self, contract: Future) -> date:
        """Return the session from which on the next contract is wanted."""
        event = contract.last_trade
        if self.event is RollEvent.FIRST_NOTICE and contract.first_notice is not None:
            event = min(event, contract.first_notice)
        return sessions(contract.calendar, event - _MONTHS, event)[-1 - self.sessions].date


@dataclass(frozen=True, eq=False, kw_only=True)
class RollOnActivity:
    """Leave a contract when the next one is traded or held more, and at the latest in time.

    Attributes
    ----------
    activity : DataFrame of shape (n, m)
        Volume or open interest, columns symbols of the chain, rows the aware instants at which
        they became known, ascending. NaN counts as 0.
    latest : RollBefore
        When it is left whatever the figures say.

    Notes
    -----
    The figure of a session is known after its close: it decides for the next price, never for
    the one of the same instant.
    """

    activity: pd.DataFrame
    latest: RollBefore

    def wanted(self, chain: FuturesChain, instants: pd.DatetimeIndex) -> Places:
        """Return the contract that was overtaken by none, by the figures before each instant."""
        known = point_in_time.available_at(pd.DatetimeIndex(self.activity.index))
        if not known.is_monotonic_increasing:
            raise InputError("the instants of volumes and open interest must ascend")
        figures = self.activity.reindex(columns=list(chain.symbols)).fillna(0.0).to_numpy(float)
        rows = known.searchsorted(instants, side="left") - 1
        places = self.latest.wanted(chain, instants)
        front = 0
        for place, row in enumerate(rows):
            front = max(front, int(places[place]))
            while row >= 0 and front + 1 < len(chain.contracts):
                if not figures[row, front + 1] > figures[row, front]:
                    break
                front += 1
            places[place] = front
        return places
