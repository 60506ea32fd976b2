"""Where pages go: shown one by one, or kept for a `TearSheet`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt

from alphalens._stage.grid import GridFigure
from alphalens._tear_sheet import SheetPart, TearSheet

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["Stage"]


class Stage:
    """Shows every page as it is finished, or keeps all of them for a `TearSheet`."""

    def __init__(self, *, keep: bool) -> None:
        self.keep = keep
        self._parts: list[tuple[str, dict[str, pd.DataFrame], list[Figure]]] = []

    def part(self, title: str) -> None:
        """Begin a new topic."""
        self._parts.append((title, {}, []))

    def table(self, show: Callable[[], object], frames: Mapping[str, pd.DataFrame]) -> None:
        """Print by `show`, or keep `frames` by title."""
        if self.keep:
            self._parts[-1][1].update(frames)
        else:
            show()

    @contextmanager
    def page(self, heights: Sequence[float], cols: int = 1) -> Iterator[GridFigure]:
        """Lend a figure; afterwards show and close it, or keep it unregistered."""
        grid = GridFigure(len(heights), cols, heights=heights)
        figure = grid.fig
        try:
            yield grid
            if self.keep and figure is not None:
                self._parts[-1][2].append(figure)
            else:
                plt.show()
        finally:
            grid.close()

    def sheet(self, title: str, header: Callable[[], Mapping[str, str]]) -> TearSheet | None:
        """Return everything kept under `header`, None if it was shown."""
        if not self.keep:
            return None
        parts = tuple(
            SheetPart(title=name, tables=tables, figures=tuple(figures))
            for name, tables, figures in self._parts
        )
        return TearSheet(title=title, header=header(), parts=parts)
