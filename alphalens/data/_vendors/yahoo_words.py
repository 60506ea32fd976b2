"""How Yahoo writes charts and options: columns side by side, null where nothing is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from alphalens.data._vendors.reading import Keys, Unfit
from alphalens.data._vendors.words import contract_of, figure, member, moment
from alphalens.data.port import CorporateAction, OptionSnapshot
from alphalens.data.reasons import Reason
from alphalens.net.exact_json import decimal, mapping, rows
from alphalens.net.failures import Unreadable

__all__ = ["KEYS", "Chart", "Event", "actions_from", "chart_from", "expirations_of", "options_from"]

Row = Mapping[str, Any]  # Any: the values of JSON

#: Under which names the rows of a chart have the parts of a bar.
KEYS = Keys(
    time="timestamp",
    open="open",
    high="high",
    low="low",
    close="close",
    volume="volume",
    vwap="vwap",
    trades="trades",
)

_CURRENCY = "USD"
_COLUMNS = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A split (`value`: new units for an old one) or a dividend (`value`: cash), and its day."""

    day: date
    value: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart as it was told.

    Attributes
    ----------
    zone : str
        Time zone of the exchange.
    rows : sequence of dict
        ``timestamp open high low close volume``, and ``adjclose`` where there is one.
    splits, dividends : tuple of Event
        Those within the span of the chart, oldest first.
    """

    zone: str
    rows: Sequence[dict[str, Any]]
    splits: tuple[Event, ...]
    dividends: tuple[Event, ...]


def chart_from(body: object, *, ticker: str, interval: str) -> Chart:
    """Return a chart, if it is the one that was asked for.

    Raises
    ------
    Unfit
        If it is of another symbol, currency or interval, or its columns differ in length.
    Unreadable
        If a part is not what it should be.

    Examples
    --------
    >>> meta = {"symbol": "A", "currency": "USD", "dataGranularity": "1d",
    ...         "exchangeTimezoneName": "America/New_York"}
    >>> quote = {name: [1.0] for name in ("open", "high", "low", "close", "volume")}
    >>> result = {"meta": meta, "timestamp": [1704205800], "indicators": {"quote": [quote]}}
    >>> chart_from({"chart": {"result": [result]}}, ticker="A", interval="1d").rows[0]["close"]
    1.0
    """
    told = mapping(mapping(body, "the answer").get("chart"), "chart")
    results = rows(told.get("result"), "result")
    if len(results) != 1:
        raise Unfit(Reason.SCHEMA_DRIFT, f"one result is due, {len(results)} came")
    meta = mapping(results[0].get("meta"), "meta")
    _check(meta, ticker, interval)
    zone = _zone(meta)
    events = member(results[0], "events")
    return Chart(
        zone=zone,
        rows=_rows(results[0]),
        splits=_events(events, "splits", zone),
        dividends=_events(events, "dividends", zone),
    )


def actions_from(
    symbol: str, chart: Chart, *, seen_at: datetime, source: str
) -> tuple[CorporateAction, ...]:
    """Return the actions of a chart that reaches to the present; cash is as it was paid.

    Yahoo divides a dividend by the splits after it, which is undone here.
    """

    def action(kind: str, day: date, ratio: Decimal, cash: Decimal) -> CorporateAction:
        return CorporateAction(
            symbol=symbol,
            kind=kind,
            ex_date=day,
            seen_at=seen_at,
            source=source,
            ratio=ratio,
            cash=cash,
        )

    one, nothing = Decimal(1), Decimal(0)
    splits = [action("split", split.day, split.value, nothing) for split in chart.splits]
    dividends = [
        action("dividend", paid.day, one, _as_paid(paid, chart.splits)) for paid in chart.dividends
    ]
    return (*splits, *dividends)


def expirations_of(body: object, ticker: str) -> tuple[int, ...]:
    """Return the expirations that a page of options names, in seconds since 1970.

    Raises
    ------
    Unfit
        If it is about another symbol, or Yahoo does not know the symbol.
    Unreadable
        If a part is not what it should be.
    """
    dates = _chain(body, ticker).get("expirationDates")
    if not isinstance(dates, list) or not all(type(at) is int for at in dates):
        raise Unreadable(f"expirationDates should be a list of seconds, got {dates!r:.60}")
    return tuple(dates)


def options_from(
    body: object, ticker: str, underlying: str, *, expiration: int, received_at: datetime
) -> tuple[OptionSnapshot, ...]:
    """Return the options of one expiration, calls first.

    Raises
    ------
    Unfit
        If the page is of another symbol or expiration, or in another currency.
    Unreadable
        If a part is not what it should be.
    """
    chain = _chain(body, ticker)
    price = figure(member(chain, "quote"), "regularMarketPrice")
    pages = rows(chain.get("options"), "options")
    if len(pages) != 1 or pages[0].get("expirationDate") != expiration:
        named = [page.get("expirationDate") for page in pages]
        raise Unfit(Reason.TRUNCATED, f"options of {expiration} were asked for, {named} came")
    return tuple(
        _option(row, underlying, price, received_at)
        for side in ("calls", "puts")
        for row in rows(pages[0].get(side), side)
    )


def _check(meta: Row, ticker: str, interval: str) -> None:
    for key, due, reason in (
        ("symbol", ticker, Reason.WRONG_SYMBOL),
        ("currency", _CURRENCY, Reason.WRONG_CURRENCY),
        ("dataGranularity", interval, Reason.SCHEMA_DRIFT),
    ):
        if meta.get(key) != due:
            raise Unfit(reason, f"{key} is {meta.get(key)!r}, and {due!r} is due")


def _zone(meta: Row) -> str:
    name = meta.get("exchangeTimezoneName")
    try:
        return ZoneInfo(name if isinstance(name, str) and name else "?").key
    except (ZoneInfoNotFoundError, ValueError):
        raise Unreadable(f"exchangeTimezoneName should be a time zone, got {name!r}") from None


def _rows(result: Row) -> list[dict[str, Any]]:
    """Return the columns as rows, null cells and all."""
    indicators = mapping(result.get("indicators"), "indicators")
    quote = _only(indicators, "quote")
    times = result.get("timestamp")
    if times is None:
        if any(quote.values()):
            raise Unfit(Reason.TRUNCATED, "there are prices, and no timestamps")
        return []
    columns = {"timestamp": times} | {name: quote.get(name) for name in _COLUMNS}
    if indicators.get("adjclose") is not None:
        columns["adjclose"] = _only(indicators, "adjclose").get("adjclose")
    for name, column in columns.items():
        if not isinstance(column, list):
            raise Unfit(Reason.SCHEMA_DRIFT, f"{name} should be a list, got {column!r:.60}")
        if len(column) != len(times):
            raise Unfit(
                Reason.TRUNCATED, f"{name} has {len(column)} rows, and timestamp {len(times)}"
            )
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def _only(indicators: Row, name: str) -> Row:
    """Return the one object in a list of indicators."""
    found = rows(indicators.get(name), name)
    if len(found) != 1:
        raise Unreadable(f"{name} should be a list of one object, got {len(found)}")
    return found[0]


def _events(events: Row, kind: str, zone: str) -> tuple[Event, ...]:
    told = [mapping(event, f"each of {kind}") for event in member(events, kind).values()]
    value = _ratio if kind == "splits" else _amount
    found = [Event(day=_day(event, zone), value=value(event)) for event in told]
    return tuple(sorted(found, key=lambda event: event.day))


def _day(event: Row, zone: str) -> date:
    at = event.get("date")
    if type(at) is not int:
        raise Unreadable(f"the date of an event should be seconds, got {at!r}")
    return datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(zone)).date()


def _ratio(event: Row) -> Decimal:
    new, old = (_number(event, name) for name in ("numerator", "denominator"))
    if new <= 0 or old <= 0:
        raise Unreadable(f"a split of {new} for {old} is none")
    return new / old


def _amount(event: Row) -> Decimal:
    cash = _number(event, "amount")
    if cash < 0:
        raise Unreadable(f"a dividend of {cash} is none")
    return cash


def _number(event: Row, name: str) -> Decimal:
    value = event.get(name)
    return decimal(repr(value) if isinstance(value, float) else value, name)


def _as_paid(dividend: Event, splits: Sequence[Event]) -> Decimal:
    cash = dividend.value
    for split in splits:
        cash *= split.value if split.day > dividend.day else 1
    return cash


def _chain(body: object, ticker: str) -> Row:
    told = mapping(mapping(body, "the answer").get("optionChain"), "optionChain")
    results = rows(told.get("result"), "result")
    if len(results) != 1:
        raise Unfit(Reason.EMPTY, f"Yahoo knows no {ticker}: {len(results)} results came")
    if results[0].get("underlyingSymbol") != ticker:
        other = results[0].get("underlyingSymbol")
        raise Unfit(Reason.WRONG_SYMBOL, f"options on {other!r} came, {ticker} was asked for")
    return results[0]


def _option(row: Row, underlying: str, price: float, received_at: datetime) -> OptionSnapshot:
    if row.get("currency", _CURRENCY) != _CURRENCY:
        raise Unfit(Reason.WRONG_CURRENCY, f"currency is {row['currency']!r}, not {_CURRENCY}")
    told = row.get("contractSymbol")
    if not isinstance(told, str):
        raise Unreadable(f"contractSymbol should be a text, got {told!r}")
    return OptionSnapshot(
        symbol=contract_of(told, underlying),
        underlying=underlying,
        at=moment(row, "lastTradeDate") or received_at,
        bid=figure(row, "bid"),
        ask=figure(row, "ask"),
        last=figure(row, "lastPrice"),
        underlying_price=price,
        volume=figure(row, "volume"),
        open_interest=figure(row, "openInterest"),
        implied_volatility=figure(row, "impliedVolatility"),
        **dict.fromkeys(("delta", "gamma", "theta", "vega"), float("nan")),
    )
