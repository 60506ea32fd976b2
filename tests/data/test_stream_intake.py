"""What a stream gave goes the way of every answer: context, corrections, gaps, caches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from alphalens.data._streams.words import BarRow, batches_of, joined
from alphalens.data.bar_stream import Channel, Delivery, GapCause, StreamGap
from alphalens.data.bars import Timeframe
from alphalens.data.fact_store import FactStore
from alphalens.data.ingest_record import IngestRecord
from alphalens.data.port import BarRequest, Batch
from alphalens.data.reasons import Reason, names_of
from alphalens.data.stream_intake import StreamIntake
from alphalens.data.stream_recorder import StreamRecorder
from alphalens.errors import InputError, StorageError

from .pipeline_desk import Desk, open_desk
from .streams import MINUTE, Heard, alpaca_row, at, us

YESTERDAY = range(-1095, -1080)  # the last minutes of the session before
OPEN = -30  # 9:30 in New York
TODAY = date(2024, 1, 9)
WHOLE = BarRequest(symbols=("AAPL",), start=at(-2000), end=at(2000), timeframe=Timeframe.MINUTE)


@pytest.fixture(params=["sqlite", "postgres"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    url = f"sqlite:///{tmp_path / 'market.sqlite'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    with open_desk(url, tmp_path) as made:
        yield made


def batch(*told: tuple[int, float]) -> Batch:
    """Return bars of minutes with their closes as a stream gives them."""
    rows = [
        BarRow(
            "AAPL",
            Timeframe.MINUTE,
            us(minute),
            alpaca_row(minute, c, o=c, h=round(c * 1.001, 3), l=round(c * 0.999, 3), vw=c),
            us(minute + 1),
        )
        for minute, c in told
    ]
    return joined(batches_of(rows, source="polygon"))


def about(level: float, minutes: range) -> list[tuple[int, float]]:
    """Return minutes and closes that go up and down a little, for equal ones are suspect."""
    return [(minute, level * (1.0 if minute % 2 else 1.01)) for minute in minutes]


def closes(desk: Desk, **changes: object) -> list[float]:
    return desk.store.read(WHOLE, **changes).close.tolist()


def prices(*parts: list[tuple[int, float]]) -> list[float]:
    return [close for part in parts for _, close in part]


def aggregate(minute: int, close: float) -> dict[str, object]:
    """Return a minute as Polygon tells it over REST."""
    figures = dict.fromkeys(("o", "h", "l", "c", "vw"), close)
    return {"t": us(minute) // 1000, **figures, "v": 10, "n": 1}


def gap(first: int, end: int, problem: str = "the vendor is down", **changes: object) -> StreamGap:
    bounds = {"symbol": "AAPL", "start": at(first), "end": at(end), "cause": GapCause.LOSS}
    return StreamGap(**{**bounds, "problem": problem, **changes})


def gaps_of(desk: Desk, **changes: object) -> list[tuple[float, float, int]]:
    """Return the minutes at which the gaps on record begin and end, and their counts."""
    found = IngestRecord(desk.store.engine).gaps(["AAPL"], **changes)
    return [
        ((one.gap.after - at(0)) / MINUTE, (one.gap.before - at(0)) / MINUTE, one.gap.count)
        for one in found
    ]


def test_stored_misprint_is_taken_back_when_the_next_bars_show_it(desk):
    forgotten: list[tuple[int, ...]] = []
    intake = StreamIntake(
        desk.store,
        clock=desk.clock,
        forget=lambda bars: forgotten.append(tuple(bars.time.tolist())),
    )
    intake.keep(batch(*about(100.0, range(10)), (10, 1.0)))
    assert closes(desk)[-1] == 1.0  # nothing comes after it yet
    desk.wait(seconds=60)
    forgotten.clear()
    intake.keep(batch((11, 100.0), (12, 100.5)))
    assert closes(desk) == prices(about(100.0, range(10)), [(11, 100.0), (12, 100.5)])
    (aside,) = desk.store.quarantined(["AAPL"]).itertuples()
    assert aside.timestamp == at(10)
    assert "misprint" in names_of(aside.marks)
    assert forgotten.count((us(10),)) == 2
    assert 1.0 in closes(desk, as_of=desk.clock.now() - timedelta(seconds=1))


def test_jump_of_a_split_is_asked_about_and_the_bars_are_kept(desk):
    told = {"ticker": "AAPL", "execution_date": "2024-01-09", "split_from": 1, "split_to": 4}
    desk.polygon.control.add_splits([told])
    intake = StreamIntake(desk.store, clock=desk.clock, tellers=[desk.provider()])
    intake.keep(batch(*about(100.0, YESTERDAY)))
    intake.keep(batch(*about(25.0, range(OPEN, OPEN + 10))))
    assert closes(desk) == prices(about(100.0, YESTERDAY), about(25.0, range(OPEN, OPEN + 10)))
    assert len(desk.store.quarantined()) == 0
    (known,) = FactStore(desk.store.engine).as_of(desk.clock.now()).actions(["AAPL"])
    assert (known.kind, known.ex_date, int(known.ratio)) == ("split", TODAY, 4)
    assert gaps_of(desk) == []


class Nameless:
    """A vendor that has no name for what it is asked about, as of an option or a coin."""

    name = "nameless"
    capabilities = SimpleNamespace(actions=True)

    def actions(self, symbols, first, last):
        raise InputError(f"no name for {symbols}")


def test_vendor_that_has_no_name_for_a_symbol_is_passed_over_and_not_called_ill(desk):
    told = {"ticker": "AAPL", "execution_date": "2024-01-09", "split_from": 1, "split_to": 4}
    desk.polygon.control.add_splits([told])
    heard = Heard()
    intake = StreamIntake(
        desk.store, clock=desk.clock, listener=heard, tellers=[Nameless(), desk.provider()]
    )
    intake.keep(batch(*about(100.0, YESTERDAY)))
    intake.keep(batch(*about(25.0, range(OPEN, OPEN + 10))))
    assert closes(desk) == prices(about(100.0, YESTERDAY), about(25.0, range(OPEN, OPEN + 10)))
    assert heard.failures == []


def test_jump_that_nobody_explains_is_asked_about_once_an_hour_and_refetched_later(desk):
    pipeline = desk.pipeline()
    intake = StreamIntake(desk.store, clock=desk.clock, tellers=[desk.provider()])

    def asked() -> int:
        return len([path for path in desk.calls() if "splits" in path])

    intake.keep(batch(*about(100.0, YESTERDAY)))
    for first in (OPEN, OPEN + 10):
        intake.keep(batch(*about(25.0, range(first, first + 10))))
    assert asked() == 1
    desk.wait(seconds=3601)
    intake.keep(batch(*about(25.0, range(OPEN + 20, OPEN + 30))))
    assert asked() == 2
    assert closes(desk) == prices(about(100.0, YESTERDAY))
    assert len(desk.store.quarantined()) == 30
    held = IngestRecord(desk.store.engine).gaps(["AAPL"], is_open=True)
    assert {one.gap.reason for one in held} == {Reason.UNEXPLAINED_RATIO}
    assert sum(one.gap.count for one in held) == 30

    told = {"ticker": "AAPL", "execution_date": "2024-01-09", "split_from": 1, "split_to": 4}
    desk.polygon.control.add_splits([told])
    desk.polygon.control.add_aggs(
        "AAPL",
        [aggregate(minute, c) for minute, c in about(25.0, range(OPEN, OPEN + 30))],
        timespan="minute",
    )
    desk.wait(seconds=3601)
    pipeline.refetch_gaps()
    assert closes(desk) == prices(about(100.0, YESTERDAY), about(25.0, range(OPEN, OPEN + 30)))
    assert gaps_of(desk, is_open=True) == []


def test_gap_that_rest_could_not_fill_is_on_record_until_bars_come(desk):
    intake = StreamIntake(desk.store, clock=desk.clock)
    intake.keep(batch((0, 100.0), (3, 100.0)))
    open_gap = gap(1, 7)
    assert intake.missed([open_gap]) == 2
    assert intake.missed([open_gap]) == 0
    assert gaps_of(desk) == [(1 - 1e-6 / 60, 3.0, 2), (3.0, 7.0, 3)]
    intake.keep(batch((2, 100.0), (8, 100.0)))
    assert gaps_of(desk, is_open=True) == [(3.0, 7.0, 3)]
    asked = [part for spans in desk.store.missing(WHOLE).values() for part in spans]
    assert asked == [(WHOLE.start, WHOLE.end)]  # REST is still asked for all of it


@pytest.mark.parametrize(
    "told",
    [
        gap(1, 7, problem=""),
        gap(1, 7, channel=Channel.TRADES),
        gap(361, 1200),  # from the close on
    ],
    ids=["filled", "trades", "closed"],
)
def test_what_is_no_gap_of_open_minutes_is_not_on_record(desk, told):
    intake = StreamIntake(desk.store, clock=desk.clock)
    assert intake.missed([told]) == 0
    assert gaps_of(desk) == []


def test_gap_over_a_night_counts_the_minutes_of_both_sessions(desk):
    intake = StreamIntake(desk.store, clock=desk.clock)
    intake.missed([gap(-1083, OPEN + 5)])
    ((_, before, count),) = gaps_of(desk)
    assert (before, count) == (OPEN + 5, 3 + 5)


def test_minutes_in_which_nothing_was_traded_are_no_gap(desk):
    intake = StreamIntake(desk.store, clock=desk.clock)
    intake.keep(batch((0, 100.0), (5, 100.0)))
    intake.keep(batch((9, 100.0)))
    assert gaps_of(desk) == []


def test_listener_is_told_of_refusals_only_for_the_stream_tells_the_rest(desk):
    heard = Heard()
    intake = StreamIntake(desk.store, clock=desk.clock, listener=heard)
    intake.keep(batch((0, 100.0)))
    row = {**alpaca_row(1), "v": None}
    spoiled = BarRow("AAPL", Timeframe.MINUTE, us(1), row, us(2))
    (alone,) = batches_of([spoiled], source="polygon")
    intake.keep(alone)
    assert (heard.newest, heard.missing) == ({}, [])
    assert len(heard.failures) == 1
    assert len(IngestRecord(desk.store.engine).refusals()) == 0
    assert len(desk.store.quarantined(["AAPL"])) == 1


def test_recorder_hands_gaps_on_before_the_bars_and_again_when_that_failed(desk):
    log: list[object] = []
    fails = [StorageError("the disk is full")]

    def missed(gaps: Sequence[StreamGap]) -> None:
        if fails:
            raise fails.pop()
        log.append(gaps)

    recorder = StreamRecorder(
        lambda kept: log.append(len(kept.bars)), missed=missed, clock=desk.clock, every_s=0.0
    )
    lost, filled = gap(1, 2), gap(2, 3, problem="")
    with pytest.raises(StorageError):
        recorder.add(Delivery(batches=(batch((3, 1.5)),), gaps=(lost, filled)))
    assert recorder.waiting == 1
    recorder.flush()
    recorder.add(Delivery(gaps=(filled,)))
    assert log == [(lost,), 1]
