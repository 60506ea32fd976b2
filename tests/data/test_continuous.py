"""Series of futures: what a holder earned, never by a price of later."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from alphalens.data.bars import Adjustment, Bars, Timeframe
from alphalens.data.continuous import Splice, chain_closes, chained
from alphalens.data.futures_chain import FuturesChain, RollBefore, RollEvent, RollOnActivity
from alphalens.data.store import BarStore
from alphalens.errors import DataError, InputError
from alphalens.storage import open_engine

from .futures_rows import OIL, future, oil, oil_closes, real_chain

CLOSES = oil_closes()
DAYS = pd.DatetimeIndex(CLOSES.index)
LATE = datetime(2030, 1, 1, tzinfo=UTC)
NONE, DIFFERENCE, RATIO = Splice.NONE, Splice.DIFFERENCE, Splice.RATIO


def of(sessions, closes=CLOSES, as_of=LATE):
    return chained(oil(), closes, RollBefore(sessions=sessions), as_of=as_of)


def test_stitched_series_has_the_price_of_each_front_and_the_roll_has_both():
    found = of(2)
    assert found.series().tolist() == [20.11, 19.87, 19.87, 18.27, 20.43, 11.57, 13.78, 16.50]
    assert found.fronts.tolist() == ["CLK20"] * 4 + ["CLM20"] * 4
    (roll,) = found.rolls
    assert (roll.sold, roll.bought, roll.at) == ("CLK20", "CLM20", DAYS[3].to_pydatetime())
    assert (roll.sold_at, roll.bought_at, roll.gap) == (18.27, 25.03, pytest.approx(6.76))
    table = found.table()
    assert table["gap"].tolist() == [roll.gap]
    assert table["at"].tolist() == [DAYS[3]]


def test_prices_before_a_roll_are_moved_by_the_gap_or_by_the_ratio():
    found = of(2)
    moved = [20.11 + 6.76, 19.87 + 6.76, 19.87 + 6.76, 25.03, 20.43, 11.57, 13.78, 16.50]
    assert found.series(DIFFERENCE).tolist() == pytest.approx(moved)
    scaled = [price * 25.03 / 18.27 for price in (20.11, 19.87, 19.87, 18.27)]
    assert found.series(RATIO).tolist()[:4] == pytest.approx(scaled)
    assert found.series(RATIO).tolist()[4:] == [20.43, 11.57, 13.78, 16.50]


def test_price_below_zero_is_true_and_no_ratio_goes_over_it():
    found = of(0)  # holds the contract of May through 20 April 2020
    assert found.series().tolist()[4] == -37.63
    changes = found.series(DIFFERENCE).diff().tolist()[1:]
    assert changes == pytest.approx([-0.24, 0, -1.60, -55.90, 47.64, 2.21, 2.72])
    with pytest.raises(InputError, match=r"CL: the price at 2020-04-20 .* is -37.63, and a ratio"):
        found.series(RATIO)
    rolled_on_it = of(1)
    assert rolled_on_it.rolls[0].sold_at == -37.63
    with pytest.raises(InputError, match=r"-37.63"):
        rolled_on_it.series(RATIO)


def test_roll_waits_for_a_price_of_both_and_no_longer_than_the_contract_lives():
    gap = CLOSES.copy()
    gap.loc[DAYS[3], "CLM20"] = np.nan
    assert of(2, gap).rolls[0].at == DAYS[4].to_pydatetime()
    gap.loc[DAYS[3] : DAYS[5], "CLM20"] = np.nan
    with pytest.raises(DataError, match="CLK20 ended without an instant at which it and CLM20"):
        of(2, gap)


def test_what_cannot_be_chained_is_refused():
    with pytest.raises(InputError, match="need timezone-aware instants that ascend"):
        of(2, CLOSES[::-1])
    with pytest.raises(InputError, match="need timezone-aware instants that ascend"):
        of(2, CLOSES.tz_localize(None))
    with pytest.raises(InputError, match="CL has no contract CLZ30"):
        of(2, CLOSES.assign(CLZ30=1.0))
    with pytest.raises(DataError, match="no price was known at 2020-04-14"):
        of(2, as_of=datetime(2020, 4, 14, 12, tzinfo=UTC))


def earned(found, closes) -> pd.Series:
    """What holds one contract and trades the rolls at the prices that they tell."""
    cash, worth = 0.0, []
    rolls = {roll.at: roll for roll in found.rolls}
    for at, symbol in found.fronts.items():
        held = closes.loc[at, symbol]
        roll = rolls.get(at.to_pydatetime())
        if roll is not None:
            cash += roll.sold_at - roll.bought_at
            held = roll.bought_at
        worth.append(cash + held)
    return pd.Series(worth, index=found.fronts.index)


def random_chain(seed):
    rng = np.random.default_rng(seed)
    months = [("CLF21", date(2020, 12, 21)), ("CLG21", date(2021, 1, 20))]
    months += [("CLH21", date(2021, 2, 22)), ("CLJ21", date(2021, 3, 22))]
    chain = FuturesChain([future(*one) for one in months])
    days = pd.bdate_range("2020-12-01", "2021-03-05", tz="UTC") + pd.Timedelta("19h")
    walk = 50 + rng.normal(0, 1, (len(days), 4)).cumsum(axis=0) + np.arange(4) * 2
    closes = pd.DataFrame(walk, index=days, columns=list(chain.symbols))
    volume = pd.DataFrame(rng.uniform(0, 9, walk.shape), index=days, columns=closes.columns)
    return chain, closes, volume


def rules(volume):
    yield RollBefore(sessions=3)
    yield RollBefore(sessions=1, event=RollEvent.FIRST_NOTICE)
    yield RollOnActivity(activity=volume, latest=RollBefore(sessions=1))


@pytest.mark.parametrize("seed", range(3))
def test_adjusted_changes_are_what_trading_the_rolls_earned(seed):
    chain, closes, volume = random_chain(seed)
    for rule in rules(volume):
        found = chained(chain, closes, rule, as_of=LATE)
        assert len(found.rolls) >= 2
        series = found.series(DIFFERENCE)
        pd.testing.assert_series_equal(
            series.diff(), earned(found, closes).diff(), check_names=False
        )
        assert series.iloc[-1] == closes.loc[closes.index[-1], found.fronts.iloc[-1]]


@pytest.mark.parametrize("seed", range(3))
def test_nothing_of_later_changes_what_was_known(seed):
    chain, closes, volume = random_chain(seed)
    noise = np.random.default_rng(seed + 100).uniform(1, 99, closes.shape)
    for cut in range(1, len(closes), 7):
        at = closes.index[cut - 1].to_pydatetime()
        later = np.arange(len(closes))[:, None] >= np.full(4, cut)
        other, traded = closes.mask(later, noise), volume.mask(later, noise)
        for rule, spoiled in zip(rules(volume), rules(traded), strict=True):
            whole = chained(chain, closes, rule, as_of=LATE)
            known = chained(chain, other, spoiled, as_of=at)
            assert known.prices.equals(whole.prices.iloc[:cut])
            assert known.fronts.equals(whole.fronts.iloc[:cut])
            assert known.rolls == whole.rolls[: len(known.rolls)]
            for splice in (DIFFERENCE, RATIO):
                told = known.series(splice)
                assert told.iloc[-1] == pytest.approx(known.prices.iloc[-1] + last_gap(known))
            then, now = known.series(DIFFERENCE), whole.series(DIFFERENCE).iloc[:cut]
            assert then.diff().dropna().to_numpy() == pytest.approx(now.diff().dropna().to_numpy())


def last_gap(found) -> float:
    """The gap of a roll at the very last instant, after which the new contract is held."""
    rolls = [roll for roll in found.rolls if roll.at == found.prices.index[-1]]
    return rolls[0].gap if rolls else 0.0


def test_closes_out_of_the_store_are_known_at_the_close_and_when_they_came(database_url):
    engine = open_engine(database_url)
    store = BarStore(engine)
    days = [day.tz_convert("America/New_York").normalize() for day in DAYS]
    for symbol in OIL:
        for day, close in zip(days, CLOSES[symbol], strict=True):
            if close == close:
                at = day.to_pydatetime() + timedelta(hours=18)
                time = np.array([int(day.timestamp() * 1e6)])
                prices = {"close": np.array([close])}
                kind = {"timeframe": Timeframe.DAY, "adjustment": Adjustment.RAW}
                bar = Bars.of_symbol(symbol, time, prices, source="x", received_at=at, **kind)
                store.write(bar, at=at)
    span = datetime(2020, 4, 1, tzinfo=UTC), datetime(2020, 5, 1, tzinfo=UTC)
    found = chain_closes(store, oil(), *span, as_of=LATE)
    assert found.index[0] == pd.Timestamp("2020-04-14 21:00", tz="UTC")
    assert found.to_numpy().tolist()[:6] == CLOSES.to_numpy().tolist()[:6]
    monday = datetime(2020, 4, 20, 23, tzinfo=UTC)
    then = chained(
        oil(), chain_closes(store, oil(), *span, as_of=monday), RollBefore(), as_of=monday
    )
    assert then.series(DIFFERENCE).tolist()[-1] == 20.43
    before = chain_closes(store, oil(), *span, as_of=monday - timedelta(hours=2))
    assert before.index[-1] == pd.Timestamp("2020-04-17 21:00", tz="UTC")
    engine.dispose()


@pytest.mark.realdata
def test_real_oil_through_the_day_below_zero(real_data):
    chain, closes = real_chain(real_data, "CL", "2019-01-02", "2021-12-31")
    held = chained(chain, closes, RollBefore(sessions=0), as_of=LATE)
    low = held.series().idxmin()
    assert (str(low.date()), round(held.series().min(), 2)) == ("2020-04-20", -37.63)
    assert held.fronts[low] == "CLK20"
    with pytest.raises(InputError, match=r"2020-04-20 .* -37.63"):
        held.series(RATIO)
    early = chained(chain, closes, RollBefore(sessions=5), as_of=LATE)
    assert early.series().min() > 6
    assert len(early.rolls) == 36
    pd.testing.assert_series_equal(
        early.series(DIFFERENCE).diff(), earned(early, closes).diff(), check_names=False
    )
    returns = early.series(RATIO).pct_change().dropna()
    for roll in early.rolls:
        after = returns.index[returns.index > roll.at]
        if len(after):
            new = closes[roll.bought]
            assert returns[after[0]] == pytest.approx(new[after[0]] / roll.bought_at - 1)


@pytest.mark.realdata
def test_real_settlement_of_zero_on_a_sunday_is_no_price_to_roll_over(real_data):
    chain, closes = real_chain(real_data, "RB", "2017-06-01", "2017-12-29")
    sunday = pd.Timestamp("2017-08-27 20:00", tz="UTC")
    assert closes.loc[sunday, "RBV17"] == 0.0
    spoiled = chained(chain, closes, RollBefore(sessions=5), as_of=LATE)
    with pytest.raises(InputError, match=r"RB: the price at 2017-08-27 .* is 0, and a ratio"):
        spoiled.series(RATIO)
    clean = chained(chain, closes.drop(sunday), RollBefore(sessions=5), as_of=LATE)
    assert clean.series(RATIO).notna().all()
    assert [roll.sold for roll in clean.rolls][:3] == ["RBN17", "RBQ17", "RBU17"]
