"""A vendor's payload, from its wire through the pipeline into a store, and what became of it.

Payloads go over loopback to the vendors' real clients. What no vendor over REST has here, such
as settles of futures, enters as rows of a file that a provider of this module reads.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import Engine

from alphalens.assets import AssetClass
from alphalens.data._vendors.reading import Keys, Part, batch_from
from alphalens.data.alpaca_provider import AlpacaProvider
from alphalens.data.bars import Adjustment, Bars, Timeframe, micros
from alphalens.data.context_maker import ContextMaker
from alphalens.data.ingest_record import IngestRecord
from alphalens.data.option_intake import fetch_chain
from alphalens.data.option_store import OptionStore
from alphalens.data.pipeline import Pipeline
from alphalens.data.polygon_provider import PolygonProvider
from alphalens.data.port import BarRequest, Batch, DataCapabilities
from alphalens.data.reasons import Reason, names_of
from alphalens.data.store import BarStore
from alphalens.data.validation import Context, Judged
from alphalens.errors import DataError
from alphalens.net import Timing
from alphalens.trading import Clock, VirtualClock
from tests.data.any_kind import of_any_kind
from tests.data.bad_rows import NEW_YORK, NOW, shown
from tests.data.scripted_vendor import QUICK, Say, ScriptedVendor, scripted

START, END = datetime(1990, 1, 1, tzinfo=UTC), datetime(2025, 6, 1, tzinfo=UTC)
NO_ACTIONS = {"corporate_actions": {}, "next_page_token": None}

Row = dict[str, object]
Key = tuple[str, str]


def day_text(day: str) -> str:
    """The instant at which the bar of a day begins, as Alpaca writes it."""
    return (
        datetime.fromisoformat(day)
        .replace(tzinfo=NEW_YORK)
        .astimezone(UTC)
        .strftime("%Y-%m-%dT%H:%M:%SZ")
    )


def bar(when: str, close: float = 100.0, volume: float = 1_000, **changes: object) -> Row:
    """A row as Alpaca and Polygon write it; `when` is a day, or an instant with a ``T``."""
    at = when if "T" in when else day_text(when)
    told: Row = {"t": at, "o": close - 0.5, "h": close + 1.0, "l": close - 1.0, "c": close}
    return {**told, "v": volume, "n": 10, "vw": close, **changes}


def told(row: Sequence[Any], **changes: object) -> Row:
    """A row of a table: day, open, high, low, close, volume."""
    return {
        "t": day_text(row[0]),
        **dict(zip("ohlcv", row[1:], strict=True)),
        "n": 10,
        "vw": row[4],
        **changes,
    }


def alpaca_page(rows: Mapping[str, object], token: str | None = None) -> dict[str, object]:
    return {"bars": dict(rows), "next_page_token": token}


def polygon_page(symbol: str, rows: Sequence[Row], **changes: object) -> dict[str, object]:
    rows = [{**row, "t": _millis(row["t"])} if isinstance(row, dict) else row for row in rows]
    counted = {"queryCount": len(rows), "resultsCount": len(rows), "count": len(rows)}
    good = {"ticker": symbol, "adjusted": False, "results": rows, "status": "OK"}
    return {**good, **counted, "request_id": "1", **changes}


def _millis(at: object) -> object:
    if not isinstance(at, str):
        return at
    return int(datetime.fromisoformat(at).timestamp() * 1000)


@dataclass(eq=False)
class FileVendor:
    """Rows of a file, one object a line, which name no zone or the one that is given."""

    lines: Mapping[str, Sequence[str]]
    now: datetime
    zone: str = ""
    name: str = "file"

    @property
    def capabilities(self) -> DataCapabilities:
        return of_any_kind()

    def bars(self, request: BarRequest) -> Batch:
        parts = [
            Part(symbol=symbol, rows=[json.loads(line) for line in self.lines[symbol]])
            for symbol in request.symbols
        ]
        return batch_from(
            parts,
            request,
            source=self.name,
            received_at=self.now,
            calls=0,
            keys=Keys(),
            zone=self.zone,
        )


class Known(ContextMaker):
    """What is known of every symbol of a test besides its bars."""

    def __init__(
        self, store: BarStore, *, clock: Clock, kind: AssetClass, known: dict[str, Any]
    ) -> None:
        actions = known.pop("actions", ())
        super().__init__(store, clock=clock, actions=lambda _symbols, _at: actions)
        self._kind, self._known = kind, known

    def class_of(self, symbol: str) -> AssetClass:
        return self._kind

    def plain(self, symbols: Sequence[str]) -> Context:
        return replace(super().plain(symbols), **self._known)


class Desk:
    """One store, and vendors that say what a test tells them to say."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.clock = engine, VirtualClock(NOW)
        self.store, self.options = BarStore(engine), OptionStore(engine)
        self.calls = 0

    @contextmanager
    def alpaca(self, *answers: object, actions: object = NO_ACTIONS) -> Iterator[AlpacaProvider]:
        with self._counted(answers, actions, "corporate-actions") as vendor:
            made = AlpacaProvider("key", "secret", base_url=vendor.url, **self._options())
            with made as provider:
                yield provider

    @contextmanager
    def polygon(self, *answers: object) -> Iterator[PolygonProvider]:
        nothing = {"status": "OK", "results": [], "count": 0}
        with self._counted(answers, nothing, "/v3/reference/") as vendor:
            made = PolygonProvider("key", base_url=vendor.url, **self._options())
            with made as provider:
                yield provider

    @contextmanager
    def _counted(
        self, answers: Sequence[object], same: object, mark: str
    ) -> Iterator[ScriptedVendor]:
        with _routed(answers, same, mark) as vendor:
            try:
                yield vendor
            finally:
                self.calls = len(vendor.got)

    def _options(self) -> dict[str, Any]:
        timing = Timing(wall=lambda: self.clock.now().timestamp())
        return {"rng": random.Random(1), "options": QUICK, "timing": timing}

    def fetch(self, rows: Mapping[str, object] | object, **more: Any) -> Judged:
        """Let Alpaca say rows by symbol, and fetch them."""
        symbols = more.pop("symbols", tuple(rows) if isinstance(rows, Mapping) else ("A",))
        page = alpaca_page(rows) if isinstance(rows, Mapping) else rows
        with self.alpaca(page, actions=more.pop("told_actions", NO_ACTIONS)) as provider:
            return self.through(provider, symbols, **more)

    def through(
        self,
        provider: Any,  # Any: providers of the tests have what they need and no more
        symbols: Sequence[str],
        *,
        timeframe: Timeframe = Timeframe.DAY,
        adjustment: Adjustment = Adjustment.RAW,
        kind: AssetClass = AssetClass.EQUITY,
        start: datetime = START,
        end: datetime = END,
        **known: Any,
    ) -> Judged:
        """Fetch from a provider, with what is known besides, and return the judgement."""
        request = BarRequest(
            symbols=tuple(symbols),
            start=start,
            end=end,
            timeframe=timeframe,
            adjustment=adjustment,
        )

        contexts = Known(self.store, clock=self.clock, kind=kind, known=known)
        pipeline = Pipeline([provider], self.store, clock=self.clock, context=contexts)
        (kept,) = pipeline.fetch(request)
        return kept.judged

    def refuse(self, rows: object, reason: Reason, match: str = "", **more: Any) -> str:
        """Fetch what is refused whole: the reason is told, nothing is stored, its text is kept."""
        before = self.keys(*more.get("symbols", ("A",)))
        with pytest.raises(DataError, match=f"(?s){reason.name.lower()}.*{match}"):
            self.fetch(rows, **more)
        assert self.keys(*more.get("symbols", ("A",))) == before
        return self.refused_text(reason)

    def refused_text(self, reason: Reason) -> str:
        """The text of the answer that was refused last, from the store."""
        answers = IngestRecord(self.engine).refusals()
        last = answers.iloc[-1]
        assert last["reason"] == reason.name.lower()
        return "\n".join(last["raw"])

    def chain(self, *answers: object, vendor: str = "polygon", **more: Any) -> Any:
        """Let a vendor say a chain of options on A, and fetch it."""
        with getattr(self, vendor)(*answers) as provider:
            return fetch_chain(provider, "A", self.options, clock=self.clock, **more)

    def stored(self, *symbols: str, **kinds: Any) -> Bars:
        return self._marked(symbols, **kinds)[0]

    def keys(self, *symbols: str, **kinds: Any) -> list[Key]:
        """Symbol and local day, or instant, of each stored bar."""
        bars = self.stored(*symbols, **kinds)
        return [
            (bars.symbols[code], shown(int(time), bars.timeframe))
            for code, time in zip(bars.codes, bars.time, strict=True)
        ]

    def days(self, *symbols: str, **kinds: Any) -> list[str]:
        return [day for _, day in self.keys(*symbols, **kinds)]

    def closes(self, *symbols: str, **kinds: Any) -> list[float]:
        return self.stored(*symbols, **kinds).close.tolist()

    def flags(self, *symbols: str, **kinds: Any) -> dict[Key, set[str]]:
        """The marks of the stored bars, where there are any."""
        bars, marks = self._marked(symbols, **kinds)
        keys = self.keys(*symbols, **kinds)
        assert len(keys) == len(bars)
        found = zip(keys, marks.tolist(), strict=True)
        return {key: set(names_of(mark)) for key, mark in found if mark}

    def aside(self, *symbols: str) -> dict[Key, set[str]]:
        """All reasons of the rows in quarantine, by symbol and day; each has its text."""
        table = self.quarantined(*symbols)
        found: dict[Key, set[str]] = {}
        for row in table.itertuples():
            assert json.loads(row.raw), row.raw
            timeframe = Timeframe(row.timeframe) if row.timeframe else Timeframe.MINUTE
            when = "never" if row.timestamp is pd.NaT else shown(micros(row.timestamp), timeframe)
            found.setdefault((row.symbol, when), set()).update(names_of(int(row.marks)))
        return found

    def raw(self, *symbols: str) -> list[dict[str, Any]]:
        """The rows in quarantine as they came."""
        return [json.loads(text) for text in self.quarantined(*symbols)["raw"]]

    def gaps(self, *symbols: str) -> list[tuple[str, int]]:
        """Reason and count of each gap on record."""
        kept = IngestRecord(self.engine).gaps(symbols or ("A",))
        return [(one.gap.reason.name.lower(), one.gap.count) for one in kept]

    def quarantined(self, *symbols: str) -> pd.DataFrame:
        return self.store.quarantined(symbols or ("A",))

    def _marked(
        self,
        symbols: Sequence[str],
        *,
        timeframe: Timeframe = Timeframe.DAY,
        adjustment: Adjustment = Adjustment.RAW,
        as_of: datetime | None = None,
    ) -> tuple[Bars, np.ndarray]:
        request = BarRequest(
            symbols=tuple(symbols) or ("A",),
            start=START,
            end=END + timedelta(days=365),
            timeframe=timeframe,
            adjustment=adjustment,
        )
        return self.store.read_marked(request, as_of=as_of)


@contextmanager
def _routed(answers: Sequence[object], actions: object, mark: str) -> Iterator[ScriptedVendor]:
    """Serve answers in turn, but to whoever asks for actions always the same."""
    with scripted(*answers) as vendor:
        in_turn, same = vendor.answer_to, Say(actions)

        def answer_to(handler: Any) -> Say:  # Any: a request handler of the standard library
            return same if mark in handler.path else in_turn(handler)

        vendor.answer_to = answer_to  # type: ignore[method-assign]
        yield vendor
