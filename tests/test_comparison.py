"""Several factors at once: each as it is alone, oracles for every statistic, nothing from ahead."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import scipy.linalg
import scipy.stats
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal, assert_series_equal

from alphalens import _sheets, comparison, utils
from alphalens import _stats as stats
from alphalens import performance as perf
from alphalens._comparison import cleaning
from alphalens._comparison.combination import shrunk_covariance
from alphalens._doubt import doubt_report
from alphalens._forward import NonMatchingTimezoneError
from alphalens._loss import recorded
from alphalens.comparison import (
    clean_factors,
    combine,
    compare_factors,
    create_comparison_tear_sheet,
    factor_correlation,
    ic_correlation,
    information_coefficients,
    orthogonalise,
    redundancy,
)
from alphalens.errors import InputError
from alphalens.utils import MaxLossExceededError

ASSETS = list("ABCDEFGHIJKL")
SECTORS = dict(zip(ASSETS, ["x", "y", "z"] * 4, strict=True))


def quiet(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Return what a call returns, without what it prints."""
    with contextlib.redirect_stdout(io.StringIO()):
        return call(*args, **kwargs)


def make_prices(rows: int = 80, seed: int = 1) -> pd.DataFrame:
    steps = np.random.default_rng(seed).normal(0.0, 0.02, (rows, len(ASSETS)))
    index = pd.bdate_range("2024-01-01", periods=rows)
    return pd.DataFrame(np.exp(steps.cumsum(axis=0)), index=index, columns=ASSETS)


def make_factors(prices: pd.DataFrame, missing: float = 0.1) -> dict[str, pd.DataFrame]:
    """Return a factor that knows the next day a little, one like it, and noise; some gaps."""
    rng = np.random.default_rng(2)
    ahead = prices.pct_change().shift(-1).fillna(0.0) / 0.02
    noise = [pd.DataFrame(rng.normal(size=prices.shape), prices.index, ASSETS) for _ in range(3)]
    factors = {
        "good": 0.5 * ahead + noise[0],
        "like it": 0.3 * ahead + 0.5 * noise[0] + 0.5 * noise[1],
        "noise": noise[2],
    }
    return {name: frame.mask(rng.random(frame.shape) < missing) for name, frame in factors.items()}


def to_long(frame: pd.DataFrame) -> pd.Series:
    return frame.stack(future_stack=True).dropna().rename_axis(["date", "asset"])


@pytest.fixture(scope="module")
def prices() -> pd.DataFrame:
    return make_prices()


@pytest.fixture(scope="module")
def factors(prices: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return make_factors(prices)


@pytest.fixture(scope="module")
def clean(factors: dict[str, pd.DataFrame], prices: pd.DataFrame) -> dict[str, pd.DataFrame]:
    options = {"quantiles": 3, "groupby": SECTORS, "max_loss": 0.5}
    return quiet(clean_factors, factors, prices, (1, 5), **options)


# --- clean_factors ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"quantiles": 3},
        {"quantiles": 3, "filter_zscore": 1.5, "max_loss": 0.9},
        {"bins": 2, "groupby": SECTORS},
        {"quantiles": 2, "groupby": SECTORS, "binning_by_group": True, "max_loss": 0.6},
        {"quantiles": 3, "cumulative_returns": False, "filter_zscore": None},
    ],
    ids=["plain", "outliers", "groups", "by group", "single rows"],
)
@pytest.mark.parametrize("form", ["wide", "long"])
def test_each_frame_is_the_one_the_clean_step_gives_for_the_factor_alone(
    form: str, options: dict[str, Any], factors: dict[str, pd.DataFrame], prices: pd.DataFrame
) -> None:
    late = {**factors, "late": factors["noise"].iloc[7:40:2]}
    given = late if form == "wide" else {name: to_long(frame) for name, frame in late.items()}

    found = quiet(clean_factors, given, prices, (1, 3), **options)

    assert list(found) == list(late)
    for name, frame in late.items():
        alone = quiet(
            utils.get_clean_factor_and_forward_returns,
            to_long(frame), prices, periods=(1, 3), **options,
        )  # fmt: skip
        assert_frame_equal(found[name], alone)
        assert found[name].index.levels[0].freq == alone.index.levels[0].freq
        assert_frame_equal(recorded(found[name]), recorded(alone))


def test_one_line_is_printed_for_each_factor_with_the_shares_it_prints_alone(
    factors: dict[str, pd.DataFrame], prices: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    options: dict[str, Any] = {"bins": [-1.0, 0.0, 1.0], "max_loss": 0.75}
    clean_factors(factors, prices, **options)
    together = capsys.readouterr().out.splitlines()

    assert len(together) == len(factors)
    for line, (name, frame) in zip(together, factors.items(), strict=True):
        utils.get_clean_factor_and_forward_returns(to_long(frame), prices, **options)
        total, forward, binning, allowed = re.findall(r"[\d.]+%", capsys.readouterr().out)
        assert binning != "0.0%"
        assert line == (
            f"{name}: dropped {total}, {forward} in forward returns and {binning} in binning "
            f"(max_loss {allowed})"
        )


def test_forward_returns_are_computed_once_for_factors_of_one_panel(
    factors: dict[str, pd.DataFrame], prices: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    look_ahead = cleaning.look_ahead
    monkeypatch.setattr(
        cleaning, "look_ahead", lambda *args, **more: calls.append(1) or look_ahead(*args, **more)
    )

    quiet(clean_factors, factors, prices, quantiles=2)

    assert len(calls) == 1


def test_too_great_a_loss_is_told_as_for_the_factor_alone_after_its_name(
    factors: dict[str, pd.DataFrame], prices: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    late = factors["good"].iloc[-20:]
    with pytest.raises(MaxLossExceededError) as together:
        clean_factors({"noise": factors["noise"], "late": late}, prices, quantiles=2)
    assert [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()] == [
        "noise",
        "late",
    ]
    with pytest.raises(MaxLossExceededError) as alone:
        quiet(utils.get_clean_factor_and_forward_returns, to_long(late), prices, quantiles=2)

    assert str(together.value) == f"factor 'late': {alone.value}"
    assert_frame_equal(together.value.loss, alone.value.loss)


def test_an_error_about_one_factor_begins_with_its_name(
    factors: dict[str, pd.DataFrame], prices: pd.DataFrame
) -> None:
    good, levels = factors["good"], factors["good"].round().fillna(0.0)

    with pytest.raises(utils.BinEdgesError, match=r"^factor 'levels': Bin edges must be unique"):
        quiet(
            clean_factors, {"good": good.fillna(0.0).iloc[:60], "levels": levels.iloc[:60]},
            prices, quantiles=5, max_loss=0, filter_zscore=None,
        )  # fmt: skip
    with pytest.raises(NonMatchingTimezoneError, match=r"^factor 'utc': The timezone"):
        quiet(clean_factors, {"good": good, "utc": good.tz_localize("UTC")}, prices, quantiles=2)


def test_a_warning_about_one_factor_names_it_at_the_line_of_the_call(
    factors: dict[str, pd.DataFrame], prices: pd.DataFrame
) -> None:
    long = to_long(factors["good"].iloc[:60])
    twice = pd.concat([long, long.iloc[:3]])

    with pytest.warns(UserWarning, match="^'twice' repeats 3 rows") as caught:
        quiet(clean_factors, {"once": long, "twice": twice}, prices, quantiles=2)
    assert [warning.filename for warning in caught] == [__file__]
    fridays = factors["good"].asfreq("W-FRI")
    with pytest.warns(UserWarning, match="nothing is laid on a calendar grid") as caught:
        clean_factors({"fridays": fridays}, prices, quantiles=2, max_loss=0.9)
    assert [warning.filename for warning in caught] == [__file__]
    with pytest.warns(UserWarning, match="not sorted by time") as caught:
        clean_factors({"good": factors["good"]}, prices[::-1], quantiles=2, max_loss=0.9)
    assert [warning.filename for warning in caught] == [__file__]


def test_a_frame_belongs_to_its_caller(
    factors: dict[str, pd.DataFrame], prices: pd.DataFrame
) -> None:
    full = factors["good"].fillna(0.0)
    both = quiet(clean_factors, {"a": full, "b": full}, prices, quantiles=2)

    both["a"]["1D"] = 0.0

    assert (both["b"]["1D"] != 0.0).any()


# --- likeness --------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["spearman", "pearson"])
def test_factor_correlation_is_the_mean_of_pandas_correlations_by_date(
    method: str, factors: dict[str, pd.DataFrame]
) -> None:
    long = pd.DataFrame({name: to_long(frame) for name, frame in factors.items()})
    by_date = long.groupby(level="date").corr(method=method)

    found = factor_correlation(factors, method)

    expected = by_date.groupby(level=1).mean().loc[list(factors)]
    assert_frame_equal(found, expected, check_names=False, rtol=1e-12)


def test_factors_are_matched_by_label_in_whatever_form(factors: dict[str, pd.DataFrame]) -> None:
    good, noise = factors["good"], factors["noise"].iloc[10:, 3:]
    shuffled = to_long(noise).sample(frac=1.0, random_state=3)

    found = factor_correlation({"good": good.iloc[:, ::-1], "noise": shuffled})

    expected = factor_correlation({"good": good.iloc[10:, 3:], "noise": noise})
    assert_frame_equal(found, expected, rtol=1e-12)


def test_ic_correlation_is_that_of_the_series_in_time(clean: dict[str, pd.DataFrame]) -> None:
    series = {n: perf.factor_information_coefficient(frame)["5D"] for n, frame in clean.items()}

    assert_frame_equal(ic_correlation(clean, "5D"), pd.DataFrame(series).corr())


def test_information_coefficients_default_to_the_first_period(
    clean: dict[str, pd.DataFrame],
) -> None:
    found = information_coefficients(clean)

    expected = perf.factor_information_coefficient(clean["good"])["1D"]
    assert_series_equal(found["good"], expected, check_names=False)


def test_redundancy_is_the_mean_r_squared_of_statsmodels(factors: dict[str, pd.DataFrame]) -> None:
    long = pd.DataFrame({name: to_long(frame) for name, frame in factors.items()}).dropna()
    shares = [
        sm.OLS(day["good"], sm.add_constant(day[["like it", "noise"]])).fit().rsquared
        for _, day in long.groupby(level="date")
        if len(day) > 3
    ]

    found = redundancy(factors, "pearson")

    assert found.loc["good", "r_squared"] == pytest.approx(np.mean(shares))
    assert found.loc["good", "dates"] == len(shares)


def test_redundancy_of_a_sum_of_the_others_is_complete(prices: pd.DataFrame) -> None:
    one, two, _ = make_factors(prices, missing=0.0).values()

    found = redundancy({"one": one, "two": two, "sum": one + two}, "pearson")

    np.testing.assert_allclose(found["r_squared"], 1.0)


def test_redundancy_of_a_bystander_of_twins_is_not_drawn_into_it(prices: pd.DataFrame) -> None:
    one, _, noise = make_factors(prices, missing=0.0).values()

    found = redundancy({"one": one, "twin": 2.0 * one, "noise": noise}, "pearson")

    alone = redundancy({"one": one, "noise": noise}, "pearson")
    assert found.loc["noise", "r_squared"] == pytest.approx(alone.loc["noise", "r_squared"])
    assert found.loc["twin", "r_squared"] == 1.0


def test_redundancy_counts_dates_with_more_assets_than_factors() -> None:
    index = pd.bdate_range("2024-01-01", periods=3)
    one = pd.DataFrame([[1.0, 2.0, 4.0], [1.0, 2.0, np.nan], [5.0, 5.0, 5.0]], index)
    two = pd.DataFrame([[1.0, 3.0, 2.0]] * 3, index)

    assert redundancy({"one": one, "two": two})["dates"].to_list() == [1, 1]


# --- orthogonalise ---------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 4), st.sampled_from(["gram-schmidt", "symmetric"]))
def test_orthogonal_factors_are_standardised_and_uncorrelated_on_each_date(
    seed: int, count: int, method: Any
) -> None:
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(3, 12))
    index = pd.bdate_range("2024-01-01", periods=3)
    given = {
        f"f{i}": pd.DataFrame(common + rng.normal(size=(3, 12)), index, ASSETS)
        for i in range(count)
    }

    apart = pd.DataFrame(orthogonalise(given, method=method))

    for _, day in apart.groupby(level="date"):
        np.testing.assert_allclose(day.corr(), np.eye(count), atol=1e-9)
        np.testing.assert_allclose(day.std(), 1.0)


def test_gram_schmidt_keeps_the_first_and_regresses_the_next(
    factors: dict[str, pd.DataFrame],
) -> None:
    apart = orthogonalise(factors, order=["noise", "good", "like it"])

    long = pd.DataFrame({name: to_long(frame) for name, frame in factors.items()}).dropna()
    day = long.xs(long.index[0][0], level="date")
    residual = sm.OLS(day["good"], sm.add_constant(day["noise"])).fit().resid
    found = {name: series.xs(long.index[0][0], level="date") for name, series in apart.items()}
    np.testing.assert_allclose(found["good"], residual / residual.std())
    np.testing.assert_allclose(
        found["noise"], (day["noise"] - day["noise"].mean()) / day["noise"].std()
    )
    assert list(apart) == list(factors)


def test_symmetric_is_the_inverse_root_of_scipy_and_ignores_the_order(
    factors: dict[str, pd.DataFrame],
) -> None:
    apart = pd.DataFrame(orthogonalise(factors, method="symmetric"))
    turned = orthogonalise(dict(reversed(factors.items())), method="symmetric")

    long = pd.DataFrame({name: to_long(frame) for name, frame in factors.items()}).dropna()
    date = long.index[0][0]
    day = long.xs(date, level="date")
    scores = (day - day.mean()) / day.std()
    root = scipy.linalg.inv(scipy.linalg.sqrtm(day.corr().to_numpy()))
    np.testing.assert_allclose(apart.xs(date, level="date"), scores @ root, atol=1e-9)
    assert_frame_equal(pd.DataFrame(turned)[list(apart)], apart, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("method", "rows"), [("gram-schmidt", {"one": 24, "again": 0}), ("symmetric", {"one": 0})]
)
def test_a_factor_that_repeats_another_has_nothing_of_its_own(
    method: Any, rows: dict[str, int], prices: pd.DataFrame
) -> None:
    one = make_factors(prices, missing=0.0)["good"].iloc[:2]

    apart = orthogonalise({"one": one, "again": 3.0 * one + 1.0}, method=method)

    assert {name: len(apart[name]) for name in rows} == rows


# --- compare_factors -------------------------------------------------------------------------


def test_statistics_of_the_ic_are_those_of_scipy_and_statsmodels(
    clean: dict[str, pd.DataFrame],
) -> None:
    row = compare_factors(clean, lags=4).information.loc[("good", "5D")]

    ic = perf.factor_information_coefficient(clean["good"])["5D"].to_numpy()
    hac = sm.OLS(ic, np.ones(len(ic))).fit(
        cov_type="HAC", cov_kwds={"maxlags": 4, "use_correction": True}, use_t=True
    )
    assert row["ic_mean"] == pytest.approx(ic.mean())
    assert row["ir"] == pytest.approx(ic.mean() / ic.std(ddof=1))
    assert row["t_naive"] == pytest.approx(scipy.stats.ttest_1samp(ic, 0.0).statistic)
    assert row["t"] == pytest.approx(hac.tvalues[0])
    tail = scipy.stats.t.sf(abs(hac.tvalues[0]), row["degrees"])
    assert row["p"] == pytest.approx(2.0 * tail)
    assert row["p"] > hac.pvalues[0]


def test_p_values_are_adjusted_over_all_factors_and_periods(clean: dict[str, pd.DataFrame]) -> None:
    report = compare_factors(clean)

    expected = scipy.stats.false_discovery_control(report.information["p"])
    np.testing.assert_allclose(report.information["p_adjusted"], expected)
    assert report.n_tests == len(report.information) == 6


@pytest.mark.parametrize(("recorded_trials", "n_tests"), [(2, 6), (4, 8), (200, 400)])
def test_each_trial_was_tested_over_each_period(
    recorded_trials: int, n_tests: int, clean: dict[str, pd.DataFrame]
) -> None:
    report = compare_factors(clean, trials=trial_count(n_trials=recorded_trials))

    assert report.n_tests == n_tests
    p = report.information["p"].to_numpy()
    untested = np.ones(n_tests - len(p))
    expected = scipy.stats.false_discovery_control(np.concatenate([p, untested]))[: len(p)]
    np.testing.assert_allclose(report.information["p_adjusted"], expected)


def test_spread_turnover_and_break_even_come_from_the_metrics(
    clean: dict[str, pd.DataFrame],
) -> None:
    row = compare_factors(clean).returns.loc[("noise", "5D")]

    frame = clean["noise"]
    means, _ = perf.mean_return_by_quantile(frame, by_date=True)
    spread = perf.compute_mean_returns_spread(means, 3, 1)[0]["5D"].mean() * 1e4
    top, bottom = (perf.quantile_turnover(frame["factor_quantile"], q, 5).mean() for q in (3, 1))
    assert row["spread_bps"] == pytest.approx(spread)
    assert row["turnover_top"] == pytest.approx(top)
    assert row["turnover_bottom"] == pytest.approx(bottom)
    assert row["break_even_bps"] == pytest.approx(spread / (2.0 * (top + bottom)))
    autocorrelation = perf.factor_rank_autocorrelation(frame, 5).mean()
    assert row["rank_autocorrelation"] == pytest.approx(autocorrelation)


def test_break_even_does_not_depend_on_the_convention_of_the_spread(
    clean: dict[str, pd.DataFrame],
) -> None:
    original = compare_factors(clean).returns["break_even_bps"]

    with utils.options.context(convention="reloaded"):
        halved = compare_factors(clean).returns["break_even_bps"]

    assert_series_equal(halved, original)


def test_break_even_worked_by_hand() -> None:
    index = pd.MultiIndex.from_product(
        [pd.bdate_range("2024-01-01", periods=3), list("ABCD")], names=["date", "asset"]
    )
    frame = pd.DataFrame({"1D": [0.01, 0.01, 0.03, 0.03] * 3}, index=index)
    frame["factor"] = [1.0, 2.0, 3.0, 4.0, 1.0, 3.0, 2.0, 4.0, 1.0, 2.0, 3.0, 4.0]
    frame["factor_quantile"] = [1, 1, 2, 2, 1, 2, 1, 2, 1, 1, 2, 2]

    row = compare_factors({"it": frame}).returns.loc[("it", "1D")]

    # Spreads 2 %, 0, 2 %; half of each side is new every day: 4 * 0.5 traded for 4 / 3 %.
    assert row["spread_bps"] == pytest.approx(400.0 / 3.0)
    assert row["break_even_bps"] == pytest.approx(400.0 / 3.0 / 2.0)


def trial_count(**changes: Any) -> stats.TrialCount:
    facts: dict[str, Any] = {
        "study": "momentum", "n_trials": 200, "sharpe_variance": 0.09, "best": 0.5, "best_key": "k",
        "first": None, "last": None,
    }  # fmt: skip
    return stats.TrialCount(**{**facts, **changes})


def test_deflated_sharpe_counts_the_factors_at_hand(clean: dict[str, pd.DataFrame]) -> None:
    report = compare_factors(clean)

    portfolios = {name: perf.factor_returns(frame)["1D"] for name, frame in clean.items()}
    ratios = [series.mean() / series.std() for series in portfolios.values()]
    count = trial_count(n_trials=3, sharpe_variance=float(np.var(ratios, ddof=1)))
    expected = stats.deflated_sharpe(portfolios["good"].to_numpy(), count, rows=1)
    assert report.returns.loc[("good", "1D"), "deflated_sharpe"] == pytest.approx(
        expected.probability
    )
    assert report.n_trials == 3


def test_a_registry_with_more_trials_raises_the_hurdle_and_the_p_values(
    clean: dict[str, pd.DataFrame],
) -> None:
    few, many = compare_factors(clean), compare_factors(clean, trials=trial_count())

    assert many.n_trials == 200
    assert (many.returns["deflated_sharpe"] < few.returns["deflated_sharpe"]).all()
    assert (many.information["p_adjusted"] >= few.information["p_adjusted"]).all()
    assert many.information["p_adjusted"].iloc[0] > few.information["p_adjusted"].iloc[0]


def test_a_registry_with_fewer_trials_than_factors_counts_the_factors(
    clean: dict[str, pd.DataFrame],
) -> None:
    trials = trial_count(n_trials=2, sharpe_variance=0.0)

    report = compare_factors(clean, trials=trials)

    assert report.n_trials == 3
    assert_frame_equal(report.returns, compare_factors(clean).returns)


@pytest.mark.parametrize(
    ("best", "holder"), [(9.0, "k"), (-9.0, None), (None, None)], ids=["record", "factors", "none"]
)
def test_the_best_trial_is_the_better_of_the_record_and_the_factors(
    best: float | None,
    holder: str | None,
    clean: dict[str, pd.DataFrame],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counts: dict[int, stats.TrialCount] = {}
    judge = stats.deflated_sharpe

    def listen(x: Any, count: stats.TrialCount, *, rows: int) -> stats.DeflatedSharpe:
        counts[rows] = count
        return judge(x, count, rows=rows)

    monkeypatch.setattr(stats, "deflated_sharpe", listen)
    told = datetime(2024, 1, 1, tzinfo=UTC)
    key = None if best is None else "k"
    trials = trial_count(best=best, best_key=key, sharpe_variance=0.01, first=told, last=told)

    report = compare_factors(clean, trials=trials)

    ratios = report.returns["sharpe"].groupby("period").max()
    assert counts
    for rows, count in counts.items():
        recorded = -np.inf if best is None else best * np.sqrt(rows)
        assert count.best == pytest.approx(max(recorded, ratios[f"{rows}D"]))
        assert (count.best_key, count.first, count.last) == (holder, told, told)


def test_one_factor_without_a_record_has_no_deflated_sharpe_and_says_why(
    clean: dict[str, pd.DataFrame],
) -> None:
    report = compare_factors({"good": clean["good"]})

    assert report.returns["deflated_sharpe"].isna().all()
    assert set(report.reasons) == {"the trials were not recorded"}


def test_a_planted_factor_is_found_and_noise_is_not(clean: dict[str, pd.DataFrame]) -> None:
    report = compare_factors(clean)

    adjusted = report.information["p_adjusted"].xs("1D", level="period")
    assert adjusted["good"] < 0.01
    assert adjusted["noise"] > 0.05
    assert report.returns.loc[("good", "1D"), "deflated_sharpe"] > 0.95


def test_coverage_is_the_share_of_the_assets_that_any_factor_has(
    clean: dict[str, pd.DataFrame],
) -> None:
    report = compare_factors(clean)

    date = report.coverage.index[0]
    assets = {name: set(frame.xs(date, level="date").index) for name, frame in clean.items()}
    expected = len(assets["good"]) / len(set.union(*assets.values()))
    assert report.coverage.loc[date, "good"] == pytest.approx(expected)
    assert report.information.loc[("good", "5D"), "coverage"] == pytest.approx(
        report.coverage["good"].mean()
    )


def test_the_sheet_of_one_factor_and_the_comparison_agree(clean: dict[str, pd.DataFrame]) -> None:
    report, alone = compare_factors(clean), doubt_report(clean["good"])

    for period in ("1D", "5D"):
        row = report.information.loc[("good", period)]
        assert row["t"] == pytest.approx(alone.information.loc["t, cosine", period])
        cost = report.returns.loc[("good", period), "break_even_bps"]
        assert cost == pytest.approx(alone.costs.loc["Break-even one-way cost (bps)", period])


def test_tests_allow_for_the_overlap_of_each_period_unless_lags_are_given(
    clean: dict[str, pd.DataFrame],
) -> None:
    found, by_lags = compare_factors(clean), compare_factors(clean, lags=8)

    ic = perf.factor_information_coefficient(clean["good"])
    for period, rows in (("1D", 1), ("5D", 5)):
        test = stats.overlap_tstat(ic[period].to_numpy(), rows)
        row = found.information.loc[("good", period)]
        assert row[["t", "degrees", "p"]].to_list() == [test.t, test.degrees, test.p]
        assert found.returns.loc[("good", period), "spread_t"] != pytest.approx(
            by_lags.returns.loc[("good", period), "spread_t"]
        )
    assert set(found.information["lags"]) == {0}
    assert set(by_lags.information["lags"]) == {8}


def test_a_factor_is_judged_alike_alone_and_among_others_of_other_dates(
    factors: dict[str, pd.DataFrame], prices: pd.DataFrame
) -> None:
    daily = quiet(clean_factors, factors, prices, (1, 5), quantiles=3, max_loss=0.5)
    weekly = daily["good"][daily["good"].index.get_level_values("date").day_of_week == 2]

    among, alone = compare_factors({**daily, "weekly": weekly}), compare_factors({"weekly": weekly})

    wanted = ["ic_mean", "ic_std", "ir", "t_naive", "t", "lags", "p"]
    assert_frame_equal(
        among.information.loc["weekly", wanted], alone.information.loc["weekly", wanted]
    )
    wanted = alone.returns.columns.drop("deflated_sharpe").tolist()
    assert_frame_equal(among.returns.loc["weekly", wanted], alone.returns.loc["weekly", wanted])
    assert alone.returns.drop(columns="deflated_sharpe").notna().all(axis=None)
    alone_test = stats.overlap_tstat(
        perf.factor_information_coefficient(weekly).dropna()["5D"].to_numpy(), 1
    )
    assert among.information.loc[("weekly", "5D"), "degrees"] == alone_test.degrees


# --- combine ---------------------------------------------------------------------------------


def oracle_weights(
    ic: pd.DataFrame, period: int, rule: Callable[[pd.DataFrame], Any], window: int | None
) -> pd.DataFrame:
    """Return weights date by date: row t knows the ICs of rows up to t - period."""
    rows = []
    for t in range(len(ic)):
        known = ic.iloc[: max(t - period + 1, 0)]
        known = known if window is None else known.iloc[-window:]
        raw = np.asarray(rule(known)) if len(known) >= 20 else np.full(ic.shape[1], np.nan)
        rows.append(raw / np.abs(raw).sum())
    return pd.DataFrame(rows, index=ic.index, columns=ic.columns)


def ledoit_wolf(known: pd.DataFrame) -> np.ndarray:
    sklearn = pytest.importorskip("sklearn.covariance")
    return np.linalg.solve(sklearn.LedoitWolf().fit(known.to_numpy()).covariance_, known.mean())


@pytest.mark.parametrize("window", [None, 25])
@pytest.mark.parametrize("period", [1, 5])
@pytest.mark.parametrize(
    ("method", "rule"),
    [
        ("ic", lambda k: k.mean()),
        ("icir", lambda k: k.mean() / k.std()),
        ("shrinkage", ledoit_wolf),
    ],
)
def test_weights_are_those_of_a_plain_loop_over_what_was_known(
    method: Any, rule: Any, period: int, window: int | None, prices: pd.DataFrame
) -> None:
    factors = make_factors(prices, missing=0.05)

    found = combine(factors, method, prices=prices, period=period, window=window, min_history=20)

    forward = prices.shift(-period) / prices - 1.0
    ic = pd.DataFrame({n: f.corrwith(forward.where(f.notna()), axis=1, method="spearman")
                       for n, f in factors.items()})  # fmt: skip
    assert_frame_equal(found.ic, ic, check_freq=False, check_names=False, rtol=1e-9)
    expected = oracle_weights(ic, period, rule, window)
    assert found.weights.notna().all(axis=1).sum() == 80 - 19 - period
    assert_frame_equal(found.weights, expected, check_freq=False, check_names=False, rtol=1e-7)


@pytest.mark.parametrize("method", ["ic", "icir", "shrinkage"])
@pytest.mark.parametrize("period", [1, 5])
@pytest.mark.parametrize("cut", [40, 63])
def test_prices_after_a_date_cannot_move_its_combination(
    method: Any, period: int, cut: int, factors: dict[str, pd.DataFrame], prices: pd.DataFrame
) -> None:
    options: dict[str, Any] = {"period": period, "min_history": 20}
    date = prices.index[cut]
    other = prices.copy()
    other.iloc[cut + 1 :] = make_prices(seed=99).iloc[cut + 1 :]

    before = combine(factors, method, prices=prices, **options)
    after = combine(factors, method, prices=other, **options)

    assert_frame_equal(before.weights.loc[:date], after.weights.loc[:date])
    assert_series_equal(before.factor.loc[:date], after.factor.loc[:date])
    assert not before.weights.loc[date:].equals(after.weights.loc[date:])


def test_the_price_of_a_date_is_known_on_it(
    factors: dict[str, pd.DataFrame], prices: pd.DataFrame
) -> None:
    other = prices.copy()
    other.iloc[50, :6] *= 2.0
    weights = [
        combine(factors, "ic", prices=p, period=5, min_history=20).weights for p in (prices, other)
    ]

    assert not weights[0].iloc[50].equals(weights[1].iloc[50])
    assert weights[0].iloc[49].equals(weights[1].iloc[49])


def test_a_coefficient_is_known_when_its_last_price_is_even_if_factor_dates_are_rare(
    factors: dict[str, pd.DataFrame], prices: pd.DataFrame
) -> None:
    weekly = {name: frame.iloc[::5] for name, frame in factors.items()}

    found = combine(weekly, "ic", prices=prices, period=6, min_history=2)

    assert found.known_at.iloc[0] == prices.index[6]
    # Rows 0 and 5 are known at rows 6 and 11: before the fourth weekly date, row 15.
    assert found.weights.notna().all(axis=1).to_list()[:4] == [False, False, False, True]


def test_factors_are_combined_up_to_the_last_date_though_its_return_is_unknown(
    factors: dict[str, pd.DataFrame], prices: pd.DataFrame
) -> None:
    found = combine(factors, "ic", prices=prices, period=5, min_history=20)

    assert found.factor.index[-1][0] == prices.index[-1]
    assert found.known_at.iloc[-5:].isna().all()


def test_equal_weights_give_the_mean_score_where_a_missing_one_is_0() -> None:
    index = pd.bdate_range("2024-01-01", periods=1)
    one = pd.DataFrame([[1.0, 2.0, 3.0, None]], index, list("ABCD"))
    two = pd.DataFrame([[2.0, 4.0, None, 6.0]], index, list("ABCD"))

    found = combine({"one": one, "two": two})

    assert found.factor.xs(index[0]).to_dict() == {"A": -1.0, "B": 0.0, "C": 0.5, "D": 0.5}
    assert found.weights.iloc[0].to_list() == [0.5, 0.5]


def test_scores_of_ranks_do_not_feel_an_outlier(prices: pd.DataFrame) -> None:
    one, two, _ = make_factors(prices, missing=0.0).values()
    far = one.copy()
    far.iloc[:, 0] = one.max(axis=1) + 1.0
    farther = far.copy()
    farther.iloc[:, 0] *= 1e6

    scores = [combine({"a": f, "b": two}, score="rank").factor for f in (far, farther)]

    assert_series_equal(scores[0], scores[1])


def test_a_factor_that_alone_has_too_little_history_gets_no_weight_yet(
    factors: dict[str, pd.DataFrame], prices: pd.DataFrame
) -> None:
    young = {**factors, "young": factors["noise"].iloc[50:]}

    weights = combine(young, "shrinkage", prices=prices, min_history=20).weights

    # Its first IC is of row 50, its twentieth of row 69, which is known at row 70.
    assert (weights["young"].iloc[25:70] == 0.0).all()
    assert (weights["young"].iloc[70:] != 0.0).all()
    np.testing.assert_allclose(weights.iloc[21:].abs().sum(axis=1), 1.0)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 40), st.integers(1, 6))
def test_shrunk_covariance_is_that_of_scikit_learn(seed: int, rows: int, columns: int) -> None:
    sklearn = pytest.importorskip("sklearn.covariance")
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, columns)) @ rng.normal(size=(columns, columns))

    covariance, shrinkage = shrunk_covariance(values)

    theirs = sklearn.LedoitWolf().fit(values)
    scale = np.trace(covariance)
    np.testing.assert_allclose(covariance, theirs.covariance_, atol=1e-9 * scale)
    assert 0.0 <= shrinkage <= 1.0


# --- refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda f, p: factor_correlation({}), "empty"),
        (lambda f, p: factor_correlation(list(f.values())), "map a name"),
        (lambda f, p: factor_correlation(f, "kendall"), "spearman"),
        (lambda f, p: redundancy({"good": f["good"]}), "two factors"),
        (lambda f, p: orthogonalise(f, order=["good"]), "each of"),
        (lambda f, p: orthogonalise(f, order=list(f), method="symmetric"), "no meaning"),
        (lambda f, p: orthogonalise(f, method="qr"), "gram-schmidt"),
        (lambda f, p: combine(f, "ic"), "give prices"),
        (lambda f, p: combine(f, "best", prices=p), "shrinkage"),
        (lambda f, p: combine(f, "ic", prices=p, period=0), "period"),
        (lambda f, p: combine(f, "ic", prices=p, window=10, min_history=20), "never hold"),
        (lambda f, p: combine(f, "ic", prices=p, min_history=1), "min_history"),
        (lambda f, p: combine(f, score="raw"), "zscore"),
        (lambda f, p: compare_factors(f), "call clean_factors"),
        (lambda f, p: clean_factors(f, p, binning_by_group=True), "groupby"),
        (lambda f, p: factor_correlation({"words": f["good"].astype(str)}), "numeric"),
        (lambda f, p: factor_correlation({"two": f["good"].iloc[:, [0, 0]]}), "repeats the asset"),
        (
            lambda f, p: factor_correlation({"twice": pd.concat([to_long(f["good"])] * 2)}),
            "repeats",
        ),
    ],
)
def test_a_wrong_argument_is_refused_with_what_to_do(
    call: Callable[..., Any], words: str, factors: dict[str, pd.DataFrame], prices: pd.DataFrame
) -> None:
    with pytest.raises(InputError, match=words):
        call(factors, prices)


def test_a_period_that_one_frame_lacks_is_refused(clean: dict[str, pd.DataFrame]) -> None:
    odd = {**clean, "odd": clean["noise"].drop(columns="5D")}

    with pytest.raises(InputError, match=r"'odd' has no period '5D', only \['1D'\]"):
        compare_factors(odd)


@pytest.mark.parametrize("is_first", [True, False])
def test_a_period_that_only_some_factors_have_is_refused_in_any_order(
    is_first: bool, clean: dict[str, pd.DataFrame]
) -> None:
    frames = {"short": clean["noise"].drop(columns="5D"), "good": clean["good"]}
    frames = frames if is_first else dict(reversed(frames.items()))

    for call in (compare_factors, create_comparison_tear_sheet):
        with pytest.raises(InputError, match=r"'short' has no period '5D', only \['1D'\]"):
            call(frames)


def test_factors_in_different_time_zones_are_refused(factors: dict[str, pd.DataFrame]) -> None:
    with pytest.raises(NonMatchingTimezoneError, match="UTC"):
        factor_correlation({"good": factors["good"], "utc": factors["noise"].tz_localize("UTC")})


# --- the sheet -------------------------------------------------------------------------------


def test_sheet_holds_the_numbers_of_the_report(clean: dict[str, pd.DataFrame]) -> None:
    sheet = create_comparison_tear_sheet(clean, trials=trial_count(), return_fig=True)

    assert sheet is not None
    report = compare_factors(clean, trials=trial_count())
    information, returns, shares = sheet.tables.values()
    np.testing.assert_array_equal(information["t robust"], report.information["t"])
    np.testing.assert_array_equal(returns["Deflated"], report.returns["deflated_sharpe"])
    np.testing.assert_array_equal(shares["Coverage"], report.coverage.mean())
    assert information.index[0] == "good 1D"
    assert sheet.header["Trials counted"] == "200 (study 'momentum')"
    assert sheet.header["Tests counted"] == "400 (each trial over each period)"


def test_the_header_states_hash_version_and_what_is_annual(clean: dict[str, pd.DataFrame]) -> None:
    weekly = clean["noise"][clean["noise"].index.get_level_values("date").day_of_week == 2]
    one = create_comparison_tear_sheet({"good": clean["good"]}, return_fig=True)
    two = create_comparison_tear_sheet({"good": clean["good"], "weekly": weekly}, return_fig=True)

    assert one is not None
    assert two is not None
    own = _sheets.describe(clean["good"])
    assert {name: one.header[name] for name in ("Data hash", "alphalens")} == {
        name: own[name] for name in ("Data hash", "alphalens")
    }
    assert two.header["Data hash"] != one.header["Data hash"]
    words = "nothing: returns and Sharpe ratios are per period; bets a year: "
    assert one.header["Annualised by"] == f"{words}252.0 (1D), 50.4 (5D)"
    assert two.header["Annualised by"] == (
        f"{words}252.0 (1D), 50.4 (5D) for good; 52.2 (1D), 50.4 (5D) for weekly"
    )


def test_sheet_draws_every_factor_on_one_page(clean: dict[str, pd.DataFrame]) -> None:
    sheet = create_comparison_tear_sheet(clean, return_fig=True)

    assert sheet is not None
    (figure,) = sheet.figures
    first, second, tstats, *maps = figure.axes
    ic = information_coefficients(clean, "1D")["good"].fillna(0.0).cumsum()
    np.testing.assert_allclose(first.lines[0].get_ydata(), ic)
    assert second.get_title() == "Cumulative IC (5D Forward Return)"
    assert len(tstats.patches) == 6
    assert [ax.get_title() for ax in maps] == [
        "Rank Correlation of Factors",
        "Correlation of ICs in Time (1D)",
    ]
    assert not plt.get_fignums()


def test_sheet_says_why_one_factor_has_no_deflated_sharpe(clean: dict[str, pd.DataFrame]) -> None:
    sheet = create_comparison_tear_sheet({"good": clean["good"]}, return_fig=True)

    assert sheet is not None
    assert sheet.header["No deflated Sharpe"] == "the trials were not recorded"
    assert list(sheet.tables["Coverage and redundancy"]) == ["Coverage"]


def test_sheet_says_why_a_factor_of_few_dates_has_no_test(clean: dict[str, pd.DataFrame]) -> None:
    first = clean["good"].loc[: clean["good"].index.levels[0][29]]

    report = compare_factors({"good": first})
    sheet = create_comparison_tear_sheet({"good": first}, return_fig=True)

    assert sheet is not None
    assert report.information["t"].isna().to_list() == [False, True]
    assert report.test_reasons.loc[("good", "1D")] == ""
    why = "n too small: of 30 observations over 5 rows each 6 do not overlap, 10 are needed"
    assert sheet.header["No test of the IC"] == report.test_reasons.loc[("good", "5D")] == why


@pytest.mark.parametrize("suffix", ["html", "pdf", "png", "json"])
def test_sheet_saves_with_many_factors_of_long_names(
    suffix: str, tmp_path: Path, clean: dict[str, pd.DataFrame]
) -> None:
    many = {f"{name} with a very long name {i}": f for i in range(3) for name, f in clean.items()}
    sheet = create_comparison_tear_sheet(many, return_fig=True)

    assert sheet is not None
    assert sheet.save(tmp_path / f"sheet.{suffix}").stat().st_size > 1000


def test_sheet_prints_shows_and_returns_nothing_by_default(
    clean: dict[str, pd.DataFrame],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown: list[list[int]] = []
    monkeypatch.setattr(plt, "show", lambda: shown.append(plt.get_fignums()))

    assert create_comparison_tear_sheet(clean) is None

    assert len(shown) == len(shown[0]) == 1
    assert "good 1D" in capsys.readouterr().out
    assert comparison.__all__ == sorted(comparison.__all__)
