"""Is the data alive: uptime, outages, latency, errors, fallbacks, gaps and staleness by vendor.

Time counts only while the vendor's market is open; that of a coin always is, whoever tells of it.
An outage begins with the first failure after an answer and ends with the next answer; one that is
longer than agreed is a breach.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import quantiles

from alphalens.assets import AssetClass
from alphalens.assets.calendars import ALWAYS_OPEN, check_name, sessions
from alphalens.assets.symbols import class_by_form
from alphalens.errors import ConfigError, InputError
from alphalens.trading.clock import Clock
from alphalens.trading.events import AlertEvent, Severity

__all__ = ["DataFeedMonitor", "FeedReport", "Gap", "Outage", "VendorFeed", "in_minutes"]

_ZERO = timedelta(0)
_LATENCIES = 1_000  # of the last answers
_KEPT = 1_000  # outages and gaps remembered, the newest
_DAY = timedelta(days=1)
_AROUND_THE_CLOCK = (AssetClass.CRYPTO, AssetClass.PERPETUAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A time in which a vendor gave no usable answer.

    Attributes
    ----------
    vendor : str
        Who was out.
    began, ended : datetime
        First failure, and the next answer; `ended` is None while it lasts.
    lasted : timedelta
        Open market in between.
    problem : str
        The first failure's words.
    """

    vendor: str
    began: datetime
    ended: datetime | None
    lasted: timedelta
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Data of a symbol that should be there and are not, between two instants."""

    vendor: str
    symbol: str
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorFeed:
    """How one vendor does.

    Attributes
    ----------
    vendor : str
        Who.
    is_up : bool or None
        Whether the last call was answered; None before the first.
    uptime : float
        Share of the open market since the first call in which it was up; NaN if there was none.
    answers, errors, fallbacks : int
        Calls answered, calls failed, and times that another vendor was asked instead.
    latency_p50_s, latency_p99_s : float
        Seconds of the last answers; NaN below two.
    outages : tuple of Outage
        The newest last, one that lasts included.
    breaches : int
        Outages longer than agreed.
    is_breached : bool
        Whether one that lasts is longer than agreed.
    gaps : tuple of Gap
        The newest thousand, the newest last.
    gap_count : int
        How many there were in all.
    stale : Mapping of str to timedelta
        Symbols whose newest data are older than agreed, and by how much open market.
    """

    vendor: str
    is_up: bool | None
    uptime: float
    answers: int
    errors: int
    fallbacks: int
    latency_p50_s: float
    latency_p99_s: float
    outages: tuple[Outage, ...]
    breaches: int
    is_breached: bool
    gaps: tuple[Gap, ...]
    gap_count: int
    stale: Mapping[str, timedelta]

    @property
    def error_rate(self) -> float:
        """Return the share of the calls that failed; NaN before the first."""
        calls = self.answers + self.errors
        return self.errors / calls if calls else float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedReport:
    """How every vendor does at one instant.

    Attributes
    ----------
    at : datetime
        The instant.
    vendors : tuple of VendorFeed
        Those of which anything was told, by name.
    longest_outage, stale_after : timedelta
        What is agreed, in open market.
    """

    at: datetime
    vendors: tuple[VendorFeed, ...]
    longest_outage: timedelta
    stale_after: timedelta


@dataclass(slots=True)
class _Line:
    """What was told of one vendor."""

    since: datetime
    is_up: bool | None = None
    answers: int = 0
    errors: int = 0
    fallbacks: int = 0
    took: deque[float] = field(default_factory=lambda: deque(maxlen=_LATENCIES))
    began: datetime | None = None
    problem: str = ""
    down: timedelta = _ZERO
    breaches: int = 0
    gap_count: int = 0
    is_told: bool = False
    over: list[Outage] = field(default_factory=list)  # told, ended, and the end not told yet
    outages: deque[Outage] = field(default_factory=lambda: deque(maxlen=_KEPT))
    gaps: deque[Gap] = field(default_factory=lambda: deque(maxlen=_KEPT))
    newest: dict[str, datetime] = field(default_factory=dict)
    stale: set[str] = field(default_factory=set)


class DataFeedMonitor:
    """Takes note of what the data side tells of itself, and says how it does.

    Parameters
    ----------
    clock : Clock
        The present.
    calendars : Mapping of str to str
        Calendar of each vendor's market (`alphalens.assets.calendars`); a vendor that is not
        named is open always.
    longest_outage : timedelta
        How long a vendor may be out, of open market.
    stale_after : timedelta
        How old the newest data of a symbol may be, of open market.

    Raises
    ------
    InputError
        If a calendar is unknown.
    ConfigError
        If a limit is not positive.

    Examples
    --------
    >>> from datetime import UTC
    >>> from alphalens.trading.clock import VirtualClock
    >>> clock = VirtualClock(datetime(2024, 1, 2, 15, tzinfo=UTC))
    >>> monitor = DataFeedMonitor(clock=clock)
    >>> monitor.failed("alpaca", TimeoutError("no answer"))
    >>> clock.advance_to(datetime(2024, 1, 2, 15, 6, tzinfo=UTC))
    >>> [alert.code for alert in monitor.check()]
    ['data_outage']
    """

    def __init__(
        self,
        *,
        clock: Clock,
        calendars: Mapping[str, str] | None = None,
        longest_outage: timedelta = timedelta(minutes=5),
        stale_after: timedelta = timedelta(minutes=5),
    ) -> None:
        for limit in (longest_outage, stale_after):
            if limit <= _ZERO:
                raise ConfigError(f"a limit of the data monitor is {limit}, it must be above 0")
        self._calendars = dict(calendars or {})
        for calendar in self._calendars.values():
            check_name(calendar)
        self._clock = clock
        self._longest, self._stale_after = longest_outage, stale_after
        self._lines: dict[str, _Line] = {}
        self._gate = threading.Lock()

    def follow(self, vendor: str, calendar: str) -> None:
        """Count the time of a vendor by another calendar from now on.

        Raises
        ------
        InputError
            If the calendar is unknown.
        """
        check_name(calendar)
        with self._gate:
            self._calendars[vendor] = calendar

    def forget(self, vendor: str) -> None:
        """Drop what was told of a vendor that nobody asks any more: it will not grow stale."""
        with self._gate:
            self._lines.pop(vendor, None)

    def answered(self, vendor: str, *, took_s: float | None) -> None:
        """Take note that a vendor answered, after so many seconds; None if nobody timed it."""
        now = self._clock.now()
        with self._gate:
            line = self._line(vendor, now)
            line.answers += 1
            if took_s is not None:
                line.took.append(took_s)
            if line.began is not None:
                self._end_outage(vendor, line, now)
            line.is_up = True

    def failed(self, vendor: str, error: Exception) -> None:
        """Take note that a vendor refused, or gave an answer that cannot be used."""
        now = self._clock.now()
        with self._gate:
            line = self._line(vendor, now)
            line.errors += 1
            if line.began is None:
                line.began, line.problem = now, f"{type(error).__name__}: {error}"
            line.is_up = False

    def fell_back(self, vendor: str, to: str) -> None:  # noqa: ARG002 - who answered tells so
        """Take note that another vendor was asked in the place of one."""
        with self._gate:
            self._line(vendor, self._clock.now()).fallbacks += 1

    def told(self, vendor: str, symbol: str, at: datetime) -> None:
        """Take note of the newest instant that a vendor's data of a symbol are of.

        Raises
        ------
        InputError
            If the instant has no time zone.
        """
        if at.tzinfo is None:
            raise InputError(f"{vendor} {symbol}: the instant {at} has no time zone")
        with self._gate:
            newest = self._line(vendor, self._clock.now()).newest
            newest[symbol] = max(newest.get(symbol, at), at)

    def is_fresh(self, vendor: str, symbol: str, at: datetime) -> bool:
        """Return whether data of an instant are not older than agreed, in open market."""
        age = self._open_between(vendor, at, self._clock.now(), symbol=symbol)
        return age <= self._stale_after

    def open_time(self, vendor: str, first: datetime, last: datetime) -> timedelta:
        """Return for how long the vendor's market was open between two instants."""
        return self._open_between(vendor, first, last)

    def missed(self, vendor: str, symbol: str, first: datetime, last: datetime) -> None:
        """Take note of data that should be there and are not, between two instants."""
        with self._gate:
            line = self._line(vendor, self._clock.now())
            line.gap_count += 1
            line.gaps.append(Gap(vendor=vendor, symbol=symbol, first=first, last=last))

    def report(self) -> FeedReport:
        """Return how every vendor does now."""
        now = self._clock.now()
        with self._gate:
            feeds = (self._feed(vendor, line, now) for vendor, line in sorted(self._lines.items()))
            return FeedReport(
                at=now,
                vendors=tuple(feeds),
                longest_outage=self._longest,
                stale_after=self._stale_after,
            )

    def check(self) -> tuple[AlertEvent, ...]:
        """Return what a person should know and was not told: outages, ends of them, stale data."""
        now = self._clock.now()
        alerts: list[AlertEvent] = []
        with self._gate:
            for vendor, line in sorted(self._lines.items()):
                alerts += self._outage_alerts(vendor, line, now)
                alerts += self._stale_alerts(vendor, line, now)
        return tuple(alerts)

    def _line(self, vendor: str, now: datetime) -> _Line:
        return self._lines.setdefault(vendor, _Line(since=now))

    def _end_outage(self, vendor: str, line: _Line, now: datetime) -> None:
        outage = self._outage(vendor, line, now, ended=now)
        if outage is not None:
            line.outages.append(outage)
            line.down += outage.lasted
            line.breaches += outage.lasted > self._longest
            if line.is_told:
                line.over.append(outage)
        line.began, line.is_told = None, False

    def _outage(
        self, vendor: str, line: _Line, now: datetime, *, ended: datetime | None
    ) -> Outage | None:
        if line.began is None:
            return None
        return Outage(
            vendor=vendor,
            began=line.began,
            ended=ended,
            lasted=self._open_between(vendor, line.began, now),
            problem=line.problem,
        )

    def _feed(self, vendor: str, line: _Line, now: datetime) -> VendorFeed:
        lasting = self._outage(vendor, line, now, ended=None)
        down = line.down + (lasting.lasted if lasting else _ZERO)
        whole = self._open_between(vendor, line.since, now)
        is_breached = lasting is not None and lasting.lasted > self._longest
        cuts = quantiles(line.took, n=100, method="inclusive") if len(line.took) > 1 else None
        return VendorFeed(
            vendor=vendor,
            is_up=line.is_up,
            uptime=1 - down / whole if whole else float("nan"),
            answers=line.answers,
            errors=line.errors,
            fallbacks=line.fallbacks,
            latency_p50_s=cuts[49] if cuts else float("nan"),
            latency_p99_s=cuts[98] if cuts else float("nan"),
            outages=(*line.outages, *((lasting,) if lasting else ())),
            breaches=line.breaches + is_breached,
            is_breached=is_breached,
            gaps=tuple(line.gaps),
            gap_count=line.gap_count,
            stale=self._stale(vendor, line, now),
        )

    def _stale(self, vendor: str, line: _Line, now: datetime) -> dict[str, timedelta]:
        ages = {
            symbol: self._open_between(vendor, at, now, symbol=symbol)
            for symbol, at in sorted(line.newest.items())
            if now - at > self._stale_after  # open time is never longer
        }
        return {symbol: age for symbol, age in ages.items() if age > self._stale_after}

    def _outage_alerts(self, vendor: str, line: _Line, now: datetime) -> list[AlertEvent]:
        alerts = []
        for ended in line.over:
            message = f"{vendor} answers again, after {in_minutes(ended.lasted)} of open market"
            alerts.append(_alert("data_outage_over", Severity.INFO, message, now, vendor))
        line.over.clear()
        outage = self._outage(vendor, line, now, ended=None)
        if outage is None or line.is_told or outage.lasted <= self._longest:
            return alerts
        line.is_told = True
        message = (
            f"{vendor} has given no usable answer for {in_minutes(outage.lasted)} of open market, "
            f"at most {in_minutes(self._longest)} are agreed ({outage.problem}): look at the "
            "vendor's status, or put another vendor first"
        )
        return [*alerts, _alert("data_outage", Severity.CRITICAL, message, now, vendor)]

    def _stale_alerts(self, vendor: str, line: _Line, now: datetime) -> list[AlertEvent]:
        stale = self._stale(vendor, line, now)
        fresh = [symbol for symbol in stale if symbol not in line.stale]
        line.stale = set(stale)
        if not fresh:
            return []
        oldest = max(fresh, key=stale.__getitem__)
        message = (
            f"the newest data of {len(fresh)} symbols from {vendor} are too old, {oldest} by "
            f"{in_minutes(stale[oldest])} of open market, {in_minutes(self._stale_after)} are "
            f"agreed: {', '.join(fresh[:10])}; nothing is to be decided on them"
        )
        return [_alert("data_stale", Severity.WARNING, message, now, vendor)]

    def _open_between(
        self, vendor: str, first: datetime, last: datetime, *, symbol: str = ""
    ) -> timedelta:
        """Return how long the vendor's market, or that of a coin, was open in between."""
        if last <= first:
            return _ZERO
        calendar = self._calendars.get(vendor, ALWAYS_OPEN)
        if calendar == ALWAYS_OPEN or class_by_form(symbol) in _AROUND_THE_CLOCK:
            return last - first
        days = sessions(calendar, (first - _DAY).date(), (last + _DAY).date())
        parts = (min(day.close, last) - max(day.open, first) for day in days)
        return sum((part for part in parts if part > _ZERO), _ZERO)


def in_minutes(length: timedelta) -> str:
    """Return a length of time as messages tell it."""
    return f"{length / timedelta(minutes=1):.1f} minutes"


def _alert(code: str, severity: Severity, message: str, at: datetime, vendor: str) -> AlertEvent:
    return AlertEvent(
        code=code, severity=severity, message=message, at=at, values={"vendor": vendor}
    )
