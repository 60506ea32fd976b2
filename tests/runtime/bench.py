"""A paper desk whose loop runs on a virtual clock, and whose venue and quotes a test leads."""

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from alphalens.assets import Equity
from alphalens.brokers import PaperBroker
from alphalens.config import load_settings
from alphalens.errors import BrokerError
from alphalens.runtime import LoopPace, open_desk, run_desk
from alphalens.trading import OrderIntent, Side, VirtualClock
from alphalens.trading.market import Quote, TradingStatus
from alphalens.trading.orders import client_order_id

D = Decimal
T0 = datetime(2024, 1, 2, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)
ASSETS = {symbol: Equity(symbol=symbol) for symbol in ("AAPL", "MSFT")}


class Venue(PaperBroker):
    """The paper venue behind a line that can be cut; it counts the questions it hears."""

    trouble: BrokerError | None = None
    asked = 0

    def fills(self, *, after: str = ""):
        self.asked += 1
        if self.trouble is not None:
            raise self.trouble
        return super().fills(after=after)


class JumpingClock(VirtualClock):
    """A clock that somebody sets back; its monotonic seconds go on."""

    back = timedelta(0)

    def now(self) -> datetime:
        return super().now() - self.back


class Feed:
    """Quotes as a test gives them."""

    is_up, problem, gaps = True, "", 0

    def __init__(self) -> None:
        self.readings: list[Quote | TradingStatus] = []

    def take(self):
        taken, self.readings = self.readings, []
        return taken


class Bench:
    """A paper desk on a virtual clock; sleeping moves the clock and may do something more."""

    def __init__(self, folder) -> None:
        self.clock, self.folder = VirtualClock(T0), folder
        self.venue = Venue(account_id="paper", cash=D(10_000), clock=self.clock)
        self.feed, self.turns, self.events = Feed(), 0, {}
        self.session = None

    @contextmanager
    def open(self, **changes: str):
        settings = load_settings(env_file=None, environ={}, overrides=changes)
        with open_desk(
            settings,
            assets=ASSETS,
            folder=self.folder,
            run_id="r",
            clock=self.clock,
            broker=self.venue,
        ) as session:
            self.session = session
            yield session

    def at(self, turn: int, act) -> None:
        self.events[turn] = act

    def sleep(self, seconds: float) -> None:
        self.clock.advance_to(VirtualClock.now(self.clock) + timedelta(seconds=seconds))
        self.turns += 1
        self.events.get(self.turns, lambda: None)()

    def run(self, turns: int = 10, **changes):
        pace = changes.pop("pace", LoopPace(turn_s=1.0))
        stop = changes.pop("stop", lambda: self.turns >= turns)
        return run_desk(self.session, pace=pace, sleep=self.sleep, stop=stop, **changes)

    def quote(
        self,
        bid: str = "99.99",
        ask: str = "100.01",
        symbol: str = "AAPL",
        ahead: timedelta = timedelta(0),
    ) -> None:
        told = Quote(symbol=symbol, at=self.clock.now() + ahead, bid=D(bid), ask=D(ask))
        self.feed.readings.append(told)

    def status(self, *, is_halted: bool, symbol: str = "AAPL") -> None:
        code, now = "H" if is_halted else "T", self.clock.now()
        told = TradingStatus(symbol=symbol, at=now, code=code, is_halted=is_halted)
        self.feed.readings.append(told)

    def lose_feed(self) -> None:
        self.feed.is_up, self.feed.problem = False, "the stream is down"
        self.feed.gaps += 1

    def buy(self, name: str = "one", **changes) -> OrderIntent:
        fields = {
            "client_order_id": client_order_id("paper", "c1", name),
            "account": "paper",
            "cycle_id": "c1",
            "symbol": "AAPL",
            "side": Side.BUY,
            "quantity": D(2),
            "reference_price": D(100),
            "created_at": self.clock.now(),
        }
        return OrderIntent(**{**fields, **changes})

    def told(self, *codes: str) -> list[str]:
        return [one.code for one in self.session.journal.alerts() if one.code in codes]
