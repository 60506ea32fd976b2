"""Why rows of a factor were lost on the way to factor_data."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Codes = NDArray[np.int8]

REASONS = (
    "NaN factor",
    "no price",
    "no later price",
    "zscore filter",
    "no forward return",
    "no group",
    "constant date / bin edges",
    "outside bins",
)
"""Reasons for a lost row; ``no forward return`` when nothing more is known."""

LATER = ("no later price", "zscore filter", "no forward return")
"""Those that nobody knew on the row's date."""

KEPT = -1
_REMEDY = {
    "NaN factor": "fill the factor or leave these rows out",
    "no price": "give prices for these dates and assets",
    "no later price": "end the factor earlier or give prices that reach further",
    "zscore filter": "raise filter_zscore or check the prices for errors",
    "no forward return": "look at the NaN in forward_returns",
    "no group": "give these assets a group",
    "constant date / bin edges": "use fewer quantiles, or bins instead of quantiles",
    "outside bins": "widen the edges",
}


class MaxLossExceededError(Exception):
    """More rows were lost while the factor was cleaned than `max_loss` allows.

    Attributes
    ----------
    loss : DataFrame of shape (dates, reasons)
        Rows lost per date of the factor and reason; columns are all reasons, index named ``date``.
        Empty when the error was not raised by the cleaning step.
    """

    def __init__(self, *args: object, loss: pd.DataFrame | None = None) -> None:
        super().__init__(*args)
        self.loss = pd.DataFrame(columns=list(REASONS)) if loss is None else loss


def reasons(
    missing: Mapping[str, Bools], kept: Bools, labelled: Bools, is_in_failed_cell: Bools
) -> Codes:
    """Return the reason each row was lost for, `KEPT` for the others.

    Parameters
    ----------
    missing : mapping of str to ndarray of shape (rows,)
        By reason, the rows that lack something; a later reason outranks an earlier one.
    kept : ndarray of shape (rows,)
        Rows that came as far as the binning.
    labelled, is_in_failed_cell : ndarray of shape (kept rows,)
        What became of these.
    """
    codes = np.full(len(kept), KEPT, dtype=np.int8)
    for name, rows in missing.items():
        codes[rows] = REASONS.index(name)
    late = np.full(len(labelled), KEPT, dtype=np.int8)
    late[~labelled] = REASONS.index("outside bins")
    late[~labelled & is_in_failed_cell] = REASONS.index("constant date / bin edges")
    codes[kept] = late
    return codes


def loss_table(index: pd.MultiIndex, codes: Codes) -> pd.DataFrame:
    """Count lost rows by date and reason.

    Parameters
    ----------
    index : MultiIndex
        Index of the factor, dates in its first level.
    codes : ndarray of shape (rows,), int8
        Reason of each row, `KEPT` for rows that survived.
    """
    return _table(index.levels[0], index.codes[0], codes)


def _table(level: pd.Index, dates: NDArray[np.signedinteger], codes: Codes) -> pd.DataFrame:
    used, number = np.unique(dates, return_inverse=True)
    lost = codes >= 0
    keys = number[lost] * len(REASONS) + codes[lost]
    counts = np.bincount(keys, minlength=len(used) * len(REASONS)).reshape(-1, len(REASONS))
    table = pd.DataFrame(counts, index=level[used], columns=list(REASONS))
    return table.rename_axis(index="date").sort_index()


def describe_loss(index: pd.MultiIndex, codes: Codes, *, examples: int = 3) -> str:
    """Say for each reason how many rows went, which were the first, and what to do."""
    lines = []
    for number, name in enumerate(REASONS):
        rows = np.flatnonzero(codes == number)
        if rows.size:
            first = ", ".join(f"({date}, {asset})" for date, asset in index[rows[:examples]])
            lines.append(f"  {name}: {rows.size} rows, first {first}: {_REMEDY[name]}")
    return "\n".join(lines)


# A record belongs to rows, and is found by the memory of their index, which copies and columns of a
# frame share and selections do not. In DataFrame.attrs it would go along with selections too, of
# which it says nothing true; pandas would also compare and copy the table at each step.
_RECORDED: dict[int, _Record] = {}


class _Record(NamedTuple):
    owner: weakref.ref[NDArray[np.generic]]
    place: Hashable
    table: Callable[[], pd.DataFrame]


def record(frame: pd.DataFrame, table: Callable[[], pd.DataFrame]) -> None:
    """Remember, as long as its index lives, how the loss table of a frame is made.

    `table` must not hold the index of `frame`, or both live for ever.
    """
    owner, place = _memory(frame)
    key = id(owner)
    owner_ref = weakref.ref(owner, lambda _: _RECORDED.pop(key, None))
    _RECORDED[key] = _Record(owner_ref, place, table)


def record_none(frame: pd.DataFrame) -> None:
    """Remember that nothing was lost, unless these rows are what an earlier cleaning left."""
    if recorded(frame) is None:
        index = cast("pd.MultiIndex", frame.index)
        level, dates = index.levels[0], index.codes[0].copy()
        record(frame, lambda: _table(level, dates, np.full(len(dates), KEPT, dtype=np.int8)))


def recorded(frame: pd.DataFrame | pd.Series) -> pd.DataFrame | None:
    """Return the loss table of rows that the clean step made; None for any others."""
    if not isinstance(frame.index, pd.MultiIndex):
        return None
    owner, place = _memory(frame)
    found = _RECORDED.get(id(owner))
    is_same = found is not None and found.owner() is owner and found.place == place
    return found.table() if found is not None and is_same else None


def _memory(frame: pd.DataFrame | pd.Series) -> tuple[NDArray[np.generic], Hashable]:
    """Return the array that owns the memory of the first level's codes, and where they lie."""
    codes: NDArray[np.generic] = cast("pd.MultiIndex", frame.index).codes[0]
    owner = codes
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    return owner, (codes.ctypes.data, codes.shape, codes.strides)


def lost_by_foresight(table: pd.DataFrame, last: pd.Timestamp) -> pd.Series[int]:
    """Return by reason the rows up to a date that were left out for what came later.

    Rows after the last date that was kept are no selection: there is no later price for any.
    """
    counts = table.loc[:last, list(LATER)].sum()
    return counts[counts > 0]
