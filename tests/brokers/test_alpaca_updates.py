import json
import random
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from alphalens.brokers._alpaca.updates import update_from
from alphalens.brokers.alpaca_broker import AlpacaBroker
from alphalens.net import Redactor
from alphalens.trading.orders import Leg, OrderClass, OrderStatus, OrderType, Side
from tests.waiting import PATIENCE_S, until

from .alpaca_venue import CALL, PATIENT, PUT, SECRET, D, adapter, intent

CLEAR = Redactor.of([SECRET])
ORDER = {
    "id": "61e6",
    "client_order_id": "mine",
    "symbol": "SPY",
    "asset_class": "us_equity",
    "qty": "10",
    "filled_qty": "4",
    "order_class": "simple",
    "type": "market",
    "side": "buy",
    "time_in_force": "day",
    "status": "partially_filled",
}


def frame(event: str = "partial_fill", order: object = ORDER, **data: object) -> bytes:
    fields = {
        "event": event,
        "execution_id": "e-1",
        "timestamp": "2026-03-02T10:00:00.123456789-05:00",
        "price": "100.10",
        "qty": "1",
        "order": order,
    }
    message = {"stream": "trade_updates", "data": {**fields, **data}}
    return json.dumps(message).encode()


def test_execution_is_what_this_message_tells_and_its_id_the_cumulative_figure() -> None:
    update = update_from(frame(), CLEAR)
    assert (update.event, update.problem) == ("partial_fill", "")
    assert (update.fill.fill_id, update.fill.quantity, update.fill.cumulative) == (
        "61e6/4",
        D(1),
        D(4),
    )
    assert update.order.filled_quantity == D(4)


def test_text_frames_are_read_as_binary_ones() -> None:
    assert update_from(frame().decode(), CLEAR) == update_from(frame(), CLEAR)


@pytest.mark.parametrize("stream", ["authorization", "listening"])
def test_message_about_the_connection_is_no_update(stream) -> None:
    assert update_from(json.dumps({"stream": stream, "data": {}}), CLEAR) is None


@pytest.mark.parametrize(
    "text",
    [
        b"{half a frame",
        b"\xff\xfe",
        b"[]",
        b'{"stream": "trade_updates"}',
        b'{"stream": "trade_updates", "data": {"event": "fill"}}',
        frame(order={**ORDER, "id": None}),
        frame(order={**ORDER, "filled_qty": "many"}),
        frame(event=None),
    ],
)
def test_message_that_cannot_be_read_is_told_with_its_text(text) -> None:
    update = update_from(text, CLEAR)
    assert update.order is None
    assert text.decode("utf-8", errors="replace")[:20] in update.problem


@pytest.mark.parametrize("changes", [{"price": None}, {"qty": "0"}, {"timestamp": "noon"}])
def test_order_is_told_where_its_execution_cannot_be_read(changes) -> None:
    update = update_from(frame(**changes), CLEAR)
    assert (update.fill, update.order.filled_quantity) == (None, D(4))
    assert "the message" in update.problem


def test_status_that_is_not_known_is_told_and_its_execution_too() -> None:
    update = update_from(frame(order={**ORDER, "status": "teleported"}), CLEAR)
    assert update.order.status is OrderStatus.UNKNOWN
    assert update.fill.quantity == D(1)
    assert "'teleported' is not known" in update.problem


@pytest.mark.parametrize("event", ["trade_bust", "trade_correct"])
def test_execution_that_was_taken_back_is_a_problem_and_no_fill(event) -> None:
    update = update_from(frame(event=event), CLEAR)
    assert update.fill is None
    assert "taken back" in update.problem


def test_secrets_are_in_no_problem() -> None:
    update = update_from(f"{{half {SECRET}".encode(), CLEAR)
    assert SECRET not in update.problem


def test_entry_of_a_bracket_told_with_its_exits_has_an_execution() -> None:
    exits = [{**ORDER, "id": "t", "status": "held", "filled_qty": "0"}]
    whole = {**ORDER, "order_class": "bracket", "legs": exits}
    assert update_from(frame(order=whole), CLEAR).fill.quantity == D(1)


def told(broker) -> list:
    updates = []

    def is_final() -> bool:
        updates.extend(broker.updates())
        return any(u.order is not None and u.order.status.is_final for u in updates)

    until(is_final)
    return updates


def test_stream_and_list_tell_the_same_executions(streaming, control) -> None:
    control.set_quote("SPY", "100", "100.02", ask_size=4)
    streaming.submit(intent("a"))
    control.set_quote("SPY", "100", "100.05")
    fills = [update.fill for update in told(streaming) if update.fill]
    assert fills == list(streaming.fills())
    assert len(fills) == 2


@pytest.mark.parametrize("kind", ["nanoseconds", "duplicate"])
def test_odd_instants_and_duplicates_have_the_same_id(streaming, control, kind) -> None:
    control.arm_event(kind, event="fill")
    streaming.submit(intent("a"))
    fills = [update.fill for update in told(streaming) if update.fill]
    assert {fill.fill_id for fill in fills} == {streaming.fills()[0].fill_id}


def test_malformed_and_strange_events_are_told_and_the_stream_goes_on(streaming, control) -> None:
    control.arm_event("malformed", event="new")
    control.arm_event("unknown_status", event="partial_fill")
    control.set_quote("SPY", "100", "100.02", ask_size=4)
    streaming.submit(intent("a"))
    control.set_quote("SPY", "100", "100.05")
    updates = told(streaming)
    assert [bool(update.problem) for update in updates] == [True, True, False]
    assert [update.order is None for update in updates] == [True, False, False]
    assert streaming.connection().gaps == 0


def test_legs_are_told_each_and_the_whole_without_an_execution(streaming, control) -> None:
    streaming.submit(
        intent(
            "a",
            symbol="AAPL",
            quantity=D(2),
            order_class=OrderClass.MULTILEG,
            legs=(Leg(symbol=CALL, side=Side.BUY), Leg(symbol=PUT, side=Side.SELL)),
            order_type=OrderType.LIMIT,
            limit_price=D("1.20"),
        )
    )
    updates = []
    until(lambda: updates.extend(streaming.updates()) or len(updates) >= 4)
    fills = {update.fill.symbol: update.fill for update in updates if update.fill}
    assert set(fills) == {CALL, PUT}
    assert {fill.fill_id for fill in fills.values()} == {f.fill_id for f in streaming.fills()}
    assert not [update.problem for update in updates if update.problem]


def test_loss_is_counted_and_what_was_missed_is_in_the_list(streaming, control) -> None:
    control.drop_stream()
    until(lambda: streaming.connection().gaps == 1)
    streaming.submit(intent("a"))
    assert streaming.wait_until_up(PATIENCE_S)
    assert streaming.connection().gaps == 1
    assert len(streaming.fills()) == 1


@pytest.fixture
def watchful(server) -> Iterator[AlpacaBroker]:
    """Make an adapter whose stream is up, and has a second to tell of what REST shows."""
    with adapter(server, options=replace(PATIENT, mute_after_s=1.0)) as made:
        assert made.wait_until_up(PATIENCE_S)
        yield made


def test_mute_stream_is_noticed_by_what_rest_shows_and_connected_anew(watchful, control) -> None:
    control.mute()
    watchful.submit(intent("a"))
    until(lambda: watchful.connection().gaps == 1)
    control.mute(on=False)
    until(lambda: watchful.connection().is_up)
    watchful.submit(intent("b"))
    assert any(update.fill for update in told(watchful))


@pytest.mark.parametrize("fault", ["event_first", "delay"])
def test_quiet_stream_that_has_told_is_left_alone(watchful, control, fault) -> None:
    control.arm(fault, method="POST", seconds=0.05)
    watchful.submit(intent("a"))
    told(watchful)
    watchful.positions()
    time.sleep(1.5)
    assert watchful.connection().gaps == 0


def test_second_connection_is_refused_and_rest_goes_on(server, control, streaming) -> None:
    with adapter(server) as second:
        until(lambda: "429" in second.connection().problem)
        assert not second.connection().is_up
        assert second.connection().gaps == 0
        assert second.submit(intent("a")).client_order_id
        assert len(second.fills()) == 1
    assert streaming.connection().is_up


def test_refused_stream_comes_up_when_the_venue_lets_it(server, control) -> None:
    control.refuse_stream(2)
    with adapter(server) as late:
        assert late.wait_until_up(PATIENCE_S)
        assert late.connection().problem == ""


def test_bad_keys_end_the_stream_and_say_so_without_them(server) -> None:
    with AlpacaBroker(
        "PKTEST",
        "wrong-secret",
        base_url=server.rest_url,
        stream_url=server.stream_url,
        is_live=False,
        rng=random.Random(1),
    ) as wrong:
        until(lambda: "has ended" in wrong.connection().problem)
        assert not wrong.connection().is_up
        assert "wrong-secret" not in wrong.connection().problem


def test_burst_is_kept_whole_and_in_order_for_a_slow_reader(server, control) -> None:
    options = replace(PATIENT, queue_size=3)
    with adapter(server, options=options) as slow:
        assert slow.wait_until_up(PATIENCE_S)
        for number in range(60):
            control.place_external(
                {
                    "symbol": "SPY",
                    "qty": "1",
                    "side": "buy",
                    "type": "limit",
                    "limit_price": "1.00",
                    "time_in_force": "gtc",
                    "client_order_id": f"x{number}",
                }
            )
        updates = []
        until(lambda: updates.extend(slow.updates()) or len(updates) >= 60)
        assert [u.order.client_order_id for u in updates] == [f"x{n}" for n in range(60)]
        assert slow.connection().gaps == 0


def test_stream_before_open_and_after_close_says_so(server) -> None:
    broker = adapter(server)
    assert "not opened" in broker.connection().problem
    with broker:
        assert broker.wait_until_up(PATIENCE_S)
    broker.close()
    assert not broker.connection().is_up
    assert "closed" in broker.connection().problem
