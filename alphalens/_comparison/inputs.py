"""Several factors, in whatever form each comes, on one set of dates and assets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, cast

import numpy as np
import pandas as pd

from alphalens._forward import NonMatchingTimezoneError, dated, factor_series
from alphalens._panel import Panel, column_of, float_values, multi_index
from alphalens.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

Factors: TypeAlias = Mapping[str, pd.Series | pd.DataFrame]

__all__ = ["Aligned", "Factors", "aligned", "clean_frames", "long_frame_of", "named"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aligned:
    """Matrices by name, dates x assets, on the same labels; NaN where a factor has no value."""

    matrices: Mapping[str, Floats]
    dates: pd.DatetimeIndex
    assets: pd.Index

    def wide(self, matrix: Floats) -> pd.DataFrame:
        """Return a matrix as a frame."""
        return pd.DataFrame(matrix, index=self.dates, columns=self.assets, copy=False)

    def long(self, matrix: Floats, name: str) -> pd.Series[float]:
        """Return the values of a matrix that are there, by date and asset."""
        rows, columns = np.nonzero(~np.isnan(matrix))
        index = multi_index([self.dates, self.assets], [rows, columns], ["date", "asset"])
        return pd.Series(matrix[rows, columns], index=index, name=name)


def named(factors: Factors) -> Factors:
    """Return the factors if they are a mapping with something in it."""
    if not isinstance(factors, Mapping):
        raise InputError(
            f"factors must map a name to each factor, got a {type(factors).__name__}: "
            "give e.g. {'momentum': momentum, 'value': value}"
        )
    if not factors:
        raise InputError("factors is empty: give at least one, e.g. {'momentum': momentum}")
    return factors


def clean_frames(factors: Factors) -> Mapping[str, pd.DataFrame]:
    """Return the factors if each is factor_data with rows."""
    for name, frame in named(factors).items():
        is_clean = isinstance(frame, pd.DataFrame) and "factor" in frame.columns
        if not is_clean or not isinstance(frame.index, pd.MultiIndex):
            raise InputError(f"{name!r} is not factor_data: call clean_factors(factors, prices)")
        if not len(frame):
            raise InputError(f"{name!r} has no rows: see what the clean step dropped")
    return cast("Mapping[str, pd.DataFrame]", factors)


def long_frame_of(frame: pd.DataFrame, owner: str) -> pd.Series:
    """Return the values of a wide frame that are not NaN, by date and asset."""
    for kind, labels in (("date", frame.index), ("asset", frame.columns)):
        if not labels.is_unique:
            repeated = labels[labels.duplicated()][0]
            raise InputError(f"{owner!r} repeats the {kind} {repeated!r}: keep one of each")
    values = frame.to_numpy()
    is_there = frame.notna().to_numpy()
    rows, columns = np.nonzero(is_there)
    index = multi_index([frame.index, frame.columns], [rows, columns], ["date", "asset"])
    found = pd.Series(values[rows, columns], index=dated(index, owner), name="factor")
    return found.infer_objects()  # None in a column makes objects of its numbers


def aligned(factors: Factors) -> Aligned:
    """Lay factors (long, wide, or factor_data) on the union of their dates and assets."""
    parts = {name: _matrix(factor, name) for name, factor in named(factors).items()}
    _same_zones({name: dates for name, (_, dates, _) in parts.items()})
    dates, assets = _union([part[1] for part in parts.values()]), _first_seen(parts)
    matrices = {
        name: _placed(matrix, dates.get_indexer(own), assets.get_indexer(columns), dates, assets)
        for name, (matrix, own, columns) in parts.items()
    }
    return Aligned(matrices=matrices, dates=dates.rename("date"), assets=assets.rename("asset"))


def _matrix(
    factor: pd.Series | pd.DataFrame, name: str
) -> tuple[Floats, pd.DatetimeIndex, pd.Index]:
    """Return the values of one factor, dates x assets, infinity made NaN."""
    if not isinstance(factor, pd.DataFrame | pd.Series):
        raise InputError(
            f"{name!r} must be a Series by date and asset or a frame of dates x assets, got a "
            f"{type(factor).__name__}"
        )
    if isinstance(factor, pd.DataFrame) and not isinstance(factor.index, pd.MultiIndex):
        factor = long_frame_of(factor, name)
    elif isinstance(factor, pd.DataFrame) and "factor" in factor.columns:
        factor = column_of(factor, "factor")
    series = factor_series(factor)
    series = series.set_axis(dated(cast("pd.MultiIndex", series.index), name))
    panel = Panel.of(series)
    if panel.has_duplicates:
        raise InputError(f"{name!r} repeats {panel.duplicates()}: keep one of each")
    if not pd.api.types.is_numeric_dtype(series.dtype):
        raise InputError(f"{name!r} must be numeric, got dtype {series.dtype}: convert it")
    values = float_values(series)
    matrix, assets = panel.wide(np.where(np.isfinite(values), values, np.nan))
    return matrix, panel.dates, assets


def _same_zones(dates: Mapping[str, pd.DatetimeIndex]) -> None:
    zones = {name: str(index.tz) for name, index in dates.items()}
    if len(set(zones.values())) > 1:
        raise NonMatchingTimezoneError(
            f"the factors are in different time zones: {zones}; convert them to one"
        )


def _union(parts: list[pd.DatetimeIndex]) -> pd.DatetimeIndex:
    union = parts[0]
    for part in parts[1:]:
        if not part.equals(union):
            union = union.union(part)
    return union


def _first_seen(parts: Mapping[str, tuple[Floats, pd.DatetimeIndex, pd.Index]]) -> pd.Index:
    assets: pd.Index | None = None
    for _, _, own in parts.values():
        assets = own if assets is None else assets.append(own[~own.isin(assets)])
    return cast("pd.Index", assets)


def _placed(
    matrix: Floats,
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    dates: pd.DatetimeIndex,
    assets: pd.Index,
) -> Floats:
    if matrix.shape == (len(dates), len(assets)) and _is_range(rows) and _is_range(columns):
        return matrix
    out = np.full((len(dates), len(assets)), np.nan)
    out[np.ix_(rows, columns)] = matrix
    return out


def _is_range(places: NDArray[np.intp]) -> bool:
    return bool((places == np.arange(len(places))).all())
