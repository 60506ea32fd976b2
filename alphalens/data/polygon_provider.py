"""Polygon's market data over REST, which Massive sells now under its own name."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit
from urllib.parse import quote as percent

from alphalens.assets import AssetClass
from alphalens.assets.symbols import Vendor, class_by_form, to_vendor
from alphalens.data.asks import Ask, RestOptions, can_give
from alphalens.data.bars import Adjustment, Timeframe, micros
from alphalens.data.cells import plain_text
from alphalens.data.listening import FeedListener, NobodyListens
from alphalens.data.polygon_words import (
    dividend_from,
    news_from,
    quote_from,
    snapshot_from,
    split_from,
)
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
from alphalens.errors import ConfigError
from alphalens.net import Timing
from alphalens.net.exact_json import mapping, rows
from alphalens.trading.market import Quote

__all__ = ["PolygonProvider"]

T = TypeVar("T")
Row = Mapping[str, Any]  # Any: the values of JSON

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
_MOST_BARS, _MOST_SNAPSHOTS, _MOST_ROWS = 50_000, 250, 1_000
_DELAY_S = 900.0
_GOOD = frozenset({"OK", "DELAYED"})
_MS = 1000
_TICKER_OF_BARS, _TICKER_OF_QUOTES = 4, 3  # where it stands in the path
_OWN = 5  # segments of a path that its next page has too
_FREE_PLAN = RestOptions(calls_per_minute=5, timeout_s=120.0)
_MACHINE = Timing()
_NOBODY = NobodyListens()


class PolygonProvider(RestProvider):
    """The market data behind a key of Polygon or of Massive.

    It satisfies `alphalens.data.port.MarketDataProvider`. Everything runs on one loop thread of
    its own, so that the calls are synchronous wherever they are made from; each ends within
    ``options.timeout_s``. A call names one symbol, and each page of it counts against the limit.

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
            quotes=True,
            chains=True,
            actions=True,
            news=True,
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
        symbols = {_ticker(symbol): symbol for symbol in request.symbols}

        def read(ask: Ask, body: Any) -> tuple[tuple[Part, bool], Ask | None]:
            ticker = _segments(ask.path)[_TICKER_OF_BARS]
            answer = _answer(body)
            _check_bars(answer, ticker, is_adjusted=is_adjusted)
            part = Part(symbol=symbols[ticker], rows=_results(answer, is_counted=True))
            return (part, answer["status"] == "DELAYED"), _next(ask, answer)

        told = self._rest.collect([self._bar_ask(t, request) for t in symbols], read)
        is_delayed = any(late for _, late in told.pages)
        delay_s = self._capabilities.delay_s
        return batch_from(
            [part for part, _ in told.pages],
            request,
            source=_NAME,
            received_at=told.received_at,
            calls=told.calls,
            delay_s=max(delay_s, _DELAY_S) if is_delayed else delay_s,
        )

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        """Return the last quote of each symbol that has one; each symbol is a call.

        Raises
        ------
        InputError
            If Polygon has no name for a symbol.
        DataError
            If there is no usable answer.
        """
        named = {_ticker(symbol): symbol for symbol in symbols}
        params = {"order": "desc", "sort": "timestamp", "limit": "1"}

        def read(ask: Ask, body: Any) -> tuple[list[Quote], Ask | None]:
            symbol = named[_segments(ask.path)[_TICKER_OF_QUOTES]]
            return [quote_from(symbol, row) for row in _rows(body)[:1]], None

        asks = [Ask(path=f"/v3/quotes/{_in_path(ticker)}", params=params) for ticker in named]
        told = self._rest.collect(asks, read, is_exact=True)
        return {quote.symbol: quote for page in told.pages for quote in page}

    def chain(self, underlying: str) -> tuple[OptionSnapshot, ...]:
        """Return the last known state of the options on a share.

        Raises
        ------
        DataError
            If there is no usable answer.
        """
        path = f"/v3/snapshot/options/{_in_path(_ticker(underlying))}"
        ask = Ask(path=path, params={"limit": str(self._limit(_MOST_SNAPSHOTS))})
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
        tickers = {_ticker(symbol): symbol for symbol in symbols}
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
            Ask(path="/v2/reference/news", params={"ticker": _ticker(symbol), **params})
            for symbol in symbols
        ]
        items = {item.key: item for item in self._listed(asks, lambda row, _: news_from(row))}
        return tuple(sorted(items.values(), key=lambda item: (item.at, item.key)))

    def _bar_ask(self, ticker: str, request: BarRequest) -> Ask:
        first_ms = -(-micros(request.start) // _MS)
        last_ms = (micros(request.end) - 1) // _MS  # inclusive on the wire, exclusive here
        span = f"{_TIMEFRAMES[request.timeframe]}/{first_ms}/{last_ms}"
        return Ask(
            path=f"/v2/aggs/ticker/{_in_path(ticker)}/range/{span}",
            params={
                "adjusted": str(_ADJUSTED[request.adjustment]).lower(),
                "sort": "asc",
                "limit": str(self._limit(_MOST_BARS)),
            },
        )

    def _listed(self, asks: Sequence[Ask], read: Callable[[Row, datetime], T]) -> tuple[T, ...]:
        """Return everything that some listings tell, over all their pages."""

        def page(ask: Ask, body: Any) -> tuple[list[T], Ask | None]:
            now = self._rest.now()
            return [read(row, now) for row in _rows(body)], _next(ask, body)

        told = self._rest.collect(asks, page, is_exact=True)
        return tuple(value for values in told.pages for value in values)


def _answer(body: object) -> Row:
    answer = mapping(body, "the answer")
    status = answer.get("status")
    if status not in _GOOD:
        told = plain_text(answer.get("error") or answer.get("message"), longest=100)
        raise Unfit(Reason.SCHEMA_DRIFT, f"status is {status!r}, not OK or DELAYED: {told!r}")
    return answer


def _rows(body: object) -> Sequence[Row]:
    return rows(_results(_answer(body), is_counted=False), "results")


def _results(answer: Row, *, is_counted: bool) -> list[Any]:
    """Return the rows of a page; where there are none, or fewer, the count has to say so."""
    count, told = answer.get("resultsCount", answer.get("count")), answer.get("results")
    if told is None and count == 0:
        return []
    if told is None or (is_counted and count is None):
        reason = Reason.SCHEMA_DRIFT if count is None else Reason.TRUNCATED
        had = "there are no results" if told is None else "there are results"
        raise Unfit(reason, f"{had}, and the count of them is {count!r}")
    if not isinstance(told, list):
        raise Unfit(Reason.SCHEMA_DRIFT, f"results should be a list, got {told!r:.60}")
    if count is not None and count != len(told):
        raise Unfit(Reason.TRUNCATED, f"{len(told)} results came, and their count is {count!r}")
    return told


def _check_bars(answer: Row, ticker: str, *, is_adjusted: bool) -> None:
    if answer.get("ticker") != ticker:
        raise Unfit(
            Reason.WRONG_SYMBOL, f"bars of {answer.get('ticker')!r} came, {ticker} was asked for"
        )
    if answer.get("adjusted") is not is_adjusted:
        raise Unfit(
            Reason.MIXED_ADJUSTMENT,
            f"adjusted is {answer.get('adjusted')!r}, and {is_adjusted} was asked for",
        )


def _next(ask: Ask, answer: Row) -> Ask | None:
    """Return the ask for the next page: path and query of its address, never its host."""
    url = answer.get("next_url")
    if url is None or url == "":
        return None
    parts = urlsplit(url if isinstance(url, str) else "")
    if _segments(parts.path)[:_OWN] != _segments(ask.path)[:_OWN]:
        raise Unfit(Reason.SCHEMA_DRIFT, f"next_url leads away from {ask.path}: {parts.path!r}")
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    query.pop("apiKey", None)  # the header has it, and an address is shown
    return Ask(path=parts.path, params=query)


def _segments(path: str) -> list[str]:
    return unquote(path).split("/")


def _ticker(symbol: str) -> str:
    return to_vendor(symbol, Vendor.POLYGON, class_by_form(symbol))


def _in_path(ticker: str) -> str:
    return percent(ticker, safe=":")
