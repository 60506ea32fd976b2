"""A desk in a box: venue, clock and journal that outlive the sessions opened on them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from alphalens.assets import Equity
from alphalens.brokers import Broker, CostModel, NextClose, PaperBroker
from alphalens.execution import Journal, TradingSession
from alphalens.risk import RiskLimits
from alphalens.storage import open_engine
from alphalens.trading import Bar, OrderIntent, Side, Target, VirtualClock
from alphalens.trading.orders import client_order_id

T0 = datetime(2024, 1, 2, 21, tzinfo=UTC)
DAY = timedelta(days=1)
WIDE = RiskLimits(
    max_order=Decimal(2),
    approval_above=None,
    max_position=Decimal(2),
    max_gross=Decimal(2),
    max_net=Decimal(2),
    max_daily_loss=Decimal("0.5"),
    max_drawdown=Decimal("0.5"),
)


class Desk:
    """One account; `open` starts a session as a new process would."""

    def __init__(self, folder, engine: sa.Engine | None = None) -> None:
        self.path = folder / "desk.sqlite"
        self.engine = engine
        self.clock = VirtualClock(T0)
        self.prices = {s: Decimal(100) for s in ("A", "B", "C")}
        self.venue = PaperBroker(
            account_id="P1",
            cash=Decimal(10_000),
            clock=self.clock,
            fill_model=NextClose(),
            cost_model=CostModel(half_spread_bps=Decimal(0)),
        )
        self.engines = []
        self.journal = None
        self.show_bars()

    def new_session(self, line: Broker | None = None, **changes) -> TradingSession:
        engine = self.engine
        if engine is None:
            engine = open_engine(self.path)
            self.engines.append(engine)
        settings = {
            "limits": WIDE,
            "grace": timedelta(0),
            "assets": {symbol: Equity(symbol=symbol) for symbol in self.prices},
            **changes,
        }
        if self.journal is not None:
            self.journal.close()  # the process before this one has ended
        self.journal = Journal(engine, clock=self.clock, run_id="r1")
        return TradingSession(
            journal=self.journal,
            broker=self.venue if line is None else line,
            clock=self.clock,
            **settings,
        )

    def open(self, line: Broker | None = None, **changes) -> TradingSession:
        session = self.new_session(line, **changes)
        session.start()
        session.mark(self.prices)
        return session

    def show_bars(self) -> None:
        now = self.clock.now()
        self.venue.on_bars([Bar(symbol=s, at=now, close=p) for s, p in self.prices.items()])

    def next_day(self, session: TradingSession | None = None, **prices: str) -> None:
        self.prices |= {symbol: Decimal(price) for symbol, price in prices.items()}
        self.clock.advance_to(self.clock.now() + DAY)
        self.show_bars()
        if session is not None:
            session.collect_fills()
            session.mark(self.prices)

    def intent(self, symbol="A", units="10", cycle_id="c1", leg="open", **changes) -> OrderIntent:
        quantity = Decimal(units)
        intent = OrderIntent(
            client_order_id=client_order_id("P1", cycle_id, f"{symbol}:{leg}"),
            account="P1",
            cycle_id=cycle_id,
            symbol=symbol,
            side=Side.BUY if quantity > 0 else Side.SELL,
            quantity=abs(quantity),
            reference_price=self.prices[symbol],
            created_at=self.clock.now(),
        )
        return replace(intent, **changes)

    def target(self, **weights: float) -> Target:
        return Target(name="t", asof=self.clock.now(), weights=weights)

    def held(self) -> Mapping[str, Decimal]:
        return dict(self.venue.positions())


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path)
    yield desk
    for engine in desk.engines:
        engine.dispose()
