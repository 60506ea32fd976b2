"""Yahoo's market data, through yfinance: an optional source without a contract, the last choice."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any
from urllib.parse import quote as percent
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alphalens.assets import AssetClass
from alphalens.assets.symbols import Vendor, class_by_form, to_vendor
from alphalens.data._vendors.cells import Ints, Marks, instants, mark, numbers
from alphalens.data._vendors.only_bars import OnlyBars
from alphalens.data._vendors.reading import Part, RawRows, batch_from
from alphalens.data._vendors.yahoo_session import Declined, YahooSession
from alphalens.data._vendors.yahoo_words import (
    KEYS,
    Chart,
    Event,
    actions_from,
    chart_from,
    expirations_of,
    options_from,
)
from alphalens.data.asks import Ask, RestOptions, can_give
from alphalens.data.bars import NO_TIME, Adjustment, Bars, Timeframe, micros
from alphalens.data.listening import FeedListener, NobodyListens
from alphalens.data.port import (
    BarRequest,
    Batch,
    CorporateAction,
    DataCapabilities,
    OptionSnapshot,
)
from alphalens.data.reasons import AnswerRefused, Reason
from alphalens.errors import InputError
from alphalens.net import Timing

__all__ = ["YahooProvider"]

Floats = NDArray[np.float64]
Rows = Sequence[dict[str, Any]]  # Any: the values of JSON

_NAME = "yahoo"
_TIMEFRAMES: Mapping[Timeframe, str] = MappingProxyType(
    {
        Timeframe.MINUTE: "1m",
        Timeframe.MINUTES_5: "5m",
        Timeframe.MINUTES_15: "15m",
        Timeframe.MINUTES_30: "30m",
        Timeframe.HOUR: "1h",
        Timeframe.DAY: "1d",
    }
)
_CLASSES = frozenset({AssetClass.EQUITY, AssetClass.CRYPTO})
_PRICES = ("open", "high", "low", "close")
_DELAY_S = 900.0
_DAY = timedelta(days=1)
_SECOND_US = 1_000_000
_BEFORE_1990_S = 631_152_000
_NO_INSTANT = "NaT"
_NOTHING_YET = "Data doesn't exist"
_PATIENT = RestOptions(calls_per_minute=60, timeout_s=120.0)
_MACHINE = Timing()
_NOBODY = NobodyListens()


class YahooProvider(OnlyBars):
    """What Yahoo shows to anybody: bars, splits and dividends, and option chains.

    It satisfies `alphalens.data.port.MarketDataProvider`. yfinance carries the requests, in a
    session of its own; the charts are read here, because its own reading drops rows without a
    price, does not look at whose rows they are, and turns errors into empty frames. Every symbol
    is a call, of raw bars sometimes two, and for the first ones there are some more for cookies.
    Bars are taken to be up to 15 minutes late.

    Yahoo's prices and volumes are always adjusted for splits, and it tells an adjusted close of
    days beside them. So ``split`` is what Yahoo told; ``all`` multiplies the prices of a day by
    its adjusted close over its close, and there is none within days; ``raw`` undoes the splits
    that Yahoo told up to now, and rounds the volume of shares to whole ones. A raw price is
    therefore as exact as Yahoo's rounding, and as right as its list of splits, in which a
    spin-off may stand as a split of an odd ratio. The text of each row is kept as it was told.

    Yahoo's quotes have no instant, so there are none here.

    Parameters
    ----------
    rng : Random
        Jitter between repetitions.
    session : requests or curl_cffi session, optional
        What the requests leave by; it is closed with this object. Without one yfinance chooses:
        one that looks like a browser, without which Yahoo answers little.
    options : RestOptions
        How patient and how fast; the calls are spread evenly, one a second.
    timing : Timing
        Clocks and sleep.
    listener : FeedListener
        Is told of each answer and of each failure.

    Raises
    ------
    MissingExtra
        If yfinance is not installed.
    ConfigError
        If it is one whose cookies cannot be kept from the disk.
    """

    def __init__(
        self,
        *,
        rng: random.Random,
        session: Any = None,  # Any: the two kinds of session have no type in common
        options: RestOptions = _PATIENT,
        timing: Timing = _MACHINE,
        listener: FeedListener = _NOBODY,
    ) -> None:
        capabilities = DataCapabilities(
            timeframes=frozenset(_TIMEFRAMES),
            adjustments=frozenset(Adjustment),
            asset_classes=_CLASSES,
            chains=True,
            actions=True,
            calls_per_minute=options.calls_per_minute,
            symbols_per_call=1,
            delay_s=_DELAY_S,
        )
        super().__init__(_NAME, capabilities)
        self._yahoo = YahooSession(
            _NAME, session=session, rng=rng, options=options, timing=timing, listener=listener
        )

    @property
    def calls(self) -> int:
        """How many HTTP calls were made so far, those for cookies included."""
        return self._yahoo.calls

    @property
    def refused(self) -> Sequence[AnswerRefused]:
        """The last answers that came whole and were refused, each with its text."""
        return self._yahoo.refused

    def bars(self, request: BarRequest) -> Batch:
        """Return the bars that were asked for, as Yahoo told them.

        Parameters
        ----------
        request : BarRequest
            See the class for what the adjustments are made of.

        Raises
        ------
        InputError
            If Yahoo has no such bars.
        DataError
            If there is no usable answer for one of the symbols: nothing is returned of the others
            then.
        """
        kinds = {class_by_form(symbol) for symbol in request.symbols}
        can_give(request, self._capabilities, kinds, _NAME)
        is_daily = request.timeframe.is_daily
        if request.adjustment is Adjustment.ALL and not is_daily:
            raise InputError(
                f"{_NAME} adjusts bars of {request.timeframe} for splits only: ask for "
                f"{Adjustment.SPLIT}, or for bars of {Timeframe.DAY}"
            )
        with self._yahoo.errand():
            told = {symbol: self._wanted(symbol, request) for symbol in request.symbols}
            received_at, calls = self._yahoo.now(), self._yahoo.calls_of_errand
        batch = batch_from(
            [Part(symbol=s, rows=read, asked_at=at) for s, (_, _, read, at) in told.items()],
            request,
            source=_NAME,
            received_at=received_at,
            calls=calls,
            delay_s=_DELAY_S,
            keys=KEYS,
        )
        rows = [row for _, own, _, _ in told.values() for row in own]
        _unmark_unknown_volume(rows, batch.marks)
        bars = batch.bars
        if request.adjustment is Adjustment.ALL:
            bars = _with_dividends(bars, rows, batch.marks)
        elif request.adjustment is Adjustment.RAW:
            bars = _without_splits(bars, {symbol: chart for symbol, (chart, *_) in told.items()})
        return replace(batch, bars=bars, raw=RawRows(rows))

    def chain(self, underlying: str) -> tuple[OptionSnapshot, ...]:
        """Return the last known state of the options on a share; each expiration is a call.

        The instant of each is that of its last trade: Yahoo tells none of its bid and ask. Greeks
        are NaN.

        Raises
        ------
        DataError
            If there is no usable answer, or Yahoo does not know the share.
        """
        ticker = to_vendor(underlying, Vendor.YAHOO, AssetClass.EQUITY)
        path = f"/v7/finance/options/{percent(ticker, safe='')}"

        def page(expiration: int) -> tuple[OptionSnapshot, ...]:
            return self._yahoo.ask(
                Ask(path=path, params={"date": str(expiration)}),
                lambda body: options_from(
                    body,
                    ticker,
                    underlying,
                    expiration=expiration,
                    received_at=self._yahoo.now(),
                ),
                is_exact=True,
            )

        with self._yahoo.errand():
            dates = self._yahoo.ask(Ask(path=path), lambda body: expirations_of(body, ticker))
            return tuple(option for at in dates for option in page(at))

    def actions(
        self, symbols: Sequence[str], first: date, last: date
    ) -> tuple[CorporateAction, ...]:
        """Return the splits and dividends with an ex-date from `first` to `last`, oldest first.

        Each symbol is a call. Yahoo does not tell other actions, though a spin-off may stand as a
        split of an odd ratio. Dividends are as they were paid, before later splits.

        Raises
        ------
        DataError
            If there is no usable answer.
        """
        start = datetime(first.year, first.month, first.day, tzinfo=UTC) - _DAY
        with self._yahoo.errand():
            now = self._yahoo.now()
            found = [
                action
                for symbol in symbols
                for action in actions_from(
                    symbol,
                    self._chart(symbol, Timeframe.DAY, start, max(now, start) + _DAY),
                    seen_at=now,
                    source=_NAME,
                )
                if first <= action.ex_date <= last
            ]
        return tuple(sorted(found, key=lambda action: (action.ex_date, action.symbol)))

    def close(self) -> None:
        """Let its connections go; a second call does nothing."""
        self._yahoo.close()

    def _wanted(self, symbol: str, request: BarRequest) -> tuple[Chart, Rows, Rows, datetime]:
        """Return a chart with all splits that are to be undone, its rows, as they are read, when.

        The instant is the one before it was asked for.
        """
        is_daily, now = request.timeframe.is_daily, self._yahoo.now()
        end = request.end + _DAY if is_daily else request.end  # a day is told by its opening
        chart = self._chart(symbol, request.timeframe, request.start, end)
        if request.adjustment is Adjustment.RAW and end < now:
            later = self._chart(symbol, Timeframe.DAY, request.start, now + _DAY)
            chart = replace(chart, splits=later.splits)
        told = _instants([row["timestamp"] for row in chart.rows])
        begins = _midnights(told, chart.zone) if is_daily else told
        first, last = micros(request.start), micros(request.end)
        wanted = (begins == NO_TIME) | ((begins >= first) & (begins < last))
        rows = [chart.rows[place] for place in np.flatnonzero(wanted).tolist()]
        texts = np.datetime_as_string(begins[wanted].view("M8[us]"), timezone="UTC").tolist()
        read = [
            row if text == _NO_INSTANT else row | {"timestamp": text}
            for row, text in zip(rows, texts, strict=True)
        ]
        return chart, rows, read, now

    def _chart(self, symbol: str, timeframe: Timeframe, start: datetime, end: datetime) -> Chart:
        ticker = to_vendor(symbol, Vendor.YAHOO, class_by_form(symbol))
        interval = _TIMEFRAMES[timeframe]
        ask = Ask(
            path=f"/v8/finance/chart/{percent(ticker, safe='')}",
            params={
                "period1": str(micros(start) // _SECOND_US),
                "period2": str(-(-micros(end) // _SECOND_US)),
                "interval": interval,
                "includePrePost": "false",
                "events": "div,splits",
            },
        )
        try:
            return self._yahoo.ask(
                ask, lambda body: chart_from(body, ticker=ticker, interval=interval)
            )
        except Declined as no:
            if no.said.startswith(_NOTHING_YET):  # all of it lies before the first bar
                return Chart(zone="UTC", rows=(), splits=(), dividends=())
            raise


def _instants(cells: Sequence[object]) -> Ints:
    """Return the instants of a chart, which are in seconds also where their size does not say so.

    What is told of 1989 and before would else be of no known unit.
    """
    time, _ = instants(cells)
    for place in np.flatnonzero(time == NO_TIME).tolist():
        cell = cells[place]
        if type(cell) is int and abs(cell) < _BEFORE_1990_S:
            time[place] = cell * _SECOND_US
    return time


def _midnights(told: Ints, zone: str) -> Ints:
    """Return the midnights of the local days of instants."""
    is_told = told != NO_TIME
    days = pd.DatetimeIndex(told[is_told].view("M8[us]")).tz_localize("UTC").tz_convert(zone)
    found = told.copy()
    found[is_told] = days.normalize().tz_convert("UTC").as_unit("us").asi8
    return found


def _unmark_unknown_volume(rows: Rows, marks: Marks) -> None:
    """Take back what a null in the column of volumes got: where Yahoo knows nothing it says so."""
    is_null = np.array([row["volume"] is None for row in rows], np.bool_)
    is_null &= np.array([row["timestamp"] is not None for row in rows], np.bool_)
    marks[is_null] &= ~np.uint64(Reason.SCHEMA_DRIFT.bit)


def _with_dividends(bars: Bars, rows: Rows, marks: Marks) -> Bars:
    """Return the bars with prices in the ratio of the adjusted close to the close."""
    told, odd = numbers([row.get("adjclose") for row in rows])
    marks |= odd
    mark(marks, np.isnan(told) & (odd == 0), Reason.CLOSE_MISSING)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = told / bars.close
    prices = {name: getattr(bars, name) * factor for name in _PRICES}
    return replace(bars, **(prices | {"close": told}))


def _without_splits(bars: Bars, charts: Mapping[str, Chart]) -> Bars:
    """Return the bars as they were before the splits that came later."""
    factor = np.ones(len(bars))
    for code, symbol in enumerate(bars.symbols):
        (own,) = np.nonzero((bars.codes == code) & (bars.time != NO_TIME))
        chart = charts[symbol]
        for split in chart.splits:
            before = bars.time[own] < _begin_of(split, chart.zone)
            factor[own[before]] *= float(split.value)
    if (factor == 1.0).all():
        return bars
    prices = {name: getattr(bars, name) * factor for name in _PRICES}
    volume = np.where(factor == 1.0, bars.volume, np.rint(bars.volume / factor))
    return replace(bars, **(prices | {"volume": volume}))


def _begin_of(event: Event, zone: str) -> int:
    return micros(datetime.combine(event.day, time(), ZoneInfo(zone)))
