"""Metrics: definitions written out with pandas, conventions, calendars, layouts, failures."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal, assert_index_equal, assert_series_equal

from alphalens import performance as perf
from alphalens import utils
from alphalens.errors import InputError

from .golden.shapes import days, letters, normals, uniforms

PERIODS = ["1D", "5D"]


def made(
    *, dates: pd.DatetimeIndex | None = None, n_assets: int = 8, gaps: bool = False
) -> pd.DataFrame:
    """Return factor_data made by hand: two periods, two groups, three quantiles."""
    dates = days("2021-01-04", 9, freq="B") if dates is None else dates
    index = pd.MultiIndex.from_product([dates, letters(n_assets)], names=["date", "asset"])
    values = normals(1, 3, len(index))
    frame = pd.DataFrame(
        {"1D": values[0] / 50, "5D": values[1] / 20, "factor": values[2]}, index=index
    )
    frame["group"] = pd.Categorical(["xy"[i % 2] for i in range(len(index))])
    frame["factor_quantile"] = 1 + (uniforms(2, len(index)) * 3).astype(int)
    return frame[uniforms(3, len(index)) < 0.75] if gaps else frame


@pytest.fixture
def fd() -> pd.DataFrame:
    """Nine business days, eight assets, every row there."""
    return made()


@pytest.fixture
def prices(fd: pd.DataFrame) -> pd.DataFrame:
    """Prices of these assets from a week before to a week after."""
    dates = days("2020-12-28", 19, freq="B")
    growth = np.cumprod(1 + normals(5, 19, 8) / 50, axis=0)
    return pd.DataFrame(100 * growth, index=dates, columns=letters(8))


def stepped(frame: pd.DataFrame, freq: object) -> pd.DataFrame:
    """Return the frame with another freq on its dates."""
    level = pd.DatetimeIndex(frame.index.levels[0], freq=freq)
    return frame.set_axis(frame.index.set_levels(level, level="date"))


# --- information coefficient --------------------------------------------------------------------


@pytest.mark.parametrize("gaps", [False, True])
def test_ic_is_the_rank_correlation_of_each_date(gaps):
    frame = made(gaps=gaps)

    ic = perf.factor_information_coefficient(frame)

    for date, day in frame.groupby(level="date"):
        ranks = day[["factor", *PERIODS]].rank()
        np.testing.assert_allclose(
            ic.loc[date], ranks[PERIODS].corrwith(ranks["factor"]), atol=1e-14
        )


def test_ic_of_a_perfect_order_is_exactly_one(fd):
    fd["1D"] = fd["factor"] ** 3

    ic = perf.factor_information_coefficient(fd)

    assert (ic["1D"] == 1.0).all()


def test_group_adjusted_ic_takes_returns_less_those_of_the_group(fd):
    adjusted = fd.copy()
    means = fd.groupby(["date", "group"], observed=True)[PERIODS].transform("mean")
    adjusted[PERIODS] = fd[PERIODS] - means

    ours = perf.factor_information_coefficient(fd, group_adjust=True)

    assert_frame_equal(ours, perf.factor_information_coefficient(adjusted))


def test_ic_by_group_lists_the_cells_that_occur(fd):
    first = fd.index.levels[0][0]
    frame = fd[~((fd.index.get_level_values("date") == first) & (fd["group"] == "x"))]

    ic = perf.factor_information_coefficient(frame, by_group=True)

    assert (first, "x") not in ic.index
    assert (first, "y") in ic.index
    assert isinstance(ic.index.levels[1], pd.CategoricalIndex)
    assert ic.index.levels[0].freq is None


def test_group_column_of_plain_text_works_as_a_category(fd):
    text = fd.assign(group=fd["group"].astype(str))

    for options in ({"by_group": True}, {"group_adjust": True}):
        ours = perf.factor_information_coefficient(text, **options)
        want = perf.factor_information_coefficient(fd, **options)
        np.testing.assert_array_equal(ours, want)


def test_one_missing_return_makes_its_date_and_period_nan_alone(fd):
    fd.iloc[3, 0] = np.nan

    ic = perf.factor_information_coefficient(fd)

    assert ic.isna().to_numpy().nonzero() == (np.array([0]), np.array([0]))


@pytest.mark.parametrize(("old", "new"), [("M", "ME"), ("2M", "2ME"), ("W", "W-SUN")])
def test_mean_ic_takes_old_and_new_spellings_of_time(fd, old, new):
    ours = perf.mean_information_coefficient(fd, by_time=old)

    assert_frame_equal(ours, perf.mean_information_coefficient(fd, by_time=new))
    assert ours.index.name == "date"
    assert ours.index.freq is not None


def test_mean_ic_by_time_takes_offset_objects(fd):
    ours = perf.mean_information_coefficient(fd, by_time=pd.offsets.MonthEnd())

    assert_series_equal(
        ours.iloc[0], perf.mean_information_coefficient(fd), check_names=False, rtol=1e-12
    )


# --- the calendar rule --------------------------------------------------------------------------

GRIDDED = {
    "ic": perf.factor_information_coefficient,
    "returns": perf.factor_returns,
    "autocorrelation": perf.factor_rank_autocorrelation,
    "turnover": lambda frame: perf.quantile_turnover(frame["factor_quantile"], 2),
}


@pytest.mark.parametrize("metric", GRIDDED)
def test_dates_missing_from_the_calendar_are_nan_rows_of_its_grid(fd, metric):
    gone = fd.index.levels[0][4]

    result = GRIDDED[metric](fd.drop(gone, level="date"))

    assert_index_equal(result.index, fd.index.levels[0])
    assert result.index.freq == pd.offsets.BDay()
    assert result.loc[gone : gone + pd.offsets.BDay(0)].isna().all(axis=None)


@pytest.mark.parametrize("metric", GRIDDED)
def test_without_a_calendar_the_observed_dates_stay(fd, metric):
    result = GRIDDED[metric](stepped(fd, None).drop(fd.index.levels[0][4], level="date"))

    assert len(result) == 8
    assert result.index.freq is None
    assert result.index.name == "date"


@pytest.mark.parametrize("freq", ["h", "30min", "5B", "W-FRI"])
def test_any_freq_of_the_level_is_the_grid(freq):
    frame = made(dates=days("2021-01-08 10:00", 6, freq=freq, tz="US/Eastern"))
    middle = frame.index.levels[0][2]

    ic = perf.factor_information_coefficient(frame.drop(middle, level="date"))

    assert_index_equal(ic.index, frame.index.levels[0])
    assert ic.loc[middle].isna().all()


@pytest.mark.parametrize("metric", GRIDDED)
def test_intraday_rows_without_freq_never_vanish(metric):
    clock = [pd.Timedelta(hours=h) for h in (9, 11, 15)]
    stamps = [day + at for day in days("2021-01-04", 3, freq="B") for at in clock]
    frame = made(dates=pd.DatetimeIndex(stamps))

    assert len(GRIDDED[metric](frame)) == 9


@pytest.mark.parametrize("freq", [None, "B"])
@pytest.mark.parametrize("metric", GRIDDED)
def test_a_result_renamed_in_place_leaves_the_next_result_alone(fd, metric, freq):
    frame = stepped(fd, freq)
    labels = frame["factor_quantile"]
    call = GRIDDED[metric] if metric != "turnover" else lambda _: perf.quantile_turnover(labels, 2)

    first = call(frame)
    first.index.name = "when"
    first.index.freq = None

    second = call(frame)
    assert second.index.name == "date"
    assert second.index.freq == (None if freq is None else pd.offsets.BDay())


@pytest.mark.parametrize("freq", ["D", "B"])
def test_every_other_date_of_a_calendar_has_that_calendar(freq):
    dates = days("2024-01-02", 20, freq=freq)
    index = pd.MultiIndex.from_product([dates, ["A"]], names=["date", "asset"])
    weights = pd.Series(1.0, index)
    thinned = weights[np.isin(index.codes[0], np.arange(0, 20, 2))]

    book = perf.positions(thinned, "1D")  # pytest turns the warning of no calendar into an error

    assert_frame_equal(book, perf.positions(thinned, "1D", freq=freq))


# --- weights and returns ------------------------------------------------------------------------


@pytest.mark.parametrize("gaps", [False, True])
def test_weights_are_the_demeaned_factor_at_gross_one(gaps):
    frame = made(gaps=gaps)
    by_date = frame["factor"].groupby(level="date")
    moved = frame["factor"] - by_date.transform("mean")

    weights = perf.factor_weights(frame)

    want = moved / moved.abs().groupby(level="date").transform("sum")
    assert_series_equal(weights, want, rtol=1e-12)


def test_every_group_with_exposure_weighs_the_same(fd):
    lonely = fd.copy()
    lonely["group"] = ["z"] + ["x", "y"] * 35 + ["x"]

    weights = perf.factor_weights(lonely, group_adjust=True)

    gross = weights.abs().groupby([weights.index.get_level_values(0), lonely["group"]]).sum()
    assert np.isnan(weights.iloc[0])
    np.testing.assert_allclose(gross[gross > 0], 0.5)


def dead(fd: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with a constant factor on its first date."""
    frame = fd.copy()
    frame.loc[frame.index.levels[0][0], "factor"] = 0.3
    return frame


def test_original_convention_gives_nan_to_a_date_without_exposure(fd):
    frame = dead(fd)

    assert perf.factor_weights(frame).iloc[:8].isna().all()
    assert perf.factor_returns(frame).iloc[0].isna().all()


def test_reloaded_convention_gives_zero_to_a_date_without_exposure(fd):
    frame = dead(fd)
    frame.iloc[2, frame.columns.get_loc("factor")] = np.nan

    with utils.options.context(convention="reloaded"):
        weights = perf.factor_weights(frame)
        returns = perf.factor_returns(frame)

    assert (weights.iloc[:8].drop(index=weights.index[2]) == 0).all()
    assert np.isnan(weights.iloc[2])
    assert (returns.iloc[0] == 0).all()


def test_reloaded_convention_halves_the_spread_and_its_error(fd):
    means, errors = perf.mean_return_by_quantile(fd, by_date=True)
    whole = perf.compute_mean_returns_spread(means, 3, 1, errors)

    with utils.options.context(convention="reloaded"):
        half = perf.compute_mean_returns_spread(means, 3, 1, errors)

    for ours, full in zip(half, whole, strict=True):
        assert_frame_equal(ours * 2, full)


def test_returns_by_asset_sum_to_the_returns(fd):
    parts = perf.factor_returns(fd, by_asset=True)

    total = parts.groupby(level="date").sum()
    assert parts.index.equals(fd.index)
    np.testing.assert_allclose(total, perf.factor_returns(fd))


def test_metrics_work_without_columns_they_do_not_need(fd):
    bare = fd[["factor", *PERIODS]].rename(columns={"5D": ""})[["factor", "", "1D"]]

    assert perf.factor_information_coefficient(bare).columns.tolist() == ["1D"]
    assert perf.factor_returns(bare).columns.tolist() == ["1D"]
    assert len(perf.factor_rank_autocorrelation(bare[["factor"]])) == 9


def test_alpha_and_beta_are_those_of_least_squares(fd):
    returns = perf.factor_returns(fd, demeaned=False)

    ours = perf.factor_alpha_beta(fd, demeaned=False)

    for period in PERIODS:
        market = fd[period].groupby(level="date").mean()
        beta, alpha = np.polyfit(market, returns[period], 1)
        annual = (1 + alpha) ** (252 / pd.Timedelta(period).days) - 1
        np.testing.assert_allclose(ours[period], [annual, beta], rtol=1e-8)


def test_alpha_and_beta_of_one_asset_are_nan_and_nothing_is_raised():
    single = made(n_assets=1)

    fitted = perf.factor_alpha_beta(single)

    assert fitted.index.tolist() == ["Ann. alpha", "beta"]
    assert fitted.isna().all(axis=None)


def test_cumulative_returns_take_a_gap_as_no_return():
    returns = pd.Series([0.1, np.nan, -0.5], index=days("2021-01-04", 3), name="1D")

    growth = perf.cumulative_returns(returns)

    np.testing.assert_allclose(growth, [1.1, 1.1, 0.55])
    assert growth.name is None
    assert growth.index.freq == pd.offsets.Day()


# --- quantiles ----------------------------------------------------------------------------------


@pytest.mark.parametrize("gaps", [False, True])
def test_quantile_means_and_errors_by_date_are_those_of_groupby(gaps):
    frame = made(gaps=gaps)

    means, errors = perf.mean_return_by_quantile(frame, by_date=True, demeaned=False)

    cells = frame.groupby(["factor_quantile", "date"])[PERIODS]
    np.testing.assert_allclose(means, cells.mean(), rtol=1e-12)
    np.testing.assert_allclose(errors, cells.sem(), rtol=1e-12)
    assert_index_equal(means.index, cells.mean().index)


def test_quantile_means_without_dates_average_the_means_of_dates(fd):
    dated, _ = perf.mean_return_by_quantile(fd, by_date=True)

    means, errors = perf.mean_return_by_quantile(fd)

    cells = dated.groupby(level="factor_quantile")
    np.testing.assert_allclose(means, cells.mean(), rtol=1e-12)
    np.testing.assert_allclose(errors, cells.sem(), rtol=1e-12)


def test_rows_without_a_label_are_in_no_quantile(fd):
    labels = fd["factor_quantile"].astype(float)
    labels.iloc[::5] = np.nan

    means, _ = perf.mean_return_by_quantile(
        fd.assign(factor_quantile=labels), by_date=True, demeaned=False
    )

    kept = fd[labels.notna()]
    want = kept.groupby(["factor_quantile", "date"])[PERIODS].mean()
    np.testing.assert_allclose(means, want, rtol=1e-12)
    assert means.index.levels[0].dtype == np.float64


def test_turnover_is_the_share_of_new_names(fd):
    labels = fd["factor_quantile"]

    turnover = perf.quantile_turnover(labels, 2, period=2)

    members = [set(day.index[day == 2]) for _, day in labels.droplevel("date").groupby(
        fd.index.get_level_values("date"))]  # fmt: skip
    want = [np.nan] * 2 + [len(n - o) / len(n) for o, n in zip(members, members[2:], strict=False)]
    np.testing.assert_allclose(turnover, want)
    assert turnover.name == 2


def test_autocorrelation_compares_ranks_of_the_assets_present_on_both_dates():
    frame = made(gaps=True)
    ranks = frame["factor"].groupby(level="date").rank().unstack()  # noqa: PD010 - wide

    ours = perf.factor_rank_autocorrelation(frame, 3)

    want = [ranks.iloc[i].corr(ranks.iloc[i - 3]) for i in range(3, 9)]
    np.testing.assert_allclose(ours, [np.nan] * 3 + want, atol=1e-14)
    assert ours.name == 3


def test_repeated_rows_are_refused_where_assets_are_matched(fd):
    twice = pd.concat([fd, fd.iloc[:2]])

    with pytest.raises(InputError, match="duplicate entries: factor_data repeats 2 rows"):
        perf.factor_rank_autocorrelation(twice)
    with pytest.raises(InputError, match="weights repeats 2 rows"):
        perf.positions(perf.factor_weights(twice), "1D")


# --- positions ----------------------------------------------------------------------------------


def test_trades_on_friday_saturday_and_sunday_leave_together_on_monday():
    dates = days("2021-01-08", 3)
    index = pd.MultiIndex.from_product([dates, list("AB")], names=["date", "asset"])
    weights = pd.Series([1.0, 0.0, 0.0, 1.0, 0.5, -0.5], index)

    book = perf.positions(weights, "1D", freq="B")

    assert book.index.tolist() == [*dates, pd.Timestamp("2021-01-11")]
    np.testing.assert_allclose(book["A"], [1.0, 0.5, 0.75, 0.0])
    np.testing.assert_allclose(book["B"], [0.0, 0.5, 0.25, 0.0])


def test_holding_times_need_a_calendar_of_days(fd):
    weights = perf.factor_weights(fd)

    with pytest.raises(InputError, match="CustomBusinessDay, got <Hour>"):
        perf.positions(weights, "1D", freq="h")


@pytest.mark.parametrize("freq", [None, "W-MON"])
def test_without_a_calendar_of_days_business_days_are_used_with_a_warning(freq):
    frame = made(dates=days("2021-01-04", 5, freq="W-MON"))

    with pytest.warns(UserWarning, match="'freq' not set, using business day calendar") as caught:
        book = perf.factor_positions(stepped(frame, freq), "5D")

    assert [warning.filename for warning in caught] == [__file__]
    assert book.index.tolist() == [
        *frame.index.levels[0],
        frame.index.levels[0][-1] + pd.Timedelta("7D"),
    ]


@pytest.mark.parametrize("freq", [None, "W-MON"])
def test_returns_of_sparse_dates_are_known_after_days_not_after_decisions(freq):
    frame = stepped(made(dates=days("2021-01-04", 5, freq="W-MON")), freq)
    returns = perf.factor_returns(frame)

    known = perf.realised(returns)

    for name, wait in (("1D", "1D"), ("5D", "7D")):
        there = known[name].dropna()
        assert there.index.tolist() == list(returns.index + pd.Timedelta(wait))
        np.testing.assert_array_equal(there, returns[name])


@pytest.mark.parametrize(
    ("step", "back"), [("B", [1, 5]), ("W-MON", [1, 1]), ("BME", [1, 1]), ("BQE", [1, 1])]
)
@pytest.mark.parametrize("carried", ["own", "none", "daily"])
def test_costs_of_sparse_dates_are_of_one_decision_for_a_shorter_period(step, back, carried):
    dates = days("2021-01-04", 9, freq=step)
    frame = stepped(made(dates=dates), dates.freq if carried == "own" else None)
    if carried == "daily":  # cut from daily data: the calendar of all days stays
        daily = made(dates=pd.bdate_range("2021-01-04", dates[-1]))
        frame = daily[daily.index.get_level_values("date").isin(dates)]
    weights = perf.factor_weights(frame).unstack()  # noqa: PD010 - wide

    paid = perf.factor_returns(frame) - perf.factor_returns(frame, cost_bps=10)

    for name, rows in zip(PERIODS, back, strict=True):
        traded = (weights - weights.shift(rows).fillna(0)).abs().sum(axis=1)
        np.testing.assert_allclose(paid[name].reindex(dates), traded / 1000, atol=1e-15)


def test_costs_of_no_rows_are_none():
    assert perf.factor_returns(made().iloc[:0], cost_bps=10).empty


def test_long_holding_times_overlap_without_dust():
    frame = made(dates=days("2021-01-04", 60, freq="B")).rename(columns={"5D": "40D"})

    book = perf.factor_positions(frame, "40D")

    assert (book.iloc[-1] == 0).all()
    gross = book.abs().sum(axis=1).iloc[:-1]
    np.testing.assert_allclose(gross, 1, rtol=1e-12)


def test_pyfolio_input_is_daily_and_rows_sum_to_one(fd):
    returns, book, benchmark = perf.create_pyfolio_input(fd, "1D")

    assert returns.index.freq == book.index.freq == pd.offsets.Day()
    assert returns.iloc[0] == 0
    np.testing.assert_allclose(book.sum(axis=1), 1)
    assert (book.loc["2021-01-09":"2021-01-10", "cash"] == 1).all()
    assert benchmark.name == "benchmark"


def test_pyfolio_input_has_no_benchmark_without_its_period(fd):
    assert perf.create_pyfolio_input(fd.drop(columns="1D"), "5D")[2] is None


# --- event windows ------------------------------------------------------------------------------


def test_windows_are_cut_out_of_the_values_and_sorted(fd, prices):
    two = fd.iloc[[8, 10]]

    windows = perf.common_start_returns(two, prices, 1, 2, cumulative=True)

    assert windows.index.tolist() == [-1, 0, 1, 2]
    assert windows.columns.tolist() == ["A", "C"]
    np.testing.assert_array_equal(windows, prices[["A", "C"]].iloc[5:9])


def test_returns_are_compounded_from_their_first_row(fd, prices):
    changes = prices.pct_change()

    ours = perf.common_start_returns(fd, changes, 2, 2, mean_by_date=True)

    growth = (1 + changes.fillna(0)).cumprod()
    want = perf.common_start_returns(fd, growth, 2, 2, cumulative=True, mean_by_date=True)
    assert_frame_equal(ours, want)
    assert ours.columns.tolist() == list(range(9))


def test_dates_and_assets_unknown_to_the_returns_are_skipped(fd, prices):
    short = prices.drop(columns="A").drop(fd.index.levels[0][3])

    windows = perf.common_start_returns(fd, short, 0, 0, cumulative=True)

    assert windows.shape == (1, 8 * 7)


def test_returns_with_a_date_twice_are_refused_only_where_an_event_stands_on_it(fd, prices):
    before = pd.concat([prices.iloc[:1], prices])
    on_event = pd.concat([prices, prices.iloc[[7]]]).sort_index()

    perf.common_start_returns(fd, before, 1, 1, cumulative=True)

    with pytest.raises(InputError, match=r"more than one row on 1 dates .* 2021-01-06"):
        perf.common_start_returns(fd, on_event, 1, 1, cumulative=True)


def test_demeaning_by_a_frame_without_an_event_date_is_refused(fd, prices):
    with pytest.raises(KeyError, match="demean_by has no rows on 8 dates"):
        perf.common_start_returns(fd, prices, 1, 1, cumulative=True, demean_by=fd.iloc[:8])


@pytest.mark.parametrize(("before", "after"), [(0, 3), (3, 0), (0, 0)])
def test_average_windows_may_look_one_way_only(fd, prices, before, after):
    average = perf.average_cumulative_return_by_quantile(fd, prices, before, after)

    assert average.columns.tolist() == list(range(-before, after + 1))
    assert average.columns.dtype == np.int64
    assert average.index.names == ["factor_quantile", None]


def test_average_windows_pool_the_means_of_dates(fd, prices):
    average = perf.average_cumulative_return_by_quantile(fd, prices, 2, 2)

    top = fd[fd["factor_quantile"] == 3]
    by_date = perf.common_start_returns(top, prices, 2, 2, True, True, demean_by=fd)
    np.testing.assert_allclose(average.loc[(3, "mean")], by_date.mean(axis=1), atol=1e-12)
    np.testing.assert_allclose(average.loc[(3, "std")], by_date.std(axis=1), atol=1e-12)


def test_infinite_averages_count_as_missing(fd, prices):
    prices.iloc[6, 0] = np.inf

    average = perf.average_cumulative_return_by_quantile(fd, prices, 1, 1, demeaned=False)

    assert np.isfinite(average).all(axis=None)


def test_events_named_twice_count_once(fd, prices):
    events = fd.iloc[:5]
    repeated = pd.concat([events, events.iloc[:1], events.iloc[:1]])

    for mean_by_date in (True, False):
        once, more = (
            perf.common_start_returns(
                frame, prices, 2, 2, cumulative=True, mean_by_date=mean_by_date, demean_by=frame
            )
            for frame in (events, repeated)
        )
        assert_frame_equal(more, once)


def test_average_paths_refuse_rows_that_repeat(fd, prices):
    repeated = pd.concat([fd, fd.iloc[:1]])

    with pytest.raises(InputError, match="repeats 1 rows"):
        perf.average_cumulative_return_by_quantile(repeated, prices)


def test_rebased_paths_are_the_mean_changes_since_the_event(fd, prices):
    holed = prices.copy()
    holed.iloc[7, 2] = np.nan  # an event without a price leaves its asset out

    for by_group in (False, True):
        paths = perf.average_cumulative_return_by_quantile(
            fd, holed, 2, 3, demeaned=False, by_group=by_group, is_rebased=True
        )

        assert (paths.xs("mean", level=1)[0].abs() < 1e-12).all()
    paths = perf.average_cumulative_return_by_quantile(
        fd, holed, 2, 3, demeaned=False, is_rebased=True
    )
    for quantile in (1, 2, 3):
        by_date = []
        for date, day in fd[fd["factor_quantile"] == quantile].groupby(level="date"):
            row = holed.index.get_loc(date)
            window = holed.iloc[max(row - 2, 0) : row + 4][day.index.get_level_values("asset")]
            change = window / holed.loc[date, window.columns] - 1
            by_date.append(change.mean(axis=1).set_axis(np.arange(len(change)) - min(row, 2)))
        want = pd.concat(by_date, axis=1).mean(axis=1)
        np.testing.assert_allclose(paths.loc[(quantile, "mean")], want, atol=1e-13)


def test_a_rebased_long_short_path_does_not_depend_on_the_level_of_a_price(fd, prices):
    scaled = prices * np.arange(1.0, 9.0)

    one, other = (
        perf.average_cumulative_return_by_quantile(fd, p, 2, 3, is_rebased=True)
        for p in (prices, scaled)
    )

    assert_frame_equal(one, other)


def test_a_window_that_begins_after_the_event_is_refused(fd, prices):
    with pytest.raises(InputError, match="got -1 and 5"):
        perf.average_cumulative_return_by_quantile(fd, prices, -1, 5)


# --- layouts and degenerate frames --------------------------------------------------------------


def test_levels_in_another_order_are_found_by_name(fd):
    swapped = fd.swaplevel()

    for metric in GRIDDED.values():
        ours, want = metric(swapped), metric(fd)
        np.testing.assert_array_equal(ours, want)


def test_a_frame_without_rows_gives_results_without_rows(fd):
    empty = fd.iloc[:0]

    assert perf.factor_information_coefficient(empty).shape == (0, 2)
    assert perf.factor_returns(empty).shape == (0, 2)
    assert len(perf.factor_weights(empty)) == 0
    assert perf.mean_return_by_quantile(empty, by_date=True)[0].shape == (0, 2)
    assert perf.factor_alpha_beta(empty).isna().all(axis=None)


def test_sparse_events_over_many_assets_stay_small():
    n_events, n_assets = 3000, 20_000
    dates = days("2000-01-03", n_events, freq="B")
    assets = (uniforms(8, n_events) * n_assets).astype(int)
    index = pd.MultiIndex.from_arrays([dates, assets], names=["date", "asset"])
    frame = pd.DataFrame(
        {"1D": normals(9, n_events), "factor": 1.0, "factor_quantile": 1}, index=index
    )

    means, _ = perf.mean_return_by_quantile(frame, by_date=True, demeaned=False)

    np.testing.assert_allclose(means["1D"], frame["1D"])
    assert perf.factor_information_coefficient(frame).isna().all(axis=None)
    assert perf.quantile_turnover(frame["factor_quantile"], 1).dropna().mean() > 0.99
    assert perf.factor_rank_autocorrelation(frame).isna().all()


def test_a_trade_of_a_closed_day_may_expire_before_an_earlier_one():
    dates = pd.DatetimeIndex(["2024-03-08 10:00", "2024-03-09 09:00"])
    index = pd.MultiIndex.from_product([dates, ["A", "B"]], names=["date", "asset"])
    weights = pd.Series([1.09, -0.05, -0.28, 1.64], index)
    book = perf.positions(weights, "1D", pd.offsets.BDay())
    monday = book.loc["2024-03-11 09:00"]
    assert monday.tolist() == pytest.approx([1.09 / 1.14, -0.05 / 1.14], abs=1e-12)
    assert book.iloc[-1].tolist() == [0.0, 0.0]


def test_a_new_category_between_two_calls_moves_no_cell():
    dates = pd.date_range("2024-01-01", periods=6)
    index = pd.MultiIndex.from_product([dates, list("ABCDEF")], names=["date", "asset"])
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"1D": rng.normal(size=36), "factor": rng.normal(size=36)}, index)
    frame["group"] = pd.Categorical(["x", "x", "x", "y", "y", "y"] * 6)
    perf.factor_information_coefficient(frame, by_group=True)
    frame["group"] = frame["group"].cat.add_categories(["zz"])
    again = perf.factor_information_coefficient(frame, by_group=True)
    fresh = perf.factor_information_coefficient(frame.copy(), by_group=True)
    assert_frame_equal(again, fresh)


def test_renaming_the_levels_of_a_result_leaves_the_argument_alone():
    dates = pd.date_range("2024-01-01", periods=3)
    index = pd.MultiIndex.from_product([dates, list("AB")], names=["date", "asset"])
    frame = pd.DataFrame({"1D": np.arange(6.0), "factor": [1.0, 2.0] * 3}, index)
    for result in (
        perf.factor_weights(frame),
        perf.factor_returns(frame, by_asset=True),
    ):
        result.index.names = ["d", "a"]
    assert list(frame.index.names) == ["date", "asset"]


@pytest.mark.parametrize("column", ["1D", "factor"])
def test_an_infinite_value_in_a_hand_made_frame_warns_of_nothing(column: str):
    dates = pd.date_range("2024-01-01", periods=4)
    index = pd.MultiIndex.from_product([dates, list("ABC")], names=["date", "asset"])
    frame = pd.DataFrame({"1D": np.arange(12.0), "factor": [1.0, 2.0, 3.0] * 4}, index)
    frame["factor_quantile"] = [1, 2, 3] * 4
    frame.loc[(dates[1], "A"), column] = np.inf
    means, _ = perf.mean_return_by_quantile(frame)
    weights = perf.factor_weights(frame)
    assert np.isfinite(perf.factor_alpha_beta(frame).loc["beta"]).all() == (column == "factor")
    assert means.index.tolist() == [1, 2, 3]
    assert weights.loc[dates[0]].tolist() == [-0.5, 0.0, 0.5]


def test_groups_as_plain_objects_give_the_default_labels_of_pandas(fd):
    plain = fd.assign(group=fd["group"].astype(object))

    mean = perf.mean_information_coefficient(plain, by_group=True)
    means, _ = perf.mean_return_by_quantile(plain, by_group=True)

    assert mean.index.dtype == pd.Index(["x", "y"]).dtype
    assert means.index.levels[1].dtype == pd.Index(["x", "y"]).dtype
