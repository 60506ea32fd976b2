"""A finished tear sheet: its header, its tables and figures, and the files it can become."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import pandas as pd

from alphalens import _html
from alphalens.errors import InputError

if TYPE_CHECKING:
    from os import PathLike

    from matplotlib.axes import Axes
    from matplotlib.backends.backend_pdf import PdfPages
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = ["SheetPart", "TearSheet"]

_PAGE_INCHES: Final = 16.0
_DPI: Final = 100
_LETTERS: Final = 105


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetPart:
    """One topic of a tear sheet.

    Attributes
    ----------
    title : str
        Its heading.
    tables : mapping of str to DataFrame
        By title, unrounded, in the order of reading.
    figures : tuple of Figure
        In the order of reading.
    """

    title: str
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TearSheet:
    """What ``create_*_tear_sheet(..., return_fig=True)`` gives: data first, files on demand.

    Attributes
    ----------
    title : str
        Title of the saved document.
    header : mapping of str to str
        What a reader must know first: dates, assets, periods, options.
    parts : tuple of SheetPart
        The topics, each with its tables and figures.

    Notes
    -----
    The figures are not registered with pyplot: nothing shows them unasked, and they are freed
    with the sheet. The same sheet gives the same bytes in each format.

    Examples
    --------
    >>> part = SheetPart(title="IC", tables={"Means": pd.DataFrame({"1D": [0.02]})})
    >>> sheet = TearSheet(title="Momentum", header={"Assets": "20"}, parts=(part,))
    >>> sheet.tables["Means"].loc[0, "1D"].item()
    0.02
    """

    title: str
    header: Mapping[str, str] = field(default_factory=dict)
    parts: tuple[SheetPart, ...] = ()

    def __repr__(self) -> str:
        """Return title and contents in a line: a notebook prints what a cell ends with."""
        tables, figures = len(self.tables), len(self.figures)
        return f"TearSheet({self.title!r}, {tables} tables, {figures} figures; .save(path) to read)"

    @property
    def figures(self) -> tuple[Figure, ...]:
        """All figures in the order of reading."""
        return tuple(figure for part in self.parts for figure in part.figures)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """All tables by title, unrounded."""
        return {title: frame for part in self.parts for title, frame in part.tables.items()}

    def with_header(self, header: Mapping[str, str], *, title: str | None = None) -> TearSheet:
        """Return the same sheet with more facts in front, and another title if given.

        Parameters
        ----------
        header : mapping of str to str
            Facts to put before those of the sheet; a key that is there already is replaced.
        title : str, optional
            New title.

        Returns
        -------
        TearSheet
            Shares tables and figures with this one.
        """
        return replace(
            self, header={**header, **_without(self.header, header)}, title=title or self.title
        )

    def sections(self) -> list[_html.Section]:
        """Return the parts as sections of an HTML page, to be placed into a larger report."""
        return [
            _html.Section(
                title=part.title,
                blocks=[
                    *(_html.Table(frame=f, title=title) for title, f in part.tables.items()),
                    *(_html.Picture(figure=figure) for figure in part.figures),
                ],
            )
            for part in self.parts
        ]

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the sheet to a file whose suffix chooses the format.

        Parameters
        ----------
        path : str or path-like
            ``.html``: one self-contained page; ``.pdf``: tables and figures on pages of a
            readable size; ``.png``: everything in one tall image; ``.json``: header and
            tables as data (``pd.DataFrame(**tables[title])`` gives a frame back).

        Returns
        -------
        Path
            The file written.

        Raises
        ------
        InputError
            If the suffix is another, the folder does not exist, or the path is that of a folder.
        """
        target = Path(path)
        writers: dict[str, Callable[[TearSheet, Path], None]] = {
            ".html": _write_html,
            ".pdf": _write_pdf,
            ".png": _write_png,
            ".json": _write_json,
        }
        writer = writers.get(target.suffix.lower())
        if writer is None:
            raise InputError(
                f"cannot save a tear sheet as {target.name!r}: the suffix is "
                f"{target.suffix or 'missing'}, use one of {', '.join(writers)}"
            )
        if not target.parent.is_dir():
            raise InputError(
                f"cannot save a tear sheet as {target}: there is no folder {target.parent}, make "
                "it first"
            )
        if target.is_dir():
            raise InputError(f"cannot save a tear sheet as {target}: that is a folder")
        writer(self, target)
        return target

    def close(self) -> None:
        """Free the memory of the figures; tables and header stay."""
        for figure in self.figures:
            figure.clear()


def _without(header: Mapping[str, str], other: Mapping[str, str]) -> dict[str, str]:
    """Return the facts of `header` whose keys are not in `other`."""
    return {key: value for key, value in header.items() if key not in other}


def _write_html(sheet: TearSheet, path: Path) -> None:
    text = _html.page(sheet.title, sections=sheet.sections(), facts=sheet.header)
    path.write_text(text, encoding="utf-8", newline="\n")


def _write_json(sheet: TearSheet, path: Path) -> None:
    content = {
        "title": sheet.title,
        "header": dict(sheet.header),
        "tables": {title: _plain_frame(frame) for title, frame in sheet.tables.items()},
    }
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def _plain_frame(frame: pd.DataFrame) -> dict[str, list[object]]:
    """Return a frame as lists of plain values, missing ones as None."""
    return {
        "index": [_plain(label) for label in frame.index],
        "columns": [_plain(label) for label in frame.columns],
        "data": [[_plain(value) for value in row] for row in frame.itertuples(index=False)],
    }


def _plain(value: object) -> object:
    """Return a value that JSON knows; what has no number there becomes None."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return str(value)


def _write_pdf(sheet: TearSheet, path: Path) -> None:
    import matplotlib as mpl
    from matplotlib.backends.backend_pdf import PdfPages

    metadata = {"Title": sheet.title, "CreationDate": None}
    with mpl.rc_context({"pdf.fonttype": 42}), PdfPages(path, metadata=metadata) as pages:
        for figure in _text_figures(sheet):
            pages.savefig(figure)
        for figure in sheet.figures:
            _save_in_pages(pages, figure)


def _save_in_pages(pages: PdfPages, figure: Figure) -> None:
    """Write a tall figure as pages of whole rows of axes."""
    from matplotlib.transforms import Bbox

    groups: list[list[tuple[list[Axes], Bbox]]] = []
    for strip in _html.strips(figure):
        if groups and groups[-1][0][1].y1 - strip[1].y0 <= _PAGE_INCHES:
            groups[-1].append(strip)
        else:
            groups.append([strip])
    for group in groups:
        box = Bbox.union([box for _, box in group])
        with _html.only(figure, [ax for axes, _ in group for ax in axes]):
            pages.savefig(figure, bbox_inches=box)  # type: ignore[no-untyped-call]  # untyped there


def _write_png(sheet: TearSheet, path: Path) -> None:
    from matplotlib.image import imsave

    images = [_pixels(figure) for figure in (*_text_figures(sheet), *sheet.figures)]
    width = max(image.shape[1] for image in images)
    padded = [
        np.pad(image, ((0, 0), (0, width - image.shape[1]), (0, 0)), constant_values=255)
        for image in images
    ]
    imsave(path, np.vstack(padded), metadata={"Software": ""})


def _pixels(figure: Figure) -> NDArray[np.uint8]:
    """Return the figure as rows x columns x RGB."""
    from PIL import Image

    buffer = io.BytesIO()
    fast = {"compress_level": 1}
    figure.savefig(buffer, format="png", dpi=_DPI, facecolor="white", pil_kwargs=fast)
    return np.asarray(Image.open(buffer).convert("RGB"))


def _text_figures(sheet: TearSheet) -> list[Figure]:
    """Return header and tables, drawn as text on one figure."""
    lines = sum(3 + sum(map(_lines_of, frame.to_numpy())) for frame in sheet.tables.values())
    facts = sum(len(_wrapped(value)) for value in sheet.header.values())
    height = 0.28 * (4 + facts + lines)
    writer = _TextPage(height)
    writer.heading(sheet.title, size=17)
    for key, value in sheet.header.items():
        writer.pair(key, value)
    for title, frame in sheet.tables.items():
        writer.table(title, frame)
    return [writer.figure]


def _wrapped(text: str) -> list[str]:
    """Return a text as lines that fit beside its name."""
    return wrap(text, _LETTERS) or [""]


def _lines_of(row: NDArray[np.generic]) -> int:
    """Return how many lines a row of a table takes: more than one where a cell holds words."""
    return max((len(_wrapped(value)) for value in row if isinstance(value, str)), default=1)


class _TextPage:
    """Writes lines from top to bottom on a figure; places are inches from the upper left."""

    _LINE = 0.28

    def __init__(self, height: float) -> None:
        from matplotlib.figure import Figure

        self.figure = Figure(figsize=(14, height), facecolor="white")
        self._height = height
        self._y = 0.5

    def _put(
        self,
        x: float,
        text: str,
        *,
        size: float = 11.5,
        color: str = "#262626",
        align: Literal["left", "right"] = "left",
        weight: str = "normal",
    ) -> None:
        self.figure.text(
            x / 14, 1 - self._y / self._height, text,
            ha=align, va="center", fontsize=size, color=color, fontweight=weight,
        )  # fmt: skip

    def heading(self, text: str, *, size: float) -> None:
        """Write a bold line and leave room under it."""
        self._put(0.9, text, size=size, weight="bold")
        self._y += self._LINE * 1.4

    def pair(self, key: str, value: str) -> None:
        """Write one fact."""
        self._put(0.9, key, color="#6b7280")
        self._words(3.4, value)

    def _words(self, x: float, text: str) -> None:
        """Write a text in as many lines as it takes."""
        for line in _wrapped(text):
            self._put(x, line)
            self._y += self._LINE

    def table(self, title: str, frame: pd.DataFrame) -> None:
        """Write a table, its numbers aligned at the right."""
        self._y += self._LINE * 0.8
        self.heading(title, size=13)
        labels = [str(label).strip() for label in frame.index]
        first = 0.9 + 0.095 * max([len(label) for label in labels], default=0) + 0.35
        step = 0.095 * max([12, *(len(str(column)) + 3 for column in frame.columns)])
        for i, column in enumerate(frame.columns):
            self._put(first + (i + 1) * step, str(column), align="right", color="#6b7280")
        self._y += self._LINE
        for label, row in zip(labels, frame.itertuples(index=False), strict=True):
            self._put(0.9, label)
            words = [value for value in row if isinstance(value, str)]
            for i, value in enumerate(row):
                if not isinstance(value, str):
                    self._put(first + (i + 1) * step, _html.shown(value), align="right")
            self._words(first, "; ".join(words))
