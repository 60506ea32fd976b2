"""Preprocessing by date: pandas and statsmodels as oracles, invariants, and what NaN does."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pandas.testing import assert_frame_equal
from scipy import stats

from alphalens.errors import InputError
from alphalens.factors.preprocessing import (
    neutralise,
    neutralise_by_regression,
    rank,
    winsorise,
    winsorise_mad,
    zscore,
)

SECTORS = pd.Series(dict(zip("ABCDEFGHIJKL", "xyzxyzxyzxyz", strict=True)))

finite = st.floats(-1e6, 1e6, allow_nan=False, width=32)
matrices = hnp.arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(4, 12)), elements=finite)


def panel(seed: int = 1, rows: int = 30, missing: float = 0.15) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    values = rng.standard_t(3, (rows, 12))
    values[rng.random((rows, 12)) < missing] = np.nan
    index = pd.bdate_range("2024-01-01", periods=rows)
    return pd.DataFrame(values, index=index, columns=list("ABCDEFGHIJKL"))


def sector_panel(seed: int = 5) -> pd.DataFrame:
    """Return labels that change from date to date, some of them missing."""
    labels = np.random.default_rng(seed).choice(np.array(["x", "y", None], dtype=object), (30, 12))
    return pd.DataFrame(labels, index=panel().index, columns=panel().columns)


def by_pandas(factor: pd.DataFrame, groups: pd.DataFrame, how) -> pd.DataFrame:
    """Return `how` applied by pandas to each date and group, on the long form."""
    long = pd.DataFrame(
        {"x": factor.stack(future_stack=True), "g": groups.stack(future_stack=True)}
    )
    out = long.groupby([long.index.get_level_values(0), "g"])["x"].transform(how)
    return out.unstack().reindex(index=factor.index, columns=factor.columns)  # noqa: PD010


def test_winsorise_clips_to_the_quantiles_of_pandas():
    factor = panel()

    clipped = winsorise(factor, limit=0.1)

    low, high = factor.quantile(0.1, axis=1), factor.quantile(0.9, axis=1)
    assert_frame_equal(clipped, factor.clip(low, high, axis=0))


def test_winsorise_mad_clips_around_the_median_of_scipy():
    factor = panel()

    clipped = winsorise_mad(factor, width=1.5)

    middle = factor.median(axis=1)
    scale = stats.median_abs_deviation(factor, axis=1, nan_policy="omit", scale="normal")
    reach = 1.5 * np.asarray(scale)
    assert_frame_equal(clipped, factor.clip(middle - reach, middle + reach, axis=0))


def test_winsorise_mad_leaves_a_date_alone_whose_values_are_mostly_equal():
    factor = pd.DataFrame([[1.0, 1.0, 1.0, 50.0, -3.0]])

    assert_frame_equal(winsorise_mad(factor, width=3), factor)


def test_zscore_is_mean_and_sample_deviation_of_the_date():
    factor = panel()

    expected = factor.sub(factor.mean(axis=1), axis=0).div(factor.std(axis=1), axis=0)

    assert_frame_equal(zscore(factor), expected)


def test_zscore_of_a_constant_or_single_value_is_missing():
    scores = zscore(pd.DataFrame([[0.1, 0.1, 0.1], [7.0, None, None]]))

    assert scores.isna().all(axis=None)


@pytest.mark.parametrize("groups", ["series", "mapping", "panel"])
@pytest.mark.parametrize(
    ("ours", "how"),
    [
        (zscore, lambda x: (x - x.mean()) / x.std()),
        (neutralise, lambda x: x - x.mean()),
        (rank, lambda x: x.rank() / x.count()),
    ],
    ids=["zscore", "neutralise", "rank"],
)
def test_groups_by_asset_or_by_panel_equal_a_pandas_groupby(ours, how, groups):
    factor = panel()
    wide = pd.DataFrame([SECTORS] * 30, index=factor.index)
    given = {"series": SECTORS, "mapping": SECTORS.to_dict(), "panel": sector_panel()}[groups]
    expected = by_pandas(factor, sector_panel() if groups == "panel" else wide, how)

    found = ours(factor, given)

    assert_frame_equal(found, expected, check_names=False, check_freq=False)


def test_rank_to_normal_gives_the_scores_of_blom():
    factor = panel()

    scores = rank(factor, to="normal")

    ranks, count = factor.rank(axis=1), factor.count(axis=1)
    levels = ranks.sub(0.375).div(count + 0.25, axis=0)
    expected = stats.norm.ppf(levels.to_numpy())
    np.testing.assert_allclose(scores.to_numpy(), expected, rtol=1e-12)


def oracle(factor, exposures, groups=None, weights=None) -> pd.DataFrame:
    """Return the residuals of statsmodels, one date at a time."""
    out = pd.DataFrame(np.nan, index=factor.index, columns=factor.columns)
    for date in factor.index:
        x = pd.DataFrame({str(i): exposure.loc[date] for i, exposure in enumerate(exposures)})
        if groups is None:
            x["constant"] = 1.0
        else:
            x = x.join(pd.get_dummies(groups, dtype=float))
            x[groups.isna()] = np.nan
        y = factor.loc[date]
        w = pd.Series(1.0, y.index) if weights is None else weights.loc[date]
        known = y.notna() & x.notna().all(axis=1) & (w > 0)
        x = x.loc[:, (x[known] != 0.0).any()]
        fit = sm.WLS(y[known], x[known], weights=w[known]).fit()
        if known.sum() > fit.model.rank:
            out.loc[date, known] = (y[known] - fit.fittedvalues).astype(float)
    return out


@pytest.mark.parametrize("has_groups", [False, True])
@pytest.mark.parametrize("has_weights", [False, True])
def test_regression_residuals_are_those_of_statsmodels_date_by_date(has_groups, has_weights):
    factor, exposures = panel(1), [panel(2, missing=0.05), panel(3, missing=0.05)]
    groups = SECTORS.where(SECTORS.index != "C") if has_groups else None
    weights = panel(4).abs() if has_weights else None

    found = neutralise_by_regression(factor, exposures, groups, weights)

    expected = oracle(factor, exposures, groups, weights)
    assert found.notna().to_numpy().sum() > 150
    assert_frame_equal(found, expected, check_exact=False, rtol=1e-9, atol=1e-9)


def test_regression_on_collinear_exposures_leaves_the_residual_of_one():
    factor, size = panel(1), panel(2)

    both = neutralise_by_regression(factor, {"size": size, "again": 3.0 * size + 2.0})

    assert_frame_equal(both, neutralise_by_regression(factor, size), rtol=1e-9, atol=1e-12)


def test_an_exposure_constant_in_each_group_adds_nothing_to_the_dummies():
    factor = panel(1, missing=0.0)
    level = SECTORS.map({"x": 0.1, "y": 0.7, "z": 12.3})
    constant = pd.DataFrame([level] * 30, index=factor.index)

    found = neutralise_by_regression(factor, constant, SECTORS)

    assert_frame_equal(found, neutralise(factor, SECTORS), rtol=1e-9, atol=1e-12)


def test_regression_counts_the_values_it_lost():
    factor, size = panel(1, missing=0.0), panel(2, missing=0.0)
    size.iloc[0, :3] = np.nan
    size.iloc[1, 0] = np.inf

    found = neutralise_by_regression(factor, size)

    assert found.attrs["cells_lost"] == 4
    assert found.iloc[0, :3].isna().all()
    assert found.iloc[0, 3:].notna().all()


def test_regression_of_as_many_values_as_coefficients_is_missing():
    factor = pd.DataFrame([[1.0, 5.0, np.nan], [1.0, 5.0, 2.0]])
    size = pd.DataFrame([[1.0, 2.0, 4.0]] * 2)

    found = neutralise_by_regression(factor, size)

    assert found.iloc[0].isna().all()
    assert found.iloc[1].notna().all()


def test_exposures_are_matched_by_label_not_by_place():
    factor, size = panel(1), panel(2)
    shuffled = size.iloc[::-1, ::-1]

    found = neutralise_by_regression(factor, shuffled)

    assert_frame_equal(found, neutralise_by_regression(factor, size))


@settings(max_examples=60, deadline=None)
@given(matrices, st.randoms(use_true_random=False))
def test_residuals_are_orthogonal_to_the_exposures_and_to_each_group(values, random):
    factor = pd.DataFrame(values)
    rng = np.random.default_rng(random.randint(0, 2**32 - 1))
    size = pd.DataFrame(rng.normal(size=values.shape))
    groups = pd.Series(rng.integers(0, 2, values.shape[1]))

    residual = neutralise_by_regression(factor, size, groups).fillna(0.0).to_numpy()

    tolerance = 1e-9 * (1.0 + np.abs(values).max())
    assert np.abs((residual * size.to_numpy()).sum(axis=1)).max() < tolerance
    for group in groups.unique():
        assert np.abs(residual[:, groups == group].sum(axis=1)).max() < tolerance


@settings(max_examples=60, deadline=None)
@given(matrices)
def test_group_means_are_zero_and_neutralising_again_changes_nothing(values):
    factor = pd.DataFrame(values)
    groups = pd.Series(np.arange(values.shape[1]) % 3)

    once = neutralise(factor, groups)

    tolerance = 1e-9 * (1.0 + np.abs(values).max())
    assert np.abs(once.T.groupby(groups).mean().to_numpy()).max() < tolerance
    np.testing.assert_allclose(neutralise(once, groups), once, atol=tolerance)


@settings(max_examples=60, deadline=None)
@given(matrices, st.floats(0.0, 0.49))
def test_winsorising_keeps_order_and_range(values, limit):
    clipped = winsorise(pd.DataFrame(values), limit).to_numpy()

    order = np.argsort(values, axis=1, kind="stable")
    assert (np.diff(np.take_along_axis(clipped, order, axis=1), axis=1) >= 0.0).all()
    assert (clipped.max(axis=1) <= values.max(axis=1)).all()
    assert (clipped.min(axis=1) >= values.min(axis=1)).all()


@pytest.mark.parametrize(
    "step",
    [
        winsorise,
        winsorise_mad,
        zscore,
        rank,
        lambda f: rank(f, SECTORS, to="normal"),
        lambda f: neutralise(f, SECTORS),
        lambda f: neutralise_by_regression(f, panel(2, missing=0.0)),
    ],
)
def test_each_date_stands_alone_missing_stays_missing_and_the_argument_is_untouched(step):
    factor = panel(1)
    factor.iloc[3, 4] = np.inf
    before = factor.copy()

    whole, cut = step(factor), step(factor.iloc[5:9])

    assert_frame_equal(factor, before)
    assert_frame_equal(whole.iloc[5:9], cut)
    assert (whole.isna() == (factor.isna() | np.isinf(factor))).all(axis=None)
    assert whole.index.equals(factor.index)
    assert whole.columns.equals(factor.columns)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
def test_empty_panels_come_back_empty(shape):
    factor = pd.DataFrame(np.empty(shape))

    for step in (winsorise, winsorise_mad, zscore, rank):
        assert step(factor).shape == shape
    assert neutralise_by_regression(factor, factor).shape == shape


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda f: winsorise(f, 0.5), "limit"),
        (lambda f: winsorise_mad(f, 0.0), "width"),
        (lambda f: rank(f, to="cauchy"), "uniform"),
        (lambda f: neutralise(f, pd.Series({"Z": 1})), "name them alike"),
        (lambda f: neutralise_by_regression(f, []), "at least one"),
        (lambda f: neutralise_by_regression(f, f, weights=-f.abs()), "weights must be 0 or more"),
        (lambda f: neutralise(f, pd.Series([1, 2], index=["A", "A"])), "repeats asset"),
        (lambda f: zscore(f.stack(future_stack=True)), "unstack"),
        (lambda f: zscore(f.astype(object).fillna("high")), "numbers"),
        (lambda f: winsorise(f, "1%"), "got '1%'"),
        (lambda f: winsorise_mad(f, None), "got None"),
        (lambda f: rank(f, to=["normal"]), "uniform"),
        (lambda f: zscore(f, by="sector"), "a str"),
        (lambda f: neutralise(f, np.arange(12)), "index=factor.columns"),
        (lambda f: neutralise_by_regression(f, f.to_numpy()), r"exposures .* shape \(30, 12\)"),
        (lambda f: neutralise_by_regression(f, f.iloc[0]), "exposures .* repeat on each date"),
        (lambda f: neutralise_by_regression(f, {"beta": f.iloc[0]}), "exposures .* Series"),
        (lambda f: neutralise_by_regression(f, "size"), "exposures .* str 'size'"),
        (lambda f: neutralise_by_regression(f, 5), "exposures .* int 5"),
        (lambda f: neutralise_by_regression(f, f, weights=f.to_numpy()), "weights .* ndarray"),
        (lambda f: neutralise_by_regression(f, f, weights="cap"), "weights .* 'cap'"),
    ],
)
def test_a_wrong_argument_is_refused_with_what_to_do(call, words):
    with pytest.raises(InputError, match=words):
        call(panel())


@pytest.mark.parametrize(
    "step",
    [
        winsorise,
        winsorise_mad,
        zscore,
        rank,
        lambda f: neutralise(f, SECTORS),
        lambda f: neutralise_by_regression(f, panel()),
    ],
)
@pytest.mark.parametrize("factor", [panel().to_numpy(), "momentum", None])
def test_a_factor_that_is_no_frame_is_refused_by_every_step(step, factor):
    with pytest.raises(InputError, match=r"factor must be a wide frame.*give pd\.DataFrame"):
        step(factor)


def test_exposures_come_in_any_collection():
    factor, one, two = panel(1), panel(2, missing=0.0), panel(3, missing=0.0)
    named = {"one": one, "two": two}

    wanted = neutralise_by_regression(factor, named)

    for exposures in ([one, two], (one, two), named.values()):
        assert_frame_equal(neutralise_by_regression(factor, exposures), wanted)
