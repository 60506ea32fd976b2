"""What a trader gets: tranches, capital, costs, gaps in prices, and the stamps of returns."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from math import ceil
from statistics import median

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_series_equal

from alphalens import performance as perf
from alphalens import utils
from alphalens.errors import InputError

from .golden.shapes import days, letters, long, normals, uniforms, walk

DATES, ASSETS = 60, 9
ROWS = DATES + 20


@pytest.fixture(scope="module")
def prices() -> pd.DataFrame:
    """Prices of nine assets on 80 business days."""
    return walk(3, days("2021-01-04", ROWS, freq="B"), letters(ASSETS))


@pytest.fixture(scope="module")
def factor(prices: pd.DataFrame) -> pd.Series:
    """Noise on the first 60 of these days."""
    return long(normals(4, DATES, ASSETS), prices.index[:DATES], letters(ASSETS))


@pytest.fixture(scope="module")
def fd(factor: pd.Series, prices: pd.DataFrame) -> pd.DataFrame:
    """Clean data of it, from which nothing was lost."""
    return utils.get_clean_factor_and_forward_returns(factor, prices, quantiles=3, periods=(1, 5))


def table(columns: dict[str, list[float]]) -> pd.DataFrame:
    """Return prices on business days."""
    height = len(next(iter(columns.values())))
    return pd.DataFrame(columns, index=days("2024-01-01", height, freq="B"), dtype=float)


def decided(prices: pd.DataFrame, *rows: int) -> pd.Series:
    """Return a factor that wants half of the first column and minus half of the second."""
    values = np.tile([2.0, 1.0], (len(rows), 1))
    return long(values, prices.index[list(rows)], prices.columns[:2])


# --- an account of cash and shares --------------------------------------------------------------


def parts_of(book: Iterable[int], row: int, holding: int) -> int:
    """Return how many equal parts the capital has on a row."""

    def alive(at: int) -> int:
        return sum(start <= at < start + holding for start in book)

    full, last = min(min(book) + holding - 1, max(book)), max(book)
    usual = 1.0
    if row < full:
        usual = median(alive(at) for at in range(full, min(full + holding, last + 1)))
    elif row > last:
        usual = median(alive(at) for at in range(max(full, last - holding + 1), last + 1))
    return max(alive(row), ceil(usual))


def accounted(
    weights: pd.DataFrame, prices: pd.DataFrame, holding: int, *, delay: int, cost: float
) -> pd.Series:
    """Follow the cash, and the shares of each tranche, one trade after the other."""
    book = {prices.index.get_loc(date) + delay: w.dropna() for date, w in weights.iterrows()}
    book = {row: w for row, w in book.items() if row < len(prices) - 1}
    first, last = min(book), max(book)
    cash, owned, tranches, marks, capital = 1.0, {}, [], {}, []
    for row in range(first, len(prices)):
        quoted = prices.iloc[: row + 1].ffill().iloc[-1].dropna()
        marks |= quoted.to_dict()
        worth = cash + sum(n * marks[a] for a, n in owned.items())
        capital.append(worth)
        parts = parts_of(book, row, holding)
        tranches = [t for t in tranches if row < t["start"] + holding]
        for tranche in tranches:
            scale = tranche["parts"] / parts
            tranche["shares"] = {a: n * scale for a, n in tranche["shares"].items()}
            tranche["parts"] = parts
        today = prices.iloc[row].dropna()
        if row in book:
            shares = {
                a: w * worth / parts / today[a] for a, w in book[row].items() if a in today.index
            }
            tranches.append({"start": row, "parts": parts, "shares": shares})
        is_end = row == len(prices) - 1
        for asset in prices.columns:
            wanted = 0.0 if is_end else sum(t["shares"].get(asset, 0.0) for t in tranches)
            never_again = prices[asset].iloc[row:].isna().all()
            traded = wanted - owned.get(asset, 0.0)
            if traded and (asset in today.index or never_again or is_end):
                cash -= traded * marks[asset] + cost * abs(traded) * marks[asset]
                owned[asset] = wanted
        if is_end or (row >= last + holding and not any(owned.values())):
            break
    capital[-1] = cash
    index = prices.index[first + 1 : first + len(capital)].rename("date")
    return pd.Series(capital, dtype=float).pct_change().iloc[1:].set_axis(index)


SCHEDULES = {
    "daily": np.arange(DATES),
    "weekly": np.arange(0, DATES, 5),
    "monthly": np.array([0, 19, 41, 59]),
    "irregular": np.array([0, 1, 3, 4, 5, 11, 12, 13, 20, 34, 35, 36, 37, 58]),
}


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize(("holding", "delay"), [(1, 0), (5, 1), (21, 2)])
def test_returns_are_those_of_an_account_of_cash_and_shares(
    factor, prices, schedule, holding, delay
):
    chosen = factor.loc[prices.index[SCHEDULES[schedule]]]

    ours = perf.overlapping_returns(chosen, prices, holding, delay=delay, cost_bps=30)

    wide = perf.factor_weights(chosen.to_frame()).unstack()  # noqa: PD010 - wide
    theirs = accounted(wide, prices, holding, delay=delay, cost=0.003)
    assert_series_equal(ours, theirs, check_names=False, check_freq=False, rtol=1e-9, atol=1e-13)
    assert ours.name == f"{holding} rows"


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("holding", [1, 5])
def test_an_account_that_meets_gaps_in_prices_keeps_every_loss(factor, prices, schedule, holding):
    holed = prices.mask(uniforms(9, *prices.shape) < 0.15)
    holed.iloc[:10, 0] = np.nan  # listed late
    holed.iloc[40:, 1] = np.nan  # delisted
    chosen = factor.loc[prices.index[SCHEDULES[schedule]]]

    with pytest.warns(UserWarning, match="were not taken"):
        ours = perf.overlapping_returns(chosen, holed, holding, cost_bps=30)

    wide = perf.factor_weights(chosen.to_frame()).unstack()  # noqa: PD010 - wide
    theirs = accounted(wide, holed, holding, delay=0, cost=0.003)
    assert_series_equal(ours, theirs, check_names=False, check_freq=False, rtol=1e-9, atol=1e-13)


# --- the capital --------------------------------------------------------------------------------


def test_one_row_tranches_earn_the_factor_return_of_the_day(factor, fd, prices):
    ours = perf.overlapping_returns(factor, prices, 1, is_realised=False)

    theirs = perf.factor_returns(fd)["1D"]
    np.testing.assert_allclose(ours.to_numpy(), theirs.to_numpy(), atol=1e-14)
    assert ours.index.equals(pd.DatetimeIndex(theirs.index))


def test_a_weekly_trade_held_for_a_week_compounds_to_the_factor_return_of_the_week(
    factor, fd, prices
):
    weeks = prices.index[:DATES:5]

    daily = perf.overlapping_returns(factor.loc[weeks], prices, 5)

    weekly = (1 + daily).to_numpy().reshape(-1, 5).prod(axis=1) - 1
    np.testing.assert_allclose(weekly, perf.factor_returns(fd).loc[weeks, "5D"], atol=1e-14)


@pytest.mark.parametrize(
    ("schedule", "holding", "full"),
    [
        ("daily", 5, 4),
        ("daily", 21, 20),
        ("weekly", 5, 0),
        ("weekly", 10, 5),
        ("monthly", 22, 0),
        ("irregular", 21, 20),
    ],
)
def test_a_full_book_has_the_whole_capital_at_work(prices, schedule, holding, full):
    rising = prices * 0 + 1.000001 ** np.arange(ROWS)[:, None]
    rows = SCHEDULES[schedule]
    ones = long(np.ones((len(rows), ASSETS)), prices.index[rows], prices.columns)

    returns = perf.overlapping_returns(ones, rising, holding, long_short=False) / 1e-6

    np.testing.assert_allclose(returns.iloc[full : rows[-1] + 1], 1.0, atol=1e-3)
    assert (returns < 1.001).all()


def test_a_book_of_every_row_is_built_up_and_run_down_in_equal_parts(prices):
    rising = prices * 0 + 1.000001 ** np.arange(ROWS)[:, None]
    ones = long(np.ones((DATES, ASSETS)), prices.index[:DATES], prices.columns)

    returns = perf.overlapping_returns(ones, rising, 4, long_short=False) / 1e-6

    np.testing.assert_allclose(returns.iloc[:4], [0.25, 0.5, 0.75, 1.0], atol=1e-4)
    np.testing.assert_allclose(returns.iloc[-4:], [1.0, 0.75, 0.5, 0.25], atol=1e-4)


def test_a_date_without_a_weight_is_no_trade(factor, prices):
    weekly = factor.loc[prices.index[:DATES:5]]
    spread_out = factor.where(factor.index.get_level_values("date").isin(prices.index[::5]))

    one, other = (perf.overlapping_returns(f, prices, 5) for f in (weekly, spread_out))

    assert_series_equal(one, other)


@settings(max_examples=20, deadline=None)
@given(holding=st.integers(1, 12), delay=st.integers(0, 6))
def test_returns_after_a_date_change_nothing_before_it(holding, delay):
    prices = walk(3, days("2021-01-04", 40, freq="B"), letters(4))
    factor = long(normals(4, 20, 4), prices.index[:20], letters(4))
    later = prices.copy()
    later.iloc[25:] *= 2.0

    one, other = (
        perf.overlapping_returns(factor, p, holding, delay=delay) for p in (prices, later)
    )

    known = prices.index[24]
    assert_series_equal(one[:known], other[:known])


def test_a_lost_capital_ends_the_returns_and_is_told():
    prices = table({"A": [1, 1, 4, 4, 4], "B": [1, 1, 1, 1, 1]})
    short = -decided(prices, 0, 1, 2, 3)

    with pytest.warns(UserWarning, match="whole capital was lost after 2 rows"):
        returns = perf.overlapping_returns(short, prices, 1)

    assert returns.tolist() == [0.0, -1.5]


# --- costs --------------------------------------------------------------------------------------


def test_entry_and_exit_are_paid_and_nothing_in_between():
    prices = table({"A": [1] * 6, "B": [1] * 6})

    returns = perf.overlapping_returns(decided(prices, 0), prices, 3, cost_bps=100)

    np.testing.assert_allclose((1 + returns).cumprod(), [0.99, 0.99, 0.98])


def test_a_trade_renewed_as_it_ends_pays_for_the_drift_alone():
    prices = table({"A": [1, 2, 2, 2], "B": [1, 1, 1, 1]})

    returns = perf.overlapping_returns(decided(prices, 0, 1), prices, 1, cost_bps=100)

    # 1 bought; worth 1.49, of which half and minus half: 0.255 of A sold, 0.245 of B
    np.testing.assert_allclose((1 + returns).cumprod(), [1.49, 1.49 - 0.005 - 0.0149])


def test_what_the_end_of_prices_leaves_open_is_sold_there():
    prices = table({"A": [1, 1, 1], "B": [1, 1, 1]})

    returns = perf.overlapping_returns(decided(prices, 0, 1), prices, 9, cost_bps=100)

    np.testing.assert_allclose((1 + returns).cumprod(), [0.995, 0.995 - 0.004975 - 0.009975])


# --- gaps in prices -----------------------------------------------------------------------------


def test_the_row_of_the_reopening_bears_the_whole_move():
    prices = table({"A": [100, np.nan, 50, 50, 50], "B": [100] * 5})

    with pytest.warns(UserWarning, match="1 of 6 values of positions"):
        returns = perf.overlapping_returns(decided(prices, 0), prices, 3)

    np.testing.assert_allclose(returns, [0.0, -0.25, 0.0])


def test_a_sale_that_meets_no_price_waits_for_the_next():
    prices = table({"A": [100, np.nan, np.nan, 50, 50], "B": [100] * 5})

    with pytest.warns(UserWarning, match="last known price"):
        returns = perf.overlapping_returns(decided(prices, 0), prices, 1)

    np.testing.assert_allclose(returns, [0.0, 0.0, -0.25])


@pytest.mark.parametrize("none", [np.nan, np.inf, 0.0])
def test_a_purchase_that_meets_no_price_is_left_out_and_told(none):
    prices = table({"A": [none, 100, 50, 50], "B": [100] * 4, "C": [1, 1, 2, 2]})

    with pytest.warns(UserWarning, match="1 of 4 positions were not taken"):
        returns = perf.overlapping_returns(decided(prices, 0, 1), prices, 1)

    np.testing.assert_allclose(returns, [0.0, -0.25])


@pytest.mark.parametrize(
    ("final", "lost", "told"), [(np.nan, 0.0, "1 of 2 assets, first A, were sold"), (0.0, -0.5, "")]
)
def test_a_delisted_asset_is_worth_what_prices_say(final, lost, told):
    prices = table({"A": [100, final, np.nan, np.nan], "B": [100] * 4})

    with pytest.warns(UserWarning, match=told):
        returns = perf.overlapping_returns(decided(prices, 0), prices, 2)

    np.testing.assert_allclose(returns, [lost, 0.0])


def test_assets_and_dates_that_prices_do_not_have_are_told(factor, prices):
    with pytest.warns(UserWarning, match="60 of 540 positions were not taken"):
        perf.overlapping_returns(factor, prices.drop(columns="C"), 1)
    with pytest.warns(UserWarning, match="1 of 60 dates of the factor are no rows"):
        perf.overlapping_returns(factor, prices.drop(index=prices.index[7]), 1)


# --- what may be given --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def crash() -> tuple[pd.Series, pd.DataFrame]:
    """A factor that likes A, and prices of which A's lose 80 % on one day."""
    dates = days("2021-01-04", 600, freq="B")
    prices = walk(5, dates, letters(ASSETS))
    prices.iloc[400:, 0] *= 0.2
    values = normals(6, 599, ASSETS)
    values[:, 0] = 5.0
    return long(values, dates[:599], letters(ASSETS)), prices


def cleaned(crash: tuple[pd.Series, pd.DataFrame], filter_zscore: float | None) -> pd.DataFrame:
    return utils.get_clean_factor_and_forward_returns(
        *crash, periods=(1,), quantiles=3, filter_zscore=filter_zscore
    )


def test_the_factor_itself_holds_the_crash(crash):
    factor, prices = crash
    share = perf.factor_weights(factor.to_frame())[prices.index[399], "A"]

    for given_as in (factor, factor.to_frame(), cleaned(crash, None)):
        returns = perf.overlapping_returns(given_as, prices, 1)
        assert returns[prices.index[400]] == pytest.approx(-0.8 * share, abs=0.02)


@pytest.mark.parametrize(
    "given_as",
    [
        lambda data: data,
        lambda data: data.copy(),
        lambda data: data["factor"],
        lambda data: data[["factor"]],
        lambda data: data.assign(factor=1.0),
    ],
    ids=["itself", "copy", "column", "columns", "assigned"],
)
def test_cleaned_data_without_the_crash_are_refused_with_count_and_remedy(crash, given_as):
    with pytest.raises(InputError, match=r"1 rows .*zscore filter: 1.*before cleaning"):
        perf.overlapping_returns(given_as(cleaned(crash, 15)), crash[1], 1)


def test_what_is_cleaned_again_without_a_loss_is_still_without_the_crash(crash):
    factor, prices = cleaned(crash, 15)["factor"], crash[1]

    again = utils.get_clean_factor_and_forward_returns(
        factor, prices, periods=(1,), quantiles=3, filter_zscore=None
    )

    assert len(again) == len(factor)
    with pytest.raises(InputError, match="zscore filter: 1"):
        perf.overlapping_returns(again, prices, 1)


def test_an_infinite_factor_is_a_missing_one(factor, prices):
    holes, infinite = factor.copy(), factor.copy()
    holes.iloc[5], infinite.iloc[5] = np.nan, np.inf

    assert_series_equal(
        perf.overlapping_returns(infinite, prices, 2), perf.overlapping_returns(holes, prices, 2)
    )


def test_forward_returns_that_were_missing_count_as_known_later(factor, prices):
    ahead = utils.compute_forward_returns(factor, prices, (1,))
    ahead.iloc[[3, 40, 41]] = np.nan
    data = utils.get_clean_factor(factor, ahead, quantiles=3)

    with pytest.raises(InputError, match=r"3 rows .*no forward return: 3"):
        perf.overlapping_returns(data, prices, 1)


def test_cleaned_data_that_lost_their_last_dates_alone_are_taken(factor, prices):
    short = prices.iloc[: DATES - 2]
    data = utils.get_clean_factor_and_forward_returns(factor, short, quantiles=3, periods=(1, 5))

    known = data.index.get_level_values("date").max()
    ours = perf.overlapping_returns(data, short, 1, is_realised=False)

    theirs = perf.overlapping_returns(factor[:known], short, 1, is_realised=False)
    assert_series_equal(ours, theirs)


def test_a_part_of_cleaned_data_is_told_to_know_nothing_of_its_losses(crash, fd, prices):
    with pytest.warns(UserWarning, match="parts of a frame and files.*before cleaning"):
        perf.overlapping_returns(cleaned(crash, 15).iloc[3:], crash[1], 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        perf.overlapping_returns(fd, prices, 1)
        perf.overlapping_returns(fd[["factor"]], prices, 1)


def test_a_series_needs_no_names(factor, prices):
    bare = factor.rename_axis(index=[None, None]).rename(None)

    assert_series_equal(
        perf.overlapping_returns(bare, prices, 5), perf.overlapping_returns(factor, prices, 5)
    )


def test_groups_come_with_a_frame(factor, prices):
    frame = factor.to_frame()
    frame["group"] = frame.index.get_level_values("asset").map(lambda name: name < "E")
    by_group = perf.overlapping_returns(frame, prices, 1, group_neutral=True)

    data = utils.get_clean_factor_and_forward_returns(
        factor, prices, groupby=frame["group"], quantiles=3, periods=(1,)
    )
    np.testing.assert_allclose(by_group, perf.factor_returns(data, True, True)["1D"], atol=1e-14)


@pytest.mark.parametrize("holding", [0, -1, 1.5, 5.0, np.nan, "5", None, True])
def test_a_holding_that_is_no_number_of_rows_is_quoted(factor, prices, holding):
    with pytest.raises(InputError, match=f"holding .*whole number, 1 or more, got {holding!r}: "):
        perf.overlapping_returns(factor, prices, holding)


@pytest.mark.parametrize("delay", [-1, 0.5, "1", None])
def test_a_delay_that_is_no_number_of_rows_is_quoted(factor, prices, delay):
    with pytest.raises(InputError, match=f"delay .*whole number, 0 or more, got {delay!r}: "):
        perf.overlapping_returns(factor, prices, 1, delay=delay)


@pytest.mark.parametrize("cost", [-1.0, np.nan, np.inf, "5", None, True, [5.0]])
def test_a_cost_that_is_no_number_of_basis_points_is_quoted(factor, prices, cost):
    with pytest.raises(InputError, match=r"cost_bps .*0 or more, got .*: give"):
        perf.overlapping_returns(factor, prices, 1, cost_bps=cost)


def test_whole_numbers_of_numpy_are_whole_numbers(factor, prices):
    numpy = perf.overlapping_returns(
        factor, prices, np.int64(5), delay=np.int32(1), cost_bps=np.float64(5)
    )

    assert_series_equal(numpy, perf.overlapping_returns(factor, prices, 5, delay=1, cost_bps=5))


def test_prices_that_cannot_be_traded_are_refused(factor, prices):
    for wrong, told in (
        (prices.add_suffix("?"), "can be traded"),
        (prices.tz_localize("UTC"), "time zone"),
        (prices[::-1], "ascend"),
        (prices.stack(), "prices.unstack"),
        (prices["A"], "times x assets"),
        (prices[["A", "B", "A"]], r"repeats the columns \['A'\]"),
    ):
        with pytest.raises(InputError, match=told):
            perf.overlapping_returns(factor, wrong, 1)
    with pytest.raises(InputError, match="first trade is on row"):
        perf.overlapping_returns(factor, prices, 1, delay=200)


def test_a_factor_that_repeats_a_row_is_refused(factor, prices):
    with pytest.raises(InputError, match="factor repeats 1 rows"):
        perf.overlapping_returns(pd.concat([factor, factor.iloc[:1]]), prices, 1)


# --- stamps -------------------------------------------------------------------------------------


def test_realised_returns_are_stamped_a_period_later_on_the_calendar(fd):
    returns = perf.factor_returns(fd)

    known = perf.realised(returns)

    assert known["1D"].dropna().index[0] == fd.index.levels[0][1]
    assert known["5D"].dropna().index[0] == fd.index.levels[0][5]
    for name in ("1D", "5D"):
        np.testing.assert_array_equal(known[name].dropna(), returns[name])


def test_a_series_without_a_period_for_a_name_is_refused(fd):
    with pytest.raises(InputError, match="'gain'"):
        perf.realised(perf.factor_returns(fd)["1D"].rename("gain"))
