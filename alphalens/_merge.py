"""Forward returns, factor and groups joined on one index."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, cast

import numpy as np
import pandas as pd

from alphalens.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Grouping: TypeAlias = pd.Series | Mapping[Hashable, object]


class GroupMappingError(InputError, KeyError):
    """An asset has no group, or a group no name."""

    def __str__(self) -> str:
        return ValueError.__str__(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """Forward returns, factor and groups on one index, before rows are dropped.

    `is_own` tells that nobody else holds the forward returns, so they need not be copied.
    """

    is_own: bool
    forward: pd.DataFrame
    factor: pd.Series
    groups: pd.Categorical | None

    def missing(self) -> dict[str, Bools]:
        """Return by reason which rows lack something, the gravest reason last."""
        out: dict[str, Bools] = {}
        if self.groups is not None:
            out["no group"] = np.asarray(self.groups.codes) < 0
        lacks = np.zeros(len(self.forward), dtype=bool)
        for number in range(self.forward.shape[1]):
            lacks |= _is_missing(self.forward.iloc[:, number])
        out["no forward return"] = lacks
        out["NaN factor"] = ~_is_finite(self.factor)
        return out


def _is_missing(column: pd.Series) -> Bools:
    if column.dtype == np.float64:
        return np.asarray(np.isnan(column.to_numpy()), dtype=bool)
    return np.asarray(column.isna().to_numpy(), dtype=bool)


def _is_finite(values: pd.Series) -> Bools:
    if not pd.api.types.is_numeric_dtype(values.dtype):
        first = values.iloc[0] if len(values) else None
        raise InputError(
            f"factor must be numeric, got dtype {values.dtype} (first value {first!r}): convert "
            "it, "
            "e.g. by factor.astype(float)"
        )
    if isinstance(values.dtype, np.dtype) and values.dtype.kind in "iub":
        return np.ones(len(values), dtype=bool)
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.asarray(np.isfinite(numbers), dtype=bool)


def _same_index(left: pd.MultiIndex, right: pd.MultiIndex) -> bool:
    """Tell whether two indexes have equal rows and levels, without hashing a row."""
    return left is right or (
        len(left) == len(right)
        and all(np.array_equal(a, b) for a, b in zip(left.codes, right.codes, strict=True))
        and all(a.equals(b) for a, b in zip(left.levels, right.levels, strict=True))
    )


def aligned(values: pd.Series, index: pd.MultiIndex, owner: str) -> pd.Series:
    """Return a series on another index, NaN where it has no value."""
    own = values.index
    if isinstance(own, pd.MultiIndex) and own.nlevels == 2:
        if _same_index(own, index):
            return values
        if not own.is_unique:
            raise InputError(
                f"{owner} repeats rows, e.g. {own[own.duplicated()][0]}: keep one of each"
            )
    return values.reindex(index)


def groups_of(
    factor: pd.Series,
    index: pd.MultiIndex,
    groupby: Grouping,
    labels: Mapping[Hashable, object] | None,
) -> pd.Categorical:
    """Return the group of each row of `index`, as a category of the sorted groups that occur."""
    if isinstance(groupby, Mapping):
        return _mapped_groups(factor, index, groupby, labels)
    groups = groupby
    if not isinstance(groups.index, pd.MultiIndex):
        return _mapped_groups(factor, index, groups.to_dict(), labels)
    if labels is not None:
        groups = groups.map(_named_groups(pd.Index(groups.dropna().unique()), labels))
    if not isinstance(groups.dtype, pd.CategoricalDtype):
        groups = groups.astype("category")
    return cast("pd.Categorical", aligned(groups, index, "groupby").array)


def _mapped_groups(
    factor: pd.Series,
    index: pd.MultiIndex,
    groupby: Mapping[Hashable, object],
    labels: Mapping[Hashable, object] | None,
) -> pd.Categorical:
    """Look assets up in the mapping, once each."""
    own = cast("pd.MultiIndex", factor.index)
    finite = _is_finite(factor)
    codes = own.codes[1] if finite.all() else own.codes[1][finite]
    used = np.flatnonzero(np.bincount(codes[codes >= 0], minlength=len(own.levels[1])))
    assets = own.levels[1][used]
    unknown = [asset for asset in assets if asset not in groupby]
    if unknown:
        raise GroupMappingError(f"Assets {unknown} not in group mapping")
    groups = pd.Series([groupby[asset] for asset in assets])
    if labels is not None:
        groups = groups.map(_named_groups(pd.Index(groups.dropna().unique()), labels))
    category = groups.astype("category").array
    place = pd.Index(assets).get_indexer(index.levels[1])
    per_asset = np.where(place >= 0, np.append(category.codes, -1)[place], -1)
    rows = np.append(per_asset, -1)[index.codes[1]]
    return pd.Categorical.from_codes(rows, dtype=category.dtype)


def _named_groups(codes: pd.Index, labels: Mapping[Hashable, object]) -> Mapping[Hashable, object]:
    unknown = [code for code in codes if code not in labels]
    if unknown:
        raise GroupMappingError(f"groups {unknown} not in passed group names")
    return labels


def joined(merged: Merged, kept: Bools | None) -> pd.DataFrame:
    """Return forward returns, factor and group in one frame of its own, on the kept rows."""
    forward, groups = merged.forward, merged.groups
    index = cast("pd.MultiIndex", forward.index)
    columns = [forward.iloc[:, number] for number in range(forward.shape[1])]
    columns.append(merged.factor)
    names = [*forward.columns, "factor"]
    if groups is not None:
        columns.append(pd.Series(groups))
        names.append("group")
    arrays: dict[int, object] = {}
    for number, column in enumerate(columns):
        is_own = number < forward.shape[1] and merged.is_own
        values = column.array
        arrays[number] = values[kept] if kept is not None else values if is_own else values.copy()
    frame = pd.DataFrame(
        arrays, index=index.copy() if kept is None else _rows(index, kept), copy=False
    )
    frame.columns = forward.columns.append(pd.Index(names[forward.shape[1] :]))
    return frame


def _rows(index: pd.MultiIndex, kept: Bools) -> pd.MultiIndex:
    """Return some rows of an index; the levels stay as they are, freq included."""
    codes = [codes[kept] for codes in index.codes]
    return pd.MultiIndex(
        levels=index.levels,  # type: ignore[arg-type]  # the stubs take lists, pandas takes these
        codes=codes,  # type: ignore[arg-type]  # as above
        names=index.names,
        verify_integrity=False,
    )
