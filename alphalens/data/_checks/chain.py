"""Checks of the settles of a futures chain: each rank once, and none after the last trade."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from alphalens.data._checks.marks import Marked
from alphalens.data.reasons import Reason
from alphalens.errors import InputError

__all__ = ["ChainRows", "check_chain"]

_KEY = ["day", "root", "rank"]
_FRIDAY = 4  # as pandas counts


@dataclass(eq=False, kw_only=True)
class ChainRows(Marked):
    """Settles as a table.

    Attributes
    ----------
    table : DataFrame
        ``day`` (a naive day), ``root``, ``rank`` (1 for the contract that expires first),
        ``contract`` (``CLK20``; empty where the source tells the rank alone) and ``settle``.
    """

    table: pd.DataFrame

    @classmethod
    def of(cls, table: pd.DataFrame) -> ChainRows:
        """Return the rows of a table, without marks.

        Raises
        ------
        InputError
            If a column is missing.
        """
        if missing := {*_KEY, "contract", "settle"} - set(table.columns):
            raise InputError(f"settles need the columns {', '.join(sorted(missing))}")
        n = len(table)
        return cls(
            marks=np.zeros(n, np.uint64),
            fatal=np.zeros(n, np.uint64),
            table=table.reset_index(drop=True),
        )


def check_chain(
    rows: ChainRows,
    *,
    last_trade: Mapping[str, date],
    may_be_negative: frozenset[str],
    today: date | None = None,
) -> None:
    """Mark settles that contradict each other, or the calendar of the contracts.

    No exchange settles at a weekend, and nobody knows a settle of a day to come.

    Of two rows of one rank that are equal the later one stands; where they differ nobody can
    tell which is true, and neither does.

    Parameters
    ----------
    rows : ChainRows
        Get the marks.
    last_trade : Mapping of str to date
        By contract.
    may_be_negative : frozenset of str
        Roots that may settle below 0.
    today : date, optional
        Days after it are in the future; without it none is.
    """
    table = rows.table
    settle = table["settle"].to_numpy(np.float64)
    rows.mark(np.isnan(settle), Reason.CLOSE_MISSING)
    rows.mark(np.isinf(settle), Reason.INFINITE)
    rows.mark(settle == 0.0, Reason.NEGATIVE_OR_ZERO_SETTLE, is_fatal=True)
    may = table["root"].isin(may_be_negative).to_numpy()
    rows.mark((settle < 0.0) & may, Reason.NEGATIVE_OR_ZERO_SETTLE, is_fatal=False)
    rows.mark((settle < 0.0) & ~may, Reason.PRICE_NOT_POSITIVE)
    last = pd.to_datetime(table["contract"].map(dict(last_trade)))
    rows.mark((table["day"] > last).to_numpy(), Reason.CONTRACT_CHAIN)
    rows.mark((table["day"].dt.day_of_week > _FRIDAY).to_numpy(), Reason.OUT_OF_SESSION)
    if today is not None:
        rows.mark((table["day"] > pd.Timestamp(today)).to_numpy(), Reason.IN_THE_FUTURE)
    _twins(rows)


def _twins(rows: ChainRows) -> None:
    good = np.flatnonzero(rows.is_good)
    table = rows.table.iloc[good]
    same = table.duplicated([*_KEY, "contract", "settle"], keep="last").to_numpy()
    rows.mark(good[same], Reason.DUPLICATE, is_fatal=True)
    left = good[~same]
    twice = rows.table.iloc[left].duplicated(_KEY, keep=False).to_numpy()
    rows.mark(left[twice], Reason.CONTRACT_CHAIN)
