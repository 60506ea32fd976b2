"""What the best of many trials is worth: Sharpe ratios deflated by what else was tried."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from alphalens._stats._columns import columns_of
from alphalens._stats.sharpe import sharpe_test
from alphalens.errors import InputError

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import ArrayLike

__all__ = [
    "DeflatedSharpe",
    "TrialCount",
    "deflated_sharpe",
    "effective_trials",
    "expected_maximum_sharpe",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialCount:
    """How much was tried in one study.

    Attributes
    ----------
    study : str
        Its name.
    n_trials : int
        Different trials recorded, those without a Sharpe ratio too; 0 where nothing was.
    sharpe_variance : float or None
        Sample variance of the trials' Sharpe ratios of one period; None with fewer than two.
    best : float or None
        Highest Sharpe ratio of one period.
    best_key : str or None
        The trial that has it; the first one recorded of several.
    first, last : datetime or None
        Earliest and latest instant recorded, in UTC.
    n_effective : float or None
        Independent trials that would be as many, see `effective_trials`; None unless every trial
        came with its returns over the same periods.
    """

    study: str
    n_trials: int
    sharpe_variance: float | None
    best: float | None
    best_key: str | None
    first: datetime | None
    last: datetime | None
    n_effective: float | None = None

    def over(self, rows: int) -> TrialCount:
        """Return the count for ratios of so many rows, where those recorded are of one.

        A ratio grows with the root of the rows, so the variance of the trials' ratios grows with
        the rows: without that, a long period would meet the low hurdle of a short one.
        """
        variance, best = self.sharpe_variance, self.best
        return replace(
            self,
            sharpe_variance=None if variance is None else variance * rows,
            best=None if best is None else best * math.sqrt(rows),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeflatedSharpe:
    """A Sharpe ratio against the best that chance would have found.

    Attributes
    ----------
    probability : float or None
        That the true ratio exceeds `hurdle`; None where it cannot be said.
    reason : str
        Why it cannot, or ``""``.
    sharpe : float or None
        Ratio of one period.
    hurdle : float or None
        Expected maximum of the trials' ratios of one period if none had any skill.
    n_trials : float or None
        Trials counted.
    """

    probability: float | None
    reason: str
    sharpe: float | None
    hurdle: float | None
    n_trials: float | None


def expected_maximum_sharpe(n_trials: float, variance: float) -> float:
    r"""Return the highest Sharpe ratio to expect of trials without any skill.

    Parameters
    ----------
    n_trials : float
        Independent trials, at least 1; may be a fraction, see `effective_trials`.
    variance : float
        Variance of the Sharpe ratios across trials, per period.

    Returns
    -------
    float
        Per period, at least 0.

    Raises
    ------
    InputError
        If `n_trials` is below 1, or `variance` is negative or not finite.

    Notes
    -----
    .. math:: \sqrt{V} \Bigl( (1-\gamma)\,\Phi^{-1}\bigl(1 - \tfrac1N\bigr)
       + \gamma\,\Phi^{-1}\bigl(1 - \tfrac{1}{N e}\bigr) \Bigr)

    with Euler's :math:`\gamma`: an approximation for large N. It is taken as 0 where it would be
    below, as for a single trial, of which the expected maximum is the expected value. O(1).

    References
    ----------
    .. [1] Bailey, D. H. and Lopez de Prado, M. (2014). The deflated Sharpe ratio: correcting for
       selection bias, backtest overfitting, and non-normality. Journal of Portfolio Management
       40(5), 94-107. doi:10.3905/jpm.2014.40.5.094

    Examples
    --------
    >>> round(expected_maximum_sharpe(100, 0.5 / 250), 4)
    0.1132
    >>> expected_maximum_sharpe(1, 0.5 / 250)
    0.0
    """
    if not (n_trials >= 1.0 and math.isfinite(n_trials)):
        raise InputError(f"n_trials is at least 1 and finite, not {n_trials}")
    if not (variance >= 0.0 and math.isfinite(variance)):
        raise InputError(f"the variance across trials is finite and at least 0, not {variance}")
    if n_trials == 1.0:
        return 0.0
    above = NormalDist().inv_cdf
    weight = float(np.euler_gamma)
    maximum = (1.0 - weight) * above(1.0 - 1.0 / n_trials)
    maximum += weight * above(1.0 - 1.0 / (n_trials * math.e))
    return math.sqrt(variance) * max(maximum, 0.0)


def deflated_sharpe(
    x: ArrayLike,
    trials: TrialCount | None,
    *,
    rows: int | None = None,
    is_effective_count: bool = False,
) -> DeflatedSharpe:
    r"""Return the probability that a Sharpe ratio beats the best that chance would have found.

    Parameters
    ----------
    x : array of shape (n,)
        Excess returns of the trial that was chosen, of one period, fractions. NaN is left out.
    trials : TrialCount or None
        What was tried, the chosen one among it, with Sharpe ratios of the same period as `x`; from
        `alphalens.trials.TrialRegistry`. None or a count of 0: not recorded.
    rows : int, optional
        Rows that one return spans, as in `sharpe_test`.
    is_effective_count : bool
        Count independent trials, ``trials.n_effective``, rather than every one: a lower hurdle.

    Returns
    -------
    DeflatedSharpe
        Without a probability, and with the reason, where trials were not recorded, too few have a
        Sharpe ratio, or `sharpe_test` has none. A number of trials is never assumed.

    Raises
    ------
    InputError
        If `x` is not one series, or `rows` is below 1 or no whole number.

    Notes
    -----
    `probabilistic_sharpe` with `expected_maximum_sharpe` as the benchmark. O(n log n).

    References
    ----------
    .. [1] Bailey, D. H. and Lopez de Prado, M. (2014). The deflated Sharpe ratio: correcting for
       selection bias, backtest overfitting, and non-normality. Journal of Portfolio Management
       40(5), 94-107. doi:10.3905/jpm.2014.40.5.094

    Examples
    --------
    >>> deflated_sharpe([0.01, 0.03, -0.01, 0.02], None).reason
    'the trials were not recorded'
    """
    if np.ndim(x) != 1:
        raise InputError(f"give one series of shape (n,), not {np.shape(x)}")
    ratio = _known(float(sharpe_test(x, rows=rows).ratio))
    if trials is None or trials.n_trials == 0:
        study = f" in study {trials.study!r}" if trials else ""
        return _unknown(f"the trials were not recorded{study}", ratio, None)
    count = trials.n_effective if is_effective_count else float(trials.n_trials)
    reason = _why_not(trials, count)
    if reason or count is None:
        return _unknown(reason, ratio, count)
    hurdle = expected_maximum_sharpe(count, trials.sharpe_variance or 0.0)
    found = sharpe_test(x, hurdle, rows=rows)
    if found.reasons[0]:
        return _unknown(found.reasons[0], ratio, count)
    return DeflatedSharpe(
        probability=float(found.probability),
        reason="",
        sharpe=ratio,
        hurdle=hurdle,
        n_trials=count,
    )


def effective_trials(returns: ArrayLike) -> float:
    r"""Return how many independent trials would be as many as these.

    Parameters
    ----------
    returns : array of shape (n, k)
        Returns of k trials over the same n periods. A period in which any trial has NaN is left
        out of all.

    Returns
    -------
    float
        From 1 to k. NaN with fewer than two complete periods or no trial.

    Raises
    ------
    InputError
        If `returns` has another shape.

    Notes
    -----
    .. math:: \bar\rho + (1 - \bar\rho)\,k

    with the average correlation of two different trials, taken as 0 where it is negative; a trial
    without variation counts as uncorrelated. Trials that fall into a few dense clusters are fewer
    than this says, so the hurdle that it leads to is too high rather than too low. O(n k).

    References
    ----------
    .. [1] Bailey, D. H. and Lopez de Prado, M. (2014). The deflated Sharpe ratio: correcting for
       selection bias, backtest overfitting, and non-normality. Journal of Portfolio Management
       40(5), 94-107. doi:10.3905/jpm.2014.40.5.094

    Examples
    --------
    >>> same = np.array([0.01, -0.02, 0.03])
    >>> effective_trials(np.column_stack([same, same, 2 * same]))
    1.0
    """
    matrix = np.asarray(returns, dtype=np.float64)
    if matrix.ndim != 2:
        raise InputError(f"give returns of shape (n, k), not {matrix.shape}")
    complete = matrix[~np.isnan(matrix).any(axis=1)]
    trials = matrix.shape[1]
    if len(complete) < 2 or trials == 0:
        return math.nan
    if trials == 1:
        return 1.0
    moved = columns_of(complete).deviations
    length = np.sqrt(np.einsum("ij,ij->j", moved, moved))
    unit = np.divide(moved, length, out=np.zeros_like(moved), where=length > 0.0)
    together = unit.sum(axis=1)
    pairs = float(together @ together - np.einsum("ij,ij->", unit, unit))
    average = min(max(pairs / (trials * (trials - 1)), 0.0), 1.0)
    return float(average + (1.0 - average) * trials)


def _why_not(trials: TrialCount, count: float | None) -> str:
    """Return why there is no hurdle, or an empty text."""
    if count is None:
        return f"not every trial of study {trials.study!r} has returns over the same periods"
    if trials.n_trials > 1 and trials.sharpe_variance is None:
        return f"of {trials.n_trials} trials fewer than two have a Sharpe ratio"
    return ""


def _known(ratio: float) -> float | None:
    return None if math.isnan(ratio) else ratio


def _unknown(reason: str, ratio: float | None, count: float | None) -> DeflatedSharpe:
    return DeflatedSharpe(
        probability=None, reason=reason, sharpe=ratio, hurdle=None, n_trials=count
    )
