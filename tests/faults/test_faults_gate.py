"""Faults 41 to 44, 50, 51 and 55: what the gate and the desk's own switches keep back."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pandas as pd
import pytest

from alphalens.agents import ApproveUpTo, ExecutionAgent, MonitoringAgent, RejectAll, RiskAgent
from alphalens.agents.strategy_agent import StrategyUpdate
from alphalens.assets import Crypto
from alphalens.data import DataView, PriceHistory, closing_instants
from alphalens.data.alpaca_stream import AlpacaDataStream
from alphalens.errors import InputError
from alphalens.execution.commands import Command, CommandKind, write_command
from alphalens.execution.halt import make_halt_file
from alphalens.orchestrator import Desk, build_graph, memory_saver, run_cycle
from alphalens.risk import ReasonCode, TradingState
from alphalens.storage import open_engine
from alphalens.trading import OrderIntent, OrderStatus
from alphalens.trading.events import EventKind
from alphalens.trading.orders import OrderClass, OrderType, TimeInForce, client_order_id
from alphalens.trading.targets import Target
from tests.waiting import PATIENCE_S, until

from .desk import ASSETS, OPEN, WIDE, WireDesk
from .invariants import check_invariants

S, C = OrderStatus, ReasonCode
D = Decimal
BTC = "BTC/USD"


def check(desk: WireDesk, alert: str | None = None) -> None:
    check_invariants(desk.session, desk.folder / "venue.sqlite", alert=alert)


def refused(desk: WireDesk, intent: OrderIntent) -> set[ReasonCode]:
    """Submit an order that may not pass, and return why it did not: no call reached the venue."""
    calls = len(desk.venue.requests())
    (order,) = desk.submit(intent)
    assert order.status is S.REFUSED
    assert len(desk.venue.requests()) == calls
    assert all(reason.message.startswith(f"{reason.code}: ") for reason in order.reasons)
    return {reason.code for reason in order.reasons}


def bodies(desk: WireDesk, intent: OrderIntent) -> list[dict[str, str]]:
    """What was sent of an order, as it was on the wire."""
    sent = desk.venue.requests("POST", client_order_id=intent.client_order_id)
    return [json.loads(row["body"]) for row in sent]


@pytest.fixture
def tape(desk) -> Iterator[AlpacaDataStream]:
    """The market-data websocket of the venue."""
    symbols = ["AAPL", "MSFT"]
    url, rng = desk.server.data_stream_url, random.Random(7)
    with AlpacaDataStream("PKTEST", "secret", url=url, symbols=symbols, rng=rng) as tape:
        assert tape.wait_until_up(PATIENCE_S), tape.problem
        yield tape


def hear(desk: WireDesk, tape: AlpacaDataStream, halted: set[str]) -> None:
    """Hand over what the market data tell until these symbols are halted, and no others."""

    def is_told() -> bool:
        desk.session.market.take(tape.take())
        return desk.session.book_view().halted == halted

    until(is_told)


def test_fault_41_trading_halt_stops_market_orders_and_keeps_limits(desk, tape):
    desk.open()
    desk.hold("AAPL", "20")
    (resting,) = desk.submit(desk.intent(limit="99", name="resting"))
    desk.venue.bands("AAPL", "105", "95")
    desk.venue.halt("AAPL")
    hear(desk, tape, {"AAPL"})

    assert refused(desk, desk.intent(name="buy")) == {C.SYMBOL_HALTED}
    assert refused(desk, desk.intent(units="-5", name="sell")) == {C.SYMBOL_HALTED, C.WASH_TRADE}
    exits = {"take_profit": D(110), "stop_loss": D(95), "order_class": OrderClass.BRACKET}
    assert refused(desk, desk.intent(name="bracket", **exits)) == {C.SYMBOL_HALTED}
    (elsewhere,) = desk.submit(desk.intent("MSFT", "3", "elsewhere"))
    (limited,) = desk.submit(desk.intent(units="2", name="limited", limit="101"))
    desk.until(lambda: desk.status(elsewhere) is S.FILLED)
    assert desk.status(resting) is S.ACCEPTED
    assert desk.status(limited) is S.ACCEPTED
    assert (desk.posts(resting), desk.posts(limited)) == (1, 1)
    working = {resting.client_order_id, limited.client_order_id}
    assert set(desk.venue.state()["open_orders"]) == working
    assert desk.venue.requests("DELETE") == []

    desk.venue.resume("AAPL")
    hear(desk, tape, set())
    (again,) = desk.submit(desk.intent(units="4", name="again"))
    desk.until(lambda: desk.status(limited) is desk.status(again) is S.FILLED)
    assert desk.status(resting) is S.ACCEPTED
    check(desk)


def test_fault_41_halt_is_known_to_a_market_order_of_a_batch_that_follows(desk, tape):
    desk.open()
    desk.venue.halt("AAPL")
    desk.venue.resume("AAPL")
    desk.venue.halt("MSFT")
    hear(desk, tape, {"MSFT"})
    one, two = desk.submit(desk.intent(name="free"), desk.intent("MSFT", "2", "halted"))
    assert (one.status, two.status) == (S.ACCEPTED, S.REFUSED)
    assert [reason.code for reason in two.reasons] == [C.SYMBOL_HALTED]
    assert desk.posts(two) == 0
    desk.until(lambda: desk.status(one) is S.FILLED)
    check(desk)


FAT = {
    "units": ({"units": "51"}, C.FAT_FINGER, "5100"),
    "limit": ({"units": "48", "limit": "104.50"}, C.FAT_FINGER, "5016"),
    "buy_above": ({"units": "10", "limit": "105.01"}, C.PRICE_COLLAR, "0.0501"),
    "sell_below": ({"units": "-10", "limit": "94.99"}, C.PRICE_COLLAR, "0.0501"),
    "ten_times": ({"units": "4", "reference_price": D(1000)}, C.PRICE_COLLAR, "9"),
    "tenth": ({"units": "4", "reference_price": D(10)}, C.PRICE_COLLAR, "0.9"),
    "stop_limit": (
        {
            "units": "10",
            "order_type": OrderType.STOP_LIMIT,
            "stop_price": D(101),
            "limit_price": D(110),
        },
        C.PRICE_COLLAR,
        "0.0891",
    ),
}


@pytest.mark.parametrize("way", sorted(FAT))
def test_fault_42_fat_finger_is_refused_before_the_network(desk, way):
    changes, code, figure = FAT[way]
    limits = replace(WIDE, max_order_value=D(5000), price_collar=D("0.05"))
    desk.open(limits=limits)
    desk.hold("AAPL", "20")
    intent = desk.intent(name="fat", **changes)
    assert refused(desk, intent) == {code}
    (reason,) = desk.session.order(intent.client_order_id).reasons
    assert reason.actual.startswith(figure)
    assert desk.posts(intent) == 0
    desk.submit(intent)
    assert desk.posts(intent) == 0
    check(desk)


def test_fault_42_just_inside_passes_and_everything_wrong_is_told_at_once(desk):
    limits = replace(WIDE, max_order_value=D(5000), price_collar=D("0.05"))
    desk.open(limits=limits)
    both = desk.intent(units="500", limit="150", name="both")
    assert refused(desk, both) == {C.FAT_FINGER, C.PRICE_COLLAR}
    (largest,) = desk.submit(desk.intent(units="50", name="largest"))
    (low,) = desk.submit(desk.intent("MSFT", "10", "low", limit="30"))  # far, on the good side
    desk.until(lambda: desk.status(largest) is S.FILLED)
    assert desk.status(low) is S.ACCEPTED
    check(desk)


COINS = {**ASSETS, BTC: Crypto(symbol=BTC, tick=D("0.01"), lot=D("0.0001"), min_notional=D(10))}
OFF_GRID = {
    "sub_penny": ({"limit": "99.995"}, C.TICK),
    "sub_penny_stop": ({"order_type": OrderType.STOP, "stop_price": D("101.001")}, C.TICK),
    "part_of_a_share": ({"units": "10.5"}, C.NOT_FRACTIONABLE),
    "lot": ({"symbol": BTC, "units": "0.12345", "time_in_force": TimeInForce.GTC}, C.LOT),
    "min_notional": (
        {"symbol": BTC, "units": "0.0001", "time_in_force": TimeInForce.GTC},
        C.MIN_NOTIONAL,
    ),
}


def with_bitcoin(desk: WireDesk, price: str = "60000", **changes) -> None:
    desk.prices[BTC] = price
    desk.quote(**{BTC: price})
    desk.open(assets=COINS, **changes)


@pytest.mark.parametrize("way", sorted(OFF_GRID))
def test_fault_43_what_is_off_the_grid_is_refused(desk, way):
    changes, code = OFF_GRID[way]
    with_bitcoin(desk)
    intent = desk.intent(name="off", **changes)
    assert refused(desk, intent) == {code}
    assert desk.posts(intent) == 0
    check(desk)


@pytest.mark.parametrize("weight", [0.123456789, 0.3333333333, -0.2])
def test_fault_43_a_plan_is_rounded_towards_less_risk(desk, weight):
    with_bitcoin(desk, "61234.57")
    weights = {"MSFT": weight, "SPY": weight / 3} | ({BTC: weight} if weight > 0 else {})
    session = desk.session
    before = session.book_view().equity
    plan = session.plan(Target(name="t", asof=OPEN, weights=weights), cycle_id="c1")
    assert {intent.symbol for intent in plan} == set(weights)
    for intent in plan:
        exact = D(str(weights[intent.symbol])) * before / D(desk.prices[intent.symbol])
        lot = COINS[intent.symbol].lot
        assert 0 <= abs(exact) - intent.quantity < lot
        assert intent.quantity % lot == 0
    orders = desk.submit(*plan)
    desk.until(lambda: all(desk.status(order) is S.FILLED for order in orders))
    for intent in plan:
        assert [body["qty"] for body in bodies(desk, intent)] == [f"{intent.quantity:f}"]
    check(desk)


@pytest.mark.parametrize("units", ["5", "-5"])
def test_fault_43_a_price_is_rounded_to_the_better_side(desk, units):
    desk.open()
    desk.hold("AAPL", "5")
    wanted = D("101.2345") if units == "-5" else D("98.7654")
    rounded = ASSETS["AAPL"].round_price(wanted, is_buy=units == "5")
    assert rounded == (D("101.24") if units == "-5" else D("98.76"))
    intent = desk.intent(units=units, name="rounded", limit=str(rounded))
    (order,) = desk.submit(intent)
    assert order.status is S.ACCEPTED
    assert [body["limit_price"] for body in bodies(desk, intent)] == [str(rounded)]
    check(desk)


def test_fault_43_a_grid_of_the_venue_that_is_coarser_than_ours_rejects_once(desk):
    finer = {**ASSETS, "AAPL": replace(ASSETS["AAPL"], tick=D("0.001"), small_tick=None)}
    desk.open(assets=finer)
    intent = desk.intent(limit="99.995")
    for _ in range(2):
        (order,) = desk.submit(intent)
        assert order.status is S.REJECTED
        assert "sub-penny increment" in order.note
    assert desk.posts(intent) == 1
    check(desk, alert="order_rejected")


EXACT = {
    "a_tenth_and_two": (BTC, D("0.1") + D("0.2"), "60000", "0.3"),
    "nine_places": (BTC, D("0.123456789"), "60000.01", "0.123456789"),
    "a_lot_of_zeros": (BTC, D("0.300000000"), "60000", "0.3"),
    "small": (BTC, D("0.000200001"), "60000", "0.000200001"),
    "a_billion": ("AAPL", D("1E+9"), "0.5001", "1000000000"),
    "odd_billion": ("AAPL", D("999999999"), "0.1234", "999999999"),
}


@pytest.fixture
def rich(tmp_path) -> Iterator[WireDesk]:
    desk = WireDesk(tmp_path, cash="1000000000")
    yield desk
    desk.close()


@pytest.mark.parametrize("way", sorted(EXACT))
def test_fault_44_figures_stay_exact_from_the_intent_to_the_wire_and_back(rich, way):
    symbol, units, price, written = EXACT[way]
    rich.prices[symbol] = price
    rich.quote("0.0001", **{symbol: price})
    rich.open()
    changes = {"time_in_force": TimeInForce.GTC} if symbol == BTC else {}
    intent = rich.intent(symbol, str(units), limit=price, **changes)
    assert intent.quantity == units
    rich.submit(intent)
    rich.until(lambda: rich.status(intent) is S.FILLED)
    (body,) = bodies(rich, intent)
    assert isinstance(body["qty"], str)
    assert isinstance(body["limit_price"], str)
    assert D(body["qty"]) == units
    assert "E" not in body["qty"]
    assert body["qty"] == written or set(body["qty"].removeprefix(written)) == {"0"}
    assert body["limit_price"] == price

    cash = D(1_000_000_000) - units * D(price)
    for _ in range(2):  # as lived through, and as read back
        assert rich.session.ledger.quantity(symbol) == units
        assert rich.session.ledger.cash == cash
        (fill,) = rich.session.journal.fills()
        assert (fill.quantity, fill.price) == (units, D(price))
        assert rich.session.order(intent.client_order_id).intent == intent
        check(rich)
        rich.crash()
        rich.open()
        assert rich.report.differences == ()
        assert rich.posts(intent) == 1


def test_fault_44_a_float_is_no_quantity(desk):
    desk.open()
    for figure in (0.1 + 0.2, 10, "10"):
        with pytest.raises(InputError, match="must be a Decimal"):
            replace(desk.intent(), quantity=figure)
    assert desk.session.journal.orders() == ()
    check(desk)


def halt_by(way: str, desk: WireDesk) -> None:
    """Pull the kill switch as somebody else would, while the session is busy."""
    if way == "halt_file":
        make_halt_file(desk.folder / "halt", by="ann", reason="fire", at=desk.clock.now())
        return
    other = open_engine(desk.folder / "journal.sqlite")
    command = Command(kind=CommandKind.HALT, by="ann", reason="fire")
    write_command(other, command, at=desk.clock.now())
    other.dispose()


@pytest.mark.parametrize("way", ["command", "halt_file", "call"])
def test_fault_50_kill_switch_during_orders_in_flight(desk, way):
    desk.open(halt_file=desk.folder / "halt")
    (resting,) = desk.submit(desk.intent(limit="90", name="resting"))
    batch = [desk.intent(units=str(n), name=f"b{n}", limit="99") for n in (1, 2, 3)]
    desk.venue.arm("delay", method="POST", path="/v2/orders", seconds=0.3, count=-1)
    sent: list[OrderStatus] = []
    sender = threading.Thread(target=lambda: sent.extend(o.status for o in desk.submit(*batch)))
    sender.start()
    until(lambda: desk.posts(batch[0]))
    if way == "call":
        desk.session.halt(by="ann", reason="fire")
    else:
        halt_by(way, desk)
    sender.join()
    desk.venue.disarm()
    assert sent == [S.ACCEPTED, S.REFUSED, S.REFUSED]  # what was in flight is finished
    assert [desk.posts(intent) for intent in batch] == [1, 0, 0]
    assert desk.session.state is TradingState.HALTED
    refusals = [desk.session.order(intent.client_order_id).reasons for intent in batch[1:]]
    assert [[reason.code for reason in reasons] for reasons in refusals] == [[C.HALTED]] * 2
    assert refused(desk, desk.intent(name="later")) == {C.HALTED}

    desk.session.cancel(batch[0].client_order_id)
    desk.until(lambda: desk.status(batch[0]) is S.CANCELED)

    desk.crash()
    desk.open(halt_file=desk.folder / "halt")  # it is a record, not a wish of one process
    assert desk.session.state is TradingState.HALTED
    assert refused(desk, desk.intent(name="after_restart")) == {C.HALTED}
    assert desk.status(resting) is S.ACCEPTED
    desk.session.cancel(resting.client_order_id)
    desk.until(lambda: desk.status(resting) is S.CANCELED)

    (desk.folder / "halt").unlink(missing_ok=True)
    assert refused(desk, desk.intent(name="still")) == {C.HALTED}  # until a person resumes
    desk.session.resume(by="ann", reason="put out")
    (order,) = desk.submit(desk.intent(name="again"))
    desk.until(lambda: desk.status(order) is S.FILLED)
    changes = [r.payload["to"] for r in desk.session.journal.records(kind=EventKind.STATE_CHANGED)]
    assert changes == [TradingState.HALTED, TradingState.ACTIVE]
    check(desk, alert="state_changed")


def test_fault_50_kill_switch_while_nobody_knows_what_became_of_an_order(desk):
    desk.open(grace=timedelta(seconds=30))
    desk.venue.arm("accept_504", method="POST", path="/v2/orders")
    intent = desk.intent(limit="99")
    assert desk.submit(intent)[0].status is S.UNKNOWN
    halt_by("command", desk)
    desk.until(lambda: desk.status(intent) is S.ACCEPTED)  # it is looked up all the same
    assert C.HALTED in refused(desk, desk.intent("MSFT", "1", "other"))
    desk.session.cancel_all()
    desk.until(lambda: desk.status(intent) is S.CANCELED)
    assert desk.posts(intent) == 1
    check(desk, alert="state_changed")


BREACH = {"long": ("1500", "80", 1, D("1.6")), "short": ("-900", "125", -1, D("1.2"))}


@pytest.mark.parametrize("way", sorted(BREACH))
def test_fault_51_limit_breached_by_the_market_lets_only_reducing_orders_pass(desk, way):
    units, price, sign, bound = BREACH[way]
    limits = replace(WIDE, **dict.fromkeys(("max_gross", "max_net", "max_position"), bound))
    desk.open(limits=limits)
    desk.hold("AAPL", units)
    (opening,) = desk.submit(desk.intent("MSFT", "1", "opening", limit="49"))
    desk.quote(AAPL=price)
    desk.mark(AAPL=price)
    assert desk.session.state is TradingState.REDUCING

    held = abs(D(units))
    more, flip = sign * D(10), -sign * (held + 5)
    assert C.REDUCING_ONLY in refused(desk, desk.intent(units=str(more), name="more"))
    assert C.REDUCING_ONLY in refused(desk, desk.intent("MSFT", "1", "other"))
    assert C.REDUCING_ONLY in refused(desk, desk.intent(units=str(flip), name="flip"))
    assert desk.status(opening) is S.ACCEPTED
    far = str(D(price) * (1 + sign * D("0.1")))
    part = desk.intent(units=str(-sign * (held - 100)), name="part", limit=far)
    assert desk.submit(part)[0].status is S.ACCEPTED
    # what is open counts: both together would turn the position
    assert C.REDUCING_ONLY in refused(desk, desk.intent(units=str(-sign * 101), name="both"))
    (rest,) = desk.submit(desk.intent(units=str(-sign * 100), name="rest"))
    desk.until(lambda: desk.status(rest) is S.FILLED)
    desk.venue.fill(part.client_order_id)
    desk.until(lambda: desk.status(part) is S.FILLED)
    assert desk.session.ledger.quantity("AAPL") == 0

    desk.mark()
    assert desk.session.state is TradingState.ACTIVE  # the book is within its limits again
    (again,) = desk.submit(desk.intent(units=str(more), name="again"))
    desk.until(lambda: desk.status(again) is S.FILLED)
    check(desk, alert="state_changed")


def test_fault_51_breach_outlives_a_restart(desk):
    limits = replace(WIDE, **dict.fromkeys(("max_gross", "max_net", "max_position"), D("1.6")))
    desk.open(limits=limits)
    desk.hold("AAPL", "1500")
    desk.mark(AAPL="80")
    desk.crash()
    desk.open(limits=limits)
    assert desk.session.state is TradingState.REDUCING
    assert C.REDUCING_ONLY in refused(desk, desk.intent("MSFT", "1", "other"))
    assert C.REDUCING_ONLY in refused(desk, desk.intent(units="-1501", name="flip"))
    check(desk, alert="state_changed")


class Says:
    """A strategist that wants what a model was talked into, whatever the data say."""

    name = "strategy"

    def __init__(self, weights: dict[str, float], *, then: dict[str, float] | None = None) -> None:
        self._weights, self._then = dict(weights), then or {}

    def run(self, view, context):
        target = Target(name="model", asof=view.asof, weights=self._weights)
        self._weights.update(self._then)  # after the check, as a careless adapter would
        return StrategyUpdate(target=target)


class Stutters(ExecutionAgent):
    """A trader that sends its plan twice, and then the same orders again as if they were new."""

    def run(self, view, context):
        first = super().run(view, context)
        again = super().run(view, context)
        assert [o.client_order_id for o in again.orders] == [
            o.client_order_id for o in first.orders
        ]
        context.session.submit([renamed(intent, "again") for intent in view.intents])
        return first


class Inflates(ExecutionAgent):
    """A trader that was told, in the text of some news, to order thirty times as much."""

    def __init__(self, *, under_the_same_id: bool) -> None:
        self._is_same = under_the_same_id

    def run(self, view, context):
        large = [replace(i, quantity=30 * i.quantity) for i in view.intents]
        sent = large if self._is_same else [renamed(intent, "large") for intent in large]
        orders = context.session.submit(sent)
        return replace(super().run(view, context), orders=orders)


def renamed(intent: OrderIntent, name: str) -> OrderIntent:
    key = client_order_id(intent.account, intent.cycle_id, f"{intent.symbol}:{name}")
    return replace(intent, client_order_id=key)


ASOF = closing_instants(pd.bdate_range(end="2026-02-27", periods=90))
ASKING = replace(WIDE, max_order=D("0.5"), approval_above=D("0.2"), duplicate_window_s=5)


class GraphDesk:
    """The graph of a decision cycle over a desk on the wire."""

    def __init__(self, desk: WireDesk, strategy: Says, execution: ExecutionAgent | None = None):
        closes = pd.DataFrame({s: float(p) for s, p in desk.prices.items()}, index=ASOF)
        history = PriceHistory(closes=closes, source="flat", adjustment="all", caveats=())
        self.desk = desk
        agents = Desk(
            open_view=partial(DataView, history),
            session=desk.session,
            strategy=strategy,
            risk=RiskAgent(),
            execution=execution or ExecutionAgent(),
            monitoring=MonitoringAgent(),
        )
        self.graph = build_graph(agents, saver=memory_saver())

    def cycle(self, name: str = "c1", approver=None):
        at = ASOF[-1].to_pydatetime()
        return run_cycle(self.graph, run_id="r1", cycle_id=name, asof=at, approver=approver)


def test_fault_55_agent_that_emits_the_same_orders_twice(desk):
    desk.open(limits=ASKING)
    graph = GraphDesk(desk, Says({"AAPL": 0.1, "MSFT": 0.05}), Stutters())
    result = graph.cycle()
    assert result.is_finished
    graph.cycle()  # and the whole cycle once more
    plan = desk.session.plan_for("c1")
    assert [desk.posts(intent) for intent in plan] == [1, 1]
    assert len(desk.venue.requests("POST")) == 2
    for intent in plan:
        order = desk.session.order(renamed(intent, "again").client_order_id)
        assert order.status is S.REFUSED
        assert C.DUPLICATE_INTENT in {reason.code for reason in order.reasons}
    desk.until(lambda: all(desk.status(intent) is S.FILLED for intent in plan))
    assert desk.session.ledger.quantity("AAPL") == 100
    check(desk)


@pytest.mark.parametrize("way", ["at_once", "infinite", "after_the_check"])
def test_fault_55_agent_that_emits_no_number(desk, way):
    desk.open(limits=ASKING)
    wrong = {"AAPL": float("inf" if way == "infinite" else "nan")}
    if way == "after_the_check":
        graph = GraphDesk(desk, Says({"AAPL": 0.1, "MSFT": 0.05}, then=wrong))
    else:
        graph = GraphDesk(desk, Says({"MSFT": 0.05, **wrong}))
    with pytest.raises(InputError):
        graph.cycle()
    assert desk.session.journal.orders() == ()
    assert desk.session.plan_for("c1") is None
    assert desk.venue.requests("POST") == []
    for figure in ("NaN", "Infinity", "-Infinity"):
        with pytest.raises(InputError, match="positive and finite"):
            desk.intent(units="1", quantity=D(figure))

    sane = GraphDesk(desk, Says({"AAPL": 0.1}))  # the desk itself is none the worse
    assert sane.cycle("c2").is_finished
    desk.until(lambda: desk.session.ledger.quantity("AAPL") == 100)
    check(desk)


def test_fault_55_injected_size_beyond_the_limits_is_refused(desk):
    desk.open(limits=ASKING)
    result = GraphDesk(desk, Says({"AAPL": 50.0, "MSFT": 0.05})).cycle()
    assert result.is_finished
    large, small = (desk.session.order(i.client_order_id) for i in desk.session.plan_for("c1"))
    assert (large.intent.symbol, large.status) == ("AAPL", S.REFUSED)
    codes = {reason.code for reason in large.reasons}
    assert {C.MAX_ORDER, C.MAX_POSITION, C.INSUFFICIENT_BUYING_POWER} <= codes
    assert desk.posts(large) == 0
    desk.until(lambda: desk.status(small) is S.FILLED)
    assert desk.session.state is TradingState.ACTIVE  # a refused order changes nothing
    check(desk, alert="order_refused")


@pytest.mark.parametrize("answer", ["nobody", "no", "yes"])
def test_fault_55_injected_size_within_the_limits_waits_for_a_person(desk, answer):
    desk.open(limits=ASKING)
    graph = GraphDesk(desk, Says({"AAPL": 0.4, "MSFT": 0.05}))
    waiting = graph.cycle()
    assert not waiting.is_finished
    assert [order.symbol for order in waiting.question.orders] == ["AAPL"]
    assert desk.venue.requests("POST") == []
    (asked,) = desk.session.awaiting
    if answer == "nobody":
        (order,) = desk.submit(asked.intent)
        assert order.status is S.AWAITING
        assert desk.posts(asked) == 0
        check(desk)
        return
    deciders = {"yes": ApproveUpTo(limit=D(1), by="ann"), "no": RejectAll(by="ann", reason="no")}
    assert graph.cycle(approver=deciders[answer]).is_finished
    desk.until(lambda: desk.session.ledger.quantity("MSFT") == 100)
    assert desk.posts(asked) == (1 if answer == "yes" else 0)
    if answer == "yes":
        desk.until(lambda: desk.status(asked) is S.FILLED)
        assert desk.session.order(asked.client_order_id).approved_by == "ann"
    else:
        (reason,) = desk.session.order(asked.client_order_id).reasons
        assert reason.code is C.DENIED
    check(desk)


@pytest.mark.parametrize("is_same", [True, False])
def test_fault_55_size_injected_after_the_gate_has_looked(desk, is_same):
    desk.open(limits=ASKING)
    execution = Inflates(under_the_same_id=is_same)
    graph = GraphDesk(desk, Says({"AAPL": 0.01, "MSFT": 0.01}), execution)
    if is_same:
        with pytest.raises(InputError, match="cannot become"):
            graph.cycle()
        assert desk.venue.requests("POST") == []
        check(desk)
        return
    result = graph.cycle(approver=ApproveUpTo(limit=D(1), by="ann"))
    assert [order["status"] for order in result.orders] == [S.AWAITING] * 2
    plan = desk.session.plan_for("c1")
    assert [desk.posts(renamed(intent, "large")) for intent in plan] == [0, 0]
    assert [desk.posts(intent) for intent in plan] == [1, 1]
    desk.until(lambda: all(desk.status(intent) is S.FILLED for intent in plan))
    check(desk)
