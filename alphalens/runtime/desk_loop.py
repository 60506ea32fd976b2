"""A desk that is left alone: it keeps up, obeys, marks, lets a strategy act, and stops in order."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from alphalens.config import Settings
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
from alphalens.runtime.desk_health import desk_health
from alphalens.runtime.desk_watch import DeskWatch
from alphalens.runtime.hearing import Hearing
from alphalens.runtime.live_prices import LivePrices, QuoteFeed
from alphalens.runtime.loop_pace import LoopPace
from alphalens.runtime.trouble import LastWords, Trouble
from alphalens.trading.events import Severity

if TYPE_CHECKING:
    from alphalens.runtime.market_data import MarketData

__all__ = ["DeskReport", "LoopPace", "run_desk"]

_log = logging.getLogger(__name__)
_DAY = timedelta(days=1)
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
    settings: Settings | None = None,
    market: MarketData | None = None,
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
    settings : Settings, optional
        If they name a `health_address`, ``/healthz`` and ``/metrics`` are answered there while
        the desk runs: loop, journal, venue, orders, quotes, and what `market` has. If that
        cannot be, an alert says so, and the desk trades.
    market : MarketData, optional
        Market data that the desk uses: outages of its vendors that are longer than agreed
        become alerts of the desk, as those of `feed` do.
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
    watch = DeskWatch(session, has_quotes=feed is not None, market=market)
    told = desk_health(settings, watch, market)
    loop = _Loop(session, step, every.total_seconds(), feed, watch, pace, sleep)
    if stop is not None:
        return loop.run(told, stop, lambda: "asked")
    with GracefulStop(session.request_stop, within_s=pace.stop_within_s) as signals:
        return loop.run(
            told,
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
        watch: DeskWatch,
        pace: LoopPace,
        sleep: Callable[[float], object],
    ) -> None:
        self._session, self._step, self._every_s = session, step, every_s
        self._pace, self._sleep, self._now = pace, sleep, session.clock.monotonic
        self._watch = watch
        wait = (pace.pause_s, pace.longest_pause_s)
        self._venue = Trouble(session, wait, "venue_silent", "the venue does not answer")
        self._strategy = Trouble(session, wait, "step_failed", "the step of the strategy failed")
        lost = Trouble(session, wait, "quotes_lost", "the quotes are away")
        self._hearing: Hearing | None = None
        if feed is not None:
            prices = LivePrices(session, feed)
            self._hearing = Hearing(session, prices, trouble=lost, pace=pace, watch=watch)
        self._due = self._ask_from = self._now()

    def run(
        self,
        told: AbstractContextManager[None],
        is_asked: Callable[[], bool],
        reason: Callable[[], str],
    ) -> DeskReport:
        """Take turns until asked to stop, then finish what is on its way."""
        with LastWords(self._session), told:
            while not is_asked():
                self._turn(is_asked)
                self._watch.turned()
                if not is_asked():
                    self._sleep(self._pace.turn_s)
            return self._end(reason())

    def _turn(self, is_asked: Callable[[], bool]) -> None:
        self._session.obey()
        if self._hearing is not None:
            self._hearing.hear()
        if self._now() >= max(self._ask_from, self._venue.try_from):
            self._look()
        if not self._may_act() or is_asked():
            return
        try:
            self._act()
        except TradingHalted:
            if not is_asked():
                raise

    def _look(self) -> None:
        """Book what the venue did; a venue that is silent stops the strategy, not the desk."""
        try:
            self._session.collect_fills()
        except CredentialsRefused as error:
            self._watch.venue_said(error)
            self._venue.failed(str(error), None)  # the session has told, and halted
        except BrokerError as error:
            self._watch.venue_said(error)
            self._venue.failed(f"{error}; nothing is sent until it does", Severity.CRITICAL)
        else:
            self._watch.venue_said(None)
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
        if self._hearing is not None and not self._hearing.has_marked:
            return False  # the prices of the last run may be old: its orders would be refused
        is_due = self._now() >= max(self._due, self._strategy.try_from)
        return is_due and self._session.state is not TradingState.HALTED

    def _act(self) -> None:
        """Let the strategy act on prices of now, unless they have just brought a halt about."""
        if self._hearing is not None:
            self._hearing.mark()
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
            self._watch.steps += 1
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
            turns=self._watch.turns,
            steps=self._watch.steps,
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
