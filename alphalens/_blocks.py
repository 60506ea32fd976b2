"""Work on a matrix in blocks of rows that fit the processor's cache, on all processors.

The blocks are the same whatever the number of processors, so a result never depends on it.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")
Item = TypeVar("Item")

CACHE_CELLS = 1 << 17
"""Cells worked on at once, so that the temporaries stay in the processor's cache."""

_WORTH_THREADS = 4
"""Blocks below which starting threads costs more than it gives."""

_MOST_THREADS = 8

_RUNS = 4
"""Runs of neighbouring blocks that each thread takes."""


def block_rows(width: int) -> int:
    """Return the most rows of this width that a block holds, at least one."""
    return max(CACHE_CELLS // max(width, 1), 1)


def row_blocks(rows: int, width: int) -> Iterator[slice]:
    """Yield slices over `rows` that hold about `CACHE_CELLS` cells each."""
    step = block_rows(width)
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))


def over_blocks(work: Callable[[slice], T], rows: int, width: int) -> list[T]:
    """Call `work` with every block of rows, on several threads if there are many blocks.

    Parameters
    ----------
    work : callable
        Reads and writes the rows of its slice alone. numpy lets go of the interpreter lock inside
        its loops, so threads run side by side.
    rows, width : int
        Shape of the matrix.

    Returns
    -------
    list
        What `work` returned, in the order of the blocks.
    """
    return over_each(work, list(row_blocks(rows, width)))


def over_each(work: Callable[[Item], T], blocks: list[Item]) -> list[T]:
    """Call `work` with every block, on several threads if there are many; see `over_blocks`.

    A thread takes neighbouring blocks, so that two of them seldom reach for one page of memory.
    """
    workers = min(_processors(), len(blocks) // _WORTH_THREADS + 1, _MOST_THREADS)
    if workers < 2:
        return [work(block) for block in blocks]
    size = -(-len(blocks) // (workers * _RUNS))
    runs = [blocks[start : start + size] for start in range(0, len(blocks), size)]
    with ThreadPoolExecutor(workers) as pool:
        done = pool.map(lambda run: [work(block) for block in run], runs)
        return [result for run in done for result in run]


def _processors() -> int:
    """Return the processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
