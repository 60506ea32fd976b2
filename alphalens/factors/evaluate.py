"""Factor expressions on panels: one value for every date and asset."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from alphalens.errors import InputError
from alphalens.factors import _engine
from alphalens.factors._panels import Groups, Sources
from alphalens.factors.expression import Expression
from alphalens.factors.parser import parse

__all__ = ["evaluate", "evaluate_many"]


def evaluate(
    expression: Expression | str,
    panel: Sources,
    *,
    groups: Groups | None = None,
    n_jobs: int = 1,
) -> pd.DataFrame:
    """Compute one expression on a panel.

    Parameters
    ----------
    expression : Expression or str
        The factor; text is read by `parse`.
    panel : mapping of str to DataFrame, or DataFrame with columns of (field, asset)
        Fields of shape (n_dates, n_assets), equal in labels, dates ascending; int, float or bool.
        NaN is missing, and so is infinity.
    groups : mapping of str to DataFrame or Series, optional
        Labels for ``by=``: one per date and asset, or one per asset; any hashable. An asset without
        a label gets NaN. What is not here is looked for in `panel`.
    n_jobs : int
        Threads; -1 for one per core. The numbers do not depend on it.

    Returns
    -------
    DataFrame of shape (n_dates, n_assets)
        float64, with the labels of the panel. NaN where a value that is needed is missing or lies
        before the panel, or where the result is undefined: x / 0, the logarithm of what is not
        positive, a number too large. Never infinite.

    Raises
    ------
    InputError
        If the text cannot be read, a field or group is missing, or labels differ, repeat or
        descend.

    Notes
    -----
    A row depends on the `lookback` rows that end with it, and on nothing else: a panel cut before
    or after them gives the same number to the last bit. Windows cost
    O(n_dates n_assets log n), but `ts_rank`, `ts_skew`, `ts_kurt` O(n_dates n_assets n) and
    `ts_quantile` O(n_dates n_assets n log n).

    Examples
    --------
    >>> closes = pd.DataFrame({"A": [1.0, 2.0, 3.0], "B": [4.0, 4.0, 3.0]})
    >>> evaluate("rank(close / delay(close, 1) - 1)", {"close": closes})
         A    B
    0  NaN  NaN
    1  1.0  0.5
    2  1.0  0.5
    """
    return evaluate_many({"": expression}, panel, groups=groups, n_jobs=n_jobs)[""]


def evaluate_many(
    expressions: Mapping[str, Expression | str],
    panel: Sources,
    *,
    groups: Groups | None = None,
    n_jobs: int = 1,
) -> dict[str, pd.DataFrame]:
    """Compute many expressions on one panel, each part that they share once.

    Parameters
    ----------
    expressions : mapping of str to Expression or str
        Factors by name.
    panel, groups, n_jobs
        As in `evaluate`.

    Returns
    -------
    dict of str to DataFrame
        As from `evaluate`, in the order of `expressions`, each in memory of its own.

    Raises
    ------
    InputError
        As in `evaluate`; an error of a text names the factor.

    Notes
    -----
    A part is forgotten when its last user is done. The memory in use is that of the results, of the
    parts that are still needed, and of one copy of the fields: 8 bytes times dates times assets
    each.

    Examples
    --------
    >>> closes = pd.DataFrame({"A": [1.0, 2.0, 4.0]})
    >>> texts = {"up": "close > delay(close, 1)", "ratio": "close / delay(close, 1)"}
    >>> frames = evaluate_many(texts, {"close": closes})
    >>> frames["ratio"]["A"].tolist()
    [nan, 2.0, 2.0]
    """
    if not isinstance(expressions, Mapping):
        raise InputError(
            f"evaluate_many takes a mapping from names to expressions, got "
            f"{type(expressions).__name__}"
        )
    roots = {name: _read(name, expression) for name, expression in expressions.items()}
    return _engine.run(roots, panel, groups or {}, n_jobs)


def _read(name: str, expression: Expression | str) -> Expression:
    if isinstance(expression, Expression):
        return expression
    try:
        return parse(expression)
    except InputError as error:
        if not name:
            raise
        message = str(error)
    raise InputError(f"{name}: {message}")
