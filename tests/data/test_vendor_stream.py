"""What every vendor's stream does about a slow consumer, silence, gaps, and its own end."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import pytest

from alphalens.data._streams.vendor_stream import VendorStream
from alphalens.data.bar_stream import Channel, GapCause, StreamOptions
from alphalens.data.polygon_stream import PolygonDialect, PolygonStream
from alphalens.data.port import BarRequest, Batch
from alphalens.errors import ConfigError, DataError, InputError
from alphalens.monitoring.data_feed_monitor import DataFeedMonitor
from alphalens.net import LoopThread
from alphalens.net.line import Frame, Line
from alphalens.testing.polygon_server import PolygonServer
from tests.waiting import PATIENCE_S, until

from .streams import MINUTE, QUICK, Down, Heard, Rest, Taken, Wall, alpaca_row, at, us


def minute(number: float, close: float = 1.5, symbol: str = "AAPL") -> dict[str, object]:
    begin = us(number) // 1000
    prices = {"o": 1.0, "h": 2.0, "l": 0.5, "c": close, "v": 9, "vw": 1.2}
    return {"ev": "AM", "sym": symbol, "s": begin, "e": begin + 60_000} | prices


def tick(number: int) -> dict[str, object]:
    return {"ev": "T", "sym": "AAPL", "p": 1 + number, "s": 1, "t": us(0) // 1000, "i": str(number)}


@pytest.fixture
def server() -> Iterator[PolygonServer]:
    with PolygonServer() as running:
        yield running


@contextmanager
def streaming(
    server: PolygonServer, rest: Rest | None = None, **changes: object
) -> Iterator[tuple[PolygonStream, Taken, Wall]]:
    wall = changes.pop("wall", None) or Wall()
    fields = {
        "url": server.stream_url,
        "symbols": ["AAPL"],
        "rng": random.Random(2),
        "filler": rest,
        "options": QUICK,
        "timing": wall.timing,
    }
    with PolygonStream("key", **{**fields, **changes}) as stream:
        assert stream.wait_until_up(PATIENCE_S), stream.problem
        wall.instant = at(10)
        yield stream, Taken(stream), wall


def test_slow_consumer_loses_no_message_while_the_socket_waits(server) -> None:
    options = replace(QUICK, size=5, behind_after_s=60.0)
    with streaming(server, channels=[Channel.TRADES], options=options) as (stream, taken, _):
        for number in range(40):
            server.control.publish([tick(number)])
        time.sleep(0.1)
        assert stream.counts["waiting"] == 5
        taken.until(lambda: len(taken.of("trades")) == 40)
        assert stream.counts["connections"] == 1
    assert [int(trade.key) for trade in taken.of("trades")] == list(range(40))
    assert taken.troubles() == []


def test_consumer_that_stays_behind_costs_the_connection_and_gets_all_from_rest(server) -> None:
    rest = Rest(rows={"AAPL": [alpaca_row(n, 10.0 + n) for n in range(9)]})
    options = replace(QUICK, size=2)
    with streaming(server, rest, options=options) as (stream, taken, wall):
        for number in range(3):
            server.control.publish([minute(number, 10.0 + number)])
        until(lambda: "behind" in stream.problem)
        assert not stream.is_up
        wall.instant = at(6.5)
        taken.until(lambda: stream.is_up)
        server.control.publish([minute(6, 16.0)])
        taken.until(lambda: len(taken.bars()) == 7)
    assert taken.bars() == [(n, 10.0 + n) for n in range(7)]
    assert taken.troubles() == ["behind", "lost"]
    (gap,) = taken.of("gaps")
    assert (gap.cause, gap.start, gap.end, gap.filled) == (GapCause.BEHIND, at(3), at(6), 3)


def test_silence_of_a_line_that_lives_is_told_once_and_ends_with_the_next_frame(server) -> None:
    heard, options = Heard(), replace(QUICK, mute_after_s=0.05)
    with streaming(server, options=options, listener=heard) as (stream, taken, _):
        taken.until(lambda: "silent" in taken.troubles())
        answers = heard.answers
        server.control.publish([minute(0)])
        taken.until(lambda: taken.bars())
        assert heard.answers == answers + 1
        assert stream.counts["connections"] == 1
    assert "polygon stream: connected, and nothing has come" in heard.failures[0]


def test_newest_instant_of_each_symbol_is_told_and_the_future_is_not(server) -> None:
    heard = Heard()
    channels = [Channel.MINUTES, Channel.TRADES]
    with streaming(server, listener=heard, channels=channels) as (_, taken, __):
        server.control.publish([minute(0), minute(1)])
        server.control.publish([tick(1) | {"t": us(9000) // 1000}, minute(9000)])
        taken.until(lambda: len(taken.bars()) == 3)
    assert heard.newest == {"AAPL": at(1)}


def test_gaps_of_many_symbols_are_asked_for_together(server) -> None:
    symbols = ["AAPL", "MSFT", "SPY"]
    rest = Rest(rows={symbol: [alpaca_row(0)] for symbol in symbols})
    with streaming(server, rest, symbols=symbols) as (_, taken, __):
        for symbol in symbols:
            server.control.publish([minute(1, symbol=symbol)])
        taken.until(lambda: len(taken.of("gaps")) == 3)
    (asked,) = rest.asked
    assert (asked.symbols, asked.start, asked.end) == (tuple(symbols), at(0), at(1))
    assert all(taken.bars(symbol) == [(0, 1.5), (1, 1.5)] for symbol in symbols)


def test_bars_wait_until_rest_has_answered_and_ticks_do_not(server) -> None:
    rest = Rest(rows={"AAPL": [alpaca_row(0, 10.0)]}, gate=threading.Event())
    channels = [Channel.MINUTES, Channel.TRADES]
    with streaming(server, rest, channels=channels) as (stream, taken, _):
        server.control.publish([minute(1, 11.0), tick(1), minute(2, 12.0)])
        taken.until(lambda: taken.of("trades") and rest.asked)
        assert (taken.bars(), stream.counts["held"]) == ([], 2)
        rest.gate.set()
        taken.until(lambda: len(taken.bars()) == 3)
    assert taken.bars() == [(0, 10.0), (1, 11.0), (2, 12.0)]


def test_rest_that_fails_once_is_asked_again(server) -> None:
    rest = Rest(rows={"AAPL": [alpaca_row(0)]}, fails=[DataError("later")])
    with streaming(server, rest) as (_, taken, __):
        server.control.publish([minute(1)])
        taken.until(lambda: taken.of("gaps"))
    assert [gap.filled for gap in taken.of("gaps")] == [1]
    assert len(rest.asked) == 2


@pytest.mark.parametrize(
    ("rest", "words", "asked"),
    [
        (None, "nobody to ask", 0),
        (Down(), "the vendor is down", 2),
        (Rest(fails=[InputError("no minutes here")]), "no minutes here", 1),
        (Rest(delay_s=900.0), "900 s behind the market", 0),
    ],
    ids=["nobody", "down", "no such bars", "delayed"],
)
def test_gap_that_stays_open_is_told_with_its_reason(server, rest, words, asked) -> None:
    heard = Heard()
    with streaming(server, rest, listener=heard) as (_, taken, __):
        server.control.publish([minute(1, 11.0)])
        taken.until(lambda: taken.of("gaps") and taken.bars())
    (gap,) = taken.of("gaps")
    assert words in gap.problem
    assert not gap.is_filled
    assert taken.bars() == [(1, 11.0)]
    assert heard.missing == [("AAPL", at(0), at(1))]
    assert rest is None or len(rest.asked) == asked


def test_rest_is_given_time_to_have_the_bar_that_just_ended(server) -> None:
    rest, options = Rest(), replace(QUICK, settle_s=0.3)
    with streaming(server, rest, options=options) as (_, taken, wall):
        wall.instant = at(1)
        begun = time.monotonic()
        server.control.publish([minute(1)])
        taken.until(lambda: taken.of("gaps"))
        assert time.monotonic() - begun >= 0.3
    assert len(rest.asked) == 1


def test_ticks_are_missing_from_the_last_frame_on_and_not_from_when_the_loss_was_seen(
    server,
) -> None:
    with streaming(server, channels=[Channel.TRADES]) as (_, taken, wall):
        server.control.publish([tick(1)])
        taken.until(lambda: taken.of("trades"))
        wall.instant = at(12)  # a line that is dead is known to be only after a while
        server.control.drop_stream()
        taken.until(lambda: taken.of("gaps"))
    (gap,) = taken.of("gaps")
    assert (gap.channel, gap.start, gap.end) == (Channel.TRADES, at(10), at(12))


def test_ticks_that_nobody_read_while_the_consumer_was_behind_are_told_to_be_missing(
    server,
) -> None:
    options = replace(QUICK, size=2)
    with streaming(server, channels=[Channel.TRADES], options=options) as (stream, taken, wall):
        server.control.publish([tick(1), tick(2)])
        until(lambda: stream.counts["waiting"] == 2, every_s=0.001)
        wall.instant = at(11)
        until(lambda: "behind" in stream.problem)
        taken.until(lambda: taken.of("gaps"))
    (gap,) = taken.of("gaps")
    assert (gap.start, gap.end, gap.cause) == (at(10), at(11), GapCause.BEHIND)


def test_stream_of_a_delayed_plan_asks_for_what_it_will_not_tell_and_for_nothing_newer(
    server,
) -> None:
    rest = Rest(rows={"AAPL": [alpaca_row(n, 10.0 + n) for n in range(5)]}, delay_s=900.0)
    wall, options = Wall(at(15.1)), replace(QUICK, delay_s=900.0)
    with streaming(server, rest, wall=wall, options=options) as (_, taken, __):
        wall.instant = at(16.1)
        server.control.publish([minute(0, 10.0)])
        taken.until(lambda: taken.bars())
        server.control.allow_connections(0)
        server.control.drop_stream()
        taken.until(lambda: len(taken.troubles()) >= 2)
        wall.instant = at(18.1)
        server.control.allow_connections(None)
        taken.until(lambda: taken.of("gaps"))
        wall.instant = at(19.1)
        server.control.publish([minute(3, 13.0)])
        taken.until(lambda: len(taken.bars()) == 4)
    assert taken.bars() == [(n, 10.0 + n) for n in range(4)]
    assert [(asked.start, asked.end) for asked in rest.asked] == [(at(1), at(3))]
    (gap,) = taken.of("gaps")
    assert gap.is_filled


class Abroad(Rest):
    """A vendor whose prices are in another currency."""

    def bars(self, request: BarRequest) -> Batch:
        told = super().bars(request)
        return replace(told, bars=replace(told.bars, currency="EUR"))


def test_answer_that_cannot_stand_beside_the_stream_costs_no_bar_of_it(server) -> None:
    rest = Abroad(rows={"AAPL": [alpaca_row(0, 10.0)]})
    with streaming(server, rest) as (_, taken, __):
        server.control.publish([minute(1, 11.0)])
        taken.until(lambda: taken.of("gaps") and taken.bars())
    (gap,) = taken.of("gaps")
    assert "1m/raw/USD was asked for, and 1m/raw/EUR came" in gap.problem
    assert taken.bars() == [(1, 11.0)]


def test_rest_that_is_a_little_late_is_asked_so_much_later(server) -> None:
    rest = Rest(delay_s=0.3)
    with streaming(server, rest) as (_, taken, wall):
        wall.instant = at(1)
        begun = time.monotonic()
        server.control.publish([minute(1)])
        taken.until(lambda: taken.of("gaps"))
        assert time.monotonic() - begun >= 0.3
    assert len(rest.asked) == 1


def test_line_that_is_cut_between_two_frames_of_a_minute_lacks_only_the_second(server) -> None:
    rest = Rest(rows={"AAPL": [alpaca_row(1, 99.0)], "MSFT": [alpaca_row(1, 21.0)]})
    wall = Wall()
    with streaming(server, rest, wall=wall, symbols=["AAPL", "MSFT"]) as (stream, taken, _):
        wall.instant = at(2.05)
        for symbol, close in (("AAPL", 10.0), ("MSFT", 20.0)):
            server.control.publish([minute(0, close, symbol)])
        server.control.publish([minute(1, 11.0)])
        taken.until(lambda: len(taken.bars()) == 2)
        server.control.drop_stream()
        taken.until(lambda: stream.counts["connections"] == 2 and taken.bars("MSFT")[1:])
        server.control.publish([minute(2, 12.0), minute(2, 22.0, "MSFT")])
        taken.until(lambda: len(taken.bars("MSFT")) == 3)
    assert taken.bars() == [(0, 10.0), (1, 11.0), (2, 12.0)]
    assert taken.bars("MSFT") == [(0, 20.0), (1, 21.0), (2, 22.0)]
    assert [(asked.symbols, asked.start) for asked in rest.asked] == [(("MSFT",), at(1))]


def test_rest_that_is_slow_while_the_consumer_is_behind_costs_no_bar_and_no_tick(server) -> None:
    rest = Rest(rows={"AAPL": [alpaca_row(n, 10.0 + n) for n in range(7)]}, gate=threading.Event())
    options, channels = replace(QUICK, size=2), [Channel.MINUTES, Channel.TRADES]
    with streaming(server, rest, options=options, channels=channels) as (stream, taken, wall):
        wall.instant = at(4.1)
        for number in range(1, 4):
            server.control.publish([minute(number, 10.0 + number)])
        server.control.publish([tick(1), tick(2)])
        until(lambda: "behind" in stream.problem)
        assert stream.counts["held"] == 3
        wall.instant = at(6.1)
        taken.until(lambda: stream.is_up)
        server.control.publish([minute(6, 16.0)])
        taken.until(lambda: stream.counts["held"] == 4)
        rest.gate.set()
        taken.until(lambda: len(taken.bars()) == 7)
    assert taken.bars() == [(n, 10.0 + n) for n in range(7)]
    assert [int(trade.key) for trade in taken.of("trades")] == [1, 2]


def test_defect_of_a_provider_is_told_and_nothing_waits_for_ever(server) -> None:
    with streaming(server, Rest(fails=[ZeroDivisionError("oh")])) as (_, taken, __):
        server.control.publish([minute(1)])
        taken.until(lambda: taken.of("gaps") and taken.troubles())
    assert taken.troubles() == ["broken"]
    assert taken.bars() == [(1, 1.5)]


def test_close_hands_over_what_waited_for_a_gap(server) -> None:
    rest = Rest(rows={"AAPL": [alpaca_row(0)]}, gate=threading.Event())
    with streaming(server, rest) as (stream, taken, _):
        server.control.publish([minute(1, 11.0)])
        taken.until(lambda: rest.asked)
        stream.close()
        stream.close()
        rest.gate.set()
        taken.until(lambda: taken.bars())
        assert stream.is_over
        assert stream.problem == "the stream is closed"
        assert stream.take(5.0).troubles == ()  # nobody waits for what cannot come
    assert taken.bars() == [(1, 11.0)]
    assert [gap.is_filled for gap in taken.of("gaps")] == [False]


def test_close_hands_over_what_waited_for_a_gap_that_was_not_asked_for_yet(server) -> None:
    rest = Rest(rows={"AAPL": [alpaca_row(0)]})
    with streaming(server, rest) as (stream, taken, _):
        server.control.publish([minute(1, 11.0)])
        taken.until(lambda: stream.counts["held"])
        stream.close()
        taken.until(lambda: taken.bars())
    assert taken.bars()[-1] == (1, 11.0)
    assert len(taken.of("gaps")) == 1


class Hasty(PolygonDialect):
    """A vendor that tells the first bar before it grants the last subscription."""

    async def greet(self, line: Line) -> Sequence[Frame]:
        return [*await super().greet(line), json.dumps([minute(0, 10.0)])]


def test_bar_that_came_with_the_greeting_is_the_first(server) -> None:
    wall = Wall()
    dialect = Hasty("key", symbols=["AAPL"], channels=[Channel.MINUTES])
    with VendorStream(
        dialect,
        url=server.stream_url,
        symbols=["AAPL"],
        channels=[Channel.MINUTES],
        filler=None,
        secrets=(),
        rng=random.Random(1),
        timing=wall.timing,
    ) as stream:
        assert stream.wait_until_up(PATIENCE_S)
        wall.instant = at(10)
        server.control.publish([minute(1, 11.0)])
        taken = Taken(stream)
        taken.until(lambda: len(taken.bars()) == 2)
    assert taken.bars() == [(0, 10.0), (1, 11.0)]
    assert taken.of("gaps") == []


def test_server_that_is_down_for_five_minutes_is_caught_up_with(server) -> None:
    rest = Rest(rows={"AAPL": [alpaca_row(n, 10.0 + n) for n in range(6)]})
    wall = Wall()
    monitor = DataFeedMonitor(clock=wall)
    with streaming(server, rest, listener=monitor, wall=wall) as (_, taken, __):
        wall.instant = at(1.1)
        server.control.publish([minute(0, 10.0)])
        taken.until(lambda: taken.bars())
        server.control.allow_connections(0)
        server.control.drop_stream()
        taken.until(lambda: len(taken.troubles()) >= 2)
        wall.instant = at(6.6)
        assert [alert.code for alert in monitor.check()] == ["data_outage", "data_stale"]
        server.control.allow_connections(None)
        taken.until(lambda: len(taken.bars()) == 6)
        (feed,) = monitor.report().vendors
    assert taken.bars() == [(n, 10.0 + n) for n in range(6)]
    assert (feed.vendor, feed.is_up, feed.breaches, feed.gaps) == ("polygon stream", True, 1, ())
    assert feed.outages[0].lasted == 5.5 * MINUTE
    assert set(taken.troubles()) == {"lost"}


def test_stream_that_was_never_opened_can_be_closed(server) -> None:
    stream = PolygonStream("key", url=server.stream_url, symbols=["AAPL"], rng=random.Random(1))
    stream.close()
    assert stream.is_over
    assert stream.problem == "the stream was not opened"
    assert len(stream.take(1.0)) == 0


def test_loop_of_the_caller_is_left_running(server) -> None:
    async def one() -> int:
        return 1

    with LoopThread() as loop:
        with streaming(server, loop=loop) as (stream, _, __):
            assert stream.is_up
        assert loop.run(one(), timeout_s=PATIENCE_S) == 1


@pytest.mark.parametrize("name", ["size", "mute_after_s", "fill_attempts", "behind_after_s"])
def test_options_that_could_never_work_are_refused(name) -> None:
    with pytest.raises(ConfigError, match=name):
        StreamOptions(**{name: 0})
