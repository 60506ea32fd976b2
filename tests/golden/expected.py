"""Where 0.5.1 is not the reference: what the stored result has to become, and why.

Each function takes the stored result and the `Case` it belongs to. `REASONS` gives the reason
beside the calls it applies to; everything that is not named here must equal 0.5.1.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

SKIPPING = "Skipping return periods that aren't exact multiples of days."
NO_FREQ = "'freq' not set, using business day calendar"
PANDAS = int(pd.__version__.split(".")[0])
ALPHA_DAYS = 252
DEAD_CELLS = {"by_hand", "constant_dates", "moving_groups", "one_asset", "sparse_events"}


@dataclass(frozen=True)
class Case:
    """One stored result, with access to its neighbours."""

    shape: str
    call: str
    fd: pd.DataFrame
    stored: Callable[[str], Any]
    own_freq: Any = None

    @property
    def periods(self) -> list[str]:
        """Return the forward-return columns that are period names."""
        return [name for name in self.fd.columns if re.fullmatch(r"(\d+[a-zA-Z]+)+", name)]


Change = Callable[[Any, Case], Any]


def full_spread(result: Any, case: Case) -> Any:
    """Give the top minus the bottom, not half of it."""
    return tuple(None if part is None else _without_freq(part * 2) for part in result)


def _without_freq(result: Any) -> Any:
    """Drop the freq that 0.5.1 leaves on the spread of a single asset only."""
    return result.set_axis(pd.DatetimeIndex(result.index, freq=None), axis=0)


def on_calendar(result: pd.Series, case: Case) -> pd.Series:
    """Give the grid its freq, which 0.5.1 loses where a quantile is empty on a date."""
    calendar = case.fd.index.levels[0].freq
    if calendar is None or result.empty:
        return result
    return result.set_axis(pd.DatetimeIndex(result.index, freq=calendar), axis=0)


def full_spread_in_table(result: pd.DataFrame, case: Case) -> pd.DataFrame:
    """Give the spread row its original label and size."""
    halved, full = "Mean Period Wise Spread (bps, 100% gross)", "Mean Period Wise Spread (bps)"
    out = result.copy()
    out.loc[halved] *= 2
    return out.rename(index={halved: full})


def table_without_dead_dates(result: pd.DataFrame, case: Case) -> pd.DataFrame:
    """Take alpha and beta over the dates that have weights."""
    out = full_spread_in_table(result, case)
    fitted = alpha_beta(out.iloc[:2], Case(case.shape, "alpha_beta", case.fd, case.stored))
    out.iloc[:2] = fitted.to_numpy()
    return out


def dead_weights(result: pd.Series, case: Case) -> pd.Series:
    """Give NaN to every member of a cell whose gross exposure is zero."""
    keys = [result.index.get_level_values("date")]
    if "group_adjust" in case.call:
        keys.append(case.fd["group"].to_numpy())
    alive = result.abs().groupby(keys, observed=True).transform("max") > 0
    return result.where(alive)


def dead_returns(result: pd.DataFrame, case: Case) -> pd.DataFrame:
    """Give NaN to the return of a date, or of an asset on it, without weight."""
    scheme = case.call.split("returns_", 1)[1]
    weights_call = Case(case.shape, f"weights_{scheme}", case.fd, case.stored)
    weights = dead_weights(case.stored(weights_call.call), weights_call)
    if case.call.startswith("asset_"):
        dead = weights.isna().to_numpy()
        return result.mask(np.repeat(dead[:, None], result.shape[1], axis=1))
    alive = weights.groupby(level="date").count() > 0
    dead = result.index.isin(alive.index[~alive])
    return result.mask(np.repeat(dead[:, None], result.shape[1], axis=1))


def alpha_beta(result: pd.DataFrame, case: Case) -> pd.DataFrame:
    """Fit alpha and beta without the dates whose weights are NaN."""
    scheme = {
        "alpha_beta": "demeaned",
        "alpha_beta_equal": "demeaned_equal_weight",
        "alpha_beta_group_adjust": "demeaned_group_adjust",
    }.get(case.call, "plain")
    name = f"returns_{scheme}"
    returns = dead_returns(case.stored(name), Case(case.shape, name, case.fd, case.stored))
    universe = case.fd[case.periods].groupby(level="date").mean()
    if not returns[list(result.columns)].isna().to_numpy().any():
        return result
    out = result.copy()
    for period in out.columns:
        out[period] = _fit(universe[period], returns[period].reindex(universe.index), period)
    return out


def _fit(x: pd.Series, y: pd.Series, period: str) -> list[float]:
    """Return annualised alpha and beta of a least-squares line, NaN if there is none."""
    both = pd.concat([x, y], axis=1).dropna().to_numpy()
    if len(both) < 2 or np.ptp(both[:, 0]) == 0:
        return [np.nan, np.nan]
    design = np.column_stack([np.ones(len(both)), both[:, 0]])
    (alpha, beta), *_ = np.linalg.lstsq(design, both[:, 1], rcond=None)
    return [(1 + alpha) ** (pd.Timedelta(f"{ALPHA_DAYS}D") / pd.Timedelta(period)) - 1, beta]


def sorted_windows(result: pd.DataFrame, case: Case) -> pd.DataFrame:
    """Order the rows of event windows from before to after."""
    return result.sort_index()


def sorted_averages(result: pd.DataFrame, case: Case) -> pd.DataFrame:
    """Order the columns of averaged windows from before to after, integers as documented."""
    return result.set_axis(result.columns.astype("int64"), axis=1).sort_index(axis=1)


def by_asset(result: pd.DataFrame) -> pd.DataFrame:
    """Order columns by label, dates kept: 0.5.1 orders the assets of a date by a set."""
    return result.iloc[:, np.argsort(result.columns.astype(str), kind="stable")]


def typed_labels(result: Any, case: Case) -> Any:
    """Give int64 labels, float64 if a row got none: 0.5.1 on pandas 3 may return objects."""
    labels = result["factor_quantile"] if isinstance(result, pd.DataFrame) else result
    if labels.dtype != object:
        return result
    complete = len(labels) == len(case.fd) and case.call != "clean"
    labels = labels.astype("int64" if complete else "float64")
    if isinstance(result, pd.DataFrame):
        return result.assign(factor_quantile=labels)
    return labels


def own_edges(result: pd.DataFrame, case: Case) -> pd.DataFrame:
    """Cut as the installed pandas does: before pandas 3 an edge may be rounded past its asset."""
    if PANDAS >= 3 or case.shape not in ("by_hand", "holes", "outliers"):
        return result
    n = int(result["factor_quantile"].max())
    labels = result.groupby(level="date")["factor"].transform(pd.qcut, n, labels=False) + 1
    return result.assign(factor_quantile=labels.astype("int64"))


def freq_of_factor(result: pd.DataFrame, case: Case) -> pd.DataFrame:
    """Leave dates that fit no calendar the freq they had in the factor; 0.5.1 drops it."""
    result = own_edges(typed_labels(result, case), case) if case.call == "clean" else result
    dates = result.index.levels[0]
    if dates.freq is not None or case.own_freq is None:
        return result
    kept = pd.DatetimeIndex(dates, freq=case.own_freq)
    return result.set_axis(result.index.set_levels(kept, level=0), axis=0)


def rows_of_input(result: pd.Series, case: Case) -> pd.Series:
    """Order labels as the rows that came in, also for buckets on each side of zero."""
    return typed_labels(result[case.fd.index[case.fd.index.isin(result.index)]], case)


REASONS: dict[str, tuple[Change, str]] = {
    r"spread.*": (full_spread, "the original does not halve the spread"),
    r"turnover_(top|bottom).*": (on_calendar, "the freq of a grid is that of the calendar"),
    r"table_returns": (table_without_dead_dates, "the original's spread and NaN weights"),
    r"weights_.*": (dead_weights, "zero gross exposure gives NaN, not 0"),
    r"(asset_)?returns_.*": (dead_returns, "no weight, no return"),
    r"alpha_beta.*": (alpha_beta, "dates without weight leave the regression"),
    r"windows.*": (sorted_windows, "relative rows ascend"),
    r"average_windows.*": (sorted_averages, "relative columns ascend"),
    r"zero_aware(_bins)?": (rows_of_input, "rows in input order"),
    r"clean|forward.*": (freq_of_factor, "the level keeps the freq it had"),
    r"quantiles_.*|bins_.*": (typed_labels, "labels are numbers"),
}


def expected(result: Any, case: Case) -> Any:
    """Return what ours has to give, from what 0.5.1 gave."""
    for pattern, (change, _) in REASONS.items():
        if re.fullmatch(pattern, case.call):
            return change(result, case)
    return result


def depends_on_convention(shape: str, call: str) -> bool:
    """Return whether the original and 0.5.1 may disagree about the numbers of a call."""
    if re.fullmatch(r"spread.*|table_returns", call):
        return True
    return shape in DEAD_CELLS and bool(re.match(r"weights_|returns_|asset_returns_|alpha_", call))


def without_accidents(result: Any, case: Case) -> Any:
    """Return the numbers of 0.5.1 as they are, less the freq it leaves by accident."""
    if not case.call.startswith("spread"):
        return result
    return tuple(None if part is None else _without_freq(part) for part in result)


def expected_warnings(stored: list[list[str]], case: Case) -> list[str]:
    """Return the warnings ours has to give: none about skipping what is no period."""
    texts = [topic(text) for category, text in stored if category == "UserWarning"]
    whole = all(re.fullmatch(r"\d+[dD]", name) for name in case.periods)
    spurious = whole and case.call not in ("name_filter_days", "turnover_spans")
    return sorted(text for text in texts if not (spurious and text == topic(SKIPPING)))


def topic(text: str) -> str:
    """Return the documented words of a warning; the others are free in theirs."""
    return text[:40] if text.startswith((SKIPPING[:40], NO_FREQ[:40])) else "another warning"
