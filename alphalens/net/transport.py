"""The one way out of this package over HTTP: for venues, data vendors and models alike."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Mapping

from alphalens.errors import ConfigError
from alphalens.net.breaker import Breaker, Outcome
from alphalens.net.capture import Exchange, Redactor, Sink
from alphalens.net.endpoint import checked_headers, checked_url
from alphalens.net.failures import Ambiguous, BreakerOpen, Interrupted, NetError, NotSent
from alphalens.net.limiter import Limiter
from alphalens.net.message import Priority, Request, Response
from alphalens.net.rates import read_rates
from alphalens.net.retry import RetryPolicy
from alphalens.net.timing import MACHINE, Timing
from alphalens.net.wire import Progress, Timeouts, Wire

__all__ = ["Transport"]

_MAX_BODY_BYTES = 16 * 2**20
_CONNECTIONS = 8
_TIMEOUTS = Timeouts()
_RETRY = RetryPolicy()
_TOO_MANY = 429
_SERVER_FAULT = 500


class Transport:
    """Sends requests to one server: in turn, within a deadline, at most once unless they read.

    Redirects are never followed, cookies never kept, proxies and certificates of the
    environment never used. One transport belongs to one event loop.

    Parameters
    ----------
    base_url : str
        ``https://host`` with an optional path before every request's path; ``http://`` for this
        machine only.
    rng : Random
        Source of the jitter between retries.
    auth : Mapping of str to str
        Headers of every request that are secret: their values are replaced in every text.
    headers : Mapping of str to str
        Further headers of every request.
    secrets : iterable of str
        Further secrets, such as a key that goes into the query.
    timeouts : Timeouts
        Bounds of each step and of the whole.
    limiter : Limiter, optional
        Whose turn it is; None lets all pass.
    breaker : Breaker, optional
        Whether the server is to be left alone; None always tries.
    retry : RetryPolicy
        How GET and HEAD are repeated.
    sink : callable, optional
        Gets each attempt as an `Exchange`, in the loop's thread; it is quick and does not raise.
    max_body_bytes : int
        Longest answer that is read.
    connections : int
        Calls that read at once; orders have connections of their own.
    timing : Timing
        Clocks and sleep.

    Raises
    ------
    ConfigError
        If the address, a header or the cap cannot be used, or there is no connection.
    """

    def __init__(
        self,
        base_url: str,
        *,
        rng: random.Random,
        auth: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        secrets: Iterable[str] = (),
        timeouts: Timeouts = _TIMEOUTS,
        limiter: Limiter | None = None,
        breaker: Breaker | None = None,
        retry: RetryPolicy = _RETRY,
        sink: Sink | None = None,
        max_body_bytes: int = _MAX_BODY_BYTES,
        connections: int = _CONNECTIONS,
        timing: Timing = MACHINE,
    ) -> None:
        if max_body_bytes < 1:
            raise ConfigError(f"max_body_bytes is {max_body_bytes}, it must be at least 1")
        if connections < 1:
            raise ConfigError(f"connections is {connections}, it must be at least 1")
        self._redact = Redactor.of_headers(auth or {}, more=secrets)
        self._wire = Wire(
            checked_url(base_url, schemes=("https", "http")),
            headers=checked_headers({**(headers or {}), **(auth or {})}),
            timeouts=timeouts,
            max_body_bytes=max_body_bytes,
            redact=self._redact,
            connections=connections,
        )
        self._rng, self._timing, self._timeouts = rng, timing, timeouts
        self._limiter, self._breaker, self._retry, self._sink = limiter, breaker, retry, sink

    def __repr__(self) -> str:
        return f"Transport({self._redact(self._wire.base_url)!r})"

    async def request(self, request: Request) -> Response:
        """Send a request and return the server's answer, whatever its status.

        Raises
        ------
        NotSent
            If the request certainly never left: no connection, no turn before the deadline, or
            the breaker is open (`BreakerOpen`).
        Ambiguous
            If it left, at least in part, and no complete answer came back.
        """
        deadline_s = request.deadline_s or self._timeouts.total_s
        ends_at = self._timing.monotonic() + deadline_s
        progress = Progress()
        answer, asked_s = await self._try(request, ends_at, progress)
        made = 1
        while self._is_worth_another(request, answer, made):
            delay_s = self._retry.delay_s(self._rng, made=made, asked_s=asked_s)
            if self._timing.monotonic() + delay_s >= ends_at:
                break
            await self._timing.sleep(delay_s)
            newer, asked_s = await self._try(request, ends_at, progress)
            made += 1
            if isinstance(newer, NotSent) and progress.may_have_left:
                break  # what the earlier try brought says more
            answer = newer
        if isinstance(answer, NetError):
            raise answer
        return answer

    async def close(self) -> None:
        """Close every connection; a second call does nothing."""
        await self._wire.close()

    def _is_worth_another(self, request: Request, answer: Response | NetError, made: int) -> bool:
        if not self._retry.allows(request.method, made=made):
            return False
        if isinstance(answer, Response):
            return self._retry.is_passing(answer.status)
        return type(answer) in (NotSent, Ambiguous)

    async def _try(
        self, request: Request, ends_at: float, progress: Progress
    ) -> tuple[Response | NetError, float | None]:
        """Make one attempt; an error is returned, for the loop above decides what becomes of it."""
        try:
            await self._take_turn(request.priority, ends_at)
            is_probe = self._enter(request.priority)
        except NotSent as refusal:
            return refusal, None
        outcome = Outcome.UNTOLD
        try:
            answer = await self._exchange(request, ends_at, progress)
            outcome = _health(answer)
        finally:
            if self._breaker is not None:
                self._breaker.settle(outcome, is_probe=is_probe)
        return answer, self._observe(answer)

    async def _take_turn(self, priority: Priority, ends_at: float) -> None:
        if self._breaker is not None:
            self._breaker.check(priority)
        if self._limiter is None:
            return
        left_s = ends_at - self._timing.monotonic()
        try:
            async with asyncio.timeout(left_s):
                await self._limiter.acquire(priority)
        except TimeoutError:
            raise NotSent(
                f"not sent: the rate limit left no turn within {max(left_s, 0.0):.1f} s, with "
                f"{self._limiter.waiting} calls waiting; ask less often or wait longer"
            ) from None

    def _enter(self, priority: Priority) -> bool:
        if self._breaker is None:
            return False
        try:
            return self._breaker.enter(priority)
        except BreakerOpen:
            if self._limiter is not None:
                self._limiter.put_back()
            raise

    async def _exchange(
        self, request: Request, ends_at: float, progress: Progress
    ) -> Response | NetError:
        began_at = self._timing.monotonic()
        answer: Response | NetError
        try:
            answer = await self._wire.exchange(request, ends_at - began_at, progress, self._clock)
        except NetError as error:
            answer = error
        except asyncio.CancelledError:
            cut_off = Interrupted(f"{request.method} {request.path}: cancelled by the caller")
            self._capture(request, cut_off, self._clock() - began_at)
            raise
        self._capture(request, answer, self._clock() - began_at)
        return answer

    def _clock(self) -> float:
        return self._timing.monotonic()

    def _observe(self, answer: Response | NetError) -> float | None:
        """Tell the limiter, and return the seconds that the server asks to wait."""
        if not isinstance(answer, Response):
            return None
        rates = read_rates(answer.headers, wall_s=self._timing.wall())
        if self._limiter is not None:
            self._limiter.observe(rates, is_refusal=answer.status == _TOO_MANY)
        return rates.pause_s

    def _capture(self, request: Request, answer: Response | NetError, elapsed_s: float) -> None:
        if self._sink is None:
            return
        sent = request.body or ""
        response = answer if isinstance(answer, Response) else None
        self._sink(
            Exchange(
                method=request.method,
                path=self._redact(self._wire.target(request)),
                sent=self._redact(sent if isinstance(sent, str) else sent.decode(errors="replace")),
                received="" if response is None else self._redact(response.text),
                status=None if response is None else response.status,
                elapsed_s=elapsed_s,
                problem="" if response is not None else self._redact(str(answer)),
            )
        )


def _health(answer: Response | NetError) -> Outcome:
    failed = isinstance(answer, NetError) or answer.status >= _SERVER_FAULT
    return Outcome.BADLY if failed else Outcome.WELL
