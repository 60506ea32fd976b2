"""What a running desk knows of itself: its turns, its venue, its quotes; told and read beside it.

The loop tells; whoever answers questions reads, in another thread, and asks neither the venue nor
the loop. Outages of the quotes and of the vendors of market data become alerts of the journal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from alphalens.assets import Asset
from alphalens.assets.calendars import ALWAYS_OPEN, CALENDARS
from alphalens.errors import BrokerError, DataError
from alphalens.execution import TradingSession
from alphalens.monitoring.data_feed_monitor import DataFeedMonitor
from alphalens.monitoring.health_check import HealthCheck, Status, check_state
from alphalens.monitoring.part_checks import judge_venue
from alphalens.monitoring.prometheus import Metric
from alphalens.trading.market import Quote

if TYPE_CHECKING:
    from alphalens.runtime.market_data import MarketData

__all__ = ["QUOTES", "DeskWatch"]

#: How the quotes of a desk are called among the feeds.
QUOTES = "quotes"
_LOOK_S = 5.0  # from one question to the monitor to the next
_SLOW_S, _STUCK_S = 60.0, 300.0  # a turn that takes so long
_ALL = "all symbols"


class DeskWatch:
    """Keeps what the loop of a desk tells of itself.

    Parameters
    ----------
    session : TradingSession
        A started one; its journal takes the alerts.
    has_quotes : bool
        Whether quotes should come.
    market : MarketData, optional
        Its monitor is told of the quotes too, and asked for alerts.

    Attributes
    ----------
    monitor : DataFeedMonitor
        How the feeds do.
    turns, steps : int
        Of the loop, and of the strategy, so far.
    """

    def __init__(
        self, session: TradingSession, *, has_quotes: bool, market: MarketData | None = None
    ) -> None:
        self.session, self.has_quotes = session, has_quotes
        self.monitor = DataFeedMonitor(clock=session.clock) if market is None else market.monitor
        self.monitor.follow(QUOTES, _calendar_of(session.assets))
        self.turns = self.steps = 0
        self._turned_s, self._look_from = session.clock.monotonic(), float("-inf")
        self._error: BrokerError | None = None
        self._problem: str | None = None  # of the quotes; None until anything is known
        self._losses: int | None = None
        self._up_at = session.clock.now()

    def turned(self) -> None:
        """Take note that a turn is over, and tell of outages that are longer than agreed.

        Raises
        ------
        StorageError
            If the journal does not take an alert.
        """
        self.turns += 1
        now = self._turned_s = self.session.clock.monotonic()
        if now >= self._look_from:
            self._look_from = now + _LOOK_S
            for alert in self.monitor.check():
                # The gate refuses stale quotes symbol by symbol; a mute stream is told as one.
                if alert.code != "data_stale" or alert.values["vendor"] != QUOTES:
                    self.session.alert(alert)

    def venue_said(self, error: BrokerError | None) -> None:
        """Take note of how the last question to the venue ended; None if it answered."""
        self._error = error

    def heard(self, quotes: Sequence[Quote], problem: str, losses: int) -> None:
        """Take note of what came of the quotes in one turn.

        Parameters
        ----------
        quotes : sequence of Quote
            Those that came.
        problem : str
            Why none can come; empty while they can.
        losses : int
            How often the connection was lost so far.
        """
        now = self.session.clock.now()
        if problem and not self._problem:
            self.monitor.failed(QUOTES, DataError(problem))
        elif not problem:
            if self._losses is not None and losses > self._losses:
                self.monitor.missed(QUOTES, _ALL, self._up_at, now)
            if quotes or self._problem != "":
                self.monitor.answered(QUOTES, took_s=self._take_in(quotes))
            self._losses, self._up_at = losses, now
        self._problem = problem

    def _take_in(self, quotes: Sequence[Quote]) -> float | None:
        """Note how new each symbol is; return the seconds by which the newest quote came late."""
        now, venue_now = self.session.clock.now(), self.session.market.venue_now()
        newest = {quote.symbol: quote.at for quote in sorted(quotes, key=lambda one: one.at)}
        for symbol, at in newest.items():
            self.monitor.told(QUOTES, symbol, min(now, at + (now - venue_now)))
        if not newest:
            return None
        return max(0.0, (venue_now - max(newest.values())).total_seconds())

    def forget(self) -> None:
        """Let go of the quotes: nobody waits for them any more."""
        self.monitor.forget(QUOTES)

    def checks(self) -> Iterator[HealthCheck]:
        """Give the checks of loop, trading state and venue; nobody is asked."""
        yield self._loop_check()
        yield check_state(self.session.state)
        yield judge_venue(self._error, self.session.broker.connection())

    def metrics(self) -> tuple[Metric, ...]:
        """Return the figures of the loop."""
        return (
            _metric("desk_turns_total", "Turns of the desk's loop.", self.turns, is_counter=True),
            _metric("desk_steps_total", "Steps of the strategy.", self.steps, is_counter=True),
            _metric("desk_turn_age_seconds", "Since the last turn was over.", self._age_s()),
        )

    def _age_s(self) -> float:
        return max(0.0, self.session.clock.monotonic() - self._turned_s)

    def _loop_check(self) -> HealthCheck:
        age_s = self._age_s()
        status = (
            Status.CRITICAL
            if age_s > _STUCK_S
            else Status.WARNING
            if age_s > _SLOW_S
            else Status.OK
        )
        message = f"{self.turns} turns and {self.steps} steps so far"
        if status is not Status.OK:
            message += (
                f"; the last turn was over {timedelta(seconds=round(age_s))} ago: look at what "
                "the step of the strategy, the venue or the database is doing"
            )
        return HealthCheck(
            name="loop",
            status=status,
            value=f"{age_s:.1f} s",
            limit=f"a turn in {_SLOW_S:.0f} s",
            message=message,
        )


def _metric(name: str, text: str, value: float, *, is_counter: bool = False) -> Metric:
    kind = "counter" if is_counter else "gauge"
    return Metric(
        name=name,
        kind=kind,  # type: ignore[arg-type]  # one of the two
        text=text,
        samples=(({}, float(value)),),
    )


def _calendar_of(assets: Mapping[str, Asset]) -> str:
    """Return the hours by which the quotes are judged: those of the market that closes.

    A coin counts always, whatever the calendar. Where two markets close at different hours the
    time counts always.
    """
    by_hours = {CALENDARS[asset.calendar]: asset.calendar for asset in assets.values()}
    by_hours.pop(ALWAYS_OPEN, None)
    return next(iter(by_hours.values())) if len(by_hours) == 1 else ALWAYS_OPEN
