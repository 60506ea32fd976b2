"""What the user's panel holds, checked and laid out for the kernels: time along the last axis."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

from alphalens.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["Groups", "Panel", "Sources"]

Sources: TypeAlias = Mapping[str, pd.DataFrame] | pd.DataFrame
"""A panel: fields by name, or one frame with columns of (field, asset)."""

Groups: TypeAlias = Mapping[str, pd.DataFrame | pd.Series]
"""Labels of groups by name: dates x assets, or one per asset."""


class Panel:
    """The fields that some expressions need, on one index and one set of assets.

    Parameters
    ----------
    sources : mapping of str to DataFrame, or DataFrame with columns of (field, asset)
        Fields of shape (n_dates, n_assets), equal in labels; rows ascending in time.
    groups : mapping of str to DataFrame or Series
        Labels of groups; what is not here is looked for in `sources`.
    fields, labels : frozenset of str
        Names that will be asked for.

    Raises
    ------
    InputError
        If a name is missing, labels differ, repeat or descend, or a field is not numeric.
    """

    def __init__(
        self, sources: Sources, groups: Groups, fields: frozenset[str], labels: frozenset[str]
    ) -> None:
        self._sources = _by_field(sources)
        self._groups = groups
        self._is_returns_derived = "returns" in fields and "returns" not in self._sources
        stored = (fields - {"returns"} | {"close"}) if self._is_returns_derived else fields
        self._refuse_missing(stored)
        first, *rest = sorted(stored)
        reference = self._frame_of(first)
        self.index, self.columns = reference.index, reference.columns
        self._refuse_disorder(first)
        for name in rest:
            _refuse_difference(self._frame_of(name), reference, name, first)
        self._codes = {name: self._coded(name) for name in labels}

    @property
    def shape(self) -> tuple[int, int]:
        """Return assets and dates, as the kernels see them."""
        return len(self.columns), len(self.index)

    def field(self, name: str) -> Floats:
        """Return a field's values of shape (assets, dates), a copy; infinity is NaN."""
        if name == "returns" and self._is_returns_derived:
            return _simple_returns(self.field("close"))
        frame = self._frame_of(name)
        try:
            values = frame.to_numpy(dtype=np.float64, na_value=np.nan)
        except (TypeError, ValueError) as error:
            raise InputError(f"the field {name!r} must hold numbers: {error}") from None
        out: Floats = np.array(values.T, order="C")
        np.copyto(out, np.nan, where=np.isinf(out))
        return out

    def codes(self, name: str) -> Ints:
        """Return the number of each group, of shape (assets,) or (assets, dates); -1 for none."""
        return self._codes[name]

    def frame(self, values: Floats) -> pd.DataFrame:
        """Return values of shape (assets, dates) as a frame of the panel's shape, uncopied."""
        return pd.DataFrame(values.T, index=self.index, columns=self.columns, copy=False)

    def _frame_of(self, name: str) -> pd.DataFrame:
        frame = self._sources[name]
        if not isinstance(frame, pd.DataFrame):
            raise InputError(
                f"the field {name!r} must be a DataFrame of dates x assets, got "
                f"{type(frame).__name__}"
            )
        return frame

    def _refuse_missing(self, names: frozenset[str]) -> None:
        if not names:
            raise InputError(
                "an expression without a field has no dates and no assets: name a field in it"
            )
        for name in sorted(names - set(self._sources)):
            raise InputError(_missing("field", name, self._sources))

    def _refuse_disorder(self, name: str) -> None:
        for labels, what in ((self.index, "dates"), (self.columns, "assets")):
            if not labels.is_unique:
                twice = labels[labels.duplicated()][0]
                raise InputError(f"the {what} of {name!r} must differ, {twice!r} occurs twice")
        if not self.index.is_monotonic_increasing:
            raise InputError(
                f"the dates of {name!r} must ascend, or values would look ahead: sort_index() first"
            )

    def _coded(self, name: str) -> Ints:
        labels = self._groups[name] if name in self._groups else self._sources.get(name)
        if isinstance(labels, pd.DataFrame):
            frame = self.frame(np.empty(self.shape))
            _refuse_difference(labels, frame, name, "the fields")
            flat = labels.to_numpy(dtype=object).T.reshape(-1)
            return pd.factorize(flat)[0].astype(np.int64).reshape(self.shape)
        if isinstance(labels, pd.Series):
            _refuse_strangers(labels, self.columns, name)
            aligned = labels.reindex(self.columns).to_numpy(dtype=object)
            return pd.factorize(aligned)[0].astype(np.int64)
        if labels is None:
            raise InputError(_missing("groups", name, {**self._sources, **self._groups}))
        raise InputError(
            f"the groups {name!r} must be a DataFrame of dates x assets or a Series by asset, got "
            f"{type(labels).__name__}"
        )


def _by_field(sources: Sources) -> Mapping[str, pd.DataFrame]:
    if isinstance(sources, pd.DataFrame):
        if sources.columns.nlevels != 2:
            raise InputError(
                "a panel in one frame needs columns of two levels, (field, asset), got "
                f"{sources.columns.nlevels}: pass {{'close': closes}} for a frame of one field"
            )
        names = sources.columns.get_level_values(0).unique()
        return {name: sources[name] for name in names}
    if not isinstance(sources, Mapping):
        raise InputError(
            "a panel must be a mapping from fields to DataFrames of dates x assets, got "
            f"{type(sources).__name__}"
        )
    return sources


def _missing(what: str, name: str, known: Mapping[str, Any]) -> str:
    names = sorted(str(other) for other in known)
    close = get_close_matches(name, names, n=1)
    guess = f" did you mean {close[0]!r}?" if close else ""
    return f"the panel has no {what} {name!r};{guess} It has {', '.join(names) or 'nothing'}"


def _refuse_difference(frame: pd.DataFrame, reference: pd.DataFrame, name: str, other: str) -> None:
    """Raise at the first label in which two frames differ."""
    for axis, what in ((0, "row"), (1, "column")):
        own, wanted = frame.axes[axis], reference.axes[axis]
        if own.equals(wanted):
            continue
        shared = min(len(own), len(wanted))
        differs = np.flatnonzero([own[i] != wanted[i] for i in range(shared)])
        place = int(differs[0]) if differs.size else shared
        raise InputError(
            f"{name!r} and {other!r} must have the same labels: {what} {place} of {name!r} is "
            f"{_label(own, place)}, of {other!r} {_label(wanted, place)}; reindex one of them"
        )


def _refuse_strangers(labels: pd.Series, assets: pd.Index, name: str) -> None:
    if not labels.index.is_unique:
        twice = labels.index[labels.index.duplicated()][0]
        raise InputError(f"the groups {name!r} must name an asset once, {twice!r} occurs twice")
    if len(assets) and not labels.index.isin(assets).any():
        raise InputError(
            f"the groups {name!r} name none of the panel's assets, such as {assets[0]!r}; they "
            f"are indexed by {_label(labels.index, 0)}, ..."
        )


def _label(labels: pd.Index, place: int) -> str:
    return repr(labels[place]) if place < len(labels) else "missing"


def _simple_returns(closes: Floats) -> Floats:
    """Return close / delay(close, 1) - 1, in that order of operations."""
    out = np.full_like(closes, np.nan)
    with np.errstate(all="ignore"):
        out[:, 1:] = closes[:, 1:] / closes[:, :-1] - 1.0
    np.copyto(out, np.nan, where=np.isinf(out))
    return out
