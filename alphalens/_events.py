"""Averages of returns in windows around events: dates and the assets that belong to them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import bottleneck as bn
import numpy as np
import pandas as pd

from alphalens._blocks import over_blocks, over_each, row_blocks
from alphalens._given import span_of
from alphalens.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

_SIXTEEN_BITS = 1 << 15

_FEW_CELLS = 16
"""Cells that an asset moves among up to which multiplying with a membership matrix beats adding
run by run."""


class Events(Protocol):
    """Dates and assets of the rows of a frame."""

    @property
    def dates(self) -> pd.DatetimeIndex:
        """Dates that occur, ascending."""
        ...

    @property
    def date_codes(self) -> Ints:
        """Place of each row in `dates`."""
        ...

    @property
    def assets(self) -> pd.Index:
        """Assets."""
        ...

    @property
    def asset_codes(self) -> Ints:
        """Place of each row in `assets`."""
        ...

    @property
    def has_duplicates(self) -> bool:
        """Whether a (date, asset) pair occurs twice."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """Events that returns know: the dates taken, and the row, date and column of each event."""

    dates: Ints
    rows: Ints
    date_codes: Ints
    columns: Ints


@dataclass(frozen=True, kw_only=True)
class EventCells:
    """Events (a date and an asset), with the quantile and the group of each; -1 for none."""

    dates: Ints
    assets: Ints
    quantiles: Ints
    groups: Ints | None
    n_quantiles: int
    n_groups: int

    @cached_property
    def numbers(self) -> tuple[Ints, int]:
        """Return the cell of each event inside its date, and how many cells a date has.

        First the quantiles of group 0, then those of group 1, ...; then, if there are such events,
        one cell per group for those without quantile, and one for those without group.
        """
        own = self.n_groups * self.n_quantiles
        homeless, lost = self.quantiles < 0, self.groups is not None and self.groups < 0
        number = self.quantiles
        if self.groups is not None:
            number = number + self.groups * self.n_quantiles
        if not homeless.any() and not np.any(lost):
            return number, own
        number = np.where(homeless, own + (0 if self.groups is None else self.groups), number)
        return np.where(lost, own + self.n_groups, number), own + self.n_groups + 1

    def seen(self) -> Bools:
        """Tell which groups and quantiles have an event, shape (groups, quantiles)."""
        number, per_date = self.numbers
        own = self.n_groups * self.n_quantiles
        counts = np.bincount(number, minlength=per_date)[:own]
        return (counts > 0).reshape(self.n_groups, self.n_quantiles)


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """Rows of returns around events.

    Attributes
    ----------
    returns : ndarray of shape (times, assets)
    rows : ndarray of shape (dates,), int64
        Row of `returns` at which each date stands.
    before, after : int
        Rows taken before and after it; what lies outside `returns` is NaN.
    is_rebased : bool
        Take every window as changes from its value at the event, as a fraction of it; an asset
        without a value there is left out.
    """

    returns: Floats
    rows: Ints
    before: int
    after: int
    is_rebased: bool = False

    @property
    def width(self) -> int:
        """Rows of one window."""
        return self.before + self.after + 1

    def values(self, dates: Ints, assets: Ints) -> Floats:
        """Return the windows of single assets: one row per (date, asset), one column per offset."""
        target = self.rows[dates][:, None] + np.arange(-self.before, self.after + 1)
        inside = (target >= 0) & (target < len(self.returns))
        found = self.returns[np.where(inside, target, 0), assets[:, None]]
        return np.where(inside, found, np.nan)

    def offsets(self) -> Ints:
        """Return the columns of the windows that lie inside the returns for at least one date."""
        target = np.array([self.rows.min(), self.rows.max()])[:, None] + self.relative
        covered = (target[1] >= 0) & (target[0] < len(self.returns))
        return np.flatnonzero(covered)

    @property
    def relative(self) -> Ints:
        """Rows relative to the event, ascending."""
        return np.arange(-self.before, self.after + 1)

    def labels(self, offsets: Ints) -> pd.Index:
        """Return the relative rows of some columns as an index."""
        return pd.Index(self.relative[offsets])

    def by_quantile(self, cells: EventCells, universe: str | None) -> Floats:
        """Return mean windows by date, group and quantile, less those of a universe.

        Parameters
        ----------
        cells : EventCells
        universe : {"date", "group"} or None
            Whose mean is subtracted: all assets of the date, those of the group, or nobody's.

        Returns
        -------
        ndarray of shape (dates, groups, quantiles, width)
        """
        number, per_date = cells.numbers
        own, shape = cells.n_groups * cells.n_quantiles, (cells.n_groups, cells.n_quantiles)
        near = cells.n_quantiles if per_date == own else per_date
        total, count = self.sums(cells.dates, cells.assets, number, per_date, near)
        means = _divide(total[:, :own], count[:, :own]).reshape(-1, *shape, self.width)
        if universe is None:
            return means - 1.0 if self.is_rebased else means
        sums = []
        for part in (total, count):
            whole = part[:, :own].reshape(-1, *shape, self.width).sum(axis=2)
            if per_date > own:
                whole += part[:, own : own + cells.n_groups]
            if universe == "date":
                whole = whole.sum(axis=1, keepdims=True)
                whole += part[:, -1:] if per_date > own else 0.0
            sums.append(whole)
        with np.errstate(invalid="ignore"):
            out: Floats = means - _divide(sums[0], sums[1])[:, :, None]
        return out

    def means(self, dates: Ints, assets: Ints) -> Floats:
        """Return the mean window over the assets of each date, NaN skipped: (dates, width)."""
        total, count = self.sums(dates, assets, np.zeros(len(dates), dtype=np.int64), 1, 1)
        return _divide(total[:, 0], count[:, 0])

    def sums(
        self, dates: Ints, assets: Ints, cells: Ints, per_date: int, near: int
    ) -> tuple[Floats, Floats]:
        """Add up the windows of the members of each cell.

        Parameters
        ----------
        dates, assets, cells : ndarray of shape (members,), int64
            Date (place in `rows`), asset (column of `returns`) and cell of each member.
        per_date : int
            Cells of a date; cell < per_date.
        near : int
            Neighbouring cells among which an asset is likely to stay: the quantiles of its group.

        Returns
        -------
        total, count : ndarray of shape (dates, per_date, width)
            NaN values are skipped.
        """
        scale = None
        if self.is_rebased:
            with np.errstate(divide="ignore"):
                scale = 1.0 / self.returns[self.rows]
            kept = np.isfinite(scale[dates, assets])
            dates, assets, cells = dates[kept], assets[kept], cells[kept]
            scale[~np.isfinite(scale)] = 0.0
        cell_of = np.full((len(self.rows), self.returns.shape[1]), -1, dtype=np.int16)
        if near <= _FEW_CELLS and not np.isinf(self.returns).any():
            cell_of[dates, assets] = cells
            is_dense = cell_of.size < 8 * len(dates)
            if is_dense and np.count_nonzero(cell_of >= 0) == len(dates):
                homes = _homes(cell_of, per_date, near)
                if homes is not None:
                    return self._multiplied(cell_of, per_date, near, homes, scale)
        return self._added(dates, assets, cells, per_date, scale)

    def _padded(self, values: Floats, columns: Ints | slice = slice(None)) -> Floats:
        """Return some columns with rows of 0 for what a window may see before and after them."""
        rows = len(values)
        width = len(columns) if isinstance(columns, np.ndarray) else values.shape[1]
        out = np.zeros((self.before + rows + self.after, width))
        inner = out[self.before : self.before + rows]
        if isinstance(columns, np.ndarray):
            np.take(values, columns, axis=1, out=inner, mode="clip")
        else:
            inner[:] = values
        return out

    def _added(
        self, dates: Ints, assets: Ints, cells: Ints, per_date: int, scale: Floats | None
    ) -> tuple[Floats, Floats]:
        """Put the members of each date in the order of their cells, and add up run by run."""
        if not bool((dates[1:] >= dates[:-1]).all()):
            order = np.argsort(dates, kind="stable")
            dates, assets, cells = dates[order], assets[order], cells[order]
        edges = np.searchsorted(dates, np.arange(len(self.rows) + 1))
        if per_date < _SIXTEEN_BITS:
            cells = cells.astype(np.int16)  # numpy sorts these by radix
        filled, seen = self._filled()
        values = self._padded(filled)
        known = None if seen is None else self._padded(seen)
        total = np.zeros((len(self.rows), per_date, self.width))
        count = np.zeros_like(total)

        def add(part: slice) -> None:
            for date in range(part.start, part.stop):
                here = slice(int(edges[date]), int(edges[date + 1]))
                order = np.argsort(cells[here], kind="stable")
                own, columns = cells[here][order], assets[here][order]
                starts = np.flatnonzero(np.append(len(own) > 0, own[1:] != own[:-1]))
                if not len(starts):
                    continue
                window = slice(int(self.rows[date]), int(self.rows[date]) + self.width)
                cell = own[starts]
                members = values[window].take(columns, axis=1)
                if scale is not None:
                    members *= scale[date, columns]
                total[date, cell] = np.add.reduceat(members, starts, axis=1).T
                if known is None:
                    lengths = np.diff(starts, append=len(own))
                    inside = self._inside(slice(date, date + 1))[0]
                    count[date, cell] = lengths[:, None] * inside
                else:
                    members = known[window].take(columns, axis=1)
                    count[date, cell] = np.add.reduceat(members, starts, axis=1).T

        over_blocks(add, len(self.rows), self.width * (len(dates) // max(len(self.rows), 1) + 1))
        return total, count

    def _multiplied(
        self,
        cell_of: NDArray[np.int16],
        per_date: int,
        near: int,
        homes: Ints,
        scale: Floats | None,
    ) -> tuple[Floats, Floats]:
        """Multiply each date's window with the matrix that tells its members' cells, by home."""
        total = np.zeros((len(self.rows), per_date, self.width))
        count = np.zeros_like(total)
        filled, known = self._filled()
        work: list[tuple[_Home, slice]] = []
        for first in range(0, per_date, near):
            columns = np.flatnonzero(homes == first // near) if near < per_date else slice(None)
            home = _Home(
                own=slice(first, first + near),
                values=self._padded(filled, columns),
                known=None if known is None else self._padded(known, columns),
                cell_of=cell_of[:, columns],
                scale=None if scale is None else scale[:, columns],
            )
            parts = row_blocks(len(self.rows), near * home.cell_of.shape[1])
            work.extend((home, part) for part in parts)

        def multiply(piece: tuple[_Home, slice]) -> None:
            home, part = piece
            members, weights = home.members(part)
            total[part, home.own] = weights @ self._stacked(home.values, part)
            if home.known is not None:
                count[part, home.own] = members @ self._stacked(home.known, part)
            else:
                inside = self._inside(part)[:, None, :]
                count[part, home.own] = members.sum(axis=2)[:, :, None] * inside

        over_each(multiply, work)
        return total, count

    def _filled(self) -> tuple[Floats, Floats | None]:
        """Return the returns with 0 for NaN, and 1 for the others, None if there is no NaN."""
        missing = np.isnan(self.returns)
        if not missing.any():
            return self.returns, None
        return np.where(missing, 0.0, self.returns), (~missing).astype(np.float64)

    def _stacked(self, padded: Floats, part: slice) -> Floats:
        """Return the windows of some dates: (dates, assets, width)."""
        rows = self.rows[part]
        view = np.lib.stride_tricks.sliding_window_view(padded, self.width, axis=0)
        is_run = bool((rows[1:] - rows[:-1] == 1).all())
        return view[rows[0] : rows[-1] + 1] if is_run else view[rows]

    def _inside(self, part: slice) -> Bools:
        """Tell which places of the windows lie inside the returns: (dates, width)."""
        target = self.rows[part][:, None] + self.relative
        return (target >= 0) & (target < len(self.returns))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Home:
    """Assets that move among a few neighbouring cells.

    Attributes
    ----------
    own : slice
        The cells.
    values, known : ndarray of shape (before + times + after, assets)
        Returns, 0 for NaN, and 1 where there is one; the latter None without NaN.
    cell_of : ndarray of shape (dates, assets), int16
        Cell of each event, -1 where there is none.
    scale : ndarray of shape (dates, assets) or None
        What windows are multiplied with.
    """

    own: slice
    values: Floats
    known: Floats | None
    cell_of: NDArray[np.int16]
    scale: Floats | None

    def members(self, dates: slice) -> tuple[Floats, Floats]:
        """Return 1 where an asset is in a cell, and that scaled: (dates, cells, assets)."""
        numbers = np.arange(self.own.start, self.own.stop, dtype=np.int16)[:, None]
        members = (self.cell_of[dates, None, :] == numbers).astype(np.float64)
        if self.scale is None:
            return members, members
        return members, members * self.scale[dates, None, :]


def _homes(cell_of: NDArray[np.int16], per_date: int, near: int) -> Ints | None:
    """Return the run of `near` cells that each asset stays in; None if one of them moves."""
    if near == per_date:
        return np.zeros(cell_of.shape[1], dtype=np.int64)
    run = cell_of // np.int16(near)  # -1 for no cell
    homes = run.max(axis=0)
    return homes.astype(np.int64) if bool(((run == homes) | (run < 0)).all()) else None


def _divide(total: Floats, count: Floats) -> Floats:
    out = np.full(total.shape, np.nan)
    np.divide(total, count, out=out, where=count > 0)
    return out


def mean_and_std(windows: Floats) -> tuple[Floats, Floats]:
    """Return mean and sample standard deviation over the first axis, NaN skipped."""
    with np.errstate(invalid="ignore"):
        return bn.nanmean(windows, axis=0), bn.nanstd(windows, axis=0, ddof=1)


def blocks(
    cube: Floats, cells: EventCells, *, is_by_group: bool
) -> tuple[Floats, list[tuple[int, int]]]:
    """Return mean and deviation over dates for each group and quantile that has events.

    Parameters
    ----------
    cube : ndarray of shape (dates, groups, quantiles, width)
        Infinite values count as NaN.
    cells : EventCells
    is_by_group : bool
        False: every date and group is one observation of its quantile.

    Returns
    -------
    rows : ndarray of shape (2 * n, width)
        Mean, then standard deviation (ddof 1), group after group.
    keys : list of (group, quantile)
        What the n pairs of rows belong to.
    """
    cube = np.where(np.isinf(cube), np.nan, cube)
    seen = cells.seen()
    rows: list[Floats] = []
    if is_by_group:
        keys = [(int(group), int(quantile)) for group, quantile in np.argwhere(seen)]
    else:
        keys = [(0, int(quantile)) for quantile in np.flatnonzero(seen.any(axis=0))]
    for group, quantile in keys:
        chosen = cube[:, group, quantile] if is_by_group else cube[:, :, quantile]
        rows.extend(mean_and_std(chosen.reshape(-1, cube.shape[3])))
    return np.array(rows), keys


def windows(
    source: Events, returns: pd.DataFrame, before: int, after: int, *, is_rebased: bool = False
) -> tuple[Windows, Around]:
    """Find the events of a frame in the rows and columns of returns."""
    if not isinstance(returns, pd.DataFrame):
        raise InputError(
            f"returns must be a DataFrame of times x assets, got a {type(returns).__name__}"
        )
    row_of = _row_of_dates(source.dates, returns.index)
    known = np.flatnonzero(row_of >= 0)
    if not len(known):
        raise InputError(
            "no date of the factor is in the index of returns: the factor's dates are "
            f"{span_of(source.dates)}, those of returns {span_of(returns.index)}"
        )
    values: Floats = returns.to_numpy(dtype=np.float64, na_value=np.nan)
    if before < 0 or after < 0:
        raise InputError(
            f"a window reaches 0 or more rows before and after the event, got {before} and {after}"
        )
    rows = row_of[known]
    found = Windows(returns=values, rows=rows, before=before, after=after, is_rebased=is_rebased)
    return found, around(source, returns, known)


def around(source: Events, returns: pd.DataFrame, dates: Ints) -> Around:
    """Return the rows of a frame that lie on some of its dates and have a column in returns.

    An asset that a date names twice is one event.
    """
    number = np.full(len(source.dates), -1)
    number[dates] = np.arange(len(dates))
    column_of_asset = returns.columns.get_indexer(source.assets)
    columns, date_codes = column_of_asset[source.asset_codes], number[source.date_codes]
    if len(dates) == len(source.dates) and bool((column_of_asset >= 0).all()):
        rows = np.arange(len(columns))
    else:
        rows = np.flatnonzero((columns >= 0) & (date_codes >= 0))
    if source.has_duplicates:
        _, first = np.unique(
            date_codes[rows] * len(returns.columns) + columns[rows], return_index=True
        )
        rows = rows[np.sort(first)]
    if len(rows) < len(columns):
        date_codes, columns = date_codes[rows], columns[rows]
    return Around(dates=dates, rows=rows, date_codes=date_codes, columns=columns)


def _row_of_dates(dates: pd.DatetimeIndex, index: pd.Index) -> Ints:
    """Return the row of each date, -1 where it is not there."""
    repeated = np.asarray(index.duplicated(keep=False))
    if not repeated.any():
        return index.get_indexer(dates).astype(np.int64)
    ambiguous = dates[dates.isin(index[repeated])]
    if len(ambiguous):
        raise InputError(
            f"returns has more than one row on {len(ambiguous)} dates of the factor, e.g. "
            f"{ambiguous[0]}: keep one row per date"
        )
    rows = np.append(np.flatnonzero(~repeated), -1)
    return rows[index[~repeated].get_indexer(dates)]
