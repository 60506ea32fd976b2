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
from alphalens._panel import calendar_of
from alphalens._version import __version__
from alphalens.data import PriceHistory, session_closes
from alphalens.errors import InputError
from alphalens.factors import named_factor
from alphalens.reports.research import MIN_INDEPENDENT
from alphalens.tears import SheetPart, TearSheet
from alphalens.trading.targets import Signal

__all__ = ["Cleaning", "FactorReport", "TradedReport", "judge_factor", "judge_signals"]

_TURNOVER = "Turnover"


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
        if means.empty:
            return pd.Series(float("nan"), index=means.columns)
        return (means.iloc[-1] - means.iloc[0]) * 1e4

    def header(self) -> dict[str, str]:
        """Return what a reader must know before he believes a number."""
        dates = self.factor_data.index.get_level_values("date")
        assets = self.factor_data.index.get_level_values("asset")
        return {
            "Factor": self.factor,
            "Data": self.history.source,
            "Caveats": "; ".join(self.history.caveats) or "none stated",
            "Dates": _span(pd.DatetimeIndex(dates)),
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
        if self.factor_data.empty:
            return
        for period in map(str, self.ic.columns):
            mean = self.ic[period].mean()
            yield (
                f"  {period:>4}: mean rank IC {mean:+.4f} (std {self.ic[period].std():.4f}), "
                f"top less bottom quantile {self.spread_bps[period]:+.1f} bps"
            )


@dataclass(frozen=True, kw_only=True)
class TradedReport(FactorReport):
    """What the factor library says of scores that were traded, one date per decision.

    Attributes
    ----------
    decisions : int
        Decisions that were judged or wait for their returns.
    pending : int
        Those among them whose longest horizon ends after the history: they have no return yet
        and are not in ``factor_data``.
    horizon : int
        The longest horizon, in rows of prices.
    """

    decisions: int
    pending: int
    horizon: int

    @property
    def n_judged(self) -> int:
        """Return how many decisions are in ``factor_data``."""
        return int(self.factor_data.index.get_level_values("date").nunique())

    def header(self) -> dict[str, str]:
        """Return the facts of a factor, and what became of the decisions."""
        found = (
            f"{self.decisions}; {self.n_judged} judged, {self.pending} without a return over "
            f"{self.horizon} rows of prices yet"
        )
        return {**super().header(), "Decisions": found}

    def sheet(self) -> TearSheet:
        """Return the full tear sheet, or a sheet that says why there is none.

        Below `MIN_INDEPENDENT` judged decisions nothing is inferred: the coefficients are listed
        as they are. Where the decisions keep no daily calendar, a lag is counted in decisions and
        is called so.
        """
        if self.n_judged < MIN_INDEPENDENT:
            return self._listed()
        sheet = super().sheet()
        if calendar_of(self.factor_data) is not None:
            return sheet
        parts = (_by_decisions(part) if part.title == _TURNOVER else part for part in sheet.parts)
        return replace(sheet, parts=tuple(parts))

    def _listed(self) -> TearSheet:
        reason = (
            f"n too small: {self.n_judged} of {MIN_INDEPENDENT} decisions have a return over "
            f"{self.horizon} rows of prices"
        )
        ic = self.ic.copy()
        ic.index = pd.Index(pd.DatetimeIndex(ic.index).strftime("%Y-%m-%d"), name="decision")
        tables = {} if ic.empty else {"Rank information coefficient by decision": ic}
        part = SheetPart(title="Too few decisions to judge", tables=tables)
        header = {**self.header(), "No statistics": reason}
        return TearSheet(title=f"{self.factor}: traded", header=header, parts=(part,))


def _by_decisions(part: SheetPart) -> SheetPart:
    """Name the lags of a turnover part by decisions; its figures, which name days, are left out."""
    tables = {title: frame.rename(columns=_decisions_apart) for title, frame in part.tables.items()}
    return replace(part, tables=tables, figures=())


def _decisions_apart(lag: str) -> str:
    count = pd.Timedelta(lag).days
    return "1 decision" if count == 1 else f"{count} decisions"


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
) -> TradedReport:
    """Clean the scores that were really traded against what followed: the same arithmetic.

    A decision whose longest horizon ends after the history is counted and left out. What was
    traded cannot be traded otherwise, so `Cleaning.max_loss` is for research alone: of the other
    decisions every row that has its returns is kept, and the report says what was dropped.

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
    TradedReport
        As for research, over the traded dates only; its factor data is empty while no decision
        has a return.

    Raises
    ------
    InputError
        If there is no signal, one was made at an instant without prices, or the history is
        shorter than the longest horizon.
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
    wanted = replace(cleaning or Cleaning(), max_loss=1.0)
    horizon = max(wanted.periods)
    ended = scores.loc[scores.index.isin(days.iloc[:-horizon])]
    if ended.notna().to_numpy().any():
        judged = _judge(history, ended, signals[0].name, wanted)
    else:
        judged = _unjudged(history, signals[0].name, wanted)
    return TradedReport(
        factor=judged.factor,
        history=history,
        factor_data=judged.factor_data,
        dropped=judged.dropped,
        notes=judged.notes,
        decisions=len(scores),
        pending=len(scores) - len(ended),
        horizon=horizon,
    )


def _unjudged(history: PriceHistory, name: str, cleaning: Cleaning) -> FactorReport:
    """Return factor data without a row, with the columns that the history gives research."""
    closes = session_closes(history)
    data = _judge(history, closes, name, cleaning).factor_data.iloc[:0]
    return FactorReport(factor=name, history=history, factor_data=data, dropped="nothing to clean")


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


def _span(dates: pd.DatetimeIndex) -> str:
    if dates.empty:
        return "none"
    return f"{dates.min():%Y-%m-%d} to {dates.max():%Y-%m-%d}, {dates.nunique()} dates"


def _plain(values: pd.Series[float]) -> dict[str, float]:
    return {str(key): round(float(value), 10) for key, value in values.items()}
