"""A desk on a wire: session, journal file and Alpaca adapter, a socket to the loopback venue."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from alphalens.assets import Asset, Crypto, Equity, Option
from alphalens.assets.kinds import AssetClass
from alphalens.brokers.alpaca_broker import AlpacaBroker, AlpacaOptions
from alphalens.brokers.base import Broker
from alphalens.execution import Journal, StartReport, TradingSession
from alphalens.execution.market import Permission
from alphalens.execution.records import OrderRecord
from alphalens.net import Timing
from alphalens.risk import ReasonCode, RiskLimits
from alphalens.storage import open_engine
from alphalens.testing.alpaca_server import AlpacaServer
from alphalens.trading import Fill, OrderIntent, OrderStatus, Side
from alphalens.trading.orders import OrderType, client_order_id
from tests.waiting import PATIENCE_S

OPEN = datetime(2026, 3, 2, 15, tzinfo=UTC)  # a Monday, half an hour after the opening
CALL = "AAPL260320C00100000"
WIDE = RiskLimits(
    max_order=Decimal(2),
    approval_above=None,
    max_position=Decimal(2),
    max_gross=Decimal(4),
    max_net=Decimal(4),
    max_daily_loss=Decimal("0.9"),
    max_drawdown=Decimal("0.9"),
    price_collar=Decimal("0.5"),
    duplicate_window_s=None,
)
ASSETS: Mapping[str, Asset] = {
    **{symbol: Equity(symbol=symbol) for symbol in ("AAPL", "MSFT", "SPY", "BRK.B")},
    "BTC/USD": Crypto(symbol="BTC/USD", tick=Decimal("0.01"), lot=Decimal("0.000000001")),
    CALL: Option(symbol=CALL, underlying="AAPL"),
}
#: Times that nothing but a fault that is meant reaches.
PATIENT = dict.fromkeys(("timeout_s", "order_timeout_s", "connect_timeout_s"), PATIENCE_S)
EVERYTHING = frozenset({AssetClass.EQUITY, AssetClass.OPTION, AssetClass.CRYPTO})


def codes(order: OrderRecord) -> set[ReasonCode]:
    """Why an order was refused."""
    return {reason.code for reason in order.reasons}


class VenueTime:
    """The venue's clock, and durations of this machine, which may be skipped."""

    def __init__(self, server: AlpacaServer, skew: timedelta = timedelta(0)) -> None:
        self._server, self.skew, self._skipped_s = server, skew, 0.0

    def now(self) -> datetime:
        return datetime.fromisoformat(str(self._server.control.now())) + self.skew

    def monotonic(self) -> float:
        return time.monotonic() + self._skipped_s

    def skip(self, seconds: float) -> None:
        """Let so many seconds of this machine pass at once."""
        self._skipped_s += seconds


class WireDesk:
    """One account at the loopback venue; `open` starts a process's worth of objects."""

    def __init__(self, folder: Path, *, url: str | None = None, **venue) -> None:
        self.folder, self.url = folder, url
        settings = {"now": OPEN, "seed": 1, "rate_limit": None, **venue}
        self.server = AlpacaServer(folder / "venue.sqlite", **settings)
        self.server.start()
        self.venue = self.server.control
        self.clock = VenueTime(self.server)
        self.prices = {"AAPL": "100", "MSFT": "50", "SPY": "400", "BRK.B": "300"}
        self.quote(**self.prices)
        self.session: TradingSession
        self.broker: AlpacaBroker
        self.report: StartReport
        self._open: list[Callable[[], object]] = []

    def quote(self, spread: str = "0.02", **prices: str) -> None:
        """Set bid and ask around prices, with liquidity without end."""
        for symbol, price in prices.items():
            self.venue.set_quote(symbol, str(Decimal(price) - Decimal(spread)), price)

    def count_calls_by(self, monotonic: Callable[[], float]) -> None:
        """Let the minute of the venue's rate limit pass by a clock of the test, from now on."""
        limit = self.venue._parts.limit
        limit._monotonic, limit._started, limit._used = monotonic, monotonic(), 0

    def burst(self, orders: Sequence[str], *, times: int, repeats: int) -> None:
        """Fill orders in turn, a unit each time, their status told again and again before.

        It is one transaction of the venue: faster than its file could take them one by one.
        """
        with self.venue._core.transaction():
            for _ in range(times):
                for order in orders:
                    status = self.venue.order(order)["status"]
                    for _ in range(repeats):
                        self.venue.set_status(order, status)
                    self.venue.fill(order, qty=1)

    def open(
        self,
        *,
        broker_options: Mapping[str, object] | None = None,
        line: Callable[[Broker], Broker] | None = None,
        timing: Timing | None = None,
        **changes,
    ) -> TradingSession:
        """Start broker and session as a new process would, and wait for the stream.

        `line` puts something between the session and the adapter, such as a place to die at;
        `timing` is by which clock the adapter waits.
        """
        engine = open_engine(self.url or self.folder / "journal.sqlite")
        self._open.append(engine.dispose)
        options = {**PATIENT, **(broker_options or {})}
        self.broker = AlpacaBroker(
            "PKTEST",
            "secret",
            base_url=self.server.rest_url,
            stream_url=self.server.stream_url,
            is_live=False,
            rng=random.Random(7),
            options=AlpacaOptions(**options),
            timing=Timing() if timing is None else timing,
        ).open()
        self._open.append(self.broker.close)
        assert self.broker.wait_until_up(PATIENCE_S), self.broker.connection()
        settings = {
            "limits": WIDE,
            "grace": timedelta(milliseconds=50),
            "heartbeat": timedelta(hours=1),
            "assets": ASSETS,
            "permission": Permission(classes=EVERYTHING),
            **changes,
        }
        journal = Journal(engine, clock=self.clock, run_id="r1")
        self._open.append(journal.close)
        self.session = TradingSession(
            journal=journal,
            broker=self.broker if line is None else line(self.broker),
            clock=self.clock,
            **settings,
        )
        self.report = self.session.start()
        self.mark()
        return self.session

    def crash(self) -> None:
        """End the process's objects as the system would: nothing is said to anybody."""
        while self._open:
            self._open.pop()()

    def close(self) -> None:
        self.crash()
        self.server.stop()

    def mark(self, **prices: str) -> None:
        self.prices |= prices
        known = {symbol: Decimal(price) for symbol, price in self.prices.items()}
        self.session.mark(known)

    def intent(
        self, symbol="AAPL", units="10", name="one", *, limit: str | None = None, **changes
    ) -> OrderIntent:
        quantity = Decimal(units)
        account = self.session.account_id
        intent = OrderIntent(
            client_order_id=client_order_id(account, "c1", name),
            account=account,
            cycle_id="c1",
            symbol=symbol,
            side=Side.BUY if quantity > 0 else Side.SELL,
            quantity=abs(quantity),
            reference_price=Decimal(self.prices.get(symbol, "1")),
            created_at=OPEN,
        )
        if limit is not None:
            changes |= {"order_type": OrderType.LIMIT, "limit_price": Decimal(limit)}
        return replace(intent, **changes)

    def submit(self, *intents: OrderIntent) -> tuple[OrderRecord, ...]:
        return self.session.submit(intents or (self.intent(),))

    def rest(
        self, units: str = "10", name: str = "resting", limit: str = "99", **changes
    ) -> OrderIntent:
        """Place a limit order in AAPL that works and is not executed yet."""
        intent = self.intent(units=units, name=name, limit=limit, **changes)
        (order,) = self.submit(intent)
        assert order.status is OrderStatus.ACCEPTED
        self.until(lambda: self.venue_status(intent) == "new")
        return intent

    def hold(self, symbol: str, units: str, name: str = "held") -> None:
        """Buy (or sell) until the position is there and settled."""
        (order,) = self.submit(self.intent(symbol, units, name))
        self.until(lambda: self.status(order) is OrderStatus.FILLED)

    def status(self, order: OrderRecord | OrderIntent) -> OrderStatus:
        known = self.session.order(order.client_order_id)
        assert known is not None
        return known.status

    def venue_status(self, order: OrderRecord | OrderIntent) -> str:
        """What the venue itself says of an order."""
        return str(self.venue.order(order.client_order_id)["status"])

    def until(self, is_done: Callable[[], object]) -> tuple[Fill, ...]:
        """Collect until something is so; fail loudly if it never is."""
        fills: tuple[Fill, ...] = ()
        end = time.monotonic() + PATIENCE_S
        while True:
            fills = (*fills, *self.session.collect_fills())
            if is_done():
                return fills
            orders = [(o.client_order_id[:8], str(o.status)) for o in self.session.journal.orders()]
            assert time.monotonic() < end, f"it never happened: {orders}, alerts {self.alerts()}"
            time.sleep(0.01)

    def alerts(self) -> list[str]:
        return [alert.code for alert in self.session.journal.alerts()]

    def posts(self, order: OrderRecord | OrderIntent) -> int:
        """How many POSTs of an order reached the venue's own record."""
        return len(self.venue.requests("POST", client_order_id=order.client_order_id))
