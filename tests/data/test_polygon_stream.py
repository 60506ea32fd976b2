"""Polygon's stream against the loopback Polygon: what it tells, loses, and gets back over REST."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal

import pytest

from alphalens.data._streams.words import Fault
from alphalens.data.bar_stream import BarStream, Channel, GapCause, StreamGap, Trade
from alphalens.data.polygon_provider import PolygonProvider
from alphalens.data.polygon_stream import PolygonDialect, PolygonStream
from alphalens.data.reasons import names_of
from alphalens.errors import ConfigError, InputError
from alphalens.net import NetError, Refused, Timing
from alphalens.testing.polygon_server import PolygonServer
from alphalens.trading.market import Quote
from tests.waiting import PATIENCE_S

from .scripted_vendor import QUICK as QUICK_REST
from .streams import QUICK, Heard, Taken, Wall, at, us

KEY = "key-of-the-test"
EVERY = (Channel.MINUTES, Channel.FORMING, Channel.QUOTES, Channel.TRADES)
D = Decimal


def row(minute: float, close: float = 1.5) -> dict[str, object]:
    return {"t": us(minute) // 1000, "o": 1.0, "h": 2.0, "l": 0.5, "c": close, "v": 9, "vw": 1.2}


def aggregate(minute: float, close: float = 1.5, event: str = "AM") -> dict[str, object]:
    told = row(minute, close)
    begin = told.pop("t")
    return {"ev": event, "sym": "AAPL", "s": begin, "e": begin + 60_000, "a": 1.3, "z": 3} | told


@pytest.fixture
def server() -> Iterator[PolygonServer]:
    with PolygonServer(keys=(KEY,), now=at(0)) as running:
        yield running


@contextmanager
def streaming(
    server: PolygonServer, *, rest: bool = True, wall: Wall | None = None, **changes: object
) -> Iterator[tuple[PolygonStream, Taken]]:
    clock = wall or Wall()
    provider = PolygonProvider(KEY, base_url=server.url, rng=random.Random(1), options=QUICK_REST)
    fields = {
        "url": server.stream_url,
        "symbols": ["AAPL"],
        "rng": random.Random(2),
        "filler": provider if rest else None,
        "options": QUICK,
        "timing": clock.timing,
    }
    with provider, PolygonStream(KEY, **{**fields, **changes}) as stream:
        assert stream.wait_until_up(PATIENCE_S), stream.problem
        clock.instant = clock.instant if wall else at(10)
        yield stream, Taken(stream)


def test_minutes_come_in_canonical_columns(server) -> None:
    wall = Wall(at(1))
    with streaming(server, wall=wall) as (stream, taken):
        port: BarStream = stream
        wall.instant = at(2.01)
        server.control.minute("AAPL", row(1))
        taken.until(lambda: taken.bars())
        assert (port.name, port.is_up, port.problem) == ("polygon", True, "")
    (batch,) = taken.of("batches")
    (told,) = batch.bars.frame().to_dict("records")
    assert (told["symbol"], told["timestamp"], told["received_at"]) == ("AAPL", at(1), at(2.01))
    assert (told["close"], told["volume"], told["vwap"], told["trades"]) == (1.5, 9.0, 1.2, -1)
    assert (told["is_final"], told["source"], told["adjustment"]) == (True, "polygon", "raw")
    assert json.loads(batch.raw[0])["ev"] == "AM"
    assert not batch.marks.any()


def test_quotes_and_trades_are_exact_and_in_order(server) -> None:
    with streaming(server, channels=EVERY) as (stream, taken):
        time = us(0) // 1000
        quotes = [
            {"ev": "Q", "sym": "AAPL", "bp": 1.01, "ap": 1.02 + n, "t": time, "q": 7 * n}
            for n in range(3)
        ]
        trade = {"ev": "T", "sym": "AAPL", "p": 100.1, "s": 7, "t": time + 5, "i": "12", "q": 4}
        server.control.publish([*quotes, trade])
        taken.until(lambda: taken.of("trades"))
        assert stream.counts["quotes"] == 3
    assert taken.of("quotes") == [
        Quote(symbol="AAPL", at=at(0), bid=D("1.01"), ask=D("1.02") + n) for n in range(3)
    ]
    (told,) = taken.of("trades")
    assert (told.symbol, told.price, told.size, told.key) == ("AAPL", D("100.1"), D(7), "12")
    assert told.at.microsecond == 5000
    assert isinstance(told, Trade)


def test_seconds_become_the_minute_that_still_forms(server) -> None:
    with streaming(server, channels=EVERY) as (_, taken):
        seconds = [(0.1, 5.0, 2.0), (0.2, 7.0, 1.0), (0.05, 6.0, 1.0)]
        for minute, price, volume in seconds:
            server.control.publish(
                [
                    aggregate(minute, price, "A")
                    | {"o": price, "h": price, "l": price, "v": volume}
                    | {"vw": price}
                ]
            )
        server.control.publish([aggregate(-1, 3.0, "A")])  # of the minute before: too late
        server.control.publish([aggregate(0, 6.5)])
        taken.until(lambda: len(taken.bars()) == 4)
    frames = [batch.bars.frame() for batch in taken.of("batches")]
    rows = [row for frame in frames for row in frame.to_dict("records")]
    assert [row["is_final"] for row in rows] == [False, False, False, True]
    third = rows[2]
    assert (third["timestamp"], third["open"], third["high"], third["low"]) == (at(0), 5, 7, 5)
    assert (third["close"], third["volume"], third["vwap"]) == (6.0, 4.0, 5.75)


def test_cut_line_comes_back_and_what_was_missed_comes_first(server) -> None:
    wall, heard = Wall(), Heard()
    with streaming(server, wall=wall, listener=heard) as (stream, taken):
        server.control.minute("AAPL", row(0, 10.0))
        taken.until(lambda: taken.bars())
        server.control.allow_connections(0)
        server.control.drop_stream()
        taken.until(lambda: "max_connections" in stream.problem)
        for minute in (1, 2, 3):
            server.control.minute("AAPL", row(minute, 10.0 + minute))
        wall.instant = at(4.5)
        server.control.allow_connections(1)
        assert stream.wait_until_up(PATIENCE_S)
        server.control.minute("AAPL", row(4, 14.0))
        taken.until(lambda: len(taken.bars()) >= 5)
    assert taken.bars() == [(n, 10.0 + n) for n in range(5)]
    (gap,) = taken.of("gaps")
    assert (gap.cause, gap.start, gap.end, gap.filled) == (GapCause.LOSS, at(1), at(4), 3)
    assert gap.is_filled
    assert "lost" in taken.troubles()
    assert heard.failures
    assert heard.missing == []
    assert heard.newest["AAPL"] == at(4)


def test_gap_that_rest_cannot_fill_is_told_and_later_bars_come(server) -> None:
    heard = Heard()
    with streaming(server, listener=heard) as (_, taken):
        server.control.arm("server_error", path="/v2/aggs/*", count=-1)
        server.control.publish([aggregate(2, 12.0)])
        taken.until(lambda: taken.of("gaps"))
    (gap,) = taken.of("gaps")
    assert (gap.cause, gap.start, gap.end, gap.filled) == (GapCause.MINUTE, at(0), at(2), 0)
    assert "polygon" in gap.problem
    assert taken.bars() == [(2, 12.0)]
    assert heard.missing == [("AAPL", at(0), at(2))]


def test_minute_that_was_left_out_is_filled_before_the_next_is_told(server) -> None:
    with streaming(server) as (_, taken):
        server.control.minute("AAPL", row(0, 10.0))
        server.control.mute()
        server.control.minute("AAPL", row(1, 11.0))
        server.control.mute(on=False)
        server.control.minute("AAPL", row(2, 12.0))
        taken.until(lambda: len(taken.bars()) == 3)
    assert taken.bars() == [(0, 10.0), (1, 11.0), (2, 12.0)]


def test_bars_since_an_instant_come_before_the_streams_own(server) -> None:
    server.control.add_aggs("AAPL", [row(-3, 7.0), row(-2, 8.0)], 1, "minute")
    with streaming(server, since=at(-3)) as (_, taken):
        server.control.minute("AAPL", row(0, 10.0))
        taken.until(lambda: len(taken.bars()) == 3)
    assert taken.bars() == [(-3, 7.0), (-2, 8.0), (0, 10.0)]
    (gap,) = taken.of("gaps")
    assert (gap.cause, gap.filled) == (GapCause.START, 2)


def test_correction_is_a_revision_and_a_twin_is_told(server) -> None:
    with streaming(server) as (stream, taken):
        server.control.publish([aggregate(0, 10.0)])
        server.control.publish([aggregate(1, 11.0)])
        server.control.publish([aggregate(0, 10.5)])
        server.control.publish([aggregate(1, 11.0)])
        taken.until(lambda: len(taken.bars()) == 3 and "duplicate" in taken.troubles())
        assert stream.counts["again"] == 1
    assert taken.bars() == [(0, 10.0), (1, 11.0), (0, 10.5)]


def test_bars_out_of_order_are_handed_over_in_order(server) -> None:
    with streaming(server) as (_, taken):
        for minute in (1, 0, 2):
            server.control.publish([aggregate(minute, 10.0 + minute)])
        taken.until(lambda: len(taken.bars()) == 3)
    assert taken.bars() == [(0, 10.0), (1, 11.0), (2, 12.0)]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('[{"ev": "AM", "sym"', "malformed"),
        ("<html>try again</html>", "malformed"),
        ('[{"ev": "LULD", "sym": "AAPL"}]', "unknown"),
        ('[{"ev": "Q", "sym": "AAPL", "bp": "x", "ap": 1, "t": 1704812400000}]', "unreadable"),
        ('[{"ev": "Q", "sym": "AAPL", "bp": 1, "ap": 1, "t": "noon"}]', "unreadable"),
        ('[{"ev": "T", "sym": 5, "p": 1, "s": 1, "t": 1704812400000}]', "unreadable"),
        ('[{"ev": "AM", "sym": "TSLA", "s": 1704812400000}]', "unasked"),
        ('[{"ev": "status", "status": "error", "message": "oh"}]', "vendor"),
        ('[{"ev": "status", "status": ["oh"]}]', "vendor"),
        ('[{"ev": ["AM"]}]', "unknown"),
    ],
)
def test_what_cannot_be_taken_is_told_and_the_stream_goes_on(server, text, kind) -> None:
    with streaming(server) as (stream, taken):
        server.control.publish_text(text)
        server.control.publish([aggregate(0)])
        taken.until(lambda: taken.bars() and taken.troubles())
        assert stream.counts["connections"] == 1
    assert taken.troubles() == [kind]
    assert taken.bars() == [(0, 1.5)]


def test_bar_that_cannot_be_read_is_handed_over_marked_and_costs_no_neighbour(server) -> None:
    with streaming(server) as (_, taken):
        server.control.publish([aggregate(0) | {"s": None}, aggregate(0)])
        taken.until(lambda: len(taken.of("batches")) == 2)
    good, bad = taken.of("batches")
    assert not good.marks.any()
    assert names_of(int(bad.marks[0])) == ("schema_drift",)


def test_vendor_that_says_we_are_slow_is_left_and_asked_for_what_it_dropped(server) -> None:
    text = '[{"ev": "status", "status": "error", "message": "Slow consumer"}]'
    with streaming(server) as (stream, taken):
        server.control.publish_text(text)
        taken.until(lambda: stream.counts["connections"] == 2)
    assert taken.troubles() == ["slow", "lost"]


def test_unknown_key_ends_the_stream_and_is_in_no_text(server) -> None:
    heard = Heard()
    wrong = "wrong-key-of-the-test"
    stream = PolygonStream(
        wrong,
        url=server.stream_url,
        symbols=["AAPL"],
        rng=random.Random(1),
        options=QUICK,
        listener=heard,
    )
    with stream:
        taken = Taken(stream)
        taken.until(lambda: stream.is_over and taken.troubles())
    assert taken.troubles() == ["refused"]
    (trouble,) = taken.of("troubles")
    assert "auth_failed" in trouble.text
    assert "auth_failed" in stream.problem
    assert len(heard.failures) == 1
    assert wrong not in repr(stream) + trouble.text + stream.problem + heard.failures[0]


def test_key_that_the_vendor_repeats_is_in_no_text(server) -> None:
    heard = Heard()
    with streaming(server, listener=heard) as (_, taken):
        server.control.publish_text(json.dumps([status("error", f"bad {KEY}")]))
        server.control.publish_text(f"<html>{KEY}</html>")
        taken.until(lambda: len(taken.troubles()) == 2)
    said = repr(taken.of("troubles")) + repr(heard.failures)
    assert "bad ***" in said
    assert "<html>***</html>" in said
    assert KEY not in said


@pytest.mark.parametrize("limit", [500, 2_000])
def test_key_is_in_no_raw_text_wherever_that_is_cut(server, limit) -> None:
    with streaming(server) as (_, taken):
        for number in range(len(KEY)):
            head = f'[{{"ev": "Z{number}", "x": "'
            event = head + "<" * (limit - len(head) - number) + KEY + '"}]'
            server.control.publish_text(event)
        taken.until(lambda: len(taken.of("troubles")) == len(KEY))
    assert all(f"<{KEY[:3]}" not in trouble.raw for trouble in taken.of("troubles"))


def test_channel_that_the_plan_lacks_ends_the_stream_and_is_named(server) -> None:
    server.control._stream.forbidden.add("Q")
    with PolygonStream(
        KEY,
        url=server.stream_url,
        symbols=["AAPL"],
        rng=random.Random(1),
        channels=EVERY,
        options=QUICK,
    ) as stream:
        Taken(stream).until(lambda: stream.is_over)
    assert "not authorized to subscribe to: Q.AAPL" in stream.problem


def test_quotes_that_were_missed_are_told_to_be_lost(server) -> None:
    wall = Wall()
    channels = (Channel.QUOTES,)
    with streaming(server, wall=wall, channels=channels) as (stream, taken):
        server.control.allow_connections(0)
        server.control.drop_stream()
        taken.until(lambda: not stream.is_up)
        wall.instant = at(2)
        server.control.allow_connections(1)
        taken.until(lambda: taken.of("gaps"))
    (gap,) = taken.of("gaps")
    assert isinstance(gap, StreamGap)
    assert (gap.channel, gap.start, gap.end) == (Channel.QUOTES, at(0), at(2))
    assert not gap.is_filled


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("wss://socket.massive.com.evil.example/stocks", ConfigError),
        ("ws://socket.polygon.io/stocks", ConfigError),
    ],
)
def test_key_goes_to_no_other_host_and_never_in_clear(url, error) -> None:
    with pytest.raises(error):
        PolygonStream(KEY, url=url, symbols=["AAPL"], rng=random.Random(1))


@pytest.mark.parametrize(
    "changes",
    [
        {"symbols": ["BTC/USD"]},
        {"symbols": ["AAPL"], "channels": [Channel.DAYS]},
        {"symbols": ["AAPL", "AAPL"]},
        {"symbols": []},
        {"symbols": ["AAPL"], "channels": []},
    ],
)
def test_what_the_stream_cannot_tell_is_refused(changes) -> None:
    with pytest.raises(InputError):
        PolygonStream(KEY, url="wss://socket.polygon.io/stocks", rng=random.Random(1), **changes)


def test_symbols_are_the_vendors_on_the_wire_and_canonical_here() -> None:
    dialect = PolygonDialect(KEY, symbols=["BAC.PRK"], channels=[Channel.TRADES])
    text = '[{"ev":"T","sym":"BACpK","p":1,"s":1,"t":1704812400000}]'
    (trade,) = dialect.read(text, us(0))
    assert not isinstance(trade, Fault)
    assert trade.symbol == "BAC.PRK"


def test_host_that_is_late_is_known_by_its_name() -> None:
    for host, delay_s in (("delayed", 900.0), ("socket", 0.0)):
        stream = PolygonStream(
            "key",
            url=f"wss://{host}.massive.com/stocks",
            symbols=["AAPL"],
            rng=random.Random(1),
        )
        stream.close()
        assert stream.options.delay_s == delay_s


def test_clock_of_the_wall_is_the_only_one_that_dates_bars(server) -> None:
    timing = replace(Timing(), wall=lambda: at(7).timestamp())
    with streaming(server, timing=timing) as (_, taken):
        server.control.publish([aggregate(7)])
        taken.until(lambda: taken.bars())
    assert taken.of("batches")[0].bars.received.tolist() == [us(7)]


class Lines:
    """A connection that says what it is told to."""

    def __init__(self, *frames: object) -> None:
        self.frames = [json.dumps(frame) for frame in frames]

    async def send(self, message: str | bytes, /) -> None:
        assert message

    async def recv(self) -> str | bytes:
        return self.frames.pop(0)


def status(word: str, message: str = "") -> dict[str, str]:
    return {"ev": "status", "status": word, "message": message}


def test_bar_that_comes_between_two_subscriptions_is_not_lost() -> None:
    channels = [Channel.MINUTES, Channel.TRADES]
    dialect = PolygonDialect(KEY, symbols=["AAPL"], channels=channels)
    line = Lines(
        [status("connected")],
        [status("auth_success")],
        [status("success", "subscribed to: AM.AAPL"), aggregate(0, 1.53)],
        [status("success", "subscribed to: T.AAPL")],
    )
    (early,) = asyncio.run(dialect.greet(line))
    (bar,) = dialect.read(early, us(1))
    assert (bar.time, bar.row["c"]) == (us(0), 1.53)


@pytest.mark.parametrize(
    ("word", "kind"),
    [("auth_failed", Refused), ("max_connections", NetError), ("oh", Refused)],
)
def test_what_may_work_later_is_tried_again_and_nothing_else(word, kind) -> None:
    dialect = PolygonDialect(KEY, symbols=["AAPL"], channels=[Channel.TRADES])
    with pytest.raises(NetError) as caught:
        asyncio.run(dialect.greet(Lines([status("connected")], [status(word)])))
    assert type(caught.value) is kind
