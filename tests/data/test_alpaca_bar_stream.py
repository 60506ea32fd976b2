"""Alpaca's stream of bars, quotes and trades against the loopback Alpaca."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from alphalens.data.alpaca_bar_stream import AlpacaBarStream, AlpacaDialect
from alphalens.data.alpaca_provider import AlpacaProvider
from alphalens.data.bar_stream import BarStream, Channel
from alphalens.data.bars import Timeframe
from alphalens.errors import ConfigError, InputError
from alphalens.net import Refused
from alphalens.testing.alpaca_server import AlpacaServer
from alphalens.trading.market import Quote
from tests.waiting import PATIENCE_S

from .scripted_vendor import QUICK as QUICK_REST
from .streams import QUICK, Heard, Taken, Wall, alpaca_row, at, us

KEY, SECRET = "PKTEST", "secret-of-the-test"
EVERY = (Channel.MINUTES, Channel.DAYS, Channel.QUOTES, Channel.TRADES)
D = Decimal


def told(kind: str, minute: float, close: float = 1.5, **changes: object) -> dict[str, object]:
    return {"T": kind, "S": "SPY", **alpaca_row(minute, close), **changes}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[AlpacaServer]:
    with AlpacaServer(
        tmp_path / "venue.sqlite", now=at(0), seed=3, keys=(KEY, SECRET), rate_limit=None
    ) as running:
        yield running


@contextmanager
def streaming(
    server: AlpacaServer, **changes: object
) -> Iterator[tuple[AlpacaBarStream, Taken, Wall]]:
    wall = Wall()
    provider = AlpacaProvider(
        KEY, SECRET, base_url=server.data_url, rng=random.Random(1), options=QUICK_REST
    )
    fields = {
        "url": server.data_stream_url,
        "symbols": ["SPY"],
        "rng": random.Random(2),
        "filler": provider,
        "options": QUICK,
        "timing": wall.timing,
    }
    with provider, AlpacaBarStream(KEY, SECRET, **{**fields, **changes}) as stream:
        assert stream.wait_until_up(PATIENCE_S), stream.problem
        wall.instant = at(10)
        yield stream, Taken(stream), wall


def refused(server: AlpacaServer, **changes: object) -> tuple[AlpacaBarStream, Taken]:
    fields = {"symbols": ["SPY", "AAPL"], "rng": random.Random(1), "options": QUICK}
    secret = changes.pop("secret", SECRET)
    stream = AlpacaBarStream(KEY, secret, url=server.data_stream_url, **{**fields, **changes})
    with stream:
        taken = Taken(stream)
        taken.until(lambda: stream.is_over and taken.troubles())
    return stream, taken


def test_minutes_corrections_days_quotes_and_trades_come_in_the_houses_form(server) -> None:
    messages = [
        told("b", 0, 1.5),
        told("u", 0, 1.625),
        told("d", 0, 1.75),
        {"T": "q", "S": "SPY", "t": alpaca_row(0)["t"], "bp": 1.01, "ap": 1.02, "bs": 1, "as": 2},
        {"T": "t", "S": "SPY", "t": alpaca_row(0)["t"], "p": 1.015, "s": 3, "i": 52, "x": "V"},
        {"T": "c", "S": "SPY", "t": alpaca_row(0)["t"], "oi": 52, "op": 1, "os": 3, "ci": 53}
        | {"cp": 1.016, "cs": 4},
        {"T": "x", "S": "SPY", "t": alpaca_row(0)["t"], "i": 53, "p": 1.016, "s": 4, "a": "C"},
    ]
    with streaming(server, channels=EVERY) as (stream, taken, _):
        port: BarStream = stream
        server.control.data_messages(messages)
        taken.until(lambda: taken.of("trades"))
        assert port.name == "alpaca"
    minutes, days = taken.of("batches")
    assert minutes.bars.close.tolist() == [1.5, 1.625]
    assert minutes.bars.is_final.tolist() == [True, True]
    assert (minutes.bars.trades.tolist(), minutes.bars.sources) == ([3, 3], ("alpaca",))
    assert (days.bars.timeframe, days.bars.is_final.tolist()) == (Timeframe.DAY, [False])
    assert taken.of("quotes") == [Quote(symbol="SPY", at=at(0), bid=D("1.01"), ask=D("1.02"))]
    first, correction, cancellation = taken.of("trades")
    assert (first.key, first.price, first.corrects) == ("52", D("1.015"), "")
    assert (correction.key, correction.corrects) == ("53", "52")
    assert (correction.price, correction.size) == (D("1.016"), D(4))
    assert (cancellation.key, cancellation.is_cancelled) == ("53", True)
    assert taken.troubles() == []


def test_cut_line_comes_back_with_what_was_missed(server) -> None:
    with streaming(server) as (stream, taken, wall):
        wall.instant = at(1.1)
        server.control.bar("SPY", 1, 2, 0.5, 1.25, time=at(0))
        taken.until(lambda: taken.bars("SPY"))
        server.control.limit_data(connections=0)
        server.control.drop_data_stream()
        taken.until(lambda: "406" in stream.problem)
        for minute in (1, 2):
            server.control.bar("SPY", 1, 2, 0.5, 1.25 + minute, time=at(minute))
        wall.instant = at(3.5)
        server.control.limit_data(connections=1)
        assert stream.wait_until_up(PATIENCE_S)
        server.control.bar("SPY", 1, 2, 0.5, 4.25, time=at(3))
        taken.until(lambda: len(taken.bars("SPY")) == 4)
    assert taken.bars("SPY") == [(n, 1.25 + n) for n in range(4)]
    assert [gap.filled for gap in taken.of("gaps")] == [2]


def test_bar_that_comes_after_its_correction_is_told_and_not_believed(server) -> None:
    with streaming(server, channels=[Channel.MINUTES]) as (stream, taken, _):
        server.control.data_messages([told("u", 0, 1.75), told("b", 0, 1.5), told("b", 1, 2.5)])
        taken.until(lambda: len(taken.bars("SPY")) == 2)
        assert stream.counts["overtaken"] == 1
    assert taken.bars("SPY") == [(0, 1.75), (1, 2.5)]
    (trouble,) = taken.of("troubles")
    assert "after its correction" in trouble.text
    assert "1.5" in trouble.raw


def test_feed_that_is_late_is_known_by_its_address() -> None:
    fields = {"symbols": ["SPY"], "rng": random.Random(1)}
    for feed, delay_s in (("delayed_sip", 900.0), ("sip", 0.0)):
        url = f"wss://stream.data.alpaca.markets/v2/{feed}"
        with contextlib.closing(AlpacaBarStream(KEY, SECRET, url=url, **fields)) as stream:
            assert stream.options.delay_s == delay_s


def test_slow_client_is_told_and_the_line_made_anew(server) -> None:
    with streaming(server) as (stream, taken, _):
        server.control.data_error(407)
        taken.until(lambda: stream.counts["connections"] == 2)
    assert taken.troubles() == ["slow", "lost"]
    assert "407" in taken.of("troubles")[0].text


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('[{"T":"b","S"', "malformed"),
        ('{"T":"b"}', "malformed"),
        ('[{"T":"new_kind","S":"SPY"}]', "unknown"),
        ('[{"T":["b"],"S":"SPY"}]', "unknown"),
        ('[{"T":"q","S":"SPY","bp":null,"ap":1,"t":"2024-01-09T15:00:00Z"}]', "unreadable"),
        ('[{"T":"t","S":"SPY","p":1,"s":1,"t":"2024-01-09T15:00:00"}]', "unreadable"),
        ('[{"T":"error","code":500,"msg":"internal error"}]', "vendor"),
    ],
)
def test_what_cannot_be_taken_is_told_and_its_neighbours_come(server, text, kind) -> None:
    with streaming(server) as (_, taken, __):
        server.control.data_text(text)
        server.control.data_messages([told("b", 0)])
        taken.until(lambda: taken.bars("SPY") and taken.troubles())
    assert taken.troubles() == [kind]


def test_infinite_price_is_marked_and_costs_no_neighbour(server) -> None:
    with streaming(server) as (_, taken, __):
        server.control.data_messages([told("b", 0, float("inf")), told("b", 1)])
        taken.until(lambda: len(taken.bars("SPY")) == 2)
    (batch,) = taken.of("batches")
    assert (batch.marks != 0).tolist() == [True, False]


@pytest.mark.parametrize(
    ("limits", "changes", "words"),
    [
        ({}, {"secret": "wrong-secret"}, "402"),
        ({"symbols": 1}, {}, "405"),
        ({"forbidden": ["quotes"]}, {"channels": EVERY}, "409"),
    ],
    ids=["keys", "too many symbols", "a channel that the plan lacks"],
)
def test_refusal_ends_the_stream_and_shows_no_secret(server, limits, changes, words) -> None:
    heard = Heard()
    server.control.limit_data(**limits)
    stream, taken = refused(server, listener=heard, **changes)
    (trouble,) = taken.of("troubles")
    assert trouble.kind == "refused"
    assert words in trouble.text
    assert words in stream.problem
    said = repr(stream) + trouble.text + stream.problem + "".join(heard.failures)
    assert "wrong-secret" not in said
    assert SECRET not in said


class Lines:
    """A connection that says what it is told to."""

    def __init__(self, *frames: object) -> None:
        self.frames = [json.dumps(frame) for frame in frames]
        self.sent: list[object] = []

    async def send(self, message: str | bytes, /) -> None:
        self.sent.append(json.loads(message))

    async def recv(self) -> str | bytes:
        return self.frames.pop(0)


def greeting(*subscription: dict[str, object]) -> Lines:
    hello = [{"T": "success", "msg": "connected"}], [{"T": "success", "msg": "authenticated"}]
    return Lines(*hello, list(subscription))


def test_bar_that_comes_with_the_subscription_is_not_lost() -> None:
    dialect = AlpacaDialect(KEY, SECRET, symbols=["SPY"], channels=[Channel.MINUTES])
    granted = {"T": "subscription", "bars": ["SPY"], "updatedBars": ["SPY"]}
    line = greeting(granted, told("b", 0, 1.53))
    (early,) = asyncio.run(dialect.greet(line))
    (bar,) = dialect.read(early, us(1))
    assert (bar.time, bar.row["c"]) == (us(0), 1.53)
    assert line.sent[1] == {"action": "subscribe", "bars": ["SPY"], "updatedBars": ["SPY"]}


def test_symbol_that_is_not_granted_is_refused_by_name() -> None:
    dialect = AlpacaDialect(KEY, SECRET, symbols=["SPY", "QQQ"], channels=[Channel.QUOTES])
    line = greeting({"T": "subscription", "quotes": ["SPY"]})
    with pytest.raises(Refused, match="granted 1 of 2 symbols of quotes, not QQQ"):
        asyncio.run(dialect.greet(line))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"url": "wss://stream.data.alpaca.markets.evil.example/v2/iex"}, ConfigError),
        ({"url": "ws://stream.data.alpaca.markets/v2/iex"}, ConfigError),
        ({"symbols": ["BTC/USDT-PERP"]}, InputError),
        ({"channels": [Channel.FORMING]}, InputError),
    ],
)
def test_what_cannot_be_streamed_is_refused(changes, error) -> None:
    fields = {"url": "wss://stream.data.alpaca.markets/v2/iex", "symbols": ["SPY"]}
    with pytest.raises(error):
        AlpacaBarStream(KEY, SECRET, rng=random.Random(1), **{**fields, **changes})
