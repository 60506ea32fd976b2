"""The order of a stream's bars, without a stream."""

from __future__ import annotations

from functools import partial

import pytest

from alphalens.data._streams.order import BarOrder, Fate, Missing, Release, Span
from alphalens.data._streams.words import BarRow, batches_of
from alphalens.data.bar_stream import GapCause
from alphalens.data.bars import NO_TIME, Timeframe
from alphalens.data.port import BarRequest

from .streams import Rest, alpaca_row, at, us

BUILD = partial(batches_of, source="alpaca")


def bar(minute: float, close: float = 1.5, *, symbol: str = "AAPL", **changes: object) -> BarRow:
    row = alpaca_row(minute, close)
    made = BarRow(symbol, Timeframe.MINUTE, us(minute), row, us(minute + 1))
    return made._replace(**changes)


def running(*symbols: str, since: int | None = None) -> BarOrder:
    order = BarOrder(symbols or ("AAPL",), build=BUILD, since=since, skew_us=5_000_000)
    order.came_up(us(0.5), GapCause.START)
    return order


def answer(first: int, stop: int, *symbols: str, rows: list[dict[str, object]]):
    names = symbols or ("AAPL",)
    request = BarRequest(symbols=names, start=at(first), end=at(stop), timeframe=Timeframe.MINUTE)
    return Rest(rows=dict.fromkeys(names, rows)).bars(request)


def closes(release: Release) -> list[tuple[float, float]]:
    return [
        ((int(t) - us(0)) / 60e6, float(c))
        for batch in release.batches
        for t, c in zip(batch.bars.time, batch.bars.close, strict=True)
    ]


def test_minutes_that_follow_one_another_pass() -> None:
    order = running()
    assert [order.take_in(bar(n)) for n in range(3)] == [Fate.FREE] * 3
    assert order.missing() == []


def test_first_minute_is_the_one_that_runs_at_the_first_connection() -> None:
    order = running()
    order.take_in(bar(1))
    assert order.missing() == [Missing("AAPL", Span(us(0), us(1)), GapCause.MINUTE)]


def test_bars_since_an_instant_are_missing_at_the_start() -> None:
    order = running(since=us(-30))
    assert order.missing() == [Missing("AAPL", Span(us(-30), us(0)), GapCause.START)]


def test_later_bars_wait_for_a_minute_that_was_left_out() -> None:
    order = running()
    order.take_in(bar(0))
    assert order.take_in(bar(3, 3.0)) is Fate.HELD
    assert order.take_in(bar(4, 4.0)) is Fate.HELD
    (missing,) = order.missing()
    assert missing.span == Span(us(1), us(3))
    found = answer(1, 3, rows=[alpaca_row(1, 1.0), alpaca_row(2, 2.0)])
    release = order.close(missing.span, ["AAPL"], found)
    assert closes(release) == [(1, 1.0), (2, 2.0), (3, 3.0), (4, 4.0)]
    assert (release.found, release.gave_way, order.held) == ({"AAPL": 2}, 0, 0)
    assert order.take_in(bar(5)) is Fate.FREE


def test_gap_that_nobody_can_fill_lets_the_later_bars_go() -> None:
    order = running()
    order.take_in(bar(2, 2.0))
    release = order.close(Span(us(0), us(2)), ["AAPL"], None)
    assert closes(release) == [(2, 2.0)]
    assert release.found == {"AAPL": 0}


def test_bar_that_stream_and_rest_both_have_comes_once_as_it_was_received_last() -> None:
    order = running()
    order.take_in(bar(0))
    order.take_in(bar(2, 2.0))
    order.take_in(bar(1, 1.0))  # late on the wire, and in the gap
    release = order.close(Span(us(1), us(2)), ["AAPL"], answer(1, 2, rows=[alpaca_row(1, 1.25)]))
    assert closes(release) == [(1, 1.25), (2, 2.0)]
    assert release.gave_way == 1


def test_bar_that_rest_has_beyond_the_span_is_left_to_the_stream() -> None:
    order = running()
    order.take_in(bar(1, 1.0))
    rows = [alpaca_row(-1), alpaca_row(0, 0.75), alpaca_row(1, 9.0)]
    release = order.close(Span(us(0), us(1)), ["AAPL"], answer(-5, 9, rows=rows))
    assert closes(release) == [(0, 0.75), (1, 1.0)]


def test_two_gaps_of_one_symbol_are_both_closed_before_anything_passes() -> None:
    order = running()
    order.take_in(bar(2, 2.0))
    order.came_up(us(5.5), GapCause.LOSS)
    first, second = (missing.span for missing in order.missing())
    assert second == Span(us(3), us(5))
    late = order.close(second, ["AAPL"], answer(3, 5, rows=[alpaca_row(3, 3.0)]))
    assert late.batches == []
    early = order.close(first, ["AAPL"], answer(0, 2, rows=[alpaca_row(1, 1.0)]))
    assert closes(early) == [(1, 1.0), (2, 2.0), (3, 3.0)]


def test_gap_of_one_symbol_holds_no_other() -> None:
    order = running("AAPL", "MSFT")
    assert order.take_in(bar(3)) is Fate.HELD
    assert order.take_in(bar(0, symbol="MSFT")) is Fate.FREE


def test_same_bar_again_is_known_and_another_one_is_a_revision() -> None:
    order = running()
    assert order.take_in(bar(0)) is Fate.FREE
    assert order.take_in(bar(0)) is Fate.AGAIN
    assert order.take_in(bar(0, 1.75)) is Fate.FREE
    assert order.take_in(bar(0)) is Fate.FREE  # back to what it was: a revision too


def test_bar_that_comes_after_its_correction_does_not_take_its_place() -> None:
    order = running()
    assert order.take_in(bar(0, 1.75, is_correction=True)) is Fate.FREE
    assert order.take_in(bar(0, 1.5)) is Fate.OVERTAKEN
    assert order.take_in(bar(0, 1.8, is_correction=True)) is Fate.FREE
    assert order.take_in(bar(2, 2.75, is_correction=True)) is Fate.HELD
    assert order.take_in(bar(2, 2.5)) is Fate.OVERTAKEN
    assert closes(order.close(Span(us(1), us(2)), ["AAPL"], None)) == [(2, 2.75)]


def test_symbol_that_nobody_asked_for_is_told() -> None:
    assert running().take_in(bar(0, symbol="TSLA")) is Fate.UNASKED


@pytest.mark.parametrize(
    "changes",
    [
        {"time": us(2000), "received": us(1)},
        {"time": us(2) + 1},
        {"time": NO_TIME},
    ],
    ids=["of the future", "between minutes", "without an instant"],
)
def test_bar_that_the_judge_refuses_moves_nothing(changes) -> None:
    order = running()
    assert order.take_in(bar(0)._replace(**changes)) is Fate.FREE
    assert order.missing() == []
    assert order.take_in(bar(0)) is Fate.FREE


def test_forming_bars_wait_too_and_only_the_latest_is_kept() -> None:
    order = running()
    assert order.take_in(bar(0, is_forming=True)) is Fate.FREE
    order.take_in(bar(1, 1.0))
    for close in (5.0, 6.0):
        assert order.take_in(bar(2, close, is_forming=True)) is Fate.HELD
    assert order.held == 1
    assert closes(order.close(Span(us(0), us(1)), ["AAPL"], None)) == [(1, 1.0), (2, 6.0)]


def test_days_are_in_no_order_of_minutes() -> None:
    order = running()
    assert order.take_in(bar(0, timeframe=Timeframe.DAY)) is Fate.FREE
    assert order.take_in(bar(0, timeframe=Timeframe.DAY)) is Fate.FREE


def test_open_spans_are_known_until_they_are_closed() -> None:
    order = running("AAPL", "MSFT")
    order.came_up(us(3.5), GapCause.LOSS)
    assert order.lacks
    assert order.open_spans() == {Span(us(0), us(3)): ["AAPL", "MSFT"]}
    assert len(order.missing()) == 2
    assert not order.lacks
    order.close(Span(us(0), us(3)), ["AAPL"], None)
    assert order.open_spans() == {Span(us(0), us(3)): ["MSFT"]}
