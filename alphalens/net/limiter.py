"""A token bucket whose waiters are served by priority, corrected by what the server says."""

from __future__ import annotations

import asyncio
import heapq
import math
from dataclasses import dataclass, field
from itertools import count

from alphalens.errors import ConfigError
from alphalens.net.message import Priority
from alphalens.net.rates import Rates
from alphalens.net.timing import MACHINE, Timing

__all__ = ["Limiter"]

_LONGEST_PAUSE_S = 120.0  # a server that names a later instant is wrong or has another clock
_PAUSE_WITHOUT_HINT_S = 1.0
_ROUNDING = 1e-9  # a token is whole although its fractions do not add up to 1


@dataclass(order=True, slots=True)
class _Waiter:
    priority: Priority
    turn: int
    granted: asyncio.Future[None] = field(compare=False)


class Limiter:
    """Lets calls pass at the server's rate: cancels first, reads last, each kind in its order.

    Two bounds hold together. The bucket refills all the time at ``calls / window_s``. What the
    server said (calls left of its window, or a 429) caps it until the window ends. One limiter
    belongs to one event loop.

    Parameters
    ----------
    calls : int
        Size of the bucket, until the server's ``X-Ratelimit-Limit`` says another.
    window_s : float
        Seconds in which an empty bucket fills.
    reserve : int
        Tokens that only `Priority.CANCEL` may take.
    timing : Timing
        Monotonic clock and sleep.

    Raises
    ------
    ConfigError
        If the numbers leave nothing for calls that are no cancels.
    """

    def __init__(
        self,
        *,
        calls: int = 200,
        window_s: float = 60.0,
        reserve: int = 5,
        timing: Timing = MACHINE,
    ) -> None:
        if not 0 <= reserve < calls or not window_s > 0:
            raise ConfigError(
                f"a limiter needs 0 <= reserve < calls and window_s > 0, got reserve={reserve}, "
                f"calls={calls}, window_s={window_s}"
            )
        self._calls, self._window_s, self._wanted_reserve = calls, window_s, reserve
        self._timing = timing
        self._tokens, self._filled_at = float(calls), timing.monotonic()
        self._left: float = math.inf  # calls that the server still allows in its window
        self._window: float | None = None
        self._window_ends_at = -math.inf
        self._waiters: list[_Waiter] = []
        self._turns = count()
        self._alarm: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many calls wait for a token."""
        return len(self._waiters)

    async def acquire(self, priority: Priority) -> None:
        """Wait for a token; a cancelled wait takes none."""
        granted = asyncio.get_running_loop().create_future()
        waiter = _Waiter(priority, next(self._turns), granted)
        heapq.heappush(self._waiters, waiter)
        self._serve()
        try:
            await granted
        except asyncio.CancelledError:
            self._withdraw(waiter)
            raise

    def put_back(self) -> None:
        """Return a token that was taken and not used."""
        self._tokens += 1
        self._left += 1
        self._serve()

    def observe(self, rates: Rates, *, is_refusal: bool = False) -> None:
        """Take in what an answer said of the rate; `is_refusal` marks a 429."""
        if rates.limit:
            self._calls = rates.limit
        if is_refusal:
            self._cap(0, rates.window, rates.pause_s or _PAUSE_WITHOUT_HINT_S)
        elif rates.remaining is not None and rates.resets_in_s is not None:
            self._cap(rates.remaining, rates.window, rates.resets_in_s)
        self._serve()

    def _cap(self, left: int, window: float | None, ends_in_s: float) -> None:
        now = self._timing.monotonic()
        self._end_window(now)
        if window is not None and self._window is not None and window < self._window:
            return  # an answer of an older window came late
        same = window is None or window == self._window
        self._left = min(self._left, left) if same else left
        ends_at = now + min(ends_in_s, _LONGEST_PAUSE_S)
        self._window_ends_at = max(self._window_ends_at, ends_at) if same else ends_at
        self._window = window if window is not None else self._window

    def _end_window(self, now: float) -> None:
        if now >= self._window_ends_at:
            self._left, self._window = math.inf, None

    def _serve(self) -> None:
        """Grant what can be granted now, and set the alarm for the next token."""
        while self._waiters and self._wait_s(self._waiters[0].priority) <= 0:
            waiter = heapq.heappop(self._waiters)
            if not waiter.granted.cancelled():
                self._tokens -= 1
                self._left -= 1
                waiter.granted.set_result(None)
        self._set_alarm()

    def _set_alarm(self) -> None:
        alarm, self._alarm = self._alarm, None
        if alarm is not None and alarm is not asyncio.current_task():
            alarm.cancel()
        if self._waiters:
            wait_s = self._wait_s(self._waiters[0].priority)
            self._alarm = asyncio.get_running_loop().create_task(self._serve_after(wait_s))

    async def _serve_after(self, wait_s: float) -> None:
        await self._timing.sleep(wait_s)
        self._serve()

    def _wait_s(self, priority: Priority) -> float:
        """Seconds until a call of that priority may pass; 0 when it may now."""
        now = self._timing.monotonic()
        self._refill(now)
        self._end_window(now)
        needed = 1 if priority is Priority.CANCEL else 1 + self._reserve
        missing = needed - self._tokens
        by_bucket = missing * self._window_s / self._calls if missing > _ROUNDING else 0.0
        by_server = self._window_ends_at - now if self._left < needed else 0.0
        return max(by_bucket, by_server, 0.0)

    @property
    def _reserve(self) -> int:
        return min(self._wanted_reserve, self._calls - 1)

    def _refill(self, now: float) -> None:
        gained = (now - self._filled_at) * self._calls / self._window_s
        self._tokens = min(float(self._calls), self._tokens + gained)
        self._filled_at = now

    def _withdraw(self, waiter: _Waiter) -> None:
        if waiter.granted.done() and not waiter.granted.cancelled():
            self.put_back()
            return
        self._waiters = [other for other in self._waiters if other is not waiter]
        heapq.heapify(self._waiters)
        self._serve()
