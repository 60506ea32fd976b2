"""Prose, tables and figures into one self-contained HTML file that needs no network.

Everything a reader may put in is escaped; the same input gives the same bytes. Figures are
inline SVG whose ink and paper follow the reader's light or dark setting; one that would be very
large becomes a PNG inside the file. A page is::

    page("Report", facts={"Data": "20 stocks"}, sections=[
        Section(title="Result", blocks=[Prose(text="..."), Table(frame=frame)]),
    ])
"""

from __future__ import annotations

import base64
import datetime as dt
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from html import escape
from importlib.resources import files
from numbers import Integral, Real
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import pandas as pd

from alphalens.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Hashable

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox

__all__ = ["Block", "Callout", "Picture", "Prose", "Section", "Table", "page", "shown", "strips"]

_MISSING: Final = "\u2013"
_LARGEST_SVG: Final = 1_500_000
_SAVING: Final = {
    "path.simplify_threshold": 0.4,
    "svg.fonttype": "none",
    "svg.hashsalt": "alphalens",
}
_ROLES: Final = {
    "#000000": "ink",
    "#262626": "ink",
    "#6b7280": "muted",
    "#b9bec6": "rule",
    "#cccccc": "rule",
    "#b0b0b0": "line",
    "#e3e6ea": "line",
    "#eaeaf2": "panel",
    "#ffffff": "paper",
}


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


def page(
    title: str,
    *,
    sections: Iterable[Section],
    subtitle: str = "",
    facts: Mapping[str, object] | None = None,
    footer: str = "",
    language: str = "en",
) -> str:
    """Return a whole HTML document.

    Parameters
    ----------
    title : str
        Title of the document and its first heading.
    sections : iterable of Section
        The body; three or more get a list of contents.
    subtitle : str
        Line under the title.
    facts : mapping of str to object, optional
        What a reader must know first (data, dates, caveats), as a block of key and value.
    footer : str
        Last line. Give a time here if the document shall carry one; none is added.
    language : str
        Language tag of the document.

    Returns
    -------
    str
        UTF-8 text that loads nothing: styles and figures are inside, scripts there are none.

    Raises
    ------
    InputError
        If a block is of a kind that is not known.

    Examples
    --------
    >>> text = page("P&L", sections=[Section(title="Day", blocks=[Prose(text="1 < 2")])])
    >>> "<h1>P&amp;L</h1>" in text, "<p>1 &lt; 2</p>" in text
    (True, True)
    """
    chosen = list(sections)
    anchors = _anchors(section.title for section in chosen)
    writer = _Writer()
    body = "\n".join(
        writer.section(section, anchor) for section, anchor in zip(chosen, anchors, strict=True)
    )
    head = "\n".join(
        part
        for part in (
            f"<h1>{escape(title)}</h1>",
            f'<p class="subtitle">{escape(subtitle)}</p>' if subtitle else "",
            _facts(facts or {}),
            _contents(chosen, anchors),
        )
        if part
    )
    foot = f"<footer>{escape(footer)}</footer>\n" if footer else ""
    return _DOCUMENT.format(
        language=escape(language),
        title=escape(title),
        style=files("alphalens").joinpath("_html.css").read_text(encoding="utf-8"),
        head=head,
        body=body,
        foot=foot,
    )


_DOCUMENT: Final = """\
<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" \
content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<header>
{head}
</header>
<main>
{body}
</main>
{foot}</body>
</html>
"""


def _facts(facts: Mapping[str, object]) -> str:
    """Return the block of keys and values."""
    if not facts:
        return ""
    rows = "\n".join(
        f"<div><dt>{escape(key)}</dt><dd>{escape(str(value))}</dd></div>"
        for key, value in facts.items()
    )
    return f'<dl class="facts">\n{rows}\n</dl>'


def _contents(sections: Sequence[Section], anchors: Sequence[str]) -> str:
    """Return the list of contents, nothing for a short document."""
    if len(sections) < 3:
        return ""
    links = " ".join(
        f'<a href="#{anchor}">{escape(section.title)}</a>'
        for section, anchor in zip(sections, anchors, strict=True)
    )
    return f'<nav aria-label="Contents">{links}</nav>'


def _anchors(titles: Iterable[str]) -> list[str]:
    """Return one identifier per title, all different."""
    seen: dict[str, int] = {}
    anchors = []
    for title in titles:
        slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "section"
        seen[slug] = seen.get(slug, 0) + 1
        anchors.append(f"s-{slug}" if seen[slug] == 1 else f"s-{slug}-{seen[slug]}")
    return anchors


class _Writer:
    """Writes blocks of one page; counts the pictures so that their identifiers differ."""

    def __init__(self) -> None:
        self._pictures = 0

    def section(self, section: Section, anchor: str) -> str:
        """Return one section with its blocks."""
        blocks = "\n".join(self._block(block) for block in section.blocks)
        heading = f"<h2>{escape(section.title)}</h2>" if section.title else ""
        return f'<section id="{anchor}">\n{heading}\n{blocks}\n</section>'

    def _block(self, block: Block) -> str:
        if isinstance(block, Prose):
            return _paragraphs(block.text)
        if isinstance(block, Callout):
            return _callout(block)
        if isinstance(block, Table):
            return _table(block)
        if isinstance(block, Picture):
            return self._picture(block)
        raise InputError(
            f"a section holds Prose, Callout, Table or Picture, not {type(block).__name__}"
        )

    def _picture(self, picture: Picture) -> str:
        parts = strips(picture.figure) if picture.is_split else []
        drawings = []
        for axes, box in parts if len(parts) > 1 else [(None, None)]:
            alt = picture.alt or _titles(axes or picture.figure.axes)
            drawings.append(self._drawing(picture, alt, axes, box))
        caption = f"<figcaption>{escape(picture.caption)}</figcaption>" if picture.caption else ""
        return "\n".join(
            [f"<figure>{drawing}</figure>" for drawing in drawings[:-1]]
            + [f"<figure>{drawings[-1]}{caption}</figure>"]
        )

    def _drawing(
        self, picture: Picture, alt: str, axes: Sequence[Axes] | None, box: Bbox | None
    ) -> str:
        self._pictures += 1
        if picture.form != "png":
            text = _svg(picture.figure, axes, box)
            if picture.form == "svg" or len(text) <= _LARGEST_SVG:
                return _inline(text, f"f{self._pictures}-", alt)
        data = base64.b64encode(_save(picture.figure, "png", axes, box)).decode("ascii")
        return f'<img alt="{escape(alt)}" src="data:image/png;base64,{data}">'


def _paragraphs(text: str) -> str:
    """Return escaped paragraphs."""
    parts = (part.strip() for part in re.split(r"\n\s*\n", text))
    return "\n".join(f"<p>{escape(part)}</p>" for part in parts if part)


def _callout(callout: Callout) -> str:
    """Return a remark with its colour and its title in words."""
    title = callout.title or callout.kind.capitalize()
    return (
        f'<aside class="callout {escape(callout.kind)}" role="note">'
        f"<strong>{escape(title)}</strong>\n{_paragraphs(callout.text)}</aside>"
    )


def _table(table: Table) -> str:
    """Return a table inside a region that scrolls sideways on narrow screens."""
    frame, gap = _shortened(table)
    numeric = [_is_numeric(table.frame.iloc[:, i]) for i in range(frame.shape[1])]
    columns = [list(frame.iloc[:, i]) for i in range(frame.shape[1])]
    rows = [
        _row(table, label, [column[i] for column in columns], numeric)
        for i, label in enumerate(frame.index)
    ]
    if gap:
        width = frame.shape[1] + (frame.index.nlevels if table.show_index else 0)
        text = f"{gap:,} rows not shown"
        rows.insert((len(rows) + 1) // 2, f'<tr class="gap"><td colspan="{width}">{text}</td></tr>')
    caption = f"<caption>{escape(table.title)}</caption>\n" if table.title else ""
    label = f' aria-label="{escape(table.title)}"' if table.title else ""
    body = "\n".join(rows)
    return (
        f'<div class="table" role="region" tabindex="0"{label}><table>\n{caption}'
        f"<thead>{_head(table, numeric)}</thead>\n<tbody>\n{body}\n</tbody></table></div>"
    )


def _shortened(table: Table) -> tuple[pd.DataFrame, int]:
    """Return the rows to show and how many between them are left out."""
    frame, most = table.frame, table.max_rows
    if len(frame) <= most:
        return frame, 0
    head, tail = (most + 1) // 2, most // 2
    return pd.concat([frame.iloc[:head], frame.iloc[len(frame) - tail :]]), len(frame) - most


def _head(table: Table, numeric: Sequence[bool]) -> str:
    """Return the row of column names."""
    names = list(table.frame.index.names) if table.show_index else []
    cells = [f"<th>{escape('' if name is None else str(name))}</th>" for name in names]
    for column, is_number in zip(list(table.frame.columns), numeric, strict=True):
        cells.append(f'<th scope="col"{_right(is_number)}>{escape(_label(column))}</th>')
    return "<tr>" + "".join(cells) + "</tr>"


def _label(column: object) -> str:
    """Return the name of a column; the levels of several are parted by strokes."""
    return " / ".join(str(part) for part in column) if isinstance(column, tuple) else str(column)


def _row(table: Table, label: Hashable, values: Sequence[object], numeric: Sequence[bool]) -> str:
    """Return one row: its index labels, then its cells."""
    cells = []
    if table.show_index:
        parts: tuple[object, ...] = label if isinstance(label, tuple) else (label,)
        cells = [f'<th scope="row">{escape(shown(part, table.digits, ""))}</th>' for part in parts]
    for column, value, is_number in zip(table.frame.columns, values, numeric, strict=True):
        text = shown(value, table.digits, table.formats.get(column, ""))
        cells.append(f"<td{_right(is_number)}>{escape(text)}</td>")
    return "<tr>" + "".join(cells) + "</tr>"


def _right(is_number: bool) -> str:
    """Return the attribute that aligns numbers."""
    return ' class="n"' if is_number else ""


def _is_numeric(column: pd.Series) -> bool:
    """Tell whether all values that are present are numbers."""
    if pd.api.types.is_bool_dtype(column.dtype):
        return False
    if pd.api.types.is_numeric_dtype(column.dtype):
        return True
    present = column.dropna()
    return len(present) > 0 and all(
        isinstance(value, (Real, Decimal)) and not isinstance(value, bool) for value in present
    )


def shown(value: object, digits: int = 3, spec: str = "") -> str:
    """Return one value as tables show it.

    Parameters
    ----------
    value : object
        Number, date, text; missing values (None, NaN, NaT) show as a dash.
    digits : int
        Decimals of a float.
    spec : str
        Format specification that overrides `digits`.

    Returns
    -------
    str
        Not escaped.

    Examples
    --------
    >>> shown(1234.5678), shown(20_000), shown(0.25, spec=".0%"), shown(-0.0001)
    ('1,234.568', '20,000', '25%', '0.000')
    """
    if value is None or value is pd.NaT or value is pd.NA:
        return _MISSING
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, Integral):
        return format(int(value), spec or ",d")
    if isinstance(value, Decimal):
        return format(value, spec or ",f") if value.is_finite() else _MISSING
    if isinstance(value, Real):
        return _real(float(value), spec or f",.{digits}f")
    if isinstance(value, (dt.datetime, dt.date)):
        return _instant(value)
    return str(value)


def _real(value: float, spec: str) -> str:
    """Return a float; a rounded zero has no sign."""
    if np.isnan(value):
        return _MISSING
    if np.isinf(value):
        return "∞" if value > 0 else "-∞"
    text = format(value, spec)
    return text.removeprefix("-") if not re.search(r"[1-9]", text) else text


def _instant(value: dt.date) -> str:
    """Return a date, with the time of day unless that is midnight."""
    if isinstance(value, dt.datetime) and (value.hour or value.minute or value.second):
        return value.isoformat(sep=" ", timespec="seconds")
    return value.strftime("%Y-%m-%d")


def _titles(axes: Iterable[Axes]) -> str:
    """Return the titles of `axes` in one line, for readers who cannot see them."""
    titles = [ax.get_title() for ax in axes if ax.get_visible() and ax.get_title()]
    return "; ".join(titles) or "Chart without a title"


def strips(figure: Figure) -> list[tuple[list[Axes], Bbox]]:
    """Return the rows of axes of a figure from top to bottom, each with its box in inches.

    Parameters
    ----------
    figure : Figure
        Its invisible axes are left out; axes that overlap vertically form one row.

    Returns
    -------
    list of (list of Axes, Bbox)
        All boxes are equally wide. Empty for a figure without axes.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> figure = Figure()
    >>> _ = figure.subplots(3, 2)
    >>> [len(axes) for axes, _ in strips(figure)]
    [2, 2, 2]
    """
    from matplotlib.transforms import Bbox

    rows: list[list[Axes]] = []
    visible = [ax for ax in figure.axes if ax.get_visible()]
    for ax in sorted(visible, key=lambda ax: -ax.get_position().y1):
        if rows and ax.get_position().y1 > min(a.get_position().y0 for a in rows[-1]) + 1e-9:
            rows[-1].append(ax)
        else:
            rows.append([ax])
    boxes = [Bbox.union(list(_tight(figure, row))) for row in rows]
    if not boxes:
        return []
    left, right = min(box.x0 for box in boxes), max(box.x1 for box in boxes)
    pad = 0.08
    return [
        (row, Bbox([[left - pad, box.y0 - pad], [right + pad, box.y1 + pad]]))
        for row, box in zip(rows, boxes, strict=True)
    ]


def _tight(figure: Figure, axes: Iterable[Axes]) -> Iterator[Bbox]:
    """Yield the boxes of `axes` with their labels, in inches."""
    to_inches = figure.dpi_scale_trans.inverted()
    for ax in axes:
        box = ax.get_tightbbox()
        if box is not None:
            yield box.transformed(to_inches)


def _svg(figure: Figure, axes: Sequence[Axes] | None = None, box: Bbox | None = None) -> str:
    """Return the figure, or the part of it inside `box`, as SVG."""
    return _save(figure, "svg", axes, box).decode("utf-8")


def _save(
    figure: Figure, form: str, axes: Sequence[Axes] | None = None, box: Bbox | None = None
) -> bytes:
    """Return the figure as bytes that depend on nothing but the figure."""
    import matplotlib as mpl

    hidden = [ax for ax in figure.axes if axes is not None and ax.get_visible() and ax not in axes]
    buffer = io.BytesIO()
    metadata = {"Date": None} if form == "svg" else {"Software": None}
    try:
        for ax in hidden:
            ax.set_visible(False)
        with mpl.rc_context(_SAVING):
            figure.savefig(
                buffer, format=form, metadata=metadata, bbox_inches=box or "tight", dpi=110
            )
    finally:
        for ax in hidden:
            ax.set_visible(True)
    return buffer.getvalue()


def _inline(svg: str, prefix: str, alt: str) -> str:
    """Return SVG fit to stand inside a page: unique names, colours by role, free width."""
    body = re.sub(r"<metadata>.*?</metadata>\s*", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    opening, rest = body.split(">", 1)
    view = re.search(r'viewBox="[^"]*"', opening)
    rest = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}\1"', rest)
    rest = re.sub(r'(href="#|url\(#)', rf"\1{prefix}", rest)
    rest = re.sub(r"(fill|stroke): (#[0-9a-f]{6})", _role, rest)
    rest = re.sub(r'\bd="[^"]*"', _short, rest)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'{view[0] if view else ""} role="img" aria-label="{escape(alt)}">{rest.rstrip()}'
    )


def _short(match: re.Match[str]) -> str:
    """Return the coordinates of a path to a hundredth of a point."""
    return re.sub(r"(\.\d\d)\d+", r"\1", match[0])


def _role(match: re.Match[str]) -> str:
    """Return a colour of ink or paper as a variable of the page, any other as it is."""
    kind, colour = match.groups()
    return f"{kind}: var(--{_ROLES[colour]}, {colour})" if colour in _ROLES else match[0]
