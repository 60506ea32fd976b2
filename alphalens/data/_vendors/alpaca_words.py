"""How Alpaca writes quotes, snapshots, corporate actions and news."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, time
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from alphalens.assets.calendars import Session
from alphalens.data._vendors.cells import plain_text
from alphalens.data._vendors.latest import last_bar
from alphalens.data._vendors.words import day, figure, local_session, member, moment, sound
from alphalens.data.alpaca_symbols import symbol_from
from alphalens.data.port import CorporateAction, NewsItem, OptionSnapshot, Snapshot
from alphalens.net.exact_json import decimal, instant
from alphalens.net.failures import Unreadable
from alphalens.trading.market import Quote

__all__ = [
    "ACTION_TYPES",
    "action_from",
    "news_from",
    "quote_from",
    "session_from",
    "snapshot_from",
    "state_from",
]

Row = Mapping[str, Any]  # Any: the values of JSON


def action_from(group: str, row: Row, *, seen_at: datetime, source: str) -> CorporateAction:
    """Return one corporate action.

    Parameters
    ----------
    group : str
        Under which name it stood, one of `ACTION_TYPES` and an ``s``.
    row : Mapping
        The action.
    seen_at, source : datetime, str
        When it was told, and by whom.

    Raises
    ------
    Unreadable
        If a part is missing or is not what it should be.

    Examples
    --------
    >>> from datetime import UTC
    >>> row = {"symbol": "NVDA", "new_rate": 10, "old_rate": 1, "ex_date": "2024-06-10"}
    >>> split = action_from(
    ...     "forward_splits", row, seen_at=datetime(2024, 6, 11, tzinfo=UTC), source="alpaca"
    ... )
    >>> split.kind, split.ratio, split.ex_date.isoformat()
    ('split', Decimal('10'), '2024-06-10')
    """
    if group not in _GROUPS:
        raise Unreadable(f"{group!r} is none of the kinds that were asked for")
    return sound(CorporateAction(seen_at=seen_at, source=source, **_GROUPS[group](row)))


def quote_from(symbol: str, row: Row) -> Quote:
    """Return a quote.

    Raises
    ------
    Unreadable
        If a side or the instant is missing.
    """
    return Quote(
        symbol=symbol,
        at=instant(row.get("t"), "t"),
        bid=decimal(row.get("bp"), "bp"),
        ask=decimal(row.get("ap"), "ap"),
    )


def state_from(symbol: str, row: Row) -> Snapshot:
    """Return what is known now of a share, a coin or an option.

    Raises
    ------
    Unreadable
        If a part is there and is not what it should be.

    Examples
    --------
    >>> row = {"latestTrade": {"t": "2026-03-02T15:00:00Z", "p": "187.5"}, "dailyBar": None}
    >>> told = state_from("AAPL", row)
    >>> told.last, told.last_at.isoformat(), told.day
    (Decimal('187.5'), '2026-03-02T15:00:00+00:00', None)
    """
    quote, trade = member(row, "latestQuote"), member(row, "latestTrade")
    return Snapshot(
        symbol=symbol,
        quote=quote_from(symbol, quote) if quote else None,
        last=decimal(trade.get("p"), "p") if trade else None,
        last_at=instant(trade.get("t"), "t") if trade else None,
        minute=last_bar(row.get("minuteBar"), "minuteBar"),
        day=last_bar(row.get("dailyBar"), "dailyBar"),
        previous=last_bar(row.get("prevDailyBar"), "prevDailyBar"),
    )


def snapshot_from(
    symbol: str, underlying: str, row: Row, *, received_at: datetime
) -> OptionSnapshot:
    """Return the state of an option; what Alpaca does not tell, such as open interest, is NaN.

    Raises
    ------
    Unreadable
        If a part is not what it should be.
    """
    quote, trade = member(row, "latestQuote"), member(row, "latestTrade")
    greeks, today = member(row, "greeks"), member(row, "dailyBar")
    return OptionSnapshot(
        symbol=symbol,
        underlying=underlying,
        at=moment(quote, "t") or moment(trade, "t") or received_at,
        bid=figure(quote, "bp"),
        ask=figure(quote, "ap"),
        last=figure(trade, "p"),
        underlying_price=figure({}, "price"),
        volume=figure(today, "v"),
        open_interest=figure(row, "openInterest"),
        implied_volatility=figure(row, "impliedVolatility"),
        **{name: figure(greeks, name) for name in ("delta", "gamma", "theta", "vega")},
    )


def news_from(row: Row) -> NewsItem:
    """Return a piece of news.

    Raises
    ------
    Unreadable
        If it has no id or no instant.
    """
    named = row.get("symbols")
    return NewsItem(
        key=str(decimal(row.get("id"), "id")),
        at=instant(row.get("created_at"), "created_at"),
        headline=plain_text(row.get("headline")),
        summary=plain_text(row.get("summary")),
        url=plain_text(row.get("url")),
        source=plain_text(row.get("source")),
        symbols=tuple(symbol_from(s) for s in named) if isinstance(named, list) else (),
    )


def session_from(row: Row) -> Session:
    """Return a day of the calendar, whose hours are told by the clock of New York.

    Raises
    ------
    Unreadable
        If a part is missing or is not what it should be.

    Examples
    --------
    >>> session_from({"date": "2026-07-02", "open": "09:30", "close": "16:00"}).open.isoformat()
    '2026-07-02T13:30:00+00:00'
    """
    return local_session(day(row, "date"), _hour(row, "open"), _hour(row, "close"))


def _hour(row: Row, key: str) -> time:
    value = row.get(key)
    try:
        return time.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise Unreadable(f"{key} should be a time like 09:30, got {value!r:.40}") from None


def _split(row: Row) -> dict[str, Any]:
    return {
        "symbol": symbol_from(row.get("symbol")),
        "kind": "split",
        "ex_date": day(row, "ex_date"),
        "ratio": _ratio(row, "new_rate", "old_rate"),
    }


def _stock_dividend(row: Row) -> dict[str, Any]:
    return {
        "symbol": symbol_from(row.get("symbol")),
        "kind": "split",
        "ex_date": day(row, "ex_date"),
        "ratio": 1 + decimal(row.get("rate"), "rate"),
    }


def _dividend(row: Row) -> dict[str, Any]:
    return {
        "symbol": symbol_from(row.get("symbol")),
        "kind": "dividend",
        "ex_date": day(row, "ex_date"),
        "cash": decimal(row.get("rate"), "rate"),
    }


def _spin_off(row: Row) -> dict[str, Any]:
    return {
        "symbol": symbol_from(row.get("source_symbol")),
        "kind": "spin_off",
        "ex_date": day(row, "ex_date"),
        "ratio": _ratio(row, "new_rate", "source_rate"),
        "new_symbol": symbol_from(row.get("new_symbol")),
    }


def _merger(row: Row) -> dict[str, Any]:
    """Of a merger for cash alone the ratio is 0: no unit stands for the old one."""
    is_for_shares = "acquirer_rate" in row
    cash = "cash_rate" if is_for_shares else "rate"
    acquirer = row.get("acquirer_symbol")
    return {
        "symbol": symbol_from(row.get("acquiree_symbol")),
        "kind": "merger",
        "ex_date": day(row, "effective_date"),
        "ratio": _ratio(row, "acquirer_rate", "acquiree_rate") if is_for_shares else Decimal(0),
        "cash": decimal(row[cash], cash) if cash in row else Decimal(0),
        "new_symbol": symbol_from(acquirer) if acquirer else "",
    }


def _rename(row: Row) -> dict[str, Any]:
    return {
        "symbol": symbol_from(row.get("old_symbol")),
        "kind": "rename",
        "ex_date": day(row, "process_date"),
        "new_symbol": symbol_from(row.get("new_symbol")),
    }


def _removal(row: Row) -> dict[str, Any]:
    return {
        "symbol": symbol_from(row.get("symbol")),
        "kind": "delisting",
        "ex_date": day(row, "process_date"),
    }


def _ratio(row: Row, new: str, old: str) -> Decimal:
    units = decimal(row.get(old), old)
    if units <= 0:
        raise Unreadable(f"{old} should be above 0, got {units}")
    return decimal(row.get(new), new) / units


_GROUPS: Mapping[str, Callable[[Row], dict[str, Any]]] = MappingProxyType(
    {
        "forward_splits": _split,
        "reverse_splits": _split,
        "stock_dividends": _stock_dividend,
        "cash_dividends": _dividend,
        "spin_offs": _spin_off,
        "cash_mergers": _merger,
        "stock_mergers": _merger,
        "stock_and_cash_mergers": _merger,
        "name_changes": _rename,
        "worthless_removals": _removal,
    }
)
#: What is asked for. Unit splits, redemptions and rights have no form in `CorporateAction`.
ACTION_TYPES = tuple(group.removesuffix("s") for group in _GROUPS)
