"""Many tests at once: p-values adjusted for how many were made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from alphalens.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from alphalens._stats._columns import Floats

__all__ = ["benjamini_hochberg", "benjamini_yekutieli", "holm"]


def benjamini_hochberg(p: ArrayLike, *, n_tests: int | None = None) -> Floats:
    r"""Adjust p-values for the false discovery rate, for tests that do not oppose each other.

    Parameters
    ----------
    p : array of shape (k,)
        Probabilities. NaN is a test that was not made: it stays NaN and is not counted.
    n_tests : int, optional
        Tests made in all, where `p` holds only some of them; the others count as failed. Default:
        those in `p`.

    Returns
    -------
    ndarray of shape (k,)
        Calling every test with a value up to q a discovery keeps the expected share of false ones
        at q or less, if the tests are independent or positively dependent.

    Raises
    ------
    InputError
        If a value is outside [0, 1], `p` has another shape, or `n_tests` is below their number.

    Notes
    -----
    With ranks from the smallest and m tests, :math:`\tilde p_{(i)} = \min_{j \ge i} \min(1,
    m\,p_{(j)} / j)`. O(k log k).

    References
    ----------
    .. [1] Benjamini, Y. and Hochberg, Y. (1995). Controlling the false discovery rate: a practical
       and powerful approach to multiple testing. Journal of the Royal Statistical Society B 57(1),
       289-300. doi:10.1111/j.2517-6161.1995.tb02031.x

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.04, 0.04]
    >>> benjamini_hochberg([0.01, 0.04, 0.03], n_tests=30).round(3).tolist()
    [0.3, 0.4, 0.4]
    """
    return _step_up(p, n_tests, is_any_dependence=False)


def benjamini_yekutieli(p: ArrayLike, *, n_tests: int | None = None) -> Floats:
    r"""Adjust p-values for the false discovery rate, whatever the dependence of the tests.

    Parameters
    ----------
    p : array of shape (k,)
        Probabilities. NaN is a test that was not made: it stays NaN and is not counted.
    n_tests : int, optional
        Tests made in all, where `p` holds only some of them; the others count as failed. Default:
        those in `p`.

    Returns
    -------
    ndarray of shape (k,)
        As from `benjamini_hochberg`, under any dependence.

    Raises
    ------
    InputError
        If a value is outside [0, 1], `p` has another shape, or `n_tests` is below their number.

    Notes
    -----
    The adjustment of `benjamini_hochberg` times :math:`\sum_{i=1}^m 1/i`, at most 1. O(k log k).

    References
    ----------
    .. [1] Benjamini, Y. and Yekutieli, D. (2001). The control of the false discovery rate in
       multiple testing under dependency. Annals of Statistics 29(4), 1165-1188.
       doi:10.1214/aos/1013699998

    Examples
    --------
    >>> benjamini_yekutieli([0.01, 0.04, 0.03]).round(4).tolist()
    [0.055, 0.0733, 0.0733]
    """
    return _step_up(p, n_tests, is_any_dependence=True)


def holm(p: ArrayLike, *, n_tests: int | None = None) -> Floats:
    r"""Adjust p-values so that even one false discovery is improbable.

    Parameters
    ----------
    p : array of shape (k,)
        Probabilities. NaN is a test that was not made: it stays NaN and is not counted.
    n_tests : int, optional
        Tests made in all, where `p` holds only some of them; the others count as failed. Default:
        those in `p`.

    Returns
    -------
    ndarray of shape (k,)
        Calling every test with a value up to q a discovery makes any false one with probability at
        most q, whatever the dependence.

    Raises
    ------
    InputError
        If a value is outside [0, 1], `p` has another shape, or `n_tests` is below their number.

    Notes
    -----
    With ranks from the smallest and m tests, :math:`\tilde p_{(i)} = \max_{j \le i} \min(1,
    (m - j + 1)\,p_{(j)})`. O(k log k).

    References
    ----------
    .. [1] Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian
       Journal of Statistics 6(2), 65-70.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    values, order, total = _sorted(p, n_tests)
    scaled = values[order] * (total - np.arange(order.size))
    return _restored(values, order, np.maximum.accumulate(scaled))


def _step_up(p: ArrayLike, n_tests: int | None, *, is_any_dependence: bool) -> Floats:
    """Return the adjustment that starts from the largest p-value."""
    values, order, total = _sorted(p, n_tests)
    factor = float((1.0 / np.arange(1, total + 1)).sum()) if is_any_dependence else 1.0
    scaled = values[order] * (factor * total / np.arange(1, order.size + 1))
    # The tests that `p` does not hold would stand last, with p = 1: they bound nothing below 1.
    return _restored(values, order, np.minimum.accumulate(scaled[::-1])[::-1])


def _sorted(p: ArrayLike, n_tests: int | None) -> tuple[Floats, np.ndarray, int]:
    """Return the p-values, the order of those that are known, and the number of tests."""
    values = np.asarray(p, dtype=np.float64)
    if values.ndim != 1:
        raise InputError(f"give p-values of shape (k,), not {values.shape}")
    known = np.flatnonzero(~np.isnan(values))
    bad = known[(values[known] < 0.0) | (values[known] > 1.0)]
    if bad.size:
        raise InputError(f"a p-value lies in [0, 1]; number {bad[0]} is {values[bad[0]]}")
    total = known.size if n_tests is None else n_tests
    if total < known.size:
        raise InputError(f"n_tests={n_tests}, but {known.size} p-values are given")
    return values, known[np.argsort(values[known], kind="stable")], total


def _restored(values: Floats, order: np.ndarray, adjusted: Floats) -> Floats:
    """Put adjusted values back in the order given, at most 1."""
    out = np.full(values.shape, np.nan)
    out[order] = np.minimum(adjusted, 1.0)
    return out
