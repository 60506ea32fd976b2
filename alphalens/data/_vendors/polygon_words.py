"""How Polygon writes quotes, snapshots, corporate actions and news."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from alphalens.assets import AssetClass
from alphalens.assets.calendars import Session
from alphalens.assets.symbols import Vendor, from_vendor
from alphalens.data._vendors.cells import plain_text
from alphalens.data._vendors.latest import last_bar
from alphalens.data._vendors.reading import Unfit
from alphalens.data._vendors.words import (
    contract_of,
    day,
    figure,
    local_session,
    member,
    moment,
    sound,
)
from alphalens.data.port import CorporateAction, LastBar, NewsItem, OptionSnapshot, Snapshot
from alphalens.data.reasons import Reason
from alphalens.errors import InputError
from alphalens.net.exact_json import decimal, instant, mapping
from alphalens.net.failures import Unreadable
from alphalens.trading.market import Quote

__all__ = [
    "coming_sessions",
    "day_row",
    "dividend_from",
    "holidays_from",
    "minute_row",
    "news_from",
    "option_state_from",
    "snapshot_from",
    "split_from",
    "state_from",
    "symbol_of",
]

Row = Mapping[str, Any]  # Any: the values of JSON
_CLASSES = {"O:": AssetClass.OPTION, "X:": AssetClass.CRYPTO}
_NEW_YORK = ZoneInfo("America/New_York")  # in whose midnight a daily bar begins
_PRICES = ("o", "h", "l", "c")
_NAMES = ("open", "high", "low", "close")
_MILLISECOND = 1000
_EXCHANGE = "NYSE"  # whose holidays ours are; the others on the list are told beside it
_SATURDAY = 5


def symbol_of(ticker: object) -> str:
    """Return the canonical symbol of a ticker; one that has none stays as it is.

    Raises
    ------
    Unreadable
        If it is no text.

    Examples
    --------
    >>> symbol_of("X:BTCUSD"), symbol_of("BACpK"), symbol_of("I:SPX")
    ('BTC/USD', 'BAC.PRK', 'I:SPX')
    """
    if not isinstance(ticker, str) or not ticker:
        raise Unreadable(f"ticker should be a text, got {ticker!r}")
    try:
        kind = _CLASSES.get(ticker[:2], AssetClass.EQUITY)
        return from_vendor(ticker, Vendor.POLYGON, kind)
    except InputError:
        return ticker


def split_from(row: Row, *, seen_at: datetime, source: str) -> CorporateAction:
    """Return a split.

    Raises
    ------
    Unreadable
        If a part is missing or is not what it should be.

    Examples
    --------
    >>> from datetime import UTC
    >>> row = {"ticker": "AAPL", "split_from": 1, "split_to": 4, "execution_date": "2020-08-31"}
    >>> split_from(row, seen_at=datetime(2020, 9, 1, tzinfo=UTC), source="polygon").ratio
    Decimal('4')
    """
    old = decimal(row.get("split_from"), "split_from")
    if old <= 0:
        raise Unreadable(f"split_from should be above 0, got {old}")
    action = CorporateAction(
        symbol=symbol_of(row.get("ticker")),
        kind="split",
        ex_date=day(row, "execution_date"),
        ratio=decimal(row.get("split_to"), "split_to") / old,
        seen_at=seen_at,
        source=source,
    )
    return sound(action)


def dividend_from(row: Row, *, seen_at: datetime, source: str) -> CorporateAction:
    """Return a dividend.

    Raises
    ------
    Unreadable
        If a part is missing or is not what it should be.
    """
    currency = row.get("currency")
    action = CorporateAction(
        symbol=symbol_of(row.get("ticker")),
        kind="dividend",
        ex_date=day(row, "ex_dividend_date"),
        cash=decimal(row.get("cash_amount"), "cash_amount"),
        currency=currency if isinstance(currency, str) else "USD",
        seen_at=seen_at,
        source=source,
    )
    return sound(action)


def holidays_from(told: Sequence[Row]) -> Mapping[date, Session | None]:
    """Return the coming days on which the exchange is closed, None, or closes early.

    Raises
    ------
    Unreadable
        If a part is missing or is not what it should be.

    Examples
    --------
    >>> row = {"date": "2026-12-25", "exchange": "NYSE", "status": "closed"}
    >>> holidays_from([row, {"date": "2026-12-25", "exchange": "OTC", "status": "closed"}])
    {datetime.date(2026, 12, 25): None}
    """
    own = [row for row in told if row.get("exchange") == _EXCHANGE]
    return {day(row, "date"): _holiday(row) for row in own}


def _holiday(row: Row) -> Session | None:
    status = row.get("status")
    if status == "closed":
        return None
    if status != "early-close":
        raise Unreadable(f"status should be closed or early-close, got {status!r:.40}")
    hours = (instant(row.get(key), key).astimezone(_NEW_YORK) for key in ("open", "close"))
    return local_session(day(row, "date"), *(hour.time() for hour in hours))


def coming_sessions(
    holidays: Mapping[date, Session | None], first: date, last: date
) -> Iterator[Session]:
    """Give the sessions of the weekdays from `first` to `last` that are no holidays."""
    for number in range((last - first).days + 1):
        today = first + timedelta(days=number)
        session = holidays[today] if today in holidays else local_session(today)
        if today.weekday() < _SATURDAY and session is not None:
            yield session


def state_from(symbol: str, row: Row) -> Snapshot:
    """Return what is known now of a share or a coin.

    Parts that Polygon fills with zeros, because nothing happened yet, are None; so are a quote
    and a trade that the plan leaves out.

    Raises
    ------
    Unreadable
        If a part is there and is not what it should be.

    Examples
    --------
    >>> day = {"o": 1, "h": 2, "l": 1, "c": 2, "v": 7}
    >>> quote = {"p": 1, "P": 2, "t": 1704205800000000000}
    >>> told = state_from("AAPL", {"day": day, "prevDay": {"c": 0}, "lastQuote": quote})
    >>> told.day.close, told.previous, told.quote.mid
    (2.0, None, Decimal('1.5'))
    """
    trade = _filled(row, "lastTrade", "t")
    return Snapshot(
        symbol=symbol,
        quote=_quote(symbol, _filled(row, "lastQuote", "t"), bid="p", ask="P", at="t"),
        last=decimal(trade.get("p"), "p") if trade else None,
        last_at=_instant(trade, "t") if trade else None,
        minute=last_bar(minute_row(row), "min"),
        day=_bar(row, "day"),
        previous=_bar(row, "prevDay"),
    )


def option_state_from(symbol: str, row: Row) -> Snapshot:
    """Return what is known now of an option, of which no bar of a minute is told.

    Raises
    ------
    Unreadable
        If a part is there and is not what it should be.
    """
    trade, session = _filled(row, "last_trade", "sip_timestamp"), member(row, "session")
    quote = _filled(row, "last_quote", "last_updated")
    figures = {name: figure(session, name) for name in (*_NAMES, "volume", "vwap")}
    return Snapshot(
        symbol=symbol,
        quote=_quote(symbol, quote, bid="bid", ask="ask", at="last_updated"),
        last=decimal(trade.get("price"), "price") if trade else None,
        last_at=_instant(trade, "sip_timestamp") if trade else None,
        day=LastBar(at=None, **figures) if any(session.get(name) for name in _NAMES) else None,
    )


def minute_row(row: Row) -> Row | None:
    """Return the last bar of a minute as a row of bars; None if there is none.

    Raises
    ------
    Unreadable
        If it is there and is no object.
    """
    return _filled(row, "min", "t") or None


def day_row(row: Row) -> Row | None:
    """Return the bar of the present session as a row of bars; None if there is none.

    Polygon does not tell which day it is of. It is the day, in New York, of the last minute that
    was traded, or else of the last trade.

    Raises
    ------
    Unreadable
        If nothing tells the day, or a part is not what it should be.
    """
    bar = member(row, "day")
    if not any(bar.get(name) for name in _PRICES):
        return None
    at = moment(_filled(row, "min", "t"), "t") or moment(_filled(row, "lastTrade", "t"), "t")
    if at is None:
        raise Unreadable(f"the day of {row.get('ticker')!r} cannot be told: no minute, no trade")
    midnight = datetime.combine(at.astimezone(_NEW_YORK).date(), time(), tzinfo=_NEW_YORK)
    return {"t": int(midnight.timestamp()) * _MILLISECOND, **bar}


def _filled(row: Row, key: str, instant_key: str) -> Row:
    """Return a part of a snapshot, empty where it is not there or its instant is 0."""
    part = member(row, key)
    return {} if part.get(instant_key) == 0 else part


def _bar(row: Row, key: str) -> LastBar | None:
    bar = member(row, key)
    return last_bar(bar, key) if any(bar.get(name) for name in _PRICES) else None


def _quote(symbol: str, row: Row, *, bid: str, ask: str, at: str) -> Quote | None:
    if not row:
        return None
    return Quote(
        symbol=symbol,
        at=_instant(row, at),
        bid=decimal(row.get(bid), bid),
        ask=decimal(row.get(ask), ask),
    )


def _instant(row: Row, key: str) -> datetime:
    at = moment(row, key)
    if at is None:
        raise Unreadable(f"{key} should be an instant, and is missing")
    return at


def snapshot_from(underlying: str, row: Row, *, received_at: datetime) -> OptionSnapshot:
    """Return the state of an option.

    Raises
    ------
    Unreadable
        If a part is not what it should be, or the option is on something else.
    """
    share = member(row, "underlying_asset")
    if share.get("ticker") is not None and symbol_of(share["ticker"]) != underlying:
        raise Unfit(Reason.WRONG_SYMBOL, f"option on {share['ticker']!r}, asked for {underlying}")
    ticker = mapping(row.get("details"), "details").get("ticker")
    quote, trade, greeks = (member(row, key) for key in ("last_quote", "last_trade", "greeks"))
    return OptionSnapshot(
        symbol=contract_of(symbol_of(ticker), underlying),
        underlying=underlying,
        at=moment(quote, "last_updated") or moment(trade, "sip_timestamp") or received_at,
        bid=figure(quote, "bid"),
        ask=figure(quote, "ask"),
        last=figure(trade, "price"),
        underlying_price=figure(share, "price"),
        volume=figure(member(row, "day"), "volume"),
        open_interest=figure(row, "open_interest"),
        implied_volatility=figure(row, "implied_volatility"),
        **{name: figure(greeks, name) for name in ("delta", "gamma", "theta", "vega")},
    )


def news_from(row: Row) -> NewsItem:
    """Return a piece of news.

    Raises
    ------
    Unreadable
        If it has no id or no instant.
    """
    key, named = plain_text(row.get("id")), row.get("tickers")
    if not key:
        raise Unreadable(f"id should be a text, got {row.get('id')!r}")
    return NewsItem(
        key=key,
        at=instant(row.get("published_utc"), "published_utc"),
        headline=plain_text(row.get("title")),
        summary=plain_text(row.get("description")),
        url=plain_text(row.get("article_url")),
        source=plain_text(member(row, "publisher").get("name")),
        symbols=tuple(symbol_of(ticker) for ticker in named) if isinstance(named, list) else (),
    )
