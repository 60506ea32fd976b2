"""The websocket, as the vendor's own client and a plain one hear it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from alphalens.testing.polygon_server import PolygonControl, PolygonServer
from tests.waiting import PATIENCE_S, until

from .clients import AuthError, WebSocketClient
from .test_listings import START, quote

MINUTE = {"t": START // 1_000_000, "o": 1.0, "h": 2.0, "l": 0.5, "c": 1.5, "v": 100, "vw": 1.2}


@pytest.fixture
def heard(server: PolygonServer) -> Iterator[list[Any]]:
    """Return what the vendor's client hears of AM.AAPL, T.*, Q.AAPL and A.AAPL."""
    events: list[Any] = []
    channels = ["AM.AAPL", "T.*", "Q.AAPL", "A.AAPL"]
    client = WebSocketClient("key", feed=server.feed, secure=False, subscriptions=channels)

    async def hear(batch: list[Any]) -> None:
        events.extend(batch)

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=lambda: loop.run_until_complete(client.connect(hear)))
    thread.start()
    until(lambda: len(server.control.stream_state()["subscriptions"]) == 4)
    yield events
    asyncio.run_coroutine_threadsafe(client.close(), loop)
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    loop.close()


def hear(line: ClientConnection) -> Any:
    frame = line.recv(timeout=PATIENCE_S)
    assert isinstance(frame, str)
    return json.loads(frame)


def say(line: ClientConnection, action: str, params: str) -> Any:
    line.send(json.dumps({"action": action, "params": params}))
    return hear(line)


def login(line: ClientConnection) -> None:
    (greeting,) = hear(line)
    assert greeting == {"ev": "status", "status": "connected", "message": "Connected Successfully"}
    (granted,) = say(line, "auth", "key")
    assert granted == {"ev": "status", "status": "auth_success", "message": "authenticated"}


def test_the_client_hears_minutes_seconds_trades_and_quotes(
    control: PolygonControl, heard: list[Any]
) -> None:
    control.minute("AAPL", MINUTE)
    control.minute("MSFT", MINUTE)
    control.trade("MSFT", {"sip_timestamp": START, "price": 50.5, "size": 3})
    control.quote("AAPL", quote(1))
    control.publish([{"ev": "A", "sym": "AAPL", "c": 7.0, "s": 1, "e": 2}])
    until(lambda: len(heard) == 4)

    minute, trade, told, second = heard
    assert (minute.symbol, minute.close, minute.volume, minute.vwap) == ("AAPL", 1.5, 100, 1.2)
    assert minute.end_timestamp - minute.start_timestamp == 60_000
    assert (trade.symbol, trade.price, trade.size) == ("MSFT", 50.5, 3)
    assert (told.bid_price, told.ask_price, told.timestamp) == (101, 101.1, START // 10**6 + 1000)
    assert (second.event_type, second.close) == ("A", 7)


def test_what_was_streamed_is_had_by_rest(
    client: Any, control: PolygonControl, heard: list[Any]
) -> None:
    control.mute()
    control.minute("AAPL", MINUTE)
    control.mute(on=False)
    control.minute("AAPL", MINUTE | {"t": MINUTE["t"] + 60_000})
    until(lambda: heard)

    stored = client.get_aggs("AAPL", 1, "minute", "2024-01-09", "2024-01-09")

    assert len(heard) == 1
    assert [agg.timestamp for agg in stored] == [MINUTE["t"], MINUTE["t"] + 60_000]


def test_a_cut_client_comes_back_and_subscribes_again(
    control: PolygonControl, heard: list[Any]
) -> None:
    control.drop_stream()
    until(lambda: control.stream_state()["opened"] == 2)
    until(lambda: len(control.stream_state()["subscriptions"]) == 4)

    control.minute("AAPL", MINUTE)

    until(lambda: heard)


def test_an_unknown_key_is_refused(server: PolygonServer) -> None:
    client = WebSocketClient("lock", feed=server.feed, secure=False, subscriptions=["T.*"])

    with pytest.raises(AuthError, match="authentication failed"):
        client.run(lambda batch: None)


def test_statuses_of_subscriptions(server: PolygonServer, control: PolygonControl) -> None:
    with connect(server.stream_url) as line:
        login(line)
        line.send(json.dumps({"action": "subscribe", "params": "AM.AAPL, T.*,X.AAPL"}))
        told = [hear(line)[0] for _ in range(3)]
        (gone,) = say(line, "unsubscribe", "T.*")
        kept = control.stream_state()["subscriptions"]

    assert [status["message"] for status in told] == [
        "subscribed to: AM.AAPL",
        "subscribed to: T.*",
        "not found: X.AAPL",
    ]
    assert [status["status"] for status in told] == ["success", "success", "error"]
    assert gone["message"] == "unsubscribed to: T.*"
    assert kept == ["AM.AAPL"]


def test_events_of_one_call_come_in_one_frame_as_text(
    server: PolygonServer, control: PolygonControl
) -> None:
    with connect(server.stream_url) as line:
        login(line)
        say(line, "subscribe", "T.AAPL")
        control.publish([{"ev": "T", "sym": s, "p": 1} for s in ("AAPL", "MSFT", "AAPL")])
        frame = hear(line)
        control.publish_text('[{"ev": "T", "sym"')
        broken = line.recv(timeout=PATIENCE_S)

    assert [event["sym"] for event in frame] == ["AAPL", "AAPL"]
    assert broken == '[{"ev": "T", "sym"'


def test_what_the_stream_does_not_understand(server: PolygonServer) -> None:
    with connect(server.stream_url) as line:
        hear(line)
        assert say(line, "subscribe", "T.*")[0]["status"] == "auth_required"
        line.send("no json")
        assert hear(line)[0]["status"] == "error"
        say(line, "auth", "key")
        assert say(line, "dance", "now")[0]["message"] == "unknown action: dance"


def test_one_connection_too_many(server: PolygonServer, control: PolygonControl) -> None:
    control.allow_connections(1)
    with connect(server.stream_url) as first, connect(server.stream_url) as second:
        login(first)
        hear(second)
        (told,) = say(second, "auth", "key")
        with pytest.raises(ConnectionClosed):
            second.recv(timeout=PATIENCE_S)

    assert told["status"] == "max_connections"


def test_a_channel_that_is_not_in_the_plan_is_refused_and_the_others_are_not(
    server: PolygonServer, control: PolygonControl
) -> None:
    server._stream.forbidden.add("Q")
    with connect(server.stream_url) as line:
        login(line)
        line.send(json.dumps({"action": "subscribe", "params": "Q.AAPL,T.AAPL"}))
        told = [hear(line)[0] for _ in range(2)]
        wanted = control.stream_state()["subscriptions"]

    assert [status["status"] for status in told] == ["error", "success"]
    assert told[0]["message"] == "not authorized to subscribe to: Q.AAPL"
    assert wanted == ["T.AAPL"]
