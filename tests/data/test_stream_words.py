"""Frames turned into messages, and bars of a stream into batches."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from alphalens.data._streams.words import (
    BarRow,
    batches_of,
    joined,
    merged,
    messages_of,
    plain_row,
    some_of,
)
from alphalens.data.bars import NO_TIME, Timeframe
from alphalens.data.reasons import names_of
from alphalens.net.failures import Unreadable

from .streams import alpaca_row, at, us


def bar(minute: float, close: object = 1.5, **changes: object) -> BarRow:
    row = alpaca_row(minute, c=close)
    made = BarRow("AAPL", Timeframe.MINUTE, us(minute), row, us(minute + 1))
    return made._replace(**changes)


def test_numbers_are_exact_and_a_bar_with_infinity_costs_no_neighbour() -> None:
    messages = messages_of('[{"p": 0.1}, {"c": Infinity}]')
    assert messages[0]["p"] == Decimal("0.1")
    assert plain_row(messages[0]) == {"p": 0.1}
    assert messages[1]["c"] == float("inf")


@pytest.mark.parametrize("frame", ["{half", "[1]", "{}", b"\xff\xfe", "[" * 100_000])
def test_frame_that_holds_no_messages_is_unreadable(frame) -> None:
    with pytest.raises(Unreadable):
        messages_of(frame)


def test_bars_come_in_canonical_columns_with_their_text() -> None:
    (batch,) = batches_of([bar(0, 1.5), bar(1, 1.75)], source="alpaca")
    frame = batch.bars.frame()
    assert frame["symbol"].tolist() == ["AAPL", "AAPL"]
    assert frame["timestamp"].tolist() == [at(0), at(1)]
    assert frame["received_at"].tolist() == [at(1), at(2)]
    assert frame["close"].tolist() == [1.5, 1.75]
    assert frame["trades"].tolist() == [3, 3]
    assert frame["is_final"].all()
    assert frame["source"].tolist() == ["alpaca", "alpaca"]
    assert batch.raw[1].startswith('{"t":"2024-01-09T15:01:00Z","o":1.0,')
    assert (batch.request.start, batch.request.end) == (at(0), at(2))
    assert not batch.marks.any()


@pytest.mark.parametrize(
    ("received", "forming", "is_final"),
    [(60.0, False, True), (57.0, False, True), (54.0, False, False), (90.0, True, False)],
    ids=["at its end", "our clock behind", "before its end", "put together from seconds"],
)
def test_when_a_minute_is_final(received, forming, is_final) -> None:
    row = bar(0, received=us(received / 60), is_forming=forming)
    (batch,) = batches_of([row], source="alpaca", skew_s=5.0)
    assert batch.bars.is_final.tolist() == [is_final]
    assert names_of(int(batch.marks[0])) == (() if is_final else ("not_final",))


def test_each_row_is_final_by_the_time_when_it_came() -> None:
    rows = [bar(0, received=us(0.5)), bar(0, received=us(1))]
    (batch,) = batches_of(rows, source="alpaca")
    assert batch.bars.is_final.tolist() == [False, True]


def test_bar_of_an_absurd_year_spoils_no_request() -> None:
    rows = [bar(0), bar(1, time=253_402_300_799_000_000)]
    (batch,) = batches_of(rows, source="alpaca")
    assert (batch.request.start, batch.request.end) == (at(0), at(1))
    assert len(batch.bars) == 2


def test_running_day_is_not_final_whatever_the_skew() -> None:
    row = bar(0, timeframe=Timeframe.DAY, received=us(24 * 60) - 1)
    (batch,) = batches_of([row], source="alpaca", skew_s=5.0)
    assert not batch.bars.is_final[0]


def test_timeframes_do_not_mix_and_a_spoiled_row_stands_alone() -> None:
    rows = [bar(0), bar(0, timeframe=Timeframe.DAY), bar(1), bar(2, time=NO_TIME, row={"c": 1})]
    minutes, spoiled, days = batches_of(rows, source="alpaca")
    assert [len(batch.bars) for batch in (minutes, spoiled, days)] == [2, 1, 1]
    assert days.request.timeframe is Timeframe.DAY
    assert "schema_drift" in names_of(int(spoiled.marks[0]))
    assert spoiled.raw[0] == '{"c":1}'


def test_merged_rows_stand_by_time_and_the_last_received_of_a_key_stays() -> None:
    older = batches_of([bar(1, 1.0), bar(0, 0.5)], source="alpaca")
    newer = batches_of([bar(1, 1.25, received=us(9))], source="rest")
    (batch,), gave_way = merged([*newer, *older])
    assert batch.bars.close.tolist() == [0.5, 1.25]
    assert gave_way == 1
    assert list(batch.raw) == [newer[0].raw[0] if n else older[0].raw[1] for n in (0, 1)]
    assert {batch.bars.sources[code] for code in batch.bars.source_codes} == {"alpaca", "rest"}


def test_bad_row_takes_no_good_ones_place_and_is_kept() -> None:
    good = batches_of([bar(0, 1.0)], source="alpaca")
    bad = batches_of([bar(0, None, received=us(9))], source="alpaca")
    (batch,), gave_way = merged([*bad, *good])
    assert gave_way == 0
    assert sorted(batch.bars.close.tolist(), key=np.isnan)[0] == 1.0
    assert names_of(int(batch.marks.max())) == ("close_missing",)


def test_bar_that_still_forms_takes_no_final_ones_place_whenever_it_was_received() -> None:
    final = batches_of([bar(0, 1.0)], source="alpaca")
    forming = batches_of([bar(0, 0.5, received=us(9), is_forming=True)], source="rest")
    (batch,), gave_way = merged([*forming, *final])
    assert (batch.bars.close.tolist(), gave_way) == ([1.0], 1)


def test_joined_rows_are_all_there() -> None:
    parts = [batches_of([bar(n % 2, float(n + 1))], source="alpaca")[0] for n in range(4)]
    batch = joined(parts)
    assert batch.bars.close.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert [text.partition('"c":')[2][:3] for text in batch.raw] == ["1.0", "2.0", "3.0", "4.0"]
    assert batch.request.end == at(2)


def test_some_rows_of_a_batch_name_their_own_symbols() -> None:
    (batch,) = batches_of([bar(0), bar(0)._replace(symbol="MSFT")], source="alpaca")
    own = some_of(batch, np.array([False, True]))
    assert own.request.symbols == ("MSFT",)
    assert list(own.raw[0:1]) == [batch.raw[1]]
