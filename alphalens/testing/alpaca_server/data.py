"""The market data API over the tape: bars, quotes and trades of stocks, coins and options."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

from alphalens.testing.loopback.clock import VenueClock, parse_instant
from alphalens.testing.loopback.plain_http import Answer

from .assets import parse_contract
from .contracts import is_wanted
from .refusals import unprocessable
from .routes import Call, Route
from .sessions import at_new_york, new_york

_MAX_ROWS, _ROWS = 10_000, 1000
_MAX_SNAPSHOTS, _SNAPSHOTS = 1000, 100
_STOCKS = r"/v2/stocks"
_COINS = r"/v1beta3/crypto/\w+"
_OPTIONS = r"/v1beta1/options"
_TIMEFRAME = re.compile(r"^(\d+)(Min|T|Hour|H|Day|D|Week|W|Month|M)$")
_UNITS = {"T": "Min", "H": "Hour", "D": "Day", "W": "Week", "M": "Month"}
T = TypeVar("T")


class Point(Protocol):
    """A bar, a quote or a trade."""

    @property
    def time(self) -> datetime:
        """When it was; of a bar, when it opened."""

    def to_json(self) -> dict[str, Any]:
        """Return it in the keys of the data API."""


class Prices(Protocol):
    """What the data API tells; of each symbol oldest first, bars by symbol and timeframe."""

    @property
    def bars(self) -> Mapping[tuple[str, str], Sequence[Point]]:
        """Bars."""

    @property
    def quotes(self) -> Mapping[str, Sequence[Point]]:
        """Quotes."""

    @property
    def trades(self) -> Mapping[str, Sequence[Point]]:
        """Trades."""

    @property
    def greeks(self) -> Mapping[str, dict[str, Any]]:
        """What snapshots of options say besides their prices."""


def timeframe_name(text: str) -> str:
    """Return a timeframe in the spelling of the venue: ``1D`` is ``1Day``.

    Raises
    ------
    Refused
        422 for any other text.
    """
    match = _TIMEFRAME.match(text)
    if match is None:
        raise unprocessable(f"invalid timeframe: {text}")
    return f"{match[1]}{_UNITS.get(match[2], match[2])}"


class DataApi:
    """Answers the requests about prices; symbols without data are absent, not empty."""

    def __init__(self, tape: Prices, clock: VenueClock) -> None:
        self._tape = tape
        self._clock = clock
        self.routes: list[tuple[str, str, Route]] = []
        for base in (_STOCKS, _COINS, _OPTIONS):
            self._add(f"{base}/bars", self._bars)
            self._add(f"{base}/quotes", self._quotes)
            self._add(f"{base}/trades", self._trades)
            self._add(f"{base}/snapshots", self._snapshots)
        for base, order in (
            (_STOCKS, r"{}/latest"),
            (_OPTIONS, r"{}/latest"),
            (_COINS, r"latest/{}"),
        ):
            for kind in ("bars", "quotes", "trades"):
                self._add(f"{base}/{order.format(f'(?P<kind>{kind})')}", self._latest)
        self._add(f"{_COINS}/latest/orderbooks", self._orderbooks)
        self._add(f"{_OPTIONS}/snapshots/(?P<root>[A-Z.]+)", self._chain)

    def _add(self, path: str, act: Route) -> None:
        self.routes.append(("GET", path, act))

    def _bars(self, call: Call) -> Answer:
        frame = timeframe_name(call.query.get("timeframe", "1Min"))
        series = {symbol: self._tape.bars.get((symbol, frame), []) for symbol in _symbols(call)}
        return self._page("bars", series, call)

    def _quotes(self, call: Call) -> Answer:
        series = {symbol: self._tape.quotes.get(symbol, []) for symbol in _symbols(call)}
        return self._page("quotes", series, call)

    def _trades(self, call: Call) -> Answer:
        series = {symbol: self._tape.trades.get(symbol, []) for symbol in _symbols(call)}
        return self._page("trades", series, call)

    def _page(self, key: str, series: dict[str, Any], call: Call) -> Answer:
        """Return one page: rows by symbol then time, the limit over all symbols together."""
        query = call.query
        end = parse_instant(query["end"]) if "end" in query else self._clock.now()
        start = parse_instant(query["start"]) if "start" in query else _midnight(end)
        rows: list[tuple[str, Point]] = []
        for symbol in sorted(series):
            points: list[Point] = [p for p in series[symbol] if start <= p.time <= end]
            points.sort(key=_time_of, reverse=query.get("sort") == "desc")
            rows += [(symbol, point) for point in points]
        page, token = page_of(rows, query, _ROWS, _MAX_ROWS)
        body: dict[str, Any] = {}
        for symbol, point in page:
            body.setdefault(symbol, []).append(point.to_json())
        return Answer(body={key: body, "next_page_token": token})

    def _latest(self, call: Call) -> Answer:
        kind = call.parts["kind"]
        last: dict[str, Callable[[str], Point | None]] = {
            "bars": self._last_minute,
            "quotes": lambda symbol: _last(self._tape.quotes.get(symbol, [])),
            "trades": lambda symbol: _last(self._tape.trades.get(symbol, [])),
        }
        found = {symbol: last[kind](symbol) for symbol in _symbols(call)}
        return Answer(body={kind: {s: point.to_json() for s, point in found.items() if point}})

    def _last_minute(self, symbol: str) -> Point | None:
        return _last(self._tape.bars.get((symbol, "1Min"), []))

    def _orderbooks(self, call: Call) -> Answer:
        books = {}
        for symbol in _symbols(call):
            quote = _last(self._tape.quotes.get(symbol, []))
            if quote is not None:
                told = quote.to_json()
                books[symbol] = {
                    "t": told["t"],
                    "b": [{"p": told["bp"], "s": told["bs"]}],
                    "a": [{"p": told["ap"], "s": told["as"]}],
                }
        return Answer(body={"orderbooks": books})

    def _snapshots(self, call: Call) -> Answer:
        told = {symbol: self._snapshot(symbol) for symbol in _symbols(call)}
        told = {symbol: shot for symbol, shot in told.items() if shot}
        if "/options/" in call.request.path:
            return _page_of_snapshots(told, call)
        # The snapshots of stocks have no key above the symbols.
        return Answer(body=told if "/stocks/" in call.request.path else {"snapshots": told})

    def _snapshot(self, symbol: str) -> dict[str, Any]:
        days = self._tape.bars.get((symbol, "1Day"), [])
        parts: dict[str, Point | None] = {
            "latestTrade": _last(self._tape.trades.get(symbol, [])),
            "latestQuote": _last(self._tape.quotes.get(symbol, [])),
            "minuteBar": self._last_minute(symbol),
            "dailyBar": _last(days),
            "prevDailyBar": _last(days[:-1]),
        }
        told = {name: point.to_json() for name, point in parts.items() if point is not None}
        return told | self._tape.greeks.get(symbol, {})

    def _chain(self, call: Call) -> Answer:
        root, today = call.parts["root"].replace(".", ""), new_york(self._clock.now()).date()
        known = self._tape.quotes.keys() | self._tape.trades.keys() | self._tape.greeks.keys()
        told = {}
        for symbol in sorted(known):
            contract = parse_contract(symbol)
            if contract is None or not contract.root.startswith(root):
                continue
            if is_wanted(contract, call.query, today) and self._is_new(symbol, call.query):
                told[symbol] = self._snapshot(symbol)
        return _page_of_snapshots(told, call)

    def _is_new(self, symbol: str, query: dict[str, str]) -> bool:
        """Return whether an option changed since the instant that a query names, if it does."""
        since, tape = query.get("updated_since"), self._tape
        points = (_last(series.get(symbol, [])) for series in (tape.quotes, tape.trades))
        times = [point.time for point in points if point is not None]
        return not since or any(time >= parse_instant(since) for time in times)


def page_of(
    rows: Sequence[T], query: dict[str, str], usual: int, most: int
) -> tuple[Sequence[T], str | None]:
    """Return the rows of the page that a query asks for, and the token of the next one, if any."""
    first = int(query.get("page_token") or 0)
    after = first + min(int(query.get("limit") or usual), most)
    return rows[first:after], str(after) if after < len(rows) else None


def _page_of_snapshots(told: dict[str, Any], call: Call) -> Answer:
    page, token = page_of(list(told.items()), call.query, _SNAPSHOTS, _MAX_SNAPSHOTS)
    return Answer(body={"snapshots": dict(page), "next_page_token": token})


def _symbols(call: Call) -> Iterable[str]:
    given = call.query.get("symbols")
    if not given:
        raise unprocessable("symbols is required")
    return given.split(",")


def _last(points: Sequence[T]) -> T | None:
    return points[-1] if points else None


def _time_of(point: Point) -> datetime:
    return point.time


def _midnight(instant: datetime) -> datetime:
    day = new_york(instant).date()
    return at_new_york(day, datetime.min.time())
