"""A vendor's REST interface: pages asked for in turn, behind one synchronous call with a deadline.

What a vendor adds to it is only how a page is read and which page comes next.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from alphalens.data._vendors.cells import plain_text
from alphalens.data._vendors.reading import Unfit
from alphalens.data.asks import Ask, RestOptions, Told
from alphalens.data.listening import FeedListener, NobodyListens
from alphalens.data.reasons import AnswerRefused, Reason
from alphalens.errors import DataError
from alphalens.net import (
    Breaker,
    Limiter,
    LoopThread,
    NetError,
    NotSent,
    Priority,
    Redactor,
    Request,
    Response,
    Timeouts,
    Timing,
    Transport,
)
from alphalens.net.breaker import Outcome
from alphalens.net.exact_json import loads
from alphalens.net.failures import Unreadable

__all__ = ["Read", "Rest"]

P = TypeVar("P")

_GRACE_S = 1.0  # the calls' own deadline comes first: it says which page was missing
_CLOSE_S = 5.0
_MAX_BODY_BYTES = 64 * 2**20  # 50,000 bars are about 6 MiB
_KEPT_REFUSALS = 16
_ROUNDING_S = 0.01
_UNDERWAY_S = 0.25  # by so much one call may take longer to the vendor than another
_SHOWN = 200
_OK, _SERVER_FAULT = 200, 500
_AGAIN = frozenset({Reason.NOT_JSON, Reason.TRUNCATED})  # may be another answer a moment later
_MACHINE = Timing()
_NOBODY = NobodyListens()
_TO_DO = {
    400: "correct the request",
    401: "check the key and that base_url is the host that it is for",
    403: "check the key, and that the plan and the feed allow this",
    404: "check the symbol and base_url",
    422: "correct the request",
    429: "ask less often: set calls_per_minute to what the plan allows",
}


Read = Callable[[Ask, Any], tuple[P, Ask | None]]  # Any: whatever the JSON holds


@dataclass(frozen=True, slots=True, kw_only=True)
class _Errand(Generic[P]):
    """How the answers to some asks are read, and until when they are waited for."""

    read: Read[P]
    parse: Callable[[bytes], Any]  # Any: whatever the JSON holds
    ends_at: float


@dataclass(slots=True)
class _Tally:
    """What an errand, or one page of it, has used: its calls, and when the last one left."""

    calls: int = 0
    left_at: float = 0.0


_ERRAND: ContextVar[_Tally] = ContextVar("errand")
_PAGE: ContextVar[_Tally] = ContextVar("page")


class _Turns(Limiter):
    """A limiter that counts whom it lets pass: each turn is one HTTP call.

    No window has more turns than it allows. The bucket alone, full at the start and filling all
    the time, would let twice as many pass in the first one, and vendors count by the minute.
    """

    def __init__(self, *, calls: int, timing: Timing) -> None:
        super().__init__(calls=calls, reserve=0, timing=timing)
        self._turns_at: deque[float] = deque()
        self.taken = 0

    async def acquire(self, priority: Priority) -> None:
        """Wait for a turn, and note it for the one who asked."""
        await super().acquire(priority)
        await self._wait_for_window()
        self.taken += 1
        for tally in (_ERRAND.get(), _PAGE.get()):
            tally.calls += 1
            tally.left_at = self._timing.wall()

    async def _wait_for_window(self) -> None:
        now, turns = self._timing.monotonic(), self._turns_at
        length_s = self._window_s + _UNDERWAY_S
        while turns and turns[0] + length_s <= now:
            turns.popleft()
        at = max(now, turns[-self._calls] + length_s) if len(turns) >= self._calls else now
        turns.append(at)
        try:
            if at > now:
                await self._timing.sleep(at - now)
        except asyncio.CancelledError:
            turns.remove(at)
            self.put_back()
            raise


class Rest:
    """Asks one vendor, from any thread, on a loop thread of its own.

    Parameters
    ----------
    base_url : str
        Scheme and host.
    vendor : str
        Its name, for errors.
    auth : Mapping of str to str
        Headers that hold the credentials; they are in no text that this object makes.
    rng : Random
        Jitter between repetitions.
    options : RestOptions
        How patient and how fast.
    timing : Timing
        Clocks and sleep.
    listener : FeedListener
        Is told of each answer and of each failure.
    """

    def __init__(
        self,
        base_url: str,
        *,
        vendor: str,
        auth: Mapping[str, str],
        rng: random.Random,
        options: RestOptions,
        timing: Timing = _MACHINE,
        listener: FeedListener = _NOBODY,
    ) -> None:
        self.vendor, self._options, self._timing, self._rng = vendor, options, timing, rng
        self._listener = listener
        self._redact = Redactor.of_headers(auth)
        self._limiter = _Turns(calls=options.calls_per_minute, timing=timing)
        self._breaker = Breaker(
            failures=options.breaker_failures, pause_s=options.breaker_pause_s, timing=timing
        )
        self._refused: deque[AnswerRefused] = deque(maxlen=_KEPT_REFUSALS)
        self._is_closed = False
        self._transport = Transport(
            base_url,
            rng=rng,
            auth=auth,
            timeouts=Timeouts(
                connect_s=options.connect_timeout_s,
                read_s=options.read_timeout_s,
                pool_s=options.timeout_s,
                total_s=options.timeout_s,
            ),
            limiter=self._limiter,
            retry=options.retry,
            max_body_bytes=_MAX_BODY_BYTES,
            connections=options.parallel,
            timing=timing,
        )
        self._loop = LoopThread(vendor)

    @property
    def calls(self) -> int:
        """How many HTTP calls were made so far."""
        return self._limiter.taken

    @property
    def refused(self) -> Sequence[AnswerRefused]:
        """The last answers that came whole and were refused, each with its text."""
        return tuple(self._refused)

    def now(self) -> datetime:
        """Return the present instant, aware."""
        return _aware(self._timing.wall())

    def collect(self, asks: Sequence[Ask], read: Read[P], *, is_exact: bool = False) -> Told[P]:
        """Ask for everything, follow the pages of each, and return them all.

        Parameters
        ----------
        asks : sequence of Ask
            The first page of each.
        read : callable
            Takes an ask and the JSON of its answer; returns the page's content, and the ask for
            the next page or None. Raises `Unfit` or `Unreadable` for what cannot be used.
        is_exact : bool
            Fractions come as Decimal; otherwise as float, NaN and infinity included.

        Raises
        ------
        DataError
            If there is no answer, it says no, or (`AnswerRefused`) it cannot be used.
        """
        timeout_s = self._options.timeout_s
        errand = _Errand(
            read=read,
            parse=_exactly if is_exact else _loads,
            ends_at=self._timing.monotonic() + timeout_s,
        )
        try:
            return self._loop.run(self._collect(asks, errand), timeout_s=timeout_s + _GRACE_S)
        except NetError as error:
            raise DataError(self._without(asks[0], error)) from error

    def close(self) -> None:
        """Close every connection and end the thread; a second call does nothing."""
        if not self._is_closed:
            self._is_closed = True
            self._loop.run(self._transport.close(), timeout_s=_CLOSE_S)
            self._loop.close()

    async def _collect(self, asks: Sequence[Ask], errand: _Errand[P]) -> Told[P]:
        gate, tally = asyncio.Semaphore(self._options.parallel), _Tally()
        _ERRAND.set(tally)

        async def follow(ask: Ask) -> list[tuple[P, float]]:
            async with gate:
                return await self._follow(ask, errand)

        tasks = [asyncio.ensure_future(follow(ask)) for ask in asks]
        try:
            books = await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
        return Told(
            pages=tuple(page for book in books for page, _ in book),
            asked_at=tuple(_aware(left_at) for book in books for _, left_at in book),
            received_at=self.now(),
            calls=tally.calls,
        )

    async def _follow(self, first: Ask, errand: _Errand[P]) -> list[tuple[P, float]]:
        """Return the pages of one ask, and when the call for each left."""
        _PAGE.set(tally := _Tally())  # of this task alone: it asks for one page after the other
        pages: list[tuple[P, float]] = []
        ask: Ask | None = first
        seen: set[str] = set()
        while ask is not None:
            if str(ask) in seen:
                again = Unfit(Reason.TRUNCATED, f"page {len(pages) + 1} was there already")
                raise self._refusal(ask, again, "")
            seen.add(str(ask))
            page, ask = await self._page(ask, errand)
            pages.append((page, tally.left_at))
        return pages

    async def _page(self, ask: Ask, errand: _Errand[P]) -> tuple[P, Ask | None]:
        """Return a page, asked for again if the answer was no JSON or not whole."""
        retry, made = self._options.retry, 0
        while True:
            made += 1
            try:
                return await self._once(ask, errand)
            except AnswerRefused as refusal:
                delay_s = retry.delay_s(self._rng, made=made, asked_s=None)
                is_late = self._timing.monotonic() + delay_s >= errand.ends_at
                if refusal.reason not in _AGAIN or not retry.allows("GET", made=made) or is_late:
                    raise
            await self._timing.sleep(delay_s)

    async def _once(self, ask: Ask, errand: _Errand[P]) -> tuple[P, Ask | None]:
        """Ask once, and tell the breaker and the listener whether the answer is of use."""
        is_probe = self._breaker.enter(Priority.READ)
        outcome, began_at = Outcome.UNTOLD, self._timing.monotonic()
        try:
            answer = await self._answer(ask, errand.ends_at)
            outcome = Outcome.BADLY if answer.status >= _SERVER_FAULT else Outcome.WELL
            page = self._read(ask, answer, errand)
        except NetError as error:
            is_ours = isinstance(error, NotSent) and self._is_over(errand)
            outcome = Outcome.UNTOLD if is_ours else Outcome.BADLY
            self._listener.failed(self.vendor, error)
            raise DataError(self._without(ask, error)) from error
        except DataError as error:
            outcome = Outcome.BADLY if isinstance(error, AnswerRefused) else outcome
            self._listener.failed(self.vendor, error)
            raise
        finally:
            self._breaker.settle(outcome, is_probe=is_probe)
        self._listener.answered(self.vendor, took_s=self._timing.monotonic() - began_at)
        return page

    async def _answer(self, ask: Ask, ends_at: float) -> Response:
        left_s = ends_at - self._timing.monotonic()
        if left_s <= 0:
            raise DataError(
                f"{self.vendor} {ask.path}: the {self._options.timeout_s:g} s for the whole call "
                f"passed before this page; ask for less at once, or set timeout_s higher"
            )
        request = Request(method="GET", path=ask.path, params=ask.params, deadline_s=left_s)
        return await self._transport.request(request)

    def _read(self, ask: Ask, answer: Response, errand: _Errand[P]) -> tuple[P, Ask | None]:
        if answer.status != _OK:
            raise self._no(ask, answer)
        try:
            return errand.read(ask, errand.parse(answer.body))
        except Unreadable as error:
            refusal = self._refusal(ask, error, answer.text)
        raise refusal  # not from the error: its words were not looked through

    def _is_over(self, errand: _Errand[P]) -> bool:
        """Tell whether the deadline has passed: a call without a turn is then our own doing."""
        return self._timing.monotonic() >= errand.ends_at - _ROUNDING_S

    def _without(self, ask: Ask, error: NetError) -> str:
        said = f"{self.vendor} {ask.path}: no answer: {error}"
        return self._redact(f"{said}; ask again later, or another vendor")

    def _refusal(self, ask: Ask, error: Unreadable, raw: str) -> AnswerRefused:
        reason = error.reason if isinstance(error, Unfit) else Reason.SCHEMA_DRIFT
        kept = self._redact(raw)
        is_safe = kept == raw  # else its words may hold a part of a secret, cut where none looks
        refusal = AnswerRefused(
            self._redact(
                f"{self.vendor} {ask.path}: the answer (status {_OK}, {len(raw)} characters) was "
                f"refused, {reason.name.lower()}: "
                f"{error if is_safe else 'what is wrong stands beside a credential'}; its text is "
                f"kept. Ask again later, or another vendor"
            ),
            reason=reason,
            vendor=self.vendor,
            asked=self._redact(str(ask)),
            raw=(kept,),
        )
        self._refused.append(refusal)
        return refusal

    def _no(self, ask: Ask, answer: Response) -> DataError:
        to_do = _TO_DO.get(answer.status, "ask again later, or another vendor")
        words = plain_text(self._redact(_message(answer)), longest=_SHOWN)
        said = f"{self.vendor} {ask.path}: status {answer.status}, {words}"
        return DataError(self._redact(f"{said}; {to_do}"))


def _aware(wall_s: float) -> datetime:
    return datetime.fromtimestamp(wall_s, UTC)


def _loads(body: bytes) -> Any:  # Any: whatever the JSON holds
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unfit(Reason.NOT_JSON, f"no JSON: {error}; it begins {body[:60]!r}") from error


def _exactly(body: bytes) -> Any:  # Any: whatever the JSON holds
    try:
        return loads(body)
    except Unreadable as error:
        raise Unfit(Reason.NOT_JSON, f"{error}; it begins {body[:60]!r}") from error


def _message(answer: Response) -> str:
    """Return what an answer says."""
    try:
        body = loads(answer.body)
    except Unreadable:
        body = None
    told = body if isinstance(body, Mapping) else {}
    words = (told.get(name) for name in ("message", "error"))
    return next((word for word in words if isinstance(word, str)), answer.text)
