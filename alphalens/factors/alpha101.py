"""The price-volume members of the 101 formulaic alphas, as strings of the expression layer.

Of the 101 formulas of Kakushadze [1]_, 82 need prices and volume alone; they are here, named
``alpha_001`` to ``alpha_101`` by the numbers of the paper. Left out are 48, 58, 59, 63, 67, 69,
70, 76, 79, 80, 82, 87, 89, 90, 91, 93, 97 and 100, which neutralise by industry, and 56, which
needs market capitalisation.

How the paper is read, for all of them:

- Each formula has the operators and numbers of the paper, in its order. Where the paper is
  silent, impossible or surprising, `NOTES` says what stands here.
- A window that is not a whole number is floored, as the paper says.
- ``min(x, d)`` and ``max(x, d)`` with a number `d` are extremes over time; with two series they
  are taken element by element (``minimum``, ``maximum``).
- ``Ts_ArgMax`` and ``Ts_ArgMin`` ("which day") are rows ago: 0 is today.
- ``SignedPower(x, a)`` is defined as x^a; its bases, a deviation or a price in 1 and a rank in
  84, are never negative.
- ``adv20`` is the average daily dollar volume, ``ts_mean(vwap * volume, 20)``.
- A comparison is the number 1 or 0, and has no value where a side has none.
- A window with a gap, or not whole yet, has no value; nor has a correlation with a flat window.
- Members 42, 53 and 54 are meant to be traded at the close of their own day (footnote 11).

References
----------
.. [1] Kakushadze, Z. (2016). 101 formulaic alphas. Wilmott 2016(84), 72-81. arXiv:1601.00991.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

import pandas as pd

from alphalens.errors import InputError

__all__ = ["ALPHA101", "NOTES", "price_volume_panel"]


def price_volume_panel(
    *,
    open: pd.DataFrame,  # noqa: A002  # the names of the fields are the names of the arguments
    high: pd.DataFrame,
    low: pd.DataFrame,
    close: pd.DataFrame,
    volume: pd.DataFrame,
    vwap: pd.DataFrame | None = None,
) -> dict[str, pd.DataFrame]:
    r"""Gather prices and volume into the panel that the strings here are evaluated on.

    **Without `vwap`, the typical price (high + low + close) / 3 stands in for it.** That is a
    guess of where the day traded, not a volume-weighted price: factors that compare `vwap` with
    the close (41, 42, 57 and VWAP0 among them) then measure the place of the close in the day's
    range and nothing else. Give the real one where you have it.

    Parameters
    ----------
    open, high, low, close : DataFrame of shape (n_dates, n_assets)
        Adjusted prices, rows ascending in time, all with the same labels. NaN where unknown.
    volume : DataFrame of shape (n_dates, n_assets)
        Shares traded, adjusted for splits as the prices are.
    vwap : DataFrame of shape (n_dates, n_assets), optional
        Volume-weighted average price of the day.

    Returns
    -------
    dict of str to DataFrame
        The fields open, high, low, close, volume, vwap and returns as float64. `returns` are
        simple returns of the close as a fraction, NaN where this close or the one before is NaN.

    Raises
    ------
    InputError
        If a frame has other dates or assets than `close`.

    Notes
    -----
    .. math:: r_t = P_t / P_{t-1} - 1, \qquad
       \mathrm{vwap}_t = (H_t + L_t + P_t) / 3 \text{ where it is not given.}

    O(n_dates n_assets).

    Examples
    --------
    >>> frame = pd.DataFrame({"A": [2.0, 3.0]})
    >>> panel = price_volume_panel(
    ...     open=frame, high=frame * 2, low=frame, close=frame, volume=frame * 100
    ... )
    >>> panel["returns"]["A"].tolist(), panel["vwap"]["A"].round(3).tolist()
    ([nan, 0.5], [2.667, 4.0])
    """
    given = {"open": open, "high": high, "low": low, "close": close, "volume": volume}
    if vwap is not None:
        given["vwap"] = vwap
    for name, frame in given.items():
        _same_labels(name, frame, close)
    panel = {name: frame.astype(float) for name, frame in given.items()}
    panel.setdefault("vwap", (panel["high"] + panel["low"] + panel["close"]) / 3.0)
    panel["returns"] = panel["close"] / panel["close"].shift(1) - 1.0
    return panel


def _same_labels(name: str, frame: pd.DataFrame, close: pd.DataFrame) -> None:
    if not frame.index.equals(close.index):
        raise InputError(
            f"{name} has {len(frame.index)} dates that are not the {len(close.index)} of close: "
            "reindex it to the dates of close"
        )
    if not frame.columns.equals(close.columns):
        raise InputError(
            f"{name} has {len(frame.columns)} assets that are not the {len(close.columns)} of "
            "close, in the same order: reindex it to the columns of close"
        )


_PUBLISHED = {
    1: (
        "rank(ts_argmax(signed_power(where(returns < 0, ts_std(returns, 20), close), 2.0), 5)) "
        "- 0.5"
    ),
    2: "-1 * ts_corr(rank(delta(log(volume), 2)), rank((close - open) / open), 6)",
    3: "-1 * ts_corr(rank(open), rank(volume), 10)",
    4: "-1 * ts_rank(rank(low), 9)",
    5: "rank(open - ts_sum(vwap, 10) / 10) * (-1 * abs(rank(close - vwap)))",
    6: "-1 * ts_corr(open, volume, 10)",
    7: (
        "where(adv20 < volume, -1 * ts_rank(abs(delta(close, 7)), 60) * sign(delta(close, 7)), "
        "-1 * 1)"
    ),
    8: (
        "-1 * rank(ts_sum(open, 5) * ts_sum(returns, 5) "
        "- delay(ts_sum(open, 5) * ts_sum(returns, 5), 10))"
    ),
    9: (
        "where(0 < ts_min(delta(close, 1), 5), delta(close, 1), "
        "where(ts_max(delta(close, 1), 5) < 0, delta(close, 1), -1 * delta(close, 1)))"
    ),
    10: (
        "rank(where(0 < ts_min(delta(close, 1), 4), delta(close, 1), "
        "where(ts_max(delta(close, 1), 4) < 0, delta(close, 1), -1 * delta(close, 1))))"
    ),
    11: "(rank(ts_max(vwap - close, 3)) + rank(ts_min(vwap - close, 3))) * rank(delta(volume, 3))",
    12: "sign(delta(volume, 1)) * (-1 * delta(close, 1))",
    13: "-1 * rank(ts_cov(rank(close), rank(volume), 5))",
    14: "-1 * rank(delta(returns, 3)) * ts_corr(open, volume, 10)",
    15: "-1 * ts_sum(rank(ts_corr(rank(high), rank(volume), 3)), 3)",
    16: "-1 * rank(ts_cov(rank(high), rank(volume), 5))",
    17: (
        "-1 * rank(ts_rank(close, 10)) * rank(delta(delta(close, 1), 1)) "
        "* rank(ts_rank(volume / adv20, 5))"
    ),
    18: "-1 * rank(ts_std(abs(close - open), 5) + (close - open) + ts_corr(close, open, 10))",
    19: (
        "-1 * sign(close - delay(close, 7) + delta(close, 7)) "
        "* (1 + rank(1 + ts_sum(returns, 250)))"
    ),
    20: (
        "-1 * rank(open - delay(high, 1)) * rank(open - delay(close, 1)) "
        "* rank(open - delay(low, 1))"
    ),
    21: (
        "where(ts_sum(close, 8) / 8 + ts_std(close, 8) < ts_sum(close, 2) / 2, -1 * 1, "
        "where(ts_sum(close, 2) / 2 < ts_sum(close, 8) / 8 - ts_std(close, 8), 1, "
        "where((1 < volume / adv20) | (volume / adv20 == 1), 1, -1 * 1)))"
    ),
    22: "-1 * (delta(ts_corr(high, volume, 5), 5) * rank(ts_std(close, 20)))",
    23: "where(ts_sum(high, 20) / 20 < high, -1 * delta(high, 2), 0)",
    24: (
        "where((delta(ts_sum(close, 100) / 100, 100) / delay(close, 100) < 0.05) "
        "| (delta(ts_sum(close, 100) / 100, 100) / delay(close, 100) == 0.05), "
        "-1 * (close - ts_min(close, 100)), -1 * delta(close, 3))"
    ),
    25: "rank(-1 * returns * adv20 * vwap * (high - close))",
    26: "-1 * ts_max(ts_corr(ts_rank(volume, 5), ts_rank(high, 5), 5), 3)",
    27: "where(0.5 < rank(ts_sum(ts_corr(rank(volume), rank(vwap), 6), 2) / 2.0), -1 * 1, 1)",
    28: "scale(ts_corr(adv20, low, 5) + (high + low) / 2 - close)",
    29: (
        "ts_min(ts_product(rank(rank(scale(log(ts_sum(ts_min(rank(rank(-1 * rank(delta(close - 1, "
        "5)))), 2), 1))))), 1), 5) + ts_rank(delay(-1 * returns, 6), 5)"
    ),
    30: (
        "(1.0 - rank(sign(close - delay(close, 1)) + sign(delay(close, 1) - delay(close, 2)) "
        "+ sign(delay(close, 2) - delay(close, 3)))) * ts_sum(volume, 5) / ts_sum(volume, 20)"
    ),
    31: (
        "rank(rank(rank(decay_linear(-1 * rank(rank(delta(close, 10))), 10)))) "
        "+ rank(-1 * delta(close, 3)) + sign(scale(ts_corr(adv20, low, 12)))"
    ),
    32: "scale(ts_sum(close, 7) / 7 - close) + 20 * scale(ts_corr(vwap, delay(close, 5), 230))",
    33: "rank(-1 * (1 - open / close) ** 1)",
    34: "rank(1 - rank(ts_std(returns, 2) / ts_std(returns, 5)) + (1 - rank(delta(close, 1))))",
    35: "ts_rank(volume, 32) * (1 - ts_rank(close + high - low, 16)) * (1 - ts_rank(returns, 32))",
    36: (
        "2.21 * rank(ts_corr(close - open, delay(volume, 1), 15)) + 0.7 * rank(open - close) "
        "+ 0.73 * rank(ts_rank(delay(-1 * returns, 6), 5)) + rank(abs(ts_corr(vwap, adv20, 6))) "
        "+ 0.6 * rank((ts_sum(close, 200) / 200 - open) * (close - open))"
    ),
    37: "rank(ts_corr(delay(open - close, 1), close, 200)) + rank(open - close)",
    38: "-1 * rank(ts_rank(close, 10)) * rank(close / open)",
    39: (
        "-1 * rank(delta(close, 7) * (1 - rank(decay_linear(volume / adv20, 9)))) "
        "* (1 + rank(ts_sum(returns, 250)))"
    ),
    40: "-1 * rank(ts_std(high, 10)) * ts_corr(high, volume, 10)",
    41: "(high * low) ** 0.5 - vwap",
    42: "rank(vwap - close) / rank(vwap + close)",
    43: "ts_rank(volume / adv20, 20) * ts_rank(-1 * delta(close, 7), 8)",
    44: "-1 * ts_corr(high, rank(volume), 5)",
    45: (
        "-1 * (rank(ts_sum(delay(close, 5), 20) / 20) "
        "* (1 / sign(delta(close, 1) * delta(volume, 1))) "
        "* rank(1 / sign(delta(ts_sum(close, 5), 1) * delta(ts_sum(close, 20), 1))))"
    ),
    46: (
        "where(0.25 < (delay(close, 20) - delay(close, 10)) / 10 "
        "- (delay(close, 10) - close) / 10, -1 * 1, "
        "where((delay(close, 20) - delay(close, 10)) / 10 - (delay(close, 10) - close) / 10 < 0, "
        "1, -1 * 1 * (close - delay(close, 1))))"
    ),
    47: (
        "rank(1 / close) * volume / adv20 * (high * rank(high - close) / (ts_sum(high, 5) / 5)) "
        "- rank(vwap - delay(vwap, 5))"
    ),
    49: (
        "where((delay(close, 20) - delay(close, 10)) / 10 - (delay(close, 10) - close) / 10 "
        "< -1 * 0.1, 1, -1 * 1 * (close - delay(close, 1)))"
    ),
    50: "-1 * ts_max(rank(ts_corr(rank(volume), rank(vwap), 5)), 5)",
    51: (
        "where((delay(close, 20) - delay(close, 10)) / 10 - (delay(close, 10) - close) / 10 "
        "< -1 * 0.05, 1, -1 * 1 * (close - delay(close, 1)))"
    ),
    52: (
        "(-1 * ts_min(low, 5) + delay(ts_min(low, 5), 5)) "
        "* rank((ts_sum(returns, 240) - ts_sum(returns, 20)) / 220) * ts_rank(volume, 5)"
    ),
    53: "-1 * delta((close - low - (high - close)) / (close - low), 9)",
    54: "-1 * ((low - close) * open ** 5) / ((low - high) * close ** 5)",
    55: (
        "-1 * ts_corr(rank((close - ts_min(low, 12)) / (ts_max(high, 12) - ts_min(low, 12))), "
        "rank(volume), 6)"
    ),
    57: "0 - 1 * ((close - vwap) / decay_linear(rank(ts_argmax(close, 30)), 2))",
    60: (
        "0 - 1 * (2 * scale(rank((close - low - (high - close)) / (high - low) * volume)) "
        "- scale(rank(ts_argmax(close, 10))))"
    ),
    61: "rank(vwap - ts_min(vwap, 16)) < rank(ts_corr(vwap, adv180, 17))",
    62: (
        "(rank(ts_corr(vwap, ts_sum(adv20, 22), 9)) "
        "< rank(rank(open) + rank(open) < rank((high + low) / 2) + rank(high))) * -1"
    ),
    64: (
        "(rank(ts_corr(ts_sum(open * 0.178404 + low * (1 - 0.178404), 12), ts_sum(adv120, 12), "
        "16)) < rank(delta((high + low) / 2 * 0.178404 + vwap * (1 - 0.178404), 3))) * -1"
    ),
    65: (
        "(rank(ts_corr(open * 0.00817205 + vwap * (1 - 0.00817205), ts_sum(adv60, 8), 6)) "
        "< rank(open - ts_min(open, 13))) * -1"
    ),
    66: (
        "(rank(decay_linear(delta(vwap, 3), 7)) "
        "+ ts_rank(decay_linear((low * 0.96633 + low * (1 - 0.96633) - vwap) "
        "/ (open - (high + low) / 2), 11), 6)) * -1"
    ),
    68: (
        "(ts_rank(ts_corr(rank(high), rank(adv15), 8), 13) "
        "< rank(delta(close * 0.518371 + low * (1 - 0.518371), 1))) * -1"
    ),
    71: (
        "maximum(ts_rank(decay_linear(ts_corr(ts_rank(close, 3), ts_rank(adv180, 12), 18), 4), "
        "15), ts_rank(decay_linear(rank(low + open - (vwap + vwap)) ** 2, 16), 4))"
    ),
    72: (
        "rank(decay_linear(ts_corr((high + low) / 2, adv40, 8), 10)) "
        "/ rank(decay_linear(ts_corr(ts_rank(vwap, 3), ts_rank(volume, 18), 6), 2))"
    ),
    73: (
        "maximum(rank(decay_linear(delta(vwap, 4), 2)), "
        "ts_rank(decay_linear(delta(open * 0.147155 + low * (1 - 0.147155), 2) "
        "/ (open * 0.147155 + low * (1 - 0.147155)) * -1, 3), 16)) * -1"
    ),
    74: (
        "(rank(ts_corr(close, ts_sum(adv30, 37), 15)) "
        "< rank(ts_corr(rank(high * 0.0261661 + vwap * (1 - 0.0261661)), rank(volume), 11))) * -1"
    ),
    75: "rank(ts_corr(vwap, volume, 4)) < rank(ts_corr(rank(low), rank(adv50), 12))",
    77: (
        "minimum(rank(decay_linear((high + low) / 2 + high - (vwap + high), 20)), "
        "rank(decay_linear(ts_corr((high + low) / 2, adv40, 3), 5)))"
    ),
    78: (
        "rank(ts_corr(ts_sum(low * 0.352233 + vwap * (1 - 0.352233), 19), ts_sum(adv40, 19), 6)) "
        "** rank(ts_corr(rank(vwap), rank(volume), 5))"
    ),
    81: (
        "(rank(log(ts_product(rank(rank(ts_corr(vwap, ts_sum(adv10, 49), 8)) ** 4), 14))) "
        "< rank(ts_corr(rank(vwap), rank(volume), 5))) * -1"
    ),
    83: (
        "rank(delay((high - low) / (ts_sum(close, 5) / 5), 2)) * rank(rank(volume)) "
        "/ ((high - low) / (ts_sum(close, 5) / 5) / (vwap - close))"
    ),
    84: "signed_power(ts_rank(vwap - ts_max(vwap, 15), 20), delta(close, 4))",
    85: (
        "rank(ts_corr(high * 0.876703 + close * (1 - 0.876703), adv30, 9)) "
        "** rank(ts_corr(ts_rank((high + low) / 2, 3), ts_rank(volume, 10), 7))"
    ),
    86: (
        "(ts_rank(ts_corr(close, ts_sum(adv20, 14), 6), 20) < rank(open + close - (vwap + open))) "
        "* -1"
    ),
    88: (
        "minimum(rank(decay_linear(rank(open) + rank(low) - (rank(high) + rank(close)), 8)), "
        "ts_rank(decay_linear(ts_corr(ts_rank(close, 8), ts_rank(adv60, 20), 8), 6), 2))"
    ),
    92: (
        "minimum(ts_rank(decay_linear((high + low) / 2 + close < low + open, 14), 18), "
        "ts_rank(decay_linear(ts_corr(rank(low), rank(adv30), 7), 6), 6))"
    ),
    94: (
        "rank(vwap - ts_min(vwap, 11)) ** ts_rank(ts_corr(ts_rank(vwap, 19), ts_rank(adv60, 4), "
        "18), 2) * -1"
    ),
    95: (
        "rank(open - ts_min(open, 12)) < ts_rank(rank(ts_corr(ts_sum((high + low) / 2, 19), "
        "ts_sum(adv40, 19), 12)) ** 5, 11)"
    ),
    96: (
        "maximum(ts_rank(decay_linear(ts_corr(rank(vwap), rank(volume), 3), 4), 8), "
        "ts_rank(decay_linear(ts_argmax(where((ts_max(ts_rank(close, 7), 3) "
        "== ts_min(ts_rank(close, 7), 3)) "
        "| (ts_max(ts_rank(adv60, 4), 3) == ts_min(ts_rank(adv60, 4), 3)), 0, "
        "ts_corr(ts_rank(close, 7), ts_rank(adv60, 4), 3)), 12), 14), 13)) * -1"
    ),
    98: (
        "rank(decay_linear(ts_corr(vwap, ts_sum(adv5, 26), 4), 7)) "
        "- rank(decay_linear(ts_rank(ts_argmin(ts_corr(rank(open), rank(adv15), 20), 8), 6), 8))"
    ),
    99: (
        "(rank(ts_corr(ts_sum((high + low) / 2, 19), ts_sum(adv60, 19), 8)) "
        "< rank(ts_corr(low, volume, 6))) * -1"
    ),
    101: "(close - open) / (high - low + 0.001)",
}

_UNITS = (
    "As printed: shares of today beside average dollars (adv is dollar volume), so the ratio is "
    "a turnover divided by a price."
)
_TIES = (
    "Correlations (covariances) of ranks over few rows often tie in exact arithmetic; which of "
    "two that tie is above the other hangs on the last bit of the sums."
)
_AGO = "Ts_ArgMax and Ts_ArgMin count rows ago, 0 being today; the paper says 'which day'."
_ELEMENTS = "min or max of two series: taken element by element."
_FLAG = "A comparison is the value of the factor: 1 (or -1 after * -1) where it holds, else 0."
_EXPONENT = "A power whose exponent is a series too."

_READINGS: dict[int, tuple[str, ...]] = {
    1: (_AGO,),
    7: (_UNITS, "Above a price of 1 the condition is rare and the factor nearly always -1."),
    13: (_TIES,),
    15: (_TIES,),
    16: (_TIES,),
    17: (_UNITS,),
    21: (_UNITS, "'||' is |: true where either side is; the two cases of it are volume >= adv20."),
    24: ("'||' is |: true where either side is.",),
    26: (_TIES,),
    29: (
        "min(..., 5) with a number is ts_min over 5 rows.",
        "sum(..., 1) and product(..., 1) are windows of one row, kept as printed.",
    ),
    33: ("The power of 1 is kept as printed.",),
    39: (_UNITS,),
    43: (_UNITS,),
    45: (
        "A correlation over two rows is +1 or -1, by whether both series moved the same way, and "
        "nothing where one did not move. Computed from sums it is that only up to rounding, and "
        "its rank would order the rounding: here it is 1 / sign(change * change), which is exact.",
    ),
    47: (_UNITS,),
    57: (_AGO, "A maximum today everywhere would still rank above 0, so nothing divides by zero."),
    60: (_AGO,),
    61: (_FLAG,),
    62: (_FLAG, "The inner comparison of ranks is ranked as a number: two values, average ties."),
    64: (_FLAG,),
    65: (_FLAG,),
    66: ("low * w + low * (1 - w) is low; kept as printed.",),
    68: (_FLAG,),
    71: (_ELEMENTS,),
    73: (_ELEMENTS,),
    74: (_FLAG,),
    75: (_FLAG,),
    77: (_ELEMENTS,),
    78: (_EXPONENT,),
    81: (_FLAG,),
    84: (_EXPONENT,),
    85: (_EXPONENT,),
    86: (_FLAG,),
    88: (_ELEMENTS, _TIES),
    92: (_ELEMENTS, _TIES, "The comparison inside is decayed as the number 1 or 0."),
    94: (_EXPONENT,),
    95: (_FLAG,),
    96: (
        _ELEMENTS,
        _AGO,
        _TIES,
        "Three rows of a rank over four are often flat, where a correlation is not defined; the "
        "windows around it then never fill. Here such a correlation counts as 0.",
    ),
    98: (_AGO, _TIES),
    99: (_FLAG,),
}


def _spelt(text: str) -> str:
    """Write out the average dollar volumes of the paper."""
    return re.sub(r"\badv(\d+)\b", r"ts_mean(vwap * volume, \1)", text)


def _name(number: int) -> str:
    return f"alpha_{number:03d}"


#: Expression of each member by name, ``alpha_001`` to ``alpha_101``, 82 of them.
ALPHA101: Mapping[str, str] = MappingProxyType(
    {_name(number): _spelt(text) for number, text in _PUBLISHED.items()}
)

#: What was chosen where the printed formula leaves a choice, by the same names.
NOTES: Mapping[str, str] = MappingProxyType(
    {_name(number): " ".join(readings) for number, readings in _READINGS.items()}
)
