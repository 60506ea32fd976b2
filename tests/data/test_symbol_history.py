"""Symbols that are given up and used again stand for one instrument at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from alphalens.assets import AssetClass
from alphalens.data._checks.context import Life
from alphalens.data.bars import Adjustment, Bars, Timeframe
from alphalens.data.fact_store import FactStore
from alphalens.data.port import BarRequest, Batch, CorporateAction
from alphalens.data.reasons import Reason
from alphalens.data.symbol_history import SymbolHistory
from alphalens.data.validation import Context, judge
from alphalens.errors import DataError
from alphalens.storage import open_engine

NOW = datetime(2024, 1, 2, tzinfo=UTC)


def ended(symbol, year, month, day, kind="delisting", new_symbol="") -> CorporateAction:
    return CorporateAction(
        symbol=symbol,
        kind=kind,
        ex_date=date(year, month, day),
        new_symbol=new_symbol,
        seen_at=NOW,
        source="desk",
    )


#: Facebook took FB at its listing on 2012-05-18 and gave it up for META on 2022-06-09; who had FB
#: before is taken to have ended that day. WM was Washington Mutual's, then that of Waste
#: Management, which had been WMI; the days of this are invented.
PAST = [
    ended("FB", 2012, 5, 18),
    ended("FB", 2022, 6, 9, "rename", "META"),
    ended("WM", 2008, 9, 29),
    ended("WMI", 2008, 9, 30, "rename", "WM"),
]


def life(first=None, last=None) -> Life:
    return Life(
        first=date.fromisoformat(first) if first else None,
        last=date.fromisoformat(last) if last else None,
    )


@pytest.mark.parametrize(
    ("symbol", "day", "expected"),
    [
        ("FB", date(1999, 1, 4), life(None, "2012-05-17")),
        ("FB", date(2012, 5, 18), life("2012-05-18", "2022-06-08")),
        ("FB", date(2022, 6, 8), life("2012-05-18", "2022-06-08")),
        ("FB", date(2022, 6, 9), life("2022-06-09")),
        ("META", date(2022, 6, 9), life("2022-06-09")),
        ("META", date(2020, 1, 2), life(None, "2022-06-08")),
        ("WM", date(2008, 9, 26), life(None, "2008-09-28")),
        ("WM", date(2015, 1, 2), life("2008-09-30")),
        ("SPY", date(2015, 1, 2), life()),
    ],
)
def test_symbol_stands_for_one_between_two_changes(symbol, day, expected):
    assert SymbolHistory(PAST).life(symbol, day) == expected


def test_instrument_is_followed_through_its_names_both_ways():
    history = SymbolHistory([*PAST, ended("META", 2030, 1, 2, "rename", "M")])
    names = history.names("META", date(2023, 1, 3))
    assert [name for name, _ in names] == ["FB", "META", "M"]
    assert history.names("FB", date(2015, 1, 2)) == names
    assert history.names("M", date(2031, 1, 2)) == names
    assert [name for name, _ in history.names("FB", date(2001, 1, 2))] == ["FB"]
    assert [name for name, _ in history.names("WM", date(2015, 1, 2))] == ["WMI", "WM"]
    assert [name for name, _ in history.names("WM", date(2005, 1, 3))] == ["WM"]


def test_two_that_exchange_their_symbols_are_both_followed():
    swap = [ended("A", 2020, 1, 2, "rename", "B"), ended("B", 2020, 1, 2, "rename", "A")]
    history = SymbolHistory(swap)
    assert [name for name, _ in history.names("A", date(2019, 1, 2))] == ["A", "B"]
    assert [name for name, _ in history.names("A", date(2021, 1, 4))] == ["B", "A"]


def test_renames_that_contradict_each_other_are_refused():
    for other in (ended("X", 2022, 6, 9, "rename", "META"), ended("FB", 2022, 6, 9, "rename", "X")):
        with pytest.raises(DataError, match="on that day too: one of them is wrong"):
            SymbolHistory([*PAST, other])
    with pytest.raises(DataError, match="A became A"):
        SymbolHistory([ended("A", 2020, 1, 2, "rename", "A")])


def test_bars_of_who_had_the_symbol_before_are_refused_by_what_the_store_knows(database_url):
    engine = open_engine(database_url)
    facts = FactStore(engine)
    facts.keep_actions([*PAST, replace(PAST[0], symbol="OLD")])
    known = facts.as_of(NOW).actions(["FB", "META", "SPY"])
    lives = SymbolHistory(known).lives(["FB", "SPY"], date(2015, 1, 2))
    assert lives == {"FB": life("2012-05-18", "2022-06-08")}
    days = pd.DatetimeIndex(["2012-05-17", "2012-05-18", "2012-05-21"], tz="America/New_York")
    close = np.array([30.01, 38.23, 34.03])
    request = BarRequest(symbols=("FB",), start=NOW - timedelta(days=9999), end=NOW)
    bars = Bars.of_symbol(
        "FB",
        days.as_unit("us").asi8,
        {"open": close, "high": close, "low": close, "close": close, "volume": close * 1e6},
        source="x",
        received_at=NOW,
        timeframe=Timeframe.DAY,
        adjustment=Adjustment.RAW,
    )
    marks = np.zeros(3, np.uint64)
    batch = Batch(request=request, bars=bars, marks=marks, raw=("a", "b", "c"), received_at=NOW)
    context = Context(now=NOW, classes={"FB": AssetClass.EQUITY}, lives=lives)
    judged = judge(batch, context)
    assert judged.bars.close.tolist() == [38.23, 34.03]
    assert judged.rejected.marks.tolist()[0] & Reason.SYMBOL_REUSED.bit
    engine.dispose()
