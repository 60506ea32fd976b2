"""A seeded sequence of calls on a paper venue, the same in every process.

Run as a program it says after each call that it was answered, until it is killed.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from alphalens.brokers import CostModel, NextOpen, PaperBroker
from alphalens.brokers.margin import Financing
from alphalens.brokers.matching import SizedQuote
from alphalens.errors import BrokerError
from alphalens.trading import Bar, OrderIntent, Side, VirtualClock
from alphalens.trading.activities import Split
from alphalens.trading.codec import canonical_json
from alphalens.trading.orders import Leg, OrderClass, OrderType, TimeInForce

D = Decimal
START = datetime(2024, 1, 2, 21, tzinfo=UTC)
SYMBOLS = ("AAA", "BBB", "CCC")
QUOTED = "QQQ"
CASH = D(100_000)


class Day:
    """The venue, and a hand that makes the calls.

    Parameters
    ----------
    seed : int
        The same seed makes the same calls.
    store : Path or None
        The venue's file.
    """

    def __init__(self, seed: int, store: Path | None = None) -> None:
        self.random = random.Random(seed)
        self.clock = VirtualClock(START)
        self.broker = PaperBroker(
            account_id="P1",
            cash=CASH,
            clock=self.clock,
            fill_model=NextOpen(),
            cost_model=CostModel(commission_per_unit=D("0.01"), minimum_commission=D(1)),
            financing=Financing(),
            max_volume_share=D("0.2"),
            latency=(timedelta(0), timedelta(hours=30)),
            seed=seed,
            store=store,
        )
        self.sent: list[str] = []
        self.intents: dict[str, OrderIntent] = {}
        self.prices = dict.fromkeys((*SYMBOLS, QUOTED), 100.0)
        self.step = 0
        self.calls = {
            self.bars: 4,
            self.quotes: 4,
            self.send: 8,
            self.replace: 2,
            self.cancel: 2,
            self.split: 1,
            self.dividend: 1,
        }

    def call(self) -> None:
        """Make the next call; a refusal is an answer."""
        self.step += 1
        first = {1: self.bars, 2: self.quotes}.get(self.step)
        call = first or self.random.choices(list(self.calls), list(self.calls.values()))[0]
        try:
            call()
        except BrokerError:
            return

    def bars(self) -> None:
        self.clock.advance_to(self.clock.now() + timedelta(days=1))
        self.broker.on_bars([self.bar(symbol) for symbol in SYMBOLS if self.random.random() < 0.9])

    def bar(self, symbol: str) -> Bar:
        opened = self.moved(symbol)
        closed = self.moved(symbol)
        low, high = min(opened, closed) * D("0.98"), max(opened, closed) * D("1.02")
        volume = D(self.random.randrange(0, 200))
        return Bar(
            symbol=symbol,
            at=self.clock.now(),
            open=opened,
            high=high,
            low=low,
            close=closed,
            volume=volume,
        )

    def quotes(self) -> None:
        self.clock.advance_to(self.clock.now() + timedelta(minutes=1))
        bid = self.moved(QUOTED)
        size = D(self.random.randrange(0, 20))
        quote = SizedQuote(
            symbol=QUOTED,
            at=self.clock.now(),
            bid=bid,
            ask=bid + D("0.05"),
            bid_size=size,
            ask_size=size,
        )
        self.broker.on_quotes([quote])

    def send(self) -> None:
        intent = self.intent(f"o{self.step}")
        self.broker.submit(intent)
        self.keep(intent)

    def keep(self, intent: OrderIntent) -> None:
        self.sent.append(intent.client_order_id)
        self.intents[intent.client_order_id] = intent

    def replace(self) -> None:
        working = [order.client_order_id for order in self.broker.open_orders()]
        names = [name for name in working if name in self.intents] or self.sent
        if not names:
            return
        name = self.random.choice(names)
        quantity = D(self.random.randrange(1, 40))
        new = replace(self.intents[name], client_order_id=f"r{self.step}", quantity=quantity)
        self.broker.replace(name, new)
        self.keep(new)

    def cancel(self) -> None:
        if self.sent:
            self.broker.cancel(self.random.choice(self.sent))

    def split(self) -> None:
        symbol = self.random.choice(SYMBOLS)
        new, old = self.random.choice([(2, 1), (1, 2)])
        at = self.clock.now()
        self.prices[symbol] *= old / new
        self.broker.on_activity(
            Split(activity_id=f"s{self.step}", symbol=symbol, new=D(new), old=D(old), at=at)
        )

    def dividend(self) -> None:
        self.broker.on_dividend(self.random.choice(SYMBOLS), D("0.25"), at=self.clock.now())

    def intent(self, name: str) -> OrderIntent:
        symbol = self.random.choice((*SYMBOLS, QUOTED))
        side = self.random.choice(list(Side))
        price = D(str(round(self.prices[symbol], 2)))
        worse, better = price + side.sign * D(3), price - side.sign * D(3)
        kind = self.random.choice(list(OrderType))
        fields = {
            OrderType.MARKET: {},
            OrderType.LIMIT: {"limit_price": better},
            OrderType.STOP: {"stop_price": worse},
            OrderType.STOP_LIMIT: {"stop_price": worse, "limit_price": worse},
            OrderType.TRAILING_STOP: {"trail_amount": D(2)},
        }[kind]
        order_class = self.random.choices(list(OrderClass), [6, 2, 1, 1, 1])[0]
        if order_class is OrderClass.MULTILEG:
            kind, side = OrderType.MARKET, Side.BUY
            legs = (Leg(symbol="AAA", side=Side.BUY), Leg(symbol="BBB", side=Side.SELL, ratio=2))
            fields = {"legs": legs}
        elif order_class is not OrderClass.SIMPLE:
            up, down = price * D("1.05"), price * D("0.95")
            is_long = (side is Side.BUY) != (order_class is OrderClass.OCO)
            fields["stop_loss"] = down if is_long else up
            if order_class is not OrderClass.OTO:
                fields["take_profit"] = up if is_long else down
        is_plain = order_class is OrderClass.SIMPLE and kind in (OrderType.MARKET, OrderType.LIMIT)
        tifs = list(TimeInForce) if is_plain else [TimeInForce.GTC, TimeInForce.DAY]
        return OrderIntent(
            client_order_id=name,
            account="P1",
            cycle_id="c",
            symbol=symbol,
            side=side,
            quantity=D(self.random.randrange(1, 40)),
            reference_price=price,
            created_at=START,
            order_type=kind,
            time_in_force=self.random.choice(tifs),
            order_class=order_class,
            **fields,
        )

    def moved(self, symbol: str) -> Decimal:
        self.prices[symbol] *= 1 + self.random.uniform(-0.04, 0.04)
        return D(str(round(self.prices[symbol], 2)))


def picture(broker: PaperBroker, sent: list[str]) -> str:
    """Return all that the venue says of its orders and its book, as one text."""
    orders = [broker.order(name) for name in sent]
    account = broker.account()
    return canonical_json(
        {
            "orders": orders,
            "open": list(broker.open_orders()),
            "fills": list(broker.fills()),
            "activities": list(broker.activities()),
            "positions": broker.positions(),
            "cash": account.cash,
            "entries": account.entry_prices,
        }
    )


def main(seed: str, store: str) -> None:
    """Make calls for ever, and say after each that it was answered."""
    day = Day(int(seed), Path(store))
    while True:
        day.call()
        sys.stdout.write(f"{day.step}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
