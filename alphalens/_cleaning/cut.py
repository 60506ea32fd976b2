"""How a factor is grouped and cut, and the step from forward returns to factor_data."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

from alphalens import _loss as losses
from alphalens._binning import Binning
from alphalens._cleaning.quantiles import label_rows, non_unique_bin_edges_error, one_of, refuse
from alphalens._loss import MaxLossExceededError
from alphalens._merge import Merged, aligned, groups_of, joined
from alphalens._panel import Labels, MissingLabelError, Panel, column_values
from alphalens._printing import say
from alphalens._warning import warn_user
from alphalens.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alphalens._cleaning.quantiles import Steps
    from alphalens._forward import Ahead
    from alphalens._merge import Grouping

    Bools = NDArray[np.bool_]
    Codes = NDArray[np.int8]

__all__ = ["Cut"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """How factors are grouped and cut into buckets, and what share of their rows may be lost.

    Every call that cleans a factor takes these arguments; `of` checks them, once for any number of
    factors.
    """

    binning: Binning
    by_group: bool
    groupby: Grouping | None
    groupby_labels: Mapping[Hashable, object] | None
    max_loss: float

    @classmethod
    def of(
        cls,
        *,
        quantiles: Steps | None,
        bins: Steps | None,
        zero_aware: bool,
        groupby: Grouping | None,
        groupby_labels: Mapping[Hashable, object] | None,
        binning_by_group: bool,
        max_loss: float,
    ) -> Cut:
        """Return the arguments of `alphalens.utils.get_clean_factor`, checked."""
        quantiles, bins = one_of(quantiles, bins)
        if binning_by_group and groupby is None:
            raise MissingLabelError("binning_by_group needs 'group': give groupby as well")
        return cls(
            binning=Binning.of(quantiles, bins, is_zero_aware=zero_aware),
            by_group=binning_by_group,
            groupby=groupby,
            groupby_labels=groupby_labels,
            max_loss=max_loss,
        )

    def clean(
        self,
        factor: pd.Series,
        forward: pd.DataFrame,
        *,
        ahead: Ahead | None = None,
        name: str | None = None,
    ) -> pd.DataFrame:
        """Join a factor with forward returns, drop rows that lack something, label the rest.

        Parameters
        ----------
        factor : Series
            By date and asset.
        forward : DataFrame
            Forward returns; its rows are those of the result.
        ahead : Ahead, optional
            What `forward` was made from, where the caller made it for this factor: its columns are
            then not copied, and it tells why a return is missing.
        name : str, optional
            Of one factor among several: what was lost is printed in one line under this name.
        """
        index = cast("pd.MultiIndex", forward.index)
        groups = None
        if self.groupby is not None:
            groups = groups_of(factor, index, self.groupby, self.groupby_labels)
        merged = Merged(
            is_own=ahead is not None,
            forward=forward,
            factor=aligned(factor, index, "factor"),
            groups=groups,
        )
        missing = merged.missing()
        kept = ~np.logical_or.reduce(list(missing.values()))
        frame = joined(merged, None if bool(kept.all()) else kept)
        labels, in_failed = self._labelled(frame, "factor" if name is None else repr(name))
        labelled = labels > 0

        def lost() -> Codes:
            known = missing if ahead is None else _explained(missing, ahead.missing())
            return losses.reasons(known, kept, labelled, in_failed)

        if factor.empty:
            raise InputError("factor is empty: there is nothing to clean")
        dropped = _Dropped(given=len(factor), joined=len(frame), labelled=int(labelled.sum()))
        dropped.tell(self.max_loss, name)
        if dropped.share > self.max_loss:
            raise dropped.error(self.max_loss, index, lost(), "" if ahead is None else ahead.hint())
        if name is None:
            say(f"max_loss is {_percent(self.max_loss)}, not exceeded: OK!")
        if labelled.all() and len(labels):
            clean = _with_labels(frame, labels.astype(np.int64))
        else:
            clean = _with_labels(frame[labelled], labels[labelled].astype(np.float64))
        if bool(kept.all()) and bool(labelled.all()):
            losses.record_none(clean)
        else:
            losses.record(clean, lambda: losses.loss_table(index, lost()))
        return clean

    def _labelled(self, frame: pd.DataFrame, owner: str) -> tuple[NDArray[np.int16], Bools]:
        """Return a label for each row (0: none), and which rows stand where no cut was possible."""
        panel = Panel.of(frame)
        values = column_values(frame, "factor")
        groups = Labels(frame["group"]) if self.by_group else None
        cells = panel.cells if groups is None else panel.grouped(groups)
        if panel.has_duplicates:
            warn_user(f"{owner} repeats {panel.duplicates()}: each of them counts by itself")
        labels, failed = label_rows(self.binning, cells, values)
        if self.max_loss == 0:
            _explained_refusal(self.binning, cells, values, failed, panel.dates, groups)
        in_failed = failed[cells.keys] if failed.any() else np.zeros(len(labels), dtype=bool)
        return labels, in_failed


_explained_refusal = non_unique_bin_edges_error(refuse)


def _with_labels(frame: pd.DataFrame, labels: NDArray[np.generic]) -> pd.DataFrame:
    frame.insert(frame.shape[1], "factor_quantile", labels)
    return frame


def _explained(missing: dict[str, Bools], causes: dict[str, Bools]) -> dict[str, Bools]:
    """Put the causes in the place of the bare fact that a forward return is missing."""
    out: dict[str, Bools] = {}
    for name, rows in missing.items():
        out |= causes if name == "no forward return" else {name: rows}
    return out


def _percent(share: float) -> str:
    return f"{share * 100:.1f}%"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Dropped:
    """How many rows a factor had, how many lacked nothing, and how many of these got a label."""

    given: int
    joined: int
    labelled: int

    @property
    def share(self) -> float:
        return (self.given - self.labelled) / self.given

    def tell(self, max_loss: float, name: str | None) -> None:
        """Print what was dropped: the words of Alphalens, or one line under a name."""
        forward = (self.given - self.joined) / self.given
        total, at_join, at_cut = map(_percent, (self.share, forward, self.share - forward))
        if name is None:
            say(
                f"Dropped {total} entries from factor data: {at_join} in forward returns "
                f"computation and {at_cut} in binning phase (set max_loss=0 to see potentially "
                "suppressed Exceptions)."
            )
        else:
            say(
                f"{name}: dropped {total}, {at_join} in forward returns and {at_cut} in binning "
                f"(max_loss {_percent(max_loss)})"
            )

    def error(
        self, max_loss: float, index: pd.MultiIndex, codes: Codes, hint: str
    ) -> MaxLossExceededError:
        """Return the error that says what was lost, why, and what to do."""
        return MaxLossExceededError(
            f"max_loss ({_percent(max_loss)}) exceeded {_percent(self.share)}, consider increasing "
            f"it. Lost {self.given - self.labelled} of {self.given} rows of the factor:\n"
            f"{losses.describe_loss(index, codes)}{hint}",
            loss=losses.loss_table(index, codes),
        )
