"""The trading core under random faults: whatever happens, the books end as the venue's."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from alphalens.errors import BrokerError, InputError
from alphalens.execution import TradingSession
from alphalens.execution.records import OrderRecord
from alphalens.net import Timing
from alphalens.testing.alpaca_server.refusals import Refused
from alphalens.trading import OrderIntent
from alphalens.trading.events import EventKind
from alphalens.trading.orders import OrderClass, OrderType, TimeInForce

from .desk import WireDesk
from .invariants import check_invariants
from .reference import Reference, posts

STOCKS, COIN = ("AAPL", "MSFT"), "BTC/USD"
SYMBOLS = (*STOCKS, COIN)
CASH = Decimal(100_000)
CENT = Decimal("0.01")
KINDS = ("market", "limit", "stop", "stop_limit", "trailing", "bracket", "ioc", "gtc")
#: What may happen to an order, a cancel or a replacement on its way, and back.
ANSWERS = (
    *("accept_504", "accept_502", "close", "refuse", "rate_limit", "server_error"),
    *("bad_gateway", "malformed", "event_first", "unknown_status", "nanoseconds"),
)
QUESTIONS = (
    *("rate_limit", "server_error", "bad_gateway", "close", "refuse", "malformed"),
    "nanoseconds",
)
EVENTS = ("duplicate", "skip", "swap", "malformed", "unknown_status", "nanoseconds", "drop")
#: What a person has to look at, and what no fault of this machine may lead to.
NEVER = {"overfill", "id_taken", "fill_contradicted", "order_quarantined", "both_exits_filled"}
which = st.integers(0, 7)


class Pace:
    """Clocks of the process: waits are short, and two hours pass when nothing else happens."""

    def __init__(self) -> None:
        self._passed_s = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self._passed_s

    def skip(self) -> None:
        """Let the heartbeat, the grace period and the pause of a breaker be over."""
        self._passed_s += 7200.0

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 25)


class PacedTime:
    """The venue's clock, and the durations of a pace."""

    def __init__(self, desk: WireDesk, pace: Pace) -> None:
        self._clock, self.monotonic = desk.clock, pace.monotonic

    def now(self) -> datetime:
        return self._clock.now()


def is_waiting(order: OrderRecord) -> bool:
    return order.is_unresolved or order.is_pending


class Desk(RuleBasedStateMachine):
    """One account, its venue on a socket, and everything that may go wrong between them."""

    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.pace = Pace()
        self.desk = WireDesk(Path(self._folder.name), cash=CASH, coin_fee_bps=Decimal(25))
        self.desk.clock = PacedTime(self.desk, self.pace)
        self.desk.prices = {"AAPL": "100", "MSFT": "50", COIN: "20000"}
        self.desk.quote(**self.desk.prices)
        self.wishes: list[OrderIntent] = []
        self.outside: list[str] = []
        self.is_held = False  # by a person
        self._open()

    def teardown(self) -> None:
        try:
            self._settle()
        finally:
            self.desk.close()
            self._folder.cleanup()

    @property
    def session(self) -> TradingSession:
        return self.desk.session

    def _open(self) -> None:
        timing = Timing(monotonic=self.pace.monotonic, sleep=self.pace.sleep)
        patience = {"order_timeout_s": 0.3, "mute_after_s": 3600.0}
        self.desk.venue.refuse_stream(0)
        self.desk.open(broker_options=patience, timing=timing)

    def _try(self, act: Callable[[], object]) -> None:
        """Do what may fail while the venue is out of order, or the order in no state for it."""
        type(self).steps += 1
        try:
            act()
        except (BrokerError, InputError):
            return

    def _price(self, symbol: str, percent: int = 0) -> Decimal:
        price = Decimal(self.desk.prices[symbol]) * (100 + percent) / 100
        return max(price.quantize(CENT), CENT)

    def _wish(self, symbol: str, units: int, kind: str, percent: int) -> OrderIntent:
        side = 1 if units > 0 else -1
        near, far = self._price(symbol, percent), self._price(symbol, 3 * side)
        size = Decimal(units) / (1000 if symbol == COIN else 1)
        forms: dict[str, dict[str, object]] = {
            "market": {},
            "limit": {"limit": str(near)},
            "ioc": {"limit": str(near), "time_in_force": TimeInForce.IOC},
            "gtc": {"limit": str(near), "time_in_force": TimeInForce.GTC},
            "stop": {"order_type": OrderType.STOP, "stop_price": far},
            "stop_limit": {
                "order_type": OrderType.STOP_LIMIT,
                "stop_price": far,
                "limit_price": self._price(symbol, 4 * side),
            },
            "trailing": {"order_type": OrderType.TRAILING_STOP, "trail_fraction": Decimal("0.02")},
            "bracket": {
                "order_class": OrderClass.BRACKET,
                "take_profit": self._price(symbol, 4 * side),
                "stop_loss": self._price(symbol, -4 * side),
            },
        }
        form = dict(forms[kind])
        if symbol == COIN:
            form.setdefault("time_in_force", TimeInForce.GTC)
        name = f"{len(self.wishes)}"
        return self.desk.intent(symbol, str(size), name, **form)

    # What we do.

    @initialize(kinds=st.lists(st.sampled_from(KINDS), min_size=2, max_size=3))
    def begin(self, kinds: list[str]) -> None:
        for kind, symbol in zip(kinds, SYMBOLS, strict=False):
            self.submit(symbol=symbol, units=8, side=1, kind=kind, percent=-2)

    @rule(
        symbol=st.sampled_from(SYMBOLS),
        units=st.integers(1, 20),
        side=st.sampled_from((1, -1)),
        kind=st.sampled_from(KINDS),
        percent=st.sampled_from((0, -2, 2)),
    )
    def submit(self, symbol: str, units: int, side: int, kind: str, percent: int) -> None:
        wish = self._wish(symbol, side * units, kind, percent)
        self.wishes.append(wish)
        self._try(lambda: self.desk.submit(wish))

    @precondition(lambda self: self.wishes)
    @rule(nth=which)
    def submit_again(self, nth: int) -> None:
        self._try(lambda: self.desk.submit(self._nth(nth)))

    @precondition(lambda self: self.wishes)
    @rule(nth=which)
    def cancel(self, nth: int) -> None:
        self._try(lambda: self.session.cancel(self._nth(nth).client_order_id))

    @precondition(lambda self: self.wishes)
    @rule(nth=which, units=st.integers(1, 20), percent=st.sampled_from((-3, -1, 1, 3)))
    def replace(self, nth: int, units: int, percent: int) -> None:
        old = self._nth(nth)
        signed = units if old.side.sign > 0 else -units
        wish = self._wish(old.symbol, signed, "limit", percent)
        self.wishes.append(wish)
        self._try(lambda: self.session.replace_order(old.client_order_id, wish))

    @rule()
    def collect(self) -> None:
        self._try(self.session.collect_fills)

    @rule()
    def wait_for_the_heartbeat(self) -> None:
        self.pace.skip()
        self._try(self.session.collect_fills)

    @rule()
    def crash_and_restart(self) -> None:
        self.desk.crash()
        try:
            self._open()
        except BrokerError:  # the faults that were armed kept it from starting
            self.desk.crash()
            self.desk.venue.disarm()
            self._open()
        self._try(self.session.collect_fills)

    @rule()
    def halt_or_resume(self) -> None:
        act = self.session.resume if self.is_held else self.session.halt
        self.is_held = not self.is_held
        self._try(lambda: act(by="desk", reason="as the mood takes it"))

    # What the market and other people do.

    @rule(
        symbol=st.sampled_from(SYMBOLS),
        percent=st.integers(-4, 4),
        size=st.sampled_from((None, 1, 4)),
    )
    def quote(self, symbol: str, percent: int, size: int | None) -> None:
        type(self).steps += 1
        price = self._price(symbol, percent)
        self.desk.prices[symbol] = str(price)
        units = None if size is None else Decimal(size) / (1000 if symbol == COIN else 1)
        self.desk.venue.set_quote(symbol, price - CENT, price, units, units)
        self._try(self.desk.mark)

    @rule(nth=which, units=st.integers(1, 5))
    def fill_a_part(self, nth: int, units: int) -> None:
        working = [
            o for o in self.desk.venue.orders() if o["status"] in ("new", "partially_filled")
        ]
        if working:
            order = working[nth % len(working)]
            left = Decimal(order["qty"]) - Decimal(order["filled_qty"])
            size = Decimal(units) / (1000 if order["symbol"] == COIN else 1)
            price = self._price(order["symbol"])
            type(self).steps += 1
            self.desk.venue.fill(order["id"], qty=min(left, size), price=price)

    @rule(symbol=st.sampled_from(STOCKS), on=st.booleans())
    def halt_symbol(self, symbol: str, on: bool) -> None:
        type(self).steps += 1
        (self.desk.venue.halt if on else self.desk.venue.resume)(symbol)

    @rule(symbol=st.sampled_from(SYMBOLS), units=st.integers(1, 9), is_limit=st.booleans())
    def place_elsewhere(self, symbol: str, units: int, is_limit: bool) -> None:
        size = Decimal(units) / (1000 if symbol == COIN else 1)
        body = {"symbol": symbol, "side": "buy", "qty": str(size), "time_in_force": "gtc"}
        if is_limit:
            body |= {"type": "limit", "limit_price": str(self._price(symbol, -2))}
        else:
            body |= {"type": "market"}
        body |= {"client_order_id": f"elsewhere{len(self.outside)}"}
        self.outside.append(body["client_order_id"])
        self._at_venue(lambda: self.desk.venue.place_external(body))

    @rule(nth=which)
    def cancel_elsewhere(self, nth: int) -> None:
        names = [*self.outside, *(wish.client_order_id for wish in self.wishes)]
        if names:
            name = names[nth % len(names)]
            self._at_venue(lambda: self.desk.venue.cancel_external(name))

    @rule(symbol=st.sampled_from(STOCKS), ratio=st.sampled_from((2, 3)))
    def split_overnight(self, symbol: str, ratio: int) -> None:
        if self._price(symbol) < 20:
            return
        type(self).steps += 1
        self.desk.venue.set_time(self._tomorrow().replace(hour=12))
        self.desk.venue.act("split", symbol=symbol, ratio=ratio)
        price = (self._price(symbol) / ratio).quantize(CENT)
        self.desk.prices[symbol] = str(price)
        self.desk.venue.set_quote(symbol, price - CENT, price)
        self.desk.venue.set_time(self.desk.clock.now().replace(hour=15))

    @rule(symbol=st.sampled_from(STOCKS), cents=st.integers(1, 150))
    def pay_dividend(self, symbol: str, cents: int) -> None:
        type(self).steps += 1
        self.desk.venue.act("dividend", symbol=symbol, per_share=str(Decimal(cents) / 100))

    @rule(to=st.sampled_from(("a minute later", "the evening", "the next day")))
    def time_passes(self, to: str) -> None:
        type(self).steps += 1
        now = self.desk.clock.now()
        if to == "a minute later":
            self.desk.venue.set_time(now + timedelta(minutes=1))
        elif to == "the evening":
            self.desk.venue.set_time(max(now, now.replace(hour=22)))
        else:
            self._next_day()

    def _next_day(self) -> None:
        self.desk.venue.set_time(self._tomorrow())
        self._try(self.desk.mark)

    def _tomorrow(self) -> datetime:
        """Return half an hour or more after the opening of the next weekday."""
        day = self.desk.clock.now().replace(hour=15, minute=0) + timedelta(days=1)
        while day.weekday() > 4:
            day += timedelta(days=1)
        return day

    # What goes wrong.

    @rule(
        method=st.sampled_from(("POST", "DELETE", "PATCH")),
        kind=st.sampled_from((*ANSWERS, "hang", "hang_before")),
        nth=st.integers(1, 2),
    )
    def lose_an_answer(self, method: str, kind: str, nth: int) -> None:
        type(self).steps += 1
        self.desk.venue.arm(kind, method=method, path="/v2/orders*", nth=nth)

    @rule(method=st.sampled_from(("DELETE", "PATCH")), kind=st.sampled_from(("pend", "fill")))
    def take_long(self, method: str, kind: str) -> None:
        type(self).steps += 1
        self.desk.venue.arm(kind, method=method, path="/v2/orders*")

    @rule(kind=st.sampled_from(QUESTIONS), count=st.integers(1, 4), nth=st.integers(1, 3))
    def answer_no_question(self, kind: str, count: int, nth: int) -> None:
        type(self).steps += 1
        self.desk.venue.arm(kind, method="GET", count=count, nth=nth)

    @rule(kind=st.sampled_from(EVENTS), nth=st.integers(1, 3))
    def spoil_an_event(self, kind: str, nth: int) -> None:
        type(self).steps += 1
        self.desk.venue.arm_event(kind, nth=nth)

    @rule(on=st.booleans())
    def mute(self, on: bool) -> None:
        type(self).steps += 1
        self.desk.venue.mute(on=on)

    @rule()
    def drop_stream(self) -> None:
        type(self).steps += 1
        self.desk.venue.drop_stream()

    # What must hold in the end.

    @rule()
    def settle(self) -> None:
        type(self).steps += 1
        self._settle()

    def _settle(self) -> None:
        """Let the venue work again, and compare everything."""
        venue, session = self.desk.venue, self.session
        venue.disarm()
        for order in venue.orders():
            if order["status"] == "pending_cancel":
                venue.release_cancel(order["id"])
            elif order["status"] == "pending_replace":
                venue.release_replace(order["id"])
        ends = time.monotonic() + 5.0
        while problem := self._unrest():
            assert time.monotonic() < ends, problem
            time.sleep(0.005)
        for symbol in session.external:
            session.claim(symbol, by="desk", reason="known")
        if self.is_held:
            self.halt_or_resume()
        assert session.frozen == {}
        assert not NEVER & set(self.desk.alerts())
        changes = session.journal.records(kind=EventKind.STATE_CHANGED)
        assert {record.payload["by"] for record in changes} <= {"desk"}
        file = self.desk.folder / "venue.sqlite"
        Reference.of(file, CASH).compare(session)
        check_invariants(session, file)
        for tries in posts(file).values():
            assert len(tries) <= 2
            assert sum(said == 200 for _, _, said in tries) <= 1

    def _unrest(self) -> str:
        """Let two hours pass, and return what is not settled yet; nothing if all is."""
        self.pace.skip()
        try:
            self.session.collect_fills()
            differences = self.session.reconcile()
        except BrokerError as error:
            return f"the venue does not answer: {error}"
        if not self.desk.broker.connection().is_up:
            return f"the stream is down: {self.desk.broker.connection().problem}"
        orders = self.session.open_orders
        waiting = [f"{o.client_order_id} is {o.status}" for o in orders if is_waiting(o)]
        return "; ".join([*waiting, *(difference.message for difference in differences)])

    def _nth(self, nth: int) -> OrderIntent:
        """Return one of the last wishes."""
        return self.wishes[-1 - nth % len(self.wishes)]

    def _at_venue(self, act: Callable[[], object]) -> None:
        """Do what the venue may refuse to another tool."""
        type(self).steps += 1
        try:
            act()
        except Refused:
            return


def machine(examples: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=55,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )


def test_books_end_as_the_venues_whatever_happens():
    Desk.steps = 0
    run_state_machine_as_test(Desk, settings=machine(10))
    assert Desk.steps >= 500


@pytest.mark.nightly
def test_books_end_as_the_venues_whatever_happens_for_long():
    Desk.steps = 0
    run_state_machine_as_test(Desk, settings=machine(200))
    assert Desk.steps >= 10_000
