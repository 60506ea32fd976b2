import random
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from alphalens.data.alpaca_stream import AlpacaDataStream, readings_from
from alphalens.errors import ConfigError, InputError
from alphalens.net import LoopThread
from alphalens.testing.alpaca_server import AlpacaServer
from alphalens.trading.market import Quote, TradingStatus
from tests.waiting import PATIENCE_S, until

KEY, SECRET = "PKTEST", "secret-of-the-test"
D = Decimal
AT = datetime(2026, 3, 2, 15, tzinfo=UTC)


def made(url: str, **changes: object) -> AlpacaDataStream:
    fields = {"symbols": ["SPY", "AAPL"], "rng": random.Random(2)}
    return AlpacaDataStream(KEY, changes.pop("secret", SECRET), url=url, **{**fields, **changes})


@pytest.fixture
def server(tmp_path: Path) -> Iterator[AlpacaServer]:
    with AlpacaServer(
        tmp_path / "venue.sqlite", now=AT, seed=3, keys=(KEY, SECRET), rate_limit=None
    ) as running:
        yield running


@pytest.fixture
def stream(server: AlpacaServer) -> Iterator[AlpacaDataStream]:
    with made(server.data_stream_url) as running:
        assert running.wait_until_up(PATIENCE_S)
        yield running


def taken(stream: AlpacaDataStream, count: int) -> list[Quote | TradingStatus]:
    values: list[Quote | TradingStatus] = []
    until(lambda: values.extend(stream.take()) or len(values) >= count)
    return values


def test_quotes_are_exact_and_in_order(server, stream) -> None:
    for ask in ("100.01", "100.02", "100.03"):
        server.control.set_quote("SPY", "100", ask)
    server.control.set_quote("QQQ", "1", "2")
    quotes = taken(stream, 3)
    assert [quote.ask for quote in quotes] == [D("100.01"), D("100.02"), D("100.03")]
    assert {(quote.symbol, quote.bid) for quote in quotes} == {("SPY", D(100))}
    assert all(quote.at.utcoffset() is not None for quote in quotes)


def test_halt_and_resumption_are_told(server, stream) -> None:
    server.control.halt("SPY")
    server.control.resume("SPY")
    halt, resumption = taken(stream, 2)
    assert (halt.symbol, halt.is_halted, resumption.is_halted) == ("SPY", True, False)
    assert "Pause" in halt.reason


def test_loss_is_counted_and_the_stream_comes_back(server, stream) -> None:
    server.control.drop_data_stream()
    until(lambda: stream.gaps == 1)
    assert stream.wait_until_up(PATIENCE_S)
    server.control.set_quote("SPY", "1", "2")
    assert taken(stream, 1)[0].bid == D(1)


def test_second_connection_waits_for_its_turn(server, stream) -> None:
    with made(server.data_stream_url) as second:
        until(lambda: "406" in second.problem)
        assert not second.is_up
    assert stream.is_up


def test_bad_keys_end_the_stream_and_say_so_without_them(server) -> None:
    with made(server.data_stream_url, secret="wrong-secret") as wrong:
        until(lambda: "has ended" in wrong.problem)
        assert "402" in wrong.problem
        assert "wrong-secret" not in wrong.problem + repr(wrong)


def test_loop_of_the_caller_is_left_running(server) -> None:
    with LoopThread() as loop:
        with made(server.data_stream_url, loop=loop) as stream:
            assert stream.wait_until_up(PATIENCE_S)

        async def one() -> int:
            return 1

        assert loop.run(one(), timeout_s=PATIENCE_S) == 1


@pytest.mark.parametrize(
    "url",
    [
        "wss://stream.data.alpaca.markets.evil.example/v2/iex",
        "ws://stream.data.alpaca.markets/v2/iex",
        "https://stream.data.alpaca.markets/v2/iex",
    ],
)
def test_keys_go_to_no_other_host_and_never_in_clear(url) -> None:
    with pytest.raises(ConfigError):
        made(url)


def test_symbol_that_the_venue_cannot_name_is_refused() -> None:
    with pytest.raises(InputError):
        made("wss://stream.data.alpaca.markets/v2/iex", symbols=["BTC/USDT-PERP"])


@pytest.mark.parametrize(
    ("code", "is_halted"), [("H", True), ("P", True), ("2", True), ("T", False), ("Z", None)]
)
def test_status_codes(code, is_halted) -> None:
    text = f'[{{"T":"s","S":"SPY","sc":"{code}","sm":"words","t":"2026-03-02T15:00:00Z"}}]'
    values, unreadable = readings_from(text)
    assert values == [
        TradingStatus(symbol="SPY", at=AT, code=code, is_halted=is_halted, reason="words")
    ]
    assert unreadable == 0


def test_message_that_cannot_be_read_is_counted_and_its_neighbours_are_not_lost() -> None:
    good = '{"T":"q","S":"SPY","bp":1.10,"ap":1.2,"t":"2026-03-02T15:00:00Z"}'
    bad = '{"T":"q","S":"SPY","bp":null,"ap":1.2,"t":"2026-03-02T15:00:00Z"}'
    other = '{"T":"x_of_next_year"}'
    values, unreadable = readings_from(f"[{bad},{good},{other}]")
    assert values == [Quote(symbol="SPY", at=AT, bid=D("1.1"), ask=D("1.2"))]
    assert unreadable == 1
    assert readings_from("{half") == ([], 1)


def test_status_needs_a_time_zone() -> None:
    with pytest.raises(InputError, match="no time zone"):
        TradingStatus(symbol="SPY", at=datetime(2026, 3, 2), code="H", is_halted=True)
