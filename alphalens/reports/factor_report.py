"""A factor, or the scores that were really traded, judged by the factor library."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from functools import cached_property
from typing import cast

import pandas as pd

from alphalens import performance, tears, utils
from alphalens._version import __version__
from alphalens.data import PriceHistory, session_closes
from alphalens.errors import InputError
from alphalens.factors import named_factor
from alphalens.tears import TearSheet
from alphalens.trading.targets import Signal

__all__ = ["Cleaning", "FactorReport", "judge_factor", "judge_signals"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaning:
    """How factor values become factor data.

    Attributes
    ----------
    periods : tuple of int
        Horizons in rows.
    quantiles : int
        Number of quantiles per date.
    max_loss : float
        Largest fraction of the factor's rows that may be dropped.
    """

    periods: tuple[int, ...] = (1, 5, 10)
    quantiles: int = 5
    max_loss: float = 0.35


@dataclass(frozen=True, kw_only=True)
class FactorReport:
    """What the factor library says of one factor on one history.

    Attributes
    ----------
    factor : str
        Name of the factor.
    history : PriceHistory
        The prices, with their caveats.
    factor_data : DataFrame
        Clean factor data: MultiIndex (date, asset), forward returns as fractions per period,
        ``factor`` and ``factor_quantile``.
    dropped : str
        What cleaning said about the rows that were lost.
    notes : tuple of str
        What the library warned of while cleaning.
    """

    factor: str
    history: PriceHistory
    factor_data: pd.DataFrame
    dropped: str
    notes: tuple[str, ...] = ()

    @cached_property
    def ic(self) -> pd.DataFrame:
        """Return the rank information coefficient, dates x periods."""
        return performance.factor_information_coefficient(self.factor_data)

    @cached_property
    def spread_bps(self) -> pd.Series[float]:
        """Return the mean return of the top less the bottom quantile, bps per period."""
        means, _ = performance.mean_return_by_quantile(self.factor_data)
        return (means.iloc[-1] - means.iloc[0]) * 1e4

    def header(self) -> dict[str, str]:
        """Return what a reader must know before he believes a number."""
        dates = self.factor_data.index.get_level_values("date")
        assets = self.factor_data.index.get_level_values("asset")
        return {
            "Factor": self.factor,
            "Data": self.history.source,
            "Caveats": "; ".join(self.history.caveats) or "none stated",
            "Dates": f"{dates.min():%Y-%m-%d} to {dates.max():%Y-%m-%d}, {dates.nunique()} dates",
            "Universe": f"{assets.nunique()} assets",
            "Rows lost in cleaning": self.dropped,
            "Notes": "; ".join(self.notes) or "none",
            "Data hash": self.history.fingerprint,
            "alphalens": __version__,
        }

    def sheet(self) -> TearSheet:
        """Return the full tear sheet with its header; the caller saves and closes it."""
        with _quietly() as heard:  # what it warns of belongs into the header
            made = tears.create_full_tear_sheet(self.factor_data, return_fig=True)
        sheet = cast("TearSheet", made)  # None only without return_fig
        noted = replace(self, notes=tuple(dict.fromkeys((*self.notes, *heard.warnings()))))
        return sheet.with_header(noted.header(), title=f"{self.factor}: full tear sheet")

    def summary(self) -> Mapping[str, object]:
        """Return the main figures as plain numbers, by period."""
        return {
            "factor": self.factor,
            "source": self.history.source,
            "rows": len(self.factor_data),
            "dropped": self.dropped,
            "ic_mean": _plain(self.ic.mean()),
            "ic_std": _plain(self.ic.std()),
            "spread_bps": _plain(self.spread_bps),
        }

    def lines(self) -> Iterator[str]:
        """Yield the main figures as lines of text."""
        yield f"{self.factor}: {len(self.factor_data)} rows; {self.dropped}"
        for period in map(str, self.ic.columns):
            mean = self.ic[period].mean()
            yield (
                f"  {period:>4}: mean rank IC {mean:+.4f} (std {self.ic[period].std():.4f}), "
                f"top less bottom quantile {self.spread_bps[period]:+.1f} bps"
            )


def judge_factor(
    history: PriceHistory, factor: str, *, cleaning: Cleaning | None = None
) -> FactorReport:
    """Compute a named factor on a history and clean it against its forward returns.

    Parameters
    ----------
    history : PriceHistory
        Daily closes.
    factor : str
        Such as ``momentum_12_1``; see `alphalens.factors.named_factor`.
    cleaning : Cleaning, optional
        Horizons, quantiles and tolerated loss.

    Returns
    -------
    FactorReport
        The clean factor data, ready for every function of the factor library.

    Raises
    ------
    InputError
        If the factor is unknown, or the history is too short to give one value of it.
    MaxLossExceededError
        If cleaning drops more than it may.
    """
    known = named_factor(factor)
    closes = session_closes(history)
    if len(closes) < known.rows:
        raise InputError(
            f"{factor} needs {known.rows} rows of prices and {history.source} has "
            f"{len(closes)}: give a longer history or a shorter factor"
        )
    return _judge(history, known(closes).iloc[known.rows - 1 :], factor, cleaning or Cleaning())


def judge_signals(
    history: PriceHistory, signals: Sequence[Signal], *, cleaning: Cleaning | None = None
) -> FactorReport:
    """Clean the scores that were really traded against what followed: the same arithmetic.

    Parameters
    ----------
    history : PriceHistory
        Daily closes; forward returns come from them.
    signals : sequence of Signal
        What the strategy said at each decision, as the journal holds it.
    cleaning : Cleaning, optional
        The same as for the research, or the comparison is unfair.

    Returns
    -------
    FactorReport
        As for research, over the traded dates only.

    Raises
    ------
    InputError
        If there is no signal, or one was made at an instant without prices.
    MaxLossExceededError
        If cleaning drops more than it may.
    """
    if not signals:
        raise InputError("no signal was journalled, so there is nothing to judge")
    scores = pd.DataFrame(
        [pd.Series(dict(signal.scores), dtype=float) for signal in signals],
        index=pd.DatetimeIndex([signal.asof for signal in signals]),
    ).sort_index()
    days = pd.Series(session_closes(history).index, index=history.closes.index)
    strange = scores.index.difference(days.index)
    if len(strange):
        raise InputError(f"a signal was made at {strange[0]}, where {history.source} has no price")
    scores.index = pd.DatetimeIndex(days.loc[scores.index])
    return _judge(history, scores, signals[0].name, cleaning or Cleaning())


def _judge(
    history: PriceHistory, values: pd.DataFrame, name: str, cleaning: Cleaning
) -> FactorReport:
    factor = values.stack().dropna()
    if factor.empty:
        raise InputError(f"{name} has no value on {history.source}: every window has a gap")
    factor.index.names = ["date", "asset"]
    with _quietly() as heard:  # what the old API prints and warns of are facts here
        data = utils.get_clean_factor_and_forward_returns(
            factor,
            session_closes(history),
            periods=cleaning.periods,
            quantiles=cleaning.quantiles,
            max_loss=cleaning.max_loss,
        )
    return FactorReport(
        factor=name,
        history=history,
        factor_data=data,
        dropped=heard.lines()[0],
        notes=heard.warnings(),
    )


class _Heard:
    """What was printed and warned of inside a block."""

    def __init__(self) -> None:
        self.printed = io.StringIO()
        self.caught: list[warnings.WarningMessage] = []

    def lines(self) -> list[str]:
        return self.printed.getvalue().splitlines()

    def warnings(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(str(w.message) for w in self.caught))


@contextmanager
def _quietly() -> Iterator[_Heard]:
    heard = _Heard()
    with redirect_stdout(heard.printed), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        heard.caught = caught
        yield heard


def _plain(values: pd.Series[float]) -> dict[str, float]:
    return {str(key): round(float(value), 10) for key, value in values.items()}
