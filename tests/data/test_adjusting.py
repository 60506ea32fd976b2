"""Raw prices become adjusted ones and raw ones again, by what was known."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphalens.data.adjusting import adjusted, known_actions
from alphalens.data.bars import Adjustment, Bars, Timeframe
from alphalens.data.port import CorporateAction
from alphalens.errors import DataError, InputError

from .factor_files import actions_of

RAW, SPLIT, ALL = Adjustment.RAW, Adjustment.SPLIT, Adjustment.ALL
FIRST = date(2024, 1, 1)
LATE = datetime(2030, 1, 1, tzinfo=UTC)


def daily(closes, symbol="A", first=FIRST, volume=100.0) -> Bars:
    days = pd.date_range(first, periods=len(closes), tz="America/New_York")
    close = np.asarray(closes, float)
    prices = {"open": close - 1, "high": close + 1, "low": close - 2, "close": close}
    prices |= {"vwap": close, "volume": np.full(len(close), volume)}
    return Bars.of_symbol(
        symbol,
        days.as_unit("us").asi8,
        prices,
        source="x",
        received_at=LATE,
        timeframe=Timeframe.DAY,
        adjustment=RAW,
    )


def action(kind, day, symbol="A", **changes) -> CorporateAction:
    ex_date = FIRST + timedelta(days=day)
    seen_at = datetime.combine(ex_date, datetime.min.time(), UTC)
    known = {"symbol": symbol, "kind": kind, "ex_date": ex_date, "seen_at": seen_at}
    amounts = {name: Decimal(str(value)) for name, value in changes.items()}
    return CorporateAction(**known, source="x", **amounts)


def close(bars, *given, to, as_of=LATE):
    return adjusted(bars, given, to, as_of=as_of).close.tolist()


def test_split_divides_the_prices_before_it_and_multiplies_the_volume():
    found = adjusted(daily([70, 77, 11]), [action("split", 2, ratio=7)], SPLIT, as_of=LATE)
    assert found.close == pytest.approx([10, 11, 11])
    assert found.open == pytest.approx([69 / 7, 76 / 7, 10])
    assert found.volume == pytest.approx([700, 700, 100])
    assert found.adjustment is SPLIT


def test_dividend_takes_its_share_of_the_close_before_it_and_leaves_the_volume():
    raw, paid = daily([100, 50, 49]), action("dividend", 2, cash=1)
    assert close(raw, paid, to=ALL) == pytest.approx([98, 49, 49])
    assert close(raw, paid, to=SPLIT) == [100, 50, 49]
    assert adjusted(raw, [paid], ALL, as_of=LATE).volume.tolist() == [100.0] * 3


def test_split_and_dividend_of_one_day_both_count_by_the_close_as_it_was_traded():
    both = action("split", 1, ratio=2), action("dividend", 1, cash=10)
    assert close(daily([100, 45]), *both, to=ALL) == pytest.approx([45, 45])


def test_actions_of_one_symbol_do_not_touch_another():
    both = Bars.concat([daily([10, 10]), daily([10, 10], symbol="B")])
    assert close(both, action("split", 1, symbol="B", ratio=2), to=SPLIT) == [10, 10, 5, 10]


def test_what_was_not_known_or_not_yet_so_is_left_out():
    split = action("split", 1, ratio=2)
    rumour = replace(split, seen_at=split.seen_at - timedelta(days=9))
    late = replace(split, seen_at=split.seen_at + timedelta(days=9))
    on_the_day = split.seen_at + timedelta(hours=20)
    assert known_actions([rumour], on_the_day - timedelta(days=1)) == ()
    assert known_actions([rumour, late, split], on_the_day) == (rumour, split)
    assert close(daily([10, 5]), late, to=SPLIT, as_of=on_the_day) == [10, 5]
    assert close(daily([10, 5]), late, to=SPLIT) == [5, 5]
    with pytest.raises(InputError, match="a time zone is needed"):
        known_actions([], datetime(2024, 1, 1))


def test_action_before_the_first_row_and_of_another_kind_change_nothing():
    before, other = action("split", 0, ratio=2), action("rename", 1)
    assert close(daily([10, 5]), before, other, to=ALL) == [10, 5]


@pytest.mark.parametrize("cash", [50, 60])
def test_dividend_as_large_as_the_price_is_an_error(cash):
    with pytest.raises(DataError, match=r"A: the dividend of .* does not fit the close 50.0"):
        close(daily([50, 1]), action("dividend", 1, cash=cash), to=ALL)


def test_missing_close_before_a_dividend_is_an_error():
    with pytest.raises(DataError, match="does not fit the close nan"):
        close(daily([np.nan, 1]), action("dividend", 1, cash=1), to=ALL)


@st.composite
def histories(draw):
    closes = draw(st.lists(st.floats(5, 500), min_size=2, max_size=12))
    days = st.integers(0, len(closes))
    splits = st.builds(
        lambda d, r: action("split", d, ratio=r), days, st.sampled_from([2, 3, 7, "0.1", "1.5"])
    )
    paid = st.builds(lambda d, c: action("dividend", d, cash=c), days, st.floats(0.01, 1.0))
    return daily(closes), tuple(draw(st.lists(splits | paid, max_size=5)))


@given(histories(), st.sampled_from([SPLIT, ALL]), st.sampled_from([SPLIT, ALL]))
def test_there_and_back_is_where_it_began(history, first, second):
    raw, actions = history
    once = adjusted(raw, actions, first, as_of=LATE)
    direct = adjusted(raw, actions, second, as_of=LATE)
    twice = adjusted(once, actions, second, as_of=LATE)
    back = adjusted(twice, actions, RAW, as_of=LATE)
    for name in ("open", "high", "low", "close", "vwap", "volume"):
        assert getattr(twice, name) == pytest.approx(getattr(direct, name), rel=1e-9)
        assert getattr(back, name) == pytest.approx(getattr(raw, name), rel=1e-9)


@given(histories())
def test_return_of_an_ex_day_counts_what_was_paid(history):
    raw, actions = history
    whole = adjusted(raw, actions, ALL, as_of=LATE).close
    for day in range(1, len(raw)):
        own = [a for a in actions if a.ex_date == FIRST + timedelta(days=day)]
        ratio = float(np.prod([float(a.ratio) for a in own]))
        cash = float(sum(a.cash for a in own))
        before, after = raw.close[day - 1], raw.close[day]
        assert whole[day] / whole[day - 1] == pytest.approx(after * ratio / (before - cash))


@pytest.mark.realdata
@pytest.mark.parametrize("symbol", ["AAPL", "IBM", "BAC", "SPY"])
def test_real_factors_of_twenty_years_are_met(real_data, symbol):
    raw = pd.read_parquet(real_data / "us_equity_raw_daily_lean_1998_2021.parquet")
    raw = raw[raw["symbol"] == symbol].sort_values("date")
    factors = pd.read_parquet(real_data / "us_equity_factor_files_lean.parquet")
    factors = factors[factors["symbol"] == symbol].sort_values("date").reset_index(drop=True)
    bars = Bars.of_symbol(
        symbol,
        pd.DatetimeIndex(raw["date"]).tz_localize("America/New_York").as_unit("us").asi8,
        {"close": raw["close"].to_numpy(float), "volume": raw["volume"].to_numpy(float)},
        source="lean",
        received_at=LATE,
        timeframe=Timeframe.DAY,
        adjustment=RAW,
    )
    actions = list(actions_of(symbol, factors))
    place = factors["date"].searchsorted(raw["date"])
    wanted = (factors["price_factor"] * factors["split_factor"]).to_numpy()[place]
    found = adjusted(bars, actions, ALL, as_of=LATE).close / bars.close
    assert len(actions) > 10
    # The factors are told with 7 digits, and refer to their own closing prices.
    assert found == pytest.approx(wanted / wanted[-1] * found[-1], rel=2e-3)
