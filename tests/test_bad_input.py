"""Bad input is told what was found, where, and what to do: names, dates, counts, remedy."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from alphalens import comparison, performance, tears, utils
from alphalens.errors import InputError
from alphalens.utils import (
    MaxLossExceededError,
    NonMatchingTimezoneError,
    get_clean_factor_and_forward_returns,
)

from .golden import shapes

pytestmark = pytest.mark.usefixtures("capsys")
MANY = 400  # characters: a message stays readable however many rows are wrong


@pytest.fixture
def factor() -> pd.Series:
    """Ten assets on 22 days, naive, from 2021-03-01."""
    return shapes.build("daily7").factor


@pytest.fixture
def prices() -> pd.DataFrame:
    """Prices of these assets, eleven days longer."""
    return shapes.build("daily7").prices


@pytest.fixture
def fd(factor: pd.Series, prices: pd.DataFrame) -> pd.DataFrame:
    """The clean frame of both."""
    return get_clean_factor_and_forward_returns(factor, prices, periods=(1, 5))


def complaint(call: Callable[[], Any]) -> str:
    """Return what the call says about its input, as an error or as a warning."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            call()
        except (ValueError, TypeError, KeyError) as error:
            return str(error)
    texts = [str(w.message) for w in caught if issubclass(w.category, UserWarning)]
    assert texts, "neither an error nor a warning"
    return "\n".join(texts)


def says(text: str, *words: str) -> None:
    """Fail unless every word, or one of its ``|`` synonyms, is in the text, in any case."""
    told = text.lower()
    missing = [word for word in words if not any(w in told for w in word.lower().split("|"))]
    assert not missing, f"{missing} not said in: {text}"


def clean(factor: Any, prices: Any, **options: Any) -> pd.DataFrame:
    """Clean with short horizons."""
    return get_clean_factor_and_forward_returns(factor, prices, **({"periods": (1,)} | options))


# --- dates and zones ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "theirs", "words"),
    [
        ("UTC", "US/Eastern", ("UTC", "US/Eastern")),
        ("UTC", None, ("UTC",)),
        (None, "Asia/Tokyo", ("Asia/Tokyo",)),
    ],
)
def test_zones_that_differ_are_both_named_with_the_remedy(factor, prices, ours, theirs, words):
    zoned = factor.tz_localize(ours, level="date")

    with pytest.raises(NonMatchingTimezoneError) as caught:
        clean(zoned, prices.tz_localize(theirs))

    says(str(caught.value), "factor", "prices", *words)
    assert "tz_localize" in str(caught.value) or "tz_convert" in str(caught.value)
    if None in (ours, theirs):
        assert "naive" in str(caught.value).lower() or "None" in str(caught.value)


def test_dates_as_text_are_converted(factor, prices):
    text = factor.rename(index=lambda stamp: stamp.strftime("%Y-%m-%d"), level="date")

    from_text = clean(text, prices)
    both = clean(text, prices.set_axis(prices.index.strftime("%Y-%m-%d")))

    wanted = clean(factor, prices)
    for result in (from_text, both):
        np.testing.assert_array_equal(result["1D"], wanted["1D"])
        assert isinstance(result.index.levels[0], pd.DatetimeIndex)


def test_text_that_is_no_date_is_shown_with_its_argument(factor, prices):
    broken = factor.rename(index=lambda stamp: f"day {stamp:%d}", level="date")

    text = complaint(lambda: clean(broken, prices))

    says(text, "factor", "day 01", "date")


def test_integer_dates_are_refused_by_argument_and_value(factor, prices):
    numbers = factor.rename(index=lambda stamp: int(stamp.strftime("%Y%m%d")), level="date")

    text = complaint(lambda: clean(numbers, prices))

    says(text, "factor", "int64", "20210301", "to_datetime")


def test_integer_dates_of_prices_are_refused_by_argument(factor, prices):
    numbers = prices.set_axis(range(len(prices)), axis=0)

    text = complaint(lambda: clean(factor, numbers))

    says(text, "prices", "int64", "to_datetime")


def test_no_common_date_shows_both_ranges(factor, prices):
    later = prices.set_axis(prices.index + pd.Timedelta("4000D"))

    with pytest.raises(ValueError, match="Factor and prices indices don't match") as caught:
        clean(factor, later)

    says(str(caught.value), "2021-03-01", "2021-03-22", "2032-02-12")


def test_no_common_asset_shows_names_of_both_sides(factor, prices):
    with pytest.raises((ValueError, MaxLossExceededError)) as caught:
        clean(factor, prices.rename(columns=lambda name: f"{name}.US"))

    says(str(caught.value), "A.US")


def test_too_few_later_prices_says_which_period_and_how_many(factor, prices):
    with pytest.raises(ValueError, match="Not enough price data") as caught:
        clean(factor, prices.iloc[:22], periods=(1, 30))

    says(str(caught.value), "30", "22", "2021-03-22")


def test_dates_off_the_calendar_warn_and_clean_goes_on():
    shape = shapes.build("missing_days")

    with pytest.warns(UserWarning, match="calendar") as caught:
        data = get_clean_factor_and_forward_returns(shape.factor, shape.prices, periods=(1, 5))

    assert len(caught) == 1
    assert len(data) == len(shape.factor)
    says(str(caught[0].message), "factor", "freq")


# --- shape of the factor ------------------------------------------------------------------------


def test_empty_factor_is_named(factor, prices):
    says(complaint(lambda: clean(factor.iloc[:0], prices)), "factor", "empty|no rows|none")


def test_empty_factor_without_dates_is_named(prices):
    index = pd.MultiIndex.from_arrays([pd.DatetimeIndex([]), []], names=["date", "asset"])

    says(
        complaint(lambda: clean(pd.Series(index=index, dtype=float), prices)),
        "factor",
        "empty|no rows|none",
    )


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_factor_without_one_finite_value_is_a_loss_of_all(factor, prices, value):
    with pytest.raises(MaxLossExceededError, match=r"100\.0%") as caught:
        clean(factor * 0 + value, prices)

    says(str(caught.value), "35.0%", "factor", "220")
    assert caught.value.loss.to_numpy().sum() == 220


def test_repeated_rows_of_the_factor_are_counted_and_shown(factor, prices):
    twice = pd.concat([factor, factor.iloc[[11, 12, 25]]])

    text = complaint(lambda: clean(twice, prices))

    says(text, "factor", "duplicate|repeat", "3", "2021-03-02", "B")


def test_repeated_dates_of_prices_are_shown(factor, prices):
    twice = pd.concat([prices, prices.iloc[[3]]]).sort_index()

    says(complaint(lambda: clean(factor, twice)), "prices", "duplicate|repeat", "2021-03-04")


def test_repeated_assets_of_prices_are_shown(factor, prices):
    twice = pd.concat([prices, prices[["C"]]], axis=1)

    says(complaint(lambda: clean(factor, twice)), "prices", "duplicate|repeat", "C")


def test_prices_out_of_order_are_not_taken_silently(factor, prices):
    text = complaint(lambda: clean(factor, prices.iloc[::-1]))

    says(text, "prices", "sort")


def test_factor_of_words_is_refused_with_dtype_and_example(factor, prices):
    words = pd.Series("buy", index=factor.index)

    says(complaint(lambda: clean(words, prices)), "factor", "buy", "numeric")


def test_prices_of_words_are_refused_with_the_column(factor, prices):
    mixed = prices.astype(object)
    mixed.iloc[4, 2] = "n/a"

    says(complaint(lambda: clean(factor, mixed)), "prices", "C", "n/a")


def test_factor_with_dates_alone_is_told_the_two_levels(factor, prices):
    flat = factor.droplevel("asset")

    says(complaint(lambda: clean(flat, prices)), "factor", "MultiIndex", "date", "asset")


def test_wide_factor_is_told_to_stack(factor, prices):
    wide = prices.iloc[:22]

    says(complaint(lambda: clean(wide, prices)), "factor", "stack")


def test_levels_in_the_wrong_order_are_named(factor, prices):
    text = complaint(lambda: clean(factor.swaplevel(), prices))

    says(text, "factor", "asset", "date")


def test_frame_of_several_factors_is_told_to_choose_one(factor, prices):
    several = factor.to_frame("value").assign(quality=1.0)

    says(complaint(lambda: clean(several, prices)), "value", "quality", "one")


def test_long_prices_are_told_to_unstack(factor, prices):
    says(complaint(lambda: clean(factor, prices.T.unstack())), "prices", "unstack")  # noqa: PD010


# --- periods, bins, groups ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("periods", "words"),
    [
        ((), ("periods", "empty")),
        ((1, -5), ("periods", "-5")),
        ((1.5,), ("periods", "1.5", "integer|whole number")),
        ((True,), ("periods", "True", "whole number")),
        (("1D",), ("periods", "1D", "integer|whole number")),
        (3, ("periods", "3")),
    ],
)
def test_periods_that_are_no_row_counts_are_named(factor, prices, periods, words):
    says(complaint(lambda: clean(factor, prices, periods=periods)), *words)


def test_bins_alone_are_used(factor, prices):
    alone = clean(factor, prices, bins=3)

    assert_frame_equal(alone, clean(factor, prices, quantiles=None, bins=3))


def test_quantiles_and_bins_given_together_are_refused(factor, prices):
    with pytest.raises(ValueError, match="Either quantiles or bins should be provided"):
        clean(factor, prices, quantiles=4, bins=3, max_loss=0)


def test_zero_aware_needs_a_number_of_buckets(factor, prices):
    text = complaint(
        lambda: clean(factor, prices, quantiles=[0, 0.5, 1], zero_aware=True, max_loss=0)
    )

    says(text, "zero_aware", "int")


def test_equal_bin_edges_name_the_dates_and_the_way_out(factor, prices):
    ties = factor.copy()
    ties.loc["2021-03-03"] = 1.0
    ties.loc["2021-03-09"] = 2.0

    with pytest.raises(ValueError, match="Bin edges must be unique") as caught:
        clean(ties, prices, max_loss=0)

    says(str(caught.value), "2021-03-03", "bins")


def test_dates_lost_in_binning_are_counted_by_date(factor, prices):
    ties = factor.copy()
    ties.loc["2021-03-03":"2021-03-14"] = 1.0

    with pytest.raises(MaxLossExceededError) as caught:
        clean(ties, prices)

    says(str(caught.value), "54.5%", "35.0%", "2021-03-03", "bin")
    loss = caught.value.loss
    lost = loss.loc[loss.sum(axis=1) > 0]
    assert list(lost.index) == list(pd.date_range("2021-03-03", "2021-03-14"))
    assert (lost.sum(axis=1) == 10).all()


def test_loss_table_splits_the_lost_rows_by_date_and_reason(factor, prices):
    holes = factor.copy()
    holes.loc["2021-03-02"] = [np.nan] * 6 + [1.0, 2.0, 3.0, 4.0]
    short = prices.iloc[:15].drop(columns="J")

    with pytest.raises(MaxLossExceededError) as caught:
        clean(holes, short)

    loss = caught.value.loss
    assert loss.index.name == "date"
    assert isinstance(loss.index, pd.DatetimeIndex)
    total = loss.sum(axis=1)
    assert total["2021-03-01"] == 1  # J has no prices
    assert total["2021-03-02"] == 7  # and six have no factor
    assert total["2021-03-15"] == 10  # the last price: nothing later
    assert loss.loc["2021-03-02"].max() == 6
    assert (loss >= 0).all(axis=None)
    assert {dtype.kind for dtype in loss.dtypes} == {"i"}


def test_loss_message_names_the_first_offenders(factor, prices):
    short = prices.copy()
    short.loc[:, list("CDEFGH")] = np.nan

    with pytest.raises(MaxLossExceededError) as caught:
        clean(factor, short)

    text = str(caught.value)
    says(text, "60.0%", "35.0%", "2021-03-01", "C", "132", "price")
    assert text.startswith("max_loss (35.0%) exceeded 60.0%, consider increasing it.")


def test_loss_below_the_limit_raises_nothing(factor, prices, capsys):
    holes = factor.copy()
    holes.iloc[:22] = np.nan

    clean(holes, prices)

    first, second = capsys.readouterr().out.splitlines()[:2]
    assert first.startswith("Dropped 10.0% entries from factor data: 10.0% in forward returns")
    assert second == "max_loss is 35.0%, not exceeded: OK!"


def test_assets_without_group_are_listed(factor, prices):
    with pytest.raises(KeyError, match="not in group mapping") as caught:
        clean(factor, prices, groupby=dict.fromkeys("ABCDEFGH", 1))

    says(str(caught.value), "Assets", "I", "J")


def test_groups_without_label_are_listed(factor, prices):
    groups = {asset: i % 3 for i, asset in enumerate("ABCDEFGHIJ")}

    with pytest.raises(KeyError, match="not in passed group names") as caught:
        clean(factor, prices, groupby=groups, groupby_labels={0: "Tech", 1: "Energy"})

    says(str(caught.value), "groups", "2")


def test_binning_by_group_without_groups_says_what_to_pass(factor, prices):
    says(complaint(lambda: clean(factor, prices, binning_by_group=True)), "group", "groupby")


# --- frames handed to the metrics ---------------------------------------------------------------


METRICS: dict[str, Callable[[pd.DataFrame], Any]] = {
    "ic": performance.factor_information_coefficient,
    "weights": performance.factor_weights,
    "returns": performance.factor_returns,
    "means": performance.mean_return_by_quantile,
    "alpha_beta": performance.factor_alpha_beta,
    "autocorrelation": performance.factor_rank_autocorrelation,
}


@pytest.mark.parametrize("metric", METRICS)
def test_unnamed_levels_are_told_their_names(fd, metric):
    text = complaint(lambda: METRICS[metric](fd.rename_axis([None, None])))

    says(text, "date", "asset", "None")


@pytest.mark.parametrize("metric", METRICS)
def test_flat_index_is_told_the_two_levels(fd, metric):
    text = complaint(lambda: METRICS[metric](fd.droplevel("asset")))

    says(text, "MultiIndex", "date", "asset")


@pytest.mark.parametrize("metric", METRICS)
def test_missing_column_is_named_beside_those_found(fd, metric):
    column = "factor_quantile" if metric == "means" else "factor"

    text = complaint(lambda: METRICS[metric](fd.drop(columns=column).assign(alpha=1.0)))

    says(text, f"'{column}'", "alpha")


@pytest.mark.parametrize("metric", ["ic", "means"])
def test_missing_group_column_is_a_key_error_with_the_remedy(fd, metric):
    with pytest.raises(KeyError, match="group") as caught:
        METRICS[metric](fd, by_group=True)

    says(str(caught.value), "groupby")


@pytest.mark.parametrize("metric", ["ic", "returns", "means"])
def test_frame_without_forward_returns_says_how_they_are_named(fd, metric):
    bare = fd[["factor", "factor_quantile"]].assign(fwd=0.1)

    says(complaint(lambda: METRICS[metric](bare)), "fwd", "1D")


def test_unknown_period_is_named_beside_those_found(fd):
    for function in (
        performance.factor_cumulative_returns,
        performance.factor_positions,
        performance.create_pyfolio_input,
    ):
        with pytest.raises(ValueError, match="Period '7D' not found") as caught:
            function(fd, "7D")
        says(str(caught.value), "1D", "5D")


def test_filter_that_leaves_nothing_says_which_labels_exist(fd):
    for function in (performance.factor_cumulative_returns, performance.factor_positions):
        text = complaint(lambda function=function: function(fd, "1D", quantiles=[77]))
        says(text, "77", "5")


def test_unknown_quantile_of_a_spread_is_named_beside_those_found(fd):
    means, _ = performance.mean_return_by_quantile(fd, by_date=True)

    with pytest.raises(KeyError) as caught:
        performance.compute_mean_returns_spread(means, 9, 1)

    says(str(caught.value), "9", "5")


def test_event_dates_outside_the_returns_are_both_shown(fd, prices):
    later = prices.set_axis(prices.index + pd.Timedelta("4000D"))

    text = complaint(lambda: performance.common_start_returns(fd["factor"], later, 2, 3))

    says(text, "2021-03-01", "2032-02-12")


def test_unknown_time_bucket_is_quoted(fd):
    text = complaint(lambda: performance.mean_information_coefficient(fd, by_time="fortnight"))

    says(text, "fortnight")


def test_calendar_arithmetic_refuses_other_offsets_by_name():
    for function in (utils.add_custom_calendar_timedelta, utils.diff_custom_calendar_timedeltas):
        second = pd.Timedelta("1D") if "add" in function.__name__ else pd.Timestamp("2021-01-08")
        with pytest.raises(ValueError, match="CustomBusinessDay") as caught:
            function(pd.Timestamp("2021-01-05"), second, pd.offsets.Hour())
        says(str(caught.value), "Hour")


@pytest.mark.parametrize(
    "sheet",
    [
        tears.create_full_tear_sheet,
        tears.create_returns_tear_sheet,
        tears.create_information_tear_sheet,
        tears.create_summary_tear_sheet,
    ],
)
def test_sheet_of_a_frame_without_groups_names_the_missing_column(fd, sheet):
    with pytest.raises(KeyError, match="group"):
        sheet(fd, group_neutral=True)


@pytest.mark.parametrize(
    "sheet",
    [
        tears.create_full_tear_sheet,
        tears.create_summary_tear_sheet,
        tears.create_returns_tear_sheet,
        tears.create_information_tear_sheet,
        tears.create_turnover_tear_sheet,
        lambda fd: tears.create_event_study_tear_sheet(fd, None),
    ],
)
def test_sheet_of_an_empty_frame_says_that_there_is_nothing_to_judge(fd, sheet, capsys):
    capsys.readouterr()

    with pytest.raises(InputError, match=r"0 rows .* nothing to judge"):
        sheet(fd.iloc[:0])

    assert not capsys.readouterr().out


# --- own weights, lags, prices of many factors ----------------------------------------------------


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (lambda fd: np.ones(len(fd)), ("weights", "ndarray", "index=factor_data.index")),
        (lambda fd: "cap", ("weights", "str")),
        (lambda fd: fd[["factor"]], ("weights", "DataFrame")),
        (lambda fd: pd.Series("much", fd.index), ("weights", "dtype", "convert")),
        (lambda fd: pd.Series(1.0, fd.index[:5]), ("5 of the 110 rows", "reindex")),
        (lambda fd: pd.Series(1.0, fd.index.levels[1]), ("0 of the 110 rows", "name")),
        (lambda fd: pd.Series(1.0, fd.index.swaplevel()), ("0 of the 110 rows", "name")),
        (lambda fd: pd.concat([pd.Series(1.0, fd.index[:9])] * 2), ("repeats 9 rows", "keep one")),
    ],
)
def test_weights_that_do_not_fit_the_rows_are_refused(fd, weights, words):
    fd = fd.head(110)

    with pytest.raises(InputError) as caught:
        performance.mean_return_by_quantile(fd, weights=weights(fd))

    says(str(caught.value), *words)
    assert len(str(caught.value)) < MANY


def test_weights_in_another_order_or_of_more_rows_are_found_by_label(fd):
    weights = fd["factor"].abs() + 1.0
    part = fd.tail(100)

    plain = performance.mean_return_by_quantile(part, weights=weights.tail(100))
    mixed = performance.mean_return_by_quantile(part, weights=weights.sample(frac=1.0))

    for one, other in zip(plain, mixed, strict=True):
        assert_frame_equal(one, other)


def test_a_weight_that_says_nan_leaves_its_row_out_without_a_word(fd):
    weights = pd.Series(1.0, fd.index[:50]).reindex(fd.index)

    ours = performance.mean_return_by_quantile(fd, weights=weights)

    kept = performance.mean_return_by_quantile(fd.head(50))
    assert_frame_equal(ours[0], kept[0], atol=1e-15)


@pytest.mark.parametrize(
    ("lags", "words"),
    [
        (5, ("got 5", "range(1, 6)", "(5,)")),
        ("5", ("got '5'", "range")),
        (["a"], ("whole numbers", "['a']")),
        ([np.nan], ("whole numbers", "nan")),
        ([1.5], ("whole numbers", "1.5")),
        ([0, 1], ("from 1", "[0, 1]")),
        ([], ("whole numbers", "[]")),
    ],
)
def test_lags_that_are_no_rows_are_refused(fd, prices, lags, words):
    for call in (
        lambda: performance.information_decay(fd, prices, lags),
        lambda: performance.turnover_by_lag(fd, lags),
        lambda: performance.rank_autocorrelation_by_lag(fd, lags),
    ):
        with pytest.raises(InputError) as caught:
            call()
        says(str(caught.value), *words)


@pytest.mark.parametrize("prices", [None, np.ones((30, 10)), "close"])
def test_prices_that_are_no_frame_are_refused_for_many_factors(factor, prices):
    with pytest.raises(InputError) as caught:
        comparison.clean_factors({"a": factor}, prices)

    says(str(caught.value), "prices", type(prices).__name__, "times x assets")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"factors": {"a": None}}, ("'a'", "NoneType", "by date and asset")),
        ({"factors": {"a": np.ones(5)}}, ("'a'", "ndarray", "by date and asset")),
        ({"periods": 5}, ("periods", "got 5", "(1, 5)")),
        ({"periods": "5D"}, ("periods", "got '5D'", "(1, 5)")),
    ],
)
def test_what_many_factors_are_cleaned_with_is_named_where_it_is_odd(factor, prices, change, words):
    with pytest.raises(InputError) as caught:
        comparison.clean_factors(**({"factors": {"a": factor}, "prices": prices} | change))

    says(str(caught.value), *words)


def test_messages_stay_short_however_many_rows_are_wrong(factor, prices):
    shape = shapes.build("daily7")
    wide = pd.concat([prices.add_suffix(str(i)) for i in range(60)], axis=1)
    many = shapes.long(
        np.tile(shape.factor.to_numpy().reshape(22, 10), 60), prices.index[:22], list(wide.columns)
    )

    with pytest.raises(MaxLossExceededError) as caught:
        clean(many, wide.iloc[:, :20])

    assert len(str(caught.value)) < 4 * MANY


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda fd, f: utils.compute_forward_returns(f, None), "prices must be a DataFrame"),
        (lambda fd, f: performance.factor_information_coefficient(None), "got a NoneType"),
        (lambda fd, f: performance.factor_information_coefficient(fd.to_numpy()), "got a ndarray"),
        (lambda fd, f: performance.factor_information_coefficient(f), "got a Series"),
        (lambda fd, f: performance.factor_weights(f), "got a Series"),
        (lambda fd, f: performance.factor_returns(fd, cost_bps="5"), "got '5'"),
        (lambda fd, f: performance.factor_rank_autocorrelation(fd, 1.5), "got 1.5"),
        (lambda fd, f: performance.quantile_turnover(fd["factor_quantile"], 1, 1.5), "got 1.5"),
        (lambda fd, f: performance.quantile_turnover(fd, 1), "got a DataFrame"),
        (
            lambda fd, f: performance.average_cumulative_return_by_quantile(fd, None),
            "returns must be a DataFrame",
        ),
        (lambda fd, f: comparison.combine({"it": None}), "'it' must be a Series"),
    ],
)
def test_the_likeliest_wrong_arguments_are_named(factor, prices, call, words):
    data = utils.get_clean_factor_and_forward_returns(factor, prices, quantiles=2, periods=(1,))

    with pytest.raises(InputError, match=words):
        call(data, factor)
