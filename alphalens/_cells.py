"""Rows of a long frame gathered into cells, one matrix row each; what is kept of them, and when.

What is computed from values is bound to a fingerprint of the columns it came from, so that a column
that was changed in place changes the result.
"""

from __future__ import annotations

import zlib
from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar, cast

import numpy as np

from alphalens._blocks import over_each, row_blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

T = TypeVar("T")
Number = TypeVar("Number", bound=np.generic)

_CROWDED = 4
"""Cells of a packed matrix allowed per value before rows are split by their length."""

_SMALL = 1 << 20
"""Cells that are never worth splitting."""


class Memory:
    """Results bound to a fingerprint of the columns they were computed from."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[tuple[int, ...], object]] = {}

    def recall(
        self, name: Hashable, columns: Sequence[NDArray[np.generic]], build: Callable[[], T]
    ) -> T:
        """Return `build()`, or what it gave while the bytes of `columns` were the same."""
        prints = tuple(fingerprint(column) for column in columns)
        found = self._kept.get(name)
        if found is not None and found[0] == prints:
            return found[1]  # type: ignore[return-value]  # kept under this name by `build`
        value = build()
        self._kept[name] = (prints, value)
        return value


class Cells:
    """The rows of a long frame, gathered into cells: one per date, or per date and group.

    Parameters
    ----------
    keys : ndarray of shape (rows,), int64
        Cell of each row, 0 <= key < `size`; -1 leaves the row out of every cell.
    size : int
        Number of cells.

    Notes
    -----
    A kernel sees matrices with one cell per row, short cells padded with NaN. Where the frame is
    sorted and every cell has as many members, the matrix is the column itself, reshaped without a
    copy. Where the lengths differ so much that padding would dominate, cells are packed in classes
    of similar length, so that memory stays within a few times the column.
    """

    def __init__(self, keys: Ints, size: int, *, members: Ints | None = None) -> None:
        self.keys, self.size = keys, size
        self.memory = Memory()
        self.has_left_out = members is None and bool(len(keys)) and int(keys.min()) < 0
        if members is None:
            kept = keys[keys >= 0] if self.has_left_out else keys
            members = np.bincount(kept, minlength=size).astype(np.int64)
        self.members: Ints = members

    @cached_property
    def is_sorted(self) -> bool:
        """Whether the rows stand cell after cell."""
        return bool((self.keys[1:] >= self.keys[:-1]).all())

    @cached_property
    def width(self) -> int:
        """Members of the largest cell."""
        return int(self.members.max()) if self.size else 0

    @cached_property
    def is_rectangular(self) -> bool:
        """Whether the column, reshaped, already is the matrix."""
        return not self.has_left_out and self.size * self.width == len(self.keys) and self.is_sorted

    @cached_property
    def _classes(self) -> list[_Class]:
        """The matrices that kernels see."""
        if not self.width:
            return []
        order: Ints | slice = slice(None)
        keys = self.keys
        if self.has_left_out or not self.is_sorted:
            order = stable_order(keys)[int((keys < 0).sum()) :]
            keys = keys[order]
        rows = np.arange(len(self.keys))[order]
        start = np.concatenate(([0], np.cumsum(self.members)))[:-1]
        column = np.arange(len(keys)) - start[keys]
        if is_worth_laying_out(self.size * self.width, len(keys)):
            every = np.arange(self.size)
            return [self._class(every, rows, keys * self.width + column, self.width)]
        return self._split(keys, column, rows)

    def _split(self, keys: Ints, column: Ints, rows: Ints) -> list[_Class]:
        length_class = np.frexp(self.members)[1]
        out: list[_Class] = []
        for number in np.unique(length_class):
            cells = np.flatnonzero(length_class == number)
            width = int(self.members[cells].max())
            position = np.full(self.size, -1)
            position[cells] = np.arange(len(cells))
            chosen = position[keys] >= 0
            places = position[keys[chosen]] * width + column[chosen]
            out.append(self._class(cells, rows[chosen], places, width))
        return out

    def _class(self, cells: Ints, rows: Ints, places: Ints, width: int) -> _Class:
        """Return the matrix of some cells that holds these rows at these flat places."""
        source = np.full(len(cells) * width, len(self.keys))
        source[places] = rows
        outside = np.flatnonzero(source == len(self.keys))
        return _Class(cells=cells, source=source, outside=outside, shape=(len(cells), width))

    def map(self, kernel: Callable[..., T], *columns: Floats) -> list[T]:
        """Apply a kernel (matrices, then members) to each class of cells."""
        if self.width and self.is_rectangular:
            return [kernel(*(self._reshaped(column) for column in columns), self.members)]
        out = []
        for part in self._classes:
            packed = [part.packed(column) for column in columns]
            out.append(kernel(*packed, self.members[part.cells]))
        return out

    def flat(self, matrices: list[NDArray[Number]], *, outside: float = np.nan) -> NDArray[Number]:
        """Put matrices, as `map` gave them by class, into the order of the rows.

        Rows outside every cell become `outside`.
        """
        if not matrices:
            return cast("NDArray[Number]", np.full(len(self.keys), outside))
        if self.is_rectangular:
            return matrices[0].reshape(-1)
        out = np.full(len(self.keys) + 1, outside, dtype=matrices[0].dtype)  # the last for padding
        for part, matrix in zip(self._classes, matrices, strict=True):
            out[part.source] = matrix.reshape(-1)
        return out[:-1]

    def gather(self, parts: list[Floats]) -> Floats:
        """Put one number per cell, as `map` gave them by class, into the order of the cells."""
        out = np.full(self.size, np.nan)
        if not parts:
            return out
        if self.is_rectangular:
            return parts[0]
        for cells, part in zip(self.classes(), parts, strict=True):
            out[cells] = part
        return out

    def reduce(self, kernel: Callable[..., Floats], *columns: Floats) -> Floats:
        """Apply a kernel (matrices, then members) that gives one number per cell."""
        return self.gather(self.map(kernel, *columns))

    def transform(
        self,
        kernel: Callable[[Floats], NDArray[Number]],
        column: Floats,
        *,
        outside: float = np.nan,
    ) -> NDArray[Number]:
        """Apply a kernel that maps matrix to matrix; rows outside every cell become `outside`."""
        matrices = self.map(lambda matrix, _: kernel(matrix), column)
        return self.flat(matrices, outside=outside)

    def classes(self) -> list[Ints]:
        """Return the cells of each matrix that a kernel sees, in order."""
        if self.width and self.is_rectangular:
            return [np.arange(self.size)]
        return [part.cells for part in self._classes]

    def spread(self, per_cell: Floats) -> Floats:
        """Give every row the number of its cell; NaN to rows outside."""
        if self.is_rectangular:
            return np.repeat(per_cell, self.width)
        if self.has_left_out:
            return np.append(per_cell, np.nan)[self.keys]
        return per_cell[self.keys]

    def _reshaped(self, column: Floats) -> Floats:
        return column.reshape(self.size, self.width)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Class:
    """Cells of similar length, and the matrix that has one of them per row.

    Attributes
    ----------
    cells : ndarray of shape (rows of the matrix,), int64
    source : ndarray of shape (cells of the matrix,), int64
        Row of the frame at each flat place; the number of rows where there is none.
    outside : ndarray of int64
        Flat places that hold no row.
    shape : tuple of two ints
    """

    cells: Ints
    source: Ints
    outside: Ints
    shape: tuple[int, int]

    def packed(self, column: Floats) -> Floats:
        """Lay a column out, NaN where there is no row."""
        out = np.empty(self.shape)
        values = out.reshape(-1)

        def fetch(block: slice) -> None:
            column.take(self.source[block], out=values[block], mode="clip")

        over_each(fetch, list(row_blocks(len(values), 1)))
        values[self.outside] = np.nan
        return out


def stable_order(keys: Ints) -> Ints:
    """Return the stable ascending order of keys >= -1, by radix (numpy sorts 16 bits that way)."""
    order: Ints = np.argsort((keys & 0x7FFF).astype(np.int16), kind="stable")
    high = keys >> 15
    low, top = (int(high.min()), int(high.max())) if len(high) else (0, 0)
    if low == top:
        return order
    digits = high[order]
    digits = digits.astype(np.int16) if top < 0x7FFF else digits
    return order[np.argsort(digits, kind="stable")]


def is_worth_laying_out(cells: int, values: int) -> bool:
    """Tell whether a matrix of so many cells is no waste for so many values."""
    return cells <= max(_CROWDED * values, _SMALL)


def fingerprint(values: NDArray[np.generic]) -> int:
    """Return a checksum of a column's bytes.

    A cyclic checksum sees places but adds up bit by bit; a sum with carries sees what it misses.
    """
    whole = np.ascontiguousarray(values)
    words = whole.view(f"u{whole.itemsize}")

    def check(block: slice) -> tuple[int, int]:
        part = words[block]
        return zlib.crc32(part.data), int(np.add.reduce(part, dtype=np.uint64))

    return hash(tuple(over_each(check, list(row_blocks(len(whole), 1)))))
