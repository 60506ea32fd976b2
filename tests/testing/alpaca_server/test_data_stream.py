"""Market data: the vendor's own StockDataStream over MessagePack, and a plain JSON client."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from alpaca.data.live import StockDataStream
from websockets.sync.client import ClientConnection, connect

from alphalens.testing.alpaca_server import AlpacaServer, Control
from tests.waiting import PATIENCE_S, until


def hear(line: ClientConnection) -> dict[str, Any]:
    (message,) = json.loads(line.recv(timeout=PATIENCE_S))
    assert isinstance(message, dict)
    return message


def say(line: ClientConnection, **message: Any) -> dict[str, Any]:
    line.send(json.dumps(message))
    return hear(line)


def login(line: ClientConnection) -> None:
    assert hear(line) == {"T": "success", "msg": "connected"}
    answer = say(line, action="auth", key="PKTEST", secret="secret")
    assert answer == {"T": "success", "msg": "authenticated"}


def test_vendor_hears_bars_quotes_trades_and_statuses(
    server: AlpacaServer, control: Control
) -> None:
    heard: list[Any] = []

    async def hear_one(item: Any) -> None:
        heard.append(item)

    stream = StockDataStream("PKTEST", "secret", url_override=server.data_stream_url)
    stream.subscribe_bars(hear_one, "*")
    stream.subscribe_quotes(hear_one, "AAPL")
    stream.subscribe_trades(hear_one, "AAPL")
    stream.subscribe_trading_statuses(hear_one, "AAPL")
    thread = threading.Thread(target=stream.run)
    thread.start()
    until(lambda: len(control.state()["data_subscriptions"]) == 4)

    control.set_quote("AAPL", 101, 101.5, bid_size=3)
    control.set_quote("MSFT", 50, 50.5)
    control.trade("AAPL", "101.25", size=9)
    control.bar("MSFT", 50, 52, 49, 51, volume=1200)
    control.halt("AAPL")
    until(lambda: len(heard) == 4)
    stream._loop.call_soon_threadsafe(lambda: stream._loop.create_task(stream.stop_ws()))
    control.drop_data_stream()
    thread.join(PATIENCE_S)

    assert not thread.is_alive()
    quote, trade, bar, status = heard
    assert (quote.symbol, quote.bid_price, quote.bid_size) == ("AAPL", 101, 3)
    assert (trade.price, trade.size) == (101.25, 9)
    assert (bar.symbol, bar.high, bar.volume) == ("MSFT", 52, 1200)
    assert (status.status_code, status.reason_code) == ("H", "LUDP")
    assert quote.timestamp.isoformat().startswith("2026-03-02T15:00:00")


def test_plain_client_gets_json_and_subscribes_step_by_step(
    server: AlpacaServer, control: Control
) -> None:
    with connect(server.data_stream_url) as line:
        login(line)
        say(line, action="subscribe", trades=["AAPL"])
        told = say(line, action="subscribe", bars=["*"], lulds=["AAPL"])
        assert (told["T"], told["trades"], told["bars"]) == ("subscription", ["AAPL"], ["*"])
        assert told["corrections"] == ["AAPL"]
        told = say(line, action="unsubscribe", trades=["AAPL"])
        assert (told["trades"], told["bars"]) == ([], ["*"])

        control.trade("AAPL", 100)
        control.bands("AAPL", up=110, down=90)

        assert hear(line)["T"] == "l"


def test_what_a_stream_refuses(server: AlpacaServer) -> None:
    with connect(server.data_stream_url) as line:
        hear(line)
        assert say(line, action="subscribe", bars=["*"])["code"] == 401
        assert say(line, action="auth", key="PKTEST", secret="wrong")["code"] == 402
        assert say(line, nothing="known")["code"] == 400
        say(line, action="auth", key="PKTEST", secret="secret")
        assert say(line, action="auth", key="PKTEST", secret="secret")["code"] == 403
        assert say(line, action="dance")["code"] == 400
        with connect(server.data_stream_url) as second:
            hear(second)
            assert say(second, action="auth", key="PKTEST", secret="secret")["code"] == 406


def test_mute_data_stays_connected(server: AlpacaServer, control: Control) -> None:
    with connect(server.data_stream_url) as line:
        login(line)
        say(line, action="subscribe", quotes=["AAPL"])
        control.mute_data()
        control.set_quote("AAPL", 1, 2)
        with pytest.raises(TimeoutError):
            line.recv(timeout=0.1)
        control.mute_data(on=False)
        control.set_quote("AAPL", 3, 4)
        assert hear(line)["bp"] == 3


def test_messages_of_one_call_come_in_one_frame_and_any_text_as_it_is(
    server: AlpacaServer, control: Control
) -> None:
    with connect(server.data_stream_url) as line:
        login(line)
        say(line, action="subscribe", updatedBars=["AAPL"], trades=["AAPL"])
        kinds = (("u", "AAPL"), ("u", "MSFT"), ("c", "AAPL"))
        control.data_messages([{"T": kind, "S": symbol, "v": 1} for kind, symbol in kinds])
        frame = json.loads(line.recv(timeout=PATIENCE_S))
        control.data_text('[{"T":"b"')
        broken = line.recv(timeout=PATIENCE_S)

    assert [(message["T"], message["S"]) for message in frame] == [("u", "AAPL"), ("c", "AAPL")]
    assert broken == '[{"T":"b"'


def test_a_small_plan_refuses_symbols_channels_and_slow_clients(
    server: AlpacaServer, control: Control
) -> None:
    control.limit_data(symbols=2, forbidden=["quotes"])
    with connect(server.data_stream_url) as line:
        login(line)
        assert say(line, action="subscribe", bars=["A", "B", "C"])["code"] == 405
        assert say(line, action="subscribe", quotes=["A"])["code"] == 409
        assert say(line, action="subscribe", bars=["A", "B"])["bars"] == ["A", "B"]
        control.data_error(407)
        assert hear(line) == {"T": "error", "code": 407, "msg": "slow client"}
