"""A figure whose axes are handed out row by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.gridspec import GridSpec

from alphalens.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["GridFigure"]


class GridFigure:
    """A figure whose axes are handed out row by row.

    Parameters
    ----------
    rows, cols : int
        Size of the grid.
    heights : sequence of float, optional
        Height of the axes in each row, in inches; default: 7 inches a row in all.

    Attributes
    ----------
    fig : Figure or None
        Registered with pyplot; None once closed.
    gs : GridSpec or None
        The grid; None once closed.
    curr_row, curr_col : int
        Where the next axes go.

    Examples
    --------
    >>> grid = GridFigure(rows=2, cols=2)
    >>> whole, left, right = grid.next_row(), grid.next_cell(), grid.next_cell()
    >>> grid.curr_row, grid.curr_col
    (1, 2)
    >>> grid.close()
    """

    _MARGIN, _GAP = 0.75, 1.05

    def __init__(self, rows: int, cols: int, *, heights: Sequence[float] | None = None) -> None:
        self.rows = rows
        self.cols = cols
        self.curr_row = 0
        self.curr_col = 0
        if heights is None:
            figure = plt.figure(figsize=(14, rows * 7))
            grid = GridSpec(rows, cols, wspace=0.4, hspace=0.3)
        else:
            height = sum(heights) + self._GAP * (rows - 1) + 2 * self._MARGIN
            figure = plt.figure(figsize=(14, height))
            grid = GridSpec(
                rows,
                cols,
                height_ratios=heights,
                left=0.075,
                right=0.97,
                bottom=self._MARGIN / height,
                top=1 - self._MARGIN / height,
                wspace=0.22,
                hspace=self._GAP / float(np.mean(heights)),
            )
        self.fig: Figure | None = figure
        self.gs: GridSpec | None = grid

    def next_row(self) -> Axes:
        """Return axes over the whole width of the next row.

        Returns
        -------
        Axes

        Raises
        ------
        InputError
            If the grid is full or closed.
        """
        if self.curr_col:
            self.curr_row += 1
            self.curr_col = 0
        axes = self._add(self.curr_row, slice(None))
        self.curr_row += 1
        return axes

    def next_cell(self) -> Axes:
        """Return axes in the next cell.

        Returns
        -------
        Axes

        Raises
        ------
        InputError
            If the grid is full or closed.
        """
        if self.curr_col >= self.cols:
            self.curr_row += 1
            self.curr_col = 0
        axes = self._add(self.curr_row, self.curr_col)
        self.curr_col += 1
        return axes

    def _add(self, row: int, column: int | slice) -> Axes:
        """Return new axes in one row of the grid."""
        figure, grid = self._open(row)
        return figure.add_subplot(grid[row, column])

    def _open(self, row: int) -> tuple[Figure, GridSpec]:
        """Return figure and grid, if both are there and have that row."""
        if self.fig is None or self.gs is None:
            raise InputError("this GridFigure is closed: make a new one")
        if row >= self.rows:
            raise InputError(
                f"the grid of {self.rows} x {self.cols} is full: make it with more rows"
            )
        return self.fig, self.gs

    def split_row(self, count: int) -> list[Axes]:
        """Return `count` axes that share the next row evenly.

        Parameters
        ----------
        count : int
            Any number, whatever the columns of the grid.

        Returns
        -------
        list of Axes
            From left to right.

        Raises
        ------
        InputError
            If the grid is full or closed.
        """
        if self.curr_col:
            self.curr_row += 1
            self.curr_col = 0
        figure, grid = self._open(self.curr_row)
        gap = 1.25
        width = (14 * 0.9 - gap * (count - 1)) / count
        cells = grid[self.curr_row, :].subgridspec(1, count, wspace=gap / width)
        self.curr_row += 1
        return [figure.add_subplot(cells[0, i]) for i in range(count)]

    def close(self) -> None:
        """Close the figure and free it."""
        if self.fig is not None:
            plt.close(self.fig)
        self.fig = None
        self.gs = None
