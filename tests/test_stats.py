"""Statistics against statsmodels, scipy, published figures, double sums and simulations."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from statsmodels.stats.multitest import multipletests

from alphalens import _stats as ours
from alphalens._stats.bootstrap import _draw_rows
from alphalens.errors import InputError


def overlapping_sums(seed: int, rows: int, columns: int, horizon: int) -> np.ndarray:
    """Sums of `horizon` neighbouring independent returns with a true mean of zero."""
    daily = np.random.default_rng(seed).normal(0.0, 0.01, (rows + horizon, columns))
    levels = daily.cumsum(axis=0)
    return levels[horizon:] - levels[:-horizon]


def with_gaps(seed: int, rows: int = 60, share: float = 0.3) -> np.ndarray:
    generator = np.random.default_rng(seed)
    x = generator.normal(0.1, 1.0, rows).cumsum()
    x[generator.random(rows) < share] = np.nan
    return x


def double_sum(x: np.ndarray, lags: int, kernel: str) -> float:
    """The long-run variance as the sum over every pair of known rows."""
    known = np.flatnonzero(~np.isnan(x))
    moved = x - x[known].mean()
    total = 0.0
    for s in known:
        for t in known:
            distance = abs(int(s) - int(t))
            if distance <= lags:
                weight = 1.0 - distance / (lags + 1) if kernel == "bartlett" else 1.0
                total += weight * moved[s] * moved[t]
    return total / known.size


def three_points(n: int, ratio: float) -> np.ndarray:
    """`n` returns with exactly this Sharpe ratio and the skewness and kurtosis of a normal."""
    side = n // 6
    x = np.repeat([-1.0, 0.0, 1.0], [side, n - 2 * side, side])
    return x + ratio * x.std(ddof=1)


def two_points(n: int, n_low: int, ratio: float) -> np.ndarray:
    """`n` returns with exactly this Sharpe ratio, a few of them far below the others."""
    x = np.repeat([-1.0, 0.0], [n_low, n - n_low])
    return x - x.mean() + ratio * x.std(ddof=1)


def counted(n_trials: int, variance: float | None, **changed: object) -> ours.TrialCount:
    facts = {"study": "s", "best": 0.1, "best_key": "k", "first": None, "last": None}
    return ours.TrialCount(n_trials=n_trials, sharpe_variance=variance, **(facts | changed))


# Means of neighbours that resemble each other


@pytest.mark.parametrize("kernel", ["bartlett", "uniform"])
@pytest.mark.parametrize("lags", [0, 1, 5, 12])
def test_t_of_a_mean_is_that_of_statsmodels(kernel, lags):
    x = overlapping_sums(1, 300, 1, 6)[:, 0] + 0.003

    found = ours.mean_tstat(x, lags, kernel=kernel)

    oracle = sm.OLS(x, np.ones(x.size)).fit(
        cov_type="HAC",
        cov_kwds={"maxlags": lags, "kernel": kernel, "use_correction": True},
        use_t=True,
    )
    assert found.standard_error == pytest.approx(oracle.bse[0], rel=1e-10)
    assert found.t == pytest.approx(oracle.tvalues[0], rel=1e-10)
    inner = np.arange(-lags, lags + 1)
    weights = 1.0 - np.abs(inner) / (lags + 1) if kernel == "bartlett" else np.ones(inner.size)
    assert found.degrees == pytest.approx((x.size - 1) / (weights**2).sum(), rel=1e-12)
    expected = 2.0 * stats.t.sf(abs(oracle.tvalues[0]), found.degrees)
    assert found.p == pytest.approx(expected, rel=1e-8)
    assert found.reasons == ("",)


def test_t_without_lags_is_students_own_and_skips_nan():
    x = with_gaps(2)

    found = ours.mean_tstat(x)

    oracle = stats.ttest_1samp(x[~np.isnan(x)], 0.0)
    assert (found.t, found.p) == pytest.approx((oracle.statistic, oracle.pvalue), rel=1e-12)
    assert (found.n, found.degrees + 1, found.lags) == (*[np.isfinite(x).sum()] * 2, 0)
    assert found.effective_n == pytest.approx(found.n, rel=1e-12)


@pytest.mark.parametrize("kernel", ["bartlett", "uniform"])
@pytest.mark.parametrize("lags", [1, 4, 9])
def test_a_gap_leaves_its_pairs_out_and_keeps_the_distance_of_the_others(kernel, lags):
    x = with_gaps(3)

    found = ours.long_run_variance(x, lags, kernel=kernel)

    assert found == pytest.approx(double_sum(x, lags, kernel), rel=1e-10)


def test_a_gap_does_not_shift_the_lags_of_what_follows():
    alternating = np.tile([1.0, -1.0], 20)
    gap = alternating.copy()
    gap[[6, 13]] = np.nan

    in_place = ours.long_run_variance(gap, 1, kernel="uniform")
    dropped = ours.long_run_variance(gap[~np.isnan(gap)], 1, kernel="uniform")

    assert in_place == pytest.approx((38 - 2 * 35) / 38)  # 35 pairs are left of 39
    assert dropped == pytest.approx((38 - 2 * 35 + 2 * 2) / 38)  # and two false ones


def test_columns_are_as_each_series_alone_with_lags_of_their_own():
    x = np.column_stack([with_gaps(4), with_gaps(5), with_gaps(6)])

    together = ours.mean_tstat(x, [0, 3, 7])

    alone = [ours.mean_tstat(x[:, k], lags) for k, lags in enumerate((0, 3, 7))]
    for name in ("mean", "standard_error", "t", "p", "degrees", "n", "effective_n", "lags"):
        expected = [float(getattr(one, name)) for one in alone]
        assert getattr(together, name).tolist() == pytest.approx(expected, rel=1e-12)


def test_one_series_gives_plain_numbers():
    found = ours.mean_tstat([0.1, 0.2, 0.4])

    assert isinstance(found.t, float)
    assert isinstance(ours.sharpe([0.1, 0.2, 0.4]), float)
    assert ours.sharpe(np.ones((3, 2))).shape == (2,)


@given(
    x=arrays(np.float64, 30, elements=st.floats(-1e3, 1e3) | st.just(math.nan)),
    lags=st.integers(0, 12),
)
def test_bartlett_is_never_negative_with_any_gaps(x, lags):
    found = ours.long_run_variance(x, lags)

    assert math.isnan(found) or found >= 0.0


@given(
    x=arrays(np.float64, 40, elements=st.integers(-(10**6), 10**6).map(lambda n: n / 1e4)),
    scale=st.sampled_from([0.5, 2.0, 8.0]),
)
def test_t_does_not_depend_on_the_unit(x, scale):
    one, other = ours.mean_tstat(x, 3), ours.mean_tstat(x * scale, 3)

    assert one.t == pytest.approx(float(other.t), nan_ok=True, rel=1e-9)


def test_a_negative_uniform_variance_is_nan_with_its_reason_and_no_other_kernel():
    x = np.tile([1.0, -1.0], 30) + np.random.default_rng(7).normal(0.0, 0.1, 60)

    found = ours.mean_tstat(np.column_stack([x, x**2]), 1, kernel="uniform")

    assert np.isnan([found.t[0], found.p[0]]).all()
    assert found.reasons[0].startswith("the long-run variance over 1 lags is not positive (-")
    assert found.reasons[1] == ""
    assert math.isfinite(found.t[1])
    assert ours.long_run_variance(x, 1, kernel="uniform") < 0.0


@pytest.mark.parametrize(
    ("x", "lags", "reason"),
    [
        ([], 0, "n too small: 0 of 2"),
        ([1.0, np.nan], 0, "n too small: 1 of 2"),
        ([1.0, np.nan, 2.0, 4.0], 3, "3 lags need more than 3 observations, there are 3"),
        ([0.1] * 10, 2, "no variation"),
        ([1.0, np.inf, 2.0], 0, "infinite"),
        ([1.0, 2.0, 4.0], 2, "not positive"),
    ],
)
def test_what_has_no_t_says_why(x, lags, reason):
    found = ours.mean_tstat(x, lags, kernel="uniform")

    assert reason in found.reasons[0]
    assert np.isnan([found.t, found.p, found.effective_n]).all()


def test_the_named_rule_counts_known_observations_column_by_column():
    x = np.random.default_rng(8).normal(size=(1000, 2))
    x[100:, 1] = np.nan

    found = ours.mean_tstat(x, "newey-west-1994")

    assert found.lags.tolist() == [ours.automatic_lags(1000), ours.automatic_lags(100)] == [6, 4]


@pytest.mark.parametrize("lags", [-1, 1.5, True, "auto", [1, 2, 3], [[1]]])
def test_impossible_lags_are_refused(lags):
    with pytest.raises(InputError, match="lags are a whole number"):
        ours.mean_tstat(np.ones((4, 2)), lags)


def test_an_unknown_kernel_or_a_cube_is_refused():
    with pytest.raises(InputError, match="bartlett, uniform, not 'parzen'"):
        ours.long_run_variance([1.0, 2.0], 0, kernel="parzen")
    with pytest.raises(InputError, match=r"not shape \(2, 2, 2\)"):
        ours.long_run_variance(np.ones((2, 2, 2)), 0)


def test_the_effective_sample_of_overlapping_sums_is_the_disjoint_one():
    x = overlapping_sums(9, 20000, 1, 10)[:, 0]

    found = ours.effective_sample_size(x, 9, kernel="uniform")

    assert found == pytest.approx(2000, rel=0.15)


def test_the_naive_t_of_overlapping_returns_rejects_a_true_null_and_the_robust_ones_do_not():
    x = overlapping_sums(20240, 2500, 400, 10)

    def rejected(lags, kernel="bartlett"):
        return float((ours.mean_tstat(x, lags, kernel=kernel).p < 0.05).mean())

    assert rejected(0) > 0.4
    assert rejected(9, "uniform") < 0.08
    assert rejected(18) < 0.12


def test_the_effective_sample_is_never_above_the_sample():
    alternating = np.tile([1.0, -1.0], 20) + np.arange(40) / 100.0

    assert ours.long_run_variance(alternating, 1) < 0.1 * alternating.var()
    assert ours.effective_sample_size(alternating, 1) == 40.0


# Means of observations over several rows


def sums_of_shocks(seed, rows, columns, horizon, phi=0.0):
    """Sums of `horizon` neighbouring shocks without a mean, of first autocorrelation `phi`."""
    generator = np.random.default_rng([seed, rows, horizon])
    shocks = generator.normal(0.0, 1.0, (rows + horizon + 30, columns))
    for t in range(1, len(shocks) if phi else 0):
        shocks[t] += phi * shocks[t - 1]
    levels = shocks[30:].cumsum(axis=0)
    return levels[horizon:] - levels[:-horizon]


def shares(p, levels=(0.05, 0.01, 0.001)):
    return tuple(float((p < level).mean()) for level in levels)


CELLS = [(60, 5), (120, 10), (250, 20), (120, 5), (500, 20), (500, 10), (1250, 10), (60, 1)]


@pytest.mark.parametrize("phi", [0.0, 0.3])
@pytest.mark.parametrize(("rows", "horizon"), CELLS)
def test_no_more_than_the_nominal_share_of_noise_is_significant(rows, horizon, phi):
    x = sums_of_shocks(31, rows, 4000, horizon, phi)

    at_5, at_1, at_01 = shares(ours.overlap_tstat(x, horizon).p)

    assert 0.042 < at_5 < 0.068
    assert 0.006 < at_1 < 0.017
    assert at_01 < 0.004


@pytest.mark.parametrize(("rows", "horizon"), [(120, 10), (500, 10), (1250, 5)])
def test_newey_and_wests_p_is_too_small_under_overlap_as_documented(rows, horizon):
    x = sums_of_shocks(32, rows, 4000, horizon)

    at_5, at_1, _ = shares(ours.overlap_tstat(x, horizon, kernel="bartlett").p)

    assert 0.068 < at_5 < 0.12
    assert 0.015 < at_1 < 0.04


def test_adjusting_twenty_noise_factors_finds_one_in_no_more_studies_than_it_says():
    x = sums_of_shocks(33, 250, 20 * 600, 10)

    def share_of_studies_with_a_find(p):
        studies = p.reshape(-1, 20)
        return np.mean([ours.benjamini_hochberg(p).min() < 0.05 for p in studies])

    assert share_of_studies_with_a_find(ours.overlap_tstat(x, 10).p) < 0.08
    by_normal = 2.0 * stats.norm.sf(np.abs(ours.mean_tstat(x, 18).t))
    assert share_of_studies_with_a_find(by_normal) > 0.12


def test_a_mean_that_is_there_is_found_about_as_often_as_a_known_error_would():
    x = sums_of_shocks(34, 500, 2000, 10) + 2.0

    found = float((ours.overlap_tstat(x, 10).p < 0.05).mean())

    known = stats.norm.sf(1.96 - 2.0 / (10.0 / math.sqrt(500)))
    assert known - 0.07 < found < known


@pytest.mark.parametrize("share", [0.0, 0.3])
@pytest.mark.parametrize("horizon", [1, 3])
def test_the_cosine_test_is_the_sum_over_written_cosines(share, horizon):
    x = with_gaps(35, 90, share)
    known = x[~np.isnan(x)]
    n, windows = known.size, int(ours.disjoint_observations(x, horizon))

    found = ours.overlap_tstat(x, horizon)

    count = min(max(int(0.4 * n ** (2 / 3)), 3), windows // 3)
    place = (np.arange(n) + 0.5) / n
    waves = [math.sqrt(2 / n) * np.cos(math.pi * j * place) @ known for j in range(1, count + 1)]
    error = math.sqrt(np.mean(np.square(waves)) / n)
    assert (found.degrees, found.kernel, found.lags) == (count, "cosine", 0)
    assert found.standard_error == pytest.approx(error, rel=1e-10)
    assert found.t == pytest.approx(known.mean() / error, rel=1e-10)
    assert found.p == pytest.approx(2.0 * stats.t.sf(abs(found.t), count), rel=1e-10)


def test_shown_tests_take_the_lags_of_their_overlap():
    x = overlapping_sums(36, 300, 2, 6)

    newey = ours.overlap_tstat(x, [6, 1], kernel="bartlett")
    hansen = ours.overlap_tstat(x, [6, 1], kernel="uniform")

    lags = [ours.overlap_lags(6, 300), ours.overlap_lags(1, 300)]
    assert newey.lags.tolist() == lags == [10, 5]
    assert newey.t.tolist() == ours.mean_tstat(x, lags).t.tolist()
    assert hansen.t.tolist() == ours.mean_tstat(x, [5, 0], kernel="uniform").t.tolist()


@pytest.mark.parametrize("kernel", ["cosine", "bartlett", "uniform"])
def test_fewer_than_ten_disjoint_observations_have_no_t_but_a_reason(kernel):
    x = overlapping_sums(37, 46, 2, 5)
    x[-1, 0] = np.nan

    found = ours.overlap_tstat(x, 5, kernel=kernel)

    assert found.reasons == (
        "n too small: of 45 observations over 5 rows each 9 do not overlap, 10 are needed",
        "",
    )
    assert np.isnan([found.t[0], found.p[0], found.degrees[0], found.effective_n[0]]).all()
    assert np.isfinite([found.t[1], found.p[1], found.degrees[1], found.effective_n[1]]).all()


@pytest.mark.parametrize(
    ("x", "reason"),
    [
        (np.arange(9.0), "n too small: 9 of 10 observations"),
        (np.ones(40), "no variation: all observations are equal"),
        (np.append(np.arange(40.0), np.inf), "an observation is infinite"),
        (np.tile([1.0, -1.0, -1.0, 1.0], 100), "no slow variation"),
    ],
)
def test_what_has_no_cosine_test_says_why(x, reason):
    found = ours.overlap_tstat(x)

    assert found.reasons[0].startswith(reason)
    assert np.isnan([found.t, found.p]).all()


@pytest.mark.parametrize(
    ("x", "reason"),
    [
        (np.ones(40), "no variation: all observations are equal"),
        (np.append(np.arange(40.0), np.inf), "an observation is infinite"),
        (np.full(40, np.nan), "n too small"),
    ],
)
@pytest.mark.parametrize("rows", [None, 1, 3])
def test_a_series_without_a_ratio_says_why_and_leaves_its_neighbours(x, reason, rows):
    other = with_gaps(3, len(x), 0.0)

    found = ours.sharpe_test(np.column_stack([x, other]), rows=rows)

    assert found.reasons[0].startswith(reason)
    assert np.isnan(found.probability[0])
    alone = ours.sharpe_test(other, rows=rows).probability
    np.testing.assert_allclose(found.probability[1], alone, rtol=1e-12)


def test_columns_with_gaps_and_rows_of_their_own_are_as_each_series_alone():
    x = np.column_stack([with_gaps(k, 200, 0.1 * (k % 4)) for k in range(6)])
    rows = [1, 2, 5, 1, 2, 5]

    together = ours.overlap_tstat(x, rows)

    alone = [ours.overlap_tstat(x[:, k], rows[k]) for k in range(6)]
    for name in ("t", "p", "degrees", "n", "effective_n"):
        expected = [float(getattr(one, name)) for one in alone]
        assert getattr(together, name).tolist() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("rows", [0, 1.5, True, [1, 2, 3]])
def test_impossible_rows_are_refused(rows):
    with pytest.raises(InputError, match="rows are a whole number from 1 on"):
        ours.overlap_tstat(np.ones((40, 2)), rows)
    with pytest.raises(InputError, match="rows are a whole number from 1 on"):
        ours.sharpe_test(np.ones((40, 2)), rows=rows)


def test_an_unknown_kernel_of_the_overlap_test_is_refused():
    with pytest.raises(InputError, match="cosine, bartlett, uniform, not 'parzen'"):
        ours.overlap_tstat(np.ones(40), kernel="parzen")


@given(
    x=st.lists(st.just(1.0) | st.just(math.nan), min_size=1, max_size=50), rows=st.integers(1, 9)
)
def test_disjoint_observations_are_those_that_a_walk_meets(x, rows):
    met, free = 0, 0
    for place, value in enumerate(x):
        if place >= free and not math.isnan(value):
            met, free = met + 1, place + rows

    assert ours.disjoint_observations(x, rows) == met
    assert ours.disjoint_observations(np.ones(len(x)), rows) == -(-len(x) // rows)


def test_weekly_overlapping_observations_are_worth_a_fifth():
    x = sums_of_shocks(38, 964, 400, 5)

    found = ours.overlap_tstat(x, 5)

    assert np.median(found.effective_n) == pytest.approx(193, rel=0.05)
    assert ours.disjoint_observations(x[:, 0], 5) == 193


def test_weekly_decisions_on_daily_rows_do_not_overlap():
    x = np.full(300, np.nan)
    x[::5] = np.random.default_rng(39).normal(size=60)

    found = ours.overlap_tstat(x, 5)

    assert ours.disjoint_observations(x, 5) == 60
    assert found.t == pytest.approx(float(ours.overlap_tstat(x[::5]).t))


def test_bartlett_over_the_overlap_alone_counts_two_thirds_of_the_variance_as_documented():
    horizon = 10
    x = overlapping_sums(10, 100_000, 4, horizon)

    bartlett = ours.long_run_variance(x, horizon - 1).mean()
    uniform = ours.long_run_variance(x, horizon - 1, kernel="uniform").mean()

    assert uniform == pytest.approx((horizon * 0.01) ** 2, rel=0.03)
    assert bartlett / uniform == pytest.approx((2 * horizon**2 + 1) / (3 * horizon**2), rel=0.02)


# Moments and Sharpe ratios


def test_skewness_and_kurtosis_are_those_of_scipy():
    x = np.column_stack([with_gaps(11), with_gaps(12) ** 3])

    skewness, kurtosis = ours.skewness(x), ours.kurtosis(x)

    assert skewness == pytest.approx(stats.skew(x, nan_policy="omit"), rel=1e-12)
    assert kurtosis == pytest.approx(stats.kurtosis(x, fisher=False, nan_policy="omit"), rel=1e-12)


def test_figures_of_a_constant_series_are_nan_not_dust():
    x = [0.1] * 7

    figures = [
        ours.skewness(x),
        ours.kurtosis(x),
        ours.sharpe(x),
        ours.sharpe_standard_error(x),
        ours.probabilistic_sharpe(x),
        ours.minimum_track_record_length(x),
    ]

    assert np.isnan(figures).all()


def test_sharpe_is_per_period_until_a_year_is_named():
    x = with_gaps(13)
    known = x[~np.isnan(x)]

    assert ours.sharpe(x) == pytest.approx(known.mean() / known.std(ddof=1), rel=1e-12)
    assert ours.sharpe(x, 252) == pytest.approx(float(ours.sharpe(x)) * math.sqrt(252))
    with pytest.raises(InputError, match="periods_per_year is positive, not 0"):
        ours.sharpe(x, 0)


def test_the_error_of_a_sharpe_ratio_is_the_published_formula():
    x = with_gaps(14)
    known = x[~np.isnan(x)]
    ratio, skewness = known.mean() / known.std(ddof=1), stats.skew(known)
    kurtosis = stats.kurtosis(known, fisher=False)

    found = ours.sharpe_standard_error(x)

    variance = 1 - skewness * ratio + (kurtosis - 1) / 4 * ratio**2
    assert found == pytest.approx(math.sqrt(variance / (known.size - 1)), rel=1e-12)


def test_the_error_of_a_sharpe_ratio_is_its_spread_over_samples():
    generator = np.random.default_rng(15)
    skewed = 0.3 - generator.exponential(1.0, (400, 3000)) + 1.0

    errors = ours.sharpe_standard_error(skewed)

    assert errors.mean() == pytest.approx(ours.sharpe(skewed).std(), rel=0.05)


def test_rows_see_the_error_that_autocorrelation_adds():
    shocks = np.random.default_rng(16).normal(0.05, 1.0, (2002, 1000))
    smooth = (shocks[2:] + shocks[1:-1] + shocks[:-2]) / 3.0

    naive = ours.sharpe_standard_error(smooth)
    robust = ours.sharpe_standard_error(smooth, rows=3)

    spread = ours.sharpe(smooth).std()
    assert naive.mean() < 0.65 * spread
    assert robust.mean() == pytest.approx(spread, rel=0.08)


@pytest.mark.parametrize(("n", "published"), [(24, 0.982)])
def test_probabilistic_sharpe_is_the_published_example_of_normal_months(n, published):
    x = three_points(n, 0.458)

    assert ours.probabilistic_sharpe(x) == pytest.approx(published, abs=5e-4)


def test_a_ratio_whose_error_vanishes_has_no_probability_rather_than_certainty():
    x = -two_points(1000, 50, 0.0)
    x += 2.0 / float(ours.skewness(x)) * x.std(ddof=1)

    assert ours.sharpe_standard_error(x) == 0.0
    assert math.isnan(ours.probabilistic_sharpe(x))


@pytest.mark.parametrize(("per_year", "years"), [(252, 2.73), (52, 2.83), (12, 3.24)])
def test_minimum_track_record_is_the_published_one(per_year, years):
    x = three_points(600, 2.0 / math.sqrt(per_year))

    found = ours.minimum_track_record_length(x, 1.0 / math.sqrt(per_year))

    assert found / per_year == pytest.approx(years, abs=5e-3)


def test_a_track_record_of_the_minimum_length_has_just_the_confidence():
    x = three_points(600, 0.1)
    needed = float(ours.minimum_track_record_length(x, 0.04, confidence=0.9))

    enough = ours.probabilistic_sharpe(three_points(round(needed), 0.1), 0.04)

    assert enough == pytest.approx(0.9, abs=2e-3)


def test_no_track_record_is_long_enough_below_the_benchmark():
    x = three_points(60, 0.1)

    assert ours.minimum_track_record_length(x, 0.1 + 1e-9) == math.inf
    with pytest.raises(InputError, match=r"confidence is above 0\.5"):
        ours.minimum_track_record_length(x, confidence=0.5)


@pytest.mark.parametrize(("rows", "horizon"), [(60, 5), (250, 20), (500, 5), (500, 10), (250, 1)])
def test_no_more_noise_than_it_says_has_a_probable_ratio(rows, horizon):
    x = sums_of_shocks(40, rows, 4000, horizon, 0.3)

    probability = ours.probabilistic_sharpe(x, rows=horizon)

    assert 0.040 < (probability > 0.95).mean() < 0.065
    assert (probability > 0.99).mean() < 0.017
    assert 0.040 < (probability < 0.05).mean() < 0.065


def test_the_probability_of_exceeding_the_true_ratio_of_skewed_overlapping_returns_is_even():
    shocks = 0.6 - np.random.default_rng(41).exponential(0.5, (1009, 3000))
    levels = shocks.cumsum(axis=0)
    x = levels[10:] - levels[:-10]

    probability = ours.probabilistic_sharpe(x, 0.1 / 0.5 * math.sqrt(10.0), rows=10)

    assert (probability > 0.95).mean() == pytest.approx(0.05, abs=0.02)
    assert (probability < 0.05).mean() == pytest.approx(0.05, abs=0.02)


def test_rows_put_students_distribution_in_place_of_the_normal_one():
    x = overlapping_sums(42, 120, 1, 4)[:, 0]

    published, overlapping = ours.sharpe_test(x, 0.1), ours.sharpe_test(x, 0.1, rows=4)

    assert (published.degrees, overlapping.degrees) == (math.inf, 9)
    assert overlapping.standard_error > 1.3 * published.standard_error
    for found, law in ((published, stats.norm), (overlapping, stats.t(9))):
        errors = (found.ratio - 0.1) / found.standard_error
        assert found.probability == pytest.approx(law.cdf(errors), rel=1e-10)


def test_too_few_disjoint_returns_have_a_ratio_but_no_probability():
    x = overlapping_sums(43, 15, 2, 10)

    found = ours.sharpe_test(x, rows=[1, 10])

    assert np.isfinite(found.ratio).all()
    assert np.isfinite(found.probability).tolist() == [True, False]
    assert found.reasons == (
        "",
        "n too small: of 15 observations over 10 rows each 2 do not overlap, 10 are needed",
    )
    assert math.isnan(ours.probabilistic_sharpe(x[:9, 0]))
    assert math.isnan(ours.minimum_track_record_length(x[:, 1], rows=10))


def test_a_ratio_without_error_says_why():
    x = -two_points(1000, 50, 0.0)
    x += 2.0 / float(ours.skewness(x)) * x.std(ddof=1)

    assert ours.sharpe_test(x).reasons == ("the error of the ratio vanishes",)


@pytest.mark.parametrize("rows", [None, 1, 5])
def test_a_track_record_is_long_enough_just_where_the_probability_is_high_enough(rows):
    x = overlapping_sums(44, 120, 300, 5) + 0.008

    needed = ours.minimum_track_record_length(x, 0.05, confidence=0.9, rows=rows)
    probability = ours.probabilistic_sharpe(x, 0.05, rows=rows)

    is_enough = probability >= 0.9
    assert 30 < is_enough.sum() < 270
    assert ((needed <= 120) == is_enough).all()


# What else was tried


@pytest.mark.parametrize(("n_trials", "probability"), [(100, 0.9004), (46, 0.9505)])
def test_deflated_sharpe_is_the_published_example(n_trials, probability):
    x = two_points(1250, 105, 2.5 / math.sqrt(250))
    assert (ours.skewness(x), ours.kurtosis(x)) == pytest.approx((-3.0, 10.0), abs=5e-3)

    found = ours.deflated_sharpe(x, counted(n_trials, 0.5 / 250))

    assert found.probability == pytest.approx(probability, abs=3e-4)
    assert found.n_trials == n_trials
    if n_trials == 100:
        assert found.hurdle == pytest.approx(0.1132, abs=5e-5)


def test_deflated_sharpe_of_normal_returns_is_the_published_example():
    x = three_points(1250, 2.5 / math.sqrt(250))

    found = ours.deflated_sharpe(x, counted(88, 0.5 / 250))

    assert found.probability == pytest.approx(0.9505, abs=3e-4)


@pytest.mark.parametrize("trials", [None, counted(0, None)])
def test_without_recorded_trials_there_is_no_deflated_figure(trials):
    found = ours.deflated_sharpe(three_points(60, 0.5), trials)

    assert (found.probability, found.hurdle, found.n_trials) == (None, None, None)
    assert found.reason.startswith("the trials were not recorded")
    assert found.sharpe == pytest.approx(0.5)


def test_what_cannot_be_deflated_says_why():
    x = three_points(60, 0.5)

    short = ours.deflated_sharpe([0.1], counted(5, 0.1))
    few = ours.deflated_sharpe(x, counted(5, None))
    blind = ours.deflated_sharpe(x, counted(5, 0.1), is_effective_count=True)

    assert short.reason == "n too small: 1 of 10 observations"
    assert short.sharpe is None
    assert few.reason == "of 5 trials fewer than two have a Sharpe ratio"
    assert blind.reason == "not every trial of study 's' has returns over the same periods"
    assert {short.probability, few.probability, blind.probability} == {None}
    with pytest.raises(InputError, match="one series"):
        ours.deflated_sharpe(np.ones((4, 2)), counted(5, 0.1))


def test_one_recorded_trial_is_held_against_zero():
    x = three_points(60, 0.1)

    found = ours.deflated_sharpe(x, counted(1, None))

    assert found.hurdle == 0.0
    assert found.probability == pytest.approx(float(ours.probabilistic_sharpe(x)))


def test_fewer_independent_trials_lower_the_hurdle():
    x, trials = three_points(60, 0.2), counted(50, 0.01, n_effective=4.5)

    every = ours.deflated_sharpe(x, trials)
    independent = ours.deflated_sharpe(x, trials, is_effective_count=True)

    assert (every.n_trials, independent.n_trials) == (50, 4.5)
    assert independent.hurdle < every.hurdle
    assert independent.probability > every.probability


def test_the_best_of_pure_noise_looks_skilled_until_it_is_deflated():
    generator = np.random.default_rng(17)
    fooled = passed = 0
    for _ in range(100):
        returns = generator.normal(0.0, 0.01, (500, 100))
        ratios = ours.sharpe(returns)
        best = returns[:, ratios.argmax()]
        fooled += ours.probabilistic_sharpe(best) > 0.95
        found = ours.deflated_sharpe(best, counted(100, float(ratios.var(ddof=1))))
        passed += found.probability > 0.95

    assert fooled >= 90
    assert passed <= 5


def test_the_best_of_overlapping_noise_passes_no_more_often_than_that_of_single_rows():
    passed = fooled = 0
    for seed in range(200):
        x = sums_of_shocks(100 + seed, 500, 20, 10)
        ratios = ours.sharpe(x)
        best = x[:, ratios.argmax()]
        count = counted(20, float(ratios.var(ddof=1)))
        passed += ours.deflated_sharpe(best, count, rows=10).probability > 0.95
        fooled += ours.probabilistic_sharpe(best, rows=10) > 0.95

    assert fooled > 100
    assert passed <= 10


def test_a_sample_of_two_windows_is_not_deflated_and_says_why():
    x = overlapping_sums(45, 15, 1, 10)[:, 0]

    found = ours.deflated_sharpe(x, counted(5, 0.1), rows=10)

    assert found.reason.startswith("n too small: of 15 observations over 10 rows each 2 do not")
    assert found.probability is None
    assert found.sharpe == pytest.approx(float(ours.sharpe(x)))


def test_a_planted_skill_passes_among_a_hundred_trials():
    generator = np.random.default_rng(18)
    returns = generator.normal(0.0, 0.01, (1250, 100))
    returns[:, 40] += 0.25 * 0.01
    ratios = ours.sharpe(returns)

    found = ours.deflated_sharpe(returns[:, 40], counted(100, float(ratios.var(ddof=1))))

    assert ratios.argmax() == 40
    assert found.probability > 0.99


@pytest.mark.parametrize("n_trials", [10, 100, 1000])
def test_the_expected_maximum_is_that_of_simulated_ratios(n_trials):
    draws = np.random.default_rng(19).normal(0.0, 0.2, (4000, n_trials))

    found = ours.expected_maximum_sharpe(n_trials, 0.04)

    assert found == pytest.approx(draws.max(axis=1).mean(), rel=0.03)


@given(st.floats(1.0, 1e6), st.floats(1.0, 1e6))
def test_more_trials_never_lower_the_hurdle(one, other):
    low, high = sorted((one, other))

    less, more = (ours.expected_maximum_sharpe(n, 1.0) for n in (low, high))
    assert 0.0 <= less <= more + 1e-12


@pytest.mark.parametrize(("n", "variance"), [(0.5, 1.0), (math.nan, 1.0), (math.inf, 1.0)])
def test_an_impossible_number_of_trials_is_refused(n, variance):
    with pytest.raises(InputError, match="n_trials is at least 1"):
        ours.expected_maximum_sharpe(n, variance)


def test_an_impossible_variance_is_refused():
    with pytest.raises(InputError, match=r"not -0\.1"):
        ours.expected_maximum_sharpe(5, -0.1)


def test_effective_trials_follow_the_average_correlation():
    generator = np.random.default_rng(20)
    x = generator.normal(size=(300, 12)) + generator.normal(size=(300, 1))
    x[5, 3] = np.nan
    complete = np.delete(x, 5, axis=0)

    found = ours.effective_trials(x)

    correlations = np.corrcoef(complete.T)[np.triu_indices(12, 1)]
    assert found == pytest.approx(correlations.mean() + (1 - correlations.mean()) * 12, rel=1e-10)


def test_effective_trials_at_the_edges():
    series = np.array([0.1, -0.2, 0.3, 0.0])

    assert ours.effective_trials(series[:, None]) == 1.0
    assert ours.effective_trials(np.column_stack([series, -series])) == 2.0
    assert ours.effective_trials(np.column_stack([series, np.ones(4)])) == 2.0
    assert math.isnan(ours.effective_trials(np.full((4, 2), np.nan)))
    with pytest.raises(InputError, match=r"shape \(n, k\)"):
        ours.effective_trials(series)


# Many tests

ADJUSTMENTS = [
    (ours.benjamini_hochberg, "fdr_bh"),
    (ours.benjamini_yekutieli, "fdr_by"),
    (ours.holm, "holm"),
]


def probabilities(seed: int) -> np.ndarray:
    """Small and large ones, the ends, and ties."""
    generator = np.random.default_rng(seed)
    p = np.round(generator.random(25) ** 3, 2 + seed % 3)
    return np.append(p, [0.0, 1.0, p[3], p[3]])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("adjust", "method"), ADJUSTMENTS)
def test_adjusted_p_values_are_those_of_statsmodels(adjust, method, seed):
    p = probabilities(seed)

    assert adjust(p) == pytest.approx(multipletests(p, method=method)[1], abs=1e-12)


@pytest.mark.parametrize("untold", [1, 30])
@pytest.mark.parametrize(("adjust", "method"), ADJUSTMENTS)
def test_untold_tests_count_as_failed_ones(adjust, method, untold):
    p = probabilities(9)

    found = adjust(p, n_tests=p.size + untold)

    padded = multipletests([*p, *[1.0] * untold], method=method)[1]
    assert found == pytest.approx(padded[: p.size], abs=1e-12)


@given(p=st.lists(st.floats(0.0, 1.0) | st.just(0.01), min_size=1, max_size=40))
def test_adjusting_keeps_the_order_and_never_helps(p):
    hochberg, yekutieli, holm = (adjust(p) for adjust, _ in ADJUSTMENTS)

    order = np.argsort(p, kind="stable")
    for adjusted in (hochberg, yekutieli, holm):
        assert (np.diff(adjusted[order]) >= 0.0).all()
        assert ((adjusted >= p) & (adjusted <= 1.0)).all()
    assert (hochberg <= np.minimum(yekutieli, holm) + 1e-15).all()


@pytest.mark.parametrize(("adjust", "method"), ADJUSTMENTS)
def test_a_test_that_was_not_made_stays_nan_and_is_not_counted(adjust, method):
    p = np.array([0.04, np.nan, 0.01, 0.2])

    found = adjust(p)

    assert math.isnan(found[1])
    assert found[[0, 2, 3]] == pytest.approx(multipletests(p[[0, 2, 3]], method=method)[1])
    assert adjust([]).size == 0


@pytest.mark.parametrize(("adjust", "method"), ADJUSTMENTS)
def test_impossible_p_values_are_refused(adjust, method):
    with pytest.raises(InputError, match=r"number 1 is 1\.5"):
        adjust([np.nan, 1.5])
    with pytest.raises(InputError, match="n_tests=1, but 2"):
        adjust([0.1, 0.2], n_tests=1)
    with pytest.raises(InputError, match=r"shape \(k,\)"):
        adjust([[0.1]])


# Resampled blocks


def test_blocks_have_the_mean_length_asked_for_and_wrap_around():
    rows = _draw_rows(np.random.default_rng(21), 200, 500, 20.0)

    goes_on = (np.diff(rows, axis=1) % 500 == 1).mean()

    assert goes_on == pytest.approx(1.0 - (1.0 / 20.0) * (1.0 - 1.0 / 500.0), abs=2e-3)
    assert ((rows[:, :-1] == 499) & (rows[:, 1:] == 0)).any()
    assert np.bincount(rows.ravel(), minlength=500).min() > 0


def test_single_rows_give_the_interval_of_independent_observations():
    x = np.random.default_rng(22).normal(1.0, 2.0, 800)

    low, high = ours.block_bootstrap_mean_interval(
        x, generator=np.random.default_rng(1), mean_block=1, n_resamples=4000
    )

    half = 1.96 * x.std() / math.sqrt(800)
    assert (low, high) == pytest.approx((x.mean() - half, x.mean() + half), abs=0.1 * half)


def test_long_blocks_cover_the_mean_of_overlapping_returns_and_single_rows_do_not():
    x = overlapping_sums(23, 1000, 200, 10)

    def covered(mean_block):
        low, high = ours.block_bootstrap_mean_interval(
            x, generator=np.random.default_rng(2), mean_block=mean_block, n_resamples=400
        )
        return float(((low <= 0.0) & (high >= 0.0)).mean())

    assert covered(1) < 0.6
    assert covered(40) > 0.85


def test_the_same_generator_gives_the_same_interval_whatever_is_drawn_at_once(monkeypatch):
    x = np.column_stack([with_gaps(24), with_gaps(25)])
    x[:, 1] *= 3.0

    def interval(values):
        return ours.block_bootstrap_mean_interval(
            values, generator=np.random.default_rng(3), mean_block=4, n_resamples=300
        )

    both, alone = interval(x), interval(x[:, 1])
    assert [side[1] for side in both] == pytest.approx([float(side) for side in alone], rel=1e-12)
    assert np.array_equal(interval(x), both)


def test_a_series_of_less_than_two_values_has_no_interval():
    x = np.array([[1.0, np.nan, 2.0], [np.nan, np.nan, 2.0], [np.nan, np.nan, 2.0]])

    low, high = ours.block_bootstrap_mean_interval(
        x, generator=np.random.default_rng(4), mean_block=2, n_resamples=50
    )

    assert np.isnan(low).tolist() == np.isnan(high).tolist() == [True, True, False]
    assert (low[2], high[2]) == (2.0, 2.0)


@pytest.mark.parametrize("changed", [{"mean_block": 0.5}, {"n_resamples": 0}, {"confidence": 1.0}])
def test_impossible_bootstrap_settings_are_refused(changed):
    settings = {"mean_block": 2.0, "generator": np.random.default_rng(5)} | changed

    with pytest.raises(InputError, match=next(iter(changed))):
        ours.block_bootstrap_mean_interval([1.0, 2.0, 3.0], **settings)


@pytest.mark.parametrize(("variance", "best"), [(0.02, 0.3), (None, 0.3), (None, None)])
def test_trials_over_more_rows_have_larger_ratios(variance, best):
    one = ours.TrialCount(
        study="s",
        n_trials=2,
        sharpe_variance=variance,
        best=best,
        best_key=None,
        first=None,
        last=None,
    )

    over = one.over(4)

    assert over.sharpe_variance == (None if variance is None else 0.08)
    assert over.best == (None if best is None else 0.6)
