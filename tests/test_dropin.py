"""Notebooks of the Alphalens world keep running: their imports, calls, idioms, and signatures."""

from __future__ import annotations

import inspect
import io
import pickle
from types import ModuleType
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal, assert_series_equal
from scipy import stats

import alphalens
from alphalens import performance, plotting, tears, utils

from .golden import shapes

pytestmark = pytest.mark.untraced

UTILS = """
rethrow(exception, additional_message)
non_unique_bin_edges_error(func)
quantize_factor(factor_data, quantiles=5, bins=None, by_group=False, no_raise=False, zero_aware=False)
infer_trading_calendar(factor_idx, prices_idx)
compute_forward_returns(factor, prices, periods=(1,5,10), filter_zscore=None, cumulative_returns=True)
backshift_returns_series(series, N)
demean_forward_returns(factor_data, grouper=None)
print_table(table, name=None, fmt=None)
get_clean_factor(factor, forward_returns, groupby=None, binning_by_group=False, quantiles=5, bins=None, groupby_labels=None, max_loss=0.35, zero_aware=False)
get_clean_factor_and_forward_returns(factor, prices, groupby=None, binning_by_group=False, quantiles=5, bins=None, periods=(1,5,10), filter_zscore=20, groupby_labels=None, max_loss=0.35, zero_aware=False, cumulative_returns=True)
rate_of_return(period_ret, base_period)
std_conversion(period_std, base_period)
get_forward_returns_columns(columns, require_exact_day_multiple=False)
timedelta_to_string(timedelta)
timedelta_strings_to_integers(sequence)
add_custom_calendar_timedelta(input, timedelta, freq)
diff_custom_calendar_timedeltas(start, end, freq)
turnover_periods_from_columns(columns)
make_naive_ts(t)
"""  # noqa: E501 - a table reads best in lines
PERFORMANCE = """
factor_information_coefficient(factor_data, group_adjust=False, by_group=False)
mean_information_coefficient(factor_data, group_adjust=False, by_group=False, by_time=None)
factor_weights(factor_data, demeaned=True, group_adjust=False, equal_weight=False)
factor_returns(factor_data, demeaned=True, group_adjust=False, equal_weight=False, by_asset=False)
factor_alpha_beta(factor_data, returns=None, demeaned=True, group_adjust=False, equal_weight=False)
cumulative_returns(returns)
positions(weights, period, freq=None)
mean_return_by_quantile(factor_data, by_date=False, by_group=False, demeaned=True, group_adjust=False)
compute_mean_returns_spread(mean_returns, upper_quant, lower_quant, std_err=None)
quantile_turnover(quantile_factor, quantile, period=1)
factor_rank_autocorrelation(factor_data, period=1)
common_start_returns(factor, returns, before, after, cumulative=False, mean_by_date=False, demean_by=None)
average_cumulative_return_by_quantile(factor_data, returns, periods_before=10, periods_after=15, demeaned=True, group_adjust=False, by_group=False)
factor_cumulative_returns(factor_data, period, long_short=True, group_neutral=False, equal_weight=False, quantiles=None, groups=None)
factor_positions(factor_data, period, long_short=True, group_neutral=False, equal_weight=False, quantiles=None, groups=None)
create_pyfolio_input(factor_data, period, capital=None, long_short=True, group_neutral=False, equal_weight=False, quantiles=None, groups=None, benchmark_period='1D')
"""  # noqa: E501 - a table reads best in lines
PLOTTING = """
customize(func)
plotting_context(context='notebook', font_scale=1.5, rc=None)
axes_style(style='darkgrid', rc=None)
plot_returns_table(alpha_beta, mean_ret_quantile, mean_ret_spread_quantile, return_df=False)
plot_turnover_table(autocorrelation_data, quantile_turnover, return_df=False)
plot_information_table(ic_data, return_df=False)
plot_quantile_statistics_table(factor_data, return_df=False)
plot_ic_ts(ic, ax=None)
plot_ic_hist(ic, ax=None)
plot_ic_qq(ic, theoretical_dist=NORM, ax=None)
plot_quantile_returns_bar(mean_ret_by_q, by_group=False, ylim_percentiles=None, ax=None)
plot_quantile_returns_violin(return_by_q, ylim_percentiles=None, ax=None)
plot_mean_quantile_returns_spread_time_series(mean_returns_spread, std_err=None, bandwidth=1, ax=None)
plot_ic_by_group(ic_group, ax=None)
plot_factor_rank_auto_correlation(factor_autocorrelation, period=1, ax=None)
plot_top_bottom_quantile_turnover(quantile_turnover, period=1, ax=None)
plot_monthly_ic_heatmap(mean_monthly_ic, ax=None)
plot_cumulative_returns(factor_returns, period, freq=None, title=None, ax=None)
plot_cumulative_returns_by_quantile(quantile_returns, period, freq=None, ax=None)
plot_quantile_average_cumulative_return(avg_cumulative_returns, by_quantile=False, std_bar=False, title=None, ax=None)
plot_events_distribution(events, num_bars=50, ax=None)
"""  # noqa: E501 - a table reads best in lines
TEARS = """
GridFigure(rows, cols)
create_summary_tear_sheet(factor_data, long_short=True, group_neutral=False)
create_returns_tear_sheet(factor_data, long_short=True, group_neutral=False, by_group=False)
create_information_tear_sheet(factor_data, group_neutral=False, by_group=False)
create_turnover_tear_sheet(factor_data, turnover_periods=None)
create_full_tear_sheet(factor_data, long_short=True, group_neutral=False, by_group=False)
create_event_returns_tear_sheet(factor_data, returns, avgretplot=(5, 15), long_short=True, group_neutral=False, std_bar=True, by_group=False)
create_event_study_tear_sheet(factor_data, returns, avgretplot=(5, 15), rate_of_ret=True, n_bars=50)
"""  # noqa: E501 - a table reads best in lines
TABLES = {utils: UTILS, performance: PERFORMANCE, plotting: PLOTTING, tears: TEARS}
LINES = [(m, line) for m, table in TABLES.items() for line in table.strip().splitlines()]


@pytest.mark.parametrize(("module", "line"), LINES, ids=lambda x: str(x).split("(")[0][:45])
def test_signature_is_the_documented_one(module: ModuleType, line: str) -> None:
    name, parameters = line.rstrip(")").split("(", 1)
    wanted = inspect.signature(eval(f"lambda {parameters}: None", {"NORM": stats.norm}))

    ours = inspect.signature(getattr(module, name)).parameters.values()

    old = [p for p in ours if p.kind is not inspect.Parameter.KEYWORD_ONLY]
    assert [p.name for p in old] == list(wanted.parameters)
    for mine, theirs in zip(old, wanted.parameters.values(), strict=True):
        if mine.name == "theoretical_dist" and mine.default is None:
            continue  # scipy is imported on demand; the normal is still what None means
        assert mine.default == theirs.default, mine.name
    extra = [p for p in ours if p.kind is inspect.Parameter.KEYWORD_ONLY]
    assert all(p.default is not inspect.Parameter.empty for p in extra)


@pytest.fixture
def fd(capsys: pytest.CaptureFixture[str]) -> pd.DataFrame:
    """Factor data of ten assets in three sectors on business days."""
    return _clean("business_groups")


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Record, at each `plt.show`, how many figures are open and how many axes they hold."""
    calls: list[tuple[int, int]] = []

    def show(*_: Any, **__: Any) -> None:
        figures = [plt.figure(number) for number in plt.get_fignums()]
        calls.append((len(figures), sum(len(figure.axes) for figure in figures)))

    monkeypatch.setattr(plt, "show", show)
    return calls


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> list[pd.DataFrame]:
    """Collect what is displayed, the way notebooks' users patch it."""
    seen: list[pd.DataFrame] = []
    monkeypatch.setattr("alphalens.utils.display", seen.append)
    return seen


def _clean(name: str, **changes: Any) -> pd.DataFrame:
    shape = shapes.build(name)
    return alphalens.utils.get_clean_factor_and_forward_returns(
        factor=shape.factor, prices=shape.prices, **(dict(shape.clean) | changes)
    )


def test_top_level_offers_the_four_modules():
    assert set(alphalens.__all__) >= {"performance", "plotting", "tears", "utils"}
    for name in ("performance", "plotting", "tears", "utils"):
        assert getattr(alphalens, name).__name__ == f"alphalens.{name}"
        assert name in dir(alphalens)
    assert alphalens.__version__


def test_version_tuple_agrees_with_the_version():
    numbers = ".".join(str(part) for part in alphalens.version_tuple[:3])

    assert alphalens.__version__.startswith(numbers.rsplit(".", 1)[0])


def test_exceptions_keep_name_home_and_base():
    for name in ("NonMatchingTimezoneError", "MaxLossExceededError"):
        error = getattr(utils, name)
        assert issubclass(error, Exception)
        assert error.__module__ == "alphalens.utils" or error.__name__ == name


def test_rethrow_appends_to_the_message_of_the_same_object():
    original = ValueError("first", 2)

    with pytest.raises(ValueError, match="first") as caught:
        utils.rethrow(original, " and second")

    assert caught.value is original
    assert original.args == ("first and second", 2)


def test_bin_edges_decorator_adds_a_hint_and_lets_others_pass():
    @utils.non_unique_bin_edges_error
    def fail(message: str) -> None:
        raise ValueError(message)

    with pytest.raises(ValueError, match="Bin edges must be unique") as hinted:
        fail("Bin edges must be unique: [0, 0]")
    with pytest.raises(ValueError, match=r"^something else$"):
        fail("something else")

    assert len(str(hinted.value)) > 100


def test_clean_prints_its_two_lines(capsys):
    _clean("daily7")

    first, second = capsys.readouterr().out.strip().splitlines()
    assert first.startswith("Dropped 0.0% entries from factor data: 0.0% in forward returns")
    assert second == "max_loss is 35.0%, not exceeded: OK!"


def test_stacked_factor_without_level_names_is_accepted(capsys):
    shape = shapes.build("daily7")
    wide = shape.prices.pct_change(3, fill_method=None).iloc[3:20]

    data = alphalens.utils.get_clean_factor_and_forward_returns(
        wide.T.unstack(),  # noqa: PD010 - to rows, not to a pivot
        shape.prices,
        quantiles=5,
        periods=(1, 5),
    )

    assert list(data.index.names) == ["date", "asset"]
    assert list(data.columns) == ["1D", "5D", "factor", "factor_quantile"]


def test_one_column_frame_is_accepted_as_a_factor(capsys):
    shape = shapes.build("daily7")

    data = utils.get_clean_factor_and_forward_returns(
        shape.factor.to_frame("momentum"), shape.prices
    )

    assert_frame_equal(data, _clean("daily7"))


def test_any_iterable_of_ints_gives_the_periods(capsys):
    wanted = _clean("daily7", periods=(1, 5))

    for periods in ([5, 1], range(1, 6, 4), np.array([1, 5]), (p for p in (5, 1)), {1, 5}):
        assert_frame_equal(_clean("daily7", periods=periods), wanted)


def test_everything_may_be_lost_when_the_caller_says_so(capsys):
    data = _clean("ties", quantiles=10, bins=None, max_loss=1.0)

    assert set(data.columns) == {"1D", "5D", "factor", "factor_quantile"}


def test_positional_arguments_land_where_they_did(fd):
    p = alphalens.performance

    ic = p.factor_information_coefficient(fd, False, True)
    means, _ = p.mean_return_by_quantile(fd, True, False, True, False)
    weights = p.factor_weights(fd, True, True, True)

    assert_frame_equal(ic, p.factor_information_coefficient(fd, by_group=True))
    assert_frame_equal(means, p.mean_return_by_quantile(fd, by_date=True)[0])
    wanted = p.factor_weights(fd, demeaned=True, group_adjust=True, equal_weight=True)
    assert_series_equal(weights, wanted)


def test_old_groupby_idioms_work_on_the_frame(fd):
    counts = fd.groupby(level="date")["factor"].count()
    ic = fd.groupby("date")[["1D", "factor"]].apply(
        lambda day: stats.spearmanr(day["factor"], day["1D"])[0]
    )

    assert (counts == 10).all()
    ours = performance.factor_information_coefficient(fd)["1D"]
    assert_series_equal(ours, ic, check_names=False, check_freq=False)


def test_sliced_and_queried_frames_are_accepted(fd):
    dates = fd.index.get_level_values("date").unique()
    part = fd.loc[dates[3] : dates[9]]

    ic = performance.factor_information_coefficient(part)
    top = performance.factor_weights(fd.query("factor_quantile == 4"), demeaned=False)

    whole = performance.factor_information_coefficient(fd)
    assert_frame_equal(ic, whole.loc[dates[3] : dates[9]])
    assert (top.index == fd.index[fd["factor_quantile"] == 4]).all()


def test_frame_read_back_from_csv_gives_the_same_numbers(fd):
    text = fd.tz_convert(None, level="date").to_csv()

    read = pd.read_csv(io.StringIO(text), index_col=["date", "asset"], parse_dates=["date"])

    ours, back = (performance.factor_returns(data, group_adjust=True) for data in (fd, read))
    np.testing.assert_allclose(back, ours, rtol=1e-12)
    assert back.index.freq is None


def test_pickled_frame_gives_the_same_answer(fd):
    again = pickle.loads(pickle.dumps(fd))

    assert_frame_equal(performance.factor_returns(again), performance.factor_returns(fd))


def _by_hand() -> pd.DataFrame:
    """Return factor_data as people build it: records, set_index, no freq, other column order."""
    dates = pd.to_datetime(["2021-01-04", "2021-01-05", "2021-01-07", "2021-01-08"])
    rows = [
        {"date": date, "asset": asset, "factor": (i * 7 + j * 3) % 11 + i / 10}
        for i, date in enumerate(dates)
        for j, asset in enumerate("ABCDEF")
    ]
    frame = pd.DataFrame(rows).set_index(["date", "asset"])
    frame["factor_quantile"] = frame.groupby(level="date")["factor"].transform(
        lambda f: pd.qcut(f, 2, labels=False) + 1
    )
    draws = shapes.uniforms(3, 2, len(frame))
    return frame.assign(**{"1D": draws[0] - 0.5, "5D": draws[1] - 0.4})


def test_hand_made_frame_keeps_its_dates_in_every_metric():
    frame = _by_hand()
    dates = frame.index.get_level_values("date").unique()

    results = [
        performance.factor_information_coefficient(frame),
        performance.factor_returns(frame),
        performance.quantile_turnover(frame["factor_quantile"], 1),
        performance.factor_rank_autocorrelation(frame),
    ]

    for result in results:
        assert list(result.index) == list(dates)
        assert result.index.freq is None
    assert list(performance.factor_returns(frame).columns) == ["1D", "5D"]


def test_hand_made_frame_goes_through_the_full_sheet(shown, tables):
    with pytest.warns(UserWarning, match="freq"):
        result = tears.create_full_tear_sheet(_by_hand())

    assert result is None
    assert shown
    assert tables


@pytest.mark.parametrize("spelling", ["M", "ME", "W", "D", "MS", "Q", "QE", "Y", "A"])
def test_time_buckets_accept_old_and_new_spellings(fd, spelling):
    new = {"M": "ME", "Q": "QE", "Y": "YE", "A": "YE"}.get(spelling, spelling)

    ours = performance.mean_information_coefficient(fd, by_time=spelling)

    ic = performance.factor_information_coefficient(fd)
    assert_frame_equal(ours, ic.resample(new).mean())


def test_hourly_bucket_accepts_the_old_capital():
    frame = _by_hand()

    ours = performance.mean_information_coefficient(frame, by_time="12H")

    assert_frame_equal(ours, performance.mean_information_coefficient(frame, by_time="12h"))


def test_month_offset_object_is_a_bucket(fd):
    ours = performance.mean_information_coefficient(fd, by_time=pd.offsets.MonthEnd())

    assert_frame_equal(ours, performance.mean_information_coefficient(fd, by_time="M"))


SHEETS = {
    "summary": lambda fd, growth: tears.create_summary_tear_sheet(fd, set_context=False),
    "full": lambda fd, growth: tears.create_full_tear_sheet(
        fd, long_short=True, group_neutral=False, by_group=True, set_context=False
    ),
    "returns": lambda fd, growth: tears.create_returns_tear_sheet(fd, True, True, True),
    "information": lambda fd, growth: tears.create_information_tear_sheet(fd, True, by_group=True),
    "turnover": lambda fd, growth: tears.create_turnover_tear_sheet(fd, turnover_periods=["1D"]),
    "event_returns": lambda fd, growth: tears.create_event_returns_tear_sheet(
        fd, growth, avgretplot=(2, 3), long_short=True, group_neutral=True, by_group=True
    ),
    "event_study": lambda fd, growth: tears.create_event_study_tear_sheet(
        fd, growth, avgretplot=(2, 3)
    ),
}


@pytest.mark.parametrize("sheet", SHEETS)
def test_sheet_shows_open_figures_then_closes_them_and_returns_none(fd, shown, tables, sheet):
    shape = shapes.build("business_groups")

    result = SHEETS[sheet](fd, (1 + shape.returns.fillna(0)).cumprod())

    assert result is None
    assert shown
    assert all(open_figures >= 1 and axes >= 1 for open_figures, axes in shown)
    assert plt.get_fignums() == []
    assert all(isinstance(table, pd.DataFrame) for table in tables)


def test_full_sheet_displays_tables_with_the_known_rows(fd, shown, tables):
    alphalens.tears.create_full_tear_sheet(fd)

    rows = [str(row) for table in tables for row in table.index]
    for row in (
        "Ann. alpha",
        "beta",
        "Mean Period Wise Return Top Quantile (bps)",
        "Mean Period Wise Return Bottom Quantile (bps)",
        "Mean Period Wise Spread (bps)",
        "IC Mean",
        "IC Std.",
        "Risk-Adjusted IC",
        "t-stat(IC)",
        "p-value(IC)",
        "IC Skew",
        "IC Kurtosis",
        "Quantile 1 Mean Turnover ",
        "Quantile 4 Mean Turnover ",
        "Mean Factor Rank Autocorrelation",
    ):
        assert row in rows


def test_sheet_without_a_notebook_prints_its_tables(fd, shown, capsys):
    tears.create_information_tear_sheet(fd)

    out = capsys.readouterr().out
    assert "Information Analysis" in out
    assert "Risk-Adjusted IC" in out


def test_display_gets_one_positional_frame_and_the_format_is_restored(monkeypatch, capsys):
    seen: list[Any] = []
    monkeypatch.setattr(utils, "display", lambda *args, **kwargs: seen.append((args, kwargs)))
    before = pd.get_option("display.float_format")
    table = pd.DataFrame({"a": [1.23456]})

    result = utils.print_table(table, name="Title", fmt="{0:.2f}")

    assert result is None
    ((args, kwargs),) = seen
    assert len(args) == 1
    assert kwargs == {}
    assert isinstance(args[0], pd.DataFrame)
    assert pd.get_option("display.float_format") == before
    assert table.columns.name == "Title"


def test_single_plots_take_axes_and_return_them(fd, capsys):
    ic = performance.factor_information_coefficient(fd)
    _, axes = plt.subplots(3, 1)

    drawn = plotting.plot_ic_ts(ic, ax=axes)
    hist = plotting.plot_ic_hist(ic)
    bar = plotting.plot_quantile_returns_bar(performance.mean_return_by_quantile(fd)[0])

    assert list(np.ravel(drawn)) == list(axes)
    assert len(np.ravel(hist)) == 3
    assert hasattr(bar, "get_ylabel") or len(np.ravel(bar)) >= 1


def test_histogram_bars_count_every_ic(fd):
    ic = performance.factor_information_coefficient(fd)
    ic.iloc[2] = np.nan

    for axis, name in zip(np.ravel(plotting.plot_ic_hist(ic)), ic.columns, strict=False):
        heights = sum(patch.get_height() for patch in axis.patches)
        assert heights == pytest.approx(ic[name].notna().sum())


def test_spread_plot_has_its_band_first_among_the_collections(fd):
    means, errors = performance.mean_return_by_quantile(fd, by_date=True)
    spread, error = performance.compute_mean_returns_spread(means, 4, 1, std_err=errors)

    axis = plotting.plot_mean_quantile_returns_spread_time_series(spread["1D"], error["1D"])

    band = axis.collections[0].get_paths()[0].vertices[:, 1]
    upper = ((spread["1D"] + error["1D"]) * plotting.DECIMAL_TO_BPS).max()
    assert band.max() == pytest.approx(upper)


def test_returns_recipe_from_the_tutorials_runs_end_to_end(fd, capsys):
    p, u = alphalens.performance, alphalens.utils
    means, errors = p.mean_return_by_quantile(fd, by_date=True, by_group=False, demeaned=True)
    rates = means.apply(u.rate_of_return, axis=0, base_period="1D")
    errors = errors.apply(u.std_conversion, axis=0, base_period="1D")

    spread, error = p.compute_mean_returns_spread(rates, 4, 1, std_err=errors)
    table = plotting.plot_returns_table(
        p.factor_alpha_beta(fd), p.mean_return_by_quantile(fd)[0], spread, return_df=True
    )

    np.testing.assert_allclose(spread, (rates.xs(4) - rates.xs(1)).to_numpy())
    assert (error.dropna() >= 0).all(axis=None)
    assert list(table.columns) == ["1D", "5D", "10D"]


def test_pyfolio_input_has_three_aligned_parts(fd):
    returns, book, benchmark = alphalens.performance.create_pyfolio_input(
        fd,
        period="1D",
        capital=100000,
        long_short=True,
        group_neutral=False,
        equal_weight=True,
        quantiles=[1, 4],
        groups=None,
        benchmark_period="1D",
    )

    assert returns.index.freq == pd.offsets.Day()
    assert "cash" in book.columns
    assert benchmark.name == "benchmark"
    assert returns.index.equals(benchmark.index)
    assert returns.iloc[0] == 0


def test_grid_figure_is_walked_by_hand():
    grid = tears.GridFigure(rows=2, cols=2)

    first, second = grid.next_row(), grid.next_cell()

    assert len(grid.fig.axes) == 2
    assert first is not second
    number = grid.fig.number
    grid.close()
    assert number not in plt.get_fignums()


def test_seaborn_contexts_are_context_managers():
    before = plt.rcParams["axes.facecolor"], plt.rcParams["font.size"]

    with plotting.plotting_context(), plotting.axes_style("white"):
        inside = plt.rcParams["axes.facecolor"]

    assert inside == "white"
    assert (plt.rcParams["axes.facecolor"], plt.rcParams["font.size"]) == before


def test_customized_function_of_the_user_swallows_set_context():
    @plotting.customize
    def draw(value: int, *, twice: bool = False) -> int:
        return value * (2 if twice else 1)

    assert draw(2, twice=True, set_context=False) == 4
    assert draw(3) == 3


@pytest.mark.filterwarnings("ignore:.*calendar:UserWarning")
def test_events_on_single_assets_go_through_the_study(shown, tables):
    data = _clean("sparse_events")
    shape = shapes.build("sparse_events")

    tears.create_event_study_tear_sheet(data, shape.prices, avgretplot=(3, 4))
    tears.create_event_study_tear_sheet(data, returns=None)

    assert len(shown) >= 2


@pytest.mark.parametrize("window", [None, (0, 3), (3, 0)])
def test_summary_of_events_accepts_any_window(fd, shown, tables, window):
    growth = (1 + shapes.build("business_groups").returns.fillna(0)).cumprod()

    result = tears.create_event_returns_tear_sheet(fd, growth, avgretplot=window)

    assert result is None


@pytest.mark.parametrize(
    "name", ["four_rows_a_day", "hourly", "eastern", "one_asset", "two_assets"]
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_full_and_summary_sheets_run_on_every_kind_of_clock(name, shown, tables, capsys):
    data = _clean(name)

    tears.create_full_tear_sheet(data)
    tears.create_summary_tear_sheet(data)

    assert plt.get_fignums() == []
    assert not [table for table in tables if "0D" in map(str, table.columns)]


def test_zscore_filter_is_off_with_none_and_with_false(capsys):
    shape = shapes.build("outliers")

    off, none = (
        utils.compute_forward_returns(shape.factor, shape.prices, (1, 3), filter_zscore=value)
        for value in (False, None)
    )

    assert_frame_equal(off, none)


def test_spread_works_with_the_levels_in_either_order(fd):
    means, errors = performance.mean_return_by_quantile(fd, by_date=True)
    turned = [part.swaplevel().sort_index() for part in (means, errors)]

    spread, error = performance.compute_mean_returns_spread(turned[0], 4, 1, turned[1])

    wanted = performance.compute_mean_returns_spread(means, 4, 1, errors)
    assert_frame_equal(spread, wanted[0])
    assert_frame_equal(error, wanted[1])


def _row(tables: list[pd.DataFrame], label: str) -> pd.Series:
    """Return the first row of that label in the tables displayed."""
    return next(table.loc[label] for table in tables if label in table.index)


def test_summary_and_information_sheets_agree_when_group_neutral(fd, shown, tables):
    tears.create_summary_tear_sheet(fd, group_neutral=True)
    summary = _row(tables, "IC Mean")
    tables.clear()

    tears.create_information_tear_sheet(fd, group_neutral=True)

    assert_series_equal(_row(tables, "IC Mean"), summary)
    neutral = performance.factor_information_coefficient(fd, group_adjust=True).mean()
    np.testing.assert_allclose(summary, neutral.round(3))


def test_turnover_uses_the_labels_present(fd, shown, tables):
    relabelled = fd.assign(factor_quantile=fd["factor_quantile"].map({1: 2, 2: 3, 3: 7, 4: 9}))

    tears.create_turnover_tear_sheet(relabelled)
    tears.create_summary_tear_sheet(relabelled)

    rows = {str(row) for table in tables for row in table.index if "Turnover" in str(row)}
    assert rows == {f"Quantile {label} Mean Turnover " for label in (2, 3, 7, 9)}


def test_whole_labels_that_became_floats_are_named_as_before(fd, shown, tables):
    floats = fd.assign(factor_quantile=fd["factor_quantile"].astype(float))

    tears.create_summary_tear_sheet(floats)
    summary = {str(row) for table in tables for row in table.index if "Turnover" in str(row)}
    tables.clear()
    tears.create_turnover_tear_sheet(floats)
    sheet = {str(row) for table in tables for row in table.index if "Turnover" in str(row)}

    assert summary == {f"Quantile {label} Mean Turnover " for label in (1, 2, 3, 4)}
    assert sheet == {f"Quantile {label}.0 Mean Turnover " for label in (1, 2, 3, 4)}


def test_full_sheet_of_whole_days_does_not_warn(fd, shown, tables):
    tears.create_full_tear_sheet(fd)  # pytest turns any warning into an error

    assert tables
