"""How Polygon writes corporate actions, option snapshots and news."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from alphalens.assets import AssetClass
from alphalens.assets.symbols import Vendor, from_vendor
from alphalens.data.cells import plain_text
from alphalens.data.port import CorporateAction, NewsItem, OptionSnapshot
from alphalens.data.reading import Unfit
from alphalens.data.reasons import Reason
from alphalens.data.words import contract_of, day, figure, member, moment
from alphalens.errors import InputError
from alphalens.net.exact_json import decimal, instant, mapping
from alphalens.net.failures import Unreadable
from alphalens.trading.market import Quote

__all__ = ["dividend_from", "news_from", "quote_from", "snapshot_from", "split_from", "symbol_of"]

Row = Mapping[str, Any]  # Any: the values of JSON
_CLASSES = {"O:": AssetClass.OPTION, "X:": AssetClass.CRYPTO}


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
    return CorporateAction(
        symbol=symbol_of(row.get("ticker")),
        kind="split",
        ex_date=day(row, "execution_date"),
        ratio=decimal(row.get("split_to"), "split_to") / old,
        seen_at=seen_at,
        source=source,
    )


def dividend_from(row: Row, *, seen_at: datetime, source: str) -> CorporateAction:
    """Return a dividend.

    Raises
    ------
    Unreadable
        If a part is missing or is not what it should be.
    """
    currency = row.get("currency")
    return CorporateAction(
        symbol=symbol_of(row.get("ticker")),
        kind="dividend",
        ex_date=day(row, "ex_dividend_date"),
        cash=decimal(row.get("cash_amount"), "cash_amount"),
        currency=currency if isinstance(currency, str) else "USD",
        seen_at=seen_at,
        source=source,
    )


def quote_from(symbol: str, row: Row) -> Quote:
    """Return a quote; the instant is the consolidated tape's, or else the exchange's.

    Raises
    ------
    Unreadable
        If a side or the instant is missing.
    """
    at = moment(row, "sip_timestamp") or moment(row, "participant_timestamp")
    if at is None:
        raise Unreadable(f"the quote of {symbol} has no sip_timestamp")
    return Quote(
        symbol=symbol,
        at=at,
        bid=decimal(row.get("bid_price"), "bid_price"),
        ask=decimal(row.get("ask_price"), "ask_price"),
    )


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
