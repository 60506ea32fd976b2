"""The queue between a stream and its consumer."""

from __future__ import annotations

import threading
from functools import partial

from alphalens.data._streams.buffer import StreamBuffer
from alphalens.data._streams.words import BarRow, batches_of
from alphalens.data.bar_stream import Trouble, TroubleKind
from alphalens.data.bars import Timeframe
from alphalens.trading.market import Quote
from tests.waiting import PATIENCE_S

from .streams import alpaca_row, at, us

BUILD = partial(batches_of, source="alpaca")


def bar(minute: float) -> BarRow:
    return BarRow("AAPL", Timeframe.MINUTE, us(minute), alpaca_row(minute), us(minute + 1))


def quote(number: int) -> Quote:
    return Quote(symbol="AAPL", at=at(number), bid=1, ask=2)  # type: ignore[arg-type]


def trouble(text: str, kind: TroubleKind = TroubleKind.UNKNOWN) -> Trouble:
    return Trouble(kind=kind, text=text, at=at(0), raw=text)


def test_runs_of_bars_become_batches_around_a_ready_one() -> None:
    buffer = StreamBuffer(10, build=BUILD)
    (ready,) = BUILD([bar(7)])
    buffer.put([bar(0), quote(0), bar(1)])
    buffer.put([ready, bar(8)])
    delivery = buffer.take(0.0)
    assert [batch.bars.time.tolist() for batch in delivery.batches] == [
        [us(0), us(1)],
        [us(7)],
        [us(8)],
    ]
    assert (len(delivery), len(delivery.quotes)) == (5, 1)
    assert len(buffer.take(0.0)) == 0


def test_fullness_counts_the_rows_of_a_batch() -> None:
    buffer = StreamBuffer(4, build=BUILD)
    buffer.put([bar(0)])
    assert (buffer.is_full, buffer.is_half_empty) == (False, True)
    buffer.put(BUILD([bar(1), bar(2), bar(3)]))
    assert (buffer.waiting, buffer.is_full, buffer.is_half_empty) == (4, True, False)
    buffer.take(0.0)
    assert (buffer.waiting, buffer.is_full) == (0, False)


def test_equal_troubles_are_one_with_a_count_and_their_number_is_bounded() -> None:
    buffer = StreamBuffer(4, build=BUILD)
    for _ in range(3):
        buffer.tell(trouble("same"))
    for number in range(1000):
        buffer.tell(trouble(f"words {number}"))
    told = buffer.take(0.0).troubles
    assert (told[0].text, told[0].count) == ("same", 3)
    assert sum(one.count for one in told) == 1003
    assert len(told) <= 201
    assert buffer.take(0.0).troubles == ()


def test_consumer_who_waits_is_woken() -> None:
    buffer = StreamBuffer(4, build=BUILD)
    taken = []
    consumer = threading.Thread(target=lambda: taken.append(buffer.take(PATIENCE_S)))
    consumer.start()
    buffer.put([quote(1)])
    consumer.join(PATIENCE_S)
    assert [len(delivery) for delivery in taken] == [1]


def test_nobody_waits_after_the_end() -> None:
    buffer = StreamBuffer(4, build=BUILD)
    buffer.end()
    assert len(buffer.take(30.0)) == 0
