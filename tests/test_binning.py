"""Labels against pandas' own qcut and cut, cell by cell."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from alphalens._binning import Binning, row_quantiles
from alphalens.errors import InputError

from .golden.shapes import normals, uniforms

MATRICES = {
    "continuous": normals(1, 60, 37),
    "rounded": normals(2, 60, 37).round(1),
    "whole numbers": normals(3, 60, 37).round(),
    "few members": normals(4, 60, 4),
}


def holed(matrix: np.ndarray) -> np.ndarray:
    """Return the matrix with a fifth of its values missing."""
    return np.where(uniforms(9, *matrix.shape) < 0.2, np.nan, matrix)


@np.errstate(invalid="ignore")  # inf - inf inside pandas
def pandas_labels(row: np.ndarray, quantiles, bins) -> np.ndarray:
    """Return the labels of one row as pandas makes them, 0 for none and for a row that fails."""
    series = pd.Series(row)
    try:
        if quantiles is None:
            labels = pd.cut(series, bins, labels=False)
        else:
            labels = pd.qcut(series, quantiles, labels=False)
    except ValueError:
        return np.zeros(len(row))
    return (labels + 1).fillna(0).to_numpy()


@pytest.mark.parametrize("has_gaps", [False, True])
@pytest.mark.parametrize("name", MATRICES)
@pytest.mark.parametrize(
    ("quantiles", "bins"),
    [
        (1, None),
        (2, None),
        (3, None),
        (5, None),
        (7, None),
        (10, None),
        ([0, 0.2, 0.9, 1.0], None),
        ([0.1, 0.5, 0.8], None),
        (None, 1),
        (None, 4),
        (None, [-1.0, 0.0, 0.5, 3.0]),
        (None, [-2, 2]),
    ],
)
def test_labels_are_those_of_pandas(name, has_gaps, quantiles, bins):
    matrix = holed(MATRICES[name]) if has_gaps else MATRICES[name]

    labels, failed = Binning.of(quantiles, bins, is_zero_aware=False).labels(matrix)

    theirs = np.array([pandas_labels(row, quantiles, bins) for row in matrix])
    np.testing.assert_array_equal(labels, theirs)
    assert not labels[failed].any()


@pytest.mark.parametrize("quantiles", [1, 2, 3, 4, [0, 0.3, 1.0], [0.1, 0.5, 0.8]])
@pytest.mark.parametrize(
    "row",
    [
        [1, 2, 3, 4, np.inf],
        [np.inf, np.inf, 1, 2, 3, 4, 5, 6, 7, 8],
        [-np.inf, 1, 2, 3, 4, 5],
        [-np.inf, 1, 2, 3, np.inf],
        [np.inf, np.inf, np.nan],
    ],
)
def test_rows_with_infinite_values_are_labelled_as_pandas_labels_them(row, quantiles):
    matrix = np.array([row, np.arange(len(row))], dtype=float)

    labels, failed = Binning.of(quantiles, None, is_zero_aware=False).labels(matrix)

    np.testing.assert_array_equal(labels, [pandas_labels(r, quantiles, None) for r in matrix])
    assert not labels[failed].any()


def test_quantiles_of_rows_are_those_of_pandas_to_the_last_bit():
    matrix = holed(MATRICES["continuous"])
    probabilities = np.linspace(0, 1, 14)

    ours = row_quantiles(matrix, probabilities)

    theirs = [pd.Series(row).quantile(probabilities).to_numpy() for row in matrix]
    np.testing.assert_array_equal(ours, theirs)


def test_constant_row_fits_one_bin_but_not_two_quantiles():
    flat = np.full((1, 3), 0.3)

    one, _ = Binning.of(None, 1, is_zero_aware=False).labels(flat)
    two, failed = Binning.of(2, None, is_zero_aware=False).labels(flat)

    assert one.tolist() == [[1, 1, 1]]
    assert two.tolist() == [[0, 0, 0]]
    assert failed.tolist() == [True]


def test_zero_aware_labels_each_side_by_itself():
    row = np.array([[-3.0, -1.0, 0.0, 2.0, 5.0, 9.0]])

    labels, failed = Binning.of(4, None, is_zero_aware=True).labels(row)

    assert labels.tolist() == [[1, 2, 3, 3, 4, 4]]
    assert not failed.any()


@pytest.mark.parametrize(("quantiles", "bins"), [(4, None), (None, 4)])
def test_zero_aware_fails_on_a_row_with_one_side_only(quantiles, bins):
    row = np.array([[1.0, 2.0, 3.0, 4.0]])

    labels, failed = Binning.of(quantiles, bins, is_zero_aware=True).labels(row)

    assert failed.tolist() == [True]
    assert not labels.any()


@pytest.mark.parametrize(
    ("quantiles", "bins", "words"),
    [
        (0, None, "quantiles=0"),
        (2.5, None, "2.5"),
        ([0, 0.5, 2], None, "interval"),
        ([0.5, 0.1], None, "increase monotonically"),
        (None, [1, 0, -1], "increase monotonically"),
        (None, "abc", "abc"),
        (None, -1, "bins=-1"),
    ],
)
def test_malformed_recipes_are_refused_with_their_value(quantiles, bins, words):
    with pytest.raises(InputError, match=words):
        Binning.of(quantiles, bins, is_zero_aware=False)


def test_zero_aware_with_one_bucket_is_refused_as_none_is_left():
    with pytest.raises(InputError, match="leaves 0 buckets"):
        Binning.of(1, None, is_zero_aware=True)
