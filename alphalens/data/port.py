"""What every vendor of market data can be asked, and what it says that it can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from alphalens.assets import AssetClass
from alphalens.assets.calendars import Session
from alphalens.data.bars import Adjustment, Bars, Timeframe
from alphalens.errors import InputError
from alphalens.trading.market import Quote

__all__ = [
    "BarRequest",
    "Batch",
    "CorporateAction",
    "DataCapabilities",
    "LastBar",
    "MarketDataProvider",
    "NewsItem",
    "OptionSnapshot",
    "Snapshot",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataCapabilities:
    """What a vendor can be asked for.

    Attributes
    ----------
    timeframes, adjustments, asset_classes : frozenset
        What its bars may be of.
    latest : frozenset of Timeframe
        How long the bars are whose last one it tells of many symbols at once; empty for none.
    quotes, snapshots, chains, actions, news, sessions : bool
        Whether it has these at all.
    calls_per_minute : int
        HTTP calls, each page counted.
    symbols_per_call : int
        Symbols that one call for bars may name.
    delay_s : float
        How far behind the market its answers are.
    """

    timeframes: frozenset[Timeframe]
    adjustments: frozenset[Adjustment]
    asset_classes: frozenset[AssetClass]
    latest: frozenset[Timeframe] = frozenset()
    quotes: bool = False
    snapshots: bool = False
    chains: bool = False
    actions: bool = False
    news: bool = False
    sessions: bool = False
    calls_per_minute: int
    symbols_per_call: int = 1
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BarRequest:
    """Which bars are wanted.

    Attributes
    ----------
    symbols : tuple of str
        Canonical, each once.
    start, end : datetime
        Bars that begin at or after `start` and before `end`; aware.
    timeframe : Timeframe
        How long each is.
    adjustment : Adjustment
        What they are corrected for.

    Raises
    ------
    InputError
        If there is no symbol, one twice, a naive instant, or `end` not after `start`.
    """

    symbols: tuple[str, ...]
    start: datetime
    end: datetime
    timeframe: Timeframe = Timeframe.DAY
    adjustment: Adjustment = Adjustment.RAW

    def __post_init__(self) -> None:
        """Refuse what nobody could answer."""
        if not self.symbols or len(set(self.symbols)) < len(self.symbols):
            raise InputError(f"name at least one symbol, and each once; got {self.symbols}")
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise InputError(f"start {self.start} and end {self.end} need a time zone")
        if not self.start < self.end:
            raise InputError(f"end {self.end} must be after start {self.start}")


@dataclass(frozen=True, eq=False, kw_only=True)
class Batch:
    """One vendor's answer to a request, read and not yet judged.

    Attributes
    ----------
    request : BarRequest
        What was asked; of the latest bars, the span that holds all of those that were told. Such
        a span was not asked for as a whole, so it is never to be noted as asked.
    bars : Bars
        Every row of the answer; a value that could not be read is NaN, and is marked.
    marks : uint64 array of shape (n,)
        `alphalens.data.reasons.Reason` bits of what was found while reading.
    raw : sequence of str
        The text of each row as the vendor sent it (JSON), for the quarantine.
    received_at : datetime
        When the last page came.
    calls : int
        HTTP calls that it took.
    delay_s : float
        How far behind the market this answer says that it is, if it says so.
    added : frozenset of str
        Fields of its rows that nobody here reads and the vendor was not known to tell.
    """

    request: BarRequest
    bars: Bars
    marks: NDArray[np.uint64]
    raw: Sequence[str]
    received_at: datetime
    calls: int = 1
    delay_s: float = 0.0
    added: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class CorporateAction:
    """What changed a share without a trade.

    Attributes
    ----------
    symbol : str
        Canonical.
    kind : str
        ``split``, ``dividend``, ``spin_off``, ``rename``, ``merger`` or ``delisting``.
    ex_date : date
        First session whose prices are after it.
    ratio : Decimal
        New units for one old one; 1 where the count stays.
    cash : Decimal
        Paid for one old unit, in `currency`; 0 for none.
    currency : str
        ISO 4217 code.
    new_symbol : str
        Of a rename, a merger or a spin-off; empty otherwise.
    seen_at : datetime
        When it became known to us (aware).
    source : str
        Who told it.
    """

    symbol: str
    kind: str
    ex_date: date
    seen_at: datetime
    source: str
    ratio: Decimal = Decimal(1)
    cash: Decimal = Decimal(0)
    currency: str = "USD"
    new_symbol: str = ""

    @property
    def flaw(self) -> str:
        """Return why its figures cannot be true, in words; empty if they can."""
        is_none = self.kind == "split" and not self.ratio  # of a merger for cash the ratio is 0
        if not self.ratio.is_finite() or self.ratio < 0 or is_none:
            return f"a {self.kind} of {self.ratio} new units for one old one is none"
        if not self.cash.is_finite() or self.cash < 0:
            return f"a {self.kind} that pays {self.cash} for one unit is none"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionSnapshot:
    """The last known state of an option; NaN where the vendor does not tell a figure.

    Attributes
    ----------
    symbol : str
        OCC symbol.
    underlying : str
        Canonical symbol of the share.
    at : datetime
        Instant of the quote, or of the last trade (aware).
    bid, ask, last, underlying_price : float
        In dollars a share.
    volume, open_interest : float
        Contracts.
    implied_volatility, delta, gamma, theta, vega : float
        Volatility a year as a fraction; theta a day; vega for one point of volatility.
    """

    symbol: str
    underlying: str
    at: datetime
    bid: float
    ask: float
    last: float
    underlying_price: float
    volume: float
    open_interest: float
    implied_volatility: float
    delta: float
    gamma: float
    theta: float
    vega: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LastBar:
    """A bar within a snapshot, which may still be forming; NaN where the vendor tells nothing.

    Attributes
    ----------
    at : datetime or None
        When it began (aware); None where the vendor does not tell it.
    open, high, low, close : float
        Prices of one unit.
    volume, vwap : float
        Units traded, and their mean price.
    """

    at: datetime | None
    open: float
    high: float
    low: float
    close: float
    volume: float
    vwap: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What is known now of one symbol, as the vendor told it: to be looked at, it is not judged.

    Attributes
    ----------
    symbol : str
        Canonical.
    quote : Quote or None
        Best bid and ask.
    last : Decimal or None
        Price of the last trade.
    last_at : datetime or None
        When that was (aware).
    minute, day, previous : LastBar or None
        The last bar of a minute, that of the present session, and that of the session before.
    """

    symbol: str
    quote: Quote | None = None
    last: Decimal | None = None
    last_at: datetime | None = None
    minute: LastBar | None = None
    day: LastBar | None = None
    previous: LastBar | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsItem:
    """A piece of news: data to be weighed, never an instruction.

    Attributes
    ----------
    key : str
        The vendor's id.
    at : datetime
        When it was published (aware).
    headline, summary, url, source : str
        Text without control characters.
    symbols : tuple of str
        Canonical symbols it is said to be about.
    """

    key: str
    at: datetime
    headline: str
    summary: str
    url: str
    source: str
    symbols: tuple[str, ...] = ()


class MarketDataProvider(Protocol):
    """A vendor. Every call may raise `DataError`; what a vendor cannot do raises `InputError`."""

    @property
    def name(self) -> str:
        """Return the vendor's name, as it stands in the column ``source``."""
        ...

    @property
    def capabilities(self) -> DataCapabilities:
        """Return what it can be asked for."""
        ...

    def bars(self, request: BarRequest) -> Batch:
        """Return the bars that were asked for, as the vendor told them."""
        ...

    def latest(self, symbols: Sequence[str], timeframe: Timeframe) -> Batch:
        """Return the last raw bar of each symbol that has one, for many symbols in few calls.

        A bar that still forms is marked, as in the answer to a request. On a delayed plan the last
        bar is the last of then: it ends as much later as `DataCapabilities.delay_s` says.
        """
        ...

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        """Return the last quote of each symbol that has one."""
        ...

    def snapshots(self, symbols: Sequence[str]) -> Mapping[str, Snapshot]:
        """Return what is known now of each symbol of which anything is, in few calls."""
        ...

    def chain(self, underlying: str) -> tuple[OptionSnapshot, ...]:
        """Return the last known state of the options on a share."""
        ...

    def actions(
        self, symbols: Sequence[str], first: date, last: date
    ) -> tuple[CorporateAction, ...]:
        """Return the corporate actions with an ex-date from `first` to `last`."""
        ...

    def news(self, symbols: Sequence[str], start: datetime, end: datetime) -> tuple[NewsItem, ...]:
        """Return the news of symbols that was published from `start` on and before `end`."""
        ...

    def sessions(self, first: date, last: date) -> tuple[Session, ...]:
        """Return the sessions of the US exchanges from `first` to `last`, in order.

        Days that the vendor does not tell of are refused, not left out.
        """
        ...

    def close(self) -> None:
        """Let its connections go; a second call does nothing."""
        ...
