"""Bars for the benchmarks of market data, and the usual ways to keep and read them.

The bars are of sessions of New York, random but sound: a judgement keeps every one.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy import orm

from alphalens.assets import AssetClass
from alphalens.assets.calendars import sessions
from alphalens.data.bars import COLUMNS, Adjustment, Bars, Timeframe, micros
from alphalens.data.port import BarRequest, Batch
from alphalens.data.validation import Context

RECEIVED = datetime(2026, 1, 5, tzinfo=UTC)
NOW = RECEIVED + timedelta(days=1)
LAST = date(2025, 12, 31)
KEY = ("symbol", "timestamp")
_ZONE = ZoneInfo("America/New_York")
#: What the peers make of a column that SQLite keeps as text.
_PARSED = {"timestamp": {"utc": True}, "received_at": {"utc": True}}

#: Gives the URL of an empty database, gone at the end.
Databases = Callable[[], AbstractContextManager[str]]


def days_of(count: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the begins of the last `count` sessions in microseconds."""
    first = LAST - timedelta(days=count * 3 // 2 + 30)
    found = sessions("XNYS", first, LAST)[-count:]
    return np.array([micros(datetime.combine(s.date, time(), _ZONE)) for s in found])


def make(symbols: int, days: int, *, first: int = 0, seed: int = 7) -> Bars:
    """Return final daily bars, by symbol, then time."""
    draw = np.random.default_rng(seed + first)
    shape = (symbols, days)
    steps = draw.normal(0, 0.01, shape).clip(-0.05, 0.05)
    steps -= steps.mean(axis=1, keepdims=True)  # so that no price wanders to a cent
    close = np.round(100 * np.exp(np.cumsum(steps, axis=1)), 2)
    opened = np.round(close * (1 + draw.normal(0, 0.003, shape)), 2)
    high = np.round(np.maximum(close, opened) + draw.uniform(0, 1, shape), 2)
    low = np.round(np.minimum(close, opened) - draw.uniform(0, 1, shape), 2)
    prices = {"open": opened, "high": high, "low": low, "close": close, "vwap": (high + low) / 2}
    volume = np.round(draw.lognormal(13, 0.3, shape))
    size = symbols * days
    return Bars(
        symbols=tuple(f"S{first + number:05}" for number in range(symbols)),
        codes=np.repeat(np.arange(symbols, dtype=np.int32), days),
        time=np.tile(days_of(days), symbols),
        volume=volume.ravel(),
        trades=draw.integers(1_000, 100_000, size),
        is_final=np.ones(size, np.bool_),
        received=np.full(size, micros(RECEIVED)),
        sources=("vendor",),
        source_codes=np.zeros(size, np.int16),
        timeframe=Timeframe.DAY,
        adjustment=Adjustment.RAW,
        **{name: values.ravel() for name, values in prices.items()},
    )


def request_of(bars: Bars, symbols: tuple[str, ...] | None = None) -> BarRequest:
    """Return what asks for the bars, or for those of some symbols."""
    first, last = (datetime.fromtimestamp(t / 1e6, UTC) for t in (bars.time[0], bars.time.max()))
    return BarRequest(symbols=symbols or bars.symbols, start=first, end=last + timedelta(days=1))


def batch_of(bars: Bars) -> Batch:
    """Return the bars as a vendor's answer; its rows have one text, which nobody reads."""
    return Batch(
        request=request_of(bars),
        bars=bars,
        marks=np.zeros(len(bars), np.uint64),
        raw=["{}"] * len(bars),
        received_at=RECEIVED,
    )


def context_of(bars: Bars) -> Context:
    """Return what a judgement on the bars has to know."""
    return Context(now=NOW, classes=dict.fromkeys(bars.symbols, AssetClass.EQUITY))


def plain(bars: Bars) -> pd.DataFrame:
    """Return the bars as a user has them: text, instants, numbers."""
    frame = bars.frame()
    labels = frame.select_dtypes("category").columns
    return frame.astype(dict.fromkeys(labels, "str"))


class _Base(orm.DeclarativeBase):
    pass


class PeerBar(_Base):
    """A bar as an object."""

    __tablename__ = "peer_objects"
    symbol: orm.Mapped[str] = orm.mapped_column(primary_key=True)
    timestamp: orm.Mapped[datetime] = orm.mapped_column(
        sa.DateTime(timezone=True), primary_key=True
    )
    open: orm.Mapped[float]
    high: orm.Mapped[float]
    low: orm.Mapped[float]
    close: orm.Mapped[float]
    volume: orm.Mapped[float]
    vwap: orm.Mapped[float]
    trades: orm.Mapped[int]
    is_final: orm.Mapped[bool]
    source: orm.Mapped[str]
    received_at: orm.Mapped[datetime] = orm.mapped_column(sa.DateTime(timezone=True))
    adjustment: orm.Mapped[str]


@dataclass(frozen=True, slots=True)
class Peer:
    """The usual ways, through pandas and SQLAlchemy."""

    engine: sa.Engine

    def write(self, frame: pd.DataFrame) -> None:
        """Write a frame into a new table without a key."""
        frame.to_sql("peer", self.engine, index=False)

    def write_objects(self, frame: pd.DataFrame) -> None:
        """Write a frame into a new table, an object a row."""
        _Base.metadata.create_all(self.engine)
        with orm.Session(self.engine) as session:
            rows = zip(*(frame[name] for name in frame), strict=True)
            session.add_all(PeerBar(**dict(zip(COLUMNS, row, strict=True))) for row in rows)
            session.commit()

    def read(self) -> pd.DataFrame:
        """Read the table into a frame, in the order in which it was written."""
        return self._read("SELECT * FROM peer")

    def panel(self) -> pd.DataFrame:
        """Read the closes into a wide table."""
        long = self._read("SELECT symbol, timestamp, close FROM peer")
        return long.set_index(["timestamp", "symbol"])["close"].unstack("symbol")  # noqa: PD010  no means

    def prepare(self) -> None:
        """Make a table with a key, of the same bars."""
        with self.engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE peer_keyed AS SELECT * FROM peer")
            key = f"CREATE UNIQUE INDEX peer_key ON peer_keyed ({', '.join(KEY)})"
            connection.exec_driver_sql(key)

    def write_again(self, frame: pd.DataFrame) -> None:
        """Write a frame so that bars that are there stay: a table beside, ON CONFLICT."""
        frame.to_sql("peer_staging", self.engine, index=False, if_exists="replace")
        with self.engine.begin() as connection:
            connection.exec_driver_sql(
                "INSERT INTO peer_keyed SELECT * FROM peer_staging WHERE true "
                f"ON CONFLICT ({', '.join(KEY)}) DO NOTHING"
            )

    def _read(self, query: str) -> pd.DataFrame:
        is_text = self.engine.dialect.name == "sqlite"
        names = [name for name in _PARSED if name in query or "*" in query]
        parsed = {name: _PARSED[name] for name in names} if is_text else None
        return pd.read_sql(query, self.engine, parse_dates=parsed)
