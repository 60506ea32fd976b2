"""Bars that are stored once and read with any adjustment, as of any instant, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from alphalens.data.adjusted_reading import read_adjusted
from alphalens.data.bars import Adjustment, Bars, Timeframe
from alphalens.data.fact_store import FactStore
from alphalens.data.port import BarRequest, CorporateAction
from alphalens.data.store import BarStore
from alphalens.errors import DataError, InputError
from alphalens.storage import open_engine

from .factor_files import actions_of

RAW, SPLIT, ALL = Adjustment.RAW, Adjustment.SPLIT, Adjustment.ALL
DAY = timedelta(days=1)
T0 = datetime(2014, 5, 1, tzinfo=UTC)
NOW = datetime(2015, 1, 2, tzinfo=UTC)

#: Apple as it was traded, sessions of 2014 around a dividend and the split of 7 for 1. Source: the
#: file of raw daily prices of Lean, which is named in the folder of real data.
CLOSES = {
    "2014-05-07": 592.33,
    "2014-05-08": 588.12,
    "2014-06-06": 645.57,
    "2014-06-09": 93.70,
    "2014-08-06": 94.97,
    "2014-08-07": 94.48,
}
APPLE = CorporateAction(
    symbol="AAPL",
    kind="split",
    ex_date=date(2014, 6, 9),
    ratio=Decimal(7),
    seen_at=datetime(2014, 4, 23, 20, 30, tzinfo=UTC),
    source="desk",
)
MAY = replace(
    APPLE, kind="dividend", ex_date=date(2014, 5, 8), cash=Decimal("3.29"), ratio=Decimal(1)
)
AUGUST = replace(
    MAY, ex_date=date(2014, 8, 7), cash=Decimal("0.47"), seen_at=datetime(2014, 7, 22, tzinfo=UTC)
)


def bars_of(symbol, closes, received_at=NOW, adjustment=RAW) -> Bars:
    days = pd.DatetimeIndex(list(closes)).tz_localize("America/New_York").as_unit("us")
    close = np.array(list(closes.values()), float)
    return Bars.of_symbol(
        symbol,
        days.asi8,
        {"close": close, "open": close, "volume": np.full(len(close), 700.0)},
        source="desk",
        received_at=received_at,
        timeframe=Timeframe.DAY,
        adjustment=adjustment,
    )


@pytest.fixture
def both(database_url):
    engine = open_engine(database_url)
    yield BarStore(engine), FactStore(engine)
    engine.dispose()


@pytest.fixture
def filled(both):
    store, facts = both
    days = pd.DatetimeIndex(list(CLOSES)).tz_localize("America/New_York")
    for day, close in zip(days, CLOSES.items(), strict=True):  # each on its own evening
        at = day.to_pydatetime() + timedelta(hours=17)
        store.write(bars_of("AAPL", dict([close]), at), at=at)
    facts.keep_actions([APPLE, MAY, AUGUST])
    return both


def wanted(symbol="AAPL", start=T0, end=NOW, adjustment=RAW) -> BarRequest:
    return BarRequest(symbols=(symbol,), start=start, end=end, adjustment=adjustment)


def closes(both, to, as_of=NOW, **asked):
    return read_adjusted(*both, wanted(**asked), to, as_of=as_of).close.tolist()


def test_split_and_dividends_are_applied_by_hand_and_by_the_store(filled):
    traded = list(CLOSES.values())
    may, august = 1 - 3.29 / 592.33, 1 - 0.47 / 94.97
    split = [price / 7 for price in traded[:3]] + traded[3:]
    whole = [split[0] * may * august, *(p * august for p in split[1:5]), traded[5]]
    assert closes(filled, RAW) == traded
    assert closes(filled, SPLIT) == pytest.approx(split, rel=1e-12)
    assert closes(filled, ALL) == pytest.approx(whole, rel=1e-12)
    assert (
        read_adjusted(*filled, wanted(), SPLIT, as_of=NOW).volume.tolist() == [4900] * 3 + [700] * 3
    )


def test_prices_are_those_of_the_day_on_which_they_are_asked(filled):
    evening = datetime(2014, 6, 6, 22, tzinfo=UTC)  # the split is announced, and not yet so
    assert closes(filled, SPLIT, as_of=evening) == [592.33, 588.12, 645.57]
    monday = datetime(2014, 6, 9, 22, tzinfo=UTC)
    assert closes(filled, SPLIT, as_of=monday)[2:] == pytest.approx([645.57 / 7, 93.70])
    august = datetime(2014, 8, 6, 22, tzinfo=UTC)
    assert closes(filled, ALL, as_of=august)[4] == 94.97


def test_window_that_ends_before_an_action_is_adjusted_as_the_whole(filled):
    whole = closes(filled, ALL)
    end = datetime(2014, 6, 8, tzinfo=UTC)
    assert closes(filled, ALL, end=end) == pytest.approx(whole[:3], rel=1e-12)
    assert closes(filled, ALL, start=end) == pytest.approx(whole[3:], rel=1e-12)


def test_series_that_is_stored_adjusted_gives_raw_prices(both):
    store, facts = both
    facts.keep_actions([APPLE, MAY, AUGUST])
    store.write(bars_of("AAPL", CLOSES), at=NOW)
    whole = dict(zip(CLOSES, closes(both, ALL), strict=True))
    store.write(bars_of("AAPL", whole, adjustment=ALL), at=NOW)
    traded = pytest.approx(list(CLOSES.values()), rel=1e-9)
    assert closes(both, RAW, adjustment=ALL) == traded
    assert closes(both, SPLIT, adjustment=ALL) == pytest.approx(closes(both, SPLIT), rel=1e-9)


def test_dividend_whose_close_is_not_there_is_an_error_and_its_split_is_not(filled):
    _, facts = filled
    facts.keep_actions([replace(AUGUST, ex_date=date(2014, 11, 6))])
    with pytest.raises(DataError, match=r"ex-date 2014-11-06 needs .* the last bar .* 2014-08-07"):
        closes(filled, ALL)
    assert len(closes(filled, SPLIT)) == 6


def test_action_that_was_taken_back_changes_nothing_afterwards(filled):
    _, facts = filled
    facts.take_back([APPLE], seen_at=NOW)
    assert closes(filled, SPLIT) == list(CLOSES.values())
    assert closes(filled, SPLIT, as_of=NOW - DAY)[0] == pytest.approx(592.33 / 7)


def test_instant_without_a_zone_and_nothing_at_all(both):
    with pytest.raises(InputError, match="no time zone"):
        closes(both, ALL, as_of=datetime(2014, 1, 1))
    assert closes(both, ALL) == []


@pytest.mark.realdata
@pytest.mark.parametrize("symbol", ["AAPL", "IBM"])
def test_real_factors_of_twenty_years_are_met_out_of_the_store(both, real_data, symbol):
    store, facts = both
    raw = pd.read_parquet(real_data / "us_equity_raw_daily_lean_1998_2021.parquet")
    raw = raw[raw["symbol"] == symbol].sort_values("date")
    factors = pd.read_parquet(real_data / "us_equity_factor_files_lean.parquet")
    factors = factors[factors["symbol"] == symbol].sort_values("date").reset_index(drop=True)
    now = datetime(2021, 4, 2, tzinfo=UTC)
    days = raw["date"].dt.strftime("%Y-%m-%d")
    store.write(bars_of(symbol, dict(zip(days, raw["close"], strict=True)), now), at=now)
    assert facts.keep_actions(actions_of(symbol, factors)) > 10
    place = factors["date"].searchsorted(raw["date"])
    wanted_factors = (factors["price_factor"] * factors["split_factor"]).to_numpy()[place]
    request = wanted(symbol, start=datetime(1998, 1, 1, tzinfo=UTC), end=now)
    found = read_adjusted(store, facts, request, ALL, as_of=now)
    ratio = found.close / raw["close"].to_numpy(float)
    # The factors are told with 7 digits, and refer to their own closing prices.
    assert ratio == pytest.approx(wanted_factors / wanted_factors[-1] * ratio[-1], rel=2e-3)
    part = replace(request, start=datetime(2004, 1, 1, tzinfo=UTC), end=T0)
    same = found.take((found.time >= bars_from(part.start)) & (found.time < bars_from(part.end)))
    again = read_adjusted(store, facts, part, ALL, as_of=now)
    assert again.close.tolist() == same.close.tolist()


@pytest.mark.realdata
def test_real_dividends_explain_the_adjusted_closes_of_another_source(both, real_data):
    """Yahoo's adjustment of its own closes, told day by day, against ours of the raw ones."""
    store, facts = both
    told = pd.read_parquet(real_data / "us_corporate_actions_2015_2017.parquet")
    told = told[told["symbol"] == "AAPL"].sort_values("last_cum_date")
    raw = pd.read_parquet(real_data / "us_equity_raw_daily_lean_1998_2021.parquet")
    raw = raw[(raw["symbol"] == "AAPL") & raw["date"].between("2015-01-02", "2017-03-31")]
    now = datetime(2017, 4, 1, tzinfo=UTC)
    days = raw["date"].dt.strftime("%Y-%m-%d")
    store.write(bars_of("AAPL", dict(zip(days, raw["close"], strict=True)), now), at=now)
    facts.keep_actions(
        replace(
            APPLE,
            kind="dividend",
            ratio=Decimal(1),
            cash=Decimal(str(round(row.close * (1 - row.adj_factor), 2))),
            ex_date=row.last_cum_date.date() + DAY,
            seen_at=row.seen.to_pydatetime().replace(tzinfo=UTC),
        )
        for row in told.itertuples()
    )
    start = datetime(2015, 1, 1, tzinfo=UTC)
    found = read_adjusted(store, facts, wanted(start=start, end=now), ALL, as_of=now)
    ratio = pd.Series(found.close / raw["close"].to_numpy(float), index=raw["date"].to_numpy())
    for row in told.itertuples():
        later = told["last_cum_date"] >= row.last_cum_date
        assert ratio[row.last_cum_date] == pytest.approx(told["adj_factor"][later].prod(), rel=1e-4)
    assert ratio.iloc[-1] == 1.0


def bars_from(instant) -> int:
    return int(instant.timestamp() * 1e6)
