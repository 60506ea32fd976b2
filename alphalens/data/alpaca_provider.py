"""Alpaca's market data over REST: shares, coins and options."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any
from urllib.parse import quote as percent

from alphalens.assets import AssetClass
from alphalens.assets.calendars import Session
from alphalens.data._vendors.alpaca_pages import (
    BASES,
    SYMBOLS_PER_CALL,
    actions_of,
    bars_page,
    by_class,
    chain_of,
    chunks,
    latest_page,
    news_page,
    next_page,
    quotes_page,
    sessions_page,
    states_page,
)
from alphalens.data._vendors.alpaca_words import ACTION_TYPES
from alphalens.data._vendors.latest import latest_batch, latest_request
from alphalens.data._vendors.reading import Part, batch_from, parts_of
from alphalens.data._vendors.rest_provider import RestProvider, checked_base, instant_text
from alphalens.data.alpaca_hosts import DATA_HOSTS, VENUE_HOSTS
from alphalens.data.alpaca_symbols import class_of, symbol_to
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
    Snapshot,
)
from alphalens.errors import ConfigError, InputError
from alphalens.net import Timing
from alphalens.trading.market import Quote

__all__ = ["AlpacaProvider"]

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
#: Under which name a snapshot has the last bar.
_IN_SNAPSHOTS: Mapping[Timeframe, str] = MappingProxyType(
    {Timeframe.MINUTE: "minuteBar", Timeframe.DAY: "dailyBar"}
)
_MOST_BARS, _MOST_SNAPSHOTS, _MOST_NEWS, _MOST_ACTIONS = 10_000, 1_000, 50, 1_000
_DELAY_S = 900.0
#: Parts of a bar that it tells besides those that are read.
_ALSO_TOLD: frozenset[str] = frozenset()
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
    venue_url : str
        Scheme and host of the venue that the keys are for, ``https://paper-api.alpaca.markets``
        or the one of money: it has the calendar, which the host of data does not. Without it no
        sessions are told.
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
        venue_url: str = "",
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
        venue = checked_base(venue_url, hosts=VENUE_HOSTS, owner="Alpaca") if venue_url else ""
        capabilities = DataCapabilities(
            timeframes=frozenset(_TIMEFRAMES),
            adjustments=frozenset(Adjustment),
            asset_classes=frozenset(BASES),
            latest=frozenset(_IN_SNAPSHOTS),
            quotes=True,
            snapshots=True,
            chains=True,
            actions=True,
            news=True,
            sessions=bool(venue),
            calls_per_minute=options.calls_per_minute,
            symbols_per_call=SYMBOLS_PER_CALL,
            delay_s=_DELAY_S if feed == "delayed_sip" else 0.0,
        )
        super().__init__(
            base_url,
            name=_NAME,
            owner="Alpaca",
            hosts=DATA_HOSTS,
            auth={"APCA-API-KEY-ID": key, "APCA-API-SECRET-KEY": secret},
            capabilities=capabilities,
            rng=rng,
            options=options,
            timing=timing,
            listener=listener,
        )
        if venue:
            self._rests.append(self._rest_at(venue))

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
        told = self._rest.collect(list(self._bar_asks(request)), bars_page)
        batch = batch_from(
            parts_of(told.pages, told.asked_at),
            request,
            source=_NAME,
            received_at=told.received_at,
            calls=told.calls,
            delay_s=self._capabilities.delay_s,
            known=_ALSO_TOLD,
        )
        return self._looked_at(batch)

    def latest(self, symbols: Sequence[str], timeframe: Timeframe) -> Batch:
        """Return the last raw bar of each symbol that has one; a call names up to 200 symbols.

        The last minute is one that has ended; the last day is the present session's, which still
        forms. On the feed ``delayed_sip`` both are those of 15 minutes ago; on ``iex`` they are
        of that exchange alone, so that a share may have none in a quiet minute.

        Parameters
        ----------
        symbols : sequence of str
            Canonical, each once; of several asset classes if need be.
        timeframe : Timeframe
            A minute or a day.

        Raises
        ------
        InputError
            If Alpaca has no such bars.
        DataError
            If there is no usable answer.
        """
        request = latest_request(symbols, timeframe, self._capabilities, _NAME)
        key = _IN_SNAPSHOTS[timeframe]

        def read(ask: Ask, body: Any) -> tuple[list[Part], Ask | None]:
            return latest_page(ask, body, key)

        told = self._rest.collect(list(self._latest_asks(symbols, timeframe)), read)
        batch = latest_batch(
            parts_of(told.pages, told.asked_at),
            request,
            source=_NAME,
            received_at=told.received_at,
            calls=told.calls,
            delay_s=self._capabilities.delay_s,
            known=_ALSO_TOLD,
        )
        return self._looked_at(batch)

    def snapshots(self, symbols: Sequence[str]) -> Mapping[str, Snapshot]:
        """Return what is known now of each symbol of which anything is; a call names up to 200.

        Raises
        ------
        InputError
            If Alpaca has no name for a symbol.
        DataError
            If there is no usable answer.
        """
        asks = list(self._latest_asks(symbols, Timeframe.DAY))
        told = self._rest.collect(asks, states_page, is_exact=True)
        return {state.symbol: state for page in told.pages for state in page}

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        """Return the last quote of each symbol that has one.

        Raises
        ------
        InputError
            If Alpaca has no name for a symbol.
        DataError
            If there is no usable answer.
        """
        told = self._rest.collect(list(self._quote_asks(symbols)), quotes_page, is_exact=True)
        return {quote.symbol: quote for page in told.pages for quote in page}

    def chain(self, underlying: str) -> tuple[OptionSnapshot, ...]:
        """Return the last known state of the options on a share; no open interest is told.

        Raises
        ------
        DataError
            If there is no usable answer.
        """
        path = f"{BASES[AssetClass.OPTION]}/snapshots/{percent(symbol_to(underlying), safe='')}"
        params = {"feed": self._option_feed, "limit": str(self._limit(_MOST_SNAPSHOTS))}

        def read(ask: Ask, body: Any) -> tuple[list[OptionSnapshot], Ask | None]:
            return chain_of(underlying, body, self._rest.now()), next_page(ask, body)

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
            for some in chunks([symbol_to(symbol) for symbol in symbols])
        ]

        def read(ask: Ask, body: Any) -> tuple[list[CorporateAction], Ask | None]:
            told = actions_of(ask, body, seen_at=self._rest.now(), source=_NAME)
            return told, next_page(ask, body)

        told = self._rest.collect(asks, read, is_exact=True)
        found = (action for page in told.pages for action in page)
        within = (action for action in found if first <= action.ex_date <= last)
        return tuple(sorted(within, key=lambda action: (action.ex_date, action.symbol)))

    def news(self, symbols: Sequence[str], start: datetime, end: datetime) -> tuple[NewsItem, ...]:
        """Return the news of symbols that was published from `start` on and before `end`.

        Alpaca goes by when a piece was changed last: one that was changed after `end` is missing.

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
            for some in chunks([symbol.replace("/", "") for symbol in symbols])
        ]
        told = self._rest.collect(asks, news_page, is_exact=True)
        items = {i.key: i for page in told.pages for i in page if start <= i.at < end}
        return tuple(sorted(items.values(), key=lambda item: (item.at, item.key)))

    def sessions(self, first: date, last: date) -> tuple[Session, ...]:
        """Return the sessions of the US exchanges from `first` to `last`, in order.

        Raises
        ------
        InputError
            If no venue was named, or `first` is after `last`.
        DataError
            If there is no usable answer, or it is of other days.
        """
        if not self._capabilities.sessions:
            raise InputError(
                f"{_NAME} has its calendar at the venue, and none was named: give venue_url"
            )
        if first > last:
            raise InputError(f"the first day {first} must not be after the last, {last}")
        params = {"start": first.isoformat(), "end": last.isoformat()}

        def read(_: Ask, body: Any) -> tuple[list[Session], None]:
            return sessions_page(body, first, last), None

        ask = Ask(path="/v2/calendar", params=params)
        told = self._rests[-1].collect([ask], read, is_exact=True)
        return tuple(session for page in told.pages for session in page)

    def _bar_asks(self, request: BarRequest) -> Iterator[Ask]:
        for kind, some in by_class(request.symbols):
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
            yield Ask(path=f"{BASES[kind]}/bars", params=params)

    def _quote_asks(self, symbols: Sequence[str]) -> Iterator[Ask]:
        for kind, some in by_class(symbols):
            path = "latest/quotes" if kind is AssetClass.CRYPTO else "quotes/latest"
            yield self._ask_now(kind, path, some)

    def _latest_asks(self, symbols: Sequence[str], timeframe: Timeframe) -> Iterator[Ask]:
        """Give the calls for the last minutes, or for snapshots, which have every last bar."""
        minutes = {AssetClass.EQUITY: "bars/latest", AssetClass.CRYPTO: "latest/bars"}
        paths = minutes if timeframe is Timeframe.MINUTE else {}
        for kind, some in by_class(symbols):
            yield self._ask_now(kind, paths.get(kind, "snapshots"), some)

    def _ask_now(self, kind: AssetClass, path: str, symbols: Sequence[str]) -> Ask:
        params = {"symbols": ",".join(symbols)}
        if kind is not AssetClass.CRYPTO:
            params["feed"] = self._option_feed if kind is AssetClass.OPTION else self._feed
        if kind is AssetClass.OPTION and path == "snapshots":
            params["limit"] = str(self._limit(_MOST_SNAPSHOTS))
        return Ask(path=f"{BASES[kind]}/{path}", params=params)


def _check_feed(feed: str, known: Sequence[str]) -> None:
    if feed not in known:
        raise ConfigError(f"feed {feed!r} is unknown; it is one of {', '.join(known)}")
