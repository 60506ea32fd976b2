"""Polygon's market data over REST, which Massive sells now under its own name."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from alphalens.assets import AssetClass
from alphalens.assets.calendars import Session
from alphalens.assets.symbols import class_by_form
from alphalens.data._vendors.latest import latest_batch, latest_request
from alphalens.data._vendors.polygon_pages import (
    MOST_OPTIONS,
    OPTIONS_PATH,
    Row,
    answer_of,
    by_class,
    check_bars,
    in_path,
    is_late,
    named_in,
    next_page,
    results_of,
    rows_of,
    segments,
    snapshot_asks,
    ticker_of,
    tickers_of,
)
from alphalens.data._vendors.polygon_words import (
    coming_sessions,
    day_row,
    dividend_from,
    holidays_from,
    minute_row,
    news_from,
    option_state_from,
    snapshot_from,
    split_from,
    state_from,
)
from alphalens.data._vendors.reading import Part, Unfit, batch_from, parts_of
from alphalens.data._vendors.rest_provider import RestProvider, instant_text
from alphalens.data.asks import Ask, RestOptions, can_give
from alphalens.data.bars import Adjustment, Timeframe, micros
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
from alphalens.data.reasons import Reason
from alphalens.errors import ConfigError, InputError
from alphalens.net import Timing
from alphalens.net.exact_json import rows
from alphalens.trading.market import Quote

__all__ = ["PolygonProvider"]

T = TypeVar("T")

HOSTS = ("api.polygon.io", "api.massive.com")

_NAME = "polygon"
_TIMEFRAMES: Mapping[Timeframe, str] = MappingProxyType(
    {
        Timeframe.MINUTE: "1/minute",
        Timeframe.MINUTES_5: "5/minute",
        Timeframe.MINUTES_15: "15/minute",
        Timeframe.MINUTES_30: "30/minute",
        Timeframe.HOUR: "1/hour",
        Timeframe.DAY: "1/day",
    }
)
_ADJUSTED: Mapping[Adjustment, bool] = MappingProxyType(
    {Adjustment.RAW: False, Adjustment.SPLIT: True}
)
_CLASSES = frozenset({AssetClass.EQUITY, AssetClass.OPTION, AssetClass.CRYPTO})
_LAST_ROWS: Mapping[Timeframe, Callable[[Row], Row | None]] = MappingProxyType(
    {Timeframe.MINUTE: minute_row, Timeframe.DAY: day_row}
)
_MOST_BARS, _MOST_ROWS = 50_000, 1_000
_DELAY_S = 900.0
#: Parts of a bar besides those that are read: over the counter, and the volume of the day.
_ALSO_TOLD = frozenset({"otc", "av"})
_MS = 1000
_NEW_YORK = ZoneInfo("America/New_York")
_TICKER_OF_BARS = 4  # where it stands in the path
_FREE_PLAN = RestOptions(calls_per_minute=5, timeout_s=120.0)
_MACHINE = Timing()
_NOBODY = NobodyListens()


class PolygonProvider(RestProvider):
    """The market data behind a key of Polygon or of Massive.

    It satisfies `alphalens.data.port.MarketDataProvider`. Everything runs on one loop thread of
    its own, so that the calls are synchronous wherever they are made from; each ends within
    ``options.timeout_s``. A call for bars names one symbol, one for what is known now names many,
    and each page counts against the limit.

    Parameters
    ----------
    key : str
        Credential; it is in no text that this object makes.
    base_url : str
        Scheme and host: ``https://api.polygon.io``, ``https://api.massive.com``, or this machine.
    rng : Random
        Jitter between repetitions.
    delay_s : float
        How far behind the market the plan is; a page that says that it is delayed counts as
        15 minutes late at least.
    options : RestOptions
        How patient and how fast; 5 calls a minute is the free plan.
    timing : Timing
        Clocks and sleep.
    listener : FeedListener
        Is told of each answer and of each failure.

    Raises
    ------
    ConfigError
        If the key is empty, the host is another one, or the delay is negative.
    """

    def __init__(
        self,
        key: str,
        *,
        base_url: str,
        rng: random.Random,
        delay_s: float = 0.0,
        options: RestOptions = _FREE_PLAN,
        timing: Timing = _MACHINE,
        listener: FeedListener = _NOBODY,
    ) -> None:
        if not key:
            raise ConfigError("Polygon needs a key, and it is empty")
        if not delay_s >= 0:
            raise ConfigError(f"delay_s is {delay_s}, it must be 0 or more seconds")
        capabilities = DataCapabilities(
            timeframes=frozenset(_TIMEFRAMES),
            adjustments=frozenset(_ADJUSTED),
            asset_classes=_CLASSES,
            latest=frozenset(_LAST_ROWS),
            quotes=True,
            snapshots=True,
            chains=True,
            actions=True,
            news=True,
            sessions=True,
            calls_per_minute=options.calls_per_minute,
            symbols_per_call=1,
            delay_s=delay_s,
        )
        super().__init__(
            base_url,
            name=_NAME,
            owner="Polygon",
            hosts=HOSTS,
            auth={"Authorization": f"Bearer {key}"},
            capabilities=capabilities,
            rng=rng,
            options=options,
            timing=timing,
            listener=listener,
        )

    def bars(self, request: BarRequest) -> Batch:
        """Return the bars that were asked for, as Polygon told them.

        Parameters
        ----------
        request : BarRequest
            Raw, or corrected for splits; dividends are never in Polygon's bars.

        Raises
        ------
        InputError
            If Polygon has no such bars.
        DataError
            If there is no usable answer.
        """
        kinds = {class_by_form(symbol) for symbol in request.symbols}
        can_give(request, self._capabilities, kinds, _NAME)
        is_adjusted = _ADJUSTED[request.adjustment]
        symbols = {ticker_of(symbol): symbol for symbol in request.symbols}

        def read(ask: Ask, body: Any) -> tuple[tuple[Part, bool], Ask | None]:
            ticker = segments(ask.path)[_TICKER_OF_BARS]
            answer = answer_of(body)
            check_bars(answer, ticker, is_adjusted=is_adjusted)
            part = Part(symbol=symbols[ticker], rows=results_of(answer, is_counted=True))
            return (part, is_late(answer)), next_page(ask, answer)

        told = self._rest.collect([self._bar_ask(t, request) for t in symbols], read)
        batch = batch_from(
            parts_of([[part] for part, _ in told.pages], told.asked_at),
            request,
            source=_NAME,
            received_at=told.received_at,
            calls=told.calls,
            delay_s=self._delay_s(is_late=any(late for _, late in told.pages)),
            known=_ALSO_TOLD,
        )
        return self._looked_at(batch)

    def latest(self, symbols: Sequence[str], timeframe: Timeframe) -> Batch:
        """Return the last raw bar of each symbol that has one; a call names up to 500 symbols.

        They stand in snapshots, which the free plan does not have, and which Polygon empties in
        the night: before the first trade of a session there is no bar. On a delayed plan they are
        those of 15 minutes ago. Polygon tells the bar of a day without its date, which is taken
        from the last minute or trade.

        Parameters
        ----------
        symbols : sequence of str
            Canonical, each once: shares, and of minutes also coins.
        timeframe : Timeframe
            A minute or a day.

        Raises
        ------
        InputError
            If Polygon has no such bars: none of options, and of coins none whose day is certain.
        DataError
            If there is no usable answer.
        """
        request = latest_request(symbols, timeframe, self._capabilities, _NAME)
        has = {AssetClass.EQUITY, AssetClass.CRYPTO}
        has = has if timeframe is Timeframe.MINUTE else {AssetClass.EQUITY}
        named = by_class(symbols)
        if missing := sorted(set(named) - has):
            raise InputError(
                f"{_NAME} does not tell the last {timeframe} bar of {', '.join(missing)}; ask for "
                f"bars from a start to an end"
            )
        row_of = _LAST_ROWS[timeframe]

        def read(_: Ask, body: Any) -> tuple[tuple[list[Part], bool], Ask | None]:
            shots, late = tickers_of(body)
            told = [(named_in(shot, named), row_of(shot)) for shot in shots]
            return ([Part(symbol=s, rows=[row]) for s, row in told if row is not None], late), None

        told = self._rest.collect(list(snapshot_asks(named)), read)
        batch = latest_batch(
            parts_of([parts for parts, _ in told.pages], told.asked_at),
            request,
            source=_NAME,
            received_at=told.received_at,
            calls=told.calls,
            delay_s=self._delay_s(is_late=any(late for _, late in told.pages)),
            known=_ALSO_TOLD,
        )
        return self._looked_at(batch)

    def snapshots(self, symbols: Sequence[str]) -> Mapping[str, Snapshot]:
        """Return what is known now of each symbol of which anything is.

        A call names up to 500 shares or coins, or 250 options. A plan without quotes or trades
        leaves them out; on a delayed plan everything is 15 minutes old, as its instants say.

        Raises
        ------
        InputError
            If Polygon has no name for a symbol.
        DataError
            If there is no usable answer.
        """
        named = by_class(symbols)

        def read(ask: Ask, body: Any) -> tuple[list[Snapshot], Ask | None]:
            if ask.path == OPTIONS_PATH:
                shots = [shot for shot in rows_of(body) if "error" not in shot]
                told = [option_state_from(named_in(shot, named), shot) for shot in shots]
                return told, next_page(ask, body)
            return [state_from(named_in(shot, named), shot) for shot in tickers_of(body)[0]], None

        told = self._rest.collect(list(snapshot_asks(named)), read, is_exact=True)
        return {state.symbol: state for page in told.pages for state in page}

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        """Return the last quote of each symbol that has one, out of its snapshot.

        Coins have none, and a plan without quotes leaves them all out.

        Raises
        ------
        InputError
            If Polygon has no name for a symbol.
        DataError
            If there is no usable answer.
        """
        states = self.snapshots(symbols).values()
        return {state.symbol: state.quote for state in states if state.quote is not None}

    def chain(self, underlying: str) -> tuple[OptionSnapshot, ...]:
        """Return the last known state of the options on a share.

        Raises
        ------
        DataError
            If there is no usable answer.
        """
        path = f"/v3/snapshot/options/{in_path(ticker_of(underlying))}"
        ask = Ask(path=path, params={"limit": str(self._limit(MOST_OPTIONS))})
        return self._listed([ask], lambda row, now: snapshot_from(underlying, row, received_at=now))

    def actions(
        self, symbols: Sequence[str], first: date, last: date
    ) -> tuple[CorporateAction, ...]:
        """Return the splits and dividends with an ex-date from `first` to `last`, oldest first.

        Each symbol is two calls at least. Polygon does not tell other actions here.

        Raises
        ------
        DataError
            If there is no usable answer, or it is of a symbol that was not asked for.
        """
        tickers = {ticker_of(symbol): symbol for symbol in symbols}
        asks = [
            Ask(
                path=f"/v3/reference/{what}",
                params={
                    "ticker": ticker,
                    f"{key}.gte": first.isoformat(),
                    f"{key}.lte": last.isoformat(),
                    "limit": str(self._limit(_MOST_ROWS)),
                    "order": "asc",
                    "sort": key,
                },
            )
            for ticker in tickers
            for what, key in (("splits", "execution_date"), ("dividends", "ex_dividend_date"))
        ]

        def read(row: Row, now: datetime) -> CorporateAction:
            make = split_from if "split_to" in row else dividend_from
            action = make(row, seen_at=now, source=_NAME)
            if action.symbol not in symbols:
                raise Unfit(Reason.WRONG_SYMBOL, f"action of {action.symbol}, not asked for")
            return action

        found = self._listed(asks, read)
        return tuple(sorted(found, key=lambda action: (action.ex_date, action.symbol)))

    def news(self, symbols: Sequence[str], start: datetime, end: datetime) -> tuple[NewsItem, ...]:
        """Return the news of symbols that was published from `start` on and before `end`.

        Raises
        ------
        DataError
            If there is no usable answer.
        """
        params = {
            "published_utc.gte": instant_text(start),
            "published_utc.lt": instant_text(end),
            "limit": str(self._limit(_MOST_ROWS)),
            "order": "asc",
            "sort": "published_utc",
        }
        asks = [
            Ask(path="/v2/reference/news", params={"ticker": ticker_of(symbol), **params})
            for symbol in symbols
        ]
        items = {item.key: item for item in self._listed(asks, lambda row, _: news_from(row))}
        return tuple(sorted(items.values(), key=lambda item: (item.at, item.key)))

    def sessions(self, first: date, last: date) -> tuple[Session, ...]:
        """Return the sessions of the US exchanges from `first` to `last`, in order.

        Polygon tells the holidays that are to come, no others: sessions are the weekdays besides,
        as far as the last holiday that it tells.

        Raises
        ------
        InputError
            If `first` is past or after `last`, or `last` is after the last holiday.
        DataError
            If there is no usable answer.
        """
        today = self._rest.now().astimezone(_NEW_YORK).date()
        if not today <= first <= last:
            raise InputError(
                f"{_NAME} tells coming days: the first must not be before {today} nor after the "
                f"last, got {first} to {last}"
            )
        ask = Ask(path="/v1/marketstatus/upcoming", params={})

        def read(_: Ask, body: Any) -> tuple[Mapping[date, Session | None], None]:
            return holidays_from(rows(body, "the holidays")), None

        (holidays,) = self._rest.collect([ask], read, is_exact=True).pages
        until = max(holidays, default=today)
        if last > until:
            raise InputError(
                f"{_NAME} tells holidays up to {until}, and what comes after is not known: ask for "
                f"days up to it, got {last}"
            )
        return tuple(coming_sessions(holidays, first, last))

    def _bar_ask(self, ticker: str, request: BarRequest) -> Ask:
        first_ms = -(-micros(request.start) // _MS)
        last_ms = (micros(request.end) - 1) // _MS  # inclusive on the wire, exclusive here
        span = f"{_TIMEFRAMES[request.timeframe]}/{first_ms}/{last_ms}"
        return Ask(
            path=f"/v2/aggs/ticker/{in_path(ticker)}/range/{span}",
            params={
                "adjusted": str(_ADJUSTED[request.adjustment]).lower(),
                "sort": "asc",
                "limit": str(self._limit(_MOST_BARS)),
            },
        )

    def _delay_s(self, *, is_late: bool) -> float:
        """Return how far behind an answer is; it may know better than the settings."""
        delay_s = self._capabilities.delay_s
        return max(delay_s, _DELAY_S) if is_late else delay_s

    def _listed(self, asks: Sequence[Ask], read: Callable[[Row, datetime], T]) -> tuple[T, ...]:
        """Return everything that some listings tell, over all their pages."""

        def page(ask: Ask, body: Any) -> tuple[list[T], Ask | None]:
            now = self._rest.now()
            return [read(row, now) for row in rows_of(body)], next_page(ask, body)

        told = self._rest.collect(asks, page, is_exact=True)
        return tuple(value for values in told.pages for value in values)
