"""Bars of a stream, gathered, judged and stored."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from alphalens.data._streams.words import BarRow, batches_of
from alphalens.data.bar_stream import Delivery
from alphalens.data.bars import Timeframe
from alphalens.data.port import BarRequest, Batch
from alphalens.data.reasons import names_of
from alphalens.data.store import BarStore
from alphalens.data.stream_intake import StreamIntake
from alphalens.data.stream_recorder import StreamRecorder
from alphalens.errors import ConfigError, StorageError
from alphalens.storage import open_engine
from alphalens.trading.clock import VirtualClock

from .streams import MINUTE, Heard, alpaca_row, at, us

WHOLE = BarRequest(symbols=("AAPL",), start=at(0), end=at(60), timeframe=Timeframe.MINUTE)


def delivery(*rows: BarRow) -> Delivery:
    return Delivery(batches=tuple(batches_of(rows, source="alpaca")))


def bar(minute: float, close: float | None = 1.5, **changes: object) -> BarRow:
    row = alpaca_row(minute, c=close)
    made = BarRow("AAPL", Timeframe.MINUTE, us(minute), row, us(minute + 1))
    return made._replace(**changes)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(at(10))


@pytest.fixture
def store() -> Iterator[BarStore]:
    engine = open_engine("sqlite://")
    yield BarStore(engine)
    engine.dispose()


def recorder(store: BarStore, clock: VirtualClock, **changes: object) -> StreamRecorder:
    intake = StreamIntake(store, clock=clock, **changes)
    return StreamRecorder(intake.keep, missed=intake.missed, clock=clock, every_s=1.0)


def test_bars_are_gathered_for_a_second_and_kept_in_one_batch(clock) -> None:
    kept: list[Batch] = []
    recorder = StreamRecorder(kept.append, clock=clock, every_s=1.0)
    for number in range(5):
        recorder.add(delivery(bar(number)))
    recorder.add(delivery(bar(0)._replace(timeframe=Timeframe.DAY)))
    assert (kept, recorder.waiting) == ([], 6)
    clock.advance_to(at(10) + MINUTE / 60)
    recorder.add(Delivery())
    assert [len(batch.bars) for batch in kept] == [5, 1]
    assert kept[0].raw[3].startswith('{"t":"2024-01-09T15:03')
    assert recorder.waiting == 0


def test_good_bars_are_stored_and_bad_ones_are_in_quarantine_with_their_text(store, clock) -> None:
    made = recorder(store, clock)
    made.add(delivery(bar(0, 1.5), bar(1, None), bar(2, 1.75)))
    made.flush()
    assert store.read(WHOLE).close.tolist() == [1.5, 1.75]
    (row,) = store.quarantined().to_dict("records")
    assert "close_missing" in names_of(row["marks"])
    assert '"c":null' in row["raw"]


def test_correction_is_believed_and_what_was_believed_is_on_record(store, clock) -> None:
    made = recorder(store, clock)
    made.add(delivery(bar(0, 1.5)))
    made.flush()
    made.add(delivery(bar(0, 1.625, received=us(5))))
    made.flush()
    assert store.read(WHOLE).close.tolist() == [1.625]
    assert store.read(WHOLE, as_of=at(2)).close.tolist() == [1.5]


def test_what_a_cache_may_have_of_a_bar_is_forgotten_before_it_is_written_and_after(
    store, clock
) -> None:
    seen: list[int] = []
    made = recorder(store, clock, forget=lambda bars: seen.append(len(store.read(WHOLE))))
    made.add(delivery(bar(0, 1.5)))
    made.flush()
    assert seen == [0, 1]


def test_forming_minute_gives_way_to_the_final_one(store, clock) -> None:
    made = recorder(store, clock)
    made.add(delivery(bar(0, 1.25, received=us(0.5), is_forming=True)))
    made.flush()
    assert not store.read(WHOLE).is_final[0]
    made.add(delivery(bar(0, 1.5)))
    made.flush()
    assert store.read(WHOLE).is_final[0]
    assert store.read(WHOLE).close.tolist() == [1.5]


def test_row_for_which_an_answer_is_refused_costs_no_neighbour(store, clock) -> None:
    heard = Heard()
    made = recorder(store, clock, listener=heard)
    made.add(delivery(bar(0), bar(1, row={**alpaca_row(1), "v": None})))
    made.flush()
    assert store.read(WHOLE).close.tolist() == [1.5]
    assert ["schema_drift" in names_of(m) for m in store.quarantined()["marks"]] == [True]
    assert "schema_drift" in heard.failures[0]


def test_what_could_not_be_kept_is_tried_again_first(clock) -> None:
    kept: list[float] = []
    fails = [StorageError("the disk is full")]

    def keep(batch: Batch) -> None:
        if fails:
            raise fails.pop()
        kept.extend(batch.bars.close.tolist())

    recorder = StreamRecorder(keep, clock=clock, every_s=0.0)
    with pytest.raises(StorageError):
        recorder.add(delivery(bar(0, 1.0)))
    assert recorder.waiting == 1
    recorder.add(delivery(bar(1, 2.0)))
    assert kept == [1.0, 2.0]


def test_time_to_gather_is_not_negative(clock) -> None:
    with pytest.raises(ConfigError):
        StreamRecorder(print, clock=clock, every_s=-1.0)
