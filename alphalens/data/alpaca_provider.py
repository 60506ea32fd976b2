"""Alpaca's market data over REST: shares, coins and options."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any
from urllib.parse import quote as percent

from alphalens.assets import AssetClass
from alphalens.data.alpaca_symbols import class_of, symbol_from, symbol_to
from alphalens.data.alpaca_words import ACTION_TYPES, action_from, news_from, snapshot_from
from alphalens.data.asks import Ask, RestOptions, can_give
from alphalens.data.bars import Adjustment, Timeframe
from alphalens.data.listening import FeedListener, NobodyListens
from alphalens.data.port import (
    BarRequest,
    Batch,
    CorporateAction,
    DataCapabilities,
    NewsItem,
    OptionSnapshot,
)
from alphalens.data.reading import Part, Unfit, batch_from
from alphalens.data.reasons import Reason
from alphalens.data.rest_provider import RestProvider, instant_text
from alphalens.data.words import contract_of
from alphalens.errors import ConfigError, InputError
from alphalens.net import Timing
from alphalens.net.exact_json import decimal, instant, mapping, rows
from alphalens.trading.market import Quote

__all__ = ["AlpacaProvider"]

HOSTS = ("data.alpaca.markets", "data.sandbox.alpaca.markets")
FEEDS = ("iex", "sip", "delayed_sip", "otc", "boats", "overnight")
OPTION_FEEDS = ("indicative", "opra")

_NAME = "alpaca"
_TIMEFRAMES: Mapping[Timeframe, str] = MappingProxyType(
    {
        Timeframe.MINUTE: "1Min",
        Timeframe.MINUTES_5: "5Min",
        Timeframe.MINUTES_15: "15Min",
        Timeframe.MINUTES_30: "30Min",
        Timeframe.HOUR: "1Hour",
        Timeframe.DAY: "1Day",
    }
)
_BASES: Mapping[AssetClass, str] = MappingProxyType(
    {
        AssetClass.EQUITY: "/v2/stocks",
        AssetClass.CRYPTO: "/v1beta3/crypto/us",
        AssetClass.OPTION: "/v1beta1/options",
    }
)
_MOST_BARS, _MOST_SNAPSHOTS, _MOST_NEWS, _MOST_ACTIONS = 10_000, 1_000, 50, 1_000
_SYMBOLS_PER_CALL = 200  # the address of a call stays below 8 KiB, with option symbols too
_DELAY_S = 900.0
_INSTANT = timedelta(microseconds=1)  # ends are inclusive on the wire and exclusive here
# Actions are found by the day on which they were processed: of a dividend, when it was paid.
_PROCESSED_EARLY, _PROCESSED_LATE = timedelta(days=30), timedelta(days=120)
_MACHINE = Timing()
_OPTIONS = RestOptions()
_NOBODY = NobodyListens()


class AlpacaProvider(RestProvider):
    """The market data behind a pair of Alpaca's keys.

    It satisfies `alphalens.data.port.MarketDataProvider`. Everything runs on one loop thread of
    its own, so that the calls are synchronous wherever they are made from; each ends within
    ``options.timeout_s``.

    Parameters
    ----------
    key, secret : str
        Credentials; they are in no text that this object makes.
    base_url : str
        Scheme and host: ``https://data.alpaca.markets``, its sandbox, or this machine.
    rng : Random
        Jitter between repetitions.
    feed : str
        Where prices of shares come from: ``iex``, ``sip``, ``delayed_sip``, ``otc``, ``boats``
        or ``overnight``.
    option_feed : str
        ``indicative`` or ``opra``.
    options : RestOptions
        How patient and how fast; 200 calls a minute is the free plan.
    timing : Timing
        Clocks and sleep.
    listener : FeedListener
        Is told of each answer and of each failure.

    Raises
    ------
    ConfigError
        If a credential is empty, the host is another one, or a feed is unknown.
    """

    def __init__(
        self,
        key: str,
        secret: str,
        *,
        base_url: str,
        rng: random.Random,
        feed: str = "iex",
        option_feed: str = "indicative",
        options: RestOptions = _OPTIONS,
        timing: Timing = _MACHINE,
        listener: FeedListener = _NOBODY,
    ) -> None:
        if not key or not secret:
            raise ConfigError("Alpaca needs a key and a secret, and one of them is empty")
        _check_feed(feed, FEEDS)
        _check_feed(option_feed, OPTION_FEEDS)
        self._feed, self._option_feed = feed, option_feed
        capabilities = DataCapabilities(
            timeframes=frozenset(_TIMEFRAMES),
            adjustments=frozenset(Adjustment),
            asset_classes=frozenset(_BASES),
            quotes=True,
            chains=True,
            actions=True,
            news=True,
            calls_per_minute=options.calls_per_minute,
            symbols_per_call=_SYMBOLS_PER_CALL,
            delay_s=_DELAY_S if feed == "delayed_sip" else 0.0,
        )
        super().__init__(
            base_url,
            name=_NAME,
            owner="Alpaca",
            hosts=HOSTS,
            auth={"APCA-API-KEY-ID": key, "APCA-API-SECRET-KEY": secret},
            capabilities=capabilities,
            rng=rng,
            options=options,
            timing=timing,
            listener=listener,
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._url!r}, feed={self._feed!r})"

    def bars(self, request: BarRequest) -> Batch:
        """Return the bars that were asked for, as Alpaca told them.

        Parameters
        ----------
        request : BarRequest
            Symbols of several asset classes may go together. Coins have no actions, so every
            adjustment of them is the raw one; bars of options come raw only.

        Raises
        ------
        InputError
            If Alpaca has no such bars.
        DataError
            If there is no usable answer.
        """
        kinds = {class_of(symbol) for symbol in request.symbols}
        can_give(request, self._capabilities, kinds, _NAME)
        if AssetClass.OPTION in kinds and request.adjustment is not Adjustment.RAW:
            raise InputError(
                f"{_NAME} has raw bars of options only, asked for {request.adjustment}"
            )
        told = self._rest.collect(list(self._bar_asks(request)), _read_bars)
        return batch_from(
            [part for page in told.pages for part in page],
            request,
            source=_NAME,
            received_at=told.received_at,
            calls=told.calls,
            delay_s=self._capabilities.delay_s,
        )

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        """Return the last quote of each symbol that has one.

        Raises
        ------
        InputError
            If Alpaca has no name for a symbol.
        DataError
            If there is no usable answer.
        """
        told = self._rest.collect(list(self._quote_asks(symbols)), _read_quotes, is_exact=True)
        return {quote.symbol: quote for page in told.pages for quote in page}

    def chain(self, underlying: str) -> tuple[OptionSnapshot, ...]:
        """Return the last known state of the options on a share; no open interest is told.

        Raises
        ------
        DataError
            If there is no usable answer.
        """
        path = f"{_BASES[AssetClass.OPTION]}/snapshots/{percent(symbol_to(underlying), safe='')}"
        params = {"feed": self._option_feed, "limit": str(self._limit(_MOST_SNAPSHOTS))}

        def read(ask: Ask, body: Any) -> tuple[list[OptionSnapshot], Ask | None]:
            return _read_chain(underlying, body, self._rest.now()), _next(ask, body)

        told = self._rest.collect([Ask(path=path, params=params)], read, is_exact=True)
        return tuple(snapshot for page in told.pages for snapshot in page)

    def actions(
        self, symbols: Sequence[str], first: date, last: date
    ) -> tuple[CorporateAction, ...]:
        """Return the corporate actions with an ex-date from `first` to `last`, oldest first.

        A merger is dated by its effective day, a rename and a removal by the day on which they
        were processed. Unit splits, redemptions and rights are not asked for.

        Raises
        ------
        DataError
            If there is no usable answer.
        """
        params = {
            "types": ",".join(ACTION_TYPES),
            "start": (first - _PROCESSED_EARLY).isoformat(),
            "end": (last + _PROCESSED_LATE).isoformat(),
            "limit": str(self._limit(_MOST_ACTIONS)),
            "sort": "asc",
        }
        asks = [
            Ask(path="/v1/corporate-actions", params={"symbols": ",".join(some), **params})
            for some in _chunks([symbol_to(symbol) for symbol in symbols])
        ]

        def read(ask: Ask, body: Any) -> tuple[list[CorporateAction], Ask | None]:
            return _read_actions(body, self._rest.now()), _next(ask, body)

        told = self._rest.collect(asks, read, is_exact=True)
        found = (action for page in told.pages for action in page)
        within = (action for action in found if first <= action.ex_date <= last)
        return tuple(sorted(within, key=lambda action: (action.ex_date, action.symbol)))

    def news(self, symbols: Sequence[str], start: datetime, end: datetime) -> tuple[NewsItem, ...]:
        """Return the news of symbols that was published from `start` on and before `end`.

        Raises
        ------
        DataError
            If there is no usable answer.
        """
        params = {
            "start": instant_text(start),
            "end": instant_text(end - _INSTANT),
            "limit": str(self._limit(_MOST_NEWS)),
            "sort": "asc",
        }
        asks = [
            Ask(path="/v1beta1/news", params={"symbols": ",".join(some), **params})
            for some in _chunks([symbol.replace("/", "") for symbol in symbols])
        ]
        told = self._rest.collect(asks, _read_news, is_exact=True)
        items = {item.key: item for page in told.pages for item in page}
        return tuple(sorted(items.values(), key=lambda item: (item.at, item.key)))

    def _bar_asks(self, request: BarRequest) -> Iterator[Ask]:
        for kind, some in _by_class(request.symbols):
            params = {
                "symbols": ",".join(some),
                "timeframe": _TIMEFRAMES[request.timeframe],
                "start": instant_text(request.start),
                "end": instant_text(request.end - _INSTANT),
                "limit": str(self._limit(_MOST_BARS)),
                "sort": "asc",
            }
            if kind is AssetClass.EQUITY:
                params |= {"adjustment": str(request.adjustment), "feed": self._feed}
            yield Ask(path=f"{_BASES[kind]}/bars", params=params)

    def _quote_asks(self, symbols: Sequence[str]) -> Iterator[Ask]:
        for kind, some in _by_class(symbols):
            is_coin = kind is AssetClass.CRYPTO
            feed = self._option_feed if kind is AssetClass.OPTION else self._feed
            yield Ask(
                path=f"{_BASES[kind]}/{'latest/quotes' if is_coin else 'quotes/latest'}",
                params={"symbols": ",".join(some), **({} if is_coin else {"feed": feed})},
            )


def _read_bars(ask: Ask, body: Any) -> tuple[list[Part], Ask | None]:
    asked = ask.params["symbols"].split(",")
    parts = []
    for text, told in _member(body, "bars").items():
        symbol, marks = _named(text, asked)
        if not isinstance(told, list):
            raise Unfit(Reason.SCHEMA_DRIFT, f"bars of {symbol} should be a list, got {told!r:.60}")
        parts.append(Part(symbol=symbol, rows=told, marks=marks))
    return parts, _next(ask, body)


def _read_quotes(ask: Ask, body: Any) -> tuple[list[Quote], Ask | None]:
    asked = ask.params["symbols"].split(",")
    quotes = []
    for text, told in _member(body, "quotes").items():
        row = mapping(told, f"quote of {text}")
        quotes.append(
            Quote(
                symbol=_named(text, asked)[0],
                at=instant(row.get("t"), "t"),
                bid=decimal(row.get("bp"), "bp"),
                ask=decimal(row.get("ap"), "ap"),
            )
        )
    return quotes, None


def _read_chain(underlying: str, body: object, received_at: datetime) -> list[OptionSnapshot]:
    told = []
    for text, row in _member(body, "snapshots").items():
        symbol = contract_of(text, underlying)
        state = mapping(row, f"snapshot of {symbol}")
        told.append(snapshot_from(symbol, underlying, state, received_at=received_at))
    return told


def _read_actions(body: object, seen_at: datetime) -> list[CorporateAction]:
    return [
        action_from(group, row, seen_at=seen_at, source=_NAME)
        for group, some in _member(body, "corporate_actions").items()
        for row in rows(some, group)
    ]


def _read_news(ask: Ask, body: Any) -> tuple[list[NewsItem], Ask | None]:
    told = rows(mapping(body, "the answer").get("news"), "news")
    return [news_from(row) for row in told], _next(ask, body)


def _member(body: object, key: str) -> Mapping[str, Any]:
    """Return the object under the one key that matters."""
    answer = mapping(body, "the answer")
    if not isinstance(answer.get(key), Mapping):
        shown = ", ".join(list(answer)[:8]) or "nothing"
        raise Unfit(Reason.SCHEMA_DRIFT, f"there is no object {key!r}; the answer has {shown}")
    found: Mapping[str, Any] = answer[key]
    return found


def _next(ask: Ask, body: Mapping[str, Any]) -> Ask | None:
    """Return the ask for the page after this one; whether there is one must be said."""
    if "next_page_token" not in body:
        raise Unfit(Reason.TRUNCATED, "next_page_token is missing: the page may not be whole")
    token = body["next_page_token"]
    if token is None or token == "":
        return None
    if not isinstance(token, str):
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


def _few(asked: Sequence[str]) -> str:
    return ", ".join(asked[:3]) + (f" and {len(asked) - 3} more" if len(asked) > 3 else "")


def _by_class(symbols: Sequence[str]) -> Iterator[tuple[AssetClass, Sequence[str]]]:
    """Give the symbols of each class, as many at once as a call may name."""
    for kind in dict.fromkeys(class_of(symbol) for symbol in symbols):
        own = [symbol_to(symbol) for symbol in symbols if class_of(symbol) is kind]
        for some in _chunks(own):
            yield kind, some


def _chunks(symbols: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(symbols), _SYMBOLS_PER_CALL):
        yield symbols[first : first + _SYMBOLS_PER_CALL]


def _check_feed(feed: str, known: Sequence[str]) -> None:
    if feed not in known:
        raise ConfigError(f"feed {feed!r} is unknown; it is one of {', '.join(known)}")
