"""Row arithmetic against pandas, one row at a time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from alphalens import _blocks
from alphalens import _kernels as kernels
from alphalens import _ranks as ranking

from .golden.shapes import normals, uniforms


def rows_with_gaps(seed: int, rows: int = 40, width: int = 23) -> np.ndarray:
    values = normals(seed, rows, width)
    values[uniforms(seed + 1, rows, width) < 0.2] = np.nan
    return values


@pytest.mark.parametrize("decimals", [0, 1, 12])
def test_ranks_are_those_of_pandas_with_ties_and_gaps(decimals):
    values = rows_with_gaps(1).round(decimals)

    ranks = ranking.row_ranks(values)

    np.testing.assert_array_equal(ranks, pd.DataFrame(values).rank(axis=1).to_numpy())


def test_ranks_of_values_that_differ_in_the_last_bit_are_exact():
    one = 1.0
    values = np.array([[np.nextafter(one, 2), one, np.nextafter(one, 0), one]])

    assert ranking.row_ranks(values).tolist() == [[4.0, 2.5, 1.0, 2.5]]


def test_ranks_put_infinities_at_the_ends_and_signed_zeros_together():
    values = np.array([[np.inf, -0.0, 0.0, -np.inf, np.nan]])

    ranks = ranking.row_ranks(values)

    np.testing.assert_array_equal(ranks, [[4.0, 2.5, 2.5, 1.0, np.nan]])


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (3, 1)])
def test_ranks_of_degenerate_matrices_have_their_shape(shape):
    ranks = ranking.row_ranks(np.ones(shape))

    assert ranks.shape == shape
    assert (ranks == 1).all()


def test_ranks_do_not_depend_on_the_block_a_row_falls_into(monkeypatch):
    values = rows_with_gaps(5, rows=60)
    whole = ranking.row_ranks(values)

    monkeypatch.setattr(_blocks, "CACHE_CELLS", 30)

    np.testing.assert_array_equal(ranking.row_ranks(values), whole)


def test_rank_correlation_is_nan_for_a_row_with_a_missing_member_and_for_a_constant_row():
    left = np.array([[1.0, 2.0, 3.0], [1.0, np.nan, 3.0], [5.0, 5.0, 5.0]])
    right = np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [1.0, 2.0, 3.0]])
    members = np.array([3, 3, 3])
    ranks = ranking.row_ranks(left)

    correlation = ranking.rank_correlation(
        ranks, ranking.rank_squares(ranks, members), right, members
    )

    np.testing.assert_array_equal(correlation, [1.0, np.nan, np.nan])


def test_pearson_uses_the_columns_both_sides_have():
    left, right = rows_with_gaps(7), rows_with_gaps(9)

    ours = kernels.row_pearson(left, right)

    pairs = zip(left, right, strict=True)
    theirs = [pd.Series(one).corr(pd.Series(other)) for one, other in pairs]
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_row_sum_skips_nan_and_is_nan_without_a_value():
    sums = kernels.row_sum(np.array([[1.0, np.nan], [np.nan, np.nan], [1.0, -1.0]]))

    np.testing.assert_array_equal(sums, [1.0, np.nan, 0.0])


@pytest.mark.parametrize("value", [0.1, 1 / 3, 1e9 + 0.1])
def test_constant_factor_has_no_demeaned_weights_whatever_its_mean_rounds_to(value):
    flat = np.full((1, 7), value)
    options = {"is_demeaned": True, "is_equal_weight": False}

    assert np.isnan(kernels.weights(flat, **options, is_zero_gross_zero=False)).all()
    assert (kernels.weights(flat, **options, is_zero_gross_zero=True) == 0).all()


def test_rows_without_a_place_are_not_flat():
    assert kernels.is_flat(np.empty((3, 0))).tolist() == [False, False, False]
    assert kernels.is_flat(np.array([[0.1, np.nan, 0.1], [0.1, 0.2, 0.1]])).tolist() == [
        True,
        False,
    ]


def test_equal_weights_give_each_side_half_and_the_median_nothing():
    values = np.array([[1.0, 2.0, 3.0, 50.0, np.nan, 60.0]])

    weights = kernels.weights(
        values, is_demeaned=True, is_equal_weight=True, is_zero_gross_zero=False
    )

    np.testing.assert_array_equal(weights, [[-0.25, -0.25, 0.0, 0.25, np.nan, 0.25]])


@pytest.mark.parametrize("is_cut", [False, True])
def test_keyed_moments_are_those_of_groupby(monkeypatch, is_cut):
    monkeypatch.setattr(kernels, "CACHE_CELLS", 16)
    keys = (uniforms(3, 200) * 6).astype(np.int64)
    keys = np.sort(keys) if is_cut else keys
    bounds = np.searchsorted(keys, np.arange(7)) if is_cut else None
    values = rows_with_gaps(11, 200, 1)[:, 0]

    whole, (mean, variance, count) = kernels.keyed_moments(keys, [np.ones(200), values], 8, bounds)

    assert whole[2].tolist() == np.bincount(keys, minlength=8).tolist()
    grouped = pd.Series(values).groupby(keys).agg(["mean", "var", "count"]).reindex(range(8))
    np.testing.assert_allclose(mean, grouped["mean"], rtol=1e-12)
    np.testing.assert_allclose(variance, grouped["var"], rtol=1e-12)
    np.testing.assert_array_equal(count, grouped["count"].fillna(0))


def test_overlapping_sums_add_the_rows_of_each_window_and_nothing_for_an_empty_one():
    trades = np.array([[1.0], [10.0], [100.0]])

    sums = kernels.overlapping_sums(trades, np.array([0, 0, 1, 3]), np.array([1, 3, 3, 3]))

    assert sums[:, 0].tolist() == [1.0, 111.0, 110.0, 0.0]


def test_straight_line_finds_intercept_and_slope_and_skips_gaps():
    x = np.array([1.0, 2.0, np.nan, 4.0])

    intercept, slope = kernels.straight_line(x, 0.5 + 2 * x)

    assert intercept == pytest.approx(0.5)
    assert slope == pytest.approx(2.0)


@pytest.mark.parametrize("x", [[1.0, 1.0, 1.0], [1.0, np.nan, np.nan], []])
def test_no_line_through_a_constant_or_a_single_point(x):
    assert np.isnan(kernels.straight_line(np.array(x), np.ones(len(x)))).all()


@pytest.mark.parametrize("rows", [[], [2], [1, 2, 3], [-1, 0, 1], [3, 2, 1], [0, 2, 1, 3]])
def test_rows_are_those_asked_for_whether_or_not_they_are_a_run(rows):
    matrix = np.arange(12.0).reshape(4, 3)
    wanted = np.array(rows, dtype=np.int64)

    np.testing.assert_array_equal(kernels.rows_of(matrix, wanted), matrix[wanted])


@pytest.mark.parametrize("width", [0, 1, 7, 8, 2041, 4100])
def test_counts_and_arrivals_are_those_of_plain_sums(monkeypatch, width):
    monkeypatch.setattr(_blocks, "CACHE_CELLS", 5000)
    members = np.random.default_rng(width).random((30, width)) < 0.9
    previous = np.arange(-1, 29)

    np.testing.assert_array_equal(kernels.row_counts(members), members.sum(axis=1))
    np.testing.assert_array_equal(
        kernels.row_arrivals(members, previous), (members & ~members[previous]).sum(axis=1)
    )
