"""The judgement on what is no bar: quotes, states of options, settles of a futures chain.

Every row ends in one of two places: kept, or refused with its text and its reasons.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from typing import Any, Generic, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alphalens.assets import AssetClass
from alphalens.assets.symbols import class_by_form
from alphalens.data._checks.chain import ChainRows, check_chain
from alphalens.data._checks.marks import Marked
from alphalens.data._checks.options import OptionLimits, OptionRows, check_options
from alphalens.data._checks.quotes import check_sides
from alphalens.data.bars import micros
from alphalens.data.port import CorporateAction, OptionSnapshot
from alphalens.data.reasons import Reason
from alphalens.errors import InputError
from alphalens.trading.market import Quote

__all__ = [
    "JudgedStates",
    "OptionLimits",
    "RefusedRow",
    "StateContext",
    "judge_options",
    "judge_quotes",
    "judge_settles",
]

T = TypeVar("T")
Marks = NDArray[np.uint64]


@dataclass(frozen=True, slots=True, kw_only=True)
class StateContext:
    """What is known besides the rows.

    Attributes
    ----------
    now : datetime
        The present instant (aware).
    skew_s : float
        Seconds by which a state may be ahead of it.
    prices : Mapping of str to float
        Price of an underlying, where a vendor tells none with its options.
    actions : tuple of CorporateAction
        Those known by `now` count.
    limits : OptionLimits
        Of the checks.

    Raises
    ------
    InputError
        If `now` has no time zone.
    """

    now: datetime
    skew_s: float = 5.0
    prices: Mapping[str, float] = field(default_factory=dict)
    actions: tuple[CorporateAction, ...] = ()
    limits: OptionLimits = field(default_factory=OptionLimits)

    def __post_init__(self) -> None:
        """Refuse a naive clock."""
        if self.now.tzinfo is None:
            raise InputError(f"now {self.now} needs a time zone")


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedRow:
    """A row that is no bar, refused.

    Attributes
    ----------
    symbol : str
        What it is about.
    time : int
        Instant, microseconds since 1970-01-01 UTC.
    marks : int
        All reasons found.
    because : int
        Those of them for which it was refused.
    raw : str
        Its figures as they were read, as JSON.
    """

    symbol: str
    time: int
    marks: int
    because: int
    raw: str


@dataclass(frozen=True, eq=False, kw_only=True)
class JudgedStates(Generic[T]):
    """Rows after judgement.

    Attributes
    ----------
    kept : T
        What may be stored: a tuple of states, or a table.
    marks : uint64 array of shape (n,)
        What was found in each of the kept.
    refused : tuple of RefusedRow
        The others.
    """

    kept: T
    marks: Marks
    refused: tuple[RefusedRow, ...]


def judge_quotes(quotes: Sequence[Quote], context: StateContext) -> JudgedStates[tuple[Quote, ...]]:
    """Judge quotes: a bid above the ask is refused, a wide spread or nobody bidding flagged."""
    n = len(quotes)
    rows = Marked(marks=np.zeros(n, np.uint64), fatal=np.zeros(n, np.uint64))
    options = [class_by_form(one.symbol) is AssetClass.OPTION for one in quotes]
    check_sides(
        rows,
        np.array([float(one.bid) for one in quotes], np.float64),
        np.array([float(one.ask) for one in quotes], np.float64),
        may_be_zero=np.array(options, np.bool_),
        widest=context.limits.widest,
    )
    time = np.array([micros(one.at) for one in quotes], np.int64)
    rows.mark(time > micros(context.now) + int(context.skew_s * 1e6), Reason.IN_THE_FUTURE)
    return _told(rows, tuple(quotes), quotes)


def judge_options(
    snapshots: Sequence[OptionSnapshot], context: StateContext
) -> JudgedStates[tuple[OptionSnapshot, ...]]:
    """Judge states of options; volatilities of 0 become NaN, for 0 stands for not solved."""
    told = [_priced(one, context) for one in snapshots]
    rows = OptionRows.of(told)
    check_options(
        rows,
        actions=[a for a in context.actions if a.seen_at <= context.now],
        now=context.now,
        skew_s=context.skew_s,
        limits=context.limits,
    )
    changed = tuple(
        replace(one, implied_volatility=math.nan) if one.implied_volatility <= 0.0 else one
        for one in told
    )
    return _told(rows, changed, snapshots)


def judge_settles(
    table: pd.DataFrame,
    *,
    last_trade: Mapping[str, date],
    may_be_negative: frozenset[str] = frozenset(),
    today: date | None = None,
) -> JudgedStates[pd.DataFrame]:
    """Judge settles of a futures chain.

    Parameters
    ----------
    table : DataFrame
        Columns ``day``, ``root``, ``rank``, ``contract`` and ``settle``; see `ChainRows`.
    last_trade : Mapping of str to date
        Last day of trading by contract; one that is absent is not checked.
    may_be_negative : frozenset of str
        Roots that may settle below 0.
    today : date, optional
        In the market's zone: a settle of a later day is refused.

    Raises
    ------
    InputError
        If a column is missing.
    """
    rows = ChainRows.of(table)
    check_chain(rows, last_trade=last_trade, may_be_negative=may_be_negative, today=today)
    bad, good = rows.table[~rows.is_good], rows.is_good
    names = bad["contract"].where(bad["contract"] != "", bad["root"] + bad["rank"].astype(str))
    days = bad["day"].to_numpy().astype("M8[us]").astype(np.int64)
    texts = [json.dumps(row, separators=(",", ":"), default=str) for row in bad.to_dict("records")]
    refused = _refused(rows, names.tolist(), days.tolist(), texts)
    kept = rows.table[good].reset_index(drop=True)
    return JudgedStates(kept=kept, marks=rows.marks[good], refused=refused)


def _priced(one: OptionSnapshot, context: StateContext) -> OptionSnapshot:
    """Return a state with the price of its underlying, if that is known from elsewhere."""
    if not math.isnan(one.underlying_price) or one.underlying not in context.prices:
        return one
    return replace(one, underlying_price=context.prices[one.underlying])


def _told(
    rows: Marked, kept: tuple[Any, ...], told: Sequence[Any]
) -> JudgedStates[tuple[Any, ...]]:  # Any: quotes, or states of options
    good = rows.is_good
    bad = [told[place] for place in np.flatnonzero(~good).tolist()]
    refused = _refused(
        rows,
        [one.symbol for one in bad],
        [micros(one.at) for one in bad],
        [json.dumps(asdict(one), separators=(",", ":"), default=str) for one in bad],
    )
    return JudgedStates(
        kept=tuple(one for one, is_good in zip(kept, good.tolist(), strict=True) if is_good),
        marks=rows.marks[good],
        refused=refused,
    )


def _refused(
    rows: Marked, symbols: Sequence[str], times: Sequence[int], texts: Sequence[str]
) -> tuple[RefusedRow, ...]:
    bad = ~rows.is_good
    masks = zip(rows.marks[bad].tolist(), rows.fatal[bad].tolist(), strict=True)
    return tuple(
        RefusedRow(symbol=symbol, time=time, marks=marks, because=because, raw=raw)
        for symbol, time, (marks, because), raw in zip(symbols, times, masks, texts, strict=True)
    )
