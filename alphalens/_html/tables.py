"""Frames as HTML tables, and single values as tables show them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from decimal import Decimal
from html import escape
from numbers import Integral, Real
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Hashable

    from alphalens._html.blocks import Table

__all__ = ["shown", "table_html"]

_MISSING: Final = "\u2013"


def table_html(table: Table) -> str:
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
    digits = 0 if _are_counts(values) else table.digits
    for column, value, is_number in zip(table.frame.columns, values, numeric, strict=True):
        text = shown(value, digits, table.formats.get(column, ""))
        cells.append(f"<td{_right(is_number)}>{escape(text)}</td>")
    return "<tr>" + "".join(cells) + "</tr>"


def _are_counts(values: Sequence[object]) -> bool:
    """Tell whether a row of floats holds counts: whole numbers, not all of them 0 or 1."""
    floats = [value for value in values if isinstance(value, float) and not np.isnan(value)]
    is_whole = bool(floats) and all(value.is_integer() for value in floats)
    return is_whole and max(map(abs, floats)) > 1.0


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
