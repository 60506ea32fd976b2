"""Where the edge lives: the IC in spans of time and in buckets of an exposure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd

from alphalens import _calendar as calendars
from alphalens import _stats as stats
from alphalens import performance as perf
from alphalens import utils
from alphalens._doubt.notes import Notes
from alphalens._metrics.horizon import Horizon
from alphalens.errors import InputError

__all__ = ["Bucketed", "by_bucket", "checked_buckets", "in_spans", "robust"]

_BUCKETS = ("low", "middle", "high")
_NUMBERS = {"integer", "floating", "mixed-integer-float", "decimal"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bucketed:
    """Categories of the rows that have one, and whether they are thirds or the caller's own."""

    labels: pd.Series
    are_thirds: bool

    @classmethod
    def of(cls, factor_data: pd.DataFrame, values: pd.Series | pd.DataFrame, name: str) -> Bucketed:
        """Cut an exposure into thirds of each date, unless it names what its rows belong to."""
        exposure = _on_rows(factor_data, values, name)
        if isinstance(exposure.dtype, pd.CategoricalDtype):
            return cls(labels=exposure, are_thirds=False)
        return cls(labels=_thirds(exposure, name), are_thirds=True)


def checked_buckets(buckets: object) -> Mapping[str, pd.Series | pd.DataFrame]:
    """Return the buckets by name, refused unless each is a Series or a frame."""
    remedy = "give e.g. {'size': size}, a Series by asset or by date and asset, or dates x assets"
    if buckets is None:
        return {}
    if not isinstance(buckets, Mapping):
        raise InputError(
            f"buckets maps names to exposures, not a {type(buckets).__name__}: {remedy}"
        )
    for name, values in buckets.items():
        if not isinstance(values, pd.Series | pd.DataFrame):
            raise InputError(
                f"buckets[{name!r}] is a {type(values).__name__} ({values!r}): {remedy}"
            )
    return buckets


def in_spans(
    ic: pd.DataFrame,
    factor_data: pd.DataFrame,
    measured: Mapping[str, Horizon],
    freq: str,
    notes: Notes,
) -> pd.DataFrame:
    """Return the mean IC in spans of time, with its test and what it was measured on."""
    spans = calendars.local_times(pd.DatetimeIndex(ic.index)).to_period(freq)
    names = factor_data.groupby(level="date").size().reindex(ic.index)
    parts = {str(span): (ic[spans == span], names[spans == span]) for span in spans.unique()}
    return _mean_ics(parts, measured, "date", "in time", notes)


def by_bucket(
    factor_data: pd.DataFrame,
    bucketed: Bucketed,
    name: str,
    ic: pd.DataFrame,
    measured: Mapping[str, Horizon],
    group_neutral: bool,
    notes: Notes,
) -> pd.DataFrame:
    """Return the mean IC within each label."""
    labels = bucketed.labels
    cut = factor_data.loc[labels.index]
    if group_neutral:
        cut = utils.demean_forward_returns(cut, grouper=["date", "group"])
    found = perf.factor_information_coefficient(cut.assign(group=labels), by_group=True)
    _note_uncut(bucketed, factor_data, name, notes)
    dates = labels.index.get_level_values("date").rename("date")
    sizes = labels.to_frame("group").groupby([dates, "group"], observed=True).size()
    groups, members = (table.index.get_level_values("group") for table in (found, sizes))
    parts = {
        str(part): (
            found[groups == part].droplevel("group").reindex(ic.index),
            sizes[members == part],
        )
        for part in labels.cat.categories
    }
    return _mean_ics(parts, measured, name, f"by {name}", notes)


def _mean_ics(
    parts: Mapping[str, tuple[pd.DataFrame, pd.Series]],
    measured: Mapping[str, Horizon],
    name: str,
    where: str,
    notes: Notes,
) -> pd.DataFrame:
    """Return the statistics of ICs by part, each with the names on its dates (NaN for none)."""
    rows, missing = {}, []
    for part, (ic, names) in parts.items():
        test = robust(ic, measured)
        for i, period in enumerate(ic.columns):
            rows[str(period), part] = (test.mean[i], test.t[i], test.n[i], names.mean())
            if test.reasons[i]:
                missing.append(f"{period} {part}: {test.reasons[i]}")
    index = pd.MultiIndex.from_product([measured, parts], names=["period", name])
    columns = ["Mean IC", "t, cosine", "Dates", "Names a date"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns).reindex(list(index))
    if missing:
        told = f"none for {len(missing)} of {len(rows)}, such as {missing[0]}"
        notes.say(f"t of the mean IC {where}", told)
    return table.set_axis(index).astype({"Dates": "int64"})


def robust(series: pd.DataFrame, measured: Mapping[str, Horizon]) -> stats.MeanTest:
    """Test the mean of each column, whatever its period overlaps."""
    rows = [measured[str(period)].rows for period in series.columns]
    return stats.overlap_tstat(series.to_numpy(dtype=np.float64), rows)


def _thirds(exposure: pd.Series, name: str) -> pd.Series:
    """Return the third of each row that has one, cut on each date."""
    framed = pd.DataFrame({"factor": exposure})
    thirds = utils.quantize_factor(framed, quantiles=len(_BUCKETS), no_raise=True)
    if thirds.empty:
        raise InputError(
            f"buckets[{name!r}] has no value that can be cut into thirds on the dates of "
            "factor_data: give one number per asset, or per date and asset, or labels such as "
            "values.astype('category')"
        )
    words = np.array(_BUCKETS)[thirds.to_numpy(dtype=np.int64) - 1]
    return pd.Series(pd.Categorical(words, _BUCKETS, ordered=True), index=thirds.index)


def _note_uncut(bucketed: Bucketed, factor_data: pd.DataFrame, name: str, notes: Notes) -> None:
    """Say on how many dates there is no bucket."""
    every, there = (
        known.index.get_level_values("date").nunique() for known in (factor_data, bucketed.labels)
    )
    if there < every:
        why = "values given for them are missing or too much alike to be cut into thirds"
        if not bucketed.are_thirds:
            why = "labels given for them are missing"
        notes.say(
            f"mean IC by {name}",
            f"{every - there:,} of {every:,} dates are without, because the {why}",
        )


def _on_rows(factor_data: pd.DataFrame, values: pd.Series | pd.DataFrame, name: str) -> pd.Series:
    """Return the exposure of each row of factor_data that has one: numbers, or categories."""
    tall = cast("pd.Series", values.stack()) if isinstance(values, pd.DataFrame) else values
    rows = factor_data.index
    if not isinstance(tall.index, pd.MultiIndex):
        rows = rows.get_level_values("asset")
    if not tall.index.is_unique:
        repeated = tall.index[tall.index.duplicated()][0]
        raise InputError(f"buckets[{name!r}] repeats {repeated!r}: keep one of each")
    found = tall.reindex(rows).set_axis(factor_data.index).dropna()
    if found.empty:
        raise InputError(
            f"buckets[{name!r}] has no value for any row of factor_data: give the assets, dates "
            "and time zone that factor_data has"
        )
    if pd.api.types.infer_dtype(found) in _NUMBERS:
        return found.astype(np.float64)
    return found.astype("category").cat.remove_unused_categories()
