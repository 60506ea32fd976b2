"""What a page is made of: prose, remarks, tables, figures, and sections that hold them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Hashable

    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["Block", "Callout", "Picture", "Prose", "Section", "Table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prose:
    """Paragraphs of plain text.

    Attributes
    ----------
    text : str
        Paragraphs are parted by empty lines; no markup is read.
    """

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Callout:
    """One remark that must not be overlooked.

    Attributes
    ----------
    text : str
        Paragraphs of plain text, parted by empty lines.
    title : str
        Its first line; default: the kind.
    kind : {"note", "good", "warning", "danger"}
        Sets colour and default title.
    """

    text: str
    title: str = ""
    kind: Literal["note", "good", "warning", "danger"] = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A frame as a table; columns of numbers are aligned at the right.

    Attributes
    ----------
    frame : DataFrame
        Any index and columns; missing values show as a dash.
    title : str
        Caption above the table.
    digits : int
        Decimals of floats.
    formats : mapping of column to str
        Format specifications such as ``".1%"``, for the columns that need another than
        `digits`.
    show_index : bool
        Show the index as the first columns.
    max_rows : int
        Longer tables show their first and last rows, and say how many are left out.
    """

    frame: pd.DataFrame
    title: str = ""
    digits: int = 3
    formats: Mapping[Hashable, str] = field(default_factory=dict)
    show_index: bool = True
    max_rows: int = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A matplotlib figure.

    Attributes
    ----------
    figure : Figure
        Drawn as it is; not altered, not closed.
    alt : str
        What a reader who cannot see it needs to know; default: the titles of its axes.
    caption : str
        Line under the figure.
    form : {"auto", "svg", "png"}
        ``auto`` is SVG unless that is larger than 1.5 MB.
    is_split : bool
        Rows of axes become pictures of their own, so that pages break between them.
    """

    figure: Figure
    alt: str = ""
    caption: str = ""
    form: Literal["auto", "svg", "png"] = "auto"
    is_split: bool = True


Block = Prose | Callout | Table | Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading and what stands under it.

    Attributes
    ----------
    title : str
        The heading, also the entry in the list of contents.
    blocks : sequence of Prose, Callout, Table, Picture
        In the order of reading.
    """

    title: str
    blocks: Sequence[Block] = ()
