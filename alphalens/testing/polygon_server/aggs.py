"""Bars: a range of one ticker, a day of the market, the previous close, a day's open and close."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from alphalens.testing.loopback.clock import VenueClock
from alphalens.testing.loopback.plain_http import Answer
from alphalens.testing.loopback.vendor import Call, Route

from .paging import Pages, limit_of
from .tape import Row, Tape, is_instant
from .times import NEW_YORK, bound_ms, day_close_ms, day_of
from .words import refuse, request_id

_MAX_BASE = 50_000
_DEFAULT_BASE = 5_000
_CLOSE_HOUR = 16
# Bars are made of these: the limit of a query counts them, not the bars of the answer.
_BASE_OF = {"second": 1, "minute": 1, "hour": 60, "day": 1, "week": 5, "month": 21}
_BASE_OF |= {"quarter": 63, "year": 252}
_PREFIXES = {"X:": "crypto", "C:": "fx", "O:": "options", "I:": "indices"}


class Aggs:
    """Answers the requests about bars.

    `status` is what a good answer says: ``OK``, or ``DELAYED`` as on a delayed plan.
    """

    def __init__(self, tape: Tape, clock: VenueClock, pages: Pages, status: str) -> None:
        self._tape = tape
        self._clock = clock
        self._pages = pages
        self._status = status
        span = "(?P<span>" + "|".join(_BASE_OF) + ")"
        self.routes: list[tuple[str, Route]] = [
            (
                rf"/v2/aggs/ticker/(?P<ticker>[^/]+)/range/(?P<mult>\d+)/{span}"
                r"/(?P<start>[^/]+)/(?P<end>[^/]+)",
                self._range,
            ),
            (r"/v2/aggs/ticker/(?P<ticker>[^/]+)/prev", self._previous),
            (
                r"/v2/aggs/grouped/locale/(?P<locale>\w+)/market/(?P<market>\w+)/(?P<day>[^/]+)",
                self._grouped,
            ),
            (r"/v1/open-close/(?P<ticker>[^/]+)/(?P<day>[^/]+)", self._open_close),
        ]

    def _range(self, call: Call) -> Answer:
        ticker, mult, span = call.parts["ticker"], int(call.parts["mult"]), call.parts["span"]
        query, after = self._pages.query(call)
        first, last = _bounds(call.parts["start"], call.parts["end"])
        given = self._tape.aggs.get((ticker, mult, span), [])
        rows = [row for row in given if _is_within(row, first, last)]
        if query.get("sort") == "desc":
            rows.reverse()
        base = mult * _BASE_OF[span]
        limit = max(limit_of(query, _DEFAULT_BASE, _MAX_BASE) // base, 1)
        page, onward = self._pages.cut(call, query, rows, after, limit)
        return self._told(ticker, self._fitted(ticker, page, query), query, base, onward)

    def _fitted(self, ticker: str, rows: list[Row], query: dict[str, str]) -> list[Row]:
        return self._tape.adjusted(ticker, rows) if _is_adjusted(query) else rows

    def _told(
        self,
        ticker: str | None,
        rows: list[Row],
        query: dict[str, str],
        base: int = 1,
        onward: dict[str, str] | None = None,
    ) -> Answer:
        body: dict[str, Any] = {} if ticker is None else {"ticker": ticker}
        body |= {
            "queryCount": len(rows) * base,
            "resultsCount": len(rows),
            "adjusted": _is_adjusted(query),
        }
        # Without rows the vendor leaves the key out.
        body |= {"results": rows} if rows else {}
        body |= {"status": self._status, "request_id": request_id(), "count": len(rows)}
        return Answer(body=body | (onward or {}))

    def _previous(self, call: Call) -> Answer:
        ticker = call.parts["ticker"]
        here = self._clock.now().astimezone(NEW_YORK)
        closed = [row for row in self._tape.days(ticker) if _has_closed(day_of(row["t"]), here)]
        rows = self._fitted(ticker, closed[-1:], call.query)
        return self._told(ticker, [_stamped_at_close(ticker, row) for row in rows], call.query)

    def _grouped(self, call: Call) -> Answer:
        market, day = call.parts["market"], _day(call.parts["day"])
        rows = []
        for ticker in self._tickers(market):
            found = [row for row in self._tape.days(ticker) if day_of(row["t"]) == day]
            fitted = self._fitted(ticker, found, call.query)
            rows += [_stamped_at_close(ticker, row) for row in fitted]
        return self._told(None, rows, call.query)

    def _tickers(self, market: str) -> Iterator[str]:
        for ticker, mult, span in self._tape.aggs:
            if (mult, span) == (1, "day") and _PREFIXES.get(ticker[:2], "stocks") == market:
                yield ticker

    def _open_close(self, call: Call) -> Answer:
        ticker, day = call.parts["ticker"], _day(call.parts["day"])
        found = [row for row in self._tape.days(ticker) if day_of(row["t"]) == day]
        if not found:
            raise refuse(404, symbol=ticker, **{"from": day.isoformat()})
        (row,) = self._fitted(ticker, found[-1:], call.query)
        names = {"open": "o", "high": "h", "low": "l", "close": "c", "volume": "v"}
        told = {name: row.get(key) for name, key in names.items()}
        told |= {"preMarket": row.get("o"), "afterHours": row.get("c")}
        head = {"status": "OK", "from": day.isoformat(), "symbol": ticker}
        return Answer(body=head | told)


def _is_adjusted(query: dict[str, str]) -> bool:
    return query.get("adjusted", "true").lower() != "false"


def _is_within(row: Row, first: int, last: int) -> bool:
    """Return whether a row is in a range; one whose time cannot be read is in every one."""
    time = row.get("t")
    return not is_instant(time) or first <= time <= last  # type: ignore[operator]  # it is an int


def _bounds(start: str, end: str) -> tuple[int, int]:
    try:
        first, last = bound_ms(start, is_end=False), bound_ms(end, is_end=True)
    except ValueError:
        raise refuse(400, f"Could not parse the time range {start!r} to {end!r}") from None
    if first > last:
        raise refuse(400, "The parameter 'to' cannot be a time that occurs before 'from'")
    return first, last


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise refuse(400, f"Could not parse the date {text!r}") from None


def _has_closed(day: date, here: datetime) -> bool:
    return day < here.date() or (day == here.date() and here.hour >= _CLOSE_HOUR)


def _stamped_at_close(ticker: str, row: Row) -> Row:
    return {"T": ticker} | row | {"t": day_close_ms(day_of(row["t"]))}
