"""The evaluation of trees on panels: each part once, kept until its last user is done.

A part is computed block by block, so that the temporaries of its kernel stay in the processor's
cache: over assets where a value depends on its own asset, over dates where it depends on its
date. Blocks do not touch one another, and may run in several threads; the numbers are the same.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from alphalens.errors import InputError
from alphalens.factors import _elementwise, _sections, _windows
from alphalens.factors._grammar import RULES, as_whole
from alphalens.factors._panels import Groups, Panel, Sources

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Kernel = Callable[..., Floats]

__all__ = ["Node", "run"]

_CACHE_CELLS: Final = 1 << 15
"""Cells of one block."""


_ALONG: Final[dict[str, Kernel]] = {**_elementwise.KERNELS, **_windows.KERNELS}
"""Kernels by asset: matrices of assets x dates, and numbers."""

_ACROSS: Final[dict[str, Kernel]] = {
    "demean": _sections.demean,
    "quantile": _sections.quantile_labels,
    "rank": _sections.share_ranks,
    "scale": _sections.scale,
    "winsorize": _sections.winsorise,
    "zscore": _sections.zscore,
}
"""Kernels by date: one matrix of dates x assets, and numbers."""


class Node(Protocol):
    """What the evaluation reads of an expression."""

    @property
    def operator(self) -> str: ...
    @property
    def operands(self) -> tuple[Node, ...]: ...
    @property
    def parameters(self) -> tuple[float, ...]: ...
    @property
    def label(self) -> str: ...
    @property
    def canonical(self) -> str: ...
    @property
    def fields(self) -> frozenset[str]: ...
    @property
    def groups(self) -> frozenset[str]: ...


def run(
    roots: Mapping[str, Node], sources: Sources, groups: Groups, n_jobs: int
) -> dict[str, pd.DataFrame]:
    """Return the values of each root on the panel; see `alphalens.factors.evaluate_many`."""
    for root in roots.values():
        if not root.fields:
            raise InputError(f"{root.canonical!r} holds no field, so it has no dates and no assets")
    if not roots:
        return {}
    fields = frozenset[str]().union(*(root.fields for root in roots.values()))
    labels = frozenset[str]().union(*(root.groups for root in roots.values()))
    panel = Panel(sources, groups, fields, labels)
    threads = _threads(n_jobs)
    with ThreadPoolExecutor(threads) if threads > 1 else nullcontext() as pool:
        return _Run(panel, roots, pool).results()


def _threads(n_jobs: int) -> int:
    count = as_whole(n_jobs)
    if count is None or (count < 1 and count != -1):
        raise InputError(f"n_jobs must be a number of threads, or -1 for all cores, got {n_jobs!r}")
    return count if count > 0 else os.cpu_count() or 1


class _Run:
    """One evaluation: which parts are needed how often, and what is held."""

    def __init__(self, panel: Panel, roots: Mapping[str, Node], pool: Executor | None) -> None:
        self._panel, self._roots, self._pool = panel, roots, pool
        self._order: list[Node] = []
        self._users: Counter[str] = Counter()
        self._names: dict[str, list[str]] = {}
        self._held: dict[str, Floats] = {}
        self._spare: list[Floats] = []
        for name, root in roots.items():
            self._names.setdefault(root.canonical, []).append(name)
            self._plan(root)

    def _plan(self, node: Node) -> None:
        """Put a part after its operands, and count who needs it."""
        self._users[node.canonical] += 1
        if self._users[node.canonical] == 1 and node.operator != "number":
            for operand in node.operands:
                self._plan(operand)
            self._order.append(node)

    def results(self) -> dict[str, pd.DataFrame]:
        """Compute every part, and return the roots by name, each in memory of its own."""
        kept: dict[str, Floats] = {}
        for node in self._order:
            values = self._held[node.canonical] = self._value(node)
            names = self._names.get(node.canonical, [])
            kept.update((name, values if name is names[0] else values.copy()) for name in names)
            for part in (*node.operands, *(node for _ in names)):
                self._release(part)
        return {name: self._panel.frame(kept[name]) for name in self._roots}

    def _release(self, node: Node) -> None:
        """Count one user less; what nobody needs leaves its memory to what comes."""
        self._users[node.canonical] -= 1
        if not self._users[node.canonical] and node.canonical in self._held:
            values = self._held.pop(node.canonical)
            if node.canonical not in self._names:
                self._spare.append(values)

    def _value(self, node: Node) -> Floats:
        if node.operator == "field":
            return self._panel.field(node.label)
        rule = RULES[node.operator]
        if rule.rows(node.parameters) >= self._panel.shape[1]:
            return np.full(self._panel.shape, np.nan)
        out = self._spare.pop() if self._spare else np.empty(self._panel.shape)
        return self._computed(node, out, is_section=rule.kind == "section")

    def _computed(self, node: Node, out: Floats, *, is_section: bool) -> Floats:
        """Run the kernel of a part on every block; the blocks do not depend on the threads."""
        assets, dates = out.shape
        if is_section:
            codes = self._panel.codes(node.label) if node.label else None
            operand = self._held[node.operands[0].canonical]
            work = partial(_compute_dates, node, operand, codes, out)
            blocks = _blocks(dates, assets)
        else:
            work = partial(_compute_assets, node, [self._operand(x) for x in node.operands], out)
            blocks = _blocks(assets, dates)
        for _ in (self._pool.map if self._pool else map)(work, blocks):
            pass
        return out

    def _operand(self, node: Node) -> Floats | float:
        return node.parameters[0] if node.operator == "number" else self._held[node.canonical]


def _blocks(length: int, width: int) -> list[slice]:
    step = max(_CACHE_CELLS // max(width, 1), 1)
    return [slice(start, start + step) for start in range(0, length, step)]


def _compute_assets(node: Node, operands: list[Floats | float], out: Floats, block: slice) -> None:
    kernel = _ALONG[node.operator]
    parts = [part if isinstance(part, float) else part[block] for part in operands]
    with np.errstate(all="ignore"):
        values = kernel(*parts, *node.parameters)
    np.copyto(values, np.nan, where=np.isinf(values))
    out[block] = values


def _compute_dates(
    node: Node, operand: Floats, codes: Ints | None, out: Floats, block: slice
) -> None:
    kernel = _ACROSS[node.operator]
    matrix = np.ascontiguousarray(operand[:, block].T)
    cells = None
    if codes is not None:
        own = codes if codes.ndim == 1 else np.ascontiguousarray(codes[:, block].T)
        cells = _sections.group_cells(own, matrix.shape)
    with np.errstate(all="ignore"):
        values = _sections.by_group(lambda rows: kernel(rows, *node.parameters), matrix, cells)
    np.copyto(values, np.nan, where=np.isinf(values))
    out[:, block] = values.T
