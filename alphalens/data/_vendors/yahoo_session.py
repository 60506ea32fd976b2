"""The way to Yahoo: yfinance opens the door, and each of its requests passes through here.

yfinance knows the cookies, crumbs and pages of consent, and which client Yahoo takes for a
browser. It does not pace itself, asks again after a refusal, keeps one state for the whole
process and files in the user's home, and turns what went wrong into empty frames. So only its
door is used (``yfinance.data.YfData``), one for each session and without files, and what it asks
is sent from here: in turn, counted, within a deadline and a size, and never on after a refusal.
"""

from __future__ import annotations

import json
import random
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

from alphalens._optional import require
from alphalens.data._vendors.cells import plain_text
from alphalens.data._vendors.reading import Unfit
from alphalens.data.asks import Ask, RestOptions
from alphalens.data.listening import FeedListener
from alphalens.data.reasons import AnswerRefused, Reason
from alphalens.errors import ConfigError, DataError
from alphalens.net import BreakerOpen, Limiter, LoopThread, NetError, NotSent, Priority, Timing
from alphalens.net.breaker import Breaker, Outcome
from alphalens.net.exact_json import loads
from alphalens.net.failures import AnswerTooLarge, Interrupted, Unreadable
from alphalens.net.rates import Rates, read_rates

__all__ = ["Declined", "YahooSession"]

T = TypeVar("T")

_HOST = "https://query2.finance.yahoo.com"
_OWNER = ".yahoo.com"
_DATA = ("/v7/", "/v8/")  # paths of data; all others are the door's
_PIECE = 1 << 10  # small: between two of them the clock is looked at
_MAX_BODY_BYTES = 64 * 2**20
_KEPT_REFUSALS = 16
_SHOWN = 200
_OK, _TOO_MANY, _SERVER_FAULT = 200, 429, 500
_FOR_THE_DOOR = (_OK, 401, 403)  # a new cookie may help
_HOOKS = ("_load_cookie_curlCffi", "_save_cookie_curlCffi")
_AGAIN = frozenset({Reason.NOT_JSON, Reason.TRUNCATED})  # may be another answer a moment later
_TO_DO = {
    404: "check the symbol",
    422: "correct the request",
    429: "ask less often: set calls_per_minute lower, and wait",
}


class Declined(DataError):
    """Yahoo answered, and said no.

    Parameters
    ----------
    text : str
        What was asked, what it said, what to do.
    status : int
        Of its answer.
    said : str
        Its words.
    """

    def __init__(self, text: str, *, status: int, said: str) -> None:
        self.status, self.said = status, said
        super().__init__(text)


class _NoAnswer(DataError):
    """There was no answer: another try may bring one."""


@dataclass(frozen=True, slots=True)
class _Page:
    """An answer that was read to its end, as much of a response as yfinance looks at."""

    status_code: int
    url: str
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode(errors="replace")


class _Halt(Exception):
    """Takes an answer past yfinance, which would ask again; no error by itself."""

    def __init__(self, page: _Page) -> None:
        self.page = page
        super().__init__(page.status_code)


class YahooSession:
    """One visitor of Yahoo, from any thread, one errand at a time.

    Parameters
    ----------
    vendor : str
        Its name, for errors.
    session : requests or curl_cffi session, or None
        Of requests or of curl_cffi; None takes what yfinance takes for itself. It is closed with
        this object.
    rng, options, timing, listener
        As `alphalens.data._vendors.rest.Rest`. Requests are spread evenly over the minute.

    Raises
    ------
    MissingExtra
        If yfinance is not installed.
    ConfigError
        If it is one whose cookies cannot be kept from the disk.
    """

    def __init__(
        self,
        vendor: str,
        *,
        session: Any,  # Any: the two kinds of session have no type in common
        rng: random.Random,
        options: RestOptions,
        timing: Timing,
        listener: FeedListener,
    ) -> None:
        require("yfinance", extra="yahoo")
        self.vendor, self._options, self._timing, self._rng = vendor, options, timing, rng
        self._listener = listener
        self._limiter = Limiter(
            calls=1, window_s=60.0 / options.calls_per_minute, reserve=0, timing=timing
        )
        self._breaker = Breaker(
            failures=options.breaker_failures, pause_s=options.breaker_pause_s, timing=timing
        )
        self._refused: deque[AnswerRefused] = deque(maxlen=_KEPT_REFUSALS)
        self._lock = threading.Lock()
        self._calls, self._begun_with, self._ends_at = 0, 0, 0.0
        self._session: Any = session
        self._door = self._opened()
        self._send: Callable[..., Any] = self._session.request  # Any: a response of its kind
        self._session.request = self._request
        self._is_closed = False
        self._loop = LoopThread(vendor)

    @property
    def calls(self) -> int:
        """How many HTTP calls were made so far, those for cookies and redirections included."""
        return self._calls

    @property
    def calls_of_errand(self) -> int:
        """How many of them the present errand took so far."""
        return self._calls - self._begun_with

    @property
    def refused(self) -> Sequence[AnswerRefused]:
        """The last answers that came whole and were refused, each with its text."""
        return tuple(self._refused)

    def now(self) -> datetime:
        """Return the present instant, aware."""
        return datetime.fromtimestamp(self._timing.wall(), UTC)

    @contextmanager
    def errand(self) -> Iterator[None]:
        """Have the session for oneself, until the deadline of one call of the port.

        Raises
        ------
        DataError
            If another errand took all of the time, or the session is closed.
        """
        timeout_s = self._options.timeout_s
        if not self._lock.acquire(timeout=timeout_s):
            raise DataError(
                f"{self.vendor}: another call kept the session for {timeout_s:g} s; ask for less "
                f"at once, or set timeout_s higher"
            )
        try:
            if self._is_closed:
                raise DataError(f"{self.vendor}: the session is closed; make another provider")
            self._begun_with, self._ends_at = self._calls, self._timing.monotonic() + timeout_s
            yield
        finally:
            self._lock.release()

    def ask(self, ask: Ask, read: Callable[[Any], T], *, is_exact: bool = False) -> T:
        """Return what `read` makes of the JSON of an answer; to be called within an errand.

        Parameters
        ----------
        ask : Ask
            A path below ``/v7/`` or ``/v8/``.
        read : callable
            Raises `Unfit` or `Unreadable` for what cannot be used.
        is_exact : bool
            Fractions come as Decimal; otherwise as float.

        Raises
        ------
        Declined
            If Yahoo says no.
        DataError
            If there is no answer, or (`AnswerRefused`) it cannot be used.
        """
        retry, made = self._options.retry, 0
        parse = _exactly if is_exact else _loads
        while True:
            made += 1
            try:
                return self._once(ask, lambda page: read(parse(page.content)))
            except DataError as error:
                delay_s = retry.delay_s(self._rng, made=made, asked_s=None)
                is_late = self._timing.monotonic() + delay_s >= self._ends_at
                if not _may_pass(error) or not retry.allows("GET", made=made) or is_late:
                    raise
            self._loop.run(self._sleep(delay_s), timeout_s=self._left_s() + delay_s)

    def close(self) -> None:
        """Close every connection and end the thread; a second call does nothing."""
        with self._lock:
            if not self._is_closed:
                self._is_closed = True
                self._session.close()
                self._loop.close()

    def _opened(self) -> Any:  # Any: yfinance has no types
        """Return a door of our own: yfinance itself would share one, and its cookies, with all."""
        from yfinance.data import YfData
        from yfinance.version import version

        if strange := [name for name in _HOOKS if not hasattr(YfData, name)]:
            raise ConfigError(
                f"yfinance {version} keeps cookies in another way than 1.7 (no {strange[0]}), and "
                f"would write them to the user's home: install yfinance 1.7"
            )
        door = type.__call__(YfData, session=self._session)
        self._session = door._session
        door._save_cookie_curlCffi = lambda: True  # the jar of the session keeps it

        def has_cookie() -> bool:
            door._cookie = len(self._session.cookies) > 0 or None
            return bool(door._cookie)

        door._load_cookie_curlCffi = has_cookie
        return door

    def _once(self, ask: Ask, read: Callable[[_Page], T]) -> T:
        """Ask once, and tell the breaker and the listener whether the answer is of use."""
        outcome, began_at = Outcome.UNTOLD, self._timing.monotonic()
        try:
            is_probe = self._breaker.enter(Priority.READ)
        except BreakerOpen as error:
            raise DataError(self._without(ask, error)) from error
        try:
            page = self._fetched(ask)
            outcome = Outcome.BADLY if page.status_code >= _SERVER_FAULT else Outcome.WELL
            value = self._read(ask, page, read)
        except DataError as error:
            is_bad = isinstance(error, AnswerRefused | _NoAnswer)
            outcome = Outcome.BADLY if is_bad else outcome
            self._listener.failed(self.vendor, error)
            raise
        finally:
            self._breaker.settle(outcome, is_probe=is_probe)
        self._listener.answered(self.vendor, took_s=self._timing.monotonic() - began_at)
        return value

    def _fetched(self, ask: Ask) -> _Page:
        """Return an answer, whatever its status."""
        from yfinance.exceptions import YFException

        try:
            page: _Page = self._door.get(_HOST + ask.path, params=dict(ask.params))
        except _Halt as halt:
            return halt.page
        except NotSent as error:
            raise DataError(self._without(ask, error)) from error
        except (NetError, OSError, YFException) as error:  # both kinds of session raise OSError
            raise _NoAnswer(self._without(ask, error)) from error
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise _NoAnswer(
                f"{self.vendor} {ask.path}: yfinance could not read a page of cookies or consent: "
                f"{error!r:.200}; ask again later, or another vendor"
            ) from error
        return page

    def _read(self, ask: Ask, page: _Page, read: Callable[[_Page], T]) -> T:
        if page.status_code != _OK:
            raise self._no(ask, page)
        try:
            return read(page)
        except Unreadable as error:
            raise self._refusal(ask, error, page.text) from error

    def _request(self, method: str, url: str, **options: Any) -> _Page:  # Any: passed on
        """Send what yfinance asks for, when it is its turn, and read the answer to its end."""
        where = urlsplit(url)
        if where.scheme != "https" or not (where.hostname or "").endswith(_OWNER):
            raise NotSent(f"{where.scheme}://{where.hostname} is not Yahoo's, and was not asked")
        self._take_turn()
        bounds = {"timeout": min(self._left_s(), self._options.read_timeout_s), "stream": True}
        self._calls += 1
        answer = self._send(method, url, **(options | bounds))
        try:
            self._calls += len(answer.history)
            page = _Page(answer.status_code, str(answer.url), self._body(answer))
        finally:
            answer.close()
        headers = {str(name).lower(): str(value) for name, value in answer.headers.items()}
        rates = read_rates(headers, wall_s=self._timing.wall())
        self._observe(rates, is_refusal=page.status_code == _TOO_MANY)
        if where.path.startswith(_DATA) and page.status_code not in _FOR_THE_DOOR:
            raise _Halt(page)
        return page

    def _take_turn(self) -> None:
        left_s = self._left_s()
        try:
            self._loop.run(self._limiter.acquire(Priority.READ), timeout_s=left_s)
        except Interrupted:
            raise NotSent(
                f"not sent: {self._options.calls_per_minute} calls a minute left no turn within "
                f"the {self._options.timeout_s:g} s for the whole call"
            ) from None

    def _observe(self, rates: Rates, *, is_refusal: bool) -> None:
        async def tell() -> None:
            self._limiter.observe(rates, is_refusal=is_refusal)

        self._loop.run(tell(), timeout_s=self._options.timeout_s)

    def _body(self, answer: Any) -> bytes:  # Any: a response of either kind
        pieces, size = [], 0
        has_choice = hasattr(answer, "raw")  # that of curl_cffi gives them as they come
        for piece in answer.iter_content(_PIECE) if has_choice else answer.iter_content():
            size += len(piece)
            if size > _MAX_BODY_BYTES:
                raise AnswerTooLarge(f"the answer is longer than {_MAX_BODY_BYTES} bytes")
            if self._timing.monotonic() >= self._ends_at:
                raise Interrupted(f"{size} bytes came before the deadline, and that was not all")
            pieces.append(piece)
        return b"".join(pieces)

    def _left_s(self) -> float:
        """Return the seconds to the deadline."""
        left_s = self._ends_at - self._timing.monotonic()
        if left_s <= 0:
            raise NotSent(f"the {self._options.timeout_s:g} s for the whole call passed")
        return left_s

    async def _sleep(self, delay_s: float) -> None:
        await self._timing.sleep(delay_s)

    def _without(self, ask: Ask, error: Exception) -> str:
        return (
            f"{self.vendor} {ask.path}: no answer: {plain_text(str(error), longest=_SHOWN)}; ask "
            f"again later, or another vendor"
        )

    def _refusal(self, ask: Ask, error: Unreadable, raw: str) -> AnswerRefused:
        reason = error.reason if isinstance(error, Unfit) else Reason.SCHEMA_DRIFT
        refusal = AnswerRefused(
            f"{self.vendor} {ask.path}: the answer (status {_OK}, {len(raw)} characters) was "
            f"refused, {reason.name.lower()}: {error}; its text is kept. Ask again later, or "
            f"another vendor",
            reason=reason,
            vendor=self.vendor,
            asked=str(ask),
            raw=(raw,),
        )
        self._refused.append(refusal)
        return refusal

    def _no(self, ask: Ask, page: _Page) -> DataError:
        status, said = page.status_code, _message(page)
        to_do = _TO_DO.get(status, "ask again later, or another vendor")
        text = f"{self.vendor} {ask.path}: status {status}, {said}; {to_do}"
        if status >= _SERVER_FAULT:
            return _NoAnswer(text)
        if status in _FOR_THE_DOOR:
            self._session.cookies.clear()
            self._door = self._opened()  # the next errand is another visitor's
        return Declined(text, status=status, said=said)


def _may_pass(error: DataError) -> bool:
    if isinstance(error, AnswerRefused):
        return error.reason in _AGAIN
    return isinstance(error, _NoAnswer)


def _loads(body: bytes) -> Any:  # Any: whatever the JSON holds
    return _parsed(body, json.loads)


def _exactly(body: bytes) -> Any:  # Any: whatever the JSON holds
    return _parsed(body, loads)


def _parsed(body: bytes, parse: Callable[[bytes], Any]) -> Any:  # Any: whatever the JSON holds
    try:
        return parse(body)
    except (ValueError, RecursionError, Unreadable) as error:
        raise Unfit(Reason.NOT_JSON, f"no JSON: {error}; it begins {body[:60]!r}") from error


def _message(page: _Page) -> str:
    """Return what a refusal says, in one line of at most 200 characters."""
    try:
        body = json.loads(page.content)
    except (ValueError, RecursionError):
        body = None
    for told in body.values() if isinstance(body, Mapping) else ():
        error = told.get("error") if isinstance(told, Mapping) else None
        if isinstance(error, Mapping) and isinstance(error.get("description"), str):
            return plain_text(error["description"], longest=_SHOWN)
    return plain_text(page.text, longest=_SHOWN)
