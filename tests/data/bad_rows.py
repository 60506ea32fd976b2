"""Batches written as tables, for the tests of the validator."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from alphalens.assets import AssetClass
from alphalens.data.bars import Adjustment, Bars, Timeframe, micros
from alphalens.data.port import BarRequest, Batch, CorporateAction
from alphalens.data.reasons import names_of
from alphalens.data.validation import Context, Judged, judge

NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2025, 1, 6, 22, tzinfo=UTC)
MONDAY, TUESDAY, WEDNESDAY = "2024-12-09", "2024-12-10", "2024-12-11"
THURSDAY, FRIDAY = "2024-12-12", "2024-12-13"
WEEK = (MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY)

#: day or instant, open, high, low, close, volume
Row = tuple[str, float, float, float, float, float]


def good(when: str, close: float = 100.0, volume: float = 1_000.0) -> Row:
    return (when, close - 0.5, close + 1.0, close - 1.0, close, volume)


def bars_of(
    tables: dict[str, Sequence[Row]],
    *,
    timeframe=Timeframe.DAY,
    adjustment=Adjustment.RAW,
    received_at=NOW,
    currency="USD",
    zone=NEW_YORK,
) -> Bars:
    """Days are midnight in `zone`; instants with a ``T`` are in UTC."""
    parts = []
    for symbol, table in tables.items():
        columns = np.array([row[1:] for row in table], float).reshape(len(table), 5).T
        prices = dict(zip(("open", "high", "low", "close", "volume"), columns, strict=True))
        parts.append(
            Bars.of_symbol(
                symbol,
                np.array([_begin(row[0], zone) for row in table], np.int64),
                prices,
                source="vendor",
                received_at=received_at,
                timeframe=timeframe,
                adjustment=adjustment,
                currency=currency,
            )
        )
    return Bars.concat(parts)


def batch_of(tables, *, marks=None, symbols=None, **kinds) -> Batch:
    bars = tables if isinstance(tables, Bars) else bars_of(tables, **kinds)
    asked = symbols or bars.symbols
    return Batch(
        request=BarRequest(
            symbols=tuple(asked),
            start=datetime(1990, 1, 1, tzinfo=UTC),
            end=datetime(2026, 1, 1, tzinfo=UTC),
            timeframe=bars.timeframe,
            adjustment=bars.adjustment,
        ),
        bars=bars,
        marks=np.zeros(len(bars), np.uint64) if marks is None else np.array(marks, np.uint64),
        raw=[f"row {place} of {bars.symbols[code]}" for place, code in enumerate(bars.codes)],
        received_at=NOW,
    )


def context_of(*symbols: str, kind=AssetClass.EQUITY, **more) -> Context:
    return Context(**{"now": NOW, "classes": dict.fromkeys(symbols or ("A", "B"), kind), **more})


def judged(rows, *, symbol="A", kind=AssetClass.EQUITY, **context) -> Judged:
    return judge(batch_of({symbol: rows}), context_of(symbol, kind=kind, **context))


def weeks(closes, first="2024-10-01", volume=1_000.0):
    """Rows on consecutive sessions, the volume a little different each day."""
    days = [d for d in np.arange(first, "2024-11-27", dtype="M8[D]") if np.is_busday(d)]
    return [
        good(str(day), close, volume + place)
        for place, (day, close) in enumerate(zip(days, closes, strict=False))
    ]


def action(symbol: str, kind: str, ex_date, **more) -> CorporateAction:
    return CorporateAction(
        symbol=symbol,
        kind=kind,
        ex_date=ex_date,
        **{"seen_at": NOW - timedelta(days=1), "source": "vendor", **more},
    )


def kept(judged: Judged) -> list[tuple[str, str]]:
    """Symbol and local day, or instant, of each row that may be stored."""
    return _keys(judged.bars)


def aside(judged: Judged) -> dict[tuple[str, str], set[str]]:
    """The reasons for which rows are in quarantine, by key; asserts that their text is there."""
    found = judged.rejected
    assert len(found.raw) == len(found.bars) == len(found.marks) == len(found.because)
    assert [raw.split()[-1] for raw in found.raw] == [symbol for symbol, _ in _keys(found.bars)]
    assert not (found.because & ~found.marks).any()
    return {
        key: set(names_of(int(mask)))
        for key, mask in zip(_keys(found.bars), found.because, strict=True)
    }


def flags(judged: Judged) -> dict[tuple[str, str], set[str]]:
    """The marks of the rows that may be stored, by key, where there are any."""
    return {
        key: set(names_of(int(mask)))
        for key, mask in zip(_keys(judged.bars), judged.marks, strict=True)
        if mask
    }


def at_other_times(bars: Bars, received: Sequence[datetime]) -> Bars:
    return replace(bars, received=np.array([micros(at) for at in received], np.int64))


def _keys(bars: Bars) -> list[tuple[str, str]]:
    return [
        (bars.symbols[code], shown(int(time), bars.timeframe))
        for code, time in zip(bars.codes, bars.time, strict=True)
    ]


def shown(time: int, timeframe: Timeframe) -> str:
    """The local day of a daily bar, and the instant of another."""
    if time == np.iinfo(np.int64).min:
        return "never"
    instant = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time)
    if timeframe is not Timeframe.DAY:
        return instant.strftime("%Y-%m-%dT%H:%M:%S")
    return (instant + timedelta(hours=12)).date().isoformat()


def _begin(when: str, zone) -> int:
    if "T" in when:
        return micros(datetime.fromisoformat(when).replace(tzinfo=UTC))
    return micros(datetime.fromisoformat(when).replace(tzinfo=zone))
