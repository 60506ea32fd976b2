"""What the checks of bars know besides the bars: the clock, the instruments and the limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from types import MappingProxyType

from alphalens.assets import AssetClass
from alphalens.assets.calendars import ALWAYS_OPEN, check_name
from alphalens.data.adjusting import seen_actions
from alphalens.data.bars import Bars
from alphalens.data.port import CorporateAction
from alphalens.errors import InputError

__all__ = ["ZONES", "Context", "Life", "Tolerances"]

_NEW_YORK, _CHICAGO = "America/New_York", "America/Chicago"

#: Calendar -> the zone in whose midnight a daily bar begins.
ZONES: Mapping[str, str] = MappingProxyType(
    {
        "XNYS": _NEW_YORK,
        "XNAS": _NEW_YORK,
        ALWAYS_OPEN: "UTC",
        "CME": _CHICAGO,
        "CBOT": _CHICAGO,
        "NYMEX": _NEW_YORK,
        "COMEX": _NEW_YORK,
    }
)
_CALENDAR_OF: Mapping[AssetClass, str] = MappingProxyType(
    {
        AssetClass.EQUITY: "XNYS",
        AssetClass.OPTION: "XNYS",
        AssetClass.CRYPTO: ALWAYS_OPEN,
        AssetClass.PERPETUAL: ALWAYS_OPEN,
        AssetClass.FUTURE: "CME",
    }
)
_TICK_OF: Mapping[AssetClass, float] = MappingProxyType(
    {AssetClass.EQUITY: 0.01, AssetClass.OPTION: 0.01}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerances:
    """Limits of the checks.

    Attributes
    ----------
    skew_s : float
        Seconds by which a bar may begin after `Context.now`.
    rounding : float
        Part of a price by which high and low may miss the others beyond a tick; twice what
        float32 rounds off.
    largest_price, largest_volume : float
        More cannot be a price of one unit, or the volume of one bar.
    absurd : float
        A close this many times the median of its symbol, and of the closes on both sides.
    jump : float
        A close that moved by this part, up or down, is looked at.
    ratio : float
        How near, in logarithms, a jump has to be to 10, 100, 2 or another ratio of a split.
    back : float
        How near, in logarithms, the price has to be to the old level to count as come back.
    moment : int
        Bars for which a misprint may last.
    spike : float
        Volume and turnover, in medians of the bars before, from which a jump is taken for true.
    calm : float
        A step is taken for a split from this many usual steps on; in wilder times it may be true.
    repeats : int
        Equal bars in a row from which on they are rejected; fewer are flagged.

    Raises
    ------
    InputError
        If a limit is not above 0.
    """

    skew_s: float = 5.0
    rounding: float = 2.4e-7
    largest_price: float = 1e7
    largest_volume: float = 1e15
    absurd: float = 50.0
    jump: float = 0.3
    ratio: float = 0.05
    back: float = 0.2
    moment: int = 3
    spike: float = 2.0
    calm: float = 8.0
    repeats: int = 5

    def __post_init__(self) -> None:
        """Refuse limits that would mark every row, or none."""
        for name in self.__slots__:
            if not getattr(self, name) > 0:
                raise InputError(f"{name} is {getattr(self, name)}, it must be above 0")
        if self.jump >= 1.0:
            raise InputError(f"jump is {self.jump}, it must be below 1: no price falls by more")


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """The days on which a symbol stood for this instrument; None where there is no limit."""

    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, kw_only=True)
class Context:
    """What is known besides the batch.

    Attributes
    ----------
    now : datetime
        The present instant (aware).
    classes : Mapping of str to AssetClass
        Of every symbol that is asked for.
    calendars : Mapping of str to str
        Calendar of a symbol (`alphalens.assets.calendars`); that of its class if it has none.
    currencies : Mapping of str to str
        ISO 4217 code of a symbol; ``USD`` if it has none.
    ticks : Mapping of str to float
        Smallest step of a symbol's price; 0.01 for shares and options, else 0, if it has none.
    may_be_negative : frozenset of str
        Futures that may settle below 0.
    actions : tuple of CorporateAction
        Those known by `now` count.
    accepted : frozenset of (str, date)
        Symbol and day (of the market) of steps that somebody looked at and took for true.
    lives : Mapping of str to Life
        First and last day of a symbol.
    stored : Bars or None
        The last stored bars of each symbol, of the batch's timeframe and adjustment: some 20
        for a judgement on volume, 2 to see that the last one was a misprint.
    has_fractions : bool
        Whether the vendor says that it counts parts of shares: volumes are then rounded.
    may_floor : bool
        Whether the vendor says that a bar may be stamped within it: begins are then floored.
    tolerances : Tolerances
        Limits.

    Raises
    ------
    InputError
        If `now` has no time zone, or a calendar is unknown.
    """

    now: datetime
    classes: Mapping[str, AssetClass]
    calendars: Mapping[str, str] = field(default_factory=dict)
    currencies: Mapping[str, str] = field(default_factory=dict)
    ticks: Mapping[str, float] = field(default_factory=dict)
    may_be_negative: frozenset[str] = frozenset()
    actions: tuple[CorporateAction, ...] = ()
    accepted: frozenset[tuple[str, date]] = frozenset()
    lives: Mapping[str, Life] = field(default_factory=dict)
    stored: Bars | None = None
    has_fractions: bool = False
    may_floor: bool = False
    tolerances: Tolerances = field(default_factory=Tolerances)

    def __post_init__(self) -> None:
        """Refuse a naive clock and unknown calendars."""
        if self.now.tzinfo is None:
            raise InputError(f"now {self.now} needs a time zone")
        for name in set(self.calendars.values()):
            check_name(name)

    def class_of(self, symbol: str) -> AssetClass:
        """Return what a symbol stands for.

        Raises
        ------
        InputError
            If nobody said it: the letters do not tell.
        """
        if symbol not in self.classes:
            raise InputError(f"the asset class of {symbol!r} is not in Context.classes: add it")
        return self.classes[symbol]

    def calendar_of(self, symbol: str) -> str:
        """Return the calendar of a symbol."""
        return self.calendars.get(symbol) or _CALENDAR_OF[self.class_of(symbol)]

    def currency_of(self, symbol: str) -> str:
        """Return the currency that a symbol is priced in."""
        return self.currencies.get(symbol, "USD")

    def tick_of(self, symbol: str) -> float:
        """Return the smallest step of a symbol's price, 0 where it is not known."""
        return self.ticks.get(symbol, _TICK_OF.get(self.class_of(symbol), 0.0))

    def known_of(self, symbol: str) -> tuple[CorporateAction, ...]:
        """Return the actions on a symbol that were known at `now`, by their day."""
        return self._known.get(symbol, ())

    @cached_property
    def _known(self) -> Mapping[str, tuple[CorporateAction, ...]]:
        """The actions that were known at `now`, by symbol and by their day."""
        found: dict[str, list[CorporateAction]] = {}
        for action in sorted(seen_actions(self.actions, self.now), key=lambda one: one.ex_date):
            found.setdefault(action.symbol, []).append(action)
        return {symbol: tuple(actions) for symbol, actions in found.items()}
