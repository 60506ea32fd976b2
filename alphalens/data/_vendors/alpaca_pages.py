"""Pages of Alpaca's market data: whom a call names, what a page tells, and which comes next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from alphalens.assets import AssetClass
from alphalens.assets.calendars import Session
from alphalens.data._vendors.alpaca_words import (
    action_from,
    news_from,
    quote_from,
    session_from,
    snapshot_from,
    state_from,
)
from alphalens.data._vendors.reading import Part, Unfit
from alphalens.data._vendors.words import contract_of
from alphalens.data.alpaca_symbols import class_of, symbol_from, symbol_to
from alphalens.data.asks import Ask
from alphalens.data.port import CorporateAction, NewsItem, OptionSnapshot, Snapshot
from alphalens.data.reasons import Reason
from alphalens.net.exact_json import mapping, rows
from alphalens.trading.market import Quote

__all__ = [
    "BASES",
    "SYMBOLS_PER_CALL",
    "actions_of",
    "bars_page",
    "by_class",
    "chain_of",
    "chunks",
    "latest_page",
    "news_page",
    "next_page",
    "quotes_page",
    "sessions_page",
    "states_page",
]

BASES: Mapping[AssetClass, str] = MappingProxyType(
    {
        AssetClass.EQUITY: "/v2/stocks",
        AssetClass.CRYPTO: "/v1beta3/crypto/us",
        AssetClass.OPTION: "/v1beta1/options",
    }
)
SYMBOLS_PER_CALL = 200  # the address of a call stays below 8 KiB, with option symbols too


def bars_page(ask: Ask, body: Any) -> tuple[list[Part], Ask | None]:
    """Return the bars of a page."""
    asked, parts = asked_of(ask), []
    for text, told in _member(body, "bars").items():
        symbol, marks = _named(text, asked)
        if not isinstance(told, list):
            raise Unfit(Reason.SCHEMA_DRIFT, f"bars of {symbol} should be a list, got {told!r:.60}")
        parts.append(Part(symbol=symbol, rows=told, marks=marks))
    return parts, next_page(ask, body)


def quotes_page(ask: Ask, body: Any) -> tuple[list[Quote], Ask | None]:
    """Return the last quotes of a page; there is never another one."""
    asked = asked_of(ask)
    return [
        quote_from(_named(text, asked)[0], mapping(told, f"quote of {text}"))
        for text, told in _member(body, "quotes").items()
    ], None


def latest_page(ask: Ask, body: Any, key: str) -> tuple[list[Part], Ask | None]:
    """Return the last bars of a page of bars, or of one of snapshots, where they stand at `key`."""
    if not is_of_snapshots(ask):
        told, onward = _member(body, "bars"), None
    else:
        states, onward = _states(ask, body)
        told = {text: mapping(state, text).get(key) for text, state in states.items()}
    asked, parts = asked_of(ask), []
    for text, row in told.items():
        symbol, marks = _named(text, asked)
        if row is not None:
            parts.append(Part(symbol=symbol, rows=[row], marks=marks))
    return parts, onward


def states_page(ask: Ask, body: Any) -> tuple[list[Snapshot], Ask | None]:
    """Return what a page of snapshots tells."""
    asked = asked_of(ask)
    states, onward = _states(ask, body)
    return [
        state_from(_named(text, asked)[0], mapping(state, f"snapshot of {text}"))
        for text, state in states.items()
    ], onward


def chain_of(underlying: str, body: object, received_at: datetime) -> list[OptionSnapshot]:
    """Return the options of a page of a chain."""
    told = []
    for text, row in _member(body, "snapshots").items():
        symbol = contract_of(text, underlying)
        state = mapping(row, f"snapshot of {symbol}")
        told.append(snapshot_from(symbol, underlying, state, received_at=received_at))
    return told


def actions_of(ask: Ask, body: object, *, seen_at: datetime, source: str) -> list[CorporateAction]:
    """Return the corporate actions of a page, each with a symbol in it that was asked for."""
    told = [
        action_from(group, row, seen_at=seen_at, source=source)
        for group, some in _member(body, "corporate_actions").items()
        for row in rows(some, group)
    ]
    asked = asked_of(ask)
    for action in told:
        if action.symbol not in asked and action.new_symbol not in asked:
            raise Unfit(
                Reason.WRONG_SYMBOL,
                f"{action.kind} of {action.symbol!r}, not asked for; {_few(asked)} was",
            )
    return told


def news_page(ask: Ask, body: Any) -> tuple[list[NewsItem], Ask | None]:
    """Return the news of a page."""
    told = rows(mapping(body, "the answer").get("news"), "news")
    return [news_from(row) for row in told], next_page(ask, body)


def sessions_page(body: object, first: date, last: date) -> list[Session]:
    """Return the days of a calendar, which ascend and are those that were asked for."""
    told = [session_from(row) for row in rows(body, "the calendar")]
    days = [session.date for session in told]
    if days != sorted(set(days)) or any(not first <= day <= last for day in days):
        raise Unfit(
            Reason.SCHEMA_DRIFT,
            f"the calendar from {first} to {last} should have days between them that ascend, "
            f"got {', '.join(map(str, days[:3])) or 'none'}",
        )
    return told


def _states(ask: Ask, body: Any) -> tuple[Mapping[str, Any], Ask | None]:
    """Return the snapshots of a page by name; those of shares have no key above the names."""
    if ask.path.startswith(BASES[AssetClass.EQUITY]):
        told, onward = mapping(body, "the answer"), None
    else:
        told = _member(body, "snapshots")
        is_paged = ask.path.startswith(BASES[AssetClass.OPTION])
        onward = next_page(ask, body) if is_paged else None
    return {text: state for text, state in told.items() if state is not None}, onward


def _member(body: object, key: str) -> Mapping[str, Any]:
    """Return the object under the one key that matters."""
    answer = mapping(body, "the answer")
    if not isinstance(answer.get(key), Mapping):
        shown = ", ".join(list(answer)[:8]) or "nothing"
        raise Unfit(Reason.SCHEMA_DRIFT, f"there is no object {key!r}; the answer has {shown}")
    found: Mapping[str, Any] = answer[key]
    return found


def next_page(ask: Ask, body: Mapping[str, Any]) -> Ask | None:
    """Return the ask for the page after this one; whether there is one must be said."""
    if "next_page_token" not in body:
        raise Unfit(Reason.TRUNCATED, "next_page_token is missing: the page may not be whole")
    token = body["next_page_token"]
    if token is None or token == "":
        return None
    if not isinstance(token, str) or not token.isprintable():
        raise Unfit(Reason.SCHEMA_DRIFT, f"next_page_token should be a text, got {token!r:.60}")
    return Ask(path=ask.path, params={**ask.params, "page_token": token})


def _named(text: str, asked: Sequence[str]) -> tuple[str, int]:
    """Return the symbol that a name of the answer stands for, and a mark if it had to be read."""
    if text in asked:
        return text, 0
    symbol = symbol_from(text)
    if symbol not in asked:
        raise Unfit(Reason.WRONG_SYMBOL, f"{text!r} was not asked for; {_few(asked)} was")
    return symbol, Reason.SYMBOL_FORM.bit


def asked_of(ask: Ask) -> Sequence[str]:
    """Return the symbols that a call names."""
    return ask.params["symbols"].split(",")


def is_of_snapshots(ask: Ask) -> bool:
    """Tell whether a call asks for snapshots."""
    return ask.path.endswith("/snapshots")


def _few(asked: Sequence[str]) -> str:
    return ", ".join(asked[:3]) + (f" and {len(asked) - 3} more" if len(asked) > 3 else "")


def by_class(symbols: Sequence[str]) -> Iterator[tuple[AssetClass, Sequence[str]]]:
    """Give the symbols of each class, as many at once as a call may name."""
    for kind in dict.fromkeys(class_of(symbol) for symbol in symbols):
        own = [symbol_to(symbol) for symbol in symbols if class_of(symbol) is kind]
        for some in chunks(own):
            yield kind, some


def chunks(symbols: Sequence[str]) -> Iterator[Sequence[str]]:
    """Give symbols, as many at once as a call may name."""
    for first in range(0, len(symbols), SYMBOLS_PER_CALL):
        yield symbols[first : first + SYMBOLS_PER_CALL]
