"""Known factors of prices, each a pure function of a wide panel, and their names.

Every function takes closes of shape (n_dates, n_assets), rows ascending in time, and returns
factor values of the same shape and labels, higher meaning better. The value of a row depends
on that row and earlier ones only, and is the same number whatever rows come before the window
or after the row: a factor computed on a cut panel equals the cut of the factor. Nothing is
filled: NaN where a price that is needed is NaN or lies before the panel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
import pandas as pd

from alphalens.errors import InputError

__all__ = [
    "ROWS_PER_MONTH",
    "Factor",
    "low_volatility",
    "momentum",
    "named_factor",
    "nearness_to_high",
    "reversal",
]

#: Trading days in a month; names of factors count in months.
ROWS_PER_MONTH = 21


def momentum(closes: pd.DataFrame, lookback: int = 252, skip: int = 21) -> pd.DataFrame:
    r"""Return the past return of each asset, the most recent rows left out.

    Parameters
    ----------
    closes : DataFrame of shape (n_dates, n_assets)
        Adjusted prices. NaN gives NaN.
    lookback : int
        Rows back at which the return starts.
    skip : int
        Rows back at which it ends; smaller than `lookback`.

    Returns
    -------
    DataFrame of shape (n_dates, n_assets)
        Simple return as a fraction.

    Raises
    ------
    InputError
        If not ``0 <= skip < lookback``.

    Notes
    -----
    .. math:: m_t = P_{t-\mathrm{skip}} / P_{t-\mathrm{lookback}} - 1 .

    O(n_dates n_assets).

    References
    ----------
    .. [1] Jegadeesh, N. and Titman, S. (1993). Returns to buying winners and selling losers:
       implications for stock market efficiency. Journal of Finance 48(1), 65-91.
       doi:10.1111/j.1540-6261.1993.tb04702.x

    Examples
    --------
    >>> closes = pd.DataFrame({"A": [1.0, 1.0, 1.5, 3.0]})
    >>> momentum(closes, lookback=2, skip=1)["A"].tolist()
    [nan, nan, 0.0, 0.5]
    """
    if not 0 <= skip < lookback:
        raise InputError(f"momentum needs 0 <= skip < lookback, got {skip=} and {lookback=}")
    return closes.shift(skip) / closes.shift(lookback) - 1.0


def reversal(closes: pd.DataFrame, lookback: int = 21) -> pd.DataFrame:
    r"""Return the negative of the most recent return: past losers score high.

    Parameters
    ----------
    closes : DataFrame of shape (n_dates, n_assets)
        Adjusted prices. NaN gives NaN.
    lookback : int
        Rows over which the return is measured.

    Returns
    -------
    DataFrame of shape (n_dates, n_assets)
        Negative simple return as a fraction.

    Raises
    ------
    InputError
        If `lookback` is below 1.

    Notes
    -----
    .. math:: r_t = 1 - P_t / P_{t-\mathrm{lookback}} .

    O(n_dates n_assets).

    References
    ----------
    .. [1] Jegadeesh, N. (1990). Evidence of predictable behavior of security returns.
       Journal of Finance 45(3), 881-898. doi:10.1111/j.1540-6261.1990.tb05110.x

    Examples
    --------
    >>> reversal(pd.DataFrame({"A": [1.0, 1.5]}), lookback=1)["A"].tolist()
    [nan, -0.5]
    """
    _at_least("reversal", lookback, 1)
    return 1.0 - closes / closes.shift(lookback)


def low_volatility(closes: pd.DataFrame, lookback: int = 63) -> pd.DataFrame:
    r"""Return the negative standard deviation of recent returns: calm assets score high.

    Parameters
    ----------
    closes : DataFrame of shape (n_dates, n_assets)
        Adjusted prices. NaN anywhere in the window gives NaN.
    lookback : int
        Number of one-row returns in the window, at least 2.

    Returns
    -------
    DataFrame of shape (n_dates, n_assets)
        Negative sample standard deviation of simple returns per row, as a fraction.

    Raises
    ------
    InputError
        If `lookback` is below 2.

    Notes
    -----
    .. math:: v_t = -\Bigl(\tfrac{1}{n-1}\sum_{i<n} (x_{t-i}-\bar x_t)^2\Bigr)^{1/2},
       \quad x_t = P_t/P_{t-1}-1 .

    Two passes over the window, so nothing drifts: O(n_dates n_assets lookback) time.

    References
    ----------
    .. [1] Ang, A., Hodrick, R. J., Xing, Y. and Zhang, X. (2006). The cross-section of
       volatility and expected returns. Journal of Finance 61(1), 259-299.
       doi:10.1111/j.1540-6261.2006.00836.x

    Examples
    --------
    >>> low_volatility(pd.DataFrame({"A": [1.0, 1.5, 1.5]}), lookback=2)["A"].round(6).tolist()
    [nan, nan, -0.353553]
    """
    _at_least("low_volatility", lookback, 2)
    returns = (closes / closes.shift(1) - 1.0).to_numpy(dtype=float)
    mean = _window_sum(returns, lookback) / lookback
    squares = np.zeros_like(returns)
    for back in range(lookback):
        squares += (_shifted(returns, back) - mean) ** 2
    values = -np.sqrt(squares / (lookback - 1))
    return pd.DataFrame(values, index=closes.index, columns=closes.columns)


def nearness_to_high(closes: pd.DataFrame, lookback: int = 252) -> pd.DataFrame:
    r"""Return the price as a share of its highest close in the window.

    Parameters
    ----------
    closes : DataFrame of shape (n_dates, n_assets)
        Adjusted prices. NaN anywhere in the window gives NaN.
    lookback : int
        Rows in the window, today's among them; at least 2.

    Returns
    -------
    DataFrame of shape (n_dates, n_assets)
        Fraction in (0, 1]; 1 at a new high.

    Raises
    ------
    InputError
        If `lookback` is below 2.

    Notes
    -----
    .. math:: h_t = P_t / \max_{i<\mathrm{lookback}} P_{t-i} .

    O(n_dates n_assets).

    References
    ----------
    .. [1] George, T. J. and Hwang, C.-Y. (2004). The 52-week high and momentum investing.
       Journal of Finance 59(5), 2145-2176. doi:10.1111/j.1540-6261.2004.00695.x

    Examples
    --------
    >>> nearness_to_high(pd.DataFrame({"A": [4.0, 3.0, 5.0]}), lookback=2)["A"].tolist()
    [nan, 0.75, 1.0]
    """
    _at_least("nearness_to_high", lookback, 2)
    return closes / closes.rolling(lookback, min_periods=lookback).max()


@dataclass(frozen=True, slots=True)
class Factor:
    """A factor with its parameters filled in.

    Attributes
    ----------
    name : str
        Canonical name, such as ``momentum_12_1``.
    rows : int
        Rows of prices that the latest value depends on.
    compute : callable
        From closes of shape (n_dates, n_assets) to values of the same shape.
    """

    name: str
    rows: int
    compute: Callable[[pd.DataFrame], pd.DataFrame]

    def __call__(self, closes: pd.DataFrame) -> pd.DataFrame:
        """Return the factor of `closes`, of the same shape; NaN until `rows` rows are there."""
        return self.compute(closes)


def named_factor(name: str) -> Factor:
    """Return the factor that a name stands for; its numbers are months of 21 rows.

    ``momentum_12_1`` is the return from twelve months ago to one month ago, ``reversal_1`` the
    negative return of the last month, ``low_volatility_3`` the negative volatility of three
    months, ``nearness_to_high_12`` the price over its highest of twelve months.

    Parameters
    ----------
    name : str
        Stem and numbers joined by underscores.

    Returns
    -------
    Factor
        Ready to be called on a panel of closes.

    Raises
    ------
    InputError
        If there is no such factor, or its numbers make no sense.

    Examples
    --------
    >>> named_factor("momentum_12_1").rows
    253
    """
    stem, numbers = _split(name)
    spelt = _SPELLINGS.get(stem)
    if spelt is None:
        raise InputError(_unknown(name, stem))
    if len(numbers) != spelt.count("<"):
        raise InputError(f"the factor {name!r} should be spelt {spelt}, numbers being months")
    rows = [ROWS_PER_MONTH * number for number in numbers]
    if stem == "momentum":
        lookback, skip = rows
        if skip >= lookback:
            raise InputError(f"the factor {name!r} skips all of its {numbers[0]} months")
        return Factor(name, lookback + 1, lambda closes: momentum(closes, lookback, skip))
    _at_least(stem, rows[0], 2)
    if stem == "reversal":
        return Factor(name, rows[0] + 1, lambda closes: reversal(closes, rows[0]))
    if stem == "low_volatility":
        return Factor(name, rows[0] + 1, lambda closes: low_volatility(closes, rows[0]))
    return Factor(name, rows[0], lambda closes: nearness_to_high(closes, rows[0]))


_SPELLINGS = {
    "momentum": "momentum_<months>_<months skipped>",
    "reversal": "reversal_<months>",
    "low_volatility": "low_volatility_<months>",
    "nearness_to_high": "nearness_to_high_<months>",
}
_EXAMPLES = ("momentum_12_1", "reversal_1", "low_volatility_3", "nearness_to_high_12")


def _split(name: str) -> tuple[str, list[int]]:
    words = name.strip().lower().split("_")
    numbers: list[int] = []
    while words and words[-1].isdecimal():
        numbers.insert(0, int(words.pop()))
    return "_".join(words), numbers


def _unknown(name: str, stem: str) -> str:
    close = get_close_matches(stem, _SPELLINGS, n=1)
    guess = f" did you mean {_SPELLINGS[close[0]]}?" if close else ""
    known = ", ".join(_EXAMPLES)
    return f"there is no factor {name!r};{guess} Known, with numbers in months: {known}"


def _at_least(name: str, rows: int, least: int) -> None:
    if rows < least:
        raise InputError(f"{name} needs a window of at least {least} rows, got {rows}")


def _shifted(values: np.ndarray, back: int) -> np.ndarray:
    """Return the rows `back` earlier, NaN before the first."""
    out = np.full_like(values, np.nan)
    if back < len(values):
        out[back:] = values[: len(values) - back]
    return out


def _window_sum(values: np.ndarray, rows: int) -> np.ndarray:
    """Add the rows of each window one by one, in the same order wherever the panel begins."""
    total = np.zeros_like(values)
    for back in range(rows):
        total += _shifted(values, back)
    return total
