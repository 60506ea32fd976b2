"""The 158 price-volume features known as Alpha158, as strings of the expression layer.

The set was published with Qlib [1]_: nine shapes of the day's bar, four prices over the close,
and 29 statistics of a rolling window, each over 5, 10, 20, 30 and 60 rows. Names and formulas are
those of the set; fields are open, high, low, close, vwap and volume. Ratios to the price of today
make them comparable between assets; none is signed so that higher means better.

Where the values differ from the published set:

- **Start-up and gaps.** There a window takes the rows that it finds, one being enough. Here a
  window with a gap, or not whole yet, has no value: a 60-row feature begins on row 60 (61 where
  it needs the change to the day before).
- **Comparisons** (CNTP, CNTN, CNTD): there a missing price counts as "not higher"; here the
  window has no value.
- **Ties** (IMAX, IMIN, IMXD): of equal extremes the latest counts; there the first.
- RANK is the average rank over the number of rows, in (0, 1].

As there, 1e-12 is added to denominators that can be nought (the range of the bar or of the
window, sums of changes, volume): a flat window gives 0 where it would give none. A volume of
zero today makes VMA and VSTD huge (1e12 times), as in the published set: drop such rows first.

References
----------
.. [1] Yang, X., Liu, W., Zhou, D., Bian, J. and Liu, T.-Y. (2020). Qlib: an AI-oriented
   quantitative investment platform. arXiv:2009.11189.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

__all__ = ["ALPHA158", "WINDOWS"]

#: Rows of the rolling windows.
WINDOWS = (5, 10, 20, 30, 60)

_BAR = {
    "KMID": "(close - open) / open",
    "KLEN": "(high - low) / open",
    "KMID2": "(close - open) / (high - low + 1e-12)",
    "KUP": "(high - maximum(open, close)) / open",
    "KUP2": "(high - maximum(open, close)) / (high - low + 1e-12)",
    "KLOW": "(minimum(open, close) - low) / open",
    "KLOW2": "(minimum(open, close) - low) / (high - low + 1e-12)",
    "KSFT": "(2 * close - high - low) / open",
    "KSFT2": "(2 * close - high - low) / (high - low + 1e-12)",
}

_PRICE = {f"{field.upper()}0": f"{field} / close" for field in ("open", "high", "low", "vwap")}

#: Family to template; ``@`` is the window. IdxMax of the set counts rows from the window's first
#: as 1, so it is the window less the rows ago.
_ROLLING = {
    "ROC": "delay(close, @) / close",
    "MA": "ts_mean(close, @) / close",
    "STD": "ts_std(close, @) / close",
    "BETA": "ts_slope(close, @) / close",
    "RSQR": "ts_rsquare(close, @)",
    "RESI": "ts_residual(close, @) / close",
    "MAX": "ts_max(high, @) / close",
    "MIN": "ts_min(low, @) / close",
    "QTLU": "ts_quantile(close, @, 0.8) / close",
    "QTLD": "ts_quantile(close, @, 0.2) / close",
    "RANK": "ts_rank(close, @)",
    "RSV": "(close - ts_min(low, @)) / (ts_max(high, @) - ts_min(low, @) + 1e-12)",
    "IMAX": "(@ - ts_argmax(high, @)) / @",
    "IMIN": "(@ - ts_argmin(low, @)) / @",
    "IMXD": "(ts_argmin(low, @) - ts_argmax(high, @)) / @",
    "CORR": "ts_corr(close, log(volume + 1), @)",
    "CORD": "ts_corr(close / delay(close, 1), log(volume / delay(volume, 1) + 1), @)",
    "CNTP": "ts_mean(close > delay(close, 1), @)",
    "CNTN": "ts_mean(close < delay(close, 1), @)",
    "CNTD": "ts_mean(close > delay(close, 1), @) - ts_mean(close < delay(close, 1), @)",
    "SUMP": "ts_sum(maximum(delta(close, 1), 0), @) / (ts_sum(abs(delta(close, 1)), @) + 1e-12)",
    "SUMN": "ts_sum(maximum(-delta(close, 1), 0), @) / (ts_sum(abs(delta(close, 1)), @) + 1e-12)",
    "SUMD": (
        "(ts_sum(maximum(delta(close, 1), 0), @) - ts_sum(maximum(-delta(close, 1), 0), @)) "
        "/ (ts_sum(abs(delta(close, 1)), @) + 1e-12)"
    ),
    "VMA": "ts_mean(volume, @) / (volume + 1e-12)",
    "VSTD": "ts_std(volume, @) / (volume + 1e-12)",
    "WVMA": (
        "ts_std(abs(close / delay(close, 1) - 1) * volume, @) "
        "/ (ts_mean(abs(close / delay(close, 1) - 1) * volume, @) + 1e-12)"
    ),
    "VSUMP": (
        "ts_sum(maximum(delta(volume, 1), 0), @) / (ts_sum(abs(delta(volume, 1)), @) + 1e-12)"
    ),
    "VSUMN": (
        "ts_sum(maximum(-delta(volume, 1), 0), @) / (ts_sum(abs(delta(volume, 1)), @) + 1e-12)"
    ),
    "VSUMD": (
        "(ts_sum(maximum(delta(volume, 1), 0), @) - ts_sum(maximum(-delta(volume, 1), 0), @)) "
        "/ (ts_sum(abs(delta(volume, 1)), @) + 1e-12)"
    ),
}


def _rolling() -> Iterator[tuple[str, str]]:
    for family, template in _ROLLING.items():
        for window in WINDOWS:
            yield f"{family}{window}", template.replace("@", str(window))


#: Expression of each of the 158 features by name, in the order of the published set.
ALPHA158: Mapping[str, str] = MappingProxyType({**_BAR, **_PRICE, **dict(_rolling())})
