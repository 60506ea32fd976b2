"""The chart of a symbol: /v8/finance/chart, rows adjusted for splits, actions beside them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from alphalens.testing.loopback.clock import VenueClock
from alphalens.testing.loopback.plain_http import Answer
from alphalens.testing.loopback.vendor import Call

from .listing import PRICES, Listing, Row, is_number, is_time
from .window import RANGES, bounds, interval_of, is_intraday
from .words import refuse

_COLUMNS = (*PRICES, "volume")


class Chart:
    """Answers the requests for charts."""

    def __init__(self, find: Callable[[str], Listing | None], clock: VenueClock) -> None:
        self._find = find
        self._clock = clock

    def answer(self, call: Call) -> Answer:
        """Answer one request.

        Raises
        ------
        Refused
            404 for an unknown symbol, 400 or 422 for what cannot be had.
        """
        listing = self._find(call.parts["symbol"])
        if listing is None:
            raise refuse(404)
        interval, now = interval_of(call.query), self._clock.now()
        rows = listing.bars.get(interval, [])
        start, end = bounds(call.query, listing, rows, now)
        is_wide = call.query.get("includePrePost", "false").lower() == "true"
        told = [
            _as_of(row, listing, interval, now)
            for row in rows
            if _is_within(row, start, min(end, now.timestamp() + 1))
            and (is_wide or not is_intraday(interval) or _in_session(row, listing))
        ]
        result = {"meta": _meta(listing, call.query, interval, now, told, is_wide=is_wide)}
        result |= _columns(listing, told, interval)
        events = _events(listing, start, end, call.query.get("events", ""))
        result |= {"events": events} if events else {}
        return Answer(body={"chart": {"result": [result], "error": None}})


def _is_within(row: Row, start: float, end: float) -> bool:
    """Return whether a row is in a chart; one whose time cannot be read is in every one."""
    time = row.get("timestamp")
    return not is_time(time) or start <= time < end  # type: ignore[operator]  # it is an int


def _in_session(row: Row, listing: Listing) -> bool:
    time = row.get("timestamp")
    if not is_time(time):
        return True
    regular = listing.periods(listing.day(row["timestamp"]))["regular"]
    return bool(regular["start"] <= row["timestamp"] < regular["end"])


def _as_of(row: Row, listing: Listing, interval: str, now: datetime) -> Row:
    """Return a row as shown; while a session runs its daily row bears the present time."""
    shown = listing.shown(row)
    if interval != "1d" or not is_time(row.get("timestamp")):
        return shown
    day, present = listing.day(row["timestamp"]), int(now.timestamp())
    is_running = listing.day(present) == day and present < listing.close_s(day)
    return shown | {"timestamp": present} if is_running else shown


def _columns(listing: Listing, rows: list[Row], interval: str) -> dict[str, Any]:
    indicators: dict[str, Any] = {"quote": [{}], "adjclose": [{}]}
    if rows:
        indicators["quote"] = [{name: [row.get(name) for row in rows] for name in _COLUMNS}]
        indicators["adjclose"] = [{"adjclose": _adjusted(listing, rows)}]
    if is_intraday(interval):
        del indicators["adjclose"]
    times = {"timestamp": [row["timestamp"] for row in rows]} if rows else {}
    return times | {"indicators": indicators}


def _adjusted(listing: Listing, rows: list[Row]) -> list[Any]:
    factors = listing.dividend_factors()
    told = []
    for row in rows:
        close: Any = row.get("close")
        if "adjclose" in row or not is_time(row.get("timestamp")) or not is_number(close):
            told.append(row.get("adjclose", close))
            continue
        day = listing.day(row["timestamp"])
        for ex_day, factor in factors.items():
            close *= factor if day < ex_day else 1
        told.append(close)
    return told


def _events(listing: Listing, start: float, end: float, wanted: str) -> dict[str, Any]:
    dividends: dict[str, Row] = {}
    splits: dict[str, Row] = {}
    for day, amount in listing.dividends.items():
        when = listing.open_s(day)
        dividends[str(when)] = {"amount": amount / listing.split_factor(day), "date": when}
    for day, (to, of) in listing.splits.items():
        when = listing.open_s(day)
        ratio = {"numerator": to, "denominator": of, "splitRatio": f"{to:g}:{of:g}"}
        splits[str(when)] = {"date": when} | ratio
    told = {"dividends": dividends, "splits": splits}
    asked = {"dividends": "div" in wanted, "splits": "split" in wanted}
    found = {
        name: {key: event for key, event in events.items() if start <= event["date"] < end}
        for name, events in told.items()
        if asked[name]
    }
    return {name: events for name, events in found.items() if events}


def _meta(
    listing: Listing,
    query: dict[str, str],
    interval: str,
    now: datetime,
    rows: list[Row],
    *,
    is_wide: bool,
) -> Row:
    days = [row for row in listing.bars.get("1d", []) if is_time(row.get("timestamp"))]
    seconds = int(now.timestamp())
    today = listing.day(seconds)
    meta = {
        "currency": listing.currency,
        "symbol": listing.symbol,
        "exchangeName": "NMS",
        "instrumentType": listing.instrument,
        "firstTradeDate": days[0]["timestamp"] if days else None,
        "regularMarketTime": min(seconds, listing.close_s(listing.day(days[-1]["timestamp"])))
        if days
        else None,
        "hasPrePostMarketData": True,
        "gmtoffset": listing.offset_s(seconds),
        "timezone": listing.periods(today)["regular"]["timezone"],
        "exchangeTimezoneName": listing.zone,
        "regularMarketPrice": days[-1].get("close") if days else None,
        "priceHint": 2,
        "currentTradingPeriod": listing.periods(today),
        "dataGranularity": interval,
        "range": query.get("range", ""),
        "validRanges": list(RANGES),
    }
    return meta | (_trading(listing, rows, is_wide=is_wide) if is_intraday(interval) else {})


def _trading(listing: Listing, rows: list[Row], *, is_wide: bool) -> Row:
    """Return when there was trading on each day of an intraday chart."""
    times = [row["timestamp"] for row in rows if is_time(row.get("timestamp"))]
    days = [listing.periods(day) for day in sorted({listing.day(time) for time in times})]
    if is_wide:
        named = {name: [[day[name]] for day in days] for name in ("pre", "regular", "post")}
        return {"tradingPeriods": named}
    return {"tradingPeriods": [[day["regular"]] for day in days]}
