"""Equality of two results: labels, names, dtypes and freq exactly, floats at 1e-12."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

TOLERANCE = 1e-12


def assert_same(ours: Any, want: Any, *, levels: bool = False, where: str = "result") -> None:
    """Fail with the first difference; `levels` also compares a MultiIndex's date level."""
    if isinstance(want, (tuple, list)):
        assert isinstance(ours, type(want)), f"{where}: {type(ours)}, want {type(want)}"
        assert len(ours) == len(want), f"{where}: {len(ours)} parts, want {len(want)}"
        for i, (one, other) in enumerate(zip(ours, want, strict=True)):
            assert_same(one, other, levels=levels, where=f"{where}[{i}]")
    elif isinstance(want, pd.DataFrame):
        assert isinstance(ours, pd.DataFrame), f"{where}: {type(ours)}, want a DataFrame"
        same_index(ours.columns, want.columns, f"{where}.columns")
        same_index(ours.index, want.index, f"{where}.index", levels=levels)
        if all(kind == np.float64 for kind in (*want.dtypes, *ours.dtypes)):
            _close(ours.to_numpy(), want.to_numpy(), where)
            return
        for i, label in enumerate(want.columns):
            _same_values(ours.iloc[:, i], want.iloc[:, i], f"{where}[{label!r}]")
    elif isinstance(want, pd.Series):
        assert isinstance(ours, pd.Series), f"{where}: {type(ours)}, want a Series"
        assert _scalar(ours.name) == _scalar(want.name), (
            f"{where}.name: {ours.name!r}, want {want.name!r}"
        )
        same_index(ours.index, want.index, f"{where}.index", levels=levels)
        _same_values(ours, want, where)
    elif isinstance(want, pd.Index):
        same_index(ours, want, where, levels=levels)
    else:
        _same_scalar(ours, want, where)


def same_index(
    ours: pd.Index, want: pd.Index, where: str, *, levels: bool = False, freq: bool = True
) -> None:
    """Fail unless both indexes have the same labels, names, dtypes, and freq.

    The values of one level of a MultiIndex are compared without freq: pandas sets it on them by
    accident, where a level happens to be used in full.
    """
    assert isinstance(ours, pd.Index), f"{where}: {type(ours)}, want {type(want)}"
    assert ours.nlevels == want.nlevels, f"{where}: {ours.nlevels} levels, want {want.nlevels}"
    assert list(ours.names) == list(want.names), f"{where}: names {ours.names}, want {want.names}"
    assert len(ours) == len(want), f"{where}: {len(ours)} labels, want {len(want)}:\n{ours}\n{want}"
    if isinstance(want, pd.MultiIndex):
        for i in range(want.nlevels):
            one, other = ours.get_level_values(i), want.get_level_values(i)
            same_index(one, other, f"{where} level {i}", freq=False)
        if levels:
            same_index(ours.levels[0], want.levels[0], f"{where}.levels[0]")
        return
    assert ours.dtype == want.dtype, f"{where}: dtype {ours.dtype}, want {want.dtype}"
    assert ours.equals(want), f"{where}: labels differ:\n{ours}\n{want}"
    freqs = getattr(ours, "freq", None), getattr(want, "freq", None)
    assert not freq or freqs[0] == freqs[1], f"{where}: freq {freqs[0]!r}, want {freqs[1]!r}"


def _same_values(ours: pd.Series, want: pd.Series, where: str) -> None:
    assert ours.dtype == want.dtype, f"{where}: dtype {ours.dtype}, want {want.dtype}"
    if want.dtype.kind != "f" or isinstance(want.dtype, pd.CategoricalDtype):
        assert ours.tolist() == want.tolist(), f"{where}: values differ:\n{ours}\n{want}"
        return
    _close(ours.to_numpy(), want.to_numpy(), where)


def _close(ours: np.ndarray, want: np.ndarray, where: str) -> None:
    np.testing.assert_allclose(ours, want, rtol=TOLERANCE, atol=TOLERANCE, err_msg=where)


def _same_scalar(ours: Any, want: Any, where: str) -> None:
    assert _scalar(ours) == _scalar(want), f"{where}: {ours!r}, want {want!r}"
    if isinstance(want, pd.Timestamp):
        assert ours.tz == want.tz, f"{where}: zone {ours.tz}, want {want.tz}"


def _scalar(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
