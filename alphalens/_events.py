"""Averages of returns in windows around events: dates and the assets that belong to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import bottleneck as bn
import numpy as np
import pandas as pd

from alphalens.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

_SPARSE = 16
"""A date with fewer than one in this many assets of the returns is averaged by look-up."""

_LOOKED_UP = 1 << 22
"""Values looked up at once."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """Events that returns know: the dates taken, and the row, date and column of each event."""

    dates: Ints
    rows: Ints
    date_codes: Ints
    columns: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class EventCells:
    """Events (a date and an asset), with the quantile and the group of each; -1 for none."""

    dates: Ints
    assets: Ints
    quantiles: Ints
    groups: Ints | None
    n_quantiles: int
    n_groups: int

    def own(self, per_date: int) -> tuple[Ints, Ints, Ints]:
        """Return date, asset and cell of the events in their group and quantile."""
        number = self.dates * per_date + self.quantiles
        kept = self.quantiles >= 0
        if self.groups is not None:
            number = number + self.groups * self.n_quantiles
            kept = kept & (self.groups >= 0)
        return self.dates[kept], self.assets[kept], number[kept]

    def universe(self, per_date: int, first: int, *, is_by_group: bool) -> tuple[Ints, Ints, Ints]:
        """Return date, asset and cell of the events in the universe cells of their date."""
        number = self.dates * per_date + first
        if not is_by_group or self.groups is None:
            return self.dates, self.assets, number
        kept = self.groups >= 0
        return self.dates[kept], self.assets[kept], (number + self.groups)[kept]

    def seen(self) -> Bools:
        """Tell which groups and quantiles have an event, shape (groups, quantiles)."""
        per_date = self.n_groups * self.n_quantiles
        _, _, numbers = self.own(per_date)
        counts = np.bincount(numbers % per_date, minlength=per_date)
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
    """

    returns: Floats
    rows: Ints
    before: int
    after: int

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
        n_dates = len(self.rows)
        own = cells.n_groups * cells.n_quantiles
        extra = {"date": 1, "group": cells.n_groups}.get(universe or "", 0)
        members = [cells.own(own + extra)]
        if extra:
            members.append(cells.universe(own + extra, own, is_by_group=universe == "group"))
        dates, assets, numbers = (np.concatenate(parts) for parts in zip(*members, strict=True))
        means = self.means(dates, assets, numbers, n_dates * (own + extra))
        means = means.reshape(n_dates, own + extra, self.width)
        cube = means[:, :own].reshape(n_dates, cells.n_groups, cells.n_quantiles, self.width)
        if not extra:
            return cube
        with np.errstate(invalid="ignore"):
            out: Floats = cube - means[:, own:].reshape(n_dates, extra, 1, self.width)
        return out

    def means(self, dates: Ints, assets: Ints, cells: Ints, n_cells: int) -> Floats:
        """Return the mean window of the members of each cell.

        Parameters
        ----------
        dates, assets, cells : ndarray of shape (members,), int64
            Date, asset and cell of each member; a cell holds members of one date.
        n_cells : int
            Cells in all; must be dates x cells of a date, in this order.

        Returns
        -------
        ndarray of shape (n_cells, width)
            NaN values are skipped; NaN where a cell has no value at that offset.
        """
        n_dates = len(self.rows)
        per_date = n_cells // max(n_dates, 1)
        is_sparse = len(dates) * _SPARSE < n_dates * self.returns.shape[1]
        if is_sparse or np.isinf(self.returns).any():
            return self._looked_up(dates, assets, cells, n_cells)
        return self._multiplied(dates, assets, cells, per_date)

    def _looked_up(self, dates: Ints, assets: Ints, cells: Ints, n_cells: int) -> Floats:
        """Add up looked-up values under their cell."""
        total = np.zeros((n_cells, self.width))
        count = np.zeros((n_cells, self.width))
        step = max(_LOOKED_UP // self.width, 1)
        for start in range(0, len(dates), step):
            part = slice(start, start + step)
            values = self.values(dates[part], assets[part])
            known = ~np.isnan(values)
            for offset in range(self.width):
                keys = cells[part][known[:, offset]]
                chosen = values[known[:, offset], offset]
                total[:, offset] += np.bincount(keys, weights=chosen, minlength=n_cells)
                count[:, offset] += np.bincount(keys, minlength=n_cells)
        return _divide(total, count)

    def _multiplied(self, dates: Ints, assets: Ints, cells: Ints, per_date: int) -> Floats:
        """Multiply each date's window with the matrix that tells its members' cells."""
        n_assets = self.returns.shape[1]
        missing = np.isnan(self.returns)
        has_missing = bool(missing.any())
        filled = np.where(missing, 0.0, self.returns) if has_missing else self.returns
        known = (~missing).astype(np.float64)
        order = np.argsort(dates, kind="stable")
        bounds = np.searchsorted(dates[order], np.arange(len(self.rows) + 1))
        total = np.zeros((len(self.rows), per_date, self.width))
        count = np.zeros_like(total)
        for date, row in enumerate(self.rows.tolist()):
            part = order[bounds[date] : bounds[date + 1]]
            place_of = (cells[part] - date * per_date) * n_assets + assets[part]
            members = np.bincount(place_of, minlength=per_date * n_assets).astype(np.float64)
            members = members.reshape(per_date, n_assets)
            first, last = max(row - self.before, 0), row + self.after + 1
            place = slice(first - row + self.before, min(last, len(filled)) - row + self.before)
            total[date, :, place] = members @ filled[first:last].T
            if has_missing:
                count[date, :, place] = members @ known[first:last].T
            else:
                count[date, :, place] = members.sum(axis=1)[:, None]
        return _divide(total, count).reshape(-1, self.width)


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
    source: Events, returns: pd.DataFrame, before: int, after: int
) -> tuple[Windows, Around]:
    """Find the events of a frame in the rows and columns of returns."""
    row_of = _row_of_dates(source.dates, returns.index)
    known = np.flatnonzero(row_of >= 0)
    if not len(known):
        raise InputError(
            "no date of the factor is in the index of returns: the factor's dates are "
            f"{_span(source.dates)}, those of returns {_span(returns.index)}"
        )
    values: Floats = returns.to_numpy(dtype=np.float64, na_value=np.nan)
    found = Windows(returns=values, rows=row_of[known], before=before, after=after)
    return found, around(source, returns, known)


def around(source: Events, returns: pd.DataFrame, dates: Ints) -> Around:
    """Return the rows of a frame that lie on some of its dates and have a column in returns."""
    number = np.full(len(source.dates), -1)
    number[dates] = np.arange(len(dates))
    column_of_asset = returns.columns.get_indexer(source.assets)
    columns, date_codes = column_of_asset[source.asset_codes], number[source.date_codes]
    rows = np.flatnonzero((columns >= 0) & (date_codes >= 0))
    return Around(dates=dates, rows=rows, date_codes=date_codes[rows], columns=columns[rows])


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


def _span(index: pd.Index) -> str:
    return f"{index.min()} to {index.max()}" if len(index) else "none"
