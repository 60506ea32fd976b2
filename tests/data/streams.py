"""What the tests of streams share: a clock that stands, a listener that keeps, a REST of bars."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from alphalens.data._vendors.reading import Part, batch_from
from alphalens.data.bar_stream import BarStream, Delivery, StreamOptions
from alphalens.data.bars import micros
from alphalens.data.port import BarRequest, Batch, DataCapabilities
from alphalens.errors import DataError
from alphalens.net import Timing
from tests.waiting import PATIENCE_S

from .any_kind import of_any_kind

OPEN = datetime(2024, 1, 9, 15, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
QUICK = StreamOptions(
    settle_s=0.0,
    fill_attempts=2,
    fill_pause_s=0.01,
    behind_after_s=0.1,
    backoff_base_s=0.01,
    backoff_cap_s=0.02,
)


def at(minute: float) -> datetime:
    """Return the instant so many minutes after the first one."""
    return OPEN + minute * MINUTE


def us(minute: float) -> int:
    return micros(at(minute))


class Wall:
    """A clock on the wall that stands until it is moved; monotonic time and sleep are real."""

    def __init__(self, instant: datetime = OPEN) -> None:
        self.instant = instant
        self.timing = Timing(wall=lambda: self.instant.timestamp())

    def now(self) -> datetime:
        return self.instant

    def monotonic(self) -> float:
        return time.monotonic()


def alpaca_row(minute: float, close: float = 1.5, **changes: object) -> dict[str, object]:
    told = at(minute).isoformat().replace("+00:00", "Z")
    row = {"t": told, "o": 1.0, "h": 2.0, "l": 0.5, "c": close, "v": 100, "n": 3, "vw": 1.2}
    return {**row, **changes}


@dataclass
class Rest:
    """A vendor whose minutes are what it is given; it may fail, wait, and be behind."""

    rows: dict[str, list[dict[str, object]]] = field(default_factory=dict)
    fails: list[Exception] = field(default_factory=list)
    delay_s: float = 0.0
    gate: threading.Event | None = None
    asked: list[BarRequest] = field(default_factory=list)
    name: str = "rest"

    @property
    def capabilities(self) -> DataCapabilities:
        return of_any_kind(calls_per_minute=1000, delay_s=self.delay_s)

    def bars(self, request: BarRequest) -> Batch:
        self.asked.append(request)
        if self.gate is not None:
            assert self.gate.wait(PATIENCE_S)
        if self.fails:
            raise self.fails.pop(0)
        parts = [
            Part(symbol=symbol, rows=[row for row in self.rows[symbol] if _is_in(row, request)])
            for symbol in request.symbols
            if symbol in self.rows
        ]
        return batch_from(
            parts, request, source=self.name, received_at=at(1000), calls=1, delay_s=0.0
        )


def _is_in(row: Mapping[str, object], request: BarRequest) -> bool:
    began = datetime.fromisoformat(str(row["t"]))
    return request.start <= began < request.end


class Down(Rest):
    """A vendor that never answers."""

    def bars(self, request: BarRequest) -> Batch:
        self.asked.append(request)
        raise DataError("the vendor is down")


@dataclass
class Heard:
    """A listener that keeps what it is told."""

    failures: list[str] = field(default_factory=list)
    answers: int = 0
    newest: dict[str, datetime] = field(default_factory=dict)
    missing: list[tuple[str, datetime, datetime]] = field(default_factory=list)

    def answered(self, vendor: str, *, took_s: float) -> None:
        self.answers += 1

    def failed(self, vendor: str, error: Exception) -> None:
        self.failures.append(f"{vendor}: {error}")

    def fell_back(self, vendor: str, to: str) -> None:
        raise AssertionError("a stream has nobody to fall back to")

    def told(self, vendor: str, symbol: str, at: datetime) -> None:
        self.newest[symbol] = at

    def missed(self, vendor: str, symbol: str, first: datetime, last: datetime) -> None:
        self.missing.append((symbol, first, last))


class Taken:
    """Everything that a stream delivered so far."""

    def __init__(self, stream: BarStream) -> None:
        self._stream = stream
        self.deliveries: list[Delivery] = []

    def until(self, is_so: Callable[[], object]) -> Taken:
        ends_at = time.monotonic() + PATIENCE_S
        while not is_so():
            assert time.monotonic() < ends_at, f"only {self.troubles()}, {self.bars()} came"
            if any(vars(delivery := self._stream.take(0.02)).values()):
                self.deliveries.append(delivery)
        return self

    def bars(self, symbol: str = "AAPL") -> list[tuple[float, float]]:
        """Return minute and close of each bar, in the order in which they were handed over."""
        return [
            ((int(bars.time[row]) - us(0)) / 60e6, float(bars.close[row]))
            for bars in (b.bars for d in self.deliveries for b in d.batches)
            for row in range(len(bars))
            if bars.symbols[bars.codes[row]] == symbol
        ]

    def of(self, name: str) -> Sequence[object]:
        return [one for d in self.deliveries for one in getattr(d, name)]

    def troubles(self) -> list[str]:
        return [str(t.kind) for d in self.deliveries for t in d.troubles]
