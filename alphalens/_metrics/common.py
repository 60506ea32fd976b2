"""What the metrics share: period columns, cells, ranks, and rows on the calendar."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

from alphalens import _calendar as calendars
from alphalens import _kernels as kernels
from alphalens import _ranks as ranking
from alphalens._cells import Cells
from alphalens._given import is_whole
from alphalens._panel import Labels, MissingLabelError, Panel, column_of, float_values
from alphalens.errors import InputError
from alphalens.utils import period_mask

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas.tseries.offsets import BaseOffset

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


BPS = 10_000.0
"""Basis points of one."""


def check_cost(cost_bps: object) -> None:
    """Refuse a cost that is no finite number from 0."""
    is_number = isinstance(cost_bps, float | int | np.floating | np.integer)
    if not is_number or isinstance(cost_bps, bool) or not 0 <= cast("float", cost_bps) < np.inf:
        raise InputError(
            f"cost_bps must be a finite number of basis points, 0 or more, got {cost_bps!r}: give "
            "e.g. 5.0 for 0.05 % of what is traded"
        )


def check_rows(period: object) -> None:
    """Refuse a number of rows that is no whole number."""
    if not is_whole(period):
        raise InputError(f"period counts rows and must be a whole number, got {period!r}")


def period_returns(frame: pd.DataFrame) -> tuple[pd.Index, list[Floats]]:
    """Return the period labels of a frame and their columns, in order."""
    if not isinstance(frame, pd.DataFrame):
        raise InputError(
            "factor_data must be a DataFrame with forward-return columns, got a "
            f"{type(frame).__name__}: make it with get_clean_factor_and_forward_returns"
        )
    places = np.flatnonzero(period_mask(frame.columns))
    if not len(places):
        raise MissingLabelError(
            "factor_data has no forward-return column (a period name such as '1D'), only "
            f"{[str(name) for name in frame.columns]}"
        )
    labels = frame.columns[places].rename(None)
    return labels, [float_values(frame.iloc[:, int(place)]) for place in places]


def labelled_frame(columns: Sequence[Floats], index: pd.Index, labels: pd.Index) -> pd.DataFrame:
    out = pd.DataFrame(dict(enumerate(columns)), index=index, copy=False)
    out.columns = labels
    return out


def on_calendar(
    columns: Sequence[Floats], dates: pd.DatetimeIndex, freq: BaseOffset | None
) -> tuple[list[Floats], pd.DatetimeIndex]:
    """Lay values by date on the grid of the calendar, NaN in the gaps."""
    if freq is None:
        return list(columns), dates[:]
    grid = calendars.calendar_grid(dates, freq)
    if len(grid) == len(dates):
        return list(columns), grid
    place = grid.get_indexer(dates)
    on_grid = place >= 0
    laid = []
    for values in columns:
        gaps = np.full(len(grid), np.nan)
        gaps[place[on_grid]] = values[on_grid]
        laid.append(gaps)
    return laid, grid


@np.errstate(invalid="ignore")  # an infinite return gives NaN, not a warning
def less_mean(cells: Cells, values: Floats) -> Floats:
    """Subtract the mean of each cell, NaN skipped."""
    return values - cells.spread(cells.reduce(mean_kernel, values))


def mean_kernel(matrix: Floats, _: Ints) -> Floats:
    return kernels.row_mean(matrix)


def sum_kernel(matrix: Floats, _: Ints) -> Floats:
    return kernels.row_sum(matrix)


def group_cells(panel: Panel, frame: pd.DataFrame) -> tuple[Labels, Cells]:
    """Return the groups of a frame and the cells of each date and group."""
    groups = Labels(column_of(frame, "group"))
    name = ("group cells", len(groups))  # a category that nobody has moves every cell
    cells = panel.memory.recall(name, (groups.codes,), lambda: panel.grouped(groups))
    return groups, cells


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """Ranks of a column inside its cells, as matrices by class of cells, and their squares."""

    ranks: list[Floats]
    squares: list[Floats]


def ranks_of(cells: Cells, values: Floats, name: Hashable) -> Ranked:
    """Rank a column inside its cells; kept while the values stay the same."""

    def build() -> Ranked:
        ranks = cells.map(lambda matrix, _: ranking.row_ranks(matrix), values)
        members = (cells.members[part] for part in cells.classes())
        squares = list(map(ranking.rank_squares, ranks, members))
        return Ranked(ranks=ranks, squares=squares)

    return cells.memory.recall(("ranks", name), (values,), build)
