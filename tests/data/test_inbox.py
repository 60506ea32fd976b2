import json
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from alphalens.data.inbox import Inbox
from alphalens.net import LoopThread, Refused, StreamSettings
from alphalens.net.line import Line
from alphalens.testing.alpaca_server import AlpacaServer
from tests.waiting import PATIENCE_S, until


async def hello(line: Line) -> None:
    """Subscribe to the quotes of a loopback venue."""
    for message in (
        {"action": "auth", "key": "PKTEST", "secret": "secret"},
        {"action": "subscribe", "quotes": ["SPY"]},
    ):
        await line.recv()
        await line.send(json.dumps(message))
    await line.recv()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[AlpacaServer]:
    now = datetime(2026, 3, 2, 15, tzinfo=UTC)
    with AlpacaServer(tmp_path / "venue.sqlite", now=now, seed=3, rate_limit=None) as running:
        yield running


@pytest.fixture
def loop() -> Iterator[LoopThread]:
    with LoopThread() as running:
        yield running


def inbox(server: AlpacaServer, loop: LoopThread, **changes: object) -> Inbox:
    fields = {
        "hello": hello,
        "read": lambda frame: [m["ap"] for m in json.loads(frame)],
        "rng": random.Random(1),
    }
    return Inbox(StreamSettings(url=server.data_stream_url), loop=loop, **{**fields, **changes})


def test_messages_wait_in_order_and_are_taken_once(server, loop) -> None:
    box = inbox(server, loop)
    box.open()
    box.open()
    assert box.wait_until_up(PATIENCE_S)
    asks = [float(100 + number) for number in range(20)]
    for ask in asks:
        server.control.set_quote("SPY", "1", str(ask))
    taken = []
    until(lambda: taken.extend(box.take()) or len(taken) == 20)
    assert taken == asks
    assert box.take() == ()
    box.close()


def test_full_box_holds_back_and_loses_nothing(server, loop) -> None:
    box = inbox(server, loop, size=2)
    box.open()
    assert box.wait_until_up(PATIENCE_S)
    asks = [float(100 + number) for number in range(20)]
    for ask in asks:
        server.control.set_quote("SPY", "1", str(ask))
    time.sleep(0.1)
    first = box.take()
    assert list(first) == asks[:2]
    taken = list(first)
    until(lambda: taken.extend(box.take()) or len(taken) == 20)
    assert taken == asks
    box.close()


def test_reader_that_fails_ends_the_stream_and_is_named(server, loop) -> None:
    box = inbox(server, loop, read=lambda frame: [1 / 0])
    box.open()
    assert box.wait_until_up(PATIENCE_S)
    server.control.set_quote("SPY", "1", "2")
    until(lambda: "ZeroDivisionError" in box.problem)
    assert not box.is_up
    assert box.gaps == 1


def test_refusal_ends_the_stream(server, loop) -> None:
    async def refused(line: Line) -> None:
        raise Refused("no such key")

    box = inbox(server, loop, hello=refused)
    box.open()
    until(lambda: "no such key" in box.problem)
    assert not box.wait_until_up(0.01)
    assert box.gaps == 0


def test_box_says_how_it_stands(server, loop) -> None:
    box = inbox(server, loop)
    assert "not opened" in box.problem
    box.close()
    box.open()
    assert box.wait_until_up(PATIENCE_S)
    assert box.problem == ""
    box.close()
    box.close()
    assert "closed" in box.problem
