"""What was traded beside the research, by the same arithmetic."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from alphalens.errors import InputError
from alphalens.performance import factor_information_coefficient
from alphalens.reports.research import MIN_INDEPENDENT, compare_factor, factor_quality

from .small_run import factor_data


def test_the_same_frame_on_both_sides_gives_the_same_figures() -> None:
    frame = factor_data(60)

    research, live = compare_factor(frame, frame)

    assert research.rank_autocorrelation == live.rank_autocorrelation
    for before, after in zip(research.horizons, live.horizons, strict=True):
        assert (before.ic_mean, before.ic_t) == (after.ic_mean, after.ic_t)


def test_mean_and_deviation_are_those_of_the_factor_library() -> None:
    frame = factor_data(60)
    ic = factor_information_coefficient(frame)["1D"]

    found = factor_quality(frame, "1D")

    assert found.ic_mean.value == pytest.approx(ic.mean(), abs=1e-12)
    assert found.ic_std.value == pytest.approx(ic.std(), abs=1e-12)
    assert found.hit_rate.value == pytest.approx((ic > 0).mean())
    assert found.ic_t.value == pytest.approx(ic.mean() / ic.std() * math.sqrt(ic.count()))


def test_overlapping_windows_shrink_the_t_statistic_by_the_root_of_the_overlap() -> None:
    frame = factor_data(100)

    found = factor_quality(frame, "5D")

    plain = found.ic_mean.value / found.ic_std.value * math.sqrt(found.n_dates)
    assert found.overlap == 5.0
    assert found.n_independent == 20.0
    assert found.ic_t.value == pytest.approx(plain / math.sqrt(5.0))


def test_weekly_dates_do_not_overlap_at_a_weekly_horizon() -> None:
    assert factor_quality(factor_data(100, every=5), "5D").overlap == 1.0


def test_a_short_record_has_means_and_says_why_it_has_nothing_more() -> None:
    found = factor_quality(factor_data(20, every=5), "1D")

    assert found.ic_mean.is_known
    for measure in (found.ic_std, found.ic_t, found.hit_rate, found.spread_t):
        assert measure.why_not == f"n too small: 4 of {MIN_INDEPENDENT} independent"


def test_research_looks_back_as_far_as_the_live_dates_are_apart() -> None:
    research, live = compare_factor(factor_data(200), factor_data(100, every=5))

    assert (research.spacing_days, live.spacing_days) == (1.0, 5.0)
    assert research.lag_days == live.lag_days == 5.0


def test_live_dates_that_keep_a_daily_calendar_are_compared_with_one_another() -> None:
    daily = factor_data(100)
    days = pd.DatetimeIndex(daily.index.levels[0], freq="B")
    daily.index = daily.index.set_levels(days, level="date")
    weekly = daily[daily.index.get_level_values("date").isin(days[::5])]

    _, live = compare_factor(daily, weekly)

    assert live.rank_autocorrelation.is_known
    assert live.n_dates == live.horizons[0].n_dates == 20


def test_the_spread_is_the_highest_quantile_less_the_lowest() -> None:
    research, _ = compare_factor(factor_data(60), factor_data(60))

    means = research.quantile_returns_bps["1D"]
    assert research.horizons[0].spread_bps.value == pytest.approx(means.loc[5] - means.loc[1])


def test_a_single_asset_has_no_coefficient_and_no_spread() -> None:
    found = factor_quality(factor_data(30, n_assets=1), "1D")

    assert found.ic_mean.why_not == "n too small: no observation"
    assert found.spread_bps.why_not == "n too small: no observation"


def test_a_live_side_without_a_date_is_all_reasons_and_no_numbers() -> None:
    frame = factor_data(60)

    _, live = compare_factor(frame, frame.iloc[:0])

    assert (live.first, live.n_dates) == (None, 0)
    assert not live.rank_autocorrelation.is_known
    assert not live.turnover_top.is_known
    assert all(not quality.ic_mean.is_known for quality in live.horizons)


def test_different_horizons_are_refused_by_name() -> None:
    frame = factor_data(20)

    with pytest.raises(InputError, match=r"\['1D', '5D'\] and live has \['1D'\]"):
        compare_factor(frame, frame.drop(columns="5D"))


def test_the_frames_that_are_judged_are_not_changed() -> None:
    frame = factor_data(30)
    copy = frame.copy(deep=True)

    compare_factor(frame, frame)

    pd.testing.assert_frame_equal(frame, copy)
