"""A desk that is left alone: it keeps up, obeys, marks, lets a strategy act, and stops in order."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from alphalens.errors import (
    BrokerError,
    ConfigError,
    CredentialsRefused,
    DataError,
    TradingHalted,
)
from alphalens.execution import TradingSession
from alphalens.execution.records import OrderRecord
from alphalens.execution.stopping import GracefulStop
from alphalens.risk import TradingState
from alphalens.runtime.live_prices import LivePrices, QuoteFeed
from alphalens.runtime.trouble import LastWords, Trouble
from alphalens.trading.events import Severity

__all__ = ["DeskReport", "LoopPace", "run_desk"]

_log = logging.getLogger(__name__)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopPace:
    """How often the loop looks, and how patient it is; all in seconds.

    Attributes
    ----------
    turn_s : float
        Between two turns: stream, halt file and commands are looked at in each.
    ask_s : float
        Between two questions to a venue whose stream is down, or that has yet to say what
        became of an order: such questions count for its rate limit.
    mark_s : float
        Between two marks of the book, each a record of the journal.
    pause_s, longest_pause_s : float
        To wait after a failure, doubled by each further one in a row, and at most.
    lost_s, mute_s : float
        How long the stream of quotes may be down, and how long it may be up without a quote
        while the market is open, before somebody is told.
    settle_s : float
        After the signal to stop: how long orders on their way are waited for.
    stop_within_s : float
        From the signal to the end of the process, whatever it waits for; longer than
        `settle_s` and the timeout of an order together.

    Raises
    ------
    ConfigError
        If a number is not positive, or two contradict each other.
    """

    turn_s: float = 0.25
    ask_s: float = 2.0
    mark_s: float = 60.0
    pause_s: float = 1.0
    longest_pause_s: float = 30.0
    lost_s: float = 5.0
    mute_s: float = 60.0
    settle_s: float = 5.0
    stop_within_s: float = 20.0

    def __post_init__(self) -> None:
        """Refuse what could never work."""
        for name in self.__slots__:
            if not getattr(self, name) > 0:
                raise ConfigError(f"loop: {name} is {getattr(self, name)}, it must be above 0")
        for less, more in (("pause_s", "longest_pause_s"), ("settle_s", "stop_within_s")):
            low, high = getattr(self, less), getattr(self, more)
            if low > high:
                raise ConfigError(f"loop: {less} is {low}, it must be at most {more}, {high}")


_PACE = LoopPace()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskReport:
    """How a run ended.

    Attributes
    ----------
    reason : str
        ``SIGTERM``, ``SIGINT``, or ``asked``.
    turns, steps : int
        Turns of the loop, completed steps of the strategy.
    open_orders : tuple of OrderRecord
        What may still be executed, oldest first; it works on at the venue.
    """

    reason: str
    turns: int
    steps: int
    open_orders: tuple[OrderRecord, ...]

    @property
    def unresolved(self) -> tuple[OrderRecord, ...]:
        """Return the open orders of which nobody knows what became: the next start asks."""
        return tuple(order for order in self.open_orders if order.is_unresolved)


def run_desk(
    session: TradingSession,
    *,
    step: Callable[[TradingSession], object] | None = None,
    every: timedelta = _DAY,
    feed: QuoteFeed | None = None,
    pace: LoopPace = _PACE,
    stop: Callable[[], bool] | None = None,
    sleep: Callable[[float], object] = time.sleep,
) -> DeskReport:
    """Run a started session until somebody says stop.

    Each turn obeys commands and halt file, takes quotes and halts in, books what the venue
    did (which also compares the books at every heartbeat), marks the book, and calls `step`
    when it is due. A silent venue is told by one alert and asked again with growing pauses;
    `step` is not called meanwhile, nor while trading is halted, nor before the first quotes of
    a feed have marked the book. It is called late then, not left out.

    Parameters
    ----------
    session : TradingSession
        A started one, such as `open_desk` yields.
    step : callable, optional
        One cycle of a strategy, called at once and then every `every`. Name the cycle by the
        time it stands for: after a crash, and after a `BrokerError` or a `DataError` that
        `step` raises, it is called again for the same cycle, and `session.plan` and
        `session.submit` then go on where they were.
    every : timedelta
        From one due time of `step` to the next.
    feed : QuoteFeed, optional
        Quotes and trading halts; without it the caller marks the book.
    pace : LoopPace
        How often it looks.
    stop : callable, optional
        Asked in every turn whether to end. By default SIGTERM and SIGINT end the run, which
        needs the main thread.
    sleep : callable
        Waits for a number of seconds.

    Returns
    -------
    DeskReport
        What is still open; the end of the run is in the journal.

    Raises
    ------
    StorageError
        If the journal cannot be written, or (`AuditError`) was changed: nothing more is sent.
    ConfigError, InputError
        What `step`, or the venue's account, cannot go on with. An alert tells.
    TradingHalted
        If the session was not started, or `step` itself has stopped it.
    """
    if not every > timedelta(0):
        raise ConfigError(f"every is {every}: give the time from one step to the next, above 0")
    loop = _Loop(session, step, every.total_seconds(), feed, pace, sleep)
    if stop is not None:
        return loop.run(stop, lambda: "asked")
    with GracefulStop(session.request_stop, within_s=pace.stop_within_s) as signals:
        return loop.run(
            lambda: signals.signal is not None,
            lambda: "asked" if signals.signal is None else signals.signal.name,
        )


class _Loop:
    def __init__(
        self,
        session: TradingSession,
        step: Callable[[TradingSession], object] | None,
        every_s: float,
        feed: QuoteFeed | None,
        pace: LoopPace,
        sleep: Callable[[float], object],
    ) -> None:
        self._session, self._step, self._every_s = session, step, every_s
        self._pace, self._sleep, self._now = pace, sleep, session.clock.monotonic
        self._prices = None if feed is None else LivePrices(session, feed)
        wait = (pace.pause_s, pace.longest_pause_s)
        self._venue = Trouble(session, wait, "venue_silent", "the venue does not answer")
        self._quotes = Trouble(session, wait, "quotes_lost", "the quotes are away")
        self._strategy = Trouble(session, wait, "step_failed", "the step of the strategy failed")
        self._due = self._ask_from = self._heard = self._quoted = self._now()
        self._is_mute = False  # and that was told
        self._mark_from = float("-inf")
        self._turns = self._steps = 0

    def run(self, is_asked: Callable[[], bool], reason: Callable[[], str]) -> DeskReport:
        """Take turns until asked to stop, then finish what is on its way."""
        with LastWords(self._session):
            while not is_asked():
                self._turn(is_asked)
                self._turns += 1
                if not is_asked():
                    self._sleep(self._pace.turn_s)
            return self._end(reason())

    def _turn(self, is_asked: Callable[[], bool]) -> None:
        self._session.obey()
        self._hear()
        if self._now() >= max(self._ask_from, self._venue.try_from):
            self._look()
        if not self._may_act() or is_asked():
            return
        try:
            self._act()
        except TradingHalted:
            if not is_asked():
                raise

    def _hear(self) -> None:
        """Take quotes in, mark the book when it is time, and tell when the quotes are away."""
        prices = self._prices
        if prices is None:
            return
        has_quotes, now = prices.hear(), self._now()
        if has_quotes:
            self._quoted, self._is_mute = now, False
        if now >= self._mark_from and prices.mark():
            self._mark_from = now + self._pace.mark_s
        if prices.feed.is_up:
            self._heard = now
            self._listen(prices, now)
        else:
            self._quoted = now  # the silence of a stream counts from its connection on
            if now - self._heard >= self._pace.lost_s:
                self._tell_of_quotes(prices.feed.problem)

    def _listen(self, prices: LivePrices, now: float) -> None:
        """Tell when a stream that is up says nothing, and when it does again."""
        if self._quoted != now and not prices.is_market_open():
            self._quoted = now
        silent_s = now - self._quoted
        if silent_s >= self._pace.mute_s and not self._is_mute:
            self._is_mute = True
            self._tell_of_quotes(f"the stream is connected and mute for {silent_s:.0f} s")
        if not self._is_mute:
            self._quotes.passed()

    def _tell_of_quotes(self, problem: str) -> None:
        if not self._quotes.failures:
            what = "what they said last grows old, and orders are refused as stale"
            self._quotes.failed(f"{problem}; {what}", Severity.WARNING)

    def _look(self) -> None:
        """Book what the venue did; a venue that is silent stops the strategy, not the desk."""
        try:
            self._session.collect_fills()
        except CredentialsRefused as error:
            self._venue.failed(str(error), None)  # the session has told, and halted
        except BrokerError as error:
            self._venue.failed(f"{error}; nothing is sent until it does", Severity.CRITICAL)
        else:
            self._venue.passed()
        self._ask_from = self._now() + (self._pace.ask_s if self._costs_calls() else 0.0)

    def _costs_calls(self) -> bool:
        """Return whether the next look asks the venue over the network."""
        return self._is_waiting() or not self._session.broker.connection().is_up

    def _is_waiting(self) -> bool:
        """Return whether the venue has yet to say what became of an order or of a change."""
        return any(order.is_unresolved or order.is_pending for order in self._session.open_orders)

    def _may_act(self) -> bool:
        if self._step is None or self._venue.failures:
            return False
        if self._prices is not None and not self._prices.has_marked:
            return False  # the prices of the last run may be old: its orders would be refused
        is_due = self._now() >= max(self._due, self._strategy.try_from)
        return is_due and self._session.state is not TradingState.HALTED

    def _act(self) -> None:
        """Let the strategy act on prices of now, unless they have just brought a halt about."""
        if self._prices is not None and self._prices.mark():
            self._mark_from = self._now() + self._pace.mark_s
        if self._step is None or self._session.state is TradingState.HALTED:
            return
        try:
            self._step(self._session)
        except BrokerError as error:
            self._look()  # if the venue is silent altogether, that is what is told
            is_told = self._venue.failures > 0
            self._strategy.failed(str(error), None if is_told else Severity.CRITICAL)
        except DataError as error:
            self._strategy.failed(str(error), Severity.WARNING)
        else:
            self._strategy.passed()
            self._steps += 1
            missed = (self._now() - self._due) // self._every_s
            self._due += (missed + 1) * self._every_s

    def _end(self, reason: str) -> DeskReport:
        """Wait for what is on its way, as long as the pace allows, and journal the end."""
        session = self._session
        session.request_stop()
        until = self._now() + self._pace.settle_s
        while not self._venue.failures:
            self._look()
            if not self._is_waiting() or self._now() >= until:
                break
            self._sleep(self._pace.turn_s)
        report = DeskReport(
            reason=reason,
            turns=self._turns,
            steps=self._steps,
            open_orders=session.open_orders,
        )
        session.finish_run(_summary(report))
        _log.info("the desk stopped (%s): %d orders are open", reason, len(report.open_orders))
        return report


def _summary(report: DeskReport) -> dict[str, object]:
    return {
        "reason": report.reason,
        "steps": report.steps,
        "open_orders": [order.client_order_id for order in report.open_orders],
        "unresolved": [order.client_order_id for order in report.unresolved],
    }
