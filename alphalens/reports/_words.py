"""Small words and tables that the sections of a report share."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd

__all__ = ["INSTANT", "day", "shown", "spaced", "unbroken", "when"]

#: Without hyphens, at which a browser would break the line.
INSTANT = "%d %b %Y %H:%M"


def shown(frame: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    """Return the columns of `names` under their new names, instants and orders on one line."""
    table = frame.copy()
    for column in table.columns[[isinstance(d, pd.DatetimeTZDtype) for d in table.dtypes]]:
        table[column] = table[column].dt.strftime(INSTANT).map(unbroken, na_action="ignore")
    if "order" in names:
        parts = zip(table["side"], table["quantity"], table["symbol"], strict=True)
        table["order"] = [
            unbroken(f"{side} {units:,.0f} {symbol}") for side, units, symbol in parts
        ]
    return table[list(names)].rename(columns=names)


def unbroken(text: str) -> str:
    """Return `text` with blanks at which no line is broken."""
    return text.replace(" ", "\u00a0")


def when(instant: datetime) -> str:
    """Return date and time of an instant in UTC."""
    return instant.astimezone(UTC).strftime(INSTANT)


def day(instant: datetime) -> str:
    """Return the date of an instant."""
    return f"{instant:%Y-%m-%d}"


def spaced(name: object) -> str:
    """Return a name with blanks for its underscores."""
    return str(name).replace("_", " ")
