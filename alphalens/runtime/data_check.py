"""Bars of a file, or of the store, judged anew; nothing is written."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import overload

import numpy as np
import pandas as pd
import sqlalchemy as sa

from alphalens.assets import AssetClass
from alphalens.data.bars import NO_TIME, Adjustment, Bars, Timeframe
from alphalens.data.context_maker import ContextMaker
from alphalens.data.fact_store import FactStore
from alphalens.data.folder_provider import FolderProvider
from alphalens.data.port import BarRequest, Batch
from alphalens.data.reasons import AnswerRefused, Reason
from alphalens.data.store import BarStore
from alphalens.data.validation import Context, Gap, Judged, judge
from alphalens.errors import DataError, InputError
from alphalens.trading.clock import Clock

__all__ = ["Findings", "judge_batches", "judge_file", "judge_store"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2199, 1, 1, tzinfo=UTC)
_FIGURES = ("open", "high", "low", "close", "volume", "vwap", "trades", "is_final")


@dataclass(frozen=True, eq=False, kw_only=True)
class Findings:
    """What was found in one or more batches.

    Attributes
    ----------
    told, kept, rejected, repaired : int
        Rows.
    counts : Mapping of Reason to int
        Rows by what was found in them; of `Reason.EMPTY` symbols.
    detail : DataFrame
        Columns symbol, day, reason and rows.
    aside : DataFrame
        The rejected rows: symbol, timestamp, because, raw, and more.
    gaps : tuple of Gap
        What is missing between the rows.
    empty : tuple of str
        Symbols without a row.
    refused : tuple of AnswerRefused
        Batches that cannot be used as a whole.
    """

    told: int
    kept: int
    rejected: int
    repaired: int
    counts: Mapping[Reason, int]
    detail: pd.DataFrame
    aside: pd.DataFrame
    gaps: tuple[Gap, ...]
    empty: tuple[str, ...]
    refused: tuple[AnswerRefused, ...]

    @property
    def is_clean(self) -> bool:
        """Return whether no row was rejected."""
        return not self.rejected and not self.refused


def judge_store(
    engine: sa.Engine,
    symbols: Sequence[str],
    *,
    timeframe: Timeframe,
    adjustment: Adjustment,
    clock: Clock,
) -> Findings:
    """Judge all stored bars of symbols by what is known today.

    Parameters
    ----------
    engine : Engine
        The store's database; opened read-only will do.
    symbols : sequence of str
        Canonical.
    timeframe, adjustment : Timeframe, Adjustment
        Of the series.
    clock : Clock
        The present.

    Raises
    ------
    InputError
        If none of them has a bar.
    StorageError
        If the database fails.
    """
    store = BarStore(engine)
    context = ContextMaker.of_store(store, clock=clock)
    covered = store.coverage(symbols, timeframe=timeframe, adjustment=adjustment)
    present = covered[covered["count"] > 0]
    if present.empty:
        raise InputError(
            f"there are no bars of {', '.join(symbols)}, {timeframe}, adjusted for {adjustment}: "
            "`alphalens data status` tells what there is"
        )

    def batches() -> Iterator[tuple[Batch, Context]]:
        for symbol, row in present.iterrows():
            request = BarRequest(
                symbols=(str(symbol),),
                start=row["first"].to_pydatetime(),
                end=row["last"].to_pydatetime() + timedelta(microseconds=1),
                timeframe=timeframe,
                adjustment=adjustment,
            )
            batch = _batch(request, store.read(request), clock.now())
            yield batch, context(batch)

    missing = tuple(str(s) for s in covered.index[covered["count"] == 0])
    return judge_batches(batches(), missing=missing)


def judge_file(
    path: Path,
    *,
    timeframe: Timeframe,
    adjustment: Adjustment,
    clock: Clock,
    asset_class: AssetClass = AssetClass.EQUITY,
    zone: str = "",
    date_format: str | None = None,
    facts: FactStore | None = None,
) -> Findings:
    """Judge all bars of a file, or of the files in a folder.

    Parameters
    ----------
    path, timeframe, adjustment, asset_class, zone, date_format
        As `alphalens.data.folder_provider.FolderProvider`.
    clock : Clock
        The present.
    facts : FactStore, optional
        Its splits and distributions explain steps in raw prices; without it nothing does.

    Raises
    ------
    DataError
        If a file cannot be read, or has no bars.
    StorageError
        If the database of facts fails.
    """
    provider = FolderProvider(
        path,
        timeframe=timeframe,
        adjustment=adjustment,
        asset_class=asset_class,
        zone=zone,
        date_format=date_format,
    )
    symbols = provider.symbols()
    if not symbols:
        raise DataError(f"{path} has no symbol: it has no rows, or they name none")
    request = BarRequest(
        symbols=symbols, start=_FIRST, end=_LAST, timeframe=timeframe, adjustment=adjustment
    )
    batch = _narrowed(provider.bars(request))
    names = (*symbols, *batch.bars.symbols)
    now = clock.now()
    actions = () if facts is None else facts.as_of(now).every_action(names)
    context = Context(now=now, classes=dict.fromkeys(names, asset_class), actions=actions)
    return judge_batches(iter([(batch, context)]))


def _narrowed(batch: Batch) -> Batch:
    """Return a batch that was asked for from its first row to its last: a file has no edges."""
    told = batch.bars.time[batch.bars.time != NO_TIME]
    if not len(told):
        return batch
    start, last = (_EPOCH + timedelta(microseconds=int(t)) for t in (told.min(), told.max()))
    request = replace(batch.request, start=start, end=last + timedelta(microseconds=1))
    return replace(batch, request=request)


def judge_batches(
    batches: Iterator[tuple[Batch, Context]], *, missing: Sequence[str] = ()
) -> Findings:
    """Judge batches, and put together what was found.

    Parameters
    ----------
    batches : iterator of (Batch, Context)
        One after the other: no two are held at once.
    missing : sequence of str
        Symbols that have no batch.
    """
    counts: Counter[Reason] = Counter({Reason.EMPTY: len(missing)} if missing else {})
    judged: list[_Found] = []
    refused: list[AnswerRefused] = []
    rows = 0
    for batch, context in batches:
        try:
            found = judge(batch, context)
        except AnswerRefused as error:
            refused.append(error)
            counts[error.reason] += len(batch.bars)
            rows += len(batch.bars)
            continue
        counts.update(found.report.counts)
        judged.append(_Found.of(found))
    kept, rejected, repaired = (sum(f.numbers[place] for f in judged) for place in range(3))
    return Findings(
        told=kept + rejected + rows,
        kept=kept,
        rejected=rejected + rows,
        repaired=repaired,
        counts=dict(sorted(counts.items())),
        detail=_together([f.detail for f in judged]),
        aside=_together([f.aside for f in judged]),
        gaps=tuple(gap for f in judged for gap in f.gaps),
        empty=(*missing, *(symbol for f in judged for symbol in f.empty)),
        refused=tuple(refused),
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """What is kept of one batch: not its bars."""

    numbers: tuple[int, int, int]
    detail: pd.DataFrame
    aside: pd.DataFrame
    gaps: tuple[Gap, ...]
    empty: tuple[str, ...]

    @classmethod
    def of(cls, judged: Judged) -> _Found:
        report = judged.report
        return cls(
            (report.kept, report.rejected, report.repaired),
            report.frame(),
            judged.rejected.frame(),
            report.gaps,
            report.empty,
        )


def _together(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    filled = [frame for frame in frames if len(frame)]
    if not filled:
        return frames[0] if frames else pd.DataFrame()
    return pd.concat(filled, ignore_index=True)


def _batch(request: BarRequest, bars: Bars, now: datetime) -> Batch:
    return Batch(
        request=request,
        bars=bars,
        marks=np.zeros(len(bars), np.uint64),
        raw=_Texts(bars),
        received_at=now,
        calls=0,
    )


class _Texts(Sequence[str]):
    """The text of each stored row, written only when somebody asks for it."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars

    def __len__(self) -> int:
        return len(self._bars)

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> list[str]: ...

    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        bars = self._bars
        at = datetime.fromtimestamp(int(bars.time[place]) / 1e6, UTC)
        figures = {name: getattr(bars, name)[place].item() for name in _FIGURES}
        return json.dumps({"t": at.isoformat(), **figures})
