"""Which part of a chart is asked for: a range by name, or two instants; and what is too much."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from .listing import Listing, Row, is_time
from .words import refuse

RANGES = ("1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max")
INTERVALS = (
    "1m", "2m", "5m", "15m", "30m", "60m", "90m", "1h", "4h", "1d", "5d", "1wk", "1mo", "3mo",
)  # fmt: skip
_INTRADAY = re.compile(r"^\d+[mh]$")
_DAY_S = 86_400
_KEPT_DAYS = {"1m": 30, "2m": 60, "5m": 60, "15m": 60, "30m": 60, "90m": 60}
_KEPT_DAYS |= {"60m": 730, "1h": 730, "4h": 730}
_DAYS_AT_ONCE = {"1m": 8}
_MONTHS = {"1mo": 1, "3mo": 3, "6mo": 6, "1y": 12, "2y": 24, "5y": 60, "10y": 120}


def is_intraday(interval: str) -> bool:
    """Return whether bars of an interval are shorter than a day."""
    return _INTRADAY.match(interval) is not None


def interval_of(query: dict[str, str]) -> str:
    """Return the interval of a query.

    Raises
    ------
    Refused
        422 for one that is not offered.
    """
    interval = query.get("interval", "1d")
    if interval not in INTERVALS:
        valid = ", ".join(INTERVALS)
        text = f"Invalid input - interval={interval} is not supported. Valid intervals: [{valid}]"
        raise refuse(422, text)
    return interval


def bounds(
    query: dict[str, str], listing: Listing, rows: list[Row], now: datetime
) -> tuple[float, float]:
    """Return the first instant of a chart and the one before which it ends, in seconds.

    Raises
    ------
    Refused
        400 or 422 for what cannot be understood or is not kept.
    """
    if "period1" not in query:
        return _range(query.get("range", "1d"), listing, rows, now)
    try:
        start, end = float(query["period1"]), float(query.get("period2", now.timestamp()))
    except ValueError:
        raise refuse(422, "Invalid input - period1 and period2 must be numbers") from None
    if start > end:
        text = f"Invalid input - start date cannot be after end date. {_between(start, end)}"
        raise refuse(400, text)
    _check_kept(interval_of(query), start, end, now)
    times = [row["timestamp"] for row in rows if is_time(row.get("timestamp"))]
    if not times or end <= min(times):
        raise refuse(400, f"Data doesn't exist for {_between(start, end, ', ')}")
    return start, end


def _between(start: float, end: float, comma: str = " ") -> str:
    return f"startDate = {start:.0f}{comma}endDate = {end:.0f}"


def _check_kept(interval: str, start: float, end: float, now: datetime) -> None:
    at_once, kept = _DAYS_AT_ONCE.get(interval), _KEPT_DAYS.get(interval)
    refused = f"{interval} data not available for startTime={start:.0f} and endTime={end:.0f}."
    if at_once is not None and end - start > at_once * _DAY_S:
        limit = f"Only {at_once} days worth of {interval} granularity data"
        raise refuse(422, f"{refused} {limit} are allowed to be fetched per request.")
    if kept is not None and start < now.timestamp() - kept * _DAY_S:
        raise refuse(422, f"{refused} The requested range must be within the last {kept} days.")


def _range(name: str, listing: Listing, rows: list[Row], now: datetime) -> tuple[float, float]:
    if name not in RANGES:
        text = f"Invalid input - range={name} is not supported. Valid ranges: [{', '.join(RANGES)}]"
        raise refuse(422, text)
    end = now.timestamp() + 1
    if name == "max":
        return datetime(1900, 1, 1, tzinfo=UTC).timestamp(), end
    today = now.astimezone(ZoneInfo(listing.zone)).date()
    if name in ("1d", "5d"):
        times = [row["timestamp"] for row in rows if is_time(row.get("timestamp"))]
        days = sorted({listing.day(time) for time in times if time <= now.timestamp()})
        wanted = days[-int(name[0]) :]
        return _midnight(wanted[0] if wanted else today, listing), end
    first = date(today.year, 1, 1) if name == "ytd" else _months_before(today, _MONTHS[name])
    return _midnight(first, listing), end


def _midnight(day: date, listing: Listing) -> float:
    return datetime.combine(day, datetime.min.time(), tzinfo=ZoneInfo(listing.zone)).timestamp()


def _months_before(day: date, months: int) -> date:
    count = day.year * 12 + day.month - 1 - months
    first = date(count // 12, count % 12 + 1, 1)
    following = (first + timedelta(days=31)).replace(day=1)
    return min(first + timedelta(days=day.day - 1), following - timedelta(days=1))
