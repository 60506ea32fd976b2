"""Trade updates: the vendor's own TradingStream, and a plain client for what it hides."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from alpaca.trading.enums import OrderStatus, TradeEvent
from alpaca.trading.models import TradeUpdate
from alpaca.trading.stream import TradingStream
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from alphalens.testing.alpaca_server import AlpacaServer, Control
from tests.waiting import PATIENCE_S, until

Build = Callable[..., dict[str, Any]]


@pytest.fixture
def updates(server: AlpacaServer) -> Iterator[list[TradeUpdate]]:
    """What the vendor's client hears."""
    heard: list[TradeUpdate] = []

    async def hear(update: TradeUpdate) -> None:
        heard.append(update)

    stream = TradingStream("PKTEST", "secret", url_override=server.stream_url)
    stream.subscribe_trade_updates(hear)
    thread = threading.Thread(target=stream.run)
    thread.start()
    until(lambda: server.control.state()["stream_listening"])
    yield heard
    stream.stop()
    # Its reader looks at the stop only between two messages or when the line breaks.
    server.control.drop_stream()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()


@pytest.fixture
def line(server: AlpacaServer) -> Iterator[ClientConnection]:
    """Open a connection that listens."""
    with connect(server.stream_url) as opened:
        login(opened)
        yield opened


def login(line: ClientConnection) -> None:
    say(line, action="authenticate", data={"key_id": "PKTEST", "secret_key": "secret"})
    assert hear(line)["data"] == {"status": "authorized", "action": "authenticate"}
    say(line, action="listen", data={"streams": ["trade_updates"]})
    assert hear(line)["data"] == {"streams": ["trade_updates"]}


def say(line: ClientConnection, **message: Any) -> None:
    line.send(json.dumps(message))


def hear(line: ClientConnection) -> dict[str, Any]:
    frame = line.recv(timeout=PATIENCE_S)
    assert isinstance(frame, bytes), "trade updates come in binary frames"
    told: dict[str, Any] = json.loads(frame)
    return told


def events(line: ClientConnection, count: int) -> list[tuple[str, str]]:
    """Return the next events and the filled quantity after each."""
    told = [hear(line)["data"] for _ in range(count)]
    return [(row["event"], row["order"]["filled_qty"]) for row in told]


def test_vendor_hears_new_partial_and_fill(
    updates: list[TradeUpdate], control: Control, order: Build
) -> None:
    control.set_quote("AAPL", "150", "150.01", ask_size=4)
    control.place_external(order(type="limit", limit_price="151"))
    control.set_quote("AAPL", "150", "150.02")

    until(lambda: len(updates) == 3)
    assert [u.event for u in updates] == [TradeEvent.NEW, TradeEvent.PARTIAL_FILL, TradeEvent.FILL]
    partial, fill = updates[1:]
    assert (partial.qty, partial.price, partial.position_qty) == (4, 150.01, 4)
    assert (fill.qty, fill.price, fill.position_qty) == (6, 150.02, 10)
    assert (fill.order.filled_qty, fill.order.filled_avg_price) == ("10", "150.016")
    assert fill.order.status == OrderStatus.FILLED


def test_vendor_reconnects_after_a_drop_and_misses_the_gap(
    updates: list[TradeUpdate], server: AlpacaServer, order: Build
) -> None:
    server.control.drop_stream()
    until(lambda: server.control.state()["stream_connections"] == 0)
    server.control.place_external(order(client_order_id="in the gap"))

    until(lambda: server.control.state()["stream_listening"] == 1)
    server.control.place_external(order(client_order_id="after the gap"))

    until(lambda: len(updates) == 2)
    assert {u.order.client_order_id for u in updates} == {"after the gap"}


def test_vendor_hears_a_replacement(
    updates: list[TradeUpdate], control: Control, order: Build
) -> None:
    made = control.place_external(order(type="limit", limit_price="90"))
    control.replace_external(made["id"], {"limit_price": "91"})

    until(lambda: len(updates) == 4)
    names = [(u.event, u.order.limit_price) for u in updates]
    assert names == [("new", "90"), ("pending_replace", "90"), ("replaced", "90"), ("new", "91")]
    assert updates[2].order.replaced_by == updates[3].order.id


def test_listen_before_authentication_is_refused(server: AlpacaServer) -> None:
    with connect(server.stream_url) as line:
        say(line, action="listen", data={"streams": ["trade_updates"]})
        assert hear(line)["data"] == {"status": "unauthorized", "action": "listen"}
        say(line, action="authenticate", data={"key_id": "PKTEST", "secret_key": "wrong"})
        assert hear(line)["data"]["status"] == "unauthorized"


def test_second_connection_is_refused_until_the_first_is_gone(server: AlpacaServer) -> None:
    with connect(server.stream_url), pytest.raises(InvalidStatus) as refused:
        connect(server.stream_url)
    assert refused.value.response.status_code == 429

    until(lambda: server.control.state()["stream_connections"] == 0)
    with connect(server.stream_url) as line:
        login(line)


def test_refused_connections_are_counted(server: AlpacaServer) -> None:
    server.control.refuse_stream(2)

    for _ in range(2):
        with pytest.raises(InvalidStatus):
            connect(server.stream_url)

    with connect(server.stream_url) as line:
        login(line)


def test_listen_replaces_the_whole_set(
    line: ClientConnection, control: Control, order: Build
) -> None:
    say(line, action="listen", data={"streams": []})
    assert hear(line)["data"] == {"streams": []}
    control.place_external(order())

    with pytest.raises(TimeoutError):
        line.recv(timeout=0.1)


def test_mute_stream_loses_events_and_stays_open(
    line: ClientConnection, control: Control, order: Build
) -> None:
    control.mute()
    control.place_external(order())
    with pytest.raises(TimeoutError):
        line.recv(timeout=0.1)

    control.mute(on=False)
    control.place_external(order())
    assert events(line, 2) == [("new", "0"), ("fill", "10")]


def three_partials(control: Control, order: Build) -> None:
    control.place_external(order(type="limit", limit_price="101"))
    for size in (2, 3, 5):
        control.set_quote("AAPL", 100, 101, ask_size=size)


@pytest.fixture
def thin(control: Control) -> None:
    """Leave nothing to buy until the next quote."""
    control.set_quote("AAPL", 100, 102)


@pytest.mark.usefixtures("thin")
@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("duplicate", ["2", "2", "5", "10"]),
        ("skip", ["5", "10"]),
        ("swap", ["5", "2", "10"]),
    ],
)
def test_partials_come_twice_not_at_all_or_out_of_order(
    line: ClientConnection, control: Control, order: Build, kind: str, told: list[str]
) -> None:
    control.arm_event(kind, event="partial_fill")

    three_partials(control, order)

    assert [filled for _, filled in events(line, 1 + len(told))[1:]] == told
    assert [row["cum_qty"] for row in control.executions()] == ["2", "5", "10"]


@pytest.mark.usefixtures("thin")
def test_a_duplicate_carries_the_same_execution(
    line: ClientConnection, control: Control, order: Build
) -> None:
    control.arm_event("duplicate", event="fill")

    three_partials(control, order)

    told = [hear(line)["data"] for _ in range(5)]
    assert told[3] == told[4]


def test_half_a_frame_is_no_json(line: ClientConnection, control: Control, order: Build) -> None:
    control.arm_event("malformed", event="new")
    control.place_external(order())

    with pytest.raises(json.JSONDecodeError):
        hear(line)
    assert events(line, 1) == [("fill", "10")]


def test_unknown_status_and_exotic_instants(
    line: ClientConnection, control: Control, order: Build
) -> None:
    control.arm_event("unknown_status", event="new")
    control.arm_event("nanoseconds", event="fill")
    control.place_external(order())

    assert hear(line)["data"]["order"]["status"] == "under_observation"
    assert hear(line)["data"]["timestamp"].startswith("2026-03-02T10:00:00.")
    assert control.orders()[0]["status"] == "filled"


def test_the_line_breaks_in_place_of_an_event(
    line: ClientConnection, control: Control, order: Build
) -> None:
    control.arm_event("drop", event="fill")
    control.place_external(order())

    with pytest.raises(ConnectionClosed):
        events(line, 2)


def test_a_burst_of_events_arrives_in_order(
    line: ClientConnection, control: Control, order: Build
) -> None:
    control.set_quote("AAPL", 100, 102)
    made = control.place_external(order(qty="300", type="limit", limit_price="101"))
    for _ in range(300):
        control.fill(made["id"], qty=1, price=101)

    assert [int(filled) for _, filled in events(line, 301)] == list(range(301))


def test_the_word_of_one_leg_can_be_lost(
    line: ClientConnection, control: Control, order: Build
) -> None:
    call, put = "AAPL260417C00100000", "AAPL260417P00100000"
    control.set_quote(call, 5, 6)
    legs = [{"symbol": symbol, "ratio_qty": "1", "side": "buy"} for symbol in (call, put)]
    made = control.place_external(
        order(symbol=None, side=None, order_class="mleg", qty="2", legs=legs)
    )
    control.arm_event("skip", client_order_id=made["legs"][0]["client_order_id"])

    control.set_quote(put, 3, 4)

    told = [hear(line)["data"] for _ in range(3)]
    assert [row["event"] for row in told] == ["new", "fill", "fill"]
    assert [row["order"]["symbol"] for row in told] == ["", put, ""]
    assert told[2]["price"] == "10"
    assert [leg["status"] for leg in told[2]["order"]["legs"]] == ["filled", "filled"]
