"""Figures as inline SVG or PNG, a row of axes at a time, the same bytes each time."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox

    from alphalens._html.blocks import Picture

__all__ = ["only", "picture_html", "strips"]

_LARGEST_SVG: Final = 1_500_000
_CROWDED: Final = 2_000
_STEPS: Final = re.compile(r"(?:[ML]\s*-?[\d.e-]+\s+-?[\d.e-]+\s*|z\s*)+")
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


def picture_html(picture: Picture, numbers: Iterator[int]) -> str:
    """Return a figure as pictures; each takes the next of `numbers` into its identifiers."""
    parts = strips(picture.figure) if picture.is_split else []
    drawings = []
    for axes, box in parts if len(parts) > 1 else [(None, None)]:
        alt = picture.alt or _titles(axes or picture.figure.axes)
        drawings.append(_drawing(picture, f"f{next(numbers)}-", alt, axes, box))
    caption = f"<figcaption>{escape(picture.caption)}</figcaption>" if picture.caption else ""
    return "\n".join(
        [f"<figure>{drawing}</figure>" for drawing in drawings[:-1]]
        + [f"<figure>{drawings[-1]}{caption}</figure>"]
    )


def _drawing(
    picture: Picture, prefix: str, alt: str, axes: Sequence[Axes] | None, box: Bbox | None
) -> str:
    """Return one drawing as inline SVG, as PNG if asked or if that is too large."""
    if picture.form != "png":
        text = _save(picture.figure, "svg", axes, box).decode("utf-8")
        if picture.form == "svg" or len(text) <= _LARGEST_SVG:
            return _inline(text, prefix, alt)
    data = base64.b64encode(_save(picture.figure, "png", axes, box)).decode("ascii")
    return f'<img alt="{escape(alt)}" src="data:image/png;base64,{data}">'


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
    from matplotlib.backends.backend_agg import RendererAgg

    to_inches = figure.dpi_scale_trans.inverted()
    # Text is as wide without a canvas to draw on.
    measure = RendererAgg(1, 1, figure.dpi)  # type: ignore[no-untyped-call]  # untyped there
    for ax in axes:
        box = ax.get_tightbbox(measure)
        if box is not None:
            yield box.transformed(to_inches)


@contextmanager
def only(figure: Figure, axes: Collection[Axes] | None) -> Iterator[None]:
    """Make all other axes of `figure` invisible inside a ``with`` block; None leaves all."""
    hidden = [ax for ax in figure.axes if axes is not None and ax.get_visible() and ax not in axes]
    try:
        for ax in hidden:
            ax.set_visible(False)
        yield
    finally:
        for ax in hidden:
            ax.set_visible(True)


def _save(figure: Figure, form: str, axes: Collection[Axes] | None, box: Bbox | None) -> bytes:
    """Return the figure, or its part inside `box`, as bytes that depend on nothing else."""
    import matplotlib as mpl

    buffer = io.BytesIO()
    metadata = {"Date": None} if form == "svg" else {"Software": None}
    style = {
        "path.simplify_threshold": 0.4,
        "svg.fonttype": "none",
        "svg.hashsalt": "alphalens",
    }
    with only(figure, axes), mpl.rc_context(style):  # type: ignore[arg-type]  # a closed Literal
        figure.savefig(buffer, format=form, metadata=metadata, bbox_inches=box or "tight", dpi=110)
    return buffer.getvalue()


def _inline(svg: str, prefix: str, alt: str) -> str:
    """Return SVG fit to stand inside a page: unique names, colours by role, free width."""
    body = re.sub(r"<metadata>.*?</metadata>\s*", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    opening, rest = body.split(">", 1)
    view = re.search(r'viewBox="[^"]*"', opening)
    rest = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}\1"', rest)
    rest = re.sub(r'(href="#|url\(#)', rf"\1{prefix}", rest)
    rest = re.sub(r"(fill|stroke): (#[0-9a-f]{6})", _role, rest)
    rest = re.sub(r'\bd="([^"]*)"', _short, rest)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'{view[0] if view else ""} role="img" aria-label="{escape(alt)}">{rest.rstrip()}'
    )


def _short(match: re.Match[str]) -> str:
    """Return a path to a tenth of a point, each step of a line from where the last one ended."""
    path = match[1]
    if _STEPS.fullmatch(path) is None:
        return re.sub(r"(\.\d\d)\d+", r"\1", match[0])
    return f'd="{"".join(_line(piece) for piece in re.findall(r"M[^M]*", path))}"'


def _line(piece: str) -> str:
    """Return one line (a start, its points, perhaps a way back) in steps, dots of no length out."""
    tenths = [round(float(number) * 10) for number in re.findall(r"-?[\d.]+(?:e-?\d+)?", piece)]
    (x, y), *rest = _thinned(list(zip(tenths[::2], tenths[1::2], strict=True)))
    steps = [f"M{_tenth(x)}{_tenth(y)}"]
    for to_x, to_y in rest:
        if (to_x, to_y) != (x, y):
            steps.append(f"{'l' if len(steps) == 1 else ''}{_tenth(to_x - x)}{_tenth(to_y - y)}")
            x, y = to_x, to_y
    return "".join(steps) + ("z" if "z" in piece else "")


def _thinned(points: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Keep of a crowded line what can be seen: of each point in width the first, ends and last."""
    if len(points) <= _CROWDED:
        return points
    kept = []
    for _, run in groupby(points, key=lambda point: point[0] // 10):
        column = list(run)
        seen = [column[0], min(column, key=_height), max(column, key=_height), column[-1]]
        kept += [point for point in column if point in seen] if len(column) > len(seen) else column
    return kept


def _height(point: tuple[int, int]) -> int:
    return point[1]


def _tenth(tenths: int) -> str:
    """Write tenths as a number that needs no blank after the one before it."""
    whole, rest = divmod(abs(tenths), 10)
    digits = f"{whole or ''}.{rest}" if rest else f"{whole}"
    return f"{'-' if tenths < 0 else ' '}{digits}"


def _role(match: re.Match[str]) -> str:
    """Return a colour of ink or paper as a variable of the page, any other as it is."""
    kind, colour = match.groups()
    return f"{kind}: var(--{_ROLES[colour]}, {colour})" if colour in _ROLES else match[0]
