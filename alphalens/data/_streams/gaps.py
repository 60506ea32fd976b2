"""The gaps of a stream: what is missing is asked for over REST, and then handed over in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from alphalens.data._streams.order import BarOrder, Fate, Span
from alphalens.data._streams.words import BarRow, instant_of
from alphalens.data.bar_stream import GapCause, StreamGap, StreamOptions
from alphalens.data.bars import Adjustment, Bars, Timeframe
from alphalens.data.port import BarRequest, Batch, MarketDataProvider
from alphalens.errors import AlphaLensError, InputError
from alphalens.net import Timing

__all__ = ["GapKeeper"]

_AT_ONCE = 2
_GATHER_S = 0.05  # gaps that are found within this time are asked for together
_CUT_SHORT = "the stream ended, or a defect ended the asking, before it was filled"


class GapKeeper:
    """Has the order of a stream's bars kept, and its gaps filled by one provider.

    Everything but the provider's own work is done in the thread of the loop.

    Parameters
    ----------
    order : BarOrder
        Finds the gaps, and holds back what comes after them.
    provider : MarketDataProvider or None
        Who is asked, in threads of its own; None knows nothing.
    options : StreamOptions
        How often, and after how long.
    timing : Timing
        Clock and sleep.
    close : callable
        Gets the bars that are free now, and the gaps that they close.
    broken : callable
        Gets an error that no provider should raise.
    """

    def __init__(
        self,
        order: BarOrder,
        provider: MarketDataProvider | None,
        *,
        options: StreamOptions,
        timing: Timing,
        close: Callable[[Sequence[Batch], Sequence[StreamGap]], None],
        broken: Callable[[BaseException], None],
    ) -> None:
        self._order, self._provider = order, provider
        self._options, self._timing = options, timing
        self._close, self._broken = close, broken
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="stream-gaps")
        self._tasks: set[asyncio.Task[None]] = set()
        self._gathers = False
        self.gave_way = 0

    @property
    def held(self) -> int:
        """How many bars wait for earlier ones."""
        return self._order.held

    def came_up(self, now: int, cause: GapCause) -> None:
        """Take note that from `now` on the stream tells each minute, and ask for those before."""
        self._order.came_up(now, cause)
        self._ask_soon()

    def take_in(self, row: BarRow) -> Fate:
        """Take one bar, and ask for those that it shows to be missing."""
        fate = self._order.take_in(row)
        self._ask_soon()
        return fate

    async def end(self) -> None:
        """Ask no more: what is open stays open, and what waited for it is free."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for span, symbols in self._order.open_spans().items():
            self._settle(span, symbols, GapCause.LOSS, None, _CUT_SHORT)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _ask_soon(self) -> None:
        if self._order.lacks and not self._gathers:
            self._gathers = True
            self._start(self._gather())

    def _start(self, work: Coroutine[Any, Any, None]) -> None:  # Any: as of every coroutine
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._broken(error)

    async def _gather(self) -> None:
        """Ask for what is missing, those symbols together that miss the same span."""
        await self._timing.sleep(_GATHER_S)
        self._gathers = False
        groups: dict[tuple[Span, GapCause], list[str]] = {}
        for symbol, span, cause in self._order.missing():
            groups.setdefault((span, cause), []).append(symbol)
        for (span, cause), symbols in groups.items():
            self._start(self._fill(span, symbols, cause))

    async def _fill(self, span: Span, symbols: Sequence[str], cause: GapCause) -> None:
        found, problem = None, _CUT_SHORT
        try:
            found, problem = await self._ask(span, symbols)
        finally:
            self._settle(span, symbols, cause, found, problem)

    def _settle(
        self,
        span: Span,
        symbols: Sequence[str],
        cause: GapCause,
        found: Batch | None,
        problem: str,
    ) -> None:
        released = self._order.close(span, symbols, found)
        self.gave_way += released.gave_way
        gaps = [
            StreamGap(
                symbol=symbol,
                start=instant_of(span.start),
                end=instant_of(span.end),
                cause=cause,
                filled=released.found[symbol],
                problem=problem,
            )
            for symbol in symbols
        ]
        self._close(released.batches, gaps)

    async def _ask(self, span: Span, symbols: Sequence[str]) -> tuple[Batch | None, str]:
        """Return the minutes of a span, or None and why there is no answer."""
        provider = self._provider
        if provider is None:
            return None, "there is nobody to ask over REST"
        delay_s = provider.capabilities.delay_s
        wait_s = delay_s + self._options.settle_s - (self._timing.wall() - span.end / 1e6)
        if wait_s > self._options.settle_s + self._options.skew_s:
            return None, (
                f"{provider.name} is {delay_s:g} s behind the market, and this is newer: ask for "
                f"it {wait_s:.0f} s later"
            )
        if wait_s > 0:
            await self._timing.sleep(wait_s)
        request = BarRequest(
            symbols=tuple(symbols),
            start=instant_of(span.start),
            end=instant_of(span.end),
            timeframe=Timeframe.MINUTE,
            adjustment=Adjustment.RAW,
        )
        return await self._answer(provider, request)

    async def _answer(
        self, provider: MarketDataProvider, request: BarRequest
    ) -> tuple[Batch | None, str]:
        loop, problem = asyncio.get_running_loop(), ""
        for left in reversed(range(self._options.fill_attempts)):
            try:
                found = await loop.run_in_executor(self._pool, provider.bars, request)
                problem = _oddity(found.bars, request, provider.name)
                return (None, problem) if problem else (found, "")
            except InputError as error:
                return None, f"{provider.name}: {error}"
            except AlphaLensError as error:
                problem = f"{provider.name}: {error}"
            if left:
                await self._timing.sleep(self._options.fill_pause_s)
        return None, problem


def _oddity(bars: Bars, request: BarRequest, name: str) -> str:
    """Say why bars cannot stand beside those of a stream; empty if they can."""
    beside = Bars.empty(request.timeframe, request.adjustment)
    told, wanted = (f"{b.timeframe}/{b.adjustment}/{b.currency}" for b in (bars, beside))
    return "" if told == wanted else f"{name}: {wanted} was asked for, and {told} came"
