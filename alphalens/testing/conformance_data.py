"""What every vendor of market data must do, as tests to inherit.

::

    class TestMyVendor(MarketDataConformance):
        request = BarRequest(symbols=("A", "B"), ...)  # which has bars of both in both halves

        def make_provider(self) -> MarketDataProvider:
            return MyVendor(...)

What a vendor does not offer is not left out: the case then asks for an `InputError`.
"""
# ruff: noqa: S101 - a conformance suite is made of assertions

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import ClassVar

import numpy as np

from alphalens.data.bars import Adjustment, Bars, Timeframe, micros
from alphalens.data.port import BarRequest, MarketDataProvider
from alphalens.errors import InputError

__all__ = ["MarketDataConformance"]

Row = tuple[str, int, float]


class MarketDataConformance(ABC):
    """The contract of `alphalens.data.port.MarketDataProvider`; pytest collects its subclasses.

    Attributes
    ----------
    request : BarRequest
        Two symbols that both have daily bars in both halves of the span.
    """

    request: ClassVar[BarRequest]

    @abstractmethod
    def make_provider(self) -> MarketDataProvider:
        """Return the vendor under test; whoever makes it closes it."""

    def test_01_vendor_says_who_it_is_and_what_it_has(self) -> None:
        """Its name is fit for a column, and what the suite asks for is among what it has."""
        provider = self.make_provider()
        able = provider.capabilities
        assert provider.name == provider.name.strip().lower() != ""
        assert self.request.timeframe in able.timeframes
        assert self.request.adjustment in able.adjustments
        assert able.asset_classes
        assert able.latest <= able.timeframes
        assert able.calls_per_minute > 0
        assert able.symbols_per_call > 0
        assert able.delay_s >= 0

    def test_02_bars_are_those_that_were_asked_for(self) -> None:
        """Symbols, span, length and adjustment are the request's, and the source is the vendor."""
        provider = self.make_provider()
        batch = provider.bars(self.request)
        bars, wanted = batch.bars, self.request
        assert batch.request == wanted
        assert {symbol for symbol, _, _ in _rows(bars)} == set(wanted.symbols)
        assert (bars.time >= micros(wanted.start)).all()
        assert (bars.time < micros(wanted.end)).all()
        assert (bars.timeframe, bars.adjustment) == (wanted.timeframe, wanted.adjustment)
        assert set(bars.sources) == {provider.name}

    def test_03_every_row_has_its_text_its_mark_and_its_instant(self) -> None:
        """What a row came from can be kept, and when it came is known."""
        batch = self.make_provider().bars(self.request)
        assert len(batch.bars) == len(batch.raw) == len(batch.marks) > 0
        assert batch.marks.dtype == np.uint64
        assert all(batch.raw)
        assert batch.received_at.utcoffset() == timedelta(0)
        assert (batch.bars.received <= micros(batch.received_at)).all()
        assert (batch.bars.time < batch.bars.received).all()

    def test_04_bar_is_told_once_and_its_prices_agree(self) -> None:
        """One row for each symbol and time; the close is between low and high where those are."""
        bars = self.make_provider().bars(self.request).bars
        keys = [(symbol, time) for symbol, time, _ in _rows(bars)]
        assert len(keys) == len(set(keys))
        assert (bars.close > 0).all()
        is_whole = ~np.isnan(bars.high) & ~np.isnan(bars.low)
        assert (bars.low[is_whole] <= bars.close[is_whole]).all()
        assert (bars.close[is_whole] <= bars.high[is_whole]).all()

    def test_05_same_question_has_the_same_answer(self) -> None:
        """An answer has no memory of the one before."""
        provider = self.make_provider()
        assert _rows(provider.bars(self.request).bars) == _rows(provider.bars(self.request).bars)

    def test_06_halves_make_the_whole_and_share_nothing(self) -> None:
        """A start is included and an end is not."""
        provider = self.make_provider()
        whole = _rows(provider.bars(self.request).bars)
        middle = _instant(sorted(time for _, time, _ in whole)[len(whole) // 2])
        first = _rows(provider.bars(replace(self.request, end=middle)).bars)
        last = _rows(provider.bars(replace(self.request, start=middle)).bars)
        assert first
        assert last
        assert not set(first) & set(last)
        assert sorted(first + last) == whole

    def test_07_symbol_alone_has_the_bars_that_it_has_among_others(self) -> None:
        """Rows of two symbols are not mixed up."""
        provider = self.make_provider()
        whole = _rows(provider.bars(self.request).bars)
        for symbol in self.request.symbols:
            alone = _rows(provider.bars(replace(self.request, symbols=(symbol,))).bars)
            assert alone == [row for row in whole if row[0] == symbol]

    def test_08_bars_that_it_does_not_have_are_refused_as_a_question(self) -> None:
        """It neither gives another length or adjustment nor nothing at all."""
        provider = self.make_provider()
        able = provider.capabilities
        for timeframe in set(Timeframe) - able.timeframes:
            _refuses(partial(provider.bars, replace(self.request, timeframe=timeframe)))
        for adjustment in set(Adjustment) - able.adjustments:
            _refuses(partial(provider.bars, replace(self.request, adjustment=adjustment)))
        for timeframe in set(Timeframe) - able.latest:
            _refuses(partial(provider.latest, self.request.symbols, timeframe))

    def test_09_what_else_it_does_not_have_is_refused_as_a_question(self) -> None:
        """Nothing to tell and nothing to ask are not the same."""
        provider, able = self.make_provider(), self.make_provider().capabilities
        symbols, start, end = self.request.symbols, self.request.start, self.request.end
        asks: dict[str, Callable[[], object]] = {
            "quotes": lambda: provider.quotes(symbols),
            "snapshots": lambda: provider.snapshots(symbols),
            "chains": lambda: provider.chain(symbols[0]),
            "actions": lambda: provider.actions(symbols, start.date(), end.date()),
            "news": lambda: provider.news(symbols, start, end),
            "sessions": lambda: provider.sessions(end.date(), end.date()),
        }
        for name, ask in asks.items():
            if not getattr(able, name):
                _refuses(ask)

    def test_10_close_may_be_called_twice(self) -> None:
        """Whoever ends need not know who ended it before."""
        provider = self.make_provider()
        provider.close()
        provider.close()

    def test_11_calendar_has_the_days_that_were_asked_for(self) -> None:
        """Sessions ascend, lie between the two days, are open for some time, and parts agree."""
        provider = self.make_provider()
        if not provider.capabilities.sessions:
            return  # refused as a question, see above
        first = datetime.now(UTC).date() + timedelta(days=1)
        last = first + timedelta(days=13)
        told = provider.sessions(first, last)
        days = [session.date for session in told]
        assert days == sorted(set(days))
        assert days
        assert first <= days[0] <= days[-1] <= last
        assert all(session.open < session.close for session in told)
        middle = first + timedelta(days=6)
        rest = provider.sessions(middle + timedelta(days=1), last)
        assert provider.sessions(first, middle) + rest == told
        _refuses(partial(provider.sessions, last, first))


def _rows(bars: Bars) -> list[Row]:
    symbols = [bars.symbols[code] for code in bars.codes]
    return sorted(zip(symbols, bars.time.tolist(), bars.close.tolist(), strict=True))


def _instant(time: int) -> datetime:
    return datetime.fromisoformat("1970-01-01T00:00:00+00:00") + timedelta(microseconds=time)


def _refuses(ask: Callable[[], object]) -> None:
    try:
        answer = ask()
    except InputError:
        return
    raise AssertionError(f"it should have been refused, and was answered: {answer!r:.200}")
