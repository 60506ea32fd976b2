"""The clean step and the small tools: frames, options, messages, printed lines."""

from __future__ import annotations

import sys
import types

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal, assert_series_equal

from alphalens import utils
from alphalens._loss import REASONS
from alphalens.errors import ConfigError, InputError
from alphalens.utils import (
    MaxLossExceededError,
    compute_forward_returns,
    get_clean_factor,
    get_clean_factor_and_forward_returns,
    quantize_factor,
)

from .golden.shapes import days, letters, long, normals, walk

N_DATES, N_ASSETS = 12, 6


@pytest.fixture
def prices() -> pd.DataFrame:
    """Prices of six assets on 20 business days."""
    return walk(1, days("2021-01-04", N_DATES + 8, freq="B"), letters(N_ASSETS))


@pytest.fixture
def factor(prices: pd.DataFrame) -> pd.Series:
    """A factor on the first twelve of these days."""
    return long(normals(2, N_DATES, N_ASSETS), prices.index[:N_DATES], letters(N_ASSETS))


def clean(factor, prices, **options):
    return get_clean_factor_and_forward_returns(factor, prices, **({"periods": (1, 3)} | options))


# --- forward returns ----------------------------------------------------------------------------


def test_forward_returns_are_shifted_changes_of_filled_prices(factor, prices):
    prices.iloc[4:6, 1] = np.nan
    prices.iloc[:3, 2] = np.nan

    ours = compute_forward_returns(factor, prices, (3,))["3D"].unstack()  # noqa: PD010 - wide

    filled = prices.ffill()
    want = (filled.shift(-3) / filled - 1).iloc[:N_DATES]
    np.testing.assert_array_equal(ours, want)


def test_last_row_returns_are_those_of_one_row(factor, prices):
    ours = compute_forward_returns(factor, prices, (1, 3), cumulative_returns=False)

    single = prices / prices.shift(1) - 1
    want = single.shift(-3).iloc[:N_DATES].stack()
    assert ours.columns.tolist() == ["1D", "3D"]
    np.testing.assert_array_equal(ours["3D"], want)


def test_period_zero_comes_first_without_a_name(factor, prices):
    forward = compute_forward_returns(factor, prices, range(2))

    assert forward.columns.tolist() == ["", "1D"]
    assert (forward[""] == 0).all()


@pytest.mark.parametrize("off", [None, False])
def test_no_filter_keeps_what_a_filter_takes_out(factor, prices, off):
    prices.iloc[7:, 3] *= 5

    kept = compute_forward_returns(factor, prices, (1,), filter_zscore=off)
    filtered = compute_forward_returns(factor, prices, (1,), filter_zscore=3)

    gone = filtered["1D"].isna() & kept["1D"].notna()
    assert list(gone[gone].index) == [(prices.index[6], "D")]


def test_dates_and_assets_unknown_to_prices_are_nan(factor, prices):
    forward = compute_forward_returns(factor, prices.drop(columns="B").drop(prices.index[5]), (1,))

    missing = forward["1D"].isna()
    dates, assets = (forward.index.get_level_values(i) for i in range(2))
    assert_series_equal(
        missing, pd.Series((dates == prices.index[5]) | (assets == "B"), forward.index, name="1D")
    )


def test_index_is_the_factors_own_with_names_and_calendar(factor, prices):
    nameless = factor.rename_axis([None, None]).iloc[::-1]

    forward = compute_forward_returns(nameless, prices, (1,))

    assert forward.index.names == ["date", "asset"]
    assert forward.index.equals(nameless.index.set_names(["date", "asset"]))
    assert forward.index.levels[0].freq == pd.offsets.BDay()
    assert list(nameless.index.names) == [None, None]


def test_calendar_without_freq_is_inferred_and_set_on_the_result_alone(factor, prices):
    holiday = prices.index[4]
    factor = factor.drop(holiday, level="date")
    factor.index = factor.index.remove_unused_levels()

    forward = compute_forward_returns(factor, prices.drop(holiday), (1,))

    calendar = forward.index.levels[0].freq
    assert isinstance(calendar, pd.offsets.CustomBusinessDay)
    assert calendar.holidays == (np.datetime64(holiday, "D"),)
    assert factor.index.levels[0].freq is None


def test_dates_off_the_calendar_keep_their_freq_with_one_warning(prices):
    fridays = days("2021-01-08", 2, freq="W-FRI")
    weekly = long(normals(3, 2, N_ASSETS), fridays, letters(N_ASSETS))

    with pytest.warns(UserWarning, match="nothing is laid on a calendar grid") as caught:
        forward = compute_forward_returns(weekly, prices, (1,))

    assert [warning.filename for warning in caught] == [__file__]
    assert forward.index.levels[0].freq == pd.offsets.Week(weekday=4)
    assert forward.columns.tolist() == ["1D"]


@pytest.mark.parametrize("unit", ["s", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "US/Eastern"])
def test_unit_and_zone_of_the_dates_reach_the_frame(unit, zone):
    dates = days("2021-03-08", 14, unit=unit, tz=zone, freq="B")
    prices = walk(4, dates, letters(4))
    factor = long(normals(5, 8, 4), dates[:8], letters(4))

    frame = clean(factor, prices, quantiles=2)

    assert frame.index.levels[0].dtype == dates.dtype
    assert frame.index.levels[0].freq == pd.offsets.BDay()


# --- clean --------------------------------------------------------------------------------------


def test_clean_prints_two_lines_through_stdout(factor, prices, capsys):
    clean(factor.mask(factor < -1), prices)

    first, second = capsys.readouterr().out.splitlines()
    lost = (factor < -1).mean() * 100
    assert first == (
        f"Dropped {lost:.1f}% entries from factor data: {lost:.1f}% in forward returns computation "
        "and 0.0% in binning phase (set max_loss=0 to see potentially suppressed Exceptions)."
    )
    assert second == "max_loss is 35.0%, not exceeded: OK!"


def test_columns_stand_in_the_documented_order_and_types(factor, prices, capsys):
    groups = {asset: "ba"[i % 2] for i, asset in enumerate(letters(N_ASSETS))}

    frame = clean((factor * 1e6).astype(int), prices, groupby=groups)

    assert frame.columns.tolist() == ["1D", "3D", "factor", "group", "factor_quantile"]
    assert frame.columns.dtype == pd.Index(["text"]).dtype
    kinds = [str(dtype) for dtype in frame.dtypes]
    assert kinds == ["float64", "float64", "int64", "category", "int64"]
    assert frame["group"].cat.categories.tolist() == ["a", "b"]


def test_rows_lost_in_binning_leave_float_labels_and_the_level_whole(factor, prices, capsys):
    flat = factor.copy()
    flat.loc[prices.index[2]] = 1.0

    frame = clean(flat, prices)

    assert frame["factor_quantile"].dtype == np.float64
    assert prices.index[2] not in frame.index.get_level_values("date")
    assert prices.index[2] in frame.index.levels[0]
    assert frame.index.levels[0].freq == pd.offsets.BDay()


def test_result_shares_no_memory_with_the_arguments(factor, prices, capsys):
    forward = compute_forward_returns(factor, prices, (1,))
    factor_before, forward_before = factor.copy(deep=True), forward.copy(deep=True)

    frame = get_clean_factor(factor, forward)
    for column in ("1D", "factor"):
        frame[column] *= 0
        frame.loc[:, column] = 7.0

    assert_series_equal(factor, factor_before)
    assert_frame_equal(forward, forward_before)


def test_factor_in_another_order_is_joined_by_label(factor, prices, capsys):
    forward = compute_forward_returns(factor, prices, (1,))

    shuffled = get_clean_factor(factor.sample(frac=1, random_state=1), forward)

    assert_frame_equal(shuffled, get_clean_factor(factor, forward))


def test_unsorted_prices_warn_at_the_line_of_the_call(factor, prices, capsys):
    with pytest.warns(UserWarning, match="not sorted by time") as both_steps:
        get_clean_factor_and_forward_returns(
            factor, prices[::-1], quantiles=2, periods=(1,), max_loss=1.0
        )
    with pytest.warns(UserWarning, match="not sorted by time") as first_step:
        compute_forward_returns(factor, prices[::-1], (1,))

    places = [warning.filename for found in (both_steps, first_step) for warning in found]
    assert places == [__file__, __file__]


def test_repeated_rows_warn_at_the_line_of_the_call(factor, prices, capsys):
    twice = pd.concat([factor, factor.iloc[:2]])
    forward = compute_forward_returns(twice, prices, (1,))

    with pytest.warns(UserWarning, match="factor repeats 2 rows") as both_steps:
        get_clean_factor_and_forward_returns(twice, prices, quantiles=2, periods=(1,))
    with pytest.warns(UserWarning, match="factor repeats 2 rows") as second_step:
        get_clean_factor(factor, forward, quantiles=2)
    given = {"call": get_clean_factor, "factor": factor, "forward": forward}
    with pytest.warns(UserWarning, match="factor repeats 2 rows") as in_text:
        exec("call(factor, forward, quantiles=2)", given)

    places = [caught[0].filename for caught in (both_steps, second_step, in_text)]
    assert places == [__file__, __file__, "<string>"]


def test_bins_alone_beat_the_default_quantiles_but_not_given_ones(factor, prices, capsys):
    assert_frame_equal(clean(factor, prices, bins=3), clean(factor, prices, quantiles=None, bins=3))

    with pytest.raises(ValueError, match="Either quantiles or bins should be provided"):
        clean(factor, prices, quantiles=5, bins=3)


def test_max_loss_of_zero_raises_what_binning_otherwise_swallows(factor, prices, capsys):
    flat = factor.copy()
    flat.loc[prices.index[2]] = 1.0

    with pytest.raises(utils.BinEdgesError, match="Bin edges must be unique") as caught:
        clean(flat, prices, max_loss=0)

    assert "use `bins` instead of `quantiles`" in str(caught.value)
    assert str(prices.index[2]) in str(caught.value)


def lossy(factor: pd.Series, prices: pd.DataFrame) -> tuple[pd.Series, pd.DataFrame, dict]:
    """Return an input that loses rows for every reason, some on top of each other."""
    dates = factor.index.levels[0]
    factor = factor.copy()
    factor.loc[(dates[0], ["A", "B"])] = [np.nan, np.inf]
    factor.loc[dates[3]] = 2.0
    prices = prices.copy()
    prices["F"] = np.nan
    prices.iloc[6:, 4] *= 40
    groups = pd.Series("x", factor.index)
    groups.loc[(dates[1], "C")] = None
    return factor, prices.iloc[: N_DATES + 2], {"groupby": groups, "filter_zscore": 3}


def test_loss_table_counts_every_row_once_under_its_gravest_reason(factor, prices, capsys):
    dates = prices.index
    factor, prices, options = lossy(factor, prices)

    with pytest.raises(MaxLossExceededError) as caught:
        clean(factor, prices, **options)

    loss = caught.value.loss
    assert tuple(loss.columns) == REASONS
    assert loss.loc[dates[0], "NaN factor"] == 2
    assert (loss["no price"] == 1).all()
    assert loss.loc[dates[11], "no later price"] == 5
    assert loss.loc[dates[5], "zscore filter"] == 1
    assert loss.loc[dates[1], "no group"] == 1
    assert (
        loss.loc[dates[3], "constant date / bin edges"] == 5 - loss.loc[dates[3], "zscore filter"]
    )
    assert loss["no forward return"].sum() == 0


def test_loss_message_tells_number_first_rows_and_remedy_of_each_reason(factor, prices, capsys):
    factor, prices, options = lossy(factor, prices)

    with pytest.raises(MaxLossExceededError) as caught:
        clean(factor, prices, **options)

    lines = str(caught.value).splitlines()[1:]
    assert [line.split(":")[0].strip() for line in lines] == [
        name for name in REASONS if caught.value.loss[name].sum()
    ]
    assert lines[0].startswith("  NaN factor: 2 rows, first (2021-01-04 00:00:00, A), ")


def test_loss_of_the_second_step_alone_has_no_cause_for_a_missing_return(factor, prices, capsys):
    forward = compute_forward_returns(factor, prices.iloc[:N_DATES], (3,))

    with pytest.raises(MaxLossExceededError) as caught:
        get_clean_factor(factor, forward, max_loss=0.1)

    assert caught.value.loss.sum().to_dict()["no forward return"] == 3 * N_ASSETS


def test_bins_that_miss_values_are_a_reason_of_their_own(factor, prices, capsys):
    with pytest.raises(MaxLossExceededError) as caught:
        clean(factor, prices, bins=[0, 0.5], max_loss=0.2)

    outside = ((factor <= 0) | (factor > 0.5)).groupby(level="date").sum()
    assert_series_equal(
        caught.value.loss["outside bins"], outside, check_names=False, check_freq=False
    )


def test_error_made_by_hand_carries_an_empty_table():
    assert MaxLossExceededError("too much").loss.empty


@pytest.mark.parametrize("as_series", [True, False])
def test_group_labels_replace_the_codes(factor, prices, as_series, capsys):
    codes = {asset: i % 2 for i, asset in enumerate(letters(N_ASSETS))}
    groupby = factor.index.get_level_values("asset").map(codes) if as_series else codes
    groupby = pd.Series(groupby, factor.index) if as_series else groupby

    frame = clean(factor, prices, groupby=groupby, groupby_labels={0: "tech", 1: "banks", 2: "-"})

    assert frame["group"].cat.categories.tolist() == ["banks", "tech"]
    assert frame["group"].xs("A", level="asset").eq("tech").all()


def test_a_series_of_groups_by_asset_is_a_mapping(factor, prices, capsys):
    groups = {asset: "xy"[i % 2] for i, asset in enumerate(letters(N_ASSETS))}

    by_asset = clean(factor, prices, groupby=pd.Series(groups))

    assert_frame_equal(by_asset, clean(factor, prices, groupby=groups))
    with pytest.raises(KeyError, match=r"Assets \['A'\] not in group mapping"):
        clean(factor, prices, groupby=pd.Series(groups).drop("A"))


def test_asset_without_group_is_no_matter_where_its_factor_is_missing(factor, prices, capsys):
    without = factor.mask(factor.index.get_level_values("asset") == "F")

    frame = clean(without, prices, groupby=dict.fromkeys("ABCDE", "x"))

    assert "F" not in frame.index.get_level_values("asset")


# --- quantize -----------------------------------------------------------------------------------


def test_quantize_by_group_cuts_each_group_by_itself(factor, prices, capsys):
    frame = clean(factor, prices, groupby={a: a < "D" for a in letters(N_ASSETS)})

    labels = quantize_factor(frame, 3, by_group=True)

    ranks = frame["factor"].groupby(["date", frame["group"].astype(bool)]).rank()
    assert_series_equal(labels, ranks.astype(int), check_names=False)


def test_quantize_leaves_rows_without_factor_out(factor, prices, capsys):
    frame = clean(factor, prices)
    frame.iloc[3, frame.columns.get_loc("factor")] = np.nan

    labels = quantize_factor(frame, 2)

    assert len(labels) == len(frame) - 1
    assert labels.dtype == np.float64
    assert labels.name == "factor_quantile"


def test_edges_error_names_date_and_group(factor, prices, capsys):
    frame = clean(factor, prices, groupby=dict.fromkeys(letters(N_ASSETS), "tech"))
    frame.loc[prices.index[1], "factor"] = 3.0

    with pytest.raises(ValueError, match=f"first {prices.index[1]} in group tech"):
        quantize_factor(frame, 3, by_group=True)


# --- options, printing, small tools -------------------------------------------------------------


def test_convention_is_switched_back_even_after_an_error():
    def fail_inside() -> None:
        with utils.options.context(convention="reloaded"):
            assert utils.options.is_reloaded
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        fail_inside()

    assert utils.options.convention == "original"


def test_unknown_convention_is_refused_with_the_choices():
    with pytest.raises(ConfigError, match=r"'original', 'reloaded'.*got 'newest'"):
        utils.options.convention = "newest"


def test_print_table_calls_the_display_of_the_moment(monkeypatch):
    shown: list[tuple[pd.DataFrame, object]] = []
    monkeypatch.setattr(
        utils, "display", lambda t: shown.append((t, pd.get_option("display.float_format")))
    )
    frame = pd.DataFrame({"a": [0.5]})

    utils.print_table(frame, name="title", fmt="{0:.1f}%")
    utils.print_table(frame["a"])

    assert shown[0][0] is frame
    assert shown[0][1](0.25) == "0.2%"
    assert shown[1][0].columns.tolist() == ["a"]
    assert shown[1][1] is pd.get_option("display.float_format")


def test_print_table_names_the_columns_of_the_callers_frame(capsys):
    frame = pd.DataFrame({"a": [0.5]})

    utils.print_table(frame, name="title")

    assert frame.columns.name == "title"
    assert capsys.readouterr().out == f"{frame}\n"


def test_display_goes_through_ipython_where_it_is_loaded(monkeypatch, capsys):
    shown: list[object] = []
    module = types.ModuleType("IPython.display")
    module.display = shown.append
    monkeypatch.setitem(sys.modules, "IPython", types.ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", module)

    utils.display("table")

    assert shown == ["table"]
    assert capsys.readouterr().out == ""


def test_rethrow_raises_the_same_object_with_more_to_say():
    error = ValueError("first", 2)

    with pytest.raises(ValueError, match=r"first and more") as caught:
        utils.rethrow(error, " and more")

    assert caught.value is error
    assert error.args == ("first and more", 2)


def test_decorator_leaves_other_errors_alone():
    @utils.non_unique_bin_edges_error
    def fail() -> None:
        raise ValueError("something else")

    with pytest.raises(ValueError, match=r"^something else$"):
        fail()


def test_backshift_moves_by_dates_not_by_rows(factor):
    ragged = factor.drop((factor.index.levels[0][3], "B"))

    moved = utils.backshift_returns_series(ragged, 2)

    wide = ragged.unstack().shift(-2)  # noqa: PD010 - wide on purpose
    want = wide.stack(future_stack=True).dropna()
    assert moved.name is None
    assert_series_equal(moved.sort_index(), want.sort_index(), check_names=False, check_freq=False)


def test_demean_takes_any_grouping_and_leaves_its_argument(factor, prices, capsys):
    frame = clean(factor, prices, groupby={a: a < "C" for a in letters(N_ASSETS)})
    before = frame.copy(deep=True)

    ours = utils.demean_forward_returns(frame, ["date", "group"])

    means = frame.groupby(["date", "group"], observed=True)[["1D", "3D"]].transform("mean")
    np.testing.assert_allclose(ours[["1D", "3D"]], frame[["1D", "3D"]] - means, atol=1e-15)
    assert_frame_equal(frame, before)
    assert ours.columns.equals(frame.columns)


def test_period_columns_of_a_frame_warn_of_nothing():
    columns = pd.Index(["1D", "5D", "factor", "group", "factor_quantile", ""])

    names = utils.get_forward_returns_columns(columns, require_exact_day_multiple=True)

    assert names.tolist() == ["1D", "5D"]
    assert names.dtype == columns.dtype


def test_turnover_periods_skip_parts_of_days_with_a_warning():
    with pytest.warns(UserWarning, match="aren't exact multiples of days") as caught:
        assert utils.turnover_periods_from_columns(pd.Index(["5D", "3h", "1D"])) == [5, 1]

    assert [warning.filename for warning in caught] == [__file__]


def test_rates_and_deviations_read_the_period_from_the_name():
    frame = pd.DataFrame({"1D": [0.1], "4D": [0.4641]})

    rates = frame.apply(utils.rate_of_return, axis=0, base_period="1D")
    deviations = frame.apply(utils.std_conversion, axis=0, base_period="1D")

    np.testing.assert_allclose(rates, [[0.1, 0.1]])
    np.testing.assert_allclose(deviations, [[0.1, 0.23205]])


def test_errors_of_ours_are_input_errors_and_what_callers_caught_before():
    assert utils.NotDatesError.__bases__ == (InputError, AttributeError)
    assert utils.GroupMappingError.__bases__ == (InputError, KeyError)
    assert utils.BinEdgesError.__bases__ == (InputError,)
    assert utils.NonMatchingTimezoneError.__bases__ == (Exception,)
    assert utils.MaxLossExceededError.__bases__ == (Exception,)
