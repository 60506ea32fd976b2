"""Figures and printed tables: what callers read off the axes, and the rows of the tables."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from pandas.testing import assert_frame_equal
from scipy import stats

from alphalens import plotting, utils
from alphalens.errors import InputError

DATES = pd.bdate_range("2024-01-01", periods=60, name="date")


def _draws(*shape: int, seed: int = 7) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.01, shape)


@pytest.fixture
def ic() -> pd.DataFrame:
    frame = pd.DataFrame(_draws(60, 2) * 10, index=DATES, columns=["1D", "5D"])
    frame.iloc[3, 0] = np.nan
    return frame


@pytest.fixture
def by_date() -> pd.DataFrame:
    index = pd.MultiIndex.from_product([[1, 2, 3], DATES], names=["factor_quantile", "date"])
    return pd.DataFrame(_draws(180, 2), index=index, columns=["1D", "5D"])


@pytest.fixture
def means() -> pd.DataFrame:
    index = pd.Index([1, 2, 3], name="factor_quantile")
    return pd.DataFrame({"1D": [-0.001, 0.0, 0.002], "5D": [0.0, 0.001, 0.003]}, index=index)


@pytest.fixture
def by_group() -> pd.DataFrame:
    groups = pd.CategoricalIndex(["x", "y", "z"])
    index = pd.MultiIndex.from_product([[1, 2], groups], names=["factor_quantile", "group"])
    return pd.DataFrame({"1D": np.arange(6) / 1e4, "5D": np.nan}, index=index)


@pytest.fixture
def paths() -> pd.DataFrame:
    rows = pd.MultiIndex.from_product([[1, 2, 5], ["mean", "std"]], names=["factor_quantile", None])
    return pd.DataFrame(np.abs(_draws(6, 8)), index=rows, columns=range(-3, 5))


def _heights(ax: Axes) -> list[float]:
    return [float(bar.get_height()) for bar in ax.patches]


def _text(tick_labels: list[mpl.text.Text]) -> list[str]:
    return [label.get_text() for label in tick_labels]


# --- tables -----------------------------------------------------------------
def test_information_table_agrees_with_scipy_and_skips_missing_days(ic: pd.DataFrame) -> None:
    table = plotting.plot_information_table(ic, return_df=True)

    seen = ic["1D"].dropna()
    wanted = [
        seen.mean(),
        seen.std(),
        seen.mean() / seen.std(),
        *stats.ttest_1samp(seen, 0),
        stats.skew(seen),
        stats.kurtosis(seen),
    ]
    np.testing.assert_allclose(table.loc["1D"], wanted, rtol=1e-12)
    assert list(table.index) == ["1D", "5D"]
    assert list(table.columns) == [
        "IC Mean",
        "IC Std.",
        "Risk-Adjusted IC",
        "t-stat(IC)",
        "p-value(IC)",
        "IC Skew",
        "IC Kurtosis",
    ]


def test_information_table_of_a_single_day_has_a_mean_and_nothing_else() -> None:
    table = plotting.plot_information_table(pd.DataFrame({"1D": [0.3]}), return_df=True)

    assert table.loc["1D", "IC Mean"] == 0.3
    assert table.loc["1D"].drop("IC Mean").isna().all()


def test_information_table_of_a_perfect_factor_is_infinite_without_a_warning() -> None:
    table = plotting.plot_information_table(pd.DataFrame({"1D": [1.0] * 5}), return_df=True)

    assert table.loc["1D", ["t-stat(IC)", "p-value(IC)"]].tolist() == [np.inf, 0.0]
    assert np.isnan(table.loc["1D", "IC Skew"])


def test_information_table_without_days_is_all_missing() -> None:
    table = plotting.plot_information_table(pd.DataFrame({"1D": []}, dtype=float), return_df=True)

    assert table.shape == (1, 7)
    assert table.isna().all(axis=None)


def test_information_table_is_transposed_and_rounded_when_printed(
    ic: pd.DataFrame, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[pd.DataFrame] = []
    monkeypatch.setattr(utils, "display", seen.append)

    assert plotting.plot_information_table(ic) is None

    assert capsys.readouterr().out == "Information Analysis\n"
    assert_frame_equal(seen[0], plotting.plot_information_table(ic, return_df=True).round(3).T)


def test_returns_table_takes_the_outer_quantiles_and_the_full_spread(means: pd.DataFrame) -> None:
    alpha_beta = pd.DataFrame({"1D": [0.1, 0.9], "5D": [0.2, 0.8]}, index=["Ann. alpha", "beta"])
    spread = pd.DataFrame({"1D": [0.001, 0.003, np.nan], "5D": [0.002, 0.004, np.nan]})

    table = plotting.plot_returns_table(alpha_beta, means, spread, return_df=True)

    np.testing.assert_allclose(table["1D"], [0.1, 0.9, 20.0, -10.0, 20.0])
    assert list(table.index) == [
        "Ann. alpha",
        "beta",
        "Mean Period Wise Return Top Quantile (bps)",
        "Mean Period Wise Return Bottom Quantile (bps)",
        "Mean Period Wise Spread (bps)",
    ]
    assert table.index.dtype == alpha_beta.index.dtype


def test_spread_is_labelled_by_the_convention_in_force(means: pd.DataFrame) -> None:
    alpha_beta = pd.DataFrame({"1D": [0.1, 0.9], "5D": [0.2, 0.8]}, index=["Ann. alpha", "beta"])
    spread = pd.Series([0.001, 0.002], index=DATES[:2], name="1D")

    with utils.options.context(convention="reloaded"):
        table = plotting.plot_returns_table(alpha_beta, means, means, return_df=True)
        ax = plotting.plot_mean_quantile_returns_spread_time_series(spread)

    assert table.index[-1] == "Mean Period Wise Spread (bps, 100% gross)"
    assert ax.get_title() == "Long-Short Quantile Return (100% gross) (1D Period Forward Return)"


def test_returns_table_is_rounded_when_printed(
    means: pd.DataFrame, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    alpha_beta = pd.DataFrame({"1D": [0.12345, 0.9], "5D": [0.2, 0.8]}, ["Ann. alpha", "beta"])
    seen: list[pd.DataFrame] = []
    monkeypatch.setattr(utils, "display", seen.append)

    assert plotting.plot_returns_table(alpha_beta, means, means) is None

    assert capsys.readouterr().out == "Returns Analysis\n"
    assert seen[0].loc["Ann. alpha", "1D"] == 0.123


def test_turnover_tables_carry_any_labels_and_skip_missing_days() -> None:
    turnover = {
        5: pd.DataFrame({2: [np.nan, 0.5], 9: [np.nan, 0.6]}),
        1: pd.DataFrame({2: [np.nan, 0.1], 9: [np.nan, 0.2]}),
    }
    ranks = pd.DataFrame({5: [np.nan, 0.7], 1: [np.nan, 0.9]})

    table, autocorrelation = plotting.plot_turnover_table(ranks, turnover, return_df=True)

    assert list(table.index) == ["Quantile 2 Mean Turnover ", "Quantile 9 Mean Turnover "]
    assert list(table.columns) == ["1D", "5D"]
    assert table["5D"].tolist() == [0.5, 0.6]
    assert autocorrelation.to_dict("list") == {"5D": [0.7], "1D": [0.9]}
    assert list(autocorrelation.index) == ["Mean Factor Rank Autocorrelation"]


def test_turnover_table_prints_two_tables_under_one_title(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[pd.DataFrame] = []
    monkeypatch.setattr(utils, "display", seen.append)

    plotting.plot_turnover_table(pd.DataFrame({1: [0.98765]}), {1: pd.DataFrame({1: [0.12345]})})

    assert capsys.readouterr().out == "Turnover Analysis\n"
    assert [table.iloc[0, 0] for table in seen] == [0.123, 0.988]


def test_quantile_statistics_count_in_percent_and_are_printed_unrounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    frame = pd.DataFrame({"factor": [1.0, 3.0, 5.12345], "factor_quantile": [1.0, 1.0, 4.0]})
    seen: list[pd.DataFrame] = []
    monkeypatch.setattr(utils, "display", seen.append)

    table = plotting.plot_quantile_statistics_table(frame, return_df=True)
    plotting.plot_quantile_statistics_table(frame)

    assert list(table.columns) == ["min", "max", "mean", "std", "count", "count %"]
    assert table.index.tolist() == [1.0, 4.0]
    assert table.index.name == "factor_quantile"
    assert table["count %"].sum() == pytest.approx(100.0)
    assert seen[0].loc[4.0, "max"] == 5.12345


# --- information coefficient ------------------------------------------------
def test_ic_through_time_has_one_axes_a_period_with_common_limits(ic: pd.DataFrame) -> None:
    axes = plotting.plot_ic_ts(ic)

    assert axes.shape == (2,)
    assert axes[0].get_ylim() == axes[1].get_ylim()
    np.testing.assert_array_equal(axes[0].lines[0].get_ydata(), ic["1D"])
    np.testing.assert_array_equal(axes[0].lines[1].get_ydata(), ic["1D"].rolling(22).mean())


@pytest.mark.parametrize(("periods", "size"), [(1, 3), (3, 3), (4, 6)])
@pytest.mark.parametrize("name", ["plot_ic_hist", "plot_ic_qq", "plot_monthly_ic_heatmap"])
def test_three_axes_a_row_and_the_unused_are_invisible(name: str, periods: int, size: int) -> None:
    index = pd.date_range("2024-01-31", periods=8, freq="ME", name="date")
    frame = pd.DataFrame(_draws(8, periods), index=index, columns=[f"{i}D" for i in range(periods)])

    axes = getattr(plotting, name)(frame)

    assert axes.shape == (size,)
    assert [ax.get_visible() for ax in axes] == [i < periods for i in range(size)]


def test_histogram_counts_the_days_observed_on_the_whole_range(ic: pd.DataFrame) -> None:
    axes = plotting.plot_ic_hist(ic)

    assert [sum(_heights(ax)) for ax in axes[:2]] == [59, 60]
    assert axes[0].get_xlim() == (-1, 1)
    assert axes[0].get_title() == "1D Period IC"
    assert axes[0].texts[0].get_text().startswith(f"Mean {ic['1D'].mean():.3f}")


@pytest.mark.parametrize("name", ["plot_ic_hist", "plot_ic_qq"])
def test_single_period_is_drawn_on_a_list_with_one_axes(name: str, ic: pd.DataFrame) -> None:
    _, ax = plt.subplots()
    axes = [ax]

    drawn = getattr(plotting, name)(ic[["1D"]], ax=axes)

    assert drawn is axes
    assert ax.get_title().startswith("1D Period IC")


def test_qq_points_are_the_standardised_sample_against_the_normal(ic: pd.DataFrame) -> None:
    ax = plotting.plot_ic_qq(ic)[0]

    seen = ic["1D"].dropna().sort_values()
    expected = stats.norm.ppf(np.arange(1, 60) / 60)
    np.testing.assert_allclose(ax.lines[0].get_xdata(), expected, rtol=1e-12)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), stats.zscore(seen), rtol=1e-12)
    assert ax.get_title() == "1D Period IC Normal Dist. Q-Q"


@pytest.mark.parametrize(
    ("distribution", "name"),
    [(stats.norm, "Normal"), (stats.t, "T"), (stats.laplace, "Theoretical")],
)
def test_qq_honours_the_distribution(
    distribution: stats.rv_continuous, name: str, ic: pd.DataFrame
) -> None:
    ax = plotting.plot_ic_qq(ic[["5D"]], theoretical_dist=distribution)[0]

    *shapes, location, scale = distribution.fit(ic["5D"].to_numpy())
    expected = distribution.ppf(np.arange(1, 61) / 61, *shapes)
    np.testing.assert_allclose(ax.lines[0].get_xdata(), expected)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), (ic["5D"].sort_values() - location) / scale)
    assert ax.get_xlabel() == f"{name} Distribution Quantile"


@pytest.mark.parametrize("values", [[], [0.2], [0.3, 0.3, 0.3], [np.nan, np.nan]])
@pytest.mark.parametrize("name", ["plot_ic_ts", "plot_ic_hist", "plot_ic_qq"])
def test_degenerate_ic_is_drawn_without_a_warning(name: str, values: list[float]) -> None:
    frame = pd.DataFrame({"1D": values}, index=DATES[: len(values)], dtype=float)

    axes = getattr(plotting, name)(frame)
    axes[0].figure.canvas.draw()

    assert axes[0].get_title().startswith("1D Period")


def test_heatmap_puts_years_down_and_months_across() -> None:
    months = pd.date_range("2022-11-30", periods=4, freq="ME", tz="US/Eastern")
    monthly = pd.DataFrame({"1D": [0.02, -0.5, np.nan, 0.1]}, index=months)

    ax = plotting.plot_monthly_ic_heatmap(monthly)[0]

    cells = ax.collections[0].get_array()
    assert cells.shape == (2, 12)
    assert cells[0, 10] == 0.02
    assert np.ma.is_masked(cells[1, 0])
    assert _text(ax.get_yticklabels()) == ["2022", "2023"]
    assert [text.get_text() for text in ax.texts] == [".02", "-.50", ".10"]
    assert ax.yaxis_inverted()


def test_heatmap_of_many_years_keeps_its_year_labels_apart() -> None:
    months = pd.date_range("1980-01-31", periods=480, freq="ME")

    ax = plotting.plot_monthly_ic_heatmap(pd.DataFrame({"1D": _draws(480)}, index=months))[0]

    assert len(ax.get_yticks()) <= 14


def test_ic_by_group_has_a_bar_per_group_and_period() -> None:
    groups = pd.CategoricalIndex(["a", "b"], name="group")
    frame = pd.DataFrame({"1D": [0.1, -0.2], "5D": [0.3, np.nan]}, index=groups)

    ax = plotting.plot_ic_by_group(frame)

    np.testing.assert_array_equal(_heights(ax), [0.1, -0.2, 0.3, np.nan])
    assert _text(ax.get_xticklabels()) == ["a", "b"]


# --- returns ----------------------------------------------------------------
def test_quantile_bars_are_in_basis_points_period_by_period(means: pd.DataFrame) -> None:
    ax = plotting.plot_quantile_returns_bar(means)

    np.testing.assert_allclose(_heights(ax), [-10, 0, 20, 0, 10, 30])
    assert _text(ax.get_xticklabels()) == ["1", "2", "3"]
    assert _text(ax.get_legend().get_texts()) == ["1D", "5D"]


def test_percentiles_bound_the_bars(means: pd.DataFrame) -> None:
    ax = plotting.plot_quantile_returns_bar(means, ylim_percentiles=(5, 95))

    assert ax.get_ylim() == pytest.approx(tuple(np.percentile(means * 1e4, [5, 95])))


def test_bars_by_group_are_two_a_row_with_common_limits(by_group: pd.DataFrame) -> None:
    axes = plotting.plot_quantile_returns_bar(by_group, by_group=True)

    assert [ax.get_visible() for ax in axes] == [True, True, True, False]
    assert [ax.get_title() for ax in axes] == ["x", "y", "z", ""]
    assert len({ax.get_ylim() for ax in axes[:3]}) == 1


def test_equal_values_give_limits_without_a_warning(by_group: pd.DataFrame) -> None:
    axes = plotting.plot_quantile_returns_bar(by_group * 0, by_group=True, ylim_percentiles=(5, 95))

    low, high = axes[0].get_ylim()
    assert low < 0 < high


def test_violins_reach_the_percentiles_and_skip_what_is_missing(by_date: pd.DataFrame) -> None:
    by_date.iloc[:5] = np.nan

    ax = plotting.plot_quantile_returns_violin(by_date, ylim_percentiles=(1, 99))

    assert ax.get_ylim() == pytest.approx(tuple(np.nanpercentile(by_date * 1e4, [1, 99])))
    assert _text(ax.get_xticklabels()) == ["1", "2", "3"]
    assert _text(ax.get_legend().get_texts()) == ["1D", "5D"]
    outlines = ax.collections[0].get_paths()
    assert len(outlines) == 3
    assert outlines[1].vertices[:, 1].max() == pytest.approx(by_date["1D"].xs(2).max() * 1e4)


def test_violin_of_one_date_draws_its_median_only() -> None:
    index = pd.MultiIndex.from_product([[1], DATES[:1]], names=["factor_quantile", "date"])

    ax = plotting.plot_quantile_returns_violin(pd.DataFrame({"1D": [0.01]}, index=index))

    assert ax.lines[0].get_ydata() == [100.0]


def test_spread_of_a_frame_fills_the_given_list_in_place() -> None:
    spread = pd.DataFrame(_draws(60, 2), index=DATES, columns=["1D", "5D"])
    _, own = plt.subplots()
    axes: list[Axes | None] = [own, None]

    drawn = plotting.plot_mean_quantile_returns_spread_time_series(spread, spread.abs(), ax=axes)

    assert drawn is axes
    assert axes[0] is own
    assert isinstance(axes[1], Axes)
    assert axes[1].get_title().endswith("(5D Period Forward Return)")


@pytest.mark.parametrize("bandwidth", [0, 0.5, 2])
def test_band_is_first_and_reaches_so_many_errors(bandwidth: float) -> None:
    spread = pd.Series(_draws(60), index=DATES, name="1D")
    error = pd.Series(np.linspace(0.001, 0.002, 60), index=DATES)

    ax = plotting.plot_mean_quantile_returns_spread_time_series(spread, error, bandwidth)

    corners = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert corners.max() == pytest.approx(1e4 * (spread + bandwidth * error).max())
    assert corners.min() == pytest.approx(1e4 * (spread - bandwidth * error).min())
    np.testing.assert_allclose(ax.lines[0].get_ydata(), 1e4 * spread)


def test_bandwidth_counts_for_a_frame_too() -> None:
    spread = pd.DataFrame({"1D": _draws(60)}, index=DATES)
    error = spread * 0 + 0.001

    (ax,) = plotting.plot_mean_quantile_returns_spread_time_series(spread, error, bandwidth=3)

    corners = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert corners.max() == pytest.approx(1e4 * (spread["1D"].max() + 0.003))


def test_spread_without_values_draws_nothing() -> None:
    _, ax = plt.subplots()
    empty = pd.Series(np.nan, index=DATES, name="1D")

    assert plotting.plot_mean_quantile_returns_spread_time_series(empty, ax=ax) is ax
    assert plotting.plot_mean_quantile_returns_spread_time_series(empty) is None
    assert not ax.lines
    assert ax.get_title() == ""


def test_wealth_compounds_row_by_row_whatever_the_freq() -> None:
    returns = pd.Series([0.1, np.nan, -0.5], index=DATES[:3])

    axes = [plotting.plot_cumulative_returns(returns, "1D", freq=f) for f in (None, "D")]

    for ax in axes:
        np.testing.assert_allclose(ax.lines[0].get_ydata(), [1.1, 1.1, 0.55])
        assert ax.get_title() == "Portfolio Cumulative Return (1D Fwd Period)"


def test_wealth_by_quantile_is_logarithmic_with_the_highest_first(by_date: pd.DataFrame) -> None:
    ax = plotting.plot_cumulative_returns_by_quantile(by_date["1D"], "1D")

    assert ax.get_yscale() == "symlog"
    assert [line.get_label() for line in ax.lines[:3]] == ["3", "2", "1"]
    np.testing.assert_allclose(ax.lines[0].get_ydata(), (1 + by_date["1D"].xs(3)).cumprod())
    assert "1" in _text(ax.get_yticklabels())


def test_wealth_that_reaches_zero_is_drawn() -> None:
    index = pd.MultiIndex.from_product([[1], DATES[:3]], names=["factor_quantile", "date"])

    ax = plotting.plot_cumulative_returns_by_quantile(pd.Series([0.1, -1, 0], index=index), "1D")
    ax.figure.canvas.draw()

    assert ax.lines[0].get_ydata()[-1] == 0


@pytest.mark.parametrize(
    "name",
    ["plot_ic_ts", "plot_ic_hist", "plot_ic_qq", "plot_mean_quantile_returns_spread_time_series"],
)
def test_too_few_axes_are_refused_with_both_numbers(name: str, ic: pd.DataFrame) -> None:
    _, ax = plt.subplots()

    with pytest.raises(InputError, match="2 axes are needed, one for each panel, and ax holds 1"):
        getattr(plotting, name)(ic, ax=ax)


# --- turnover, events -------------------------------------------------------
def test_top_and_bottom_are_the_extreme_labels_present() -> None:
    frame = pd.DataFrame({4.0: [np.nan, 0.2], 2.0: [np.nan, 0.1], 9.0: [np.nan, 0.3]}, DATES[:2])

    ax = plotting.plot_top_bottom_quantile_turnover(frame, period=3)

    assert [line.get_ydata()[1] for line in ax.lines[:2]] == [0.3, 0.1]
    assert _text(ax.get_legend().get_texts()) == [
        "top quantile turnover",
        "bottom quantile turnover",
    ]
    assert ax.get_title() == "3D Period Top and Bottom Quantile Turnover"


def test_autocorrelation_tells_its_mean() -> None:
    series = pd.Series([np.nan, 0.9, 0.8], index=DATES[:3], name=1)

    ax = plotting.plot_factor_rank_auto_correlation(series, period=5)

    assert ax.get_title() == "5D Period Factor Rank Autocorrelation"
    assert ax.texts[0].get_text() == "Mean 0.850"


def test_paths_are_drawn_for_the_labels_present(paths: pd.DataFrame) -> None:
    ax = plotting.plot_quantile_average_cumulative_return(paths)

    assert [line.get_label() for line in ax.lines[:3]] == ["Quantile 1", "Quantile 2", "Quantile 5"]
    np.testing.assert_array_equal(ax.lines[2].get_xdata(), range(-3, 5))
    np.testing.assert_allclose(ax.lines[2].get_ydata(), 1e4 * paths.loc[(5, "mean")])
    assert ax.get_title() == "Average Cumulative Returns by Quantile"


def test_paths_by_quantile_have_bars_of_one_deviation(paths: pd.DataFrame) -> None:
    axes = plotting.plot_quantile_average_cumulative_return(paths, by_quantile=True, std_bar=True)

    assert [ax.get_visible() for ax in axes] == [True, True, True, False]
    (low, high) = axes[0].collections[0].get_segments()[0][:, 1]
    assert (high - low) / 2 == pytest.approx(1e4 * paths.loc[(1, "std"), -3])
    assert len({ax.get_ylim() for ax in axes[:3]}) == 1


@pytest.mark.parametrize("columns", [range(3), range(-2, 1)])
def test_windows_on_one_side_of_the_event_are_drawn(paths: pd.DataFrame, columns: range) -> None:
    ax = plotting.plot_quantile_average_cumulative_return(paths[list(columns)], title="Mine")
    ax.figure.canvas.draw()

    np.testing.assert_array_equal(ax.lines[0].get_xdata(), list(columns))
    assert ax.get_title() == "Mine"


def test_events_are_counted_in_so_many_bars() -> None:
    index = pd.MultiIndex.from_product([DATES.tz_localize("US/Eastern"), ["A", "B"]])
    events = pd.Series(1.0, index=index.set_names(["date", "asset"]))
    events.iloc[:3] = np.nan

    ax = plotting.plot_events_distribution(events, num_bars=7)

    assert len(ax.patches) == 7
    assert sum(_heights(ax)) == 117


# --- style ------------------------------------------------------------------
@pytest.mark.parametrize("zone", [None, "UTC", "US/Eastern"])
def test_zones_and_units_of_time_are_drawn_as_wall_dates(zone: str | None) -> None:
    index = pd.date_range("2024-03-08", periods=5, tz=zone).as_unit("ns")
    frame = pd.DataFrame({"1D": _draws(5)}, index=index)

    ax = plotting.plot_ic_ts(frame)[0]
    ax.figure.canvas.draw()

    first = mpl.dates.num2date(ax.get_xlim()[0])
    assert (first.year, first.month, first.day) == (2024, 3, 8)


def test_no_argument_is_altered(ic: pd.DataFrame, by_date: pd.DataFrame) -> None:
    before = ic.copy(), by_date.copy()

    plotting.plot_ic_ts(ic)
    plotting.plot_ic_hist(ic)
    plotting.plot_information_table(ic, return_df=True)
    plotting.plot_quantile_returns_violin(by_date, ylim_percentiles=(1, 99))
    plotting.plot_cumulative_returns_by_quantile(by_date["1D"], "1D")

    assert_frame_equal(ic, before[0])
    assert_frame_equal(by_date, before[1])
    assert ic.index.freq == DATES.freq


def test_customize_sets_the_style_and_puts_the_callers_back() -> None:
    size = plotting.customize(lambda: mpl.rcParams["font.size"])

    with mpl.rc_context({"font.size": 31.0}):
        assert size() == 12.0
        assert size(set_context=False) == 31.0
        assert mpl.rcParams["font.size"] == 31.0


def test_contexts_take_their_names_and_overrides() -> None:
    with plotting.plotting_context("poster", rc={"lines.linewidth": 9.0}):
        assert mpl.rcParams["lines.linewidth"] == 9.0
    with plotting.axes_style("whitegrid"):
        assert mpl.rcParams["axes.facecolor"] == "white"
    assert plotting.DECIMAL_TO_BPS == 10000


def test_colours_repeat_after_the_last() -> None:
    frame = pd.DataFrame([[1.0] * 9], columns=[f"{i}D" for i in range(9)], index=["g"])

    bars = plotting.plot_ic_by_group(frame).patches

    assert bars[0].get_facecolor() == bars[7].get_facecolor() != bars[1].get_facecolor()
